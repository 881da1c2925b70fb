/** What becomes of an item by what happens to it. Pure. */

import type { Item, Refusal } from "./item.ts";
import { freshId } from "./keys.ts";
import type { Change } from "./queue.ts";
import { backOff } from "./rest.ts";

const WITHOUT_WORD = { question: undefined, refusal: undefined } as unknown as Change;
export const WITHOUT = { ...WITHOUT_WORD, upload: undefined } as unknown as Change;
export const WITHOUT_UPLOAD = { upload: undefined } as unknown as Change;
const UNJUDGED = { phase: "waiting", question: undefined, plan: undefined } as unknown as Change;
const WITHOUT_BYTES = { ...WITHOUT_UPLOAD, digest: undefined, sent: 0 } as unknown as Change;

const MOST_TRIES = 6;
const UNAVAILABLE = { slug: "unavailable", status: 503, title: "", detail: "", next: "" };
const FOR_A_WHILE = new Set([401, 403, 429, 507]);

export function onward(item: Item): "ready" | "waiting" {
  return item.plan ? "ready" : "waiting";
}

/** Other bytes are another request: by its key the server would go on with the one before. */
export function anew(): Change {
  return { ...WITHOUT_BYTES, key: freshId() };
}

/** As the page finds it again. */
export function restored(item: Item, hasBytes: boolean): Item {
  // Its answer may be another by now, and what can be chosen as well.
  if (item.phase === "question" && !item.question?.resolutions.length) {
    return { ...item, ...UNJUDGED, until: 0 };
  }
  const isOver = item.phase === "done" || item.phase === "failed" || item.phase === "question";
  const needs = item.type === "file" && !item.plan?.settle && !isOver;
  const phase = needs && !hasBytes ? "lost" : isOver ? item.phase : onward(item);
  return { ...item, phase, sent: item.upload ? item.sent : 0, until: 0 };
}

/** What had come of it is good for another try, once there is a right to it, or room for it. */
export function left({ upload, sent }: Item, { status }: Refusal): Change {
  return upload && FOR_A_WHILE.has(status) ? { sent } : { ...WITHOUT_UPLOAD, sent: 0 };
}

/** Another try comes by itself, after a while; but not for ever. */
export function later(tries: number, now: number, after?: number): Change {
  if (tries >= MOST_TRIES) return { phase: "failed", refusal: UNAVAILABLE };
  return { tries, until: now + (after === undefined ? backOff(tries) : after * 1000) };
}

export function retried(item: Item): Change {
  // Another try is another request, unless the first may still be answered.
  const key = item.refusal ? { key: freshId() } : {};
  return { phase: onward(item), tries: 0, until: 0, ...WITHOUT_WORD, ...key };
}

/** A plan was made for the old name. A folder needs none but its place. */
export function renamed({ path, type }: Item, name: string): Change {
  const place = path.slice(0, path.lastIndexOf("/") + 1) + name;
  const plan = type === "folder" ? { path: place, as: "stored" } : undefined;
  return { path: place, plan } as Change;
}
