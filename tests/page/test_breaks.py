"""What breaks off goes on: the network, the server, the tab."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Route, expect

from tests.page import browser as browsers
from tests.page.browser import violations
from tests.page.relay import Relay, relayed
from tests.page.uploading import (
    asked,
    brought,
    choose,
    drop,
    got,
    headline,
    made,
    opened,
    over,
    panel,
    put,
)
from tests.running import Program, start

MIB = 1 << 20
LARGE = bytes(range(256)) * (24 * MIB // 256)


@pytest.fixture
def relay(server: Program) -> Iterator[Relay]:
    """So slow that something can happen in the middle."""
    with relayed(server.port, speed=12 * MIB) as one:
        yield one


@pytest.fixture
def context(browser: Browser, relay: Relay) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=relay.url, locale="en-GB") as one:
        yield one


def half_sent(tab: Page, name: str = "large.bin") -> None:
    """Until some of it is on its way, and not all."""
    tab.wait_for_function(
        "name => [...document.querySelectorAll('progress')].some(one =>"
        " one.getAttribute('aria-label') === name && one.value > one.max * 0.3)",
        arg=name,
    )


@contextmanager
def crashing(context: BrowserContext) -> Iterator[Page]:
    """A tab whose process ends at the end of the block, with no time for last words."""
    page = context.new_page()
    yield page
    with page.expect_event("crash"), suppress(Error):
        page.goto("chrome://crash")
    page.close()


def kept(tab: Page, phase: str, least: int = 1) -> None:
    """Until the browser has written down that some items are in this phase, and begun in pieces."""
    tab.evaluate(
        """async ([phase, least]) => {
            const all = () => new Promise(resolve => {
                const opening = indexedDB.open("noclobber-uploads");
                opening.onsuccess = () => {
                    const asked = opening.result.transaction("items").objectStore("items").getAll();
                    asked.onsuccess = () => {
                        opening.result.close();
                        resolve(asked.result.map(({item}) => item));
                    };
                };
            });
            const isBegun = item => item.phase === phase && item.upload && item.sent > 0;
            while ((await all()).filter(isBegun).length < least) {
                await new Promise(resolve => setTimeout(resolve, 20));
            }
        }""",
        [phase, least],
    )


def test_the_network_goes_and_comes_back(
    server: Program, relay: Relay, tab: Page, tmp_path: Path
) -> None:
    opened(tab)
    choose(tab, *made(tmp_path / "in", {"large.bin": LARGE, "small.txt": b"small"}))
    half_sent(tab)
    relay.cut()
    expect(panel(tab)).to_contain_text("The server does not answer.")
    assert violations(tab) == []
    relay.mend()
    over(tab, "2 stored")
    assert got(server, "large.bin") == LARGE
    # What had come was not sent again, but for a little that was on its way just then.
    assert relay.passed < len(LARGE) * 1.3


def test_the_server_is_killed_in_the_middle_and_comes_back(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    small = {f"{number}.txt": f"small {number}".encode() for number in range(200)}
    opened(tab)
    choose(tab, *made(tmp_path / "in", {"large.bin": LARGE, **small}))
    half_sent(tab)
    server.kill()
    expect(panel(tab)).to_contain_text("The server does not answer.")
    again = start(tmp_path / "data", "--port", str(server.port))
    try:
        over(tab, "201 stored")
        assert got(again, "large.bin") == LARGE
        for name, body in small.items():
            assert got(again, name) == body
    finally:
        again.stop()


@pytest.mark.parametrize(
    ("request_line", "size"), [(b"PUT ", 5000), (b"POST /uploads/", 9 * MIB), (b"PATCH ", 9 * MIB)]
)
def test_a_lost_answer_is_told_again(
    server: Program, relay: Relay, tab: Page, tmp_path: Path, request_line: bytes, size: int
) -> None:
    """It was stored by this upload: nothing else was there before, and nothing is asked."""
    relay.speed = 0
    opened(tab)
    # A browser itself repeats up to twice what broke on a connection that it had used before.
    relay.loses, relay.losses = request_line, 4
    choose(tab, *made(tmp_path / "in", {"a.bin": LARGE[:size]}))
    over(tab, "1 stored")
    assert relay.losses < 2, "it was lost to the page, and not only to the browser"
    assert got(server, "a.bin") == LARGE[:size]


@pytest.mark.parametrize("status", [200, 303])
@pytest.mark.parametrize(
    ("requests", "size"),
    [("**/files/a.bin", 5000), ("**/uploads/", 9 * MIB)],
    ids=["whole", "in pieces"],
)
def test_a_page_to_sign_in_of_a_proxy_is_not_taken_for_stored(
    server: Program, relay: Relay, tab: Page, tmp_path: Path, requests: str, size: int, status: int
) -> None:
    relay.speed = 0
    opened(tab)

    def answer(route: Route) -> None:
        elsewhere = {"Location": "/health/ready"} if status == 303 else {}
        route.fulfill(status=status, headers=elsewhere, content_type="text/html", body="Sign in")

    tab.route(requests, answer)
    choose(tab, *made(tmp_path / "in", {"a.bin": LARGE[:size]}))
    expect(panel(tab)).to_contain_text("The server does not answer.")
    expect(headline(tab)).to_have_text("Uploading: 0 of 1 file")
    tab.unroute(requests)
    over(tab, "1 stored")
    assert got(server, "a.bin") == LARGE[:size]


@pytest.mark.parametrize("size", [3 * MIB, 24 * MIB], ids=["whole", "in pieces"])
def test_bytes_that_met_a_conflict_late_are_not_sent_again(
    server: Program, relay: Relay, tab: Page, tmp_path: Path, size: int
) -> None:
    relay.speed = size // 2
    mine = LARGE[:size]
    opened(tab)
    choose(tab, *made(tmp_path / "in", {"a.bin": mine}))
    half_sent(tab, "a.bin")
    put(server, "a.bin", b"theirs, and faster")
    relay.speed = 0
    dialog = asked(tab)
    passed = relay.passed
    dialog.get_by_role("button", name="Replace it").click()
    over(tab, "1 replaced")
    assert got(server, "a.bin") == mine
    assert relay.passed - passed < MIB // 8


def test_a_large_file_is_replaced_in_pieces_and_on_its_condition(
    server: Program, relay: Relay, tab: Page, tmp_path: Path
) -> None:
    put(server, "large.bin", b"first")
    opened(tab)
    choose(tab, *made(tmp_path / "in", {"large.bin": LARGE}))
    replace = asked(tab).get_by_role("button", name="Replace it")
    etag = put(server, "large.bin", b"second", If_Match="*")
    replace.click()
    again = tab.get_by_role("dialog")
    expect(again.get_by_role("alert")).to_contain_text("changed by somebody else")
    # It was refused before its bytes.
    assert brought(tmp_path / "data.log")["PATCH"] == 0
    again.get_by_role("button", name="Replace it").click()
    half_sent(tab)
    # And judged again at the end, with the bytes kept.
    put(server, "large.bin", b"third", If_Match=etag)
    expect(again.get_by_role("alert")).to_contain_text("changed by somebody else")
    passed = relay.passed
    again.get_by_role("button", name="Replace it").click()
    over(tab, "1 replaced")
    assert got(server, "large.bin") == LARGE
    assert relay.passed - passed < MIB // 8


def test_a_reloaded_page_goes_on_by_itself_with_small_files(
    server: Program, relay: Relay, tab: Page, tmp_path: Path
) -> None:
    relay.speed = MIB
    small = {f"{number:03}.bin": bytes([number]) * 200_000 for number in range(40)}
    opened(tab)
    choose(tab, *made(tmp_path / "in", small))
    expect(headline(tab)).to_have_text(re.compile(r"Uploading: [1-9]\d? of 40 files"))
    tab.reload()
    over(tab, "40 stored")
    for name, body in small.items():
        assert got(server, name) == body


def test_a_tab_that_died_is_followed_by_another(
    server: Program, relay: Relay, context: BrowserContext, tmp_path: Path
) -> None:
    small = {f"{number:03}.bin": bytes([number]) * 300_000 for number in range(40)}
    with crashing(context) as first:
        opened(first)
        choose(first, *made(tmp_path / "in", {"large.bin": LARGE, **small}))
        half_sent(first)
        kept(first, "sending")
    with browsers.tab(context) as second:
        opened(second)
        expect(panel(second)).to_contain_text("The browser has let go of 1 file.")
        assert violations(second) == []
        sent = brought(tmp_path / "data.log")["PATCH"]
        choose(second, tmp_path / "in" / "large.bin")
        # What had been stored, and not been written down yet, is there already.
        over(second, re.compile(r"^\d+ stored(, \d already there)?$"))
        assert got(server, "large.bin") == LARGE
        for name, body in small.items():
            assert got(server, name) == body
        rest = brought(tmp_path / "data.log")["PATCH"] - sent
        assert rest < len(LARGE) * 0.9, "it went on where it had stopped"


def test_another_tab_leaves_alone_what_this_one_does(
    relay: Relay, context: BrowserContext, tab: Page, tmp_path: Path
) -> None:
    relay.speed = 6 * MIB
    opened(tab)
    choose(tab, *made(tmp_path / "in", {"large.bin": LARGE}))
    half_sent(tab)
    with browsers.tab(context) as other:
        opened(other)
        # It has asked around for long enough when it takes up what nobody cares for.
        choose(other, *made(tmp_path / "other", {"another.txt": b"another"}))
        over(other, "1 stored")
        other.wait_for_timeout(1000)
        over(other, "1 stored")
    over(tab, "1 stored")


def test_a_tab_that_was_made_from_another_begins_with_nothing(
    relay: Relay, context: BrowserContext, tab: Page, tmp_path: Path
) -> None:
    relay.speed = 4 * MIB
    opened(tab)
    choose(tab, *made(tmp_path / "in", {"large.bin": LARGE}))
    half_sent(tab)
    session = tab.evaluate("sessionStorage.getItem('noclobber.session')")
    other = context.new_page()
    other.add_init_script(f"sessionStorage.setItem('noclobber.session', '{session}')")
    opened(other)
    expect(other.get_by_role("heading", level=1)).to_be_visible()
    other.wait_for_function(
        "before => sessionStorage.getItem('noclobber.session') !== before", arg=session
    )
    expect(panel(other)).to_have_count(0)
    other.close()
    relay.speed = 0
    over(tab, "1 stored")


@pytest.mark.parametrize("bring", [choose, drop])
def test_a_file_that_was_changed_meanwhile_is_not_put_together_of_two(
    server: Program, relay: Relay, tab: Page, tmp_path: Path, bring: Callable[[Page, Path], None]
) -> None:
    opened(tab)
    (file,) = made(tmp_path / "in", {"large.bin": LARGE})
    bring(tab, file)
    half_sent(tab)
    relay.cut()
    expect(panel(tab)).to_contain_text("The server does not answer.")
    other = LARGE[::-1]
    file.write_bytes(other)
    relay.mend()
    expect(panel(tab)).to_contain_text("The browser has let go of 1 file.", timeout=30_000)
    assert got(server, "large.bin") is None
    choose(tab, file)
    over(tab, "1 stored")
    assert got(server, "large.bin") == other


def of_one_moment(*paths: Path) -> None:
    """Their time tells nothing of what is in them."""
    for path in paths:
        os.utime(path, (1_700_000_000, 1_700_000_000))


def test_two_half_sent_files_of_one_name_and_time_are_not_put_together(
    server: Program, relay: Relay, tab: Page, tmp_path: Path
) -> None:
    bodies = {f"in/{year}/disk.img": letter * 12 * MIB for year, letter in ((1, b"A"), (2, b"B"))}
    first, second = made(tmp_path, bodies)
    of_one_moment(first, second)
    relay.speed = 6 * MIB
    opened(tab)
    tab.locator("input[data-chooses=folder]").set_input_files(tmp_path / "in")
    kept(tab, "sending", 2)
    tab.reload()
    relay.speed = 0
    expect(panel(tab)).to_contain_text("The browser has let go of 2 files.")
    choose(tab, second)
    expect(panel(tab)).to_contain_text("The browser has let go of 1 file.")
    choose(tab, first)
    over(tab, "2 stored")
    for path, body in bodies.items():
        assert got(server, path) == body


def test_another_file_of_the_same_name_length_and_time_begins_anew(
    server: Program, relay: Relay, tab: Page, tmp_path: Path
) -> None:
    (file,) = made(tmp_path / "in", {"large.bin": LARGE})
    of_one_moment(file)
    opened(tab)
    choose(tab, file)
    half_sent(tab)
    kept(tab, "sending")
    tab.reload()
    expect(panel(tab)).to_contain_text("The browser has let go of 1 file.")
    other = LARGE[::-1]
    file.write_bytes(other)
    of_one_moment(file)
    choose(tab, file)
    over(tab, "1 stored")
    assert got(server, "large.bin") == other


def test_a_dropped_file_goes_on_after_a_reload(
    server: Program, relay: Relay, tab: Page, tmp_path: Path
) -> None:
    """By its handle, for which the leave to read lasts as long as the tab."""
    relay.speed = 8 * MIB
    opened(tab)
    drop(tab, *made(tmp_path / "in", {"large.bin": LARGE}))
    half_sent(tab)
    kept(tab, "sending")
    tab.reload()
    over(tab, "1 stored")
    assert got(server, "large.bin") == LARGE
    assert relay.passed < len(LARGE) * 1.5
