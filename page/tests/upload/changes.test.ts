import assert from "node:assert/strict";
import { test } from "node:test";
import { renamed, retried } from "../../src/upload/changes.ts";
import { type Item, newItem } from "../../src/upload/item.ts";

const BAD_NAME = { slug: "bad-name", status: 422, title: "", detail: "", next: "" };

function failed(type: Item["type"], change: Partial<Item> = {}): Item {
  const begun = newItem({ type, path: "in/bad:name", size: 0, modified: 0 }, "i");
  return { ...begun, phase: "failed", refusal: BAD_NAME, ...change };
}

test("another name takes the place of the old one, also where a plan was made for that", () => {
  const plan = { path: "in/bad:name", as: "stored" } as const;
  const folder = failed("folder", { plan });
  const there = { ...folder, ...renamed(folder, "good") };
  assert.deepEqual(there.plan, { path: "in/good", as: "stored" });
  assert.equal({ ...there, ...retried(there) }.phase, "ready");
  const file = failed("file", { plan });
  const anew = { ...file, ...renamed(file, "good") };
  assert.equal({ ...anew, ...retried(anew) }.phase, "waiting", "it is asked for by its new name");
  assert.equal(anew.path, "in/good");
});
