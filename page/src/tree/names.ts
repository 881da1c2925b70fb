/** The next free name beside one that is taken: "report (2).pdf" for "report.pdf". Pure. */

const ENDING = /(\.[a-z0-9]{1,7})?\.(gz|bz2|xz|zst)$|\.[\p{L}\p{N}]{1,16}$/iu;

export function freeName(name: string, taken: (name: string) => boolean): string {
  for (let number = 2; ; number += 1) {
    const free = numbered(name, number);
    if (!taken(free)) return free;
  }
}

export function numbered(name: string, number: number): string {
  const found = name.length > 1 ? ENDING.exec(name.slice(1)) : null;
  const ending = found?.[0] ?? "";
  const stem = name.slice(0, name.length - ending.length);
  return `${stem} (${number})${ending}`;
}

/** Names are one level of the tree; these would lead to another one, or to none. */
export function isName(text: string): boolean {
  return text !== "" && text !== "." && text !== ".." && !text.includes("/");
}
