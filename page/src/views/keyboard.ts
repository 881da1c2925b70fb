/** Going through a list by keys: arrows, Home, End; Space selects, F2 renames, Delete deletes. */

import { dialog, removeAll } from "../tree/asking.ts";
import type { Entry } from "../tree/entries.ts";
import { rights, shown } from "../tree/folder.ts";
import { active, chosen, clear, extend, selectAll, toggle, wanted } from "../tree/selection.ts";
import { underWay } from "../tree/turns.ts";
import { mayChange } from "./bar.tsx";

/** The entry that Tab leads to: where the keyboard was last, else the first. */
export function reached(): string | null {
  const names = shown.value;
  const there = active.value !== null && names.some(({ name }) => name === active.value);
  return there ? active.value : (names[0]?.name ?? null);
}

function steps(key: string, columns: number): number | null {
  const right = document.dir === "rtl" ? -1 : 1;
  switch (key) {
    case "ArrowDown":
      return columns;
    case "ArrowUp":
      return -columns;
    case "ArrowRight":
      return columns > 1 ? right : null;
    case "ArrowLeft":
      return columns > 1 ? -right : null;
    case "Home":
      return Number.NEGATIVE_INFINITY;
    case "End":
      return Number.POSITIVE_INFINITY;
    default:
      return null;
  }
}

/** `bring`: scrolls an entry into sight by its place, as it may not have been drawn yet. */
export function onKey(event: KeyboardEvent, columns: number, bring: (index: number) => void): void {
  const names = shown.value;
  const at = names.findIndex(({ name }) => name === reached());
  const entry = names[at];
  if (!entry || event.altKey || event.metaKey) return;
  const step = event.ctrlKey ? null : steps(event.key, columns);
  if (step !== null) {
    const next = names[Math.max(0, Math.min(names.length - 1, at + step))];
    if (!next) return;
    event.preventDefault();
    bring(names.indexOf(next));
    active.value = next.name;
    wanted.value = next.name;
    if (event.shiftKey) extend(next.name);
    return;
  }
  if (carriedOut(event, entry)) event.preventDefault();
}

/** Does a key mean something for this entry? */
function carriedOut({ key, ctrlKey, repeat, target }: KeyboardEvent, entry: Entry): boolean {
  const deed = ctrlKey ? (key === "a" ? selectAll : undefined) : deeds(entry)[key];
  if (!deed || (key === " " && !(target instanceof HTMLAnchorElement))) return false;
  // A key that is held down means one deed.
  if (!repeat) deed();
  return true;
}

function deeds(entry: Entry): Readonly<Record<string, () => void>> {
  const some = chosen.value.length ? chosen.value : [entry];
  return {
    " ": () => toggle(entry.name),
    Escape: clear,
    Backspace: goUp,
    F2: () => {
      if (mayChange()) dialog.value = { kind: "rename", entry };
    },
    Delete: () => {
      if (rights.value.has("delete") && !underWay.value) void removeAll(some);
    },
  };
}

function goUp(): void {
  document.querySelector<HTMLAnchorElement>(".crumbs li:nth-last-child(2) a")?.click();
}
