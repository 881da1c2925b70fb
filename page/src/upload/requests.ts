/** The requests that an upload is made of. Each says what came of it, and throws nothing. */

import type { Outcome } from "./answers.ts";
import { outcomeOf, refusalIn } from "./answers.ts";
import type { Item, Plan, Refusal, Resolution, Undo } from "./item.ts";
import { hrefOf } from "./item.ts";
import { transfer } from "./transfer.ts";
import type { Verdict } from "./verdicts.ts";

/** An upload as it would be sent. */
export interface Asked {
  readonly path: string;
  readonly size: number;
  readonly digest?: string;
  readonly if_match?: string;
}

export interface Verdicts {
  readonly algorithm: string;
  readonly verdicts: readonly Verdict[];
}

export type Foretold = Verdicts | { readonly refusal: Refusal } | "no answer";

export async function preflight(items: readonly Asked[], signal: AbortSignal): Promise<Foretold> {
  const body = new Blob([JSON.stringify({ items })], { type: "application/json" });
  const told = await transfer({ method: "POST", href: "/preflight", headers: {}, body, signal });
  try {
    if (told.status === 200) {
      const foretold = JSON.parse(told.text) as Partial<Verdicts>;
      return foretold.verdicts ? (foretold as Verdicts) : "no answer";
    }
  } catch {
    return "no answer";
  }
  return outcomeOf(told, NOWHERE).is === "broken" ? "no answer" : { refusal: refusalIn(told) };
}

const NOWHERE: Plan = { path: "", as: "stored" };

/** What every way of sending says of it. */
export function conditionsOf(item: Item, plan: Plan): Record<string, string> {
  const headers: Record<string, string> = { "Idempotency-Key": `"${item.key}"` };
  if (plan.ifMatch) headers["If-Match"] = plan.ifMatch;
  if (plan.ifNoneMatch) headers["If-None-Match"] = "*";
  // What somebody else has stored meanwhile is told apart from what is stored here.
  headers.Prefer = "same-file=refuse";
  // Who has decided on a place for it has decided, wherever else the content stands.
  if (plan.as !== "stored" || item.size === 0) headers.Prefer += ", same-content=link";
  return headers;
}

/** The whole file in one request. */
export async function put(
  item: Item,
  plan: Plan,
  body: Blob,
  signal: AbortSignal,
  sent: (bytes: number) => void,
): Promise<Outcome> {
  const headers = conditionsOf(item, plan);
  const href = hrefOf(plan.path);
  return outcomeOf(await transfer({ method: "PUT", href, headers, body, signal, sent }), plan);
}

/** A name for a content that is there already: no byte of it is sent. */
export async function claim(item: Item, plan: Plan, signal: AbortSignal): Promise<Outcome> {
  const headers = {
    ...conditionsOf(item, plan),
    Prefer: "same-content=link",
    "Repr-Digest": fieldOf(item.digest ?? ""),
  };
  return outcomeOf(
    await transfer({ method: "PUT", href: hrefOf(plan.path), headers, body: null, signal }),
    plan,
  );
}

/** `blake3:<hex>` -> `blake3=:<base64>:`, as RFC 9530 writes digests. */
export function fieldOf(digest: string): string {
  const [algorithm = "", hex = ""] = digest.split(":");
  const name = algorithm === "sha256" ? "sha-256" : algorithm;
  const bytes = (hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
  return `${name}=:${btoa(String.fromCharCode(...bytes))}:`;
}

export async function makeFolder(item: Item, plan: Plan, signal: AbortSignal): Promise<Outcome> {
  const headers = { "Idempotency-Key": `"${item.key}"` };
  const href = `${hrefOf(plan.path)}/`;
  return outcomeOf(await transfer({ method: "PUT", href, headers, body: null, signal }), plan);
}

export async function settle(
  item: Item,
  plan: Plan,
  { method, href, headers }: Resolution,
  signal: AbortSignal,
): Promise<Outcome> {
  const all = { "Idempotency-Key": `"${item.key}"`, ...headers };
  return outcomeOf(await transfer({ method, href, headers: all, body: null, signal }), plan);
}

/** An upload that met a conflict, judged afresh: what became of one whose answer was lost. */
export async function lookAt(upload: string, signal: AbortSignal): Promise<Refusal | null> {
  const told = await transfer({ method: "GET", href: upload, headers: {}, body: null, signal });
  try {
    const { problem, ...waiting } = JSON.parse(told.text) as { problem: object | null };
    return problem
      ? refusalIn({ status: 409, text: JSON.stringify({ ...waiting, ...problem }) })
      : null;
  } catch {
    return null;
  }
}

export async function takeBack({ method, href, etag }: Undo): Promise<Outcome> {
  const headers = { "If-Match": etag };
  const told = await transfer({ method, href, headers, body: null, signal: NEVER });
  return outcomeOf(told, NOWHERE);
}

export async function discard(href: string): Promise<void> {
  await transfer({ method: "POST", href, headers: {}, body: null, signal: NEVER });
}

/** What has come of an upload in pieces is not wanted any more. */
export async function giveBack(upload: string): Promise<void> {
  const headers = { "Tus-Resumable": "1.0.0" };
  await transfer({ method: "DELETE", href: upload, headers, body: null, signal: NEVER });
}

const NEVER = new AbortController().signal;
