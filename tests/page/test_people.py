"""More than one person at one browser, and who made what."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.page import browser as browsers
from tests.page.relay import Relay, relayed
from tests.page.uploading import asked, choose, made, over, panel
from tests.running import ROOT, Program

MIB = 1 << 20
LARGE = bytes(range(256)) * (12 * MIB // 256)
SECRET = "a long enough password"


@pytest.fixture
def relay(server: Program, tmp_path: Path) -> Iterator[Relay]:
    for name in ("ann", "bob"):
        add = ["user", "add", name, "--password-stdin", "--data", str(tmp_path / "data")]
        subprocess.run(
            [sys.executable, str(ROOT / "server.py"), *add],
            input=SECRET,
            text=True,
            check=True,
            capture_output=True,
        )
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
