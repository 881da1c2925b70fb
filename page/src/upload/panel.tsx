/** The panel of the uploads: how far all of it is, what needs a word, and at the end the report. */

import { useEffect, useState } from "preact/hooks";
import { nameOf as nameOfFolder } from "../address.ts";
import { size } from "../amounts.ts";
import { locale, words } from "../strings/words.ts";
import { folder } from "../tree/folder.ts";
import { Chooser } from "./choosing.tsx";
import { Lines } from "./lines.tsx";
import { Questions } from "./questions.tsx";
import { Report, summary } from "./report.tsx";
import { isAsking, isDropping, isOthers, now, reopen } from "./store.ts";

export function Uploads() {
  const { queue, walking } = now();
  return (
    <>
      {isDropping.value && <Dropping />}
      <Speaking />
      {(queue.length > 0 || walking > 0) && <Panel />}
      {isAsking.value && <Questions />}
    </>
  );
}

function Dropping() {
  const { uploading, files } = words.value;
  return (
    <div class="dropping" aria-hidden="true">
      <p>
        <bdi>{uploading.dropHere(nameOfFolder(folder.value) || files)}</bdi>
      </p>
    </div>
  );
}

function Panel() {
  const said = words.value.uploading;
  const { queue, rests, isSignedOut } = now();
  const [isOpen, setOpen] = useState(true);
  const [lost, asks] = [queue.countOf("lost"), queue.countOf("question")];
  const changed = queue.of("question").filter(({ question }) => question?.changed).length;
  useEffect(() => {
    // Whoever has just answered it is told at once that the answer does not hold any more.
    if (changed > 0) isAsking.value = true;
  }, [changed]);
  return (
    <section class="uploads" aria-label={said.panel}>
      <header>
        <Headline />
        <Buttons isOpen={isOpen} toggle={() => setOpen(!isOpen)} />
      </header>
      {!queue.isOver && <Total />}
      {rests.isOffline && !queue.isOver && <p class="notice">{said.offline}</p>}
      {isOthers.value && <Others />}
      {isSignedOut && !isOthers.value && <SignedOut />}
      {lost > 0 && <Lost count={lost} />}
      {asks > 0 && (
        <p class="notice asks">
          <button
            type="button"
            class="main"
            onClick={() => {
              isAsking.value = true;
            }}
          >
            {said.answer(asks)}
          </button>
        </p>
      )}
      {isOpen && !queue.isOver && <Lines />}
      {isOpen && (queue.isQuiet || queue.isOver) && <Report />}
    </section>
  );
}

function Others() {
  const said = words.value.uploading;
  return (
    <div class="notice" role="alert">
      <p>{said.others}</p>
      <button type="button" onClick={() => location.reload()}>
        {said.loadAnew}
      </button>
    </div>
  );
}

/** In another tab: here are the files. */
function SignedOut() {
  const { signIn, uploading } = words.value;
  return (
    <p class="notice" role="alert">
      {uploading.signedOut}{" "}
      <a href="/session" target="_blank" rel="noopener">
        {signIn}
      </a>
    </p>
  );
}

function Lost({ count }: { readonly count: number }) {
  const said = words.value.uploading;
  const [mayReopen, setMayReopen] = useState(true);
  return (
    <div class="notice">
      <p>{said.lost(count)}</p>
      {mayReopen ? (
        <button
          type="button"
          onClick={async () => {
            if (!(await reopen())) setMayReopen(false);
          }}
        >
          {said.reopen}
        </button>
      ) : (
        <>
          <Chooser label={said.addFiles} weight="" folders={false} />
          <Chooser label={said.addFolder} weight="" folders={true} />
        </>
      )}
    </div>
  );
}

function headline(): string {
  const said = words.value.uploading;
  const { queue, walking } = now();
  const ended = queue.countOf("done", "failed");
  if (queue.length === 0 && walking > 0) return said.looking;
  if (queue.isOver) return said.finished(queue.length);
  if (queue.paused) return said.paused(ended, queue.length);
  if (queue.isQuiet) return said.waiting(queue.length - ended);
  return said.uploading(ended, queue.length);
}

function Headline() {
  const said = words.value.uploading;
  const { queue, rate } = now();
  const { all, done } = queue.progress;
  const speech = locale.value;
  const left = rate.left(all - done, queue.countOf("waiting", "hashing", "ready", "sending"));
  const facts = queue.isOver
    ? []
    : [
        said.of(size(done, speech), size(all, speech)),
        rate.speed ? said.speed(size(Math.round(rate.speed), speech)) : "",
        left === null ? "" : said.left(left),
      ];
  return (
    <div class="headline">
      <h2 id="uploads-heading" tabIndex={-1}>
        {headline()}
      </h2>
      {queue.isOver ? <p>{summary()}</p> : <p>{facts.filter(Boolean).join(" · ")}</p>}
    </div>
  );
}

function Total() {
  const { all, done } = now().queue.progress;
  const ended = now().queue.countOf("done", "failed");
  const value = all > 0 ? done / all : ended / Math.max(1, now().queue.length);
  return <progress max={1} value={value} aria-label={words.value.uploading.total} />;
}

function Buttons({ isOpen, toggle }: { readonly isOpen: boolean; readonly toggle: () => void }) {
  const said = words.value.uploading;
  const { queue } = now();
  if (queue.isOver) {
    return (
      <div class="buttons">
        <button type="button" onClick={() => now().clear()}>
          {said.close}
        </button>
      </div>
    );
  }
  return (
    <div class="buttons">
      <button
        type="button"
        disabled={isOthers.value}
        onClick={() => (queue.paused ? now().goOn() : now().pause())}
      >
        {queue.paused ? said.goOn : said.pause}
      </button>
      <button type="button" onClick={() => now().cancel(open())}>
        {said.cancelAll}
      </button>
      <button type="button" class="quiet" aria-expanded={isOpen} onClick={toggle}>
        {isOpen ? said.hideList : said.showList}
      </button>
    </div>
  );
}

function open() {
  return now().queue.every.filter(({ phase }) => phase !== "done" && phase !== "failed");
}

/** Told to those who do not see the panel: only what has come to a point. */
function Speaking() {
  const said = words.value.uploading.told;
  const { queue, rests } = now();
  const [told, tell] = useState("");
  const asks = queue.isQuiet ? queue.countOf("question") : 0;
  const { isOver, length } = queue;
  useEffect(() => {
    if (isOver) tell(said.over(summary()));
    else if (rests.isOffline) tell(words.value.uploading.offline);
    else if (asks) tell(said.asks(asks));
    else if (length) tell(said.began(length));
    else tell("");
  }, [isOver, rests.isOffline, asks, length > 0]);
  return (
    <p class="unseen" role="status" aria-live="polite">
      {told}
    </p>
  );
}
