/** Deeds of several things at once: one batch after the other, each of which can be stopped. */

import { signal } from "@preact/signals";
import type { Ended } from "./verbs.ts";

export interface UnderWay {
  readonly ended: number;
  readonly all: number;
}

export const underWay = signal<UnderWay | null>(null);

let isStopped = false;
let last: Promise<unknown> = Promise.resolve();

export function stop(): void {
  isStopped = true;
}

/** `work`: hears from its argument, before each, whether it shall go on. */
export function inTurn(
  all: number,
  work: (goesOn: (ended: number) => boolean) => Promise<Ended>,
): Promise<Ended> {
  const turn = last.then(async () => {
    isStopped = false;
    try {
      return await work((ended) => {
        underWay.value = { ended, all };
        return !isStopped;
      });
    } finally {
      underWay.value = null;
    }
  });
  last = turn.catch(() => {});
  return turn;
}
