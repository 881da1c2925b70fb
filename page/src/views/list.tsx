/** The folder as a table. Only the rows on the screen are drawn. */

import { date, exactDate, size } from "../amounts.ts";
import { language, words } from "../strings/words.ts";
import type { Entry, Order } from "../tree/entries.ts";
import { following, more, shown, sortBy, sorting } from "../tree/folder.ts";
import { FolderLink } from "./links.tsx";
import { useWindow } from "./windowing.ts";

const COLUMNS = ["name", "size", "modified", "type"] as const satisfies Order[];
const one = () => 1;
const further = () => void more();

export function List() {
  const { list, first, last, above, below } = useWindow(shown.value.length, one, further);
  const count = following.value === null ? shown.value.length + 1 : -1;
  return (
    <table class="listing" aria-rowcount={count} ref={list as never}>
      <caption class="unseen">{words.value.contents}</caption>
      <thead>
        <tr aria-rowindex={1}>
          {COLUMNS.map((order) => (
            <Head key={order} order={order} />
          ))}
          <th scope="col" class="more">
            <span class="unseen">{words.value.more}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        <Space height={above} />
        {shown.value.slice(first, last).map((entry, index) => (
          <Row key={entry.href} entry={entry} index={first + index + 2} />
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
  const speech = language.value;
  const isFile = entry.type === "file";
  return (
    <tr class="line" aria-rowindex={index}>
      <th scope="row" class="name">
        {isFile ? (
          <a class="file" href={entry.href}>
            <bdi>{entry.name}</bdi>
          </a>
        ) : (
          <FolderLink class="folder" href={entry.href}>
            <bdi>{entry.name}</bdi>
          </FolderLink>
        )}
      </th>
      <td class="size">
        {isFile && <span title={words.value.bytes(entry.size)}>{size(entry.size, speech)}</span>}
      </td>
      <td class="modified">
        <time dateTime={entry.modified} title={exactDate(entry.modified, speech)}>
          {date(entry.modified, speech)}
        </time>
      </td>
      <td class="type">{isFile ? kindOf(entry.media_type) : words.value.folder}</td>
      <td class="more">{isFile && <a href={`${entry.href}?versions`}>{words.value.history}</a>}</td>
    </tr>
  );
}

export function kindOf(mediaType: string): string {
  return words.value.kinds[mediaType] ?? mediaType;
}
