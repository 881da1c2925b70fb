/** The page: where it is, what can be done, what is there. */

import { useEffect } from "preact/hooks";
import { nameOf } from "./address.ts";
import { words } from "./strings/words.ts";
import { dialog, questions } from "./tree/asking.ts";
import type { Entry } from "./tree/entries.ts";
import {
  entries,
  folder,
  lag,
  load,
  loading,
  problem,
  rights,
  shown,
  typed,
} from "./tree/folder.ts";
import { follow } from "./tree/live.ts";
import { sentenceOf } from "./tree/sentences.ts";
import { Choosing } from "./upload/choosing.tsx";
import { Uploads } from "./upload/panel.tsx";
import { start } from "./upload/store.ts";
import { Bar, shape } from "./views/bar.tsx";
import { Crumbs } from "./views/crumbs.tsx";
import { Details } from "./views/details.tsx";
import { List } from "./views/list.tsx";
import { Moving } from "./views/moving.tsx";
import { NewFolder, Rename } from "./views/naming.tsx";
import { NoticeLine } from "./views/notice.tsx";
import { Questions } from "./views/question.tsx";
import { lookWhoAsks } from "./views/site.tsx";
import { Tiles } from "./views/tiles.tsx";

/** `isDropBox`: the server says that files may be handed in here, and nothing be seen. */
export function App({ isDropBox }: { readonly isDropBox: boolean }) {
  useEffect(() => {
    void lookWhoAsks();
    start();
  }, []);
  return (
    <>
      {isDropBox ? <DropBox /> : <Folder />}
      <Uploads />
    </>
  );
}

function Folder() {
  const name = nameOf(folder.value) || words.value.files;
  useEffect(() => {
    void load();
    follow();
  }, []);
  useEffect(() => {
    document.title = `${name} · noclobber`;
  }, [name]);
  const isThere = problem.value === null;
  return (
    <>
      <Crumbs />
      <h1 tabIndex={-1}>
        <bdi>{name}</bdi>
      </h1>
      {isThere && rights.value.has("create") && <Choosing heading={words.value.addFiles} />}
      <NoticeLine />
      <Lag />
      {isThere && !(loading.value && !entries.value.length) && <Bar />}
      {isThere ? <Contents /> : <Failed />}
      <Dialogs />
    </>
  );
}

/** What others change while it is looked at is looked at as it has become. */
function asItIsNow(entry: Entry): Entry {
  return entries.value.find(({ href }) => href === entry.href) ?? entry;
}

function Dialogs() {
  const open = dialog.value;
  switch (open?.kind) {
    case "folder":
      return <NewFolder />;
    case "rename":
      return <Rename entry={open.entry} {...(open.name ? { name: open.name } : {})} />;
    case "move":
      return <Moving entries={open.entries} />;
    case "details":
      return <Details entry={asItIsNow(open.entry)} />;
    default:
      return questions.value.length ? <Questions /> : null;
  }
}

/** The server could not be asked since. */
function Lag() {
  const why = lag.value;
  return (
    <p class="lag" role="status" hidden={!why}>
      {why && `${sentenceOf(why)} ${words.value.asItWas}`}
    </p>
  );
}

function Contents() {
  const { emptyYours, emptyOthers, nothingFound, loading: wait } = words.value;
  if (shown.value.length) return shape.value === "tiles" ? <Tiles /> : <List />;
  if (loading.value) return <p class="wait">{wait}</p>;
  if (typed.value) return <Empty says={nothingFound(typed.value)} />;
  return <Empty says={rights.value.has("create") ? emptyYours : emptyOthers} />;
}

function Empty({ says }: { readonly says: string }) {
  return (
    <div class="empty">
      <p>{says}</p>
    </div>
  );
}

function Failed() {
  const { retry, signIn } = words.value;
  const why = problem.value;
  return (
    <div class="empty" role="alert">
      <p>{why && sentenceOf(why)}</p>
      {why?.slug === "not-identified" ? (
        <a class="button main" href={`/session?next=${encodeURIComponent(location.pathname)}`}>
          {signIn}
        </a>
      ) : (
        <button type="button" onClick={() => void load()}>
          {retry}
        </button>
      )}
    </div>
  );
}

/** For who may add to a folder, but not look into it. */
function DropBox() {
  const { dropBox, dropBoxLead, handIn } = words.value;
  return (
    <>
      <h1>
        {dropBox} <bdi>{nameOf(folder.value)}</bdi>
      </h1>
      <p class="lead">{dropBoxLead}</p>
      <Choosing heading={handIn} />
    </>
  );
}
