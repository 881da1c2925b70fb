/** The list of what is on its way, each with its own progress. Only the lines in sight are drawn. */

import { useState } from "preact/hooks";
import { size } from "../amounts.ts";
import { rowsIn } from "../rows.ts";
import { locale, words } from "../strings/words.ts";
import { canBeTried, type Item, nameOf, type Phase } from "./item.ts";
import { now, uploader } from "./store.ts";

const LINE = 60;
const HEIGHT = 300;
/** What moves or needs a word stands above what only waits. */
const ORDER: readonly Phase[] = [
  "question",
  "lost",
  "failed",
  "sending",
  "hashing",
  "ready",
  "waiting",
];

export function Lines() {
  const [above, scroll] = useState(0);
  const items = ORDER.flatMap((phase) => now().queue.of(phase));
  const { first, last } = rowsIn(above, HEIGHT, LINE, items.length);
  if (!items.length) return null;
  return (
    <ul
      class="lines-of-uploads"
      aria-label={words.value.uploading.list}
      style={{ paddingBlock: `${first * LINE}px ${(items.length - last) * LINE}px` }}
      onScroll={(event) => scroll(event.currentTarget.scrollTop)}
    >
      {items.slice(first, last).map((item, index) => (
        <Line key={item.id} item={item} at={first + index + 1} of={items.length} />
      ))}
    </ul>
  );
}

function Line({ item, at, of }: { readonly item: Item; readonly at: number; readonly of: number }) {
  const said = words.value.uploading;
  const name = nameOf(item.path) + (item.type === "folder" ? "/" : "");
  const button = (label: string, act: () => void) => (
    <button type="button" class="quiet small" aria-label={said.name(label, name)} onClick={act}>
      {label}
    </button>
  );
  const canHold = item.phase !== "question" && item.phase !== "lost" && item.phase !== "failed";
  return (
    <li aria-setsize={of} aria-posinset={at}>
      <p class="name">
        <bdi>{name}</bdi>
      </p>
      <p class="state">{stateOf(item)}</p>
      <div class="acts">
        {item.held && button(said.goOn, () => uploader.release(item.id))}
        {!item.held && canHold && button(said.pause, () => uploader.hold(item.id))}
        {canBeTried(item) && button(said.retry, () => uploader.retry([item]))}
        {button(said.cancel, () => uploader.cancel([item]))}
      </div>
      {(item.phase === "sending" || item.phase === "hashing") && item.size > 0 && (
        <progress
          max={item.size}
          value={item.phase === "sending" ? item.sent : (item.read ?? 0)}
          aria-label={name}
        />
      )}
    </li>
  );
}

function stateOf(item: Item): string {
  const said = words.value.uploading;
  const all = item.type === "folder" ? "" : size(item.size, locale.value);
  if (item.held) return [said.held, all].filter(Boolean).join(" · ");
  if (item.phase === "failed") return reason(item);
  if (item.phase === "sending" && item.size > 0) {
    return said.of(size(item.sent, locale.value), all);
  }
  return [said.phases[item.phase], all].filter(Boolean).join(" · ");
}

export function reason(item: Item): string {
  const said = words.value.uploading;
  if (item.refusal?.slug === "not-readable") {
    return item.type === "folder" ? said.folderNotReadable : said.notReadable;
  }
  return item.refusal?.detail || item.refusal?.title || said.unavailable;
}
