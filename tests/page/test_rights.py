"""What one may not do is not offered; and signing in and out, with a form of the page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from storage import accounts
from tests.page import browser as browsers
from tests.page.browser import violations
from tests.page.uploading import put
from tests.running import Program, running

EVERYTHING = '["list", "read", "create", "replace", "delete"]'
ACCESS = "".join(
    f'[[access]]\nfolder = "{folder}"\nwho = ["{who}"]\nrights = {rights}\n'
    for folder, who, rights in (
        ("/", "users", EVERYTHING),
        ("/open", "users", EVERYTHING),
        ("/open", "anonymous", '["list", "read"]'),
        ("/open/box", "users", EVERYTHING),
        ("/open/box", "anonymous", '["create"]'),
    )
)


@pytest.fixture
def server(built: None, tmp_path: Path) -> Iterator[Program]:
    (tmp_path / "config.toml").write_text(ACCESS)
    (tmp_path / "data").mkdir()
    accounts.add_user(tmp_path / "data", "ann", "correct horse")
    options = ("--config", str(tmp_path / "config.toml"))
    with running(tmp_path / "data", *options) as program:
        yield program


def sign_in(tab: Page) -> None:
    tab.get_by_label("User name").fill("ann")
    tab.get_by_label("Password").fill("correct horse")
    tab.get_by_role("button", name="Sign in").click()


def fill(tab: Page, *paths: str) -> None:
    """As a page of ours does it, with the session of the tab."""
    for path in paths:
        status = tab.evaluate(
            "path => fetch(`/files/${path}`, {method: 'PUT', body: path}).then(a => a.status)", path
        )
        assert status == 201


def test_who_is_not_known_signs_in_sees_their_name_and_signs_out(tab: Page) -> None:
    tab.goto("/browse/")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert violations(tab) == []
    tab.get_by_label("User name").fill("ann")
    tab.get_by_label("Password").fill("wrong")
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_role("alert")).to_contain_text("Name, password or code is wrong.")
    assert violations(tab) == []
    sign_in(tab)
    expect(tab.get_by_role("heading", level=1)).to_have_text("Files")
    account = tab.get_by_role("navigation", name="Site").get_by_role("link", name="ann")
    fill(tab, "a.txt")
    expect(tab.get_by_role("link", name="a.txt")).to_be_visible()
    assert "noclobber" not in tab.evaluate("document.cookie")
    account.click()
    expect(tab.get_by_text("You are signed in as ann.")).to_be_visible()
    assert violations(tab) == []
    tab.get_by_role("button", name="Sign out").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Sign in")
    tab.goto("/browse/")
    expect(tab.get_by_role("link", name="a.txt")).to_be_hidden()


def test_a_reader_is_offered_what_readers_may_and_a_drop_box_takes_and_shows_nothing(
    server: Program, browser: Browser, context: BrowserContext, tab: Page, tmp_path: Path
) -> None:
    tab.goto("/browse/")
    sign_in(tab)
    expect(tab.get_by_role("button", name="New folder")).to_be_visible()
    fill(tab, "open/a.txt", "open/box/secret.txt")
    with (
        browser.new_context(base_url=server.url, locale="en-GB") as strangers,
        browsers.tab(strangers) as stranger,
    ):
        stranger.goto("/browse/open/")
        expect(stranger.locator("tbody .name")).to_have_text(["box", "a.txt"])
        stranger.get_by_role("checkbox", name="Select a.txt").click()
        expect(stranger.get_by_role("link", name="Download")).to_be_visible()
        for offered in ("Delete", "Move", "Rename", "New folder", "Upload files"):
            expect(stranger.get_by_role("button", name=offered)).to_be_hidden()
        stranger.get_by_role("button", name="Details of a.txt").click()
        expect(stranger.get_by_role("dialog").get_by_role("listitem")).to_have_count(1)
        expect(stranger.get_by_role("button", name="Delete")).to_be_hidden()
        stranger.get_by_role("button", name="Close").click()
        stranger.get_by_role("link", name="box").click()
        expect(stranger.get_by_role("heading", level=1)).to_contain_text("Drop box")
        expect(stranger.get_by_text("secret.txt")).to_be_hidden()
        assert violations(stranger) == []
        (tmp_path / "mine.txt").write_text("mine")
        stranger.locator("input[data-chooses=files]").set_input_files(tmp_path / "mine.txt")
        expect(stranger.get_by_text("Done: ")).to_be_visible()
    tab.goto("/browse/open/box/")
    expect(tab.locator("tbody .name")).to_have_text(["mine.txt", "secret.txt"])


def test_whose_session_has_ended_is_told_to_sign_in_and_not_how_programs_do(
    context: BrowserContext, tab: Page
) -> None:
    tab.goto("/browse/")
    sign_in(tab)
    fill(tab, "a.txt")
    tab.get_by_role("checkbox", name="Select a.txt").click()
    with browsers.tab(context) as other:
        other.goto("/session")
        other.get_by_role("button", name="Sign out").click()
        expect(other.get_by_role("heading", level=1)).to_have_text("Sign in")
        tab.get_by_role("button", name="Delete", exact=True).click()
        question = tab.get_by_role("dialog", name="One question")
        expect(question).to_contain_text("You are not signed in, or not any more.")
        expect(tab.get_by_text("Basic")).to_have_count(0)
        sign_in(other)
        expect(other.get_by_role("link", name="a.txt", exact=True)).to_be_visible()
    question.get_by_role("button", name="Try again").click()
    expect(tab.locator(".told")).to_contain_text("Deleted a.txt")


def test_without_script_too_what_one_may_not_do_is_not_offered(
    browser: Browser, tmp_path: Path
) -> None:
    rights = {
        "add": '["list", "create"]',
        "box": '["create"]',
        "all": '["list", "read", "create", "replace"]',
    }
    access = ",".join(
        f'{{folder = "/{folder}", who = ["anonymous"], rights = {some}}}'
        for folder, some in rights.items()
    )
    with (
        running(tmp_path / "own", env={"NOCLOBBER_ACCESS": f"[{access}]"}) as own,
        browser.new_context(base_url=own.url, java_script_enabled=False) as context,
        browsers.tab(context) as tab,
    ):
        for folder in rights:
            put(own, f"{folder}/a.txt", folder.encode())
            may_all = int(folder == "all")
            tab.goto(f"/browse/{folder}/")
            choices = tab.get_by_label("If a name is taken")
            expect(choices.get_by_role("option")).to_have_count(2 + may_all)
            expect(tab.get_by_role("link", name="History of a.txt")).to_have_count(may_all)
