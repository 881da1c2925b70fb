"""Looking around: the folder as a list, its order, its way back."""

import re
from urllib.request import Request, urlopen

from playwright.sync_api import Page, expect

from tests.page.browser import violations
from tests.running import Program


def put(server: Program, path: str, body: bytes = b"") -> None:
    with urlopen(Request(f"{server.url}/files/{path}", data=body, method="PUT")):
        pass


def names(tab: Page) -> list[str]:
    return tab.locator("tbody .name").all_inner_texts()


def test_folders_open_in_place_and_the_way_back_leads_back(server: Program, tab: Page) -> None:
    put(server, "a/b/deep.txt", b"deep")
    put(server, "top.txt", b"top")
    tab.goto("/")
    expect(tab).to_have_url(f"{server.url}/browse/")
    assert violations(tab) == []
    tab.get_by_role("link", name="a", exact=True).click()
    tab.get_by_role("link", name="b", exact=True).click()
    expect(tab.get_by_role("link", name="deep.txt")).to_be_visible()
    expect(tab).to_have_url(f"{server.url}/browse/a/b/")
    expect(tab.get_by_role("heading", level=1)).to_have_text("b")
    tab.get_by_role("navigation", name="Where this is").get_by_role("link", name="a").click()
    expect(tab.get_by_role("link", name="b", exact=True).last).to_be_visible()
    tab.go_back()
    expect(tab.get_by_role("link", name="deep.txt")).to_be_visible()
    tab.reload()
    expect(tab.get_by_role("link", name="deep.txt")).to_be_visible()


def test_columns_sort_and_the_order_is_remembered(server: Program, tab: Page) -> None:
    for name, size in (("a", 3), ("b", 1), ("c", 2)):
        put(server, name, b"x" * size)
    tab.goto("/browse/")
    expect(tab.locator("tbody .name")).to_have_text(["a", "b", "c"])
    tab.get_by_role("button", name="Size").click()
    expect(tab.locator("tbody .name")).to_have_text(["b", "c", "a"])
    tab.get_by_role("button", name="Size").click()
    expect(tab.locator("tbody .name")).to_have_text(["a", "c", "b"])
    expect(tab.get_by_role("columnheader", name="Size")).to_have_attribute(
        "aria-sort", "descending"
    )
    tab.reload()
    expect(tab.locator("tbody .name")).to_have_text(["a", "c", "b"])


def test_what_is_typed_is_searched_for_in_the_names(server: Program, tab: Page) -> None:
    for name in ("Report.txt", "r%C3%A9sum%C3%A9.txt", "picture.png"):
        put(server, name, name.encode())
    tab.goto("/browse/")
    tab.get_by_role("searchbox").fill("RESUME")
    expect(tab.locator("tbody .name")).to_have_text(["résumé.txt"])
    tab.get_by_role("searchbox").fill("nowhere")
    expect(tab.get_by_text("No name here contains “nowhere”.")).to_be_visible()


def test_what_is_there_stays_on_the_screen_while_the_server_cannot_answer(
    server: Program, tab: Page
) -> None:
    put(server, "a.txt", b"a")
    tab.goto("/browse/")
    expect(tab.get_by_role("link", name="a.txt")).to_be_visible()
    busy = re.compile(r"/files/\?sort")
    tab.route(busy, lambda route: route.fulfill(status=503, body="<h1>Service Unavailable</h1>"))
    tab.get_by_role("button", name="Size").click()
    expect(tab.locator(".lag")).to_have_text(
        "The server cannot answer this now (HTTP 503). What is shown here is as it was before."
    )
    expect(tab.get_by_role("link", name="a.txt")).to_be_visible()
    assert violations(tab) == []
    tab.unroute(busy)
    expect(tab.locator(".lag")).to_be_hidden()
    expect(tab.get_by_role("link", name="a.txt")).to_be_visible()


def test_who_goes_by_keys_goes_on_in_the_folder_that_opens_and_where_they_came_from(
    server: Program, tab: Page
) -> None:
    for path in ("a/inner/x.txt", "b/y.txt", "c.txt"):
        put(server, path, path.encode())
    with urlopen(Request(f"{server.url}/files/empty/", method="PUT")):
        pass
    tab.goto("/browse/")
    tab.get_by_role("link", name="b", exact=True).press("Enter")
    expect(tab.get_by_role("link", name="y.txt")).to_be_focused()
    tab.keyboard.press("Backspace")
    expect(tab.get_by_role("link", name="b", exact=True)).to_be_focused()
    tab.get_by_role("link", name="empty", exact=True).press("Enter")
    expect(tab.get_by_role("heading", level=1, name="empty")).to_be_focused()
    tab.go_back()
    expect(tab.get_by_role("link", name="empty", exact=True)).to_be_focused()


def test_a_folder_that_is_moved_or_deleted_by_others_does_not_stay_on_the_screen(
    server: Program, tab: Page
) -> None:
    for way in ("?move=elsewhere&recursive=true", "?recursive=true"):
        put(server, "above/here/a.txt", way.encode())
        tab.goto("/browse/above/here/")
        expect(tab.get_by_role("link", name="a.txt")).to_be_visible()
        method = "POST" if "move" in way else "DELETE"
        with urlopen(Request(f"{server.url}/files/above/{way}", method=method)):
            pass
        expect(tab.get_by_role("alert")).to_contain_text("There is nothing at")
        expect(tab.get_by_role("link", name="a.txt")).to_be_hidden()
        assert violations(tab) == []
