/**
 * What can be done with what is there. Each request says in If-Match which version was seen, so
 * that what somebody has changed meanwhile is asked about, and not lost.
 */

import { folderHref, isFolder, type Path, pathOf, written } from "../address.ts";
import { type Answer, ask, type Problem } from "../ask.ts";
import type { Entry } from "./entries.ts";

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

export type Deed = Removal | Move;

export interface Done {
  readonly deed: Deed;
  /** The request that takes it back; null where none does. */
  readonly undo: { readonly href: string; readonly etag: string | null } | null;
}

export interface Refused {
  readonly deed: Deed;
  readonly problem: Problem;
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

function conditions(etag: string | null): Record<string, string> {
  return etag === null ? {} : { "If-Match": etag };
}

function moveQuery(target: Path): string {
  return `?move=${encodeURIComponent(written(target))}&recursive=true`;
}

export async function carryOut(deed: Deed): Promise<Done | Refused> {
  return deed.verb === "remove" ? carryOutRemoval(deed) : carryOutMove(deed);
}

async function carryOutRemoval(deed: Removal): Promise<Done | Refused> {
  const query = deed.recursive ? "?recursive=true" : "";
  const answer = await ask<{ undo: { href: string } }>(deed.entry.href + query, {
    method: "DELETE",
    headers: conditions(deed.etag),
  });
  if (!answer.ok) return { deed, problem: answer.problem };
  return { deed, undo: { href: answer.value.undo.href, etag: null } };
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
  const back = href + moveQuery(pathOf(deed.entry.href));
  return { deed, undo: { href: back, etag: isFolder(href) ? null : etag } };
}

/** One after the other: the server judges each, and a mistake can still be stopped. */
export async function carryOutAll(
  deeds: readonly Deed[],
): Promise<{ done: Done[]; refused: Refused[] }> {
  const done: Done[] = [];
  const refused: Refused[] = [];
  for (const deed of deeds) {
    const ended = await carryOut(deed);
    if ("problem" in ended) refused.push(ended);
    else done.push(ended);
  }
  return { done, refused };
}

/** The last first. True if all of it is as before. */
export async function takeBack(done: readonly Done[]): Promise<boolean> {
  let well = true;
  for (const { undo } of [...done].reverse()) {
    if (!undo) continue;
    const answer = await ask(undo.href, { method: "POST", headers: conditions(undo.etag) });
    well &&= answer.ok;
  }
  return well;
}

export function makeFolder(folder: string, name: string): Promise<Answer<{ href: string }>> {
  return ask(folderHref([...pathOf(folder), name]), { method: "PUT" });
}

export function restore(
  href: string,
  number: number,
  etag: string | null,
): Promise<Answer<unknown>> {
  return ask(`${href}?restore=${number}`, { method: "POST", headers: conditions(etag) });
}

export function archiveOf(folder: string): string {
  return `/archive/${folder.slice(folderHref([]).length)}`;
}
