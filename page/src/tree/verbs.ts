/**
 * What can be done with what is there. Each request says in If-Match which version was seen, so
 * that what somebody has changed meanwhile is asked about, and not lost.
 */

import { folderHref, nameOf, type Path, pathOf, written } from "../address.ts";
import { type Answer, ask, type Problem } from "../ask.ts";
import type { Entry, FileEntry } from "./entries.ts";

export interface Removal {
  readonly verb: "remove";
  readonly entry: Entry;
  readonly etag: string | null;
  readonly recursive: boolean;
}

export interface Move {
  readonly verb: "move";
  readonly entry: Entry;
  readonly etag: string | null;
  readonly target: Path;
}

export interface Restoration {
  readonly verb: "restore";
  readonly entry: Entry;
  readonly etag: string | null;
  /** The request that does it. */
  readonly href: string;
  /** The number of the version whose place it takes; null where nothing was there. */
  readonly before: number | null;
}

export type Deed = Removal | Move | Restoration;

export interface Done {
  readonly deed: Deed;
  /** What takes it back: a deed with a condition of its own. Null where none does. */
  readonly undo: Deed | null;
}

export interface Refused {
  readonly deed: Deed;
  readonly problem: Problem;
  /** The name that is free beside the one that is taken, where that is known. */
  readonly free?: string;
}

export function removal(entry: Entry): Removal {
  // The ETag of a folder says nothing of what is in it: there the question is whether it is empty.
  return {
    verb: "remove",
    entry,
    etag: entry.type === "file" ? entry.etag : null,
    recursive: false,
  };
}

export function move(entry: Entry, target: Path): Move {
  return { verb: "move", entry, etag: entry.type === "file" ? entry.etag : null, target };
}

/** Of what is on the screen: a version that somebody has put there meanwhile is not replaced. */
export function restoration(entry: FileEntry, number: number): Restoration {
  const href = restoring(entry, number);
  return { verb: "restore", entry, etag: entry.etag, href, before: entry.version };
}

function restoring({ href }: Entry, number: number): string {
  return `${href}?restore=${number}`;
}

function conditions(etag: string | null): Record<string, string> {
  return etag === null ? {} : { "If-Match": etag };
}

function moveQuery(target: Path): string {
  return `?move=${encodeURIComponent(written(target))}&recursive=true`;
}

export function carryOut(deed: Deed): Promise<Done | Refused> {
  switch (deed.verb) {
    case "remove":
      return carryOutRemoval(deed);
    case "move":
      return carryOutMove(deed);
    case "restore":
      return carryOutRestoration(deed);
  }
}

async function carryOutRemoval(deed: Removal): Promise<Done | Refused> {
  const query = deed.recursive ? "?recursive=true" : "";
  const answer = await ask<{ undo: { href: string } }>(deed.entry.href + query, {
    method: "DELETE",
    headers: conditions(deed.etag),
  });
  if (!answer.ok) return { deed, problem: answer.problem };
  const { href } = answer.value.undo;
  const undo = { verb: "restore", entry: deed.entry, etag: null, href, before: null } as const;
  return { deed, undo };
}

async function carryOutMove(deed: Move): Promise<Done | Refused> {
  const answer = await ask<{ href: string; etag: string }>(
    deed.entry.href + moveQuery(deed.target),
    {
      method: "POST",
      headers: conditions(deed.etag),
    },
  );
  if (!answer.ok) return { deed, problem: answer.problem };
  const { href, etag } = answer.value;
  // The ETag also of a folder: another one that has its name by now is not moved.
  const entry = { ...deed.entry, href, name: nameOf(href), etag };
  return { deed, undo: { verb: "move", entry, etag, target: pathOf(deed.entry.href) } };
}

async function carryOutRestoration(deed: Restoration): Promise<Done | Refused> {
  const answer = await ask<{ etag: string }>(deed.href, {
    method: "POST",
    headers: conditions(deed.etag),
  });
  if (!answer.ok) return { deed, problem: answer.problem };
  const { entry, before } = deed;
  if (before === null) return { deed, undo: null };
  const { etag } = answer.value;
  const href = restoring(entry, before);
  return { deed, undo: { verb: "restore", entry, etag, href, before: null } };
}

export interface Ended {
  readonly done: readonly Done[];
  readonly refused: readonly Refused[];
  /** Not tried any more. */
  readonly left: readonly Deed[];
}

/**
 * One after the other: the server judges each, and a mistake can still be stopped. `goesOn` hears
 * before each how many have come to an end.
 */
export async function carryOutAll(
  deeds: readonly Deed[],
  goesOn: (ended: number) => boolean = () => true,
): Promise<Ended> {
  const done: Done[] = [];
  const refused: Refused[] = [];
  for (const [at, deed] of deeds.entries()) {
    if (!goesOn(at)) return { done, refused, left: deeds.slice(at) };
    const ended = await carryOut(deed);
    if ("undo" in ended) done.push(ended);
    else refused.push(ended);
    if ("problem" in ended && ended.problem.slug === "offline") {
      // None of the others would get through.
      const { problem } = ended;
      refused.push(...deeds.slice(at + 1).map((other) => ({ deed: other, problem })));
      break;
    }
  }
  return { done, refused, left: [] };
}

/** The last first. */
export function takeBack(
  done: readonly Done[],
  goesOn?: (ended: number) => boolean,
): Promise<Ended> {
  const undone = done.flatMap(({ undo }) => undo ?? []);
  return carryOutAll(undone.reverse(), goesOn);
}

export function makeFolder(folder: string, name: string): Promise<Answer<{ href: string }>> {
  return ask(folderHref([...pathOf(folder), name]), { method: "PUT" });
}

export function archiveOf(folder: string): string {
  return `/archive/${folder.slice(folderHref([]).length)}`;
}
