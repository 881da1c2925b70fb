/** One entry: what it is, what can be done with it, and all that ever stood under its name. */

import { useEffect, useState } from "preact/hooks";
import { exactDate, size } from "../amounts.ts";
import { ask, type Problem } from "../ask.ts";
import { locale, words } from "../strings/words.ts";
import { bringBack, dialog, removeAll } from "../tree/asking.ts";
import { type Entry, type FileEntry, isPicture } from "../tree/entries.ts";
import { rights } from "../tree/folder.ts";
import { archiveOf } from "../tree/verbs.ts";
import { mayChange } from "./bar.tsx";
import { Comparison } from "./comparison.tsx";
import { kindOf } from "./list.tsx";
import { Modal } from "./modal.tsx";
import { Trouble } from "./trouble.tsx";

/** One line of a history, as the server writes it. */
export interface Past extends Partial<Pick<FileEntry, "etag" | "size" | "media_type">> {
  readonly version: number;
  readonly kind: string;
  readonly at: string;
  readonly by: string;
  readonly href?: string;
}

interface History {
  readonly versions: readonly Past[];
  readonly next: string | null;
}

function close(): void {
  dialog.value = null;
}

export function Details({ entry }: { readonly entry: Entry }) {
  const [compared, setCompared] = useState<Past | null>(null);
  if (compared && entry.type === "file") {
    return <Comparison entry={entry} past={compared} onClose={() => setCompared(null)} />;
  }
  return (
    <Modal title={<bdi>{entry.name}</bdi>} wide onClose={close}>
      <div class="details">
        {isPicture(entry) && <img class="preview" src={entry.href} alt={entry.name} />}
        <Facts entry={entry} />
        <Deeds entry={entry} />
        {entry.type === "file" && rights.value.has("read") && (
          <Versions entry={entry} onCompare={setCompared} />
        )}
      </div>
    </Modal>
  );
}

function Facts({ entry }: { readonly entry: Entry }) {
  const text = words.value;
  const facts: [string, string][] = [];
  if (entry.modified) facts.push([text.modified, exactDate(entry.modified, locale.value)]);
  if (entry.type === "file") {
    facts.unshift([text.kind, kindOf(entry.media_type)]);
    const exact = text.bytes(entry.size);
    const rounded = size(entry.size, locale.value);
    facts.unshift([text.size, entry.size < 1000 ? exact : `${rounded} (${exact})`]);
    facts.push([text.digest, entry.digest]);
  }
  return (
    <dl class="facts">
      {facts.map(([label, said]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{said}</dd>
        </div>
      ))}
    </dl>
  );
}

function Deeds({ entry }: { readonly entry: Entry }) {
  const { open, download, rename, move, remove } = words.value;
  const isFile = entry.type === "file";
  return (
    <div class="deeds">
      {isFile && rights.value.has("read") && (
        <a class="button small" href={entry.href} target="_blank" rel="noreferrer">
          {open}
        </a>
      )}
      {rights.value.has("read") && (
        <a class="button small" href={isFile ? entry.href : archiveOf(entry.href)} download>
          {download}
        </a>
      )}
      {mayChange() && (
        <button
          type="button"
          class="small"
          onClick={() => {
            dialog.value = { kind: "rename", entry };
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
            dialog.value = { kind: "move", entries: [entry] };
          }}
        >
          {move}
        </button>
      )}
      {rights.value.has("delete") && (
        <button
          type="button"
          class="small grave"
          onClick={() => {
            close();
            void removeAll([entry]);
          }}
        >
          {remove}
        </button>
      )}
    </div>
  );
}

interface VersionsProps {
  readonly entry: FileEntry;
  readonly onCompare: (past: Past) => void;
}

function Versions({ entry, onCompare }: VersionsProps) {
  const [past, setPast] = useState<readonly Past[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const { history, loading, more } = words.value;

  async function take(href: string, before: readonly Past[]): Promise<void> {
    const answer = await ask<History>(href);
    setProblem(answer.ok ? null : answer.problem);
    if (!answer.ok) return;
    setPast([...before, ...answer.value.versions]);
    setNext(answer.value.next);
  }
  const begin = () => void take(`${entry.href}?versions&limit=50`, []);
  useEffect(begin, [entry.href, entry.etag]);

  const goOn = () => void (next && take(next, past));

  return (
    <section aria-labelledby="history-heading">
      <h3 id="history-heading">{history}</h3>
      {past.length ? (
        <ol class="past">
          {past.map((one) => (
            <Version key={one.version} entry={entry} past={one} onCompare={onCompare} />
          ))}
        </ol>
      ) : (
        !problem && <p class="hint">{loading}</p>
      )}
      {problem && <Trouble problem={problem} onRetry={past.length && next ? goOn : begin} />}
      {next && (
        <button type="button" class="small" onClick={goOn}>
          {more}
        </button>
      )}
    </section>
  );
}

function Version({ entry, past, onCompare }: VersionsProps & { readonly past: Past }) {
  const text = words.value;
  const isCurrent = past.etag === entry.etag;
  const who = past.by === "anonymous" ? text.anonymous : past.by.replace(/^user:/, "");
  return (
    <li>
      <p>
        <strong>{text.events[past.kind] ?? past.kind}</strong>{" "}
        <time dateTime={past.at}>{exactDate(past.at, locale.value)}</time> <bdi>{text.by(who)}</bdi>{" "}
        {isCurrent && <span class="badge">{text.current}</span>}
      </p>
      {past.href && past.size !== undefined && (
        <p class="deeds">
          <a href={past.href} target="_blank" rel="noreferrer">
            {text.versionNumber(past.version)}
          </a>
          <span class="hint">{size(past.size, locale.value)}</span>
          {!isCurrent && (
            <button
              type="button"
              class="small"
              aria-label={text.compareVersion(past.version)}
              onClick={() => onCompare(past)}
            >
              {text.compare}
            </button>
          )}
          {!isCurrent && rights.value.has("replace") && (
            <button
              type="button"
              class="small"
              aria-label={text.restoreVersion(past.version)}
              onClick={() => {
                close();
                void bringBack(entry, past.version);
              }}
            >
              {text.restore}
            </button>
          )}
        </p>
      )}
    </li>
  );
}
