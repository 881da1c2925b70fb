import assert from "node:assert/strict";
import { test } from "node:test";
import { Hashing } from "../../src/upload/hashing.ts";

/** The browser's: the first one never comes to life, its script was not to be had. */
class Born extends EventTarget {
  static count = 0;
  private readonly isDead = Born.count++ === 0;

  constructor() {
    super();
    if (this.isDead) queueMicrotask(() => this.dispatchEvent(new Event("error")));
  }

  postMessage({ id }: { id: string }): void {
    const told = new MessageEvent("message", { data: { id, hex: "aa" } });
    if (!this.isDead) queueMicrotask(() => this.dispatchEvent(told));
  }
}

/** The browser's, under our policy for contents: a name is given once. */
const trustedTypes = {
  names: new Set<string>(),
  createPolicy(name: string, rules: object): object {
    if (this.names.has(name)) throw new TypeError(`Policy "${name}" already exists.`);
    this.names.add(name);
    return rules;
  },
};

test("after a worker that could not start, the next file gets another", {
  timeout: 5000,
}, async () => {
  Object.assign(globalThis, { WORKERS: { hash: "/hash.js" }, Worker: Born, trustedTypes });
  const hashing = new Hashing();
  assert.equal(await hashing.of("a", "blake3", new Blob(["a"])), null);
  assert.equal(await hashing.of("b", "blake3", new Blob(["b"])), "blake3:aa");
});
