/** Asks where to: the folders of the tree, one level at a time. */

import { useEffect, useState } from "preact/hooks";
import { crumbs, folderHref, isWithin, pathOf } from "../address.ts";
import { ask } from "../ask.ts";
import { words } from "../strings/words.ts";
import { dialog, moveAll } from "../tree/asking.ts";
import { BY_NAME, type Entry, type FolderEntry, type Page, query } from "../tree/entries.ts";
import { folder } from "../tree/folder.ts";
import { Modal } from "./modal.tsx";

const AT_ONCE = 1000;

function close(): void {
  dialog.value = null;
}

export function Moving({ entries }: { readonly entries: readonly Entry[] }) {
  const [place, setPlace] = useState(folder.value);
  const [page, setPage] = useState<Page | null>(null);
  const { files, moveTo, moveHere, noFolders, loading, cancel, where } = words.value;

  useEffect(() => {
    let stopped = false;
    setPage(null);
    void ask<Page>(place + query(BY_NAME, AT_ONCE)).then((answer) => {
      if (!stopped && answer.ok) setPage(answer.value);
    });
    return () => {
      stopped = true;
    };
  }, [place]);

  const moved = entries.map(({ href }) => href);
  const folders = (page?.entries ?? []).filter(
    (entry): entry is FolderEntry => entry.type === "folder" && !moved.includes(entry.href),
  );
  const may =
    page?.may.includes("create") &&
    place !== folder.value &&
    !moved.some((href) => place === href || isWithin(place, href));

  async function moveThere(): Promise<void> {
    close();
    await moveAll(entries, pathOf(place));
  }

  return (
    <Modal title={moveTo(entries.length)} onClose={close}>
      <nav class="crumbs" aria-label={where}>
        <ol>
          {[{ name: files, href: folderHref([]) }, ...crumbs(place)].map(({ name, href }) => (
            <li key={href}>
              <button type="button" class="link" onClick={() => setPlace(href)}>
                <bdi>{name}</bdi>
              </button>
            </li>
          ))}
        </ol>
      </nav>
      <ul class="places" aria-busy={page === null}>
        {folders.map(({ name, href }) => (
          <li key={href}>
            <button type="button" class="folder" onClick={() => setPlace(href)}>
              <bdi>{name}</bdi>
            </button>
          </li>
        ))}
        {!folders.length && <li class="hint">{page ? noFolders : loading}</li>}
      </ul>
      <footer>
        <button type="button" onClick={close}>
          {cancel}
        </button>
        <button type="button" class="main" disabled={!may} onClick={() => void moveThere()}>
          {moveHere}
        </button>
      </footer>
    </Modal>
  );
}
