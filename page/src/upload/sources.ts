/** What was dropped, pasted or chosen, walked through to the last folder: names, sizes, and bytes. */

import type { Dropped } from "./item.ts";

/** Where the bytes of an item come from. A handle outlives the page, a file does not. */
export type Source = File | FileSystemFileHandle;

export interface Found {
  readonly dropped: Dropped;
  /** Null for a folder, and for what the browser names but cannot open. */
  readonly source: Source | null;
  /** Told in the report, so that nobody believes that it was taken. */
  readonly isUnreadable?: true;
}

export type Walk = AsyncGenerator<Found, void, undefined>;

export async function fileOf(source: Source): Promise<File> {
  return source instanceof File ? source : source.getFile();
}

/** Must be called while the event lasts: what is asked for later is gone. */
export function inTransfer(transfer: DataTransfer): Walk {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  return walkAll(items.map(rootOf));
}

/** What a file or folder input has. A folder's own path stands in each file. */
export async function* inList(files: Iterable<File>): Walk {
  for (const file of files) yield found(file.webkitRelativePath || file.name, file, file);
}

type Root = {
  readonly entry: FileSystemEntry | null;
  readonly file: File | null;
  readonly handle: Handle;
};
type Handle = Promise<FileSystemHandle | null> | null;

function rootOf(item: DataTransferItem): Root {
  const asked = item as { getAsFileSystemHandle?: () => Promise<FileSystemHandle | null> };
  return {
    handle: asked.getAsFileSystemHandle ? asked.getAsFileSystemHandle().catch(() => null) : null,
    entry: item.webkitGetAsEntry(),
    file: item.getAsFile(),
  };
}

async function* walkAll(roots: readonly Root[]): Walk {
  for (const { handle, entry, file } of roots) {
    const held = await handle;
    if (held) yield* walkHandle(held, "");
    else if (entry) yield* walkEntry(entry, "");
    else if (file) yield found(file.name, file, file);
  }
}

async function* walkHandle(handle: FileSystemHandle, above: string): Walk {
  const path = above + handle.name;
  if (isFile(handle)) {
    const file = await handle.getFile().catch(() => null);
    yield file ? found(path, file, handle) : unreadable(path);
    return;
  }
  let isEmpty = true;
  const children = (handle as FileSystemDirectoryHandle).values();
  for (;;) {
    const child = await children.next().catch(() => null);
    if (!child) return yield unreadableFolder(path);
    if (child.done) break;
    isEmpty = false;
    yield* walkHandle(child.value, `${path}/`);
  }
  if (isEmpty) yield folderAt(path);
}

function isFile(handle: FileSystemHandle): handle is FileSystemFileHandle {
  return handle.kind === "file";
}

async function* walkEntry(entry: FileSystemEntry, above: string): Walk {
  const path = above + entry.name;
  if (entry.isFile) {
    const file = await new Promise<File | null>((resolve) =>
      (entry as FileSystemFileEntry).file(resolve, () => resolve(null)),
    );
    yield file ? found(path, file, file) : unreadable(path);
    return;
  }
  let isEmpty = true;
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A browser hands out some of a folder at a time, and nothing when it is through.
    const some = await new Promise<FileSystemEntry[] | null>((resolve) =>
      reader.readEntries(resolve, () => resolve(null)),
    );
    if (!some) return yield unreadableFolder(path);
    if (!some.length) break;
    isEmpty = false;
    for (const child of some) yield* walkEntry(child, `${path}/`);
  }
  if (isEmpty) yield folderAt(path);
}

function found(path: string, { size, lastModified }: File, source: Source): Found {
  return { dropped: { type: "file", path, size, modified: lastModified }, source };
}

function folderAt(path: string): Found {
  return { dropped: { type: "folder", path, size: 0, modified: 0 }, source: null };
}

/** What of it could be read has been found before. */
function unreadableFolder(path: string): Found {
  return { ...folderAt(path), isUnreadable: true };
}

function unreadable(path: string): Found {
  const dropped = { type: "file", path, size: 0, modified: 0 } as const;
  return { dropped, source: null, isUnreadable: true };
}
