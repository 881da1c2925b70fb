/** From what the server says of an item to what is to be done with it. Pure. */

import type { Existing, Item, Kind, Plan, Question, Refusal } from "./item.ts";
import { pathIn } from "./questions.ts";

/** One line of a preflight: of an upload that would be stored, or refused. */
export interface Verdict {
  readonly item: number;
  readonly verdict: string;
  readonly sure: boolean;
  readonly may_be: readonly string[];
  readonly status: number;
  readonly same_size?: boolean;
  readonly earlier?: number;
  readonly existing?: Existing;
  readonly stored_as?: string;
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly next?: string;
  readonly retryable?: boolean;
}

export type Step =
  | { readonly do: "send"; readonly plan: Plan }
  | { readonly do: "hash" }
  | { readonly do: "ask"; readonly question: Question }
  | { readonly do: "leave"; readonly existing?: Existing }
  | { readonly do: "wait" }
  /** From the beginning, by what was decided. */
  | { readonly do: "again"; readonly plan: Plan }
  | { readonly do: "fail"; readonly refusal: Refusal };

const KIND_OF: Readonly<Record<string, Kind>> = {
  "name-taken": "name",
  "stale-version": "name",
  "name-equivalent": "equivalent",
  "content-known": "content",
  "type-clash": "clash",
};
const PASSING = new Set(["in-progress", "name-reserved", "locked", "too-many-uploads"]);

const GONE = new Set([404, 410]);

/** Smaller copies of one file are as soon sent as digested. */
const WORTH_A_DIGEST = 64 << 10;

export function refusalOf(verdict: Verdict): Refusal {
  const { title = "", detail = "", next = "", status, existing } = verdict;
  const seen = existing ? { existing } : {};
  return { slug: verdict.verdict, status, title, detail, next, ...seen };
}

/** `shares`: another file of the same length is about to be sent. */
export function judged(item: Item, verdict: Verdict, shares: boolean): Step {
  if (isWorthADigest(item, verdict, shares)) return { do: "hash" };
  switch (verdict.verdict) {
    case "create":
    case "rename":
    case "replace":
      return { do: "send", plan: { path: item.path, as: "stored" } };
    case "link":
      return { do: "send", plan: { path: item.path, as: "linked" } };
    case "unchanged":
      return { do: "leave", ...seen(verdict.existing) };
    case "condition-required":
      return conditional(item, verdict);
    default:
      return refused(item, refusalOf(verdict), verdict.earlier !== undefined);
  }
}

/** What the upload itself was refused for, or what a preflight foretells of it. */
export function refused(item: Item, refusal: Refusal, byItsLike = false): Step {
  if (
    refusal.slug === "already-stored" ||
    (refusal.identical && refusal.slug === "stale-version")
  ) {
    return { do: "leave", ...seen(refusal.existing) };
  }
  // A folder that is there already is what was wanted.
  const isFolder = refusal.existing?.href.endsWith("/") ?? false;
  if (item.type === "folder" && isFolder) return { do: "leave", ...seen(refusal.existing) };
  if (PASSING.has(refusal.slug) || refusal.retryable) return { do: "wait" };
  // Who drops two copies wants both names; and all empty files are alike.
  if (refusal.slug === "content-known" && (byItsLike || item.size === 0)) {
    const settle = refusal.resolutions?.find(({ action }) => action === "link");
    return { do: "send", plan: { path: item.path, as: "linked", ...(settle ? { settle } : {}) } };
  }
  const store = refusal.resolutions?.find(({ action }) => action === "store");
  if (item.plan?.as === "both" && store) {
    // The name that was free is taken by now; there is another.
    return {
      do: "send",
      plan: { path: pathIn(store.href) ?? item.path, as: "both", settle: store },
    };
  }
  if (item.plan?.settle && GONE.has(refusal.status)) {
    // Its bytes were kept for their time only.
    const { settle: _, ...plan } = item.plan;
    return { do: "again", plan };
  }
  const kind = KIND_OF[refusal.slug];
  return kind ? { do: "ask", question: questionOf(item, kind, refusal) } : { do: "fail", refusal };
}

export function questionOf(item: Item, kind: Kind, refusal: Refusal): Question {
  const { existing, resolutions = [] } = refusal;
  // Who chose to replace what was shown is told where that is not there any more.
  const changed = refusal.slug === "stale-version" && item.plan?.ifMatch !== undefined;
  const now = changed && !existing ? "gone" : kind;
  return { kind: now, changed, mayReplace: false, free: "", resolutions, ...seen(existing) };
}

function conditional(item: Item, { existing, ...verdict }: Verdict): Step {
  if (!existing) {
    return { do: "send", plan: { path: item.path, as: "stored", ifNoneMatch: true } };
  }
  return { do: "ask", question: questionOf(item, "name", { ...refusalOf(verdict), existing }) };
}

/** Only where somebody has a content of this length may the bytes be known. */
function isWorthADigest(item: Item, verdict: Verdict, shares: boolean): boolean {
  if (item.digest !== undefined || item.size === 0 || item.type === "folder") return false;
  if (verdict.may_be.includes("already-stored") || verdict.may_be.includes("unchanged"))
    return true;
  if (verdict.status >= 400 && KIND_OF[verdict.verdict] === undefined) return false;
  return verdict.same_size === true || (shares && item.size >= WORTH_A_DIGEST);
}

function seen(existing: Existing | undefined): { existing?: Existing } {
  return existing ? { existing } : {};
}
