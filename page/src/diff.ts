/** Two texts, line by line: what stayed, what went, what came. Pure. */

export interface Line {
  readonly kind: "same" | "dropped" | "added";
  readonly text: string;
}

const MOST_CELLS = 4_000_000;

/** By the longest common subsequence; null where the texts differ in too much to be compared. */
export function difference(before: string, now: string): Line[] | null {
  const old = before.split("\n");
  const fresh = now.split("\n");
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head += 1;
  let tail = 0;
  const most = Math.min(old.length, fresh.length) - head;
  while (tail < most && old.at(-1 - tail) === fresh.at(-1 - tail)) tail += 1;
  const middle = between(
    old.slice(head, old.length - tail),
    fresh.slice(head, fresh.length - tail),
  );
  if (!middle) return null;
  const same = (text: string): Line => ({ kind: "same", text });
  return [...old.slice(0, head).map(same), ...middle, ...old.slice(old.length - tail).map(same)];
}

function between(old: readonly string[], fresh: readonly string[]): Line[] | null {
  const wide = fresh.length + 1;
  if (old.length * fresh.length > MOST_CELLS) return null;
  // How long the common lines behind each pair of places are.
  const common = new Uint32Array((old.length + 1) * wide);
  for (let a = old.length - 1; a >= 0; a -= 1) {
    for (let b = fresh.length - 1; b >= 0; b -= 1) {
      const at = a * wide + b;
      common[at] =
        old[a] === fresh[b]
          ? (common[at + wide + 1] ?? 0) + 1
          : Math.max(common[at + wide] ?? 0, common[at + 1] ?? 0);
    }
  }
  const lines: Line[] = [];
  let [a, b] = [0, 0];
  while (a < old.length || b < fresh.length) {
    const at = a * wide + b;
    if (a < old.length && b < fresh.length && old[a] === fresh[b]) {
      lines.push({ kind: "same", text: old[a] ?? "" });
      a += 1;
      b += 1;
    } else if (
      b === fresh.length ||
      (a < old.length && (common[at + wide] ?? 0) >= (common[at + 1] ?? 0))
    ) {
      lines.push({ kind: "dropped", text: old[a] ?? "" });
      a += 1;
    } else {
      lines.push({ kind: "added", text: fresh[b] ?? "" });
      b += 1;
    }
  }
  return lines;
}
