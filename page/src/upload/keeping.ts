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
const BETWEEN_MS = 250;

export interface Kept {
  readonly session: string;
  /** Who had signed in; empty where nobody had. */
  readonly owner: string;
  readonly item: Item;
}

export class Keeping {
  /** Whose the items are. */
  session: string;
  private readonly asked: Promise<string>;
  /** Who had signed in when the page came; null as long as that is not known. */
  owner: string | null = null;
  private readonly database: Promise<IDBDatabase | null>;
  private readonly dirty = new Map<string, Item | null>();
  private readonly fresh = new Map<string, Source>();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private keptBytes = 0;
  private flushed = Number.NEGATIVE_INFINITY;

  constructor(session: string, owner: Promise<string>) {
    this.session = session;
    this.asked = owner;
    this.database = opened();
    void owner.then((name) => {
      this.owner = name;
      this.soon();
    });
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

  keepSource(id: string, source: Source): void {
    if (source instanceof File) {
      if (source.size > SMALL || this.keptBytes + source.size > MOST_KEPT) return;
      this.keptBytes += source.size;
    }
    this.fresh.set(id, source);
    this.soon();
  }

  async sourceOf(id: string): Promise<Source | null> {
    const found = await this.read<Source | undefined>(SOURCES, (store) => store.get(id));
    return found ?? null;
  }

  async all(): Promise<Kept[]> {
    const [found, owner] = [
      await this.read<Kept[]>(ITEMS, (store) => store.getAll()),
      await this.asked,
    ];
    return (found ?? []).filter((kept) => kept.owner === owner);
  }

  /** All of it is written now, in one step: before the page goes. */
  async flush(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.flushed = performance.now();
    const { owner } = this;
    // As nobody's it would be anybody's: it is written as soon as its owner is known.
    if (owner === null) return;
    const [changes, sources] = [[...this.dirty], [...this.fresh]];
    this.dirty.clear();
    this.fresh.clear();
    const isGone = (item: Item | null) => item === null || item.phase === "done";
    const gone = new Set(changes.flatMap(([id, item]) => (isGone(item) ? [id] : [])));
    await this.write((items, kept) => {
      for (const [id, item] of changes) {
        if (item === null) items.delete(id);
        else items.put({ session: this.session, owner, item } satisfies Kept, id);
      }
      // What has come to its end by now was never worth writing down.
      for (const [id, source] of sources) if (!gone.has(id)) kept.put(source, id);
      for (const id of gone) kept.delete(id);
    });
  }

  /** At once after a rest: who chooses files and leaves in the next moment has chosen them. */
  private soon(): void {
    const rest = Math.max(0, this.flushed + BETWEEN_MS - performance.now());
    this.timer ??= setTimeout(() => void this.flush(), rest);
  }

  private async write(
    work: (items: IDBObjectStore, sources: IDBObjectStore) => void,
  ): Promise<void> {
    const database = await this.database;
    if (!database) return;
    await new Promise<void>((resolve) => {
      const transaction = database.transaction([ITEMS, SOURCES], "readwrite");
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => resolve();
      try {
        work(transaction.objectStore(ITEMS), transaction.objectStore(SOURCES));
        transaction.commit();
      } catch {
        // The disk is full, or a handle cannot be kept: the upload goes on without.
        transaction.abort();
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
