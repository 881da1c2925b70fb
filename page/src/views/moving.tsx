/** Asks where to: the folders of the tree, one level at a time. */

import { useEffect, useState } from "preact/hooks";
import { crumbs, folderHref, isWithin, pathOf } from "../address.ts";
import { ask, type Problem } from "../ask.ts";
import { words } from "../strings/words.ts";
import { dialog, moveAll } from "../tree/asking.ts";
import { BY_NAME, type Entry, type FolderEntry, type Page, query } from "../tree/entries.ts";
import { folder } from "../tree/folder.ts";
import { Modal } from "./modal.tsx";
import { Trouble } from "./trouble.tsx";

const AT_ONCE = 1000;

function close(): void {
  dialog.value = null;
}

export function Moving({ entries }: { readonly entries: readonly Entry[] }) {
  const [place, setPlace] = useState(folder.value);
  const [page, setPage] = useState<Page | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [tries, setTries] = useState(0);
  const { files, moveTo, moveHere, noFolders, loading, cancel, where } = words.value;

  useEffect(() => {
    let stopped = false;
    setPage(null);
    setProblem(null);
    void ask<Page>(place + query(BY_NAME, AT_ONCE)).then((answer) => {
      if (stopped) return;
      if (answer.ok) setPage(answer.value);
      else setProblem(answer.problem);
    });
    return () => {
      stopped = true;
    };
  }, [place, tries]);

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
      <ul class="places" aria-busy={!page && !problem}>
        {folders.map(({ name, href }) => (
          <li key={href}>
            <button type="button" class="folder" onClick={() => setPlace(href)}>
              <bdi>{name}</bdi>
            </button>
          </li>
        ))}
        {!folders.length && !problem && <li class="hint">{page ? noFolders : loading}</li>}
      </ul>
      {problem && <Trouble problem={problem} onRetry={() => setTries(tries + 1)} />}
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
