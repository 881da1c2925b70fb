/** Keeps the folder on the page as it is on the server, from the feed of changes. */

import { folderHref, isFolder, isWithin, nameOf, parentOf, pathOf, same } from "../address.ts";
import { type Entry, entryOf, type FileEntry, withEntry, without } from "./entries.ts";
import { entries, folder, following, load, loading, sorting } from "./folder.ts";

interface Line {
  readonly kind: "created" | "replaced" | "deleted" | "moved" | "restored";
  readonly at: string;
  readonly type: "file" | "folder";
  readonly href: string;
  readonly from?: string;
  readonly etag?: string;
}

/** Past so many lines at once it is cheaper to ask for the folder anew. */
const MOST_LINES = 200;
const TOGETHER = 100;

let source: EventSource | null = null;
let pending: Line[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

function apply(): void {
  if (loading.value) {
    // The listing that is on its way may be older than they are.
    timer = setTimeout(apply, TOGETHER);
    return;
  }
  const lines = pending;
  pending = [];
  if (lines.length > MOST_LINES || lines.some(isOfTheFolderItself)) {
    void load();
    return;
  }
  for (const line of lines) entries.value = after(entries.value, line);
}

/** It is not where it was, and all that is on the screen went with it. */
function isOfTheFolderItself({ kind, href, from }: Line): boolean {
  const left = kind === "deleted" ? href : from;
  if (left === undefined || !isFolder(left)) return false;
  return same(left, folder.value) || isWithin(folder.value, left);
}

function after(before: readonly Entry[], line: Line): readonly Entry[] {
  const here = folder.value;
  const goesOn = following.value !== null;
  let found = before;
  if (line.from && same(parentOf(line.from), here)) found = without(found, line.from);
  if (!same(parentOf(line.href), here)) {
    return within(found, line);
  }
  if (line.kind === "deleted") return without(found, line.href);
  if (isFolder(line.href)) {
    return withEntry(
      found,
      entryOf(line.href, { etag: "", modified: line.at }),
      sorting.value,
      goesOn,
    );
  }
  return withEntry(found, entryOf(line.href, line as unknown as FileEntry), sorting.value, goesOn);
}

/**
 * What happens below a folder on the page is a change of that folder, too; and what is stored below
 * one that is not there makes it.
 */
function within(before: readonly Entry[], line: Line): readonly Entry[] {
  if (!isWithin(line.href, folder.value)) return before;
  const above = pathOf(folder.value);
  const goesOn = following.value !== null;
  const href = folderHref(pathOf(line.href).slice(0, above.length + 1));
  const there = before.find(({ name }) => name === nameOf(href));
  if (there?.type === "file" || (!there && line.kind === "deleted")) return before;
  const etag = there?.etag ?? "";
  return withEntry(before, entryOf(href, { etag, modified: line.at }), sorting.value, goesOn);
}

function hear(event: MessageEvent<string>): void {
  pending.push(JSON.parse(event.data) as Line);
  clearTimeout(timer);
  timer = setTimeout(apply, TOGETHER);
}

/**
 * A tab that nobody looks at takes no connection; when it is looked at again it asks anew. As it does
 * when the feed opens first: the folder may have changed since it was asked for.
 */
export function follow(): void {
  let missed = true;
  function begin(): void {
    if (source || document.visibilityState !== "visible") return;
    source = new EventSource("/changes?since=now");
    source.onmessage = hear;
    source.onopen = () => {
      if (missed) void load();
      missed = false;
    };
    source.onerror = () => {
      missed = true;
      if (source?.readyState === EventSource.CLOSED) {
        source = null;
        setTimeout(begin, 5000);
      }
    };
  }
  function end(): void {
    source?.close();
    source = null;
    missed = true;
  }
  document.addEventListener("visibilitychange", () =>
    document.visibilityState === "visible" ? begin() : end(),
  );
  begin();
}
