/** Which lines of a long list are on the screen: only those, and some around them, are drawn. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Rows, rowsIn } from "../rows.ts";

/** So near to its end the list asks for more. */
const NEAR = 100;
const USUAL_HEIGHT = 48;

interface Seen extends Rows {
  readonly height: number;
  readonly columns: number;
}

/**
 * `perLine`: how many entries stand side by side. The height of a line is measured from the first
 * element in `list` that has the class `line`.
 */
export function useWindow(count: number, perLine: () => number, nearEnd: () => void) {
  const list = useRef<HTMLElement>(null);
  const height = useRef(USUAL_HEIGHT);
  const [seen, setSeen] = useState<Seen>({ first: 0, last: 40, height: USUAL_HEIGHT, columns: 1 });

  /** Where the first line is, or would be, were it drawn. */
  function top(): number {
    const before = list.current?.previousElementSibling;
    const above = before?.classList.contains("space") ? before : list.current;
    return above?.getBoundingClientRect().top ?? 0;
  }

  useLayoutEffect(() => {
    function look(): void {
      if (!list.current) return;
      const line = list.current.querySelector(".line");
      height.current = line?.getBoundingClientRect().height || height.current;
      const columns = Math.max(1, perLine());
      const lines = Math.ceil(count / columns);
      const { first, last } = rowsIn(-top(), innerHeight, height.current, lines);
      const next = { first, last, height: height.current, columns };
      setSeen((before) => (isSame(before, next) ? before : next));
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

  function bring(index: number): void {
    const at = top() + Math.floor(index / seen.columns) * seen.height;
    const margin = 2 * seen.height;
    if (at < margin) scrollBy({ top: at - margin });
    else if (at + margin > innerHeight) scrollBy({ top: at + margin - innerHeight });
  }

  const first = Math.min(seen.first * seen.columns, count);
  const last = Math.min(seen.last * seen.columns, count);
  const above = seen.first * seen.height;
  const below = Math.max(0, Math.ceil(count / seen.columns) - seen.last) * seen.height;
  return { list, first, last, above, below, bring };
}

function isSame(one: Seen, other: Seen): boolean {
  return (
    one.first === other.first &&
    one.last === other.last &&
    one.height === other.height &&
    one.columns === other.columns
  );
}
