/** Which of many lines of one height are in sight. Pure. */

const AROUND = 8;

export interface Rows {
  readonly first: number;
  readonly last: number;
}

/** `above`: how much of the list has been scrolled up out of sight. */
export function rowsIn(above: number, screen: number, height: number, count: number): Rows {
  const first = Math.max(0, Math.floor(above / height) - AROUND);
  const last = Math.max(0, Math.ceil((above + screen) / height) + AROUND);
  return { first: Math.min(first, count), last: Math.min(last, count) };
}
