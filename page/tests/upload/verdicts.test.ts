import assert from "node:assert/strict";
import { test } from "node:test";
import { outcomeOf, refusalIn, type Told } from "../../src/upload/answers.ts";
import { answered, isOurs, judge, probes } from "../../src/upload/asking.ts";
import { compared } from "../../src/upload/compare.ts";
import type { Item, Question, Resolution } from "../../src/upload/item.ts";
import { hrefOf, newItem, pathOf } from "../../src/upload/item.ts";
import {
  alike,
  choices,
  decided,
  gathered,
  numbered,
  stillShown,
} from "../../src/upload/questions.ts";
import { Queue } from "../../src/upload/queue.ts";
import { fieldOf } from "../../src/upload/requests.ts";
import { judged, refused, type Verdict } from "../../src/upload/verdicts.ts";

const EXISTING = { href: "/files/a.txt", etag: '"1-aa"', version: 1, size: 3 };

function item(change: Partial<Item> = {}): Item {
  return { ...newItem({ type: "file", path: "a.txt", size: 10, modified: 1 }, "i"), ...change };
}

function verdict(word: string, more: Partial<Verdict> = {}): Verdict {
  return { item: 0, verdict: word, sure: true, may_be: [], status: 409, ...more };
}

function question(change: Partial<Question> = {}): Question {
  const asked = {
    kind: "name",
    changed: false,
    mayReplace: false,
    free: "",
    resolutions: [],
  } as const;
  return { ...asked, ...change };
}

function resolution(action: Resolution["action"], path = "a (2).txt"): Resolution {
  const href = `/uploads/x?action=${action}&path=${encodeURIComponent(path)}`;
  return { action, method: "POST", href, headers: {} };
}

test("what is new is sent", () => {
  const step = judged(item(), verdict("create", { status: 201 }), false);
  assert.deepEqual(step, { do: "send", plan: { path: "a.txt", as: "stored" } });
});

test("a digest is computed only where the size suggests that the content is known", () => {
  const create = { status: 201 };
  const hash = { do: "hash" };
  assert.deepEqual(judged(item(), verdict("create", { ...create, same_size: true }), false), hash);
  assert.deepEqual(judged(item({ size: 1 << 20 }), verdict("create", create), true), hash);
  assert.equal(judged(item(), verdict("create", create), true).do, "send");
  const perhaps = verdict("name-taken", { may_be: ["already-stored"], sure: false });
  assert.deepEqual(judged(item(), perhaps, false), hash);
  assert.equal(judged(item({ size: 0 }), verdict("create", create), true).do, "send");
  assert.equal(judged(item({ digest: "blake3:aa" }), perhaps, true).do, "ask");
  assert.equal(
    judged(item(), verdict("bad-name", { status: 422, same_size: true }), true).do,
    "fail",
  );
});

test("what is there already is left alone", () => {
  const step = judged(
    item({ digest: "d" }),
    verdict("already-stored", { existing: EXISTING }),
    false,
  );
  assert.deepEqual(step, { do: "leave", existing: EXISTING });
  const identical = {
    ...refusalIn({ status: 412, text: "" }),
    slug: "stale-version",
    identical: true,
  };
  assert.equal(refused(item(), identical).do, "leave");
});

for (const [slug, kind] of [
  ["name-taken", "name"],
  ["name-equivalent", "equivalent"],
  ["content-known", "content"],
  ["type-clash", "clash"],
] as const) {
  test(`${slug} is a question of the kind ${kind}`, () => {
    const step = judged(item({ digest: "d" }), verdict(slug, { existing: EXISTING }), false);
    assert.ok(step.do === "ask");
    assert.equal(step.question.kind, kind);
    assert.deepEqual(step.question.existing, EXISTING);
    assert.equal(step.question.changed, false);
  });
}

test("a copy of what the same list has brought is no question", () => {
  const known = verdict("content-known", { existing: EXISTING, earlier: 0 });
  const step = judged(item({ digest: "d" }), known, true);
  assert.deepEqual(step, { do: "send", plan: { path: "a.txt", as: "linked" } });
  const late = { ...refusalIn({ status: 409, text: "" }), slug: "content-known" };
  const settle = resolution("link", "a.txt");
  const settled = refused(item(), { ...late, resolutions: [settle] }, true);
  assert.deepEqual(settled, { do: "send", plan: { path: "a.txt", as: "linked", settle } });
  assert.equal(refused(item({ size: 0 }), late).do, "send");
});

test("what passes by itself is waited for, and what does not has failed", () => {
  assert.equal(judged(item(), verdict("name-reserved"), false).do, "wait");
  const step = judged(item(), verdict("too-large", { status: 413, detail: "Too large." }), false);
  assert.ok(step.do === "fail");
  assert.equal(step.refusal.detail, "Too large.");
});

test("where every write needs a condition, a new name has one and a taken one is a question", () => {
  const step = judged(item(), verdict("condition-required", { status: 428 }), false);
  assert.ok(step.do === "send");
  assert.equal(step.plan.ifNoneMatch, true);
  const taken = verdict("condition-required", { status: 428, existing: EXISTING });
  assert.equal(judged(item({ digest: "d" }), taken, false).do, "ask");
});

test("what was changed while a person looked at it says so", () => {
  const plan = { path: "a.txt", as: "replaced", ifMatch: '"1-aa"' } as const;
  const refusal = { ...refusalIn({ status: 412, text: "" }), slug: "stale-version" };
  const step = refused(item({ plan }), { ...refusal, existing: { ...EXISTING, etag: '"2-bb"' } });
  assert.ok(step.do === "ask");
  assert.equal(step.question.changed, true);
  assert.equal(step.question.existing?.etag, '"2-bb"');
});

test("what was to be replaced and is gone can be stored under its name", () => {
  const plan = { path: "a.txt", as: "replaced", ifMatch: '"1-aa"' } as const;
  const refusal = { ...refusalIn({ status: 412, text: "" }), slug: "stale-version" };
  const step = refused(item({ plan }), refusal);
  assert.ok(step.do === "ask");
  assert.equal(step.question.kind, "gone");
  assert.deepEqual(choices(step.question), ["store", "skip"]);
  assert.deepEqual(decided(item({ question: step.question }), "store"), {
    plan: { path: "a.txt", as: "stored" },
  });
});

test("where the free name is taken by now, the next one that the server has offered is used", () => {
  const plan = { path: "a (2).txt", as: "both" } as const;
  const settle = resolution("store", "a (3).txt");
  const refusal = { ...refusalIn({ status: 409, text: "" }), slug: "name-taken" };
  const step = refused(item({ plan }), { ...refusal, resolutions: [settle] });
  assert.deepEqual(step, { do: "send", plan: { path: "a (3).txt", as: "both", settle } });
});

test("what may not be done is not offered", () => {
  assert.deepEqual(choices(question()), ["skip"]);
  assert.deepEqual(choices(question({ free: "a (2).txt" })), ["both", "skip"]);
  const all = question({ free: "a (2).txt", mayReplace: true });
  assert.deepEqual(choices(all), ["both", "replace", "skip"]);
  assert.deepEqual(choices({ ...all, kind: "clash" }), ["both", "skip"]);
  assert.deepEqual(choices(question({ kind: "content" })), ["link", "use"]);
  const parked = question({ kind: "content", resolutions: [resolution("discard")] });
  assert.deepEqual(choices(parked), ["use"]);
});

test("an answer becomes a plan, with the version that was shown as its condition", () => {
  const asked = question({ existing: EXISTING, free: "a (2).txt", mayReplace: true });
  assert.deepEqual(decided(item({ question: asked }), "replace"), {
    plan: { path: "a.txt", as: "replaced", ifMatch: '"1-aa"' },
  });
  assert.deepEqual(decided(item({ question: asked }), "both"), {
    plan: { path: "a (2).txt", as: "both" },
  });
  assert.deepEqual(decided(item({ question: asked }), "skip"), {
    result: "skipped",
    href: "/files/a.txt",
  });
});

test("bytes that have arrived are settled by the request that the server has offered", () => {
  const resolutions = [resolution("store", "a (7).txt"), resolution("discard", "")];
  const asked = question({ existing: EXISTING, resolutions });
  const both = decided(item({ question: asked }), "both");
  assert.deepEqual(both, {
    plan: { path: "a (7).txt", as: "both", settle: resolutions[0] },
  });
  const skip = decided(item({ question: asked }), "skip");
  assert.ok("discard" in skip);
  assert.equal(skip.discard, resolutions[1]?.href);
});

test("a question that comes in takes no other one's place under the hand", () => {
  const items = ["1", "2", "3"].map((id) => item({ id }));
  const shown = stillShown(items, { id: "2", place: 1 });
  assert.deepEqual(shown, { id: "2", place: 1 });
  assert.deepEqual(stillShown([item({ id: "0" }), ...items], shown), { id: "2", place: 2 });
  assert.deepEqual(stillShown([item({ id: "1" }), item({ id: "3" })], shown), {
    id: "3",
    place: 1,
  });
  assert.deepEqual(stillShown([item({ id: "1" })], shown), { id: "1", place: 0 });
  assert.deepEqual(stillShown([], shown), { id: "", place: 0 });
});

test("questions are gathered by kind, and answered for all like one", () => {
  const name = question({ free: "b", mayReplace: true });
  const items = [
    item({ id: "1", question: name }),
    item({ id: "2", question: question({ kind: "content" }) }),
    item({ id: "3", question: { ...name, mayReplace: false } }),
    item({ id: "4", question: name }),
  ];
  const told = gathered(items).map(({ kind, items: some }) => [kind, some.length]);
  assert.deepEqual(told, [
    ["name", 3],
    ["content", 1],
  ]);
  const first = items[0] ?? item();
  assert.deepEqual(
    alike(items, first, "replace").map(({ id }) => id),
    ["1", "4"],
  );
  assert.equal(alike(items, first, "both").length, 3);
});

test("the probes find out whether it may be replaced, and the next free name", () => {
  const asked = item({ question: question({ existing: EXISTING }) });
  const tried = probes(asked, 2);
  assert.deepEqual(
    tried.map(({ path, if_match }) => [path, if_match]),
    [
      ["a.txt", '"1-aa"'],
      ["a (2).txt", undefined],
      ["a (3).txt", undefined],
      ["a (4).txt", undefined],
    ],
  );
  const ok = verdict("create", { status: 201 });
  const told = answered(
    question(),
    tried,
    [verdict("replace", { status: 200 }), verdict("name-taken"), ok, ok],
    2,
  );
  assert.equal(told?.free, "a (3).txt");
  assert.equal(told?.mayReplace, true);
  const taken = verdict("name-taken");
  assert.equal(answered(question(), tried, [verdict("not-allowed"), taken, taken, taken], 2), null);
  const none = verdict("not-allowed", { status: 403 });
  assert.equal(answered(question(), tried, [none, none, none, none], 2)?.mayReplace, false);
});

test("names are numbered as the server does it", () => {
  assert.equal(numbered("a/b.txt", 2), "a/b (2).txt");
  assert.equal(numbered("b (2).txt", 3), "b (3).txt");
  assert.equal(numbered("v1.2/README", 2), "v1.2/README (2)");
  assert.equal(numbered(".profile", 2), ".profile (2)");
});

test("addresses and paths are two spellings of one place", () => {
  for (const path of ["a", "a b/ü#?.txt", "100%/x"]) assert.equal(pathOf(hrefOf(path)), path);
});

function told(status: number, text: string, headers: Record<string, string> = {}) {
  return { status, text, header: (name: string) => headers[name] ?? null };
}

const PLAN = { path: "a", as: "stored" } as const;
const BEFORE = '</files/a?version=1>; rel="predecessor-version"';

test("parked bytes that have expired are sent again by what was decided", () => {
  const plan = { path: "a (2).txt", as: "both" } as const;
  const settled = item({ plan: { ...plan, settle: resolution("store") } });
  for (const status of [404, 410]) {
    const gone = { ...refusalIn({ status, text: "" }), slug: "not-there" };
    assert.deepEqual(refused(settled, gone), { do: "again", plan });
    assert.equal(refused(item({ plan }), gone).do, "fail");
  }
});

test("what a proxy answers in the server's place is no word of the server", () => {
  for (const text of ["<html>Please sign in</html>", "", "null", '{"error": "login"}', '"ok"']) {
    assert.deepEqual(outcomeOf(told(200, text), PLAN), { is: "broken", answered: false });
  }
  assert.equal(outcomeOf(told(200, '{"deleted": "a", "change": 3}'), PLAN).is, "stored");
  assert.equal(outcomeOf(told(204, "", { "Upload-Offset": "3" }), PLAN).is, "stored");
});

test("an answer without a word of where it is stored is that of a drop box", () => {
  assert.deepEqual(outcomeOf(told(201, '{"received": true, "size": 3}'), PLAN), {
    is: "stored",
    stored: { result: "received" },
  });
});

test("what had no name before is deleted again, what took a place gives it back", () => {
  const members = '{"href": "/files/a", "etag": "\\"2-b\\""}';
  const wholly = [told(201, members), told(200, members, { Link: BEFORE })];
  const fields = { "Content-Location": "/files/a", ETag: '"2-b"' };
  const inPieces = [told(204, "", fields), told(204, "", { ...fields, Link: BEFORE })];
  for (const [fresh, instead] of [wholly, inPieces] as const) {
    assert.deepEqual(outcomeOf(fresh as Told, PLAN), {
      is: "stored",
      stored: {
        result: "stored",
        href: "/files/a",
        undo: { method: "DELETE", href: "/files/a", etag: '"2-b"' },
      },
    });
    // Also where nothing was foretold of it: the folder may replace by itself.
    for (const plan of [PLAN, { path: "a", as: "replaced", ifMatch: '"1-a"' }] as const) {
      assert.deepEqual(outcomeOf(instead as Told, plan), {
        is: "stored",
        stored: {
          result: "replaced",
          href: "/files/a",
          undo: { method: "POST", href: "/files/a?restore=1", etag: '"2-b"' },
        },
      });
    }
  }
});

test("what is not known to be one's own has no undo", () => {
  const members = '{"href": "/files/a", "etag": "\\"1-a\\""}';
  assert.deepEqual(outcomeOf(told(200, members), PLAN), {
    is: "stored",
    stored: { result: "there", href: "/files/a" },
  });
  // An upload that had come to its end already, and whose last answer was lost.
  const finished = told(204, "", { "Content-Location": "/files/a%20(2)" });
  assert.deepEqual(outcomeOf(finished, PLAN), {
    is: "stored",
    stored: { result: "stored", href: "/files/a%20(2)" },
  });
  const same = told(204, "", { "Content-Location": "/files/a", ETag: '"1-a"' });
  const replacing = outcomeOf(same, { path: "a", as: "replaced", ifMatch: '"1-a"' });
  assert.ok(replacing.is === "stored");
  assert.equal(replacing.stored.undo, undefined);
});

test("a file is no second name for being called so", () => {
  const members = '{"href": "/files/duplicate", "etag": "\\"2-b\\""}';
  const link = '</files/a>; rel="duplicate"';
  const named = told(201, members, { Link: link });
  const replaced = told(200, members, { Link: BEFORE.replace("/a", "/duplicate") });
  const results = [named, replaced].map((one) => outcomeOf(one, PLAN));
  assert.deepEqual(
    results.map((one) => one.is === "stored" && one.stored.result),
    ["linked", "replaced"],
  );
});

test("no answer, and a server that cannot, are no refusals", () => {
  const told = (status: number, after: string | null = null) => ({
    status,
    text: '{"type": "/problems/unavailable", "retryable": true}',
    header: (name: string) => (name === "Retry-After" ? after : null),
  });
  const plan = { path: "a", as: "stored" } as const;
  assert.deepEqual(outcomeOf(told(0), plan), { is: "broken", answered: false });
  assert.deepEqual(outcomeOf(told(503, "2"), plan), { is: "broken", answered: true, after: 2 });
  assert.equal(outcomeOf(told(409), plan).is, "broken");
  const refusal = outcomeOf({ ...told(409), text: '{"type": "/problems/name-taken"}' }, plan);
  assert.ok(refusal.is === "refused");
  assert.equal(refusal.refusal.slug, "name-taken");
});

test("a digest is written as the header wants it", () => {
  assert.equal(fieldOf("blake3:00ff10"), "blake3=:AP8Q:");
  assert.equal(fieldOf("sha256:00"), "sha-256=:AA==:");
});

test("whoever has decided is not asked again by a second preflight", () => {
  const queue = new Queue();
  queue.add({ type: "file", path: "a.txt", size: 10, modified: 1 }, "i");
  const plan = { path: "b.txt", as: "both" } as const;
  const waiting = queue.change("i", { plan, digest: "d" });
  assert.ok(waiting);
  judge(queue, waiting, verdict("create", { status: 201 }), 0);
  assert.deepEqual(queue.get("i")?.plan, plan);
  queue.change("i", { phase: "done", result: "stored" });
  assert.equal(isOurs(queue, "/files/a.txt"), true);
  assert.equal(isOurs(queue, "/files/b.txt"), false);
  queue.change("i", { phase: "sending", plan: { path: "a.txt", as: "stored" } });
  assert.equal(isOurs(queue, "/files/a.txt"), true);
});

test("two texts are shown from a little before their first difference", () => {
  const lines = Array.from({ length: 50 }, (_, number) => `line ${number}`);
  const [there, yours] = compared(lines.join("\n"), lines.with(20, "changed").join("\n"));
  assert.equal(there[0]?.text, "line 17");
  assert.deepEqual(there[3], { text: "line 20", differs: true });
  assert.deepEqual(yours[3], { text: "changed", differs: true });
  assert.equal(yours[4]?.differs, false);
});
