/** What the modules of the page find in a browser, for tests that run without one. */

export interface Asked {
  readonly method: string;
  readonly href: string;
  readonly ifMatch: string | null;
}

export type Laid = readonly [status: number, members: object];

/** Requests are noted, and get the answers that are laid ready for them, in their order. */
export function answering(...laid: readonly Laid[]): readonly Asked[] {
  const asked: Asked[] = [];
  globalThis.fetch = async (href, { method = "GET", headers } = {}) => {
    const [status, members] = laid[asked.length] ?? [500, {}];
    asked.push({ method, href: String(href), ifMatch: new Headers(headers).get("If-Match") });
    return new Response(JSON.stringify(members), { status });
  };
  return asked;
}

export function refusal(slug: string, status: number, more: object = {}): Laid {
  return [status, { type: `/problems/${slug}`, status, detail: "", next: "", ...more }];
}

/** The feed of changes, as it is told to the page. */
export class Feed {
  static open: Feed | null = null;
  onopen: () => void = () => {};
  onmessage: (event: { data: string }) => void = () => {};

  constructor() {
    Feed.open = this;
  }

  tell(line: object): void {
    this.onmessage({ data: JSON.stringify(line) });
  }
}

/** The window as it is right after the page of a folder was loaded. */
export function loaded(pathname: string): void {
  Object.assign(globalThis, {
    location: { pathname },
    document: Object.assign(new EventTarget(), {
      documentElement: {},
      visibilityState: "visible",
      querySelector: () => null,
    }),
    history: { pushState: () => {} },
    addEventListener: () => {},
    scrollTo: () => {},
    EventSource: Feed,
  });
}
