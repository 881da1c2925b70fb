import assert from "node:assert/strict";
import { test } from "node:test";
import { Owner } from "../../src/upload/owner.ts";

test("a tab learns from another one, and by asking, that somebody else has signed in", async () => {
  let who: string | null = "ann";
  const told: boolean[] = [];
  let hear = () => {};
  const look = async () => who;
  const ann = new Owner(look, (isOurs) => {
    told.push(isOurs);
    hear();
  });
  assert.equal(await ann.name, "ann");
  const heard = new Promise<void>((resolve) => {
    hear = resolve;
  });
  who = "bob";
  const bob = new Owner(look, () => {});
  await heard;
  assert.deepEqual(told, [false]);
  who = null;
  await ann.check();
  assert.deepEqual(told, [false], "no answer says nothing");
  for (who of ["", "ann"]) await ann.check();
  assert.deepEqual(told, [false, false, true]);
  ann.end();
  bob.end();
});
