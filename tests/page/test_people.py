"""More than one person at one browser, and who made what."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from storage import accounts
from tests.page import browser as browsers
from tests.page.relay import Relay, relayed
from tests.page.uploading import asked, choose, made, over, panel
from tests.running import Program

MIB = 1 << 20
LARGE = bytes(range(256)) * (12 * MIB // 256)
SECRET = "a long enough password"


@pytest.fixture
def relay(server: Program, tmp_path: Path) -> Iterator[Relay]:
    for name in ("ann", "bob"):
        accounts.add_user(tmp_path / "data", name, SECRET)
    with relayed(server.port) as one:
        yield one


@pytest.fixture
def context(browser: Browser, relay: Relay) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=relay.url, locale="en-GB") as one:
        yield one


def sign_in(tab: Page, name: str) -> None:
    tab.goto("/session")
    if tab.get_by_role("button", name="Sign out").count():
        tab.get_by_role("button", name="Sign out").click()
        tab.goto("/session")
    tab.get_by_label("User name").fill(name)
    tab.get_by_label("Password").fill(SECRET)
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_role("button", name="Upload files")).to_be_visible()


def test_what_one_has_begun_the_next_does_not_go_on_with(
    relay: Relay, tab: Page, tmp_path: Path
) -> None:
    sign_in(tab, "ann")
    relay.speed = 2 * MIB
    choose(tab, *made(tmp_path / "in", {"large.bin": LARGE}))
    bar = panel(tab).get_by_role("progressbar", name="large.bin")
    expect(bar).not_to_have_js_property("value", 0)
    relay.speed = 0
    sign_in(tab, "bob")
    choose(tab, *made(tmp_path / "in", {"of-bob.txt": b"of bob"}))
    over(tab, "1 stored")
    panel(tab).get_by_role("button", name="Close").click()
    sign_in(tab, "ann")
    expect(panel(tab)).to_contain_text("The browser has let go of 1 file.")
    choose(tab, tmp_path / "in" / "large.bin")
    over(tab, "1 stored")


def test_an_open_tab_does_not_go_on_as_the_next_who_signs_in(
    context: BrowserContext, tab: Page, tmp_path: Path
) -> None:
    sign_in(tab, "ann")
    choose(tab, *made(tmp_path / "there", {"plan.txt": b"there"}))
    over(tab, "1 stored")
    panel(tab).get_by_role("button", name="Close").click()
    choose(tab, *made(tmp_path / "in", {"plan.txt": b"private plan of ann"}))
    expect(panel(tab).get_by_role("button", name="Answer the question")).to_be_visible()
    with browsers.tab(context) as other:
        sign_in(other, "bob")
        expect(panel(tab).get_by_role("alert")).to_contain_text("Somebody else is signed in here")
        asked(tab).get_by_role("button", name="Keep both").click()
        expect(panel(tab).get_by_role("button", name="Go on", exact=True)).to_be_disabled()
        sign_in(other, "ann")
    over(tab, "1 kept beside the other")
    written = "/files/plan%20(2).txt?versions"
    (only,) = tab.evaluate(f"fetch('{written}').then(one => one.json())")["versions"]
    assert only["by"] == "user:ann"


def test_who_made_what_is_there_is_told(
    browser: Browser, relay: Relay, tab: Page, tmp_path: Path
) -> None:
    sign_in(tab, "ann")
    choose(tab, *made(tmp_path / "ann", {"a.txt": b"of ann"}))
    over(tab, "1 stored")
    with (
        browser.new_context(base_url=relay.url, locale="en-GB") as other,
        browsers.tab(other) as theirs,
    ):
        sign_in(theirs, "bob")
        choose(theirs, *made(tmp_path / "bob", {"a.txt": b"of bob, longer"}))
        there = asked(theirs).locator(".side").first
        expect(there.locator("dt", has_text="By")).to_be_visible()
        expect(there).to_contain_text("ann")


STORED = """async () => {
  const found = [document.cookie, ...Object.entries(localStorage), ...Object.entries(sessionStorage)];
  for (const { name } of await indexedDB.databases()) {
    const base = await new Promise((done) => {
      const asked = indexedDB.open(name);
      asked.onsuccess = () => done(asked.result);
    });
    for (const store of base.objectStoreNames) {
      found.push(await new Promise((done) => {
        const asked = base.transaction(store).objectStore(store).getAll();
        asked.onsuccess = () => done(asked.result);
      }));
    }
    base.close();
  }
  return JSON.stringify(found);
}"""


def test_what_the_browser_keeps_holds_no_secret_and_no_file_that_was_uploaded(
    relay: Relay, tab: Page, tmp_path: Path
) -> None:
    sign_in(tab, "ann")
    choose(tab, *made(tmp_path / "in", {"private-report.txt": b"private words"}))
    over(tab, "1 stored")
    panel(tab).get_by_role("button", name="Close").click()
    cookies = {str(one["value"]) for one in tab.context.cookies()}
    assert len(cookies) == 1
    kept = tab.evaluate(STORED)
    for secret in (SECRET, "private-report", "private words", *cookies):
        assert secret not in kept


def test_who_goes_back_after_somebody_signed_out_sees_nothing_of_theirs(
    relay: Relay, tab: Page, tmp_path: Path
) -> None:
    sign_in(tab, "ann")
    choose(tab, *made(tmp_path / "in", {"private-report.txt": b"private words"}))
    over(tab, "1 stored")
    tab.goto("/session")
    tab.get_by_role("button", name="Sign out").click()
    expect(tab.get_by_label("User name")).to_be_visible()
    tab.go_back()
    tab.go_back()
    expect(tab.get_by_label("User name")).to_be_visible()
    expect(tab.get_by_text("private-report.txt")).to_have_count(0)
