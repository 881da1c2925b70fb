/** Finds out what can be answered to the open questions: for all new ones together. */

import { answered, probes, STEP } from "./asking.ts";
import type { Queue } from "./queue.ts";
import { preflight } from "./requests.ts";

const AT_ONCE = 40;
const FIRST = 2;

export class Probing {
  private readonly queue: Queue;
  /** The number of the name that is tried next; -1 where all is known. */
  private readonly numbers = new Map<string, number>();
  private isAsking = false;

  constructor(queue: Queue) {
    this.queue = queue;
  }

  forget(id: string): void {
    this.numbers.delete(id);
  }

  async ask(): Promise<"nothing to ask" | "no answer" | "told"> {
    const open = this.queue.of("question").filter(({ id }) => this.numbers.get(id) !== -1);
    const batch = open.slice(0, AT_ONCE).map((item) => {
      const from = this.numbers.get(item.id) ?? FIRST;
      return { item, from, asked: probes(item, from) };
    });
    if (this.isAsking || !batch.length) return "nothing to ask";
    this.isAsking = true;
    const foretold = await preflight(
      batch.flatMap(({ asked }) => asked),
      NEVER,
    );
    this.isAsking = false;
    if (foretold === "no answer") return foretold;
    const verdicts = "verdicts" in foretold ? foretold.verdicts : [];
    let at = 0;
    for (const { item, from, asked } of batch) {
      const some = verdicts.slice(at, at + asked.length);
      at += asked.length;
      const { question } = this.queue.get(item.id) ?? {};
      if (!question) continue;
      const told = answered(question, asked, some, from);
      this.numbers.set(item.id, told ? -1 : from + STEP);
      if (told) this.queue.change(item.id, { question: told });
    }
    return "told";
  }
}

const NEVER = new AbortController().signal;
