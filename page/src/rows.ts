/** Which of many lines of one height are in sight. Pure. */

const AROUND = 8;

export interface Rows {
  readonly first: number;
  readonly last: number;
}

/** `above`: how much of the list has been scrolled up out of sight. */
export function rowsIn(above: number, screen: number, height: number, count: number): Rows {
  const screenful = Math.ceil(screen / height) + AROUND;
  const last = Math.max(0, Math.min(count, Math.ceil(above / height) + screenful));
  // Also past the end there is something to see, as when the list has become shorter.
  const first = Math.min(Math.floor(above / height), last - screenful + AROUND) - AROUND;
  return { first: Math.max(0, first), last };
}
