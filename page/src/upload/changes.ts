/** What becomes of an item by what happens to it. Pure. */

import type { Item } from "./item.ts";
import { freshId } from "./keys.ts";
import type { Change } from "./queue.ts";

export const WITHOUT = {
  question: undefined,
  refusal: undefined,
  upload: undefined,
} as unknown as Change;
export const WITHOUT_UPLOAD = { upload: undefined } as unknown as Change;
const WITHOUT_BYTES = { ...WITHOUT_UPLOAD, digest: undefined, sent: 0 } as unknown as Change;

export function onward(item: Item): "ready" | "waiting" {
  return item.plan ? "ready" : "waiting";
}

/** Other bytes are another request: by its key the server would go on with the one before. */
export function anew(): Change {
  return { ...WITHOUT_BYTES, key: freshId() };
}

/** As the page finds it again. */
export function restored(item: Item, hasBytes: boolean): Item {
  const isOver = item.phase === "done" || item.phase === "failed" || item.phase === "question";
  const needs = item.type === "file" && !item.plan?.settle && !isOver;
  const phase = needs && !hasBytes ? "lost" : isOver ? item.phase : onward(item);
  return { ...item, phase, sent: item.upload ? item.sent : 0, until: 0 };
}

export function retried(item: Item): Change {
  // Another try is another request, unless the first may still be answered.
  const key = item.refusal ? { key: freshId() } : {};
  return { phase: onward(item), tries: 0, until: 0, ...WITHOUT, ...key };
}

/** A plan was made for the old name. A folder needs none but its place. */
export function renamed({ path, type }: Item, name: string): Change {
  const place = path.slice(0, path.lastIndexOf("/") + 1) + name;
  const plan = type === "folder" ? { path: place, as: "stored" } : undefined;
  return { path: place, plan } as Change;
}
