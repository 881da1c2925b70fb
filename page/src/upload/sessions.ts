/** Which tab an upload belongs to. What no tab answers for any more is taken over by the next. */

const STORED = "noclobber.session";
const CHANNEL = "noclobber-uploads";
const PATIENCE_MS = 500;

interface Asking {
  readonly who: string;
}

interface Answering {
  readonly here: string;
}

/** The same after a reload of the tab. A second tab that was made from this one gets its own. */
export function ownSession(): string {
  const fresh = crypto.getRandomValues(new Uint32Array(4)).join("-");
  try {
    const before = sessionStorage.getItem(STORED);
    if (before && !isDuplicate()) return before;
    sessionStorage.setItem(STORED, fresh);
  } catch {
    // Private windows may refuse: then the session lasts as long as the page.
  }
  return fresh;
}

function isDuplicate(): boolean {
  const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return entry?.type === "navigate" && globalThis.opener !== null;
}

export class Sessions {
  private readonly own: string;
  private readonly channel = new BroadcastChannel(CHANNEL);

  constructor(own: string) {
    this.own = own;
    this.channel.addEventListener("message", ({ data }: MessageEvent<Asking | Answering>) => {
      if ("who" in data && data.who === own) this.channel.postMessage({ here: own });
    });
  }

  /** Those for which no tab answers: its own tab is this one, or it is gone. */
  async orphans(sessions: ReadonlySet<string>): Promise<Set<string>> {
    const left = new Set(sessions);
    const others = [...left].filter((session) => session !== this.own);
    if (!others.length) return left;
    const hear = ({ data }: MessageEvent<Asking | Answering>) => {
      if ("here" in data) left.delete(data.here);
    };
    this.channel.addEventListener("message", hear);
    for (const who of others) this.channel.postMessage({ who } satisfies Asking);
    await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
    this.channel.removeEventListener("message", hear);
    return left;
  }
}
