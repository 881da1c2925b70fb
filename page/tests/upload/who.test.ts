import assert from "node:assert/strict";
import { test } from "node:test";
import { whoAsks } from "../../src/upload/who.ts";
import { answering } from "../browser.ts";

test("who asks is asked for until it is told, and nobody is who is not known", async () => {
  const asked = answering([503, {}], [200, { html: "a proxy" }], [200, { user: "ann" }]);
  assert.equal(await whoAsks(), "ann");
  assert.equal(asked.length, 3);
  answering([200, { user: null }]);
  assert.equal(await whoAsks(), "");
});
