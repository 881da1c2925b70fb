/** What became of everything, each with its link: the report at the end, and the way back. */

import { useState } from "preact/hooks";
import { words } from "../strings/words.ts";
import { rights } from "../tree/folder.ts";
import { canBeTried, type Item, nameOf, type Result } from "./item.ts";
import { reason } from "./lines.tsx";
import { now, uploader } from "./store.ts";
import { undo } from "./undoing.ts";

const RESULTS: readonly Result[] = [
  "stored",
  "replaced",
  "both",
  "linked",
  "there",
  "received",
  "skipped",
  "undone",
];
const FEW = 4;
const AT_ONCE = 100;

/** In one line: "12 stored, 3 already there". */
export function summary(): string {
  const said = words.value.uploading;
  const results = now().queue.results();
  const parts = RESULTS.flatMap((result) => {
    const count = results.get(result)?.length ?? 0;
    return count ? [said.report[result](count)] : [];
  });
  const failed = now().queue.countOf("failed");
  return [...parts, ...(failed ? [said.failed(failed)] : [])].join(", ");
}

export function Report() {
  const results = now().queue.results();
  return (
    <div class="report">
      <Failed items={now().queue.of("failed")} />
      {RESULTS.map((result) => {
        const items = results.get(result);
        return items ? <Group key={result} result={result} items={items} /> : null;
      })}
    </div>
  );
}

function Failed({ items }: { readonly items: readonly Item[] }) {
  const said = words.value.uploading;
  const again = items.filter(canBeTried);
  if (!items.length) return null;
  return (
    <section class="failed">
      <h3>{said.failed(items.length)}</h3>
      {again.length > 0 && (
        <button type="button" class="main" onClick={() => uploader.retry(again)}>
          {said.retryFailed(again.length)}
        </button>
      )}
      <Some
        items={items}
        line={(item) => (
          <li key={item.id}>
            <bdi>{nameOf(item.path)}</bdi>
            <p class="hint">{reason(item)}</p>
            {item.refusal?.existing && <Where href={item.refusal.existing.href} />}
            {item.refusal?.slug === "bad-name" && <Renaming item={item} />}
          </li>
        )}
      />
    </section>
  );
}

/** A name that cannot be here is the one thing that another try alone does not mend. */
function Renaming({ item }: { readonly item: Item }) {
  const said = words.value.uploading;
  const [name, setName] = useState(nameOf(item.path));
  return (
    <form
      class="renaming"
      onSubmit={(event) => {
        event.preventDefault();
        uploader.rename(item, name);
      }}
    >
      <input
        type="text"
        aria-label={said.name(said.newName, nameOf(item.path))}
        value={name}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <button type="submit">{said.rename}</button>
    </form>
  );
}

function Group({ result, items }: { readonly result: Result; readonly items: readonly Item[] }) {
  return (
    <details open={items.length <= FEW}>
      <summary>{words.value.uploading.report[result](items.length)}</summary>
      <AllBack items={items} />
      <Some
        items={items}
        line={(item) => (
          <li key={item.id}>
            {item.href && result !== "undone" ? (
              <Where href={item.href} />
            ) : (
              <bdi>{nameOf(item.path)}</bdi>
            )}
            <Back item={item} />
          </li>
        )}
      />
    </details>
  );
}

function Where({ href }: { readonly href: string }) {
  const name = decodeURIComponent(nameOf(href.replace(/\/$/, "")));
  return (
    <a href={href}>
      <bdi>{name}</bdi>
    </a>
  );
}

/** Offered only to who may do it. */
function canGoBack(item: Item): boolean {
  const need = item.undo?.method === "DELETE" ? "delete" : "replace";
  return item.undo !== undefined && item.result !== "undone" && rights.value.has(need);
}

function AllBack({ items }: { readonly items: readonly Item[] }) {
  const some = items.filter((item) => canGoBack(item) && !item.refusal);
  if (some.length < 2) return null;
  return (
    <button type="button" class="quiet small" onClick={() => void undo(uploader.queue, some)}>
      {words.value.uploading.undoAll(some.length)}
    </button>
  );
}

/** What was changed since is left as it is. */
function Back({ item }: { readonly item: Item }) {
  const said = words.value.uploading;
  if (!canGoBack(item)) return null;
  if (item.refusal) return <p class="hint">{said.undoFailed}</p>;
  return (
    <button
      type="button"
      class="quiet small"
      aria-label={said.name(said.undo, nameOf(item.path))}
      onClick={() => void undo(uploader.queue, [item])}
    >
      {said.undo}
    </button>
  );
}

interface SomeProps {
  readonly items: readonly Item[];
  readonly line: (item: Item) => preact.JSX.Element;
}

/** Of a very long list a part, and the next on wish. */
function Some({ items, line }: SomeProps) {
  const [most, setMost] = useState(AT_ONCE);
  return (
    <>
      <ul>{items.slice(0, most).map(line)}</ul>
      {items.length > most && (
        <button type="button" class="quiet" onClick={() => setMost(most + AT_ONCE)}>
          {words.value.uploading.more(Math.min(AT_ONCE, items.length - most))}
        </button>
      )}
    </>
  );
}
