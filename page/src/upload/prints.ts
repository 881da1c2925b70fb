/**
 * A digest of some pieces of a file: enough to tell, before an upload goes on, whether these are the
 * bytes that it was begun with. Two files may share their name, length and time.
 */

import type { Hashing } from "./hashing.ts";
import { freshId } from "./keys.ts";

const PIECES = 16;
const PIECE = 64 << 10;

export class Prints {
  private readonly hashing: Hashing;

  constructor(hashing: Hashing) {
    this.hashing = hashing;
  }

  /** Empty where it cannot be told. */
  async of(file: Blob | null): Promise<string> {
    return (file && (await this.hashing.of(freshId(), "blake3", sampled(file)))) ?? "";
  }
}

/** All of a small file; of a larger one its beginning, its end, and pieces from between. Pure. */
export function sampled(file: Blob): Blob {
  if (file.size <= PIECES * PIECE) return file;
  const step = (file.size - PIECE) / (PIECES - 1);
  const starts = Array.from({ length: PIECES }, (_, number) => Math.floor(number * step));
  return new Blob(starts.map((start) => file.slice(start, start + PIECE)));
}
