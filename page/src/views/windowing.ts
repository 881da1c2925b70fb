/** Which rows of a long list are on the screen: only those, and some around them, are drawn. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";

const AROUND = 12;
/** So near to its end the list asks for more. */
const NEAR = 100;

export interface Rows {
  readonly first: number;
  readonly last: number;
}

/** Pure: `above` is how far the list has been scrolled up out of sight. */
export function rowsIn(above: number, height: number, row: number, count: number): Rows {
  const first = Math.max(0, Math.floor(above / row) - AROUND);
  const last = Math.min(count, Math.ceil((above + height) / row) + AROUND);
  return { first: Math.min(first, count), last: Math.max(last, 0) };
}

/**
 * `perLine`: how many entries stand side by side. The height of a line is measured from the first
 * element in `list` that has the class `line`.
 */
export function useWindow(count: number, perLine: () => number, nearEnd: () => void) {
  const list = useRef<HTMLElement>(null);
  const [seen, setSeen] = useState({ first: 0, last: 60, line: 48, columns: 1 });

  useLayoutEffect(() => {
    function look(): void {
      if (!list.current) return;
      const line = list.current.querySelector(".line")?.getBoundingClientRect().height || 48;
      const columns = Math.max(1, perLine());
      const lines = Math.ceil(count / columns);
      const { first, last } = rowsIn(
        -list.current.getBoundingClientRect().top,
        innerHeight,
        line,
        lines,
      );
      setSeen((before) =>
        before.first === first &&
        before.last === last &&
        before.line === line &&
        before.columns === columns
          ? before
          : { first, last, line, columns },
      );
      if (last * columns > count - NEAR) nearEnd();
    }
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, [count, perLine, nearEnd]);

  const first = Math.min(seen.first * seen.columns, count);
  const last = Math.min(seen.last * seen.columns, count);
  const above = seen.first * seen.line;
  const below = Math.max(0, Math.ceil(count / seen.columns) - seen.last) * seen.line;
  return { list, first, last, above, below };
}
