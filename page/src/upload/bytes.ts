/** Where the bytes of each item come from, as long as the page lasts, and what of it is kept longer. */

import type { Keeping } from "./keeping.ts";
import { fileOf, type Source } from "./sources.ts";

export class Bytes {
  private readonly keeping: Keeping;
  private readonly sources = new Map<string, Source>();

  constructor(keeping: Keeping) {
    this.keeping = keeping;
  }

  take(id: string, source: Source): void {
    this.sources.set(id, source);
    this.keeping.keepSource(id, source);
  }

  /** As it was kept. */
  put(id: string, source: Source): void {
    this.sources.set(id, source);
  }

  drop(id: string): void {
    this.sources.delete(id);
  }

  /** Null where nobody has them any more. */
  async of(id: string): Promise<File | null> {
    const source = this.sources.get(id);
    try {
      return source ? await fileOf(source) : null;
    } catch {
      return null;
    }
  }
}
