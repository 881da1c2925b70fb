/** The folder as tiles, with its pictures. Only the tiles on the screen are drawn. */

import { size } from "../amounts.ts";
import { locale, words } from "../strings/words.ts";
import { type Entry, isPicture } from "../tree/entries.ts";
import { more, shown } from "../tree/folder.ts";
import { selected } from "../tree/selection.ts";
import { Box, DetailsButton, NameLink } from "./entry.tsx";
import { onKey } from "./keyboard.ts";
import { useWindow } from "./windowing.ts";

const further = () => void more();
/** There are no small versions of pictures here, so that a large one is not fetched for a tile. */
const LARGEST_PICTURE = 8_000_000;

/** As the style sheet divides the room there is. */
function columns(): number {
  const tiles = document.querySelector(".tiles");
  return tiles ? getComputedStyle(tiles).gridTemplateColumns.split(" ").length : 1;
}

export function Tiles() {
  const count = shown.value.length;
  const { list, first, last, above, below, bring } = useWindow(count, columns, further);
  return (
    <>
      <div class="space" style={{ height: `${above}px` }} />
      <ul
        class="tiles"
        ref={list as never}
        aria-label={words.value.contents}
        onKeyDown={(event) => onKey(event, columns(), bring)}
      >
        {shown.value.slice(first, last).map((entry, index) => (
          <Tile key={entry.name} entry={entry} place={first + index + 1} />
        ))}
      </ul>
      <div class="space" style={{ height: `${below}px` }} />
    </>
  );
}

function Tile({ entry, place }: { readonly entry: Entry; readonly place: number }) {
  const isChosen = selected.value.has(entry.name);
  return (
    <li
      class={isChosen ? "line chosen" : "line"}
      aria-setsize={shown.value.length}
      aria-posinset={place}
    >
      <div class={`face ${entry.type}`}>
        {isPicture(entry) && entry.size <= LARGEST_PICTURE && (
          <img src={entry.href} alt="" loading="lazy" decoding="async" />
        )}
      </div>
      <p class="name">
        <NameLink entry={entry} />
      </p>
      <p class="size">
        {entry.type === "file" ? size(entry.size, locale.value) : words.value.folder}
      </p>
      <Box entry={entry} />
      <DetailsButton entry={entry} />
    </li>
  );
}
