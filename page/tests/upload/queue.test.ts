import assert from "node:assert/strict";
import { test } from "node:test";
import type { Dropped } from "../../src/upload/item.ts";
import { Queue } from "../../src/upload/queue.ts";
import { Rate } from "../../src/upload/rate.ts";

function file(path: string, size = 10, modified = 1): Dropped {
  return { type: "file", path, size, modified };
}

test("items move through their phases, the oldest first, and those held back wait", () => {
  const queue = new Queue();
  for (const id of ["1", "2", "3", "4"]) queue.add(file(id), id);
  queue.change("2", { held: true });
  queue.change("3", { until: 500 });
  assert.deepEqual(
    queue.next("waiting", 9, 100).map(({ id }) => id),
    ["1", "4"],
  );
  assert.deepEqual(
    queue.next("waiting", 2, 500).map(({ id }) => id),
    ["1", "3"],
  );
  queue.change("1", { phase: "sending" });
  assert.equal(queue.countOf("waiting"), 3);
  assert.equal(queue.countOf("waiting", "sending"), 4);
});

test("what is asked stands in the order in which it was chosen, whenever its answer came", () => {
  const queue = new Queue();
  for (const id of ["1", "2", "3"]) queue.add(file(id), id);
  for (const id of ["3", "1"]) queue.change(id, { phase: "question" });
  assert.deepEqual(
    queue.of("question").map(({ id }) => id),
    ["1", "3"],
  );
});

test("progress counts what was sent, and leaves out what failed", () => {
  const queue = new Queue();
  queue.add(file("a", 100), "a");
  queue.add(file("b", 50), "b");
  queue.change("a", { phase: "sending", sent: 30 });
  assert.deepEqual(queue.progress, { all: 150, done: 30 });
  queue.change("b", { phase: "done", result: "there" });
  assert.deepEqual(queue.progress, { all: 150, done: 80 });
  queue.change("a", { phase: "failed" });
  assert.deepEqual(queue.progress, { all: 50, done: 50 });
  queue.remove("b");
  assert.deepEqual(queue.progress, { all: 0, done: 0 });
});

test("it is over when all is done or failed, and quiet while only questions are open", () => {
  const queue = new Queue();
  assert.equal(queue.isOver, false);
  queue.add(file("a"), "a");
  queue.add(file("b"), "b");
  assert.equal(queue.isQuiet, false);
  queue.change("a", { phase: "done", result: "stored" });
  queue.change("b", { phase: "question" });
  assert.equal(queue.isQuiet, true);
  assert.equal(queue.isOver, false);
  queue.change("b", { phase: "failed" });
  assert.equal(queue.isOver, true);
  assert.deepEqual(
    queue
      .results()
      .get("stored")
      ?.map(({ id }) => id),
    ["a"],
  );
});

test("two files of one length may be the same, one may not", () => {
  const queue = new Queue();
  queue.add(file("a", 7), "a");
  assert.equal(queue.sharesSize(7), false);
  queue.add(file("b", 7), "b");
  assert.equal(queue.sharesSize(7), true);
  queue.remove("a");
  assert.equal(queue.sharesSize(7), false);
});

test("each change is told, with the item as it is now", () => {
  const told: string[] = [];
  const queue = new Queue(({ id, phase }) => told.push(`${id} ${phase}`));
  queue.add(file("a"), "a");
  queue.change("a", { phase: "ready" });
  queue.change("gone", { phase: "ready" });
  assert.deepEqual(told, ["a waiting", "a ready"]);
});

test("the speed is that of the last seconds, and needs a second to be said", () => {
  const rate = new Rate();
  rate.note(0, 0, 0);
  rate.note(500, 5_000, 0);
  assert.equal(rate.speed, null);
  rate.note(1000, 10_000, 1);
  assert.equal(rate.speed, 10_000);
  for (let at = 2000; at <= 20_000; at += 1000) rate.note(at, 10_000 + (at - 1000) * 2, 1);
  assert.equal(rate.speed, 2000);
});

test("the time left is that of the bytes, or of many small files where these are slower", () => {
  const rate = new Rate();
  rate.note(0, 0, 0);
  rate.note(2000, 2_000_000, 20);
  assert.equal(rate.left(10_000_000, 1), 10);
  assert.equal(rate.left(1000, 400), 40);
  assert.equal(rate.left(0, 0), null);
});

test("after a break the speed is measured anew", () => {
  const rate = new Rate();
  rate.note(0, 0, 0);
  rate.note(2000, 1000, 0);
  rate.note(60_000, 1000, 0);
  assert.equal(rate.speed, null);
  rate.note(61_000, 3000, 0);
  assert.equal(rate.speed, 2000);
});

test("a new name is a new place", () => {
  const queue = new Queue();
  queue.add(file("CON"), "a");
  queue.change("a", { path: "con-1" });
  assert.equal(queue.at("CON"), null);
  assert.equal(queue.at("con-1")?.id, "a");
});
