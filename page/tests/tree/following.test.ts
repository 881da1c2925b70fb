import assert from "node:assert/strict";
import { test } from "node:test";
import { answering, Feed, type Laid, loaded } from "../browser.ts";

loaded("/browse/x/");
const { entries, following, load, loading, more, problem, visit } = await import(
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

test("a dialog is about its folder, and a name is given where the entry stands", async () => {
  answering(page("a"));
  dialog.value = { kind: "rename", entry: file("a") };
  visit("/files/other/");
  assert.equal(dialog.value, null);
  const asked = answering([201, { href: "/files/x/b", etag: '"2-b"' }], page(""));
  await rename(file("a"), "b");
  assert.equal(asked[0]?.href, "/files/x/a?move=x%2Fb&recursive=true");
});
