/** What can be done with the folder, or with what is selected in it. What nobody may is not there. */

import { signal } from "@preact/signals";
import { isFolder } from "../address.ts";
import { recalled, remember } from "../memory.ts";
import { words } from "../strings/words.ts";
import { dialog, removeAll } from "../tree/asking.ts";
import { entries, folder, following, rights, typed } from "../tree/folder.ts";
import { chosen, clear } from "../tree/selection.ts";
import { stop, underWay } from "../tree/turns.ts";
import { archiveOf } from "../tree/verbs.ts";

export type Shape = "list" | "tiles";

export const shape = signal<Shape>(recalled("shape") === "tiles" ? "tiles" : "list");

function show(wanted: Shape): void {
  shape.value = wanted;
  remember("shape", wanted);
}

export function mayChange(): boolean {
  return rights.value.has("delete") && rights.value.has("create") && rights.value.has("read");
}

export function Bar() {
  return (
    <div class="bar">
      {underWay.value ? <Working /> : chosen.value.length ? <Chosen /> : <Overview />}
      <Shapes />
    </div>
  );
}

function Working() {
  const { ended, all } = underWay.value ?? { ended: 0, all: 0 };
  const { underWay: said, stop: halt } = words.value;
  return (
    <div class="working">
      <progress max={all} value={ended} aria-label={said(ended, all)} />
      <p class="count">{said(ended, all)}</p>
      {all > 1 && (
        <button type="button" class="small" onClick={stop}>
          {halt}
        </button>
      )}
    </div>
  );
}

function Overview() {
  const count = entries.value.length;
  const { entries: all, entriesSoFar, search, newFolder, download } = words.value;
  return (
    <>
      <p class="count" role="status">
        {following.value === null ? all(count) : entriesSoFar(count)}
      </p>
      {rights.value.has("create") && (
        <button
          type="button"
          class="small"
          onClick={() => {
            dialog.value = { kind: "folder" };
          }}
        >
          {newFolder}
        </button>
      )}
      {count > 0 && rights.value.has("read") && (
        <a class="button small" href={archiveOf(folder.value)} download>
          {download}
        </a>
      )}
      <input
        type="search"
        aria-label={search}
        placeholder={search}
        value={typed.value}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
        }}
      />
    </>
  );
}

function Chosen() {
  const { selected: said, rename, move, remove, details, clear: empty } = words.value;
  const found = chosen.value;
  const [only] = found.length === 1 ? found : [];
  return (
    <>
      <p class="count" role="status">
        {said(found.length)}
      </p>
      <div class="deeds">
        {rights.value.has("read") && <Download />}
        {only && (
          <button
            type="button"
            class="small"
            onClick={() => {
              dialog.value = { kind: "details", entry: only };
            }}
          >
            {details}
          </button>
        )}
        {only && mayChange() && (
          <button
            type="button"
            class="small"
            onClick={() => {
              dialog.value = { kind: "rename", entry: only };
            }}
          >
            {rename}
          </button>
        )}
        {rights.value.has("delete") && rights.value.has("read") && (
          <button
            type="button"
            class="small"
            onClick={() => {
              dialog.value = { kind: "move", entries: found };
            }}
          >
            {move}
          </button>
        )}
        {rights.value.has("delete") && (
          <button type="button" class="small grave" onClick={() => void removeAll(found)}>
            {remove}
          </button>
        )}
        <button type="button" class="small quiet" onClick={clear}>
          {empty}
        </button>
      </div>
    </>
  );
}

/** One file as it is; more, or a folder, as an archive. A form, as many names fit in no address. */
function Download() {
  const found = chosen.value;
  const [only] = found;
  if (only && found.length === 1 && !isFolder(only.href)) {
    return (
      <a class="button small" href={only.href} download={only.name}>
        {words.value.download}
      </a>
    );
  }
  return (
    <form method="post" action={archiveOf(folder.value)}>
      {found.map(({ name }) => (
        <input key={name} type="hidden" name="entry" value={name} />
      ))}
      <button type="submit" class="small">
        {words.value.download}
      </button>
    </form>
  );
}

function Shapes() {
  const { show: label, asList, asTiles } = words.value;
  return (
    <fieldset class="shapes">
      <legend class="unseen">{label}</legend>
      {(["list", "tiles"] as const).map((one) => (
        <button
          key={one}
          type="button"
          class={`shape as-${one}`}
          aria-pressed={shape.value === one}
          title={one === "list" ? asList : asTiles}
          aria-label={one === "list" ? asList : asTiles}
          onClick={() => show(one)}
        />
      ))}
    </fieldset>
  );
}
