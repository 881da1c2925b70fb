/** Both files of a conflict as far as a person can tell them apart: a picture, or the lines of a text. */

import { difference } from "../diff.ts";
import { isText, PICTURES } from "../tree/entries.ts";
import type { Existing } from "./item.ts";

const HEAD = 64 << 10;
const MOST_LINES = 400;
const AROUND = 3;

export interface Line {
  readonly text: string;
  readonly differs: boolean;
}

export type Preview =
  | { readonly is: "picture"; readonly href: string }
  | { readonly is: "text"; readonly lines: readonly Line[] }
  | { readonly is: "none" };

export interface Sides {
  readonly there: Preview;
  readonly yours: Preview;
  readonly by: string;
}

const NONE: Preview = { is: "none" };

/** `release` what is not on the screen any more: an address of a file holds on to it. */
export async function sidesOf(
  existing: Existing | undefined,
  file: Blob | null,
  release: (free: () => void) => void,
): Promise<Sides> {
  const by = existing ? await author(existing.href) : "";
  if (!existing?.etag) return { there: NONE, yours: yoursAlone(file, release), by };
  // The very version that would be replaced, whatever stands there by now.
  const version = existing.version ? `${existing.href}?version=${existing.version}` : existing.href;
  if (PICTURES.has(existing.media_type ?? "")) {
    return { there: { is: "picture", href: version }, yours: yoursAlone(file, release), by };
  }
  const [theirs, ours] = isText(existing.media_type ?? "")
    ? await Promise.all([headOf(version), headIn(file)])
    : [null, null];
  if (theirs === null || ours === null)
    return { there: NONE, yours: yoursAlone(file, release), by };
  const [left, right] = compared(theirs, ours);
  return { there: { is: "text", lines: left }, yours: { is: "text", lines: right }, by };
}

function yoursAlone(file: Blob | null, release: (free: () => void) => void): Preview {
  if (!file || !PICTURES.has(file.type)) return NONE;
  const href = URL.createObjectURL(file);
  release(() => URL.revokeObjectURL(href));
  return { is: "picture", href };
}

/** Line by line; only what is around the first difference is worth the room. Pure. */
export function compared(theirs: string, ours: string): readonly [Line[], Line[]] {
  const [left, right] = [theirs, ours].map((text) => text.split("\n").slice(0, MOST_LINES));
  const sides: [Line[], Line[]] = [[], []];
  for (const { kind, text } of difference(left?.join("\n") ?? "", right?.join("\n") ?? "") ?? []) {
    const line = { text, differs: kind !== "same" };
    if (kind !== "added") sides[0].push(line);
    if (kind !== "dropped") sides[1].push(line);
  }
  return [fromFirst(sides[0]), fromFirst(sides[1])];
}

function fromFirst(lines: Line[]): Line[] {
  const first = lines.findIndex(({ differs }) => differs);
  return lines.slice(Math.max(0, first - AROUND));
}

async function headOf(href: string): Promise<string | null> {
  try {
    const answer = await fetch(href, { headers: { Range: `bytes=0-${HEAD - 1}` } });
    return answer.ok ? textOf(await answer.arrayBuffer()) : null;
  } catch {
    return null;
  }
}

async function headIn(file: Blob | null): Promise<string | null> {
  try {
    return file && textOf(await file.slice(0, HEAD).arrayBuffer());
  } catch {
    return null;
  }
}

function textOf(bytes: ArrayBuffer): string | null {
  const text = new TextDecoder().decode(bytes);
  return text.includes("\0") ? null : text;
}

/** Who made the version that is there, if that may be known and it was somebody with a name. */
async function author(href: string): Promise<string> {
  try {
    const answer = await fetch(`${href}?versions&limit=1`, {
      headers: { Accept: "application/json" },
    });
    if (!answer.ok) return "";
    const { versions } = (await answer.json()) as { versions: readonly { by: string }[] };
    const by = versions[0]?.by ?? "";
    return by === "anonymous" ? "" : by;
  } catch {
    return "";
  }
}
