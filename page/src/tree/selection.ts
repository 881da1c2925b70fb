/** What is selected in the folder on the page, by name; and where the keyboard is. */

import { computed, effect, signal } from "@preact/signals";
import { isWithin } from "../address.ts";
import { entries, folder, following, isWhole, loading, shown } from "./folder.ts";

export const selected = signal<ReadonlySet<string>>(new Set());
/** The name of the entry that Tab leads to. */
export const active = signal<string | null>(null);
/** The entry that is to have the focus as soon as it is drawn. */
export const wanted = signal<string | null>(null);

export const chosen = computed(() => entries.value.filter(({ name }) => selected.value.has(name)));

/** Where a range begins that is extended with Shift. */
let anchor: string | null = null;

export function toggle(name: string): void {
  isWhole.value = false;
  const next = new Set(selected.value);
  if (!next.delete(name)) next.add(name);
  selected.value = next;
  anchor = name;
}

/** All between the entry that was toggled last and this one. */
export function extend(name: string): void {
  const names = shown.value.map((entry) => entry.name);
  const [from, to] = [names.indexOf(anchor ?? name), names.indexOf(name)].sort((a, b) => a - b);
  if (from === undefined || to === undefined || from < 0) toggle(name);
  else selected.value = new Set([...selected.value, ...names.slice(from, to + 1)]);
}

/** Also what stands on pages that have not come yet. */
export function selectAll(): void {
  isWhole.value = true;
}

effect(() => {
  if (!isWhole.value) return;
  selected.value = new Set(shown.value.map(({ name }) => name));
  // What others add from now on was not meant.
  if (following.value === null) isWhole.value = false;
});

export function clear(): void {
  isWhole.value = false;
  selected.value = new Set();
}

/** Where the keyboard is in the list; 0 where it was not there yet. */
export function placeOfActive(): number {
  return Math.max(
    0,
    shown.value.findIndex(({ name }) => name === active.value),
  );
}

/** Who goes by keys and had the focus on what is gone goes on with what stands in its place. */
export function goOnAt(place: number): void {
  const { activeElement, body } = document;
  if (activeElement && activeElement !== body && activeElement.tagName !== "H1") return;
  const entry = shown.peek()[Math.min(place, shown.peek().length - 1)];
  active.value = entry?.name ?? null;
  wanted.value = active.peek();
  if (!entry) document.querySelector("h1")?.focus();
}

let before = folder.value;
let isEntered = false;

effect(() => {
  isEntered = folder.value !== before;
  clear();
  active.value = null;
});

/** The link that led here is gone: on with the folder that one comes from, else with the first entry. */
effect(() => {
  if (loading.value || !isEntered) return;
  isEntered = false;
  const from = before;
  before = folder.peek();
  const place = shown.peek().findIndex(({ href }) => href === from || isWithin(from, href));
  goOnAt(Math.max(0, place));
});
