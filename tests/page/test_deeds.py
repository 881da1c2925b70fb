"""Deeds that meet something on their way: a name that cannot be, a network that is gone, a second thought."""

import re
from urllib.request import Request, urlopen

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.page.browser import violations
from tests.page.test_tree import names, select, told
from tests.page.uploading import got, put
from tests.running import Program


def button(tab: Page, name: str) -> Locator:
    return tab.get_by_role("button", name=name, exact=True)


def question(tab: Page) -> Locator:
    return tab.get_by_role("dialog", name="One question")


def test_a_name_that_leads_elsewhere_is_not_taken_and_what_was_typed_is_kept(
    server: Program, tab: Page
) -> None:
    put(server, "a.txt", b"a")
    put(server, "docs/b.txt", b"b")
    tab.goto("/browse/")
    tab.get_by_role("link", name="a.txt").focus()
    tab.keyboard.press("F2")
    field = tab.get_by_label("New name")
    for wrong in ("  ", "..", "docs/a.txt"):
        field.fill(wrong)
        tab.keyboard.press("Enter")
        expect(tab.get_by_role("alert")).to_have_text(
            "A name holds no slash, and more than dots and spaces."
        )
    assert violations(tab) == []
    field.fill("CON")
    tab.keyboard.press("Enter")
    expect(question(tab)).to_contain_text("means the device CON to Windows")
    button(tab, "Choose another name").click()
    expect(field).to_have_value("CON")
    field.fill("CONTENTS")
    tab.keyboard.press("Enter")
    expect(names(tab)).to_have_text(["docs", "CONTENTS"])
    button(tab, "New folder").click()
    tab.get_by_label("Name of the folder").fill("..")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("A name holds no slash")
    button(tab, "Cancel").click()
    expect(button(tab, "New folder")).to_be_focused()


def test_both_are_kept_under_a_name_that_is_free_where_it_goes(server: Program, tab: Page) -> None:
    put(server, "a.txt", b"a")
    for name in ("a.txt", "A%20%282%29.txt"):
        put(server, f"docs/{name}", name.encode())
    tab.goto("/browse/")
    select(tab, "a.txt")
    button(tab, "Move").click()
    button(tab, "docs").click()
    button(tab, "Move here").click()
    question(tab).get_by_role("button", name="Keep both, as a (3).txt").click()
    expect(told(tab)).to_contain_text("Moved a.txt")
    assert got(server, "docs/a%20%283%29.txt") == b"a"


def test_what_did_not_get_through_is_done_again_and_taken_back_later(
    server: Program, tab: Page, context: BrowserContext
) -> None:
    for name in ("a.txt", "b.txt"):
        put(server, name, name.encode())
    tab.goto("/browse/")
    select(tab, "a.txt", "b.txt")
    context.set_offline(True)
    button(tab, "Delete").click()
    dialog = tab.get_by_role("dialog", name="2 questions")
    expect(dialog).to_contain_text("The server does not answer.")
    context.set_offline(False)
    dialog.get_by_role("button", name="Try again: For all 2 like this").click()
    expect(told(tab)).to_contain_text("Deleted 2 entries")
    context.set_offline(True)
    button(tab, "Undo").click()
    expect(told(tab)).to_contain_text("It could not be undone. The server does not answer.")
    context.set_offline(False)
    button(tab, "Undo").click()
    expect(told(tab)).to_contain_text("Undone")
    expect(names(tab)).to_have_text(["a.txt", "b.txt"])


def test_all_means_what_is_on_no_page_yet_and_a_long_deed_is_told_and_can_be_stopped(
    server: Program, tab: Page
) -> None:
    for number in range(1010):
        put(server, f"{number:04}.txt", str(number).encode())
    tab.goto("/browse/")
    tab.get_by_role("checkbox", name="Select all").click()
    expect(tab.get_by_text("1,010 selected")).to_be_visible()
    held = re.compile(r"/files/0003\.txt$")
    tab.route(held, lambda _: None)
    button(tab, "Delete").click()
    expect(tab.locator(".working .count")).to_have_text("3 of 1,010")
    assert violations(tab) == []
    button(tab, "Stop").click()
    tab.unroute(held)
    tab.reload()
    expect(tab.get_by_text(re.compile("entries so far"))).to_be_visible()
    assert got(server, "0002.txt") is None
    assert got(server, "0004.txt") == b"4"


def test_what_was_selected_and_is_gone_is_selected_no_more(server: Program, tab: Page) -> None:
    for name in ("a.txt", "b.txt"):
        put(server, name, name.encode())
    tab.goto("/browse/")
    select(tab, "a.txt")
    expect(tab.get_by_text("1 selected")).to_be_visible()
    urlopen(Request(f"{server.url}/files/a.txt", method="DELETE")).close()
    expect(names(tab)).to_have_text(["b.txt"])
    expect(tab.get_by_text("1 entry", exact=True)).to_be_visible()
    expect(button(tab, "Delete")).to_be_hidden()


def test_who_goes_by_keys_is_back_at_the_entry_when_a_dialog_closes(
    server: Program, tab: Page
) -> None:
    for name in ("a.txt", "b.txt"):
        put(server, name, name.encode())
    tab.goto("/browse/")
    link = tab.get_by_role("link", name="a.txt")
    for way in ("Close", "Leave it as it is"):
        link.focus()
        tab.keyboard.press("F2")
        tab.get_by_label("New name").fill("b.txt")
        tab.keyboard.press("Enter")
        question(tab).get_by_role("button", name=way).press("Enter")
        expect(link).to_be_focused()
    details = button(tab, "Details of a.txt")
    details.press("Enter")
    tab.get_by_role("dialog").get_by_role("button", name="Rename").press("Enter")
    expect(tab.get_by_label("New name")).to_be_focused()
    button(tab, "Cancel").press("Enter")
    expect(details).to_be_focused()


def test_what_a_dialog_cannot_fetch_is_told_and_can_be_asked_for_again(
    server: Program, tab: Page, context: BrowserContext
) -> None:
    etag = put(server, "a.txt", b"first\n")
    put(server, "a.txt", b"second\n", If_Match=etag)
    put(server, "docs/b.txt", b"b")
    tab.goto("/browse/")
    dialog = tab.get_by_role("dialog")
    expect(button(tab, "Details of a.txt")).to_be_visible()
    context.set_offline(True)
    button(tab, "Details of a.txt").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The server does not answer.")
    assert violations(tab) == []
    context.set_offline(False)
    button(tab, "Try again").click()
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    context.set_offline(True)
    dialog.get_by_role("button", name="Compare version").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The server does not answer.")
    context.set_offline(False)
    button(tab, "Try again").click()
    expect(dialog.locator("ins")).to_have_text("second\n")
    button(tab, "Close").click()
    button(tab, "Close").click()
    select(tab, "a.txt")
    context.set_offline(True)
    button(tab, "Move").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The server does not answer.")
    context.set_offline(False)
    button(tab, "Try again").click()
    expect(dialog.get_by_role("button", name="docs")).to_be_visible()


def test_details_are_those_of_what_is_there_also_when_others_change_it(
    server: Program, tab: Page
) -> None:
    etag = put(server, "a.txt", b"first")
    tab.goto("/browse/")
    button(tab, "Details of a.txt").click()
    versions = tab.get_by_role("dialog").get_by_role("listitem")
    expect(versions).to_have_count(1)
    put(server, "a.txt", b"by somebody else", If_Match=etag)
    expect(versions).to_have_count(2)
    expect(tab.get_by_role("dialog")).to_contain_text("16 bytes")
    expect(versions.first).to_contain_text("current")
    button(tab, "Restore version 1").click()
    expect(told(tab)).to_contain_text("Restored a.txt")
    assert got(server, "a.txt") == b"first"


def test_what_somebody_else_has_deleted_first_is_told_and_no_question(
    server: Program, tab: Page
) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        put(server, name, name.encode())
    tab.route("**/changes*", lambda route: route.abort())
    tab.goto("/browse/")
    select(tab, "a.txt", "b.txt", "c.txt")
    for name in ("a.txt", "c.txt"):
        urlopen(Request(f"{server.url}/files/{name}", method="DELETE")).close()
    button(tab, "Delete").click()
    expect(told(tab)).to_contain_text("Deleted b.txt. 2 entries were gone already")
    expect(tab.get_by_role("dialog")).to_have_count(0)
    button(tab, "Undo").click()
    expect(names(tab)).to_have_text(["b.txt"])
