import assert from "node:assert/strict";
import { test } from "node:test";
import type { FileEntry, FolderEntry } from "../../src/tree/entries.ts";
import {
  carryOut,
  carryOutAll,
  move,
  removal,
  restoration,
  takeBack,
} from "../../src/tree/verbs.ts";
import { answering, loaded, refusal } from "../browser.ts";

loaded("/browse/");
const { saidOfUndo } = await import("../../src/tree/asking.ts");

const FOLDER: FolderEntry = { type: "folder", name: "A", href: "/files/x/A/", etag: '"1-folder"' };

function file(name: string, version: number): FileEntry {
  const href = `/files/${name}`;
  const etag = `"${version}-${name}"`;
  const known = { modified: "", size: 1, digest: "", media_type: "text/plain" };
  return { type: "file", name, href, etag, version, ...known };
}

async function done(deed: Parameters<typeof carryOut>[0]) {
  const ended = await carryOut(deed);
  assert.ok("undo" in ended);
  return ended;
}

test("the undo of a restore is bound to what the restore has made, not to what is there then", async () => {
  const stale = { existing: { href: "/files/a.txt", etag: '"4-bob"' } };
  const asked = answering([200, { etag: '"3-restored"' }], refusal("stale-version", 412, stale));
  const restored = await done(restoration(file("a.txt", 2), 1));
  const back = await takeBack([restored]);
  assert.deepEqual(asked, [
    { method: "POST", href: "/files/a.txt?restore=1", ifMatch: '"2-a.txt"' },
    { method: "POST", href: "/files/a.txt?restore=2", ifMatch: '"3-restored"' },
  ]);
  assert.equal(
    saidOfUndo(back),
    "It could not be undone. a.txt was changed by somebody meanwhile.",
  );
});

test("the undo of moving a folder is bound to the folder that was moved", async () => {
  const asked = answering(
    [201, { href: "/files/y/A/", etag: '"5-folder"' }],
    refusal("stale-version", 412),
  );
  const moved = await done(move(FOLDER, ["y", "A"]));
  const back = await takeBack([moved]);
  assert.deepEqual(asked[1], {
    method: "POST",
    href: "/files/y/A/?move=x%2FA&recursive=true",
    ifMatch: '"5-folder"',
  });
  assert.equal(saidOfUndo(back), "It could not be undone. A was changed by somebody meanwhile.");
});

test("what came back is counted, and why the rest did not is said", async () => {
  const gone = (name: string) => [200, { undo: { href: `/files/${name}?restore=9` } }] as const;
  const asked = answering(
    gone("a"),
    gone("b"),
    gone("c"),
    [200, {}],
    [200, {}],
    refusal("name-taken", 409),
  );
  const removed = await carryOutAll(["a", "b", "c"].map((name) => removal(file(name, 1))));
  const back = await takeBack(removed.done);
  assert.deepEqual(
    asked.slice(3).map(({ href }) => href),
    ["c", "b", "a"].map((name) => `/files/${name}?restore=9`),
  );
  assert.equal(saidOfUndo(back), "2 of 3 undone. There is already something called a.");
});
