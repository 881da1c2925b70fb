"""Each kind of conflict: shown side by side, decided by a click, never by an accident."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, Locator, Page, expect

from tests.page import browser as browsers
from tests.page.browser import violations
from tests.page.uploading import (
    asked,
    brought,
    choose,
    got,
    headline,
    made,
    opened,
    over,
    panel,
    put,
)
from tests.running import Program, running

# The smallest picture that a browser draws.
GIF = bytes.fromhex(
    "47494638396101000100800000ff000000000021f90401000000002c00000000010001000002024401003b"
)


def question(tab: Page, tmp_path: Path, files: dict[str, bytes]) -> Locator:
    opened(tab)
    choose(tab, *made(tmp_path / "mine", files))
    return asked(tab)


def press(dialog: Locator, name: str) -> None:
    dialog.get_by_role("button", name=name).click()


def test_a_taken_name_is_shown_side_by_side_and_replaced_on_purpose(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    put(server, "a.txt", b"one\ntwo\nthree\n")
    dialog = question(tab, tmp_path, {"a.txt": b"one\nTWO\nthree\n+\n"})
    expect(dialog.get_by_role("heading", level=3)).to_have_text("Another file has this name")
    there, mine = dialog.locator(".side").all()
    expect(there.locator("mark")).to_have_text("two\n")
    expect(mine.locator("mark").first).to_have_text("TWO\n")
    expect(there.locator(".differs")).to_contain_text("14 bytes")
    assert violations(tab) == []
    press(dialog, "Replace it")
    over(tab, "1 replaced")
    assert got(server, "a.txt") == b"one\nTWO\nthree\n+\n"
    panel(tab).get_by_role("button", name="Undo: a.txt").click()
    over(tab, "1 taken back")
    assert got(server, "a.txt") == b"one\ntwo\nthree\n"


def test_both_can_be_kept(server: Program, tab: Page, tmp_path: Path) -> None:
    put(server, "a.txt", b"theirs")
    put(server, "a%20(2).txt", b"another")
    dialog = question(tab, tmp_path, {"a.txt": b"mine, which is longer"})
    expect(dialog).to_contain_text("Yours becomes a (3).txt")
    press(dialog, "Keep both")
    over(tab, "1 kept beside the other")
    assert got(server, "a.txt") == b"theirs"
    assert got(server, "a (3).txt".replace(" ", "%20")) == b"mine, which is longer"


def test_mine_can_be_left_out(server: Program, tab: Page, tmp_path: Path) -> None:
    put(server, "a.txt", b"theirs")
    press(question(tab, tmp_path, {"a.txt": b"mine!!"}), "Leave mine out")
    over(tab, "1 left out")
    assert got(server, "a.txt") == b"theirs"


def test_a_name_that_counts_as_the_same_is_shown_in_both_spellings(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    put(server, "R%C3%A9sum%C3%A9.txt", b"theirs")
    dialog = question(tab, tmp_path, {"r\u00e9sum\u00e9.TXT": b"mine, longer"})
    expect(dialog).to_contain_text("A name that counts as the same is taken")
    expect(dialog.get_by_role("link", name="Résumé.txt")).to_be_visible()
    press(dialog, "Replace it")
    over(tab, "1 replaced")
    assert got(server, "R%C3%A9sum%C3%A9.txt") == b"mine, longer"


def test_a_known_content_gets_a_second_name_without_being_sent(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    body = b"well known " * 100_000
    put(server, "elsewhere/known.txt", body)
    before = sum(brought(tmp_path / "data.log").values())
    dialog = question(tab, tmp_path, {"new.txt": body})
    expect(dialog).to_contain_text("This very content is there under another name")
    expect(dialog.get_by_role("link", name="known.txt")).to_be_visible()
    press(dialog, "Add this name, too")
    over(tab, "1 second name for a known content")
    assert got(server, "new.txt") == body
    assert sum(brought(tmp_path / "data.log").values()) - before < 10_000


def test_a_known_content_need_not_be_stored_again(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    put(server, "elsewhere/known.txt", b"well known")
    press(question(tab, tmp_path, {"new.txt": b"well known"}), "Use the one that is there")
    over(tab, "1 already there")
    expect(panel(tab).get_by_role("link", name="known.txt")).to_be_visible()
    assert got(server, "new.txt") is None


def test_a_folder_of_that_name_is_left_alone(server: Program, tab: Page, tmp_path: Path) -> None:
    put(server, "thing/inside.txt", b"theirs")
    dialog = question(tab, tmp_path, {"thing": b"mine"})
    expect(dialog).to_contain_text("A folder and a file cannot share a name")
    expect(dialog.get_by_role("button", name="Replace it")).to_have_count(0)
    press(dialog, "Keep both")
    over(tab, "1 kept beside the other")
    assert got(server, "thing%20(2)") == b"mine"


def test_questions_are_gathered_and_answered_for_all_like_one(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    names = [f"{letter}.txt" for letter in "abcde"]
    for name in names:
        put(server, name, f"theirs {name}".encode())
    put(server, "elsewhere/known.txt", b"well known")
    files = {name: f"mine, longer {name}".encode() for name in names}
    dialog = question(tab, tmp_path, {**files, "new.txt": b"well known", "free.txt": b"free"})
    expect(dialog).to_contain_text("6 questions")
    dialog.get_by_role("button", name="Next").click()
    expect(dialog).to_contain_text("2 of 6")
    dialog.get_by_label("For all 5 like this").check()
    press(dialog, "Replace it")
    expect(dialog).to_contain_text("This very content is there under another name")
    press(dialog, "Use the one that is there")
    over(tab, "1 stored, 5 replaced, 1 already there")
    for name, body in files.items():
        assert got(server, name) == body
    panel(tab).get_by_text("5 replaced", exact=True).click()
    panel(tab).get_by_role("button", name="Undo all 5").click()
    over(tab, "1 stored, 1 already there, 5 taken back")
    for name in names:
        assert got(server, name) == f"theirs {name}".encode()


def test_pictures_are_shown_beside_each_other(server: Program, tab: Page, tmp_path: Path) -> None:
    put(server, "a.gif", GIF)
    dialog = question(tab, tmp_path, {"a.gif": GIF + b"\0"})
    for name in ("The picture that is there", "Your picture"):
        picture = dialog.get_by_role("img", name=name)
        expect(picture).to_have_js_property("naturalWidth", 1)
    assert violations(tab) == []


def test_decided_later_it_waits_and_the_keyboard_reaches_everything(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    put(server, "a.txt", b"theirs")
    dialog = question(tab, tmp_path, {"a.txt": b"mine, longer"})
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    button = panel(tab).get_by_role("button", name="Answer the question")
    button.focus()
    tab.keyboard.press("Enter")
    skip = tab.get_by_role("dialog").get_by_role("button", name="Leave mine out")
    for _ in range(20):
        tab.keyboard.press("Tab")
        if skip.evaluate("one => one === document.activeElement"):
            break
    expect(skip).to_be_enabled()
    tab.keyboard.press("Enter")
    over(tab, "1 left out")


def test_a_second_click_answers_no_question_that_was_not_seen(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    mine = {f"{number}.txt": f"mine {number}".encode() for number in range(2)}
    for name in mine:
        put(server, name, b"theirs " + name.encode())
    tab.clock.install()
    opened(tab)
    choose(tab, *made(tmp_path / "in", mine))
    expect(panel(tab).get_by_role("button", name="Answer 2 questions")).to_be_visible()
    dialog = asked(tab)
    replace, heading = dialog.get_by_role("button", name="Replace it"), dialog.locator("h2")
    expect(replace).to_be_enabled()
    tab.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
    replace.click()
    tab.clock.run_for(100)
    expect(heading).to_have_text("1 question")
    expect(heading).to_be_focused()
    replace.click(force=True)
    expect(replace).to_be_disabled()
    tab.clock.run_for(500)
    expect(heading).to_have_text("1 question")
    replace.click(click_count=2)
    tab.clock.resume()
    over(tab, "2 replaced")
    expect(headline(tab)).to_be_focused()
    assert got(server, "1.txt") == b"mine 1"


def test_what_was_changed_meanwhile_is_not_overwritten(
    server: Program, browser: Browser, tab: Page, tmp_path: Path
) -> None:
    put(server, "a.txt", b"first")
    dialog = question(tab, tmp_path, {"a.txt": b"mine, from the first browser"})
    expect(dialog.get_by_role("button", name="Replace it")).to_be_visible()
    with (
        browser.new_context(base_url=server.url, locale="en-GB") as other,
        browsers.tab(other) as theirs,
    ):
        opened(theirs)
        choose(theirs, *made(tmp_path / "theirs", {"a.txt": b"theirs, from the second"}))
        press(asked(theirs), "Replace it")
        over(theirs, "1 replaced")
    press(dialog, "Replace it")
    again = tab.get_by_role("dialog")
    expect(again.get_by_role("alert")).to_contain_text("changed by somebody else")
    expect(again).to_contain_text("theirs, from the second")
    assert got(server, "a.txt") == b"theirs, from the second"
    assert violations(tab) == []
    press(again, "Replace it")
    over(tab, "1 replaced")
    assert got(server, "a.txt") == b"mine, from the first browser"


def test_what_was_to_be_replaced_and_is_gone_is_told_and_can_be_stored(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    put(server, "a.txt", b"theirs")
    dialog = question(tab, tmp_path, {"a.txt": b"mine, longer"})
    urlopen(Request(f"{server.url}/files/a.txt", method="DELETE")).close()
    press(dialog, "Replace it")
    again = tab.get_by_role("dialog")
    expect(again).to_contain_text("Somebody deleted or moved it while you decided.")
    expect(again).to_contain_text("Nothing that you may see has this name now.")
    assert violations(tab) == []
    press(again, "Store mine")
    over(tab, "1 stored")
    assert got(server, "a.txt") == b"mine, longer"


def test_whoever_may_not_replace_is_not_offered_to(browser: Browser, tmp_path: Path) -> None:
    access = '[{folder = "/", who = ["anonymous"], rights = ["list", "read", "create"]}]'
    env = {"NOCLOBBER_ACCESS": access}
    with (
        running(tmp_path / "data", env=env) as server,
        browser.new_context(base_url=server.url, locale="en-GB") as context,
        browsers.tab(context) as tab,
    ):
        put(server, "a.txt", b"theirs")
        dialog = question(tab, tmp_path, {"a.txt": b"mine, longer"})
        expect(dialog.get_by_role("button", name="Keep both")).to_be_visible()
        expect(dialog.get_by_role("button", name="Replace it")).to_have_count(0)
        press(dialog, "Keep both")
        over(tab, "1 kept beside the other")
        expect(panel(tab).get_by_role("button", name="Undo")).to_have_count(0)


def test_a_drop_box_takes_files_and_tells_nothing(browser: Browser, tmp_path: Path) -> None:
    access = '[{folder = "/", who = ["anonymous"], rights = ["create"]}]'
    with (
        running(tmp_path / "data", env={"NOCLOBBER_ACCESS": access}) as server,
        browser.new_context(base_url=server.url, locale="en-GB") as context,
        browsers.tab(context) as tab,
    ):
        put(server, "a.txt", b"of somebody else")
        opened(tab)
        choose(tab, *made(tmp_path / "mine", {"a.txt": b"mine", "b.txt": b"mine, too"}))
        dialog = asked(tab)
        expect(dialog).to_contain_text("There is a file that you may not look at.")
        assert violations(tab) == []
        press(dialog, "Keep both")
        over(tab, "2 received")
        expect(panel(tab).get_by_role("link")).to_have_count(0)
        assert violations(tab) == []


def test_without_script_the_form_and_its_questions_are_complete(
    server: Program, browser: Browser, tmp_path: Path
) -> None:
    put(server, "a.txt", b"theirs")
    with (
        browser.new_context(base_url=server.url, java_script_enabled=False) as context,
        browsers.tab(context) as tab,
    ):
        tab.goto("/browse/")
        tab.locator("input[type=file]").set_input_files(made(tmp_path / "in", {"a.txt": b"mine"}))
        tab.get_by_role("button", name="Upload").click()
        expect(tab.get_by_role("heading", name="Already there")).to_be_visible()
        tab.get_by_role("button", name="Replace").click()
        expect(tab.get_by_text("1 file stored.")).to_be_visible()
        assert got(server, "a.txt") == b"mine"
