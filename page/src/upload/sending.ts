/** Sends one item on the way that suits it, and says what came of it. */

import type { Outcome } from "./answers.ts";
import type { Item, Plan } from "./item.ts";
import { inPieces, type Watcher } from "./pieces.ts";
import { claim, makeFolder, put, settle } from "./requests.ts";

/** Smaller files are sent whole: to begin again costs less than to ask how far they came. */
export const IN_PIECES_FROM = 8 << 20;

/** Is it begun in pieces, and may it go on in the middle? */
export function goesInPieces({ type, size, plan }: Item): boolean {
  return type === "file" && size >= IN_PIECES_FROM && !plan?.settle;
}

export type Sent = Outcome | { readonly is: "unreadable" };

export async function send(
  item: Item,
  plan: Plan,
  bytes: () => Promise<Blob | null>,
  signal: AbortSignal,
  watcher: Watcher,
): Promise<Sent> {
  if (item.type === "folder") return makeFolder(item, plan, signal);
  if (plan.settle) return settle(item, plan, plan.settle, signal);
  if (plan.as === "linked" && item.digest) {
    const claimed = await claim(item, plan, signal);
    // Not to be had by its digest any more: the bytes then.
    if (claimed.is !== "refused" || claimed.refusal.slug !== "wrong-digest") return claimed;
  }
  const body = await bytes();
  if (!body || !(await isReadable(body, item))) return { is: "unreadable" };
  const outcome = await whole(item, plan, body, signal, watcher);
  if (outcome.is === "broken" && !outcome.answered && !(await isReadable(body, item))) {
    return { is: "unreadable" };
  }
  return outcome;
}

async function whole(
  item: Item,
  plan: Plan,
  body: Blob,
  signal: AbortSignal,
  watcher: Watcher,
): Promise<Outcome> {
  if (item.size < IN_PIECES_FROM) return put(item, plan, body, signal, watcher.sent);
  return inPieces(item, plan, body, signal, watcher);
}

/** A file that was changed or moved since it was chosen cannot be read, and has another length. */
async function isReadable(body: Blob, item: Item): Promise<boolean> {
  try {
    await body.slice(0, 1).arrayBuffer();
    const isChanged = body instanceof File && body.lastModified !== item.modified;
    return body.size === item.size && !isChanged;
  } catch {
    return false;
  }
}
