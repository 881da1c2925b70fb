/** What is on its way: one file or folder, from the moment it was dropped to its line in the report. */

/** A version that stands in the way, as far as whoever uploads may know it. */
export interface Existing {
  readonly href: string;
  readonly etag?: string;
  readonly version?: number;
  readonly size?: number;
  readonly modified?: string;
  readonly media_type?: string;
  readonly digest?: string;
}

/** A complete request that settles a conflict whose bytes have arrived. */
export interface Resolution {
  readonly action: "replace" | "store" | "link" | "discard";
  readonly method: string;
  readonly href: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Why something was refused. `slug` is the last part of the problem's type. */
export interface Refusal {
  readonly slug: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly next: string;
  readonly existing?: Existing;
  readonly identical?: boolean;
  readonly retryable?: boolean;
  readonly upload?: { readonly href: string; readonly expires: string };
  readonly resolutions?: readonly Resolution[];
}

export const KINDS = ["name", "equivalent", "content", "clash", "gone"] as const;
/**
 * What it collides on: its name, a name that counts as the same, its content, or a folder. Or what
 * was to be replaced is gone.
 */
export type Kind = (typeof KINDS)[number];

export type Choice = "store" | "replace" | "both" | "link" | "use" | "skip";

/** A conflict that waits for the word of a person. */
export interface Question {
  readonly kind: Kind;
  readonly existing?: Existing;
  /** The file was changed by somebody else after it was shown. */
  readonly changed: boolean;
  readonly mayReplace: boolean;
  /** Where it would be stored beside what is there; empty until that is known. */
  readonly free: string;
  /** The bytes have arrived, and wait there. */
  readonly resolutions: readonly Resolution[];
}

/** How it will be stored. */
export interface Plan {
  readonly path: string;
  readonly as: "stored" | "replaced" | "both" | "linked";
  readonly ifMatch?: string;
  readonly ifNoneMatch?: boolean;
  /** A request that does it, where the bytes have arrived. */
  readonly settle?: Resolution;
}

export type Result =
  | "stored"
  | "there"
  | "replaced"
  | "both"
  | "linked"
  | "received"
  | "skipped"
  | "undone";

export type Phase =
  | "waiting"
  | "hashing"
  | "question"
  | "ready"
  | "sending"
  | "done"
  | "failed"
  | "lost";

export interface Undo {
  readonly method: "DELETE" | "POST";
  readonly href: string;
  readonly etag: string;
}

export interface Item {
  readonly id: string;
  readonly type: "file" | "folder";
  /** From the top of the tree, not percent-encoded. */
  readonly path: string;
  readonly size: number;
  /** When the file was changed, in milliseconds. */
  readonly modified: number;
  readonly phase: Phase;
  /** Held back by its own button. */
  readonly held: boolean;
  readonly sent: number;
  /** How much of it has been read for its digest. */
  readonly read?: number;
  /** How often the server itself could not take it; a network that is gone does not count. */
  readonly tries: number;
  /** Not to be tried before this moment, in milliseconds. */
  readonly until: number;
  /** The same for every try of one request. */
  readonly key: string;
  readonly digest?: string;
  readonly plan?: Plan;
  /** Where an upload in pieces goes on. */
  readonly upload?: string;
  /** By which the bytes that it was begun with are known again; empty where that cannot be. */
  readonly print?: string;
  readonly question?: Question;
  readonly result?: Result;
  readonly href?: string;
  readonly undo?: Undo;
  readonly refusal?: Refusal;
}

/** What a person dropped: a file of this name below the folder on the page. */
export interface Dropped {
  readonly type: "file" | "folder";
  readonly path: string;
  readonly size: number;
  readonly modified: number;
}

export function newItem(dropped: Dropped, id: string): Item {
  const { type, path, size, modified } = dropped;
  const begun = { phase: "waiting", held: false, sent: 0, tries: 0, until: 0 } as const;
  return { id, type, path, size, modified, key: id, ...begun };
}

/** What the browser cannot read has to be chosen anew. */
export function canBeTried({ phase, refusal }: Item): boolean {
  return phase === "failed" && refusal?.slug !== "not-readable";
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function hrefOf(path: string): string {
  return `/files/${path.split("/").map(encodeURIComponent).join("/")}`;
}

export function pathOf(href: string): string {
  const parts = href
    .replace(/^\/files\//, "")
    .replace(/\/$/, "")
    .split("/");
  return parts.map(decodeURIComponent).join("/");
}
