/** Which tab an upload belongs to. What no tab answers for any more is taken over by the next. */

import { freshId } from "./keys.ts";

const STORED = "noclobber.session";
const PAUSED = "noclobber.paused";
const CHANNEL = "noclobber-uploads";
const PATIENCE_MS = 300;

interface Asking {
  readonly who: string;
}

interface Answering {
  readonly here: string;
}

export function freshSession(): string {
  const fresh = freshId();
  try {
    sessionStorage.setItem(STORED, fresh);
  } catch {
    // Private windows may refuse: then the session lasts as long as the page.
  }
  return fresh;
}

/** The same after a reload of the tab. */
export function ownSession(): string {
  try {
    return sessionStorage.getItem(STORED) ?? freshSession();
  } catch {
    return freshSession();
  }
}

/** Whoever has paused before a reload has not said "go on" by it. */
export function notePaused(isPaused: boolean): void {
  try {
    if (isPaused) sessionStorage.setItem(PAUSED, "");
    else sessionStorage.removeItem(PAUSED);
  } catch {
    // Then a reload goes on.
  }
}

export function wasPaused(): boolean {
  try {
    return sessionStorage.getItem(PAUSED) !== null;
  } catch {
    return false;
  }
}

export class Sessions {
  /** What this tab answers for. */
  own: string;
  private readonly channel = new BroadcastChannel(CHANNEL);

  constructor(own: string) {
    this.own = own;
    this.channel.addEventListener("message", ({ data }: MessageEvent<Asking | Answering>) => {
      if ("who" in data && data.who === this.own) this.channel.postMessage({ here: this.own });
    });
  }

  /** Those for which no other tab answers. A tab that was made from another has its session. */
  async orphans(sessions: ReadonlySet<string>): Promise<Set<string>> {
    const left = new Set(sessions);
    const hear = ({ data }: MessageEvent<Asking | Answering>) => {
      if ("here" in data) left.delete(data.here);
    };
    this.channel.addEventListener("message", hear);
    for (const who of sessions) this.channel.postMessage({ who } satisfies Asking);
    await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
    this.channel.removeEventListener("message", hear);
    return left;
  }
}
