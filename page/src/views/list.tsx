/** The folder as a table. Only the rows on the screen are drawn. */

import { date, exactDate, size } from "../amounts.ts";
import { locale, words } from "../strings/words.ts";
import type { Entry, Order } from "../tree/entries.ts";
import { following, more, shown, sortBy, sorting } from "../tree/folder.ts";
import { chosen, clear, selectAll, selected } from "../tree/selection.ts";
import { Box, DetailsButton, NameLink } from "./entry.tsx";
import { onKey } from "./keyboard.ts";
import { useWindow } from "./windowing.ts";

const COLUMNS = ["name", "size", "modified", "type"] as const satisfies Order[];
const one = () => 1;
const further = () => void more();

export function List() {
  const count = shown.value.length;
  const { list, first, last, above, below, bring } = useWindow(count, one, further);
  return (
    <table
      class="listing"
      aria-rowcount={following.value === null ? count + 1 : -1}
      ref={list as never}
      onKeyDown={(event) => onKey(event, 1, bring)}
    >
      <caption class="unseen">{words.value.contents}</caption>
      <thead>
        <tr aria-rowindex={1}>
          <th scope="col" class="box">
            <All />
          </th>
          {COLUMNS.map((order) => (
            <Head key={order} order={order} />
          ))}
          <th scope="col" class="more">
            <span class="unseen">{words.value.details}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        <Space height={above} />
        {shown.value.slice(first, last).map((entry, index) => (
          <Row key={entry.name} entry={entry} index={first + index + 2} />
        ))}
        <Space height={below} />
      </tbody>
    </table>
  );
}

function Space({ height }: { readonly height: number }) {
  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row takes no focus, and this one says nothing.
  return height ? <tr aria-hidden="true" class="space" style={{ height: `${height}px` }} /> : null;
}

function All() {
  const all = shown.value.every(({ name }) => selected.value.has(name));
  return (
    <input
      type="checkbox"
      aria-label={words.value.selectAll}
      checked={all}
      indeterminate={!all && chosen.value.length > 0}
      onClick={() => (all ? clear() : selectAll())}
    />
  );
}

function Head({ order }: { readonly order: Order }) {
  const { order: current, descending } = sorting.value;
  const label = order === "type" ? words.value.kind : words.value[order];
  const direction = descending ? "descending" : "ascending";
  return (
    <th scope="col" class={order} {...(current === order ? { "aria-sort": direction } : {})}>
      <button type="button" class="head" onClick={() => sortBy(order)}>
        {label}
      </button>
    </th>
  );
}

function Row({ entry, index }: { readonly entry: Entry; readonly index: number }) {
  const speech = locale.value;
  const isFile = entry.type === "file";
  const isChosen = selected.value.has(entry.name);
  return (
    <tr class={isChosen ? "line chosen" : "line"} aria-rowindex={index}>
      <td class="box">
        <Box entry={entry} />
      </td>
      <th scope="row" class="name">
        <NameLink entry={entry} />
      </th>
      <td class="size">
        {isFile && <span title={words.value.bytes(entry.size)}>{size(entry.size, speech)}</span>}
      </td>
      <td class="modified">
        {entry.modified && (
          <time dateTime={entry.modified} title={exactDate(entry.modified, speech)}>
            {date(entry.modified, speech)}
          </time>
        )}
      </td>
      <td class="type">{isFile ? kindOf(entry.media_type) : words.value.folder}</td>
      <td class="more">
        <DetailsButton entry={entry} />
      </td>
    </tr>
  );
}

export function kindOf(mediaType: string): string {
  return words.value.kinds[mediaType] ?? mediaType;
}
