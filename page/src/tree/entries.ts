/** What stands in a folder: its members, its order, and how a change is put into it. Pure. */

import { isFolder, nameOf } from "../address.ts";

export type Right = "list" | "read" | "create" | "replace" | "delete";
export type Order = "name" | "size" | "modified" | "type";

export interface FileEntry {
  readonly type: "file";
  readonly name: string;
  readonly href: string;
  readonly etag: string;
  readonly modified: string;
  readonly version: number;
  readonly size: number;
  readonly digest: string;
  readonly media_type: string;
}

export interface FolderEntry {
  readonly type: "folder";
  readonly name: string;
  readonly href: string;
  readonly etag: string;
  /** Absent where something below it is hidden. */
  readonly modified?: string;
}

export type Entry = FileEntry | FolderEntry;

/** One page of a folder, as the server writes it. */
export interface Page {
  readonly href: string;
  readonly etag: string;
  readonly may: readonly Right[];
  readonly entries: readonly Entry[];
  readonly next: string | null;
}

export interface Sorting {
  readonly order: Order;
  readonly descending: boolean;
}

export const BY_NAME: Sorting = { order: "name", descending: false };

/** The first click on a column sorts by it, the next turns it round. */
export function turned(sorting: Sorting, order: Order): Sorting {
  return { order, descending: sorting.order === order && !sorting.descending };
}

export function query(sorting: Sorting, limit: number): string {
  const { order, descending } = sorting;
  return `?sort=${order}&desc=${descending}&limit=${limit}`;
}

/** As the server compares names: by their characters, without case. */
function key(entry: Entry): string {
  return entry.name.normalize("NFC").toLowerCase();
}

function value(entry: Entry, order: Order): string | number {
  switch (order) {
    case "name":
      return key(entry);
    case "modified":
      return entry.modified ?? "";
    case "size":
      return entry.type === "file" ? entry.size : 0;
    case "type":
      return entry.type === "file" ? entry.media_type : "";
  }
}

function ascending<T extends string | number>(one: T, other: T): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Folders stand before files in every order. */
export function compare(one: Entry, other: Entry, { order, descending }: Sorting): number {
  if (one.type !== other.type) return one.type === "folder" ? -1 : 1;
  const found =
    ascending(value(one, order), value(other, order)) || ascending(key(one), key(other));
  return descending ? -found : found;
}

export function without(entries: readonly Entry[], href: string): readonly Entry[] {
  const name = nameOf(href);
  const kept = entries.filter((entry) => entry.name !== name);
  return kept.length === entries.length ? entries : kept;
}

/** The next page behind those before it. What has moved between the two requests is in both. */
export function joined(before: readonly Entry[], page: readonly Entry[]): readonly Entry[] {
  const names = new Set(page.map(({ name }) => name));
  return [...before.filter(({ name }) => !names.has(name)), ...page];
}

/**
 * In its place, instead of what had the name before. `goesOn`: the folder has more entries, and
 * what stands behind those that are here comes with them.
 */
export function withEntry(
  entries: readonly Entry[],
  added: Entry,
  sorting: Sorting,
  goesOn: boolean,
): readonly Entry[] {
  const others = without(entries, added.href);
  const last = others.at(-1);
  if (goesOn && last && compare(last, added, sorting) < 0) return others;
  let low = 0;
  let high = others.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const there = others[middle];
    if (there && compare(there, added, sorting) < 0) low = middle + 1;
    else high = middle;
  }
  return [...others.slice(0, low), added, ...others.slice(low)];
}

/** What is typed may stand anywhere in the name; case and accents do not count. */
export function matching(entries: readonly Entry[], typed: string): readonly Entry[] {
  const wanted = plain(typed.trim());
  return wanted ? entries.filter((entry) => plain(entry.name).includes(wanted)) : entries;
}

function plain(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** What a browser only ever paints; the server shows no other picture in place. */
export const PICTURES = new Set([
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
  "image/avif",
]);

export function isPicture(entry: Entry): entry is FileEntry {
  return entry.type === "file" && PICTURES.has(entry.media_type);
}

/** A text that can be compared line by line. */
export function isText(mediaType: string): boolean {
  return /^text\/.+|^application\/(json|xml|toml|yaml|x-yaml|javascript|x-sh)$/.test(mediaType);
}

export function entryOf(href: string, members: Omit<FileEntry, "type" | "name" | "href">): Entry;
export function entryOf(href: string, members: Omit<FolderEntry, "type" | "name" | "href">): Entry;
export function entryOf(href: string, members: object): Entry {
  const type = isFolder(href) ? "folder" : "file";
  return { ...members, type, name: nameOf(href), href } as Entry;
}
