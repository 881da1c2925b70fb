/** Asks the server first: what would become of the items, and what may be answered to questions. */

import type { Item, Question, Refusal } from "./item.ts";
import { pathOf } from "./item.ts";
import { numbered } from "./questions.ts";
import type { Change, Queue } from "./queue.ts";
import type { Asked, Foretold } from "./requests.ts";
import type { Step, Verdict } from "./verdicts.ts";
import { judged } from "./verdicts.ts";

export const AT_ONCE = 200;
/** So many names are tried at a time, for a file that shall stand beside another. */
const NAMES_AT_ONCE = 3;
const MOST_NAMES = 60;
const AGAIN_MS = 2000;

export function askedOf(item: Item): Asked {
  const { path, size, digest, plan } = item;
  return {
    path: plan?.path ?? path,
    size,
    ...(digest ? { digest } : {}),
    ...(plan?.ifMatch ? { if_match: plan.ifMatch } : {}),
  };
}

/** What becomes of an item by a step. Pure. */
export function changeBy(step: Step, now: number): Change {
  switch (step.do) {
    case "send":
      return { phase: "ready", plan: step.plan };
    case "hash":
      return { phase: "hashing" };
    case "ask":
      return { phase: "question", question: step.question };
    case "leave":
      return {
        phase: "done",
        result: "there",
        ...(step.existing ? { href: step.existing.href } : {}),
      };
    case "again":
      return { phase: "waiting", plan: step.plan, until: 0 };
    case "wait":
      return { phase: "waiting", until: now + AGAIN_MS };
    case "fail":
      return { phase: "failed", refusal: step.refusal };
  }
}

/** Returns when the item is to be asked for again, if it has to wait. */
export function judge(queue: Queue, item: Item, verdict: Verdict, now: number): number {
  const byItsLike = verdict.earlier !== undefined || isOurs(queue, verdict.existing?.href);
  const told = byItsLike ? { ...verdict, earlier: verdict.earlier ?? -1 } : verdict;
  const step = judged(item, told, queue.sharesSize(item.size));
  const change = changeBy(keeping(item, step), now);
  queue.change(item.id, change);
  return change.until ?? 0;
}

/** Whoever has chosen how it is stored has not to be asked for that again. */
function keeping(item: Item, step: Step): Step {
  return step.do === "send" && item.plan ? { do: "send", plan: item.plan } : step;
}

/** Stored by this very list: two copies of one content were dropped, and both names are wanted. */
export function isOurs(queue: Queue, href: string | undefined): boolean {
  const item = href ? queue.at(pathOf(href)) : null;
  // Its answer may be on its way yet.
  if (item?.phase === "sending") return item.plan?.as === "stored" || item.plan?.as === "linked";
  return item?.result === "stored" || item?.result === "linked";
}

/** The requests that find out what can be answered: is it allowed to replace, which name is free? */
export function probes(item: Item, from: number): Asked[] {
  const { question, size, path } = item;
  if (!question || question.kind === "content" || question.kind === "gone") return [];
  const names = Array.from({ length: NAMES_AT_ONCE }, (_, index) => numbered(path, from + index));
  const beside = names.map((name) => ({ path: name, size }));
  const { href, etag } = question.existing ?? {};
  if (!href || !etag || question.kind === "clash") return beside;
  return [{ path: pathOf(href), size, if_match: etag }, ...beside];
}

/** The question with what its probes have told; null where more names have to be tried. */
export function answered(
  question: Question,
  asked: readonly Asked[],
  verdicts: readonly Verdict[],
  from: number,
): Question | null {
  const told = verdicts.map((verdict, index) => ({ verdict, asked: asked[index] }));
  const mayReplace = told.some(
    ({ verdict, asked }) => asked?.if_match !== undefined && verdict.status < 400,
  );
  const free = told.find(
    ({ verdict, asked }) => asked?.if_match === undefined && verdict.status < 400,
  );
  if (free?.asked) return { ...question, mayReplace, free: free.asked.path };
  return from + NAMES_AT_ONCE < MOST_NAMES && canBeFree(verdicts)
    ? null
    : { ...question, mayReplace };
}

function canBeFree(verdicts: readonly Verdict[]): boolean {
  const last = verdicts.at(-1)?.verdict;
  return last === "name-taken" || last === "name-equivalent" || last === "type-clash";
}

export const STEP = NAMES_AT_ONCE;

/** Why nothing at all could be asked: no right, too much at once. */
export function refusalIn(foretold: Foretold): Refusal | null {
  return typeof foretold === "object" && "refusal" in foretold ? foretold.refusal : null;
}
