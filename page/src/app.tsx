/** The page: where it is, what can be done, what is there. */

import { useEffect } from "preact/hooks";
import { nameOf } from "./address.ts";
import { words } from "./strings/words.ts";
import {
  entries,
  folder,
  following,
  load,
  loading,
  problem,
  rights,
  shown,
  typed,
} from "./tree/folder.ts";
import { Choosing } from "./upload/choosing.tsx";
import { Uploads } from "./upload/panel.tsx";
import { start } from "./upload/store.ts";
import { Crumbs } from "./views/crumbs.tsx";
import { List } from "./views/list.tsx";

export function App() {
  useEffect(() => {
    void load();
    start();
  }, []);
  const isDropBox = problem.value?.status === 403 || problem.value?.status === 401;
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
    document.title = `${name} · noclobber`;
  }, [name]);
  return (
    <>
      <Crumbs />
      <h1>
        <bdi>{name}</bdi>
      </h1>
      {rights.value.has("create") && <Choosing heading={words.value.addFiles} />}
      {entries.value.length > 0 && <Bar />}
      {problem.value ? <Failed /> : <Contents />}
    </>
  );
}

function Bar() {
  const count = entries.value.length;
  const { entries: all, entriesSoFar, search } = words.value;
  return (
    <div class="bar">
      <p class="count" role="status">
        {following.value === null ? all(count) : entriesSoFar(count)}
      </p>
      <input
        type="search"
        aria-label={search}
        placeholder={search}
        value={typed.value}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
        }}
      />
    </div>
  );
}

function Contents() {
  const { emptyYours, emptyOthers, nothingFound, loading: wait } = words.value;
  if (shown.value.length) return <List />;
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
  const { offline, retry } = words.value;
  const { detail, next, slug } = problem.value ?? {};
  return (
    <div class="empty" role="alert">
      <p>{slug === "offline" ? offline : `${detail} ${next}`}</p>
      <button type="button" onClick={() => void load()}>
        {retry}
      </button>
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
