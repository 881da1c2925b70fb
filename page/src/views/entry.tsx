/** What a list and the tiles both draw of an entry: its box, its link, the way to its details. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { pageOf } from "../address.ts";
import { words } from "../strings/words.ts";
import { dialog } from "../tree/asking.ts";
import type { Entry } from "../tree/entries.ts";
import { visit } from "../tree/folder.ts";
import { active, extend, selected, toggle, wanted } from "../tree/selection.ts";
import { reached } from "./keyboard.ts";

interface Props {
  readonly entry: Entry;
}

/** Only one entry is on the way of Tab; the arrows lead to the others. */
function tabIndex({ name }: Entry): number {
  return reached() === name ? 0 : -1;
}

export function Box({ entry }: Props) {
  const { name } = entry;
  return (
    <input
      type="checkbox"
      aria-label={words.value.select(name)}
      checked={selected.value.has(name)}
      tabIndex={tabIndex(entry)}
      onClick={(event) => {
        if (event.shiftKey) extend(name);
        else toggle(name);
        active.value = name;
      }}
    />
  );
}

export function NameLink({ entry }: Props) {
  const { name, href, type } = entry;
  const link = useRef<HTMLAnchorElement>(null);
  const isWanted = wanted.value === name;
  useLayoutEffect(() => {
    // The next key may have wanted another one by now.
    if (wanted.value !== name) return;
    link.current?.focus();
    wanted.value = null;
  }, [isWanted]);

  function follow(event: MouseEvent): void {
    active.value = name;
    if (type === "file" || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    visit(href);
  }
  return (
    <a
      ref={link}
      class={type}
      href={type === "folder" ? pageOf(href) : href}
      tabIndex={tabIndex(entry)}
      onClick={follow}
      onFocus={() => {
        active.value = name;
      }}
    >
      <bdi title={name}>{name}</bdi>
    </a>
  );
}

export function DetailsButton({ entry }: Props) {
  return (
    <button
      type="button"
      class="icon more"
      aria-label={words.value.detailsOf(entry.name)}
      tabIndex={tabIndex(entry)}
      onClick={() => {
        dialog.value = { kind: "details", entry };
      }}
    >
      ⋯
    </button>
  );
}
