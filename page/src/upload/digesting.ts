/** Computes the digests that were asked for, a few at a time. */

import type { Bytes } from "./bytes.ts";
import type { Hashing } from "./hashing.ts";
import type { Queue } from "./queue.ts";

/** Reading one and computing for another go together. */
export const HASHED_AT_ONCE = 3;

export class Digesting {
  private readonly queue: Queue;
  private readonly bytes: Bytes;
  private readonly hashing: Hashing;
  /** Whose digests are being computed. */
  private readonly under = new Set<string>();

  constructor(queue: Queue, bytes: Bytes, hashing: Hashing) {
    this.queue = queue;
    this.bytes = bytes;
    this.hashing = hashing;
  }

  /** Of the next one that waits for it; false where there is none to begin with. */
  async next(algorithm: string, now: number): Promise<boolean> {
    const item = this.queue.next("hashing", 64, now).find(({ id }) => !this.under.has(id));
    if (this.under.size >= HASHED_AT_ONCE || !item) return false;
    this.under.add(item.id);
    const file = await this.bytes.of(item.id);
    const tell = (read: number) => void this.queue.change(item.id, { read });
    const digest = file && (await this.hashing.of(item.id, algorithm, file, tell));
    this.under.delete(item.id);
    if (this.queue.get(item.id)?.phase === "hashing") {
      // Without a digest nothing is known of the bytes, and they are sent.
      this.queue.change(item.id, { phase: "waiting", digest: digest ?? "" });
    }
    return true;
  }
}
