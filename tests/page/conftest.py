"""The server, the browser and the tab of a story."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from page import building
from tests.page import browser as browsers
from tests.running import Program, running


@pytest.fixture(scope="package", autouse=True)
def built() -> None:
    """The stories are told of the sources as they are."""
    building.build()


@pytest.fixture(scope="package")
def browser(built: None) -> Iterator[Browser]:
    with browsers.launched() as one:
        yield one


@pytest.fixture
def server(built: None, tmp_path: Path) -> Iterator[Program]:
    with running(tmp_path / "data") as program:
        yield program


@pytest.fixture
def context(browser: Browser, server: Program) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=server.url, locale="en-GB") as one:
        yield one


@pytest.fixture
def tab(context: BrowserContext) -> Iterator[Page]:
    with browsers.tab(context) as page:
        yield page
