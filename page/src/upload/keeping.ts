/**
 * What outlives the page: the items, and where their bytes are, in the browser's own database. A
 * browser that keeps nothing is no mistake: then an upload lasts as long as its page.
 */

import type { Item } from "./item.ts";
import type { Source } from "./sources.ts";

const NAME = "noclobber-uploads";
const ITEMS = "items";
const SOURCES = "sources";
/** So small a file is kept itself where there is no handle to keep. */
const SMALL = 1 << 20;
const MOST_KEPT = 128 << 20;

export interface Kept {
  readonly session: string;
  /** Who had signed in; empty where nobody had. */
  readonly owner: string;
  readonly item: Item;
}

export class Keeping {
  /** Whose the items are. */
  session: string;
  private readonly owner: Promise<string>;
  private readonly database: Promise<IDBDatabase | null>;
  private readonly dirty = new Map<string, Item | null>();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private keptBytes = 0;

  constructor(session: string, owner: Promise<string>) {
    this.session = session;
    this.owner = owner;
    this.database = opened();
  }

  note(item: Item): void {
    this.dirty.set(item.id, item);
    this.soon();
  }

  forget(id: string): void {
    this.dirty.set(id, null);
    // What was cancelled does not come back by a reload in the next moment.
    queueMicrotask(() => {
      if (this.dirty.has(id)) void this.flush();
    });
  }

  /** Before an item begins to move: what is not kept by then is lost with the page. */
  async keepSource(id: string, source: Source): Promise<void> {
    if (source instanceof File) {
      if (source.size > SMALL || this.keptBytes + source.size > MOST_KEPT) return;
      this.keptBytes += source.size;
    }
    await this.write(SOURCES, (store) => store.put(source, id));
  }

  async sourceOf(id: string): Promise<Source | null> {
    const found = await this.read<Source | undefined>(SOURCES, (store) => store.get(id));
    return found ?? null;
  }

  async all(): Promise<Kept[]> {
    const [found, owner] = [
      await this.read<Kept[]>(ITEMS, (store) => store.getAll()),
      await this.owner,
    ];
    return (found ?? []).filter((kept) => kept.owner === owner);
  }

  /** All of it is written now: before the page goes. */
  async flush(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const owner = await this.owner;
    const changes = [...this.dirty];
    this.dirty.clear();
    const gone = changes.filter(([, item]) => item === null || item.phase === "done");
    await this.write(ITEMS, (store) => {
      for (const [id, item] of changes) {
        if (item === null) store.delete(id);
        else store.put({ session: this.session, owner, item } satisfies Kept, id);
      }
    });
    if (gone.length) {
      await this.write(SOURCES, (store) => {
        for (const [id] of gone) store.delete(id);
      });
    }
  }

  private soon(): void {
    this.timer ??= setTimeout(() => void this.flush(), 250);
  }

  private async write(name: string, work: (store: IDBObjectStore) => void): Promise<void> {
    const database = await this.database;
    if (!database) return;
    await new Promise<void>((resolve) => {
      try {
        const transaction = database.transaction(name, "readwrite");
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => resolve();
        work(transaction.objectStore(name));
      } catch {
        // The disk is full, or a handle cannot be kept: the upload goes on without.
        resolve();
      }
    });
  }

  private async read<T>(
    name: string,
    question: (store: IDBObjectStore) => IDBRequest,
  ): Promise<T | null> {
    const database = await this.database;
    if (!database) return null;
    return new Promise((resolve) => {
      const request = question(database.transaction(name).objectStore(name));
      request.onsuccess = () => resolve(request.result as T);
      request.onerror = () => resolve(null);
    });
  }
}

function opened(): Promise<IDBDatabase | null> {
  return new Promise((resolve) => {
    if (!("indexedDB" in globalThis)) return resolve(null);
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(ITEMS);
      request.result.createObjectStore(SOURCES);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => resolve(null);
  });
}
