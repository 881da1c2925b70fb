/** Where something that was dropped or chosen belongs: is it new, or on the list already? */

import type { Bytes } from "./bytes.ts";
import type { Dropped, Item } from "./item.ts";
import type { Prints } from "./prints.ts";
import type { Queue } from "./queue.ts";
import { type Found, fileOf, type Source } from "./sources.ts";

export type Place =
  | { readonly is: "new" }
  /** Its bytes had been let go of, or it had failed: it goes on with these. */
  | { readonly is: "again"; readonly item: Item }
  | { readonly is: "on its way" };

export class Taking {
  private readonly queue: Queue;
  private readonly bytes: Bytes;
  private readonly prints: Prints;

  constructor(queue: Queue, bytes: Bytes, prints: Prints) {
    this.queue = queue;
    this.bytes = bytes;
    this.prints = prints;
  }

  /** `path`: where it would be stored. */
  async placeOf({ dropped, source }: Found, path: string): Promise<Place> {
    const there = this.queue.at(path);
    const before = there && isSame(there, dropped) ? there : null;
    if (source && (before?.phase === "lost" || before?.phase === "failed")) {
      return { is: "again", item: before };
    }
    const lost = source && (await this.meant(dropped, source));
    if (lost) return { is: "again", item: lost };
    if (!before || isOver(before)) return { is: "new" };
    return (await this.isThis(before, source)) ? { is: "on its way" } : { is: "new" };
  }

  /** What was lost may be chosen from another folder than before: if only one can be meant. */
  private async meant(dropped: Dropped, source: Source): Promise<Item | null> {
    const like = alike(this.queue.of("lost"), dropped);
    if (!like.length) return null;
    return meantOf(like, await this.prints.of(await fileOf(source)));
  }

  private async isThis(item: Item, source: Source | null): Promise<boolean> {
    if (!source) return true;
    const [one, other] = [await this.bytes.of(item.id), await fileOf(source)];
    const print = await this.prints.of(one);
    return print !== "" && print === (await this.prints.of(other));
  }
}

function isOver({ phase }: Item): boolean {
  return phase === "done" || phase === "failed" || phase === "lost";
}

function isSame(item: Item, { type, size, modified }: Dropped): boolean {
  return item.type === type && item.size === size && item.modified === modified;
}

function alike(items: readonly Item[], dropped: Dropped): Item[] {
  return items.filter(
    (item) => isSame(item, dropped) && `/${item.path}`.endsWith(`/${dropped.path}`),
  );
}

/** Of those with the same name, length and time. Null where that cannot be told. Pure. */
export function meantOf(like: readonly Item[], print: string): Item | null {
  const known = like.filter((item) => item.print && item.print === print);
  const open = like.filter((item) => !item.print);
  const [one, ...others] = known.length ? known : open;
  return one && !others.length ? one : null;
}
