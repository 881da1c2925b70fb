import assert from "node:assert/strict";
import { test } from "node:test";
import { type Item, newItem } from "../../src/upload/item.ts";
import { sampled } from "../../src/upload/prints.ts";
import { meantOf } from "../../src/upload/taking.ts";

const MIB = 1 << 20;

function lost(id: string, print?: string): Item {
  const dropped = { type: "file", path: `${id}/disk.img`, size: 10, modified: 1 } as const;
  return { ...newItem(dropped, id), phase: "lost", ...(print === undefined ? {} : { print }) };
}

test("of lost files that look alike, the one is meant that was begun with the same bytes", () => {
  const found = meantOf([lost("a", "blake3:a"), lost("b", "blake3:b"), lost("c")], "blake3:b");
  assert.equal(found?.id, "b");
});

test("none is meant where that cannot be told", () => {
  assert.equal(meantOf([lost("a"), lost("b")], "blake3:a"), null);
  assert.equal(meantOf([lost("a", "blake3:a"), lost("b", "blake3:a")], "blake3:a"), null);
  assert.equal(meantOf([lost("a", "blake3:a")], "blake3:b"), null);
  assert.equal(meantOf([lost("a", "")], "")?.id, "a", "the only one, of which nothing is known");
});

test("a sample is all of a small file, and reaches from end to end of a large one", async () => {
  const small = new Blob([new Uint8Array(MIB)]);
  assert.equal(sampled(small), small);
  const bytes = new Uint8Array(9 * MIB);
  bytes[0] = 1;
  bytes[bytes.length - 1] = 2;
  const sample = new Uint8Array(await sampled(new Blob([bytes])).arrayBuffer());
  assert.equal(sample.length, MIB);
  assert.deepEqual([sample[0], sample.at(-1)], [1, 2]);
});
