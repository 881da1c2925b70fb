"""Changing the tree on the page: each deed can be taken back, and each collision is asked about."""

import zipfile
from pathlib import Path
from urllib.request import Request, urlopen

from playwright.sync_api import Locator, Page, expect

from tests.page.browser import violations
from tests.page.uploading import got, put
from tests.running import Program, running


def row(tab: Page, name: str) -> Locator:
    return tab.get_by_role("row").filter(has=tab.get_by_role("link", name=name, exact=True))


def select(tab: Page, *names: str) -> None:
    for name in names:
        tab.get_by_role("checkbox", name=f"Select {name}", exact=True).click()


def names(tab: Page) -> Locator:
    return tab.locator("tbody .name")


def told(tab: Page) -> Locator:
    return tab.locator(".told")


def test_what_is_deleted_can_be_brought_back(server: Program, tab: Page) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        put(server, name, name.encode())
    tab.goto("/browse/")
    select(tab, "a.txt", "c.txt")
    expect(tab.get_by_text("2 selected")).to_be_visible()
    assert violations(tab) == []
    tab.get_by_role("button", name="Delete", exact=True).click()
    expect(told(tab)).to_contain_text("Deleted 2 entries")
    expect(names(tab)).to_have_text(["b.txt"])
    assert got(server, "a.txt") is None
    tab.get_by_role("button", name="Undo").click()
    expect(told(tab)).to_contain_text("Undone")
    expect(names(tab)).to_have_text(["a.txt", "b.txt", "c.txt"])
    assert got(server, "c.txt") == b"c.txt"


def test_a_file_that_was_changed_meanwhile_is_not_deleted_unasked(
    server: Program, tab: Page
) -> None:
    etag = put(server, "a.txt", b"seen")
    tab.route("**/changes*", lambda route: route.abort())
    tab.goto("/browse/")
    select(tab, "a.txt")
    put(server, "a.txt", b"newer", If_Match=etag)
    tab.get_by_role("button", name="Delete", exact=True).click()
    question = tab.get_by_role("dialog")
    expect(question).to_contain_text("a.txt was changed by somebody meanwhile.")
    assert got(server, "a.txt") == b"newer"
    assert violations(tab) == []
    question.get_by_role("button", name="Delete the version that is there now").click()
    expect(told(tab)).to_contain_text("Deleted a.txt")
    assert got(server, "a.txt") is None


def test_a_full_folder_is_deleted_only_when_all_of_it_is_meant(server: Program, tab: Page) -> None:
    put(server, "full/a.txt", b"a")
    put(server, "other/b.txt", b"b")
    tab.goto("/browse/")
    select(tab, "full", "other")
    tab.get_by_role("button", name="Delete", exact=True).click()
    question = tab.get_by_role("dialog", name="2 questions")
    expect(question).to_contain_text("The folder full is not empty.")
    question.get_by_role("button", name="Delete it with all that is in it: For all 2").click()
    expect(told(tab)).to_contain_text("Deleted 2 entries")
    assert got(server, "full/a.txt") is None
    tab.get_by_role("button", name="Undo").click()
    expect(names(tab)).to_have_text(["full", "other"])
    assert got(server, "other/b.txt") == b"b"


def test_renaming_keeps_the_history_and_asks_where_the_name_is_taken(
    server: Program, tab: Page
) -> None:
    put(server, "old.txt", b"old")
    put(server, "taken.txt", b"taken")
    tab.goto("/browse/")
    tab.get_by_role("link", name="old.txt").focus()
    tab.keyboard.press("F2")
    field = tab.get_by_label("New name")
    expect(field).to_be_focused()
    assert violations(tab) == []
    field.fill("new.txt")
    tab.keyboard.press("Enter")
    expect(told(tab)).to_contain_text("Renamed to new.txt")
    expect(tab.get_by_role("link", name="new.txt")).to_be_focused()
    tab.keyboard.press("F2")
    field.fill("TAKEN.txt")
    tab.keyboard.press("Enter")
    question = tab.get_by_role("dialog")
    expect(question).to_contain_text("TAKEN.txt counts as the same name as taken.txt")
    question.get_by_role("button", name="Choose another name").click()
    field.fill("TAKEN.txt")
    tab.keyboard.press("Enter")
    question.get_by_role("button", name="Keep both, as TAKEN (2).txt").click()
    expect(names(tab)).to_have_text(["TAKEN (2).txt", "taken.txt"])
    tab.get_by_role("button", name="Undo").click()
    expect(names(tab)).to_have_text(["new.txt", "taken.txt"])
    assert got(server, "taken.txt") == b"taken"


def test_files_are_moved_into_a_folder_that_is_chosen(server: Program, tab: Page) -> None:
    put(server, "a.txt", b"a")
    put(server, "b.txt", b"b")
    put(server, "goal/inner/a.txt", b"other")
    tab.goto("/browse/")
    select(tab, "a.txt", "b.txt")
    tab.get_by_role("button", name="Move").click()
    dialog = tab.get_by_role("dialog", name="Move 2 entries to")
    dialog.get_by_role("button", name="goal").click()
    dialog.get_by_role("button", name="inner").click()
    expect(dialog).to_contain_text("There is no folder in here.")
    assert violations(tab) == []
    dialog.get_by_role("button", name="Move here").click()
    question = tab.get_by_role("dialog", name="One question")
    expect(question).to_contain_text("There is already something called a.txt.")
    question.get_by_role("button", name="Leave it as it is").click()
    expect(names(tab)).to_have_text(["goal", "a.txt"])
    assert got(server, "goal/inner/b.txt") == b"b"
    assert got(server, "goal/inner/a.txt") == b"other"
    tab.get_by_role("button", name="Undo").click()
    expect(names(tab)).to_have_text(["goal", "a.txt", "b.txt"])


def test_a_folder_is_made_and_a_name_that_is_there_is_offered_instead(
    server: Program, tab: Page
) -> None:
    put(server, "there/a.txt", b"a")
    tab.goto("/browse/")
    tab.get_by_role("button", name="New folder").click()
    field = tab.get_by_label("Name of the folder")
    field.fill("con.")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_be_visible()
    field.fill("there")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("There is already something called there.")
    assert violations(tab) == []
    field.fill("fresh")
    tab.keyboard.press("Enter")
    expect(told(tab)).to_contain_text("Made the folder fresh")
    expect(names(tab)).to_have_text(["fresh", "there"])


def test_a_selection_comes_down_as_one_archive(server: Program, tab: Page, tmp_path: Path) -> None:
    put(server, "docs/a.txt", b"a")
    put(server, "docs/sub/b.txt", b"b")
    put(server, "docs/c.txt", b"c")
    tab.goto("/browse/docs/")
    select(tab, "a.txt", "sub")
    with tab.expect_download() as coming:
        tab.get_by_role("button", name="Download").click()
    assert coming.value.suggested_filename == "docs.zip"
    coming.value.save_as(tmp_path / "docs.zip")
    with zipfile.ZipFile(tmp_path / "docs.zip") as archive:
        assert sorted(archive.namelist()) == ["a.txt", "sub/", "sub/b.txt"]


def test_history_is_looked_at_compared_and_brought_back(server: Program, tab: Page) -> None:
    etag = put(server, "note.txt", b"first\nsame\n<b>old</b>\n")
    put(server, "note.txt", b"first\nsame\n<b>new</b>\n", If_Match=etag)
    tab.goto("/browse/")
    tab.get_by_role("button", name="Details of note.txt").click()
    details = tab.get_by_role("dialog", name="note.txt")
    expect(details.get_by_role("listitem")).to_have_count(2)
    assert violations(tab) == []
    details.get_by_role("button", name="Compare version 1 with the current one").click()
    expect(tab.locator(".difference del")).to_have_text("<b>old</b>")
    expect(tab.locator(".difference ins")).to_have_text("<b>new</b>")
    assert violations(tab) == []
    tab.get_by_role("button", name="Close").click()
    tab.get_by_role("button", name="Restore version 1").click()
    expect(told(tab)).to_contain_text("Restored note.txt")
    assert b"old" in (got(server, "note.txt") or b"")
    tab.get_by_role("button", name="Undo").click()
    expect(told(tab)).to_contain_text("Undone")
    assert b"new" in (got(server, "note.txt") or b"")


def test_what_others_do_shows_without_a_reload(server: Program, tab: Page) -> None:
    put(server, "a.txt", b"a")
    tab.goto("/browse/")
    expect(names(tab)).to_have_text(["a.txt"])
    put(server, "b.txt", b"b")
    put(server, "folder/deep.txt", b"deep")
    expect(names(tab)).to_have_text(["folder", "a.txt", "b.txt"])
    with urlopen(Request(f"{server.url}/files/a.txt?move=folder/c.txt", method="POST")):
        pass
    expect(names(tab)).to_have_text(["folder", "b.txt"])
    with urlopen(Request(f"{server.url}/files/folder/?recursive=true", method="DELETE")):
        pass
    expect(names(tab)).to_have_text(["b.txt"])


def test_a_server_that_was_away_is_followed_again(
    server: Program, tab: Page, tmp_path: Path
) -> None:
    put(server, "a.txt", b"a")
    tab.goto("/browse/")
    expect(names(tab)).to_have_text(["a.txt"])
    server.kill()
    with running(tmp_path / "data", "--port", str(server.port)) as again:
        put(again, "b.txt", b"b")
        expect(names(tab)).to_have_text(["a.txt", "b.txt"], timeout=30_000)
        put(again, "c.txt", b"c")
        expect(names(tab)).to_have_text(["a.txt", "b.txt", "c.txt"])


def test_everything_is_reached_by_keys(server: Program, tab: Page) -> None:
    for number in range(200):
        put(server, f"{number:03}.txt", str(number).encode())
    tab.goto("/browse/")
    first = tab.get_by_role("link", name="000.txt")
    first.focus()
    tab.keyboard.press("ArrowDown")
    expect(tab.get_by_role("link", name="001.txt")).to_be_focused()
    tab.keyboard.press("Space")
    tab.keyboard.press("Shift+ArrowDown")
    tab.keyboard.press("Shift+ArrowDown")
    expect(tab.get_by_text("3 selected")).to_be_visible()
    tab.keyboard.press("End")
    expect(tab.get_by_role("link", name="199.txt")).to_be_focused()
    tab.keyboard.press("Escape")
    expect(tab.get_by_text("200 entries")).to_be_visible()
    tab.keyboard.press("Delete")
    expect(told(tab)).to_contain_text("Deleted 199.txt")
    tab.get_by_role("link", name="198.txt").focus()
    tab.keyboard.press("Home")
    expect(first).to_be_focused()
    tab.keyboard.press("Control+a")
    expect(tab.get_by_text("199 selected")).to_be_visible()


def test_who_goes_by_keys_stays_in_the_list_and_a_held_key_is_one_deed(
    server: Program, tab: Page
) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        put(server, name, name.encode())
    tab.goto("/browse/")
    tab.get_by_role("link", name="b.txt").focus()
    for _ in range(3):
        tab.keyboard.down("Delete")
    tab.keyboard.up("Delete")
    expect(told(tab)).to_contain_text("Deleted b.txt")
    expect(tab.get_by_role("dialog")).to_be_hidden()
    expect(tab.get_by_role("link", name="c.txt")).to_be_focused()
    tab.get_by_role("button", name="Undo").press("Enter")
    expect(told(tab)).to_contain_text("Undone")
    expect(tab.get_by_role("link", name="b.txt")).to_be_focused()


def test_tiles_show_pictures_and_no_other_content(server: Program, tab: Page) -> None:
    picture = (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89\0\0\0\nIDATx\x9c"
        b"c\0\1\0\0\5\0\1\r\n-\xb4\0\0\0\0IEND\xaeB`\x82"
    )
    put(server, "picture.png", picture)
    put(server, "drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>')
    tab.goto("/browse/")
    tab.get_by_role("button", name="As tiles").click()
    expect(tab.locator(".tiles img")).to_have_count(1)
    expect(tab.locator(".tiles img")).to_have_attribute("src", "/files/picture.png")
    assert violations(tab) == []
    tab.get_by_role("link", name="drawing.svg").focus()
    tab.keyboard.press("ArrowRight")
    expect(tab.get_by_role("link", name="picture.png")).to_be_focused()
    tab.reload()
    expect(tab.locator(".tiles li")).to_have_count(2)


def test_the_page_speaks_the_language_that_is_chosen(server: Program, tab: Page) -> None:
    put(server, "a.txt", b"a")
    tab.goto("/browse/")
    tab.get_by_label("Language").select_option("de")
    expect(tab.get_by_role("button", name="Neuer Ordner")).to_be_visible()
    expect(tab.locator("html")).to_have_attribute("lang", "de")
    tab.reload()
    expect(tab.get_by_role("button", name="Neuer Ordner")).to_be_visible()
