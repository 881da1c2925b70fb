import assert from "node:assert/strict";
import { test } from "node:test";
import { answering, Feed, type Laid, loaded } from "../browser.ts";

loaded("/browse/x/");
const { entries, following, lag, load, loading, more, problem, typed, visit } = await import(
  "../../src/tree/folder.ts"
);
const { follow } = await import("../../src/tree/live.ts");
const { dialog, rename } = await import("../../src/tree/asking.ts");

function file(name: string) {
  const known = { etag: `"1-${name}"`, version: 1, size: 1, media_type: "text/plain" };
  return {
    type: "file",
    name,
    href: `/files/x/${name}`,
    modified: "",
    digest: "",
    ...known,
  } as const;
}

function page(names: string, next: string | null = null): Laid {
  return [200, { may: [], entries: [...names].map(file), next }];
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
}

const names = () => entries.value.map(({ name }) => name).join("");

test("a listing that breaks off is told, and can be asked for again", async () => {
  globalThis.fetch = async () =>
    new Response(
      new ReadableStream({
        start(body) {
          body.enqueue(new TextEncoder().encode('{"entries": ['));
          body.error(new TypeError("network error"));
        },
      }),
    );
  await load();
  assert.equal(problem.value?.slug, "offline");
  assert.equal(loading.value, false);
  answering(page("a"));
  await load();
  assert.equal(problem.value, null);
  assert.equal(names(), "a");
});

test("what is on the screen stays where the server cannot say what is there, and is asked for again", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  answering(page("ab"));
  await load();
  globalThis.fetch = async () => new Response("<h1>Service Unavailable</h1>", { status: 503 });
  await load();
  assert.equal(names(), "ab");
  assert.equal(problem.value, null);
  assert.equal(lag.value?.status, 503);
  answering(page("abc"));
  context.mock.timers.tick(1000);
  await settled();
  assert.equal(names(), "abc");
  assert.equal(lag.value, null);
});

test("a page of a long folder that does not come is asked for later, and not at once for ever", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  answering(page("a", "/files/x/?after=a"));
  await load();
  let asked = 0;
  globalThis.fetch = async () => {
    asked += 1;
    throw new TypeError("network error");
  };
  typed.value = "a";
  await settled();
  assert.equal(asked, 1);
  assert.equal(names(), "a");
  typed.value = "";
  answering(page("a"));
  await load();
});

test("what happened before the feed was open is asked for when it opens", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  answering(page("a"), page("ab"));
  await load();
  follow();
  Feed.open?.onopen();
  assert.equal(loading.value, true);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.equal(names(), "ab");

  await context.test(
    "of a folder that goes on, what stands behind comes with its page",
    async () => {
      answering(page("bd", "/files/x/?after=d"), page("ef"), page("cd"));
      await load();
      const added = (name: string) => ({ ...file(name), kind: "created", at: "" });
      for (const name of ["c", "f"]) Feed.open?.tell(added(name));
      context.mock.timers.tick(200);
      assert.equal(names(), "bcd");
      await more();
      assert.equal(names(), "bcdef");
      following.value = "/files/x/?after=f";
      await more();
      assert.equal(names(), "befcd", "one that has moved behind meanwhile is there once");
      following.value = null;
      Feed.open?.tell(added("g"));
      context.mock.timers.tick(200);
      assert.equal(names(), "befcdg");
    },
  );
});

test("what is told while a listing is on its way is not lost to it", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let give: (answer: Response) => void = () => {};
  globalThis.fetch = () =>
    new Promise((resolve) => {
      give = resolve;
    });
  const listing = load();
  Feed.open?.tell({ ...file("z"), kind: "created", at: "" });
  context.mock.timers.tick(200);
  const older = { may: [], entries: [file("a")], next: null };
  give(new Response(JSON.stringify(older)));
  await listing;
  context.mock.timers.tick(200);
  assert.equal(names(), "az");
});

test("a dialog is about its folder, and a name is given where the entry stands", async () => {
  answering(page("a"));
  dialog.value = { kind: "rename", entry: file("a") };
  visit("/files/other/");
  assert.equal(dialog.value, null);
  const asked = answering([201, { href: "/files/x/b", etag: '"2-b"' }], page(""));
  await rename(file("a"), "b");
  assert.equal(asked[0]?.href, "/files/x/a?move=x%2Fb&recursive=true");
});
