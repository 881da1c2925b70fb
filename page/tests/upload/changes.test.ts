import assert from "node:assert/strict";
import { test } from "node:test";
import { left, renamed, restored, retried } from "../../src/upload/changes.ts";
import { type Item, newItem, type Question } from "../../src/upload/item.ts";
import { parkedAt } from "../../src/upload/questions.ts";

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

const SETTLE = { action: "store", method: "POST", href: "/uploads/x?action=store", headers: {} };
const QUESTION = { kind: "name", changed: false, mayReplace: false, free: "a (2)" } as const;

function asked(resolutions: readonly object[]): Item {
  const question = { ...QUESTION, resolutions } as Question;
  const plan = { path: "in/a", as: "replaced", ifMatch: '"1-a"' } as const;
  return { ...failed("file"), phase: "question", question, plan };
}

test("a half-sent upload outlives another try, and a refusal that may pass", () => {
  const item = failed("file", { upload: "/uploads/x", sent: 5 });
  assert.equal({ ...item, ...retried(item) }.upload, "/uploads/x");
  for (const status of [401, 403, 429, 507]) {
    assert.equal({ ...item, ...left(item, { ...BAD_NAME, status }) }.upload, "/uploads/x");
  }
  const refused = { ...item, ...left(item, BAD_NAME) };
  assert.deepEqual([refused.upload, refused.sent], [undefined, 0]);
});

test("a question without bytes on the server is judged anew when the page comes back", () => {
  const { phase, question, plan } = restored(asked([]), false);
  assert.deepEqual([phase, question, plan], ["waiting", undefined, undefined]);
  assert.equal(restored(asked([SETTLE]), false).phase, "question");
});

test("the bytes of a question, and of its answer, are known by their upload", () => {
  assert.equal(parkedAt(asked([SETTLE])), "/uploads/x");
  const plan = { path: "a", as: "both", settle: SETTLE } as Item["plan"] & object;
  assert.equal(parkedAt({ ...failed("file"), plan }), "/uploads/x");
  assert.equal(parkedAt(asked([])), undefined);
});
