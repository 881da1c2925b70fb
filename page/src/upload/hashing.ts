/** Digests on wish, one file after the other, by a worker that is started for the first one. */

import type { HashTold, HashWanted } from "./hash.worker.ts";

interface Policies {
  createPolicy(
    name: string,
    rules: { createScriptURL: (address: string) => string },
  ): { createScriptURL(address: string): string };
}

type Policy = ReturnType<Policies["createPolicy"]>;

/** A browser makes one of this name, also where the worker that it was made for has died. */
let policy: Policy | null = null;

/** The page takes no address of a script but those that its own build has named. */
function trusted(address: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: Policies };
  if (!trustedTypes) return address;
  const rules = {
    createScriptURL: (wanted: string) => {
      if (!Object.values(WORKERS).includes(wanted))
        throw new TypeError("not a worker of this page");
      return wanted;
    },
  };
  policy ??= trustedTypes.createPolicy("noclobber", rules);
  return policy.createScriptURL(address);
}

export class Hashing {
  private worker: Worker | null = null;
  private readonly waiting = new Map<string, (hex: string | null) => void>();
  private readonly progress = new Map<string, (bytes: number) => void>();

  /** `algorithm:hex`; null where the file cannot be read, or nobody can compute it here. */
  async of(
    id: string,
    algorithm: string,
    file: Blob,
    read: (bytes: number) => void = () => {},
  ): Promise<string | null> {
    const worker = this.started();
    if (!worker) return null;
    const hex = await new Promise<string | null>((resolve) => {
      this.waiting.set(id, resolve);
      this.progress.set(id, read);
      worker.postMessage({ id, algorithm, file } satisfies HashWanted);
    });
    return hex === null ? null : `${algorithm}:${hex}`;
  }

  giveUp(id: string): void {
    if (!this.waiting.has(id)) return;
    this.worker?.postMessage({ giveUp: id });
    this.end(id, null);
  }

  private started(): Worker | null {
    const address = WORKERS.hash;
    if (!this.worker && address) {
      this.worker = new Worker(trusted(address), { type: "module" });
      this.worker.addEventListener("message", ({ data }: MessageEvent<HashTold>) =>
        this.hear(data),
      );
      this.worker.addEventListener("error", () => {
        // It hears nothing any more: the next file gets another.
        this.worker = null;
        for (const id of [...this.waiting.keys()]) this.end(id, null);
      });
    }
    return this.worker;
  }

  private hear(told: HashTold): void {
    if ("read" in told) this.progress.get(told.id)?.(told.read);
    else this.end(told.id, "hex" in told ? told.hex : null);
  }

  private end(id: string, hex: string | null): void {
    this.waiting.get(id)?.(hex);
    this.waiting.delete(id);
    this.progress.delete(id);
  }
}
