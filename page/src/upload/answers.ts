/** What the server answered to an upload: stored, refused, or nothing at all. Pure. */

import type { Existing, Plan, Refusal, Result, Undo } from "./item.ts";

export interface Stored {
  readonly result: Result;
  readonly href?: string;
  readonly undo?: Undo;
}

export type Outcome =
  | { readonly is: "stored"; readonly stored: Stored }
  | { readonly is: "refused"; readonly refusal: Refusal }
  /** `answered`: by the server, which could not take it now; `after` so many seconds it may. */
  | { readonly is: "broken"; readonly answered: boolean; readonly after?: number };

/** Nothing wrong with the request itself: the same may well succeed a little later. */
const AGAIN = new Set([0, 408, 429, 500, 502, 503, 504]);
/** Another request goes on with the same upload: this one asks how far it came, and goes on too. */
const BESIDE = new Set(["wrong-offset", "taken-over", "in-progress"]);
/** The number of the version that was replaced. */
const PREDECESSOR = /[?&]version=(\d+)>; rel="predecessor-version"/;

export interface Told {
  readonly status: number;
  readonly text: string;
  header(name: string): string | null;
}

export function outcomeOf(told: Told, plan: Plan): Outcome {
  if (isGood(told.status)) {
    return isOurs(told)
      ? { is: "stored", stored: storedOf(told, plan) }
      : { is: "broken", answered: false };
  }
  if (AGAIN.has(told.status)) return broken(told);
  const refusal = refusalIn(told);
  return refusal.retryable || BESIDE.has(refusal.slug) ? broken(told) : { is: "refused", refusal };
}

export function isGood(status: number): boolean {
  return status >= 200 && status < 300;
}

/** A proxy may answer in the server's place, with a page to sign in: then nothing was stored. */
function isOurs(told: Told): boolean {
  const members = parsed(told.text);
  if (members) return ["href", "received", "deleted"].some((name) => name in members);
  return ["Content-Location", "Upload-Offset"].some((name) => told.header(name) !== null);
}

function broken(told: Told): Outcome {
  const after = Number(told.header("Retry-After") ?? Number.NaN);
  const answered = told.status > 0;
  return { is: "broken", answered, ...(Number.isFinite(after) ? { after } : {}) };
}

export function refusalIn({ status, text }: Pick<Told, "status" | "text">): Refusal {
  try {
    const members = JSON.parse(text) as Refusal & { type: string };
    return { ...members, slug: members.type.split("/").at(-1) ?? "" };
  } catch {
    return { slug: "unreadable", status, title: `HTTP ${status}`, detail: "", next: "" };
  }
}

function storedOf(told: Told, plan: Plan): Stored {
  const members = parsed(told.text);
  const href = members?.href ?? plainHref(told.header("Content-Location"));
  // Who may create but not look is told that it was received, and no more.
  if (!href) return { result: "received" };
  const links = told.header("Link") ?? "";
  const before = PREDECESSOR.exec(links)?.[1];
  if (!before && told.status === 200) return { result: "there", href };
  const undo = undoing(href, members?.etag ?? told.header("ETag"), before, plan);
  return { result: resultOf(links, before, plan), href, ...(undo ? { undo } : {}) };
}

/** What has come of it, which is not always what was foretold. */
function resultOf(links: string, before: string | undefined, plan: Plan): Result {
  if (before) return "replaced";
  return plan.as === "stored" && links.includes('rel="duplicate"') ? "linked" : plan.as;
}

/**
 * What takes it back, under a condition that spares what came after it. What it took the place of
 * is brought back, and where that is not known nothing is taken back: it is somebody else's.
 */
function undoing(
  href: string,
  etag: string | null,
  before: string | undefined,
  plan: Plan,
): Undo | null {
  if (!etag) return null;
  if (before) return { method: "POST", href: `${href}?restore=${before}`, etag };
  return plan.as === "replaced" ? null : { method: "DELETE", href, etag };
}

function plainHref(location: string | null): string | undefined {
  return location?.startsWith("/files/") ? location : undefined;
}

function parsed(text: string): Existing | null {
  try {
    const members: unknown = JSON.parse(text);
    return typeof members === "object" ? (members as Existing | null) : null;
  } catch {
    return null;
  }
}
