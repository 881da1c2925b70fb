/**
 * What a person is told or asked after a deed: the notice with its undo, the questions that are
 * left, and the dialog that is open.
 */

import { effect, signal } from "@preact/signals";
import { isFolder, nameOf, type Path, parentOf, pathOf } from "../address.ts";
import { isPassing, type Problem } from "../ask.ts";
import { words } from "../strings/words.ts";
import { isTaken, withFreeNames } from "./beside.ts";
import type { Entry, FileEntry } from "./entries.ts";
import { entries, folder, load } from "./folder.ts";
import { freeName } from "./names.ts";
import { clear, goOnAt, placeOfActive } from "./selection.ts";
import { sentenceOf } from "./sentences.ts";
import { inTurn } from "./turns.ts";
import {
  carryOut,
  carryOutAll,
  type Deed,
  type Done,
  type Ended,
  type Move,
  move,
  type Refused,
  removal,
  restoration,
  takeBack,
} from "./verbs.ts";

export type Dialog =
  | { readonly kind: "folder" }
  | { readonly kind: "rename"; readonly entry: Entry; readonly name?: string }
  | { readonly kind: "move"; readonly entries: readonly Entry[] }
  | { readonly kind: "details"; readonly entry: Entry };

export interface Notice {
  readonly text: string;
  readonly undo: (() => void) | null;
}

/** A way to settle what was refused; `deed` is null where it is left as it is. */
export interface Choice {
  readonly label: string;
  readonly deed: Deed | null;
  /** Opens a dialog instead, where more has to be said. */
  readonly instead?: Dialog;
}

export const dialog = signal<Dialog | null>(null);
export const notice = signal<Notice | null>(null);
export const questions = signal<readonly Refused[]>([]);

/** What was opened in a folder is about that folder, and not about the next one. */
effect(() => {
  folder.value;
  dialog.value = null;
});

export function tell(text: string, undo: (() => void) | null = null): void {
  notice.value = { text, undo };
}

/** How many of them were carried out. */
export async function carryOutAndTell(deeds: readonly Deed[]): Promise<number> {
  const at = placeOfActive();
  // Not to be done once more by a second click.
  clear();
  const { done, refused } = await inTurn(deeds.length, (goesOn) => carryOutAll(deeds, goesOn));
  // What somebody else has deleted is as it was to be.
  const gone = refused.filter(
    ({ deed, problem }) => deed.verb === "remove" && problem.slug === "not-there",
  );
  tellOf(done, gone);
  const open = refused.filter((one) => !gone.includes(one));
  questions.value = [...questions.value, ...(await withFreeNames(open))];
  await load();
  goOnAt(at);
  return done.length;
}

function tellOf(done: readonly Done[], gone: readonly Refused[]): void {
  const [lost] = gone;
  const said = lost ? words.value.goneAlready(gone.length, lost.deed.entry.name) : "";
  if (done.length) tell([saidOf(done), said].filter(Boolean).join(". "), () => void undo(done));
  else if (said) tell(said);
}

function saidOf(done: readonly Done[]): string {
  const [first] = done;
  if (!first) return "";
  const { removed, moved, renamed } = words.value;
  const { deed } = first;
  const count = done.length;
  if (deed.verb === "remove") return removed(count, deed.entry.name);
  if (deed.verb === "move" && count === 1 && isRenaming(deed.entry, deed.target))
    return renamed(deed.target.at(-1) ?? "");
  return moved(count, deed.entry.name);
}

function isRenaming(entry: Entry, target: Path): boolean {
  const path = pathOf(entry.href);
  return (
    path.length === target.length && path.slice(0, -1).every((name, at) => target[at] === name)
  );
}

async function undo(done: readonly Done[]): Promise<void> {
  const at = placeOfActive();
  const back = await inTurn(done.length, (goesOn) => takeBack(done, goesOn));
  tell(saidOfUndo(back), undoOfRest(back));
  await load();
  goOnAt(at);
}

/** What did not get through, or was stopped, can still be taken back. */
function undoOfRest({ refused, left }: Ended): (() => void) | null {
  const passing = refused.filter(({ problem }) => isPassing(problem)).map(({ deed }) => deed);
  const rest = [...passing, ...left].reverse().map((deed) => ({ deed, undo: deed }));
  return rest.length ? () => void undo(rest) : null;
}

/** How much of it is as before, and why the first of the others is not. */
export function saidOfUndo({ done, refused, left }: Ended): string {
  const text = words.value;
  const [first] = refused;
  const all = done.length + refused.length + left.length;
  if (all === done.length) return text.undone;
  const much = done.length ? text.undoneSome(done.length, all) : text.notUndone;
  return first ? `${much} ${said(first)}` : much;
}

/** Brings back an earlier version. */
export async function bringBack(entry: FileEntry, number: number): Promise<void> {
  const ended = await carryOut(restoration(entry, number));
  if ("problem" in ended) tell(said(ended));
  else tell(words.value.restored(entry.name), () => void undo([ended]));
  await load();
}

export function removeAll(chosen: readonly Entry[]): Promise<number> {
  return carryOutAndTell(chosen.map(removal));
}

/** Where it stands, whichever folder is on the page by then. */
export async function rename(entry: Entry, name: string): Promise<boolean> {
  return (await carryOutAndTell([move(entry, [...pathOf(parentOf(entry.href)), name])])) > 0;
}

export function moveAll(chosen: readonly Entry[], folder: Path): Promise<number> {
  return carryOutAndTell(chosen.map((entry) => move(entry, [...folder, entry.name])));
}

/** What was refused, in a sentence of the page where it knows one, else in the server's. */
export function said({ deed, problem }: Refused): string {
  const text = words.value;
  const { name } = deed.entry;
  const wanted = deed.verb === "move" ? (deed.target.at(-1) ?? name) : name;
  switch (problem.slug) {
    case "not-empty":
      return text.notEmpty(name);
    case "name-taken":
    case "type-clash":
      return text.taken(wanted);
    case "name-equivalent":
      return text.alike(wanted, problem.existing ? nameOf(problem.existing.href) : wanted);
    case "stale-version":
      // Of a folder no version is told that is there instead.
      return problem.existing || isFolder(deed.entry.href)
        ? text.changedMeanwhile(name)
        : text.gone(name);
    case "not-there":
      return text.gone(name);
    case "not-allowed":
      return text.forbidden(name);
    default:
      return sentenceOf(problem);
  }
}

/** What can be chosen, besides leaving it: complete deeds, that are judged again. */
export function choices({ deed, problem, free }: Refused): Choice[] {
  const text = words.value;
  const found: Choice[] = [];
  if (problem.slug === "not-empty" && deed.verb === "remove") {
    found.push({ label: text.removeAll, deed: { ...deed, recursive: true } });
  }
  if (isTaken(problem.slug) && deed.verb === "move") {
    const name = deed.target.at(-1) ?? deed.entry.name;
    const isHere = (one: string) => entries.value.some((entry) => entry.name === one);
    const other = free ?? freeName(name, isHere);
    const target = [...deed.target.slice(0, -1), other];
    found.push({ label: text.keepAs(other), deed: { ...deed, target } });
  }
  if (mayBeNamedElse(deed, problem)) {
    const instead = { kind: "rename", entry: deed.entry, name: deed.target.at(-1) ?? "" } as const;
    found.push({ label: text.otherName, deed: null, instead });
  }
  if (isPassing(problem) || problem.slug === "not-identified")
    found.push({ label: text.retry, deed });
  if (problem.slug === "stale-version" && problem.existing?.etag) {
    const label = deed.verb === "remove" ? text.removeAnyway : text.moveAnyway;
    found.push({ label, deed: { ...deed, etag: problem.existing.etag } });
  }
  return [...found, { label: text.leave, deed: null }];
}

function mayBeNamedElse(deed: Deed, { slug }: Problem): deed is Move {
  if (deed.verb !== "move" || !isRenaming(deed.entry, deed.target)) return false;
  return isTaken(slug) || slug === "bad-name";
}

/** Settles one question, or all of its kind, in the way that stands at this place of the choices. */
export async function settle(asked: Refused, choice: number, all: boolean): Promise<void> {
  const chosen = all
    ? questions.value.filter(({ problem }) => problem.slug === asked.problem.slug)
    : [asked];
  questions.value = questions.value.filter((one) => !chosen.includes(one));
  const instead = choices(asked)[choice]?.instead;
  if (instead) dialog.value = instead;
  const deeds = chosen.map((one) => choices(one)[choice]?.deed ?? null);
  const wanted = deeds.filter((deed): deed is Deed => deed !== null);
  if (wanted.length) await carryOutAndTell(wanted);
}
