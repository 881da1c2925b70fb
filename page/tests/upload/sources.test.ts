import assert from "node:assert/strict";
import { test } from "node:test";
import { type Found, inTransfer } from "../../src/upload/sources.ts";

const NO = new DOMException("not for you", "NotAllowedError");

function file(name: string) {
  return { kind: "file", name, getFile: async () => new File([name], name) };
}

/** As a browser hands them out; one that cannot be read tells so while it is walked through. */
function folder(name: string, children: readonly object[], isBroken = false) {
  async function* values() {
    yield* children;
    if (isBroken) throw NO;
  }
  return { kind: "directory", name, values };
}

function entry(name: string, children: readonly object[] | null) {
  let some = children ?? [];
  const readEntries = (told: (found: readonly object[]) => void, refused: () => void) => {
    if (!children) return refused();
    told(some);
    some = [];
  };
  return { isFile: false, name, createReader: () => ({ readEntries }) };
}

async function walked(item: object): Promise<string[]> {
  const items = [{ kind: "file", webkitGetAsEntry: () => null, getAsFile: () => null, ...item }];
  const all: Found[] = [];
  for await (const one of inTransfer({ items } as unknown as DataTransfer)) all.push(one);
  return all.map(
    ({ dropped, isUnreadable }) =>
      `${isUnreadable ? "unreadable " : ""}${dropped.type} ${dropped.path}`,
  );
}

test("a folder that cannot be read is told, and the rest is walked through", async () => {
  const shut = folder("shut", [file("first")], true);
  const tree = folder("tree", [file("a"), shut, folder("empty", []), file("z")]);
  assert.deepEqual(await walked({ getAsFileSystemHandle: async () => tree }), [
    "file tree/a",
    "file tree/shut/first",
    "unreadable folder tree/shut",
    "folder tree/empty",
    "file tree/z",
  ]);
});

test("a browser without handles tells it as well, and makes no empty folder of it", async () => {
  const tree = entry("tree", [entry("shut", null), entry("empty", [])]);
  assert.deepEqual(await walked({ webkitGetAsEntry: () => tree }), [
    "unreadable folder tree/shut",
    "folder tree/empty",
  ]);
});
