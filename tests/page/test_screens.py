"""Every screen, on a phone, a tablet and a desk, in light and in dark: readable, and within its width."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.page.browser import violations
from tests.page.scenes import HEIGHT, SCHEMES, WIDTHS, furnish, scenes
from tests.running import Program


@pytest.fixture(params=[(width, scheme) for width in WIDTHS for scheme in SCHEMES])
def context(
    request: pytest.FixtureRequest, browser: Browser, server: Program
) -> Iterator[BrowserContext]:
    width, scheme = request.param
    with browser.new_context(
        base_url=server.url,
        locale="en-GB",
        viewport={"width": width, "height": HEIGHT},
        color_scheme=scheme,
        reduced_motion="reduce",
    ) as one:
        yield one


@pytest.mark.timeout(120)
def test_every_screen_is_accessible_and_within_its_width(server: Program, tab: Page) -> None:
    furnish(server)
    seen = []
    for name in scenes(tab):
        seen.append(name)
        assert violations(tab) == [], name
        room = tab.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert room[0] <= room[1], name
    assert len(seen) == 14
