import assert from "node:assert/strict";
import { test } from "node:test";
import {
  crumbs,
  fileHref,
  folderOfPage,
  isWithin,
  nameOf,
  pageOf,
  parentOf,
  same,
} from "../src/address.ts";

test("a page shows the folder whose path it has", () => {
  assert.equal(folderOfPage("/browse/a/b%20c/"), "/files/a/b%20c/");
  assert.equal(folderOfPage("/files/a/"), "/files/a/");
  assert.equal(folderOfPage("/browse/"), "/files/");
  assert.equal(folderOfPage("/docs"), null);
  assert.equal(pageOf("/files/a/"), "/browse/a/");
});

test("names are those that were typed, whatever is in them", () => {
  for (const name of ["a b", "100%", "#1?", "<b>&amp;", "ä/ö".replace("/", "⁄"), "😀"]) {
    assert.equal(nameOf(fileHref(["folder", name])), name);
    assert.equal(parentOf(fileHref(["folder", name])), "/files/folder/");
  }
});

test("an address is the same in another spelling, and a file is no folder", () => {
  assert.ok(same("/files/a(1)", "/files/a%281%29"));
  assert.ok(!same("/files/a/", "/files/a"));
});

test("what is within a folder begins with its names, not with its letters", () => {
  assert.ok(isWithin("/files/a/b/c", "/files/a/"));
  assert.ok(!isWithin("/files/ab/c", "/files/a/"));
  assert.ok(!isWithin("/files/a/", "/files/a/"));
});

test("the crumbs lead from the top to the folder itself", () => {
  assert.deepEqual(
    crumbs("/files/a/b/").map(({ href }) => href),
    ["/files/a/", "/files/a/b/"],
  );
  assert.deepEqual(crumbs("/files/"), []);
});
