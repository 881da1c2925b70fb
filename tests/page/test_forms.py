"""The forms as a browser sends them over plain http, at a name that is not this machine: there it
tells by `Origin` alone from where they come.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from storage import accounts
from tests.page import browser as browsers
from tests.page.uploading import made
from tests.running import Program, running

SECRET = "a long enough password"


@pytest.fixture
def server(built: None, tmp_path: Path) -> Iterator[Program]:
    data = tmp_path / "data"
    data.mkdir()
    accounts.add_user(data, "ann", SECRET)
    with running(data, env={"NOCLOBBER_SERVER_NAMES": "plain.test"}) as program:
        yield program


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def tab(browser: Browser, server: Program, request: pytest.FixtureRequest) -> Iterator[Page]:
    with (
        browser.new_context(
            base_url=f"http://plain.test:{server.port}",
            locale="en-GB",
            java_script_enabled=request.param,
        ) as context,
        browsers.tab(context) as page,
    ):
        yield page


def sign_in(tab: Page) -> None:
    tab.goto("/session")
    tab.get_by_label("User name").fill("ann")
    tab.get_by_label("Password").fill(SECRET)
    tab.get_by_role("button", name="Sign in").click()


def test_people_sign_in_and_out(server: Program, tab: Page) -> None:
    sent: list[Request] = []
    tab.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    sign_in(tab)
    expect(tab).to_have_url(f"http://plain.test:{server.port}/browse/")
    # What no page of another site can say, and nothing else tells it here.
    headers = sent[0].all_headers()
    assert headers["origin"] == f"http://plain.test:{server.port}"
    assert "sec-fetch-site" not in headers
    tab.goto("/session")
    tab.get_by_role("button", name="Sign out").click()
    expect(tab.get_by_label("User name")).to_be_visible()


@pytest.mark.parametrize("tab", [False], indirect=True, ids=["without script"])
def test_a_form_uploads_and_a_button_settles_the_conflict(tab: Page, tmp_path: Path) -> None:
    sign_in(tab)
    tab.goto("/browse/")
    upload(tab, *made(tmp_path / "one", {"a.txt": b"one"}))
    expect(tab.get_by_role("status")).to_have_text("1 file stored.")
    upload(tab, *made(tmp_path / "another", {"a.txt": b"another"}))
    tab.get_by_role("button", name="Replace").click()
    expect(tab.get_by_role("row", name="a.txt")).to_contain_text("7 bytes")


@pytest.mark.parametrize("tab", [False], indirect=True, ids=["without script"])
def test_of_several_conflicts_each_is_settled_and_none_is_lost(tab: Page, tmp_path: Path) -> None:
    names = ("a.txt", "b.txt", "c.txt")
    sign_in(tab)
    upload(tab, *made(tmp_path / "one", {name: name.encode() for name in names}))
    expect(tab.get_by_role("status")).to_have_text("3 files stored.")
    mine = {name: b"mine, " + name.encode() for name in names}
    upload(tab, *made(tmp_path / "two", mine))
    expect(tab.get_by_text("opens in a tab of its own")).to_be_visible()
    for name in names:
        with tab.context.expect_page() as opened:
            tab.get_by_role("button", name=f"Replace {name}").click()
        expect(opened.value.get_by_role("status")).to_have_text("1 file stored.")
        expect(opened.value.get_by_role("row", name=name)).to_contain_text("11 bytes")
        opened.value.close()


def upload(tab: Page, *files: Path) -> None:
    tab.get_by_label("Files", exact=True).set_input_files(files)
    tab.get_by_role("button", name="Upload").click()
