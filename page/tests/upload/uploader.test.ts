import assert from "node:assert/strict";
import { test } from "node:test";
import { newItem, type Question } from "../../src/upload/item.ts";
import { Keeping } from "../../src/upload/keeping.ts";
import { Uploader } from "../../src/upload/uploader.ts";

test("an answer counts for those that are still open, however often it is given", () => {
  const uploader = new Uploader(new Keeping("s", Promise.resolve("")), () => {});
  uploader.queue.paused = true;
  const question: Question = {
    kind: "name",
    changed: false,
    mayReplace: false,
    free: "a (2).txt",
    resolutions: [],
  };
  const item = newItem({ type: "file", path: "a.txt", size: 1, modified: 1 }, "a");
  uploader.queue.put({ ...item, phase: "question", question });
  const shown = uploader.queue.of("question");
  uploader.decide(shown, "both");
  const { key } = uploader.queue.get("a") ?? {};
  uploader.decide(shown, "both");
  uploader.decide(shown, "skip");
  assert.equal(uploader.queue.get("a")?.phase, "ready");
  assert.equal(uploader.queue.get("a")?.key, key);
});
