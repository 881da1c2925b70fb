/** The way back: what was stored is deleted again, what was replaced is restored. */

import type { Item } from "./item.ts";
import type { Queue } from "./queue.ts";
import { takeBack } from "./requests.ts";

/** One after the other, for there may be thousands. What was changed since is left as it is. */
export async function undo(queue: Queue, items: readonly Item[]): Promise<void> {
  for (const { id, undo: request } of items) {
    if (!request) continue;
    const outcome = await takeBack(request);
    if (outcome.is === "stored") queue.change(id, { result: "undone" });
    else if (outcome.is === "refused") queue.change(id, { refusal: outcome.refusal });
  }
}
