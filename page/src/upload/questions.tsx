/** The open questions, one after the other: two files side by side, and what can be done. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { words } from "../strings/words.ts";
import { catchFocus } from "../views/focus.ts";
import { type Choice, type Item, nameOf, type Question } from "./item.ts";
import { alike, choices, gathered, pathIn, type Shown, stillShown } from "./questions.ts";
import { Compared } from "./sides.tsx";
import { isAsking, now, uploader } from "./store.ts";

/** A second click that was meant for the question before comes sooner. */
const UNSEEN_MS = 500;

export function Questions() {
  const said = words.value.uploading;
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const [before, show] = useState<Shown>({ id: "", place: 0 });
  const [seen, see] = useState("");
  // Those of one kind stand together.
  const items = gathered(now().queue.of("question")).flatMap((group) => group.items);
  const { id, place } = stillShown(items, before);
  const item = items[place];
  const goTo = (there: number) => show({ id: items[there]?.id ?? "", place: there });
  useLayoutEffect(() => show({ id, place }), [id, place]);
  useLayoutEffect(() => {
    const { current } = dialog;
    current?.showModal();
    return () => {
      current?.close();
      catchFocus(document.getElementById("uploads-heading"), current);
    };
  }, []);
  useLayoutEffect(() => catchFocus(heading.current), [id]);
  useEffect(() => {
    const timer = setTimeout(() => see(id), UNSEEN_MS);
    return () => clearTimeout(timer);
  }, [id]);
  useEffect(() => {
    if (!items.length) isAsking.value = false;
  }, [items.length]);
  return (
    <dialog
      class="conflicts"
      ref={dialog}
      aria-labelledby="conflicts-heading"
      onClose={() => {
        isAsking.value = false;
      }}
    >
      <header>
        <h2 id="conflicts-heading" ref={heading} tabIndex={-1}>
          {said.questions(items.length)}
        </h2>
        <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
          {said.later}
        </button>
      </header>
      {item?.question && (
        <One
          key={item.id}
          item={item}
          question={item.question}
          items={items}
          isSeen={seen === item.id}
        />
      )}
      {items.length > 1 && (
        <nav aria-label={said.questions(items.length)}>
          <button type="button" disabled={place === 0} onClick={() => goTo(place - 1)}>
            {said.previous}
          </button>
          <p>{said.position(place + 1, items.length)}</p>
          <button
            type="button"
            disabled={place === items.length - 1}
            onClick={() => goTo(place + 1)}
          >
            {said.next}
          </button>
        </nav>
      )}
    </dialog>
  );
}

interface OneProps {
  readonly item: Item;
  readonly question: Question;
  readonly items: readonly Item[];
  /** It was on the screen long enough for an answer to be meant for it. */
  readonly isSeen: boolean;
}

function One({ item, question, items, isSeen }: OneProps) {
  const said = words.value.uploading;
  const [isForAll, setForAll] = useState(false);
  const like = items.filter((other) => other.question?.kind === question.kind);
  const decide = (choice: Choice) =>
    uploader.decide(isForAll ? alike(like, item, choice) : [item], choice);
  return (
    <>
      <h3>{said.kinds[question.kind]}</h3>
      {question.changed && (
        <p class="notice" role="alert">
          {question.kind === "gone" ? said.gone : said.changed}
        </p>
      )}
      <Compared item={item} />
      <fieldset>
        <legend>{said.what}</legend>
        {like.length > 1 && (
          <label class="for-all">
            <input
              type="checkbox"
              checked={isForAll}
              onChange={(event) => setForAll(event.currentTarget.checked)}
            />
            {said.forAll(like.length)}
          </label>
        )}
        <ul class="choices">
          {choices(question).map((choice, number) => (
            <li key={choice}>
              <button
                type="button"
                class={weightOf(choice, number)}
                aria-disabled={!isSeen}
                onClick={(event) => {
                  if (isSeen && event.detail <= 1) decide(choice);
                }}
              >
                {said.choices[choice]}
              </button>
              <p class="hint">
                <bdi>{said.meanings[choice](nameOf(freeName(question) || item.path))}</bdi>
              </p>
            </li>
          ))}
        </ul>
      </fieldset>
    </>
  );
}

function weightOf(choice: Choice, number: number): string {
  if (choice === "replace") return "grave";
  return number === 0 ? "main" : "";
}

function freeName({ resolutions, free }: Question): string {
  const store = resolutions.find(({ action }) => action === "store");
  return pathIn(store?.href) ?? free;
}
