/** The open questions, gathered by kind, and what an answer comes to. Pure. */

import type { Choice, Item, Kind, Plan, Question, Result } from "./item.ts";
import { KINDS, pathOf } from "./item.ts";

export interface Group {
  readonly kind: Kind;
  readonly items: readonly Item[];
}

export function gathered(items: readonly Item[]): Group[] {
  return KINDS.map((kind) => ({
    kind,
    items: items.filter((item) => item.question?.kind === kind),
  })).filter((group) => group.items.length > 0);
}

/** The question that somebody looks at, and where it stands among the open ones. */
export interface Shown {
  readonly id: string;
  readonly place: number;
}

/** One that comes in before it does not take its place under the hand; the next one does, once it is answered. */
export function stillShown(items: readonly Item[], shown: Shown): Shown {
  const found = items.findIndex(({ id }) => id === shown.id);
  const place = found >= 0 ? found : Math.max(0, Math.min(shown.place, items.length - 1));
  return { id: items[place]?.id ?? "", place };
}

/** What can be chosen: what loses nothing comes first. */
export function choices(question: Question): Choice[] {
  const can = (action: string) =>
    question.resolutions.length === 0 || question.resolutions.some((one) => one.action === action);
  const found: Choice[] = [];
  if (question.kind === "content") {
    if (can("link")) found.push("link");
    return [...found, "use"];
  }
  if (question.kind === "gone") return can("store") ? ["store", "skip"] : ["skip"];
  if (question.free || question.resolutions.some(({ action }) => action === "store")) {
    found.push("both");
  }
  if (question.mayReplace && question.kind !== "clash") found.push("replace");
  return [...found, "skip"];
}

/** Those of the same kind for which the same can be chosen. */
export function alike(items: readonly Item[], item: Item, choice: Choice): Item[] {
  const kind = item.question?.kind;
  return items.filter(
    ({ question }) => question?.kind === kind && question && choices(question).includes(choice),
  );
}

export type Decision =
  | { readonly plan: Plan }
  | { readonly result: Result; readonly discard?: string; readonly href?: string };

export function decided(item: Item, choice: Choice): Decision {
  const { question } = item;
  if (!question) throw new Error("nothing was asked");
  const action = { store: "store", replace: "replace", both: "store", link: "link" } as const;
  const { existing, resolutions, free } = question;
  if (choice === "use" || choice === "skip") {
    const discard = resolutions.find((one) => one.action === "discard")?.href;
    return {
      result: choice === "use" ? "there" : "skipped",
      ...(discard ? { discard } : {}),
      ...(existing ? { href: existing.href } : {}),
    };
  }
  const settle = resolutions.find((one) => one.action === action[choice]);
  const settled = settle ? { settle } : {};
  switch (choice) {
    case "store":
      return { plan: { path: pathIn(settle?.href) ?? item.path, as: "stored", ...settled } };
    case "replace":
      return { plan: { ...replacing(item, question), ...settled } };
    case "both":
      return { plan: { path: pathIn(settle?.href) ?? free, as: "both", ...settled } };
    case "link":
      return { plan: { path: item.path, as: "linked", ...settled } };
  }
}

/** The condition names the version that was shown: another one is not replaced. */
function replacing(item: Item, { existing }: Question): Plan {
  return {
    path: existing ? pathOf(existing.href) : item.path,
    as: "replaced",
    ...(existing?.etag ? { ifMatch: existing.etag } : {}),
  };
}

/** Where its bytes wait on the server for what is decided. */
export function parkedAt({ question, plan }: Item): string | undefined {
  const { href } = question?.resolutions[0] ?? plan?.settle ?? {};
  return href?.split("?")[0];
}

/** Where a request that settles a conflict would store the bytes. */
export function pathIn(href: string | undefined): string | null {
  return href ? new URLSearchParams(href.split("?")[1]).get("path") : null;
}

const NUMBERED = /^(.+?)( \((\d+)\))?(\.[^.]{1,10})?$/s;

/** `a.txt` -> `a (2).txt`, and so on. */
export function numbered(path: string, number: number): string {
  const slash = path.lastIndexOf("/") + 1;
  const parts = NUMBERED.exec(path.slice(slash));
  if (!parts) return `${path} (${number})`;
  return `${path.slice(0, slash)}${parts[1]} (${number})${parts[4] ?? ""}`;
}
