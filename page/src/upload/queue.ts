/** All items and how many of them are where. Knows no requests and no screen. */

import type { Dropped, Item, Phase, Result } from "./item.ts";
import { newItem } from "./item.ts";

const PHASES: readonly Phase[] = [
  "waiting",
  "hashing",
  "question",
  "ready",
  "sending",
  "done",
  "failed",
  "lost",
];

export type Change = Partial<Omit<Item, "id" | "type" | "size" | "modified">>;

export interface Progress {
  /** Bytes of all that shall be stored, and how many of them need not be sent any more. */
  readonly all: number;
  readonly done: number;
}

export class Queue {
  paused = false;
  private readonly items = new Map<string, Item>();
  private readonly places = new Map<string, string>();
  private readonly numbers = new Map<string, number>();
  private readonly phases = new Map<Phase, Set<string>>();
  private readonly sizes = new Map<number, number>();
  private readonly told: (item: Item) => void;
  private chosen = 0;
  private all = 0;
  private done = 0;

  /** `told`: called with each item that is new or has changed. */
  constructor(told: (item: Item) => void = () => {}) {
    this.told = told;
    for (const phase of PHASES) this.phases.set(phase, new Set());
  }

  add(dropped: Dropped, id: string): Item {
    const item = newItem(dropped, id);
    this.put(item);
    return item;
  }

  /** As it was when the page was left. */
  put(item: Item): void {
    this.items.set(item.id, item);
    this.places.set(item.path, item.id);
    this.numbers.set(item.id, this.chosen++);
    this.sizes.set(item.size, (this.sizes.get(item.size) ?? 0) + 1);
    this.in(item.phase).add(item.id);
    this.count(item, 1);
    this.told(item);
  }

  change(id: string, change: Change): Item | null {
    const before = this.items.get(id);
    if (!before) return null;
    const item = { ...before, ...change };
    this.items.set(id, item);
    if (before.path !== item.path) {
      if (this.places.get(before.path) === id) this.places.delete(before.path);
      this.places.set(item.path, id);
    }
    if (before.phase !== item.phase) {
      this.in(before.phase).delete(id);
      this.in(item.phase).add(id);
    }
    this.count(before, -1);
    this.count(item, 1);
    this.told(item);
    return item;
  }

  remove(id: string): void {
    const item = this.items.get(id);
    if (!item) return;
    this.items.delete(id);
    this.numbers.delete(id);
    if (this.places.get(item.path) === id) this.places.delete(item.path);
    this.sizes.set(item.size, (this.sizes.get(item.size) ?? 1) - 1);
    this.in(item.phase).delete(id);
    this.count(item, -1);
  }

  get(id: string): Item | null {
    return this.items.get(id) ?? null;
  }

  at(path: string): Item | null {
    return this.items.get(this.places.get(path) ?? "") ?? null;
  }

  get every(): readonly Item[] {
    return [...this.items.values()];
  }

  get length(): number {
    return this.items.size;
  }

  /** In the order in which they were chosen, not in that in which answers came. */
  of(phase: Phase): Item[] {
    const number = ({ id }: Item) => this.numbers.get(id) ?? 0;
    return [...this.in(phase)]
      .flatMap((id) => this.items.get(id) ?? [])
      .sort((one, other) => number(one) - number(other));
  }

  /** The oldest ones that nobody holds back. */
  next(phase: Phase, most: number, now: number): Item[] {
    const found: Item[] = [];
    for (const id of this.in(phase)) {
      if (found.length === most) break;
      const item = this.items.get(id);
      if (item && !item.held && item.until <= now) found.push(item);
    }
    return found;
  }

  countOf(...phases: Phase[]): number {
    return phases.reduce((sum, phase) => sum + this.in(phase).size, 0);
  }

  /** How many files of this length are on the list: two of them may be the same. */
  sharesSize(size: number): boolean {
    return (this.sizes.get(size) ?? 0) > 1;
  }

  results(): Map<Result, Item[]> {
    const found = new Map<Result, Item[]>();
    for (const item of this.of("done")) {
      if (item.result) found.set(item.result, [...(found.get(item.result) ?? []), item]);
    }
    return found;
  }

  get progress(): Progress {
    return { all: this.all, done: this.done };
  }

  /** Nothing is under way or waits for its turn; questions may be open. */
  get isQuiet(): boolean {
    if (this.countOf("hashing", "sending") > 0) return false;
    return this.areHeld("waiting") && this.areHeld("ready");
  }

  get isOver(): boolean {
    return this.length > 0 && this.countOf("done", "failed") === this.length;
  }

  private areHeld(phase: Phase): boolean {
    for (const id of this.in(phase)) {
      if (!this.items.get(id)?.held) return false;
    }
    return true;
  }

  private in(phase: Phase): Set<string> {
    const found = this.phases.get(phase);
    if (!found) throw new Error(`no such phase: ${phase}`);
    return found;
  }

  private count(item: Item, sign: 1 | -1): void {
    if (item.phase === "failed") return;
    this.all += sign * item.size;
    this.done += sign * (item.phase === "done" ? item.size : item.sent);
  }
}
