/** Which name is free beside one that is taken, in a folder that may not be on the page. */

import { type Path, written } from "../address.ts";
import { ask } from "../ask.ts";
import { numbered } from "./names.ts";
import type { Refused } from "./verbs.ts";

const TRIED = 20;

export function isTaken(slug: string): boolean {
  return /^(name-taken|name-equivalent|type-clash)$/.test(slug);
}

/** Those that may stand under another name with the name that is free. */
export async function withFreeNames(refused: readonly Refused[]): Promise<Refused[]> {
  const found: Refused[] = [];
  for (const one of refused) {
    const { deed, problem } = one;
    const isAsked = deed.verb === "move" && isTaken(problem.slug);
    const free = isAsked ? await freeBeside(deed.target) : undefined;
    found.push(free ? { ...one, free } : one);
  }
  return found;
}

async function freeBeside(target: Path): Promise<string | undefined> {
  const name = target.at(-1) ?? "";
  const names = Array.from({ length: TRIED }, (_, index) => numbered(name, index + 2));
  const folder = target.slice(0, -1);
  const items = names.map((one) => ({ path: written([...folder, one]), size: 0 }));
  const answer = await ask<{ verdicts: readonly { verdict: string }[] }>("/preflight", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ items }),
  });
  if (!answer.ok) return undefined;
  return names[answer.value.verdicts.findIndex(({ verdict }) => !isTaken(verdict))];
}
