/** Two files side by side: what is there, and what was dropped. */

import { useEffect, useState } from "preact/hooks";
import { date, size } from "../amounts.ts";
import { locale, words } from "../strings/words.ts";
import { type Line, type Preview, type Sides, sidesOf } from "./compare.ts";
import { type Item, nameOf, pathOf } from "./item.ts";
import { uploader } from "./store.ts";

interface Fact {
  readonly label: string;
  readonly text: string;
  readonly differs: boolean;
}

export function Compared({ item }: { readonly item: Item }) {
  const sides = useSides(item);
  const said = words.value.uploading;
  const existing = item.question?.existing;
  const there = existing ? factsOf(existing.href, existing.size, existing.modified) : [];
  const modified = item.modified ? new Date(item.modified).toISOString() : undefined;
  const yours = factsOf(`/${item.path}`, item.size, modified, item.path);
  const by = sides?.by ? [{ label: said.facts.by, text: sides.by, differs: false }] : [];
  return (
    <div class="sides">
      {existing ? (
        <Side
          heading={said.existing}
          name={nameOf(pathOf(existing.href))}
          href={existing.href}
          facts={[...marked(there, yours), ...by]}
          preview={sides?.there}
          alt={said.pictureThere}
          region={said.textThere}
        />
      ) : (
        <section class="side">
          <h4>{said.existing}</h4>
          <p>{item.question?.kind === "gone" ? said.nothing : said.unknown}</p>
        </section>
      )}
      <Side
        heading={said.yours}
        name={nameOf(item.path)}
        facts={marked(yours, there)}
        preview={sides?.yours}
        alt={said.pictureYours}
        region={said.textYours}
      />
    </div>
  );
}

/** Loaded only when there is something to compare. */
function useSides(item: Item): Sides | null {
  const [sides, set] = useState<Sides | null>(null);
  const etag = item.question?.existing?.etag;
  useEffect(() => {
    let isShown = true;
    const frees: (() => void)[] = [];
    const show = async () => {
      const file = await uploader.bytes.of(item.id);
      const found = await sidesOf(item.question?.existing, file, (free) => frees.push(free));
      if (isShown) set(found);
    };
    set(null);
    void show();
    return () => {
      isShown = false;
      for (const free of frees) free();
    };
  }, [item.id, etag]);
  return sides;
}

function factsOf(
  href: string,
  bytes: number | undefined,
  modified: string | undefined,
  path = pathOf(href),
): Fact[] {
  const { facts } = words.value.uploading;
  const folder = path.slice(0, Math.max(0, path.lastIndexOf("/"))) || words.value.files;
  const found = [{ label: facts.folder, text: folder, differs: false }];
  if (bytes !== undefined) {
    const short = size(bytes, locale.value);
    const exact = words.value.bytes(bytes);
    // To the byte: two sizes that look alike are told apart here.
    const text = bytes < 1000 ? exact : `${short} (${exact})`;
    found.push({ label: facts.size, text, differs: false });
  }
  if (modified) {
    found.push({ label: facts.date, text: date(modified, locale.value), differs: false });
  }
  return found;
}

function marked(facts: readonly Fact[], others: readonly Fact[]): Fact[] {
  const texts = new Map(others.map(({ label, text }) => [label, text]));
  return facts.map((fact) => ({
    ...fact,
    differs: texts.has(fact.label) && texts.get(fact.label) !== fact.text,
  }));
}

interface SideProps {
  readonly heading: string;
  readonly name: string;
  readonly href?: string;
  readonly facts: readonly Fact[];
  readonly preview: Preview | undefined;
  readonly alt: string;
  readonly region: string;
}

function Side({ heading, name, href, facts, preview, alt, region }: SideProps) {
  return (
    <section class="side">
      <h4>{heading}</h4>
      <p class="name">
        {href ? (
          <a href={href} target="_blank" rel="noopener">
            <bdi>{name}</bdi>
          </a>
        ) : (
          <bdi>{name}</bdi>
        )}
      </p>
      {preview?.is === "picture" && (
        <div class="picture">
          <img src={preview.href} alt={alt} />
        </div>
      )}
      {preview?.is === "text" && <Text lines={preview.lines} label={region} />}
      <dl class="facts">
        {facts.map(({ label, text, differs }) => (
          <div key={label} class={differs ? "differs" : ""}>
            <dt>{label}</dt>
            <dd>
              <bdi>{text}</bdi>
              {differs && <span class="hint"> {words.value.uploading.differs}</span>}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Text({ lines, label }: { readonly lines: readonly Line[]; readonly label: string }) {
  return (
    <section
      class="lines"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached without a mouse
      tabIndex={0}
    >
      {lines.map(({ text, differs }, number) => {
        const Mark = differs ? "mark" : "span";
        return <Mark key={number}>{`${text}\n`}</Mark>;
      })}
    </section>
  );
}
