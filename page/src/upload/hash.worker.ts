/** Computes digests off the page's own thread. Reads a slice at a time: files may be of any size. */

import { createBLAKE3, createSHA256 } from "hash-wasm";

const SLICE = 1 << 20;

export interface HashWanted {
  readonly id: string;
  readonly algorithm: string;
  readonly file: Blob;
}

export type HashTold =
  | { readonly id: string; readonly hex: string }
  | { readonly id: string; readonly read: number }
  | { readonly id: string; readonly failed: true };

const MAKERS: Readonly<Record<string, typeof createBLAKE3>> = {
  blake3: () => createBLAKE3(),
  sha256: () => createSHA256(),
};
const givenUp = new Set<string>();

function tell(told: HashTold): void {
  postMessage(told);
}

async function digest({ id, algorithm, file }: HashWanted): Promise<void> {
  const hasher = await MAKERS[algorithm]?.();
  if (!hasher) return tell({ id, failed: true });
  hasher.init();
  for (let start = 0; start < file.size; start += SLICE) {
    if (givenUp.delete(id)) return;
    const end = Math.min(start + SLICE, file.size);
    hasher.update(new Uint8Array(await file.slice(start, end).arrayBuffer()));
    tell({ id, read: end });
  }
  tell({ id, hex: hasher.digest("hex") });
}

addEventListener("message", async ({ data }: MessageEvent<HashWanted | { giveUp: string }>) => {
  if ("giveUp" in data) {
    givenUp.add(data.giveUp);
    return;
  }
  try {
    await digest(data);
  } catch {
    // The file was moved, changed or taken away under our eyes.
    tell({ id: data.id, failed: true });
  }
});
