/** The folder that the page shows: where it is, what is in it, and how it is sorted. */

import { computed, effect, signal } from "@preact/signals";
import { folderOfPage, pageOf } from "../address.ts";
import { ask, isPassing, type Problem } from "../ask.ts";
import { recalled, remember } from "../memory.ts";
import {
  BY_NAME,
  type Entry,
  joined,
  matching,
  type Order,
  type Page,
  query,
  type Right,
  type Sorting,
  turned,
} from "./entries.ts";

const AT_ONCE = 1000;
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 15_000;

export const folder = signal(folderOfPage(location.pathname) ?? "/files/");
export const entries = signal<readonly Entry[]>([]);
export const rights = signal<ReadonlySet<Right>>(new Set());
export const sorting = signal<Sorting>(remembered());
export const typed = signal("");
export const problem = signal<Problem | null>(null);
/** Why what is on the screen may not be what is there now; null where it is. */
export const lag = signal<Problem | null>(null);
/** The address of the page after those that are here; null at the end of the folder. */
export const following = signal<string | null>(null);
/** Wanted with all its pages. */
export const isWhole = signal(false);
export const loading = signal(true);

export const shown = computed(() => matching(entries.value, typed.value));

let current = new AbortController();
let again: ReturnType<typeof setTimeout> | undefined;
let wait = FIRST_WAIT;

/** What is searched for, or selected with all else, may be on any page: all of them are wanted. */
effect(() => {
  if ((typed.value.trim() || isWhole.value) && mayGoOn()) void more();
});

function remembered(): Sorting {
  const [order, direction] = (recalled("sorting") ?? "").split(" ");
  const known: readonly string[] = ["name", "size", "modified", "type"] satisfies Order[];
  if (!order || !known.includes(order)) return BY_NAME;
  return { order: order as Order, descending: direction === "descending" };
}

/** Asks anew for the folder. What is there stays on the screen until the answer is here. */
export async function load(): Promise<void> {
  current.abort();
  clearTimeout(again);
  current = new AbortController();
  loading.value = true;
  await take(folder.value + query(sorting.value, AT_ONCE), current.signal, []);
}

function mayGoOn(): boolean {
  return following.value !== null && !loading.value && lag.value === null;
}

/** The next page, behind what is here. */
export async function more(): Promise<void> {
  if (!mayGoOn() || following.value === null) return;
  loading.value = true;
  await take(following.value, current.signal, entries.value);
}

async function take(href: string, signal: AbortSignal, before: readonly Entry[]): Promise<void> {
  try {
    const answer = await ask<Page>(href, { signal });
    if (answer.ok) {
      const { value } = answer;
      entries.value = joined(before, value.entries);
      rights.value = new Set(value.may);
      following.value = value.next;
      problem.value = null;
      lag.value = null;
      wait = FIRST_WAIT;
    } else if (isPassing(answer.problem)) {
      askAgain(answer.problem);
    } else {
      // It may be a drop box, or be for others: the server knows, and has a page for either.
      const isClosed = answer.status === 401 || answer.status === 403;
      if (isClosed && !entries.value.length) location.assign(pageOf(folder.value));
      if (!before.length) entries.value = [];
      problem.value = answer.problem;
      lag.value = null;
      following.value = null;
    }
    loading.value = false;
  } catch {
    // Another folder is asked for by now.
  }
}

/** What is there stays on the screen, and the page goes on by itself. */
function askAgain(why: Problem): void {
  if (entries.value.length) lag.value = why;
  else problem.value = why;
  // A tab that is looked at again asks anew without being told to.
  again = setTimeout(() => document.visibilityState === "visible" && void load(), wait);
  wait = Math.min(2 * wait, LONGEST_WAIT);
}

/** Shows a folder, as following a link to its page would. */
export function visit(href: string): void {
  if (href === folder.value) return;
  history.pushState(null, "", pageOf(href));
  enter(href);
}

function enter(href: string): void {
  folder.value = href;
  entries.value = [];
  following.value = null;
  typed.value = "";
  isWhole.value = false;
  problem.value = null;
  lag.value = null;
  scrollTo(0, 0);
  void load();
}

export function sortBy(order: Order): void {
  sorting.value = turned(sorting.value, order);
  remember("sorting", `${order} ${sorting.value.descending ? "descending" : "ascending"}`);
  void load();
}

addEventListener("popstate", () => {
  const href = folderOfPage(location.pathname);
  if (href !== null && href !== folder.value) enter(href);
});
