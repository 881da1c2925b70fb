"""Uploading: dropped, pasted or chosen; asked first; reported at the end."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page import browser as browsers
from tests.page.browser import violations
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
    slowly,
)
from tests.running import Program, running, start

MIB = 1 << 20
MANY = 2000
# What it takes to ask, without a byte of the file.
MOST_ASKED = 10_000


def test_chosen_files_are_stored_and_told_with_their_links(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    opened(tab)
    choose(tab, *made(tmp_path, {"a.txt": b"apples", "b.txt": b"pears"}))
    over(tab, "2 stored")
    assert got(server, "a.txt") == b"apples"
    expect(panel(tab).get_by_role("link", name="a.txt")).to_have_attribute("href", "/files/a.txt")
    expect(tab.locator("tbody .name")).to_have_text(["a.txt", "b.txt"])
    expect(tab.get_by_role("status").filter(has_text="Uploading is done. 2 stored.")).to_have_count(
        1
    )
    assert violations(tab) == []
    panel(tab).get_by_role("button", name="Close").click()
    expect(panel(tab)).to_have_count(0)


def test_what_was_stored_can_be_taken_back(server: Program, tab: Page, tmp_path: Path) -> None:
    opened(tab)
    choose(tab, *made(tmp_path, {"a.txt": b"apples"}))
    over(tab, "1 stored")
    panel(tab).get_by_role("button", name="Undo: a.txt").click()
    over(tab, "1 taken back")
    assert got(server, "a.txt") is None


def test_a_dropped_folder_is_walked_through_with_its_empty_folders(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    files = {"tree/a.txt": b"a", "tree/deep/b.txt": b"b", "tree/deep/deeper/c.txt": b"c"}
    made(tmp_path, files)
    (tmp_path / "tree" / "nothing").mkdir()
    opened(tab)
    drop(tab, tmp_path / "tree")
    over(tab, "4 stored")
    for path, body in files.items():
        assert got(server, path) == body
    panel(tab).get_by_role("button", name="Close").click()
    drop(tab, tmp_path / "tree")
    over(tab, "4 already there")
    tab.goto("/browse/tree/")
    expect(tab.locator("tbody .name")).to_have_text(["deep", "nothing", "a.txt"])


def test_what_the_browser_cannot_read_is_told(tab: Page, tmp_path: Path) -> None:
    made(tmp_path, {"tree/a.txt": b"a"})
    opened(tab)
    tab.evaluate(
        "() => { FileSystemFileHandle.prototype.getFile = () => Promise.reject(new Error('no')) }"
    )
    drop(tab, tmp_path / "tree")
    over(tab, "1 not taken")
    expect(panel(tab)).to_contain_text("Your browser cannot read this file.")


def test_a_browser_without_handles_walks_through_a_folder_as_well(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    files = {f"tree/{number}.txt": f"{number}".encode() for number in range(150)}
    made(tmp_path, files)
    (tmp_path / "tree" / "deep" / "nothing").mkdir(parents=True)
    tab.add_init_script("delete DataTransferItem.prototype.getAsFileSystemHandle")
    opened(tab)
    drop(tab, tmp_path / "tree")
    over(tab, "151 stored")
    assert got(server, "tree/149.txt") == b"149"
    tab.goto("/browse/tree/deep/")
    expect(tab.locator("tbody .name")).to_have_text(["nothing"])


def test_a_folder_picker_keeps_the_paths(server: Program, tab: Page, tmp_path: Path) -> None:
    made(tmp_path, {"tree/a.txt": b"a", "tree/deep/b.txt": b"b"})
    opened(tab)
    tab.locator("input[data-chooses=folder]").set_input_files(tmp_path / "tree")
    over(tab, "2 stored")
    assert got(server, "tree/deep/b.txt") == b"b"


def test_a_pasted_picture_is_uploaded(server: Program, tab: Page) -> None:
    opened(tab)
    tab.evaluate(
        """() => {
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File(["pixels"], "image.png", {type: "image/png"}));
            document.body.dispatchEvent(
                new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true}));
        }"""
    )
    over(tab, "1 stored")
    assert got(server, "image.png") == b"pixels"


@pytest.mark.timeout(180)
def test_two_thousand_files_in_a_folder_tree(server: Program, tab: Page, tmp_path: Path) -> None:
    names = [f"tree/{number % 40}/{number % 7}/{number}.txt" for number in range(MANY)]
    made(tmp_path, {name: name.encode() * (len(name) % 9) for name in names})
    opened(tab)
    drop(tab, tmp_path / "tree")
    expect(headline(tab)).to_contain_text(
        re.compile(r"Uploading: .* of 2,000 files"), timeout=30_000
    )
    # Only what is in sight is drawn.
    assert tab.locator(".lines-of-uploads li").count() < 50
    expect(headline(tab)).to_have_text("Done: 2,000 files", timeout=150_000)
    assert got(server, names[-1]) == (tmp_path / names[-1]).read_bytes()
    assert got(server, names[1000]) == (tmp_path / names[1000]).read_bytes()


def test_what_is_there_already_is_not_sent(server: Program, tab: Page, tmp_path: Path) -> None:
    body = bytes(range(256)) * (12 * MIB // 256)
    put(server, "known.bin", body)
    before = sum(brought(tmp_path / "data.log").values())
    opened(tab)
    choose(tab, *made(tmp_path, {"known.bin": body}))
    over(tab, "1 already there")
    expect(panel(tab).get_by_role("link", name="known.bin")).to_be_visible()
    assert sum(brought(tmp_path / "data.log").values()) - before < MOST_ASKED


def test_digests_are_computed_on_plain_http_too(browser: Browser, tmp_path: Path) -> None:
    """Where a browser has no cryptography of its own, and no handles."""
    env = {"NOCLOBBER_SERVER_NAMES": "plain.test"}
    with (
        running(tmp_path / "data", env=env) as server,
        browser.new_context(base_url=f"http://plain.test:{server.port}") as context,
        browsers.tab(context) as tab,
    ):
        put(server, "known.bin", b"known " * 100_000)
        before = sum(brought(tmp_path / "data.log").values())
        opened(tab)
        assert not tab.evaluate("isSecureContext")
        choose(tab, *made(tmp_path, {"known.bin": b"known " * 100_000}))
        over(tab, "1 already there")
        assert sum(brought(tmp_path / "data.log").values()) - before < MOST_ASKED


def test_copies_in_one_drop_are_no_question_and_are_sent_once(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    body = b"twin " * 30_000
    opened(tab)
    choose(tab, *made(tmp_path, {"a.bin": body, "b.bin": body, "e1": b"", "e2": b""}))
    expect(headline(tab)).to_have_text("Done: 4 files")
    expect(panel(tab).locator(".headline p")).to_contain_text("for known contents")
    assert got(server, "b.bin") == body
    assert got(server, "e2") == b""


def test_all_of_it_can_be_paused_and_one_can_be_cancelled(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    opened(tab)
    with slowly(tab, 2 * MIB):
        choose(tab, *made(tmp_path, {"a.bin": b"a" * 9 * MIB, "b.bin": b"b" * 10 * MIB}))
        expect(panel(tab).get_by_role("progressbar", name="a.bin")).to_be_visible()
        expect(headline(tab)).to_have_text("Uploading: 0 of 2 files")
        panel(tab).get_by_role("button", name="Pause", exact=True).click()
        expect(headline(tab)).to_have_text("Paused: 0 of 2 files")
        assert violations(tab) == []
        panel(tab).get_by_role("button", name="Cancel: b.bin").click()
        expect(panel(tab).get_by_text("b.bin")).to_have_count(0)
        tab.reload()
        expect(headline(tab)).to_have_text("Paused: 0 of 1 file")
        choose(tab, tmp_path / "a.bin")
    panel(tab).get_by_role("button", name="Go on", exact=True).click()
    over(tab, "1 stored")
    assert got(server, "a.bin") == b"a" * 9 * MIB
    assert got(server, "b.bin") is None


def test_what_cannot_be_taken_says_why_and_can_be_tried_again(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    opened(tab)
    choose(tab, *made(tmp_path, {"good.txt": b"good", "CON.txt": b"a name that Windows keeps"}))
    over(tab, "1 stored, 1 not taken")
    failed = panel(tab).locator(".failed")
    expect(failed).to_contain_text("CON.txt")
    expect(failed).to_contain_text("Windows")
    assert violations(tab) == []
    panel(tab).get_by_role("button", name="Try the failed one again").click()
    over(tab, "1 stored, 1 not taken")
    panel(tab).get_by_label("Another name: CON.txt").fill("CON-1.txt")
    panel(tab).get_by_role("button", name="Try with this name").click()
    over(tab, "2 stored")
    assert got(server, "CON-1.txt") == b"a name that Windows keeps"


def test_what_failed_is_tried_again_with_one_button(browser: Browser, tmp_path: Path) -> None:
    files = {f"{number}.txt": b"rather long " * (number + 9) for number in range(5)}
    small = {"NOCLOBBER_LIMITS_FILE_SIZE": "20 B"}
    server = start(tmp_path / "data", env=small)
    with (
        browser.new_context(base_url=server.url, locale="en-GB") as context,
        browsers.tab(context) as tab,
    ):
        opened(tab)
        choose(tab, *made(tmp_path, {"good.txt": b"good", **files}))
        over(tab, "1 stored, 5 not taken")
        server.stop()
        with running(tmp_path / "data", "--port", str(server.port)):
            panel(tab).get_by_role("button", name="Try the 5 failed ones again").click()
            over(tab, "6 stored")
            expect(panel(tab).get_by_text("Undo all 6")).to_have_count(1)


def test_whoever_may_add_nothing_is_offered_nothing(browser: Browser, tmp_path: Path) -> None:
    access = '[{folder = "/", who = ["anonymous"], rights = ["list", "read"]}]'
    (tmp_path / "in").mkdir()
    with (
        running(tmp_path / "data", env={"NOCLOBBER_ACCESS": access}) as server,
        browser.new_context(base_url=server.url, locale="en-GB") as context,
        browsers.tab(context) as tab,
    ):
        tab.goto("/browse/")
        expect(tab.get_by_text("There is nothing here that you may see.")).to_be_visible()
        assert tab.get_by_role("button", name="Upload files").count() == 0
        drop(tab, *made(tmp_path / "in", {"a.txt": b"a"}))
        expect(panel(tab)).to_have_count(0)


def test_another_file_of_one_name_length_and_time_is_not_left_out(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    first, second = made(tmp_path, {"x/part.bin": b"1" * 2 * MIB, "y/part.bin": b"2" * 2 * MIB})
    for path in first, second:
        os.utime(path, (1_700_000_000, 1_700_000_000))
    opened(tab)
    with slowly(tab, MIB // 2):
        choose(tab, first)
        expect(headline(tab)).to_have_text("Uploading: 0 of 1 file")
        choose(tab, second)
        expect(headline(tab)).to_have_text("Uploading: 0 of 2 files")
        # What is on its way itself comes no second time.
        choose(tab, second)
    dialog = asked(tab)
    dialog.get_by_role("button", name="Keep both").click()
    over(tab, "1 stored, 1 kept beside the other")
    # Whichever of them was faster.
    stored = {got(server, "part.bin"), got(server, "part%20(2).bin")}
    assert stored == {b"1" * 2 * MIB, b"2" * 2 * MIB}


def test_names_with_markup_never_become_markup(tab: Page, tmp_path: Path) -> None:
    names = ["<img src=x onerror=alert(1)>.png", "{{7*7}}.txt", "a&lt;b.txt", "\"'-alert(1).txt"]
    opened(tab)
    drop(tab, *made(tmp_path / "in", {name: name.encode() for name in names}))
    over(tab, "1 stored, 3 not taken")
    for name in names:
        expect(panel(tab).get_by_text(name, exact=True)).to_be_visible()
    assert tab.locator("img[src=x]").count() == 0


def test_it_is_all_said_in_german_too(server: Program, tab: Page, tmp_path: Path) -> None:
    tab.add_init_script("localStorage.setItem('noclobber.language', 'de')")
    tab.goto("/browse/")
    expect(tab.get_by_role("button", name="Dateien hochladen")).to_be_visible()
    choose(tab, *made(tmp_path, {"a.txt": b"a"}))
    expect(tab.get_by_role("heading", name="Fertig: 1 Datei")).to_be_visible()
    assert violations(tab) == []
