/** An earlier version and the current one: the lines that differ, or both pictures. */

import { useEffect, useState } from "preact/hooks";
import { askText, type Problem } from "../ask.ts";
import { difference, type Line } from "../diff.ts";
import { words } from "../strings/words.ts";
import { type FileEntry, isPicture, isText } from "../tree/entries.ts";
import type { Past } from "./details.tsx";
import { Modal } from "./modal.tsx";
import { Trouble } from "./trouble.tsx";

/** Beyond this a text is not read for a look at it. */
const LONGEST_TEXT = 1_000_000;

interface Props {
  readonly entry: FileEntry;
  readonly past: Past;
  readonly onClose: () => void;
}

export function Comparison({ entry, past, onClose }: Props) {
  const { compared, before, now, notComparable } = words.value;
  const both = { ...entry, media_type: past.media_type ?? "" };
  const title = compared(past.version);
  if (isPicture(entry) && isPicture(both)) {
    return (
      <Modal title={title} wide onClose={onClose}>
        <div class="pictures">
          <figure>
            <img src={past.href} alt={before} />
            <figcaption>{before}</figcaption>
          </figure>
          <figure>
            <img src={entry.href} alt={now} />
            <figcaption>{now}</figcaption>
          </figure>
        </div>
      </Modal>
    );
  }
  return (
    <Modal title={title} wide onClose={onClose}>
      {isText(entry.media_type) && isText(both.media_type) ? (
        <Texts entry={entry} past={past} />
      ) : (
        <p>{notComparable}</p>
      )}
    </Modal>
  );
}

function Texts({ entry, past }: Pick<Props, "entry" | "past">) {
  const [lines, setLines] = useState<readonly Line[] | "long" | Problem | null>(null);
  const [tries, setTries] = useState(0);
  const { loading, tooLong, noDifference, compare } = words.value;

  useEffect(() => {
    const isLong = Math.max(entry.size, past.size ?? 0) > LONGEST_TEXT;
    setLines(null);
    if (isLong) setLines("long");
    else void compareTexts(past.href ?? "", entry.href).then(setLines);
  }, [entry.href, past.href, tries]);

  if (lines === null) return <p>{loading}</p>;
  if (lines === "long") return <p>{tooLong}</p>;
  if ("slug" in lines) {
    return <Trouble problem={lines} onRetry={() => setTries(tries + 1)} />;
  }
  if (lines.every(({ kind }) => kind === "same")) return <p>{noDifference}</p>;
  return (
    // biome-ignore-start lint/a11y: what scrolls must be reached by keys, and say what it is.
    <pre class="difference" tabIndex={0} role="region" aria-label={compare}>
      {lines.map((line, at) => (
        <LineOf key={at} line={line} />
      ))}
    </pre>
    // biome-ignore-end lint/a11y: see above
  );
}

function LineOf({ line }: { readonly line: Line }) {
  const { added, dropped } = words.value;
  const text = `${line.text}\n`;
  if (line.kind === "same") return <span>{text}</span>;
  const label = line.kind === "added" ? added : dropped;
  return line.kind === "added" ? <ins title={label}>{text}</ins> : <del title={label}>{text}</del>;
}

async function compareTexts(
  before: string,
  now: string,
): Promise<readonly Line[] | "long" | Problem> {
  const [old, fresh] = await Promise.all([askText(before), askText(now)]);
  if (!old.ok) return old.problem;
  if (!fresh.ok) return fresh.problem;
  return difference(old.value, fresh.value) ?? "long";
}
