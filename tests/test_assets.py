"""The parts of the pages: fetched once, kept for good, and never run."""

import pytest

from handlers.browser.assets import ASSETS
from tests.doors import opened


@pytest.mark.parametrize("name", sorted(ASSETS))
async def test_an_asset_is_kept_for_good_under_the_address_that_pages_use(name: str) -> None:
    async with opened() as house:
        answer = await house.client.get(ASSETS[name].href)
        assert answer.status == 200
        assert await answer.read() == ASSETS[name].body
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.content_type in {"text/css", "image/svg+xml"}


async def test_an_asset_under_another_address_is_asked_for_again() -> None:
    async with opened() as house:
        for address in ("/static/style.css", "/static/style.css?older"):
            answer = await house.client.get(address)
            assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize("name", ["nothing.css", "..%2fassets.py", "style.css%00"])
async def test_nothing_else_is_served_as_an_asset(name: str) -> None:
    async with opened() as house:
        answer = await house.client.get(f"/static/{name}")
        assert answer.status == 404


def test_no_asset_fetches_anything_from_elsewhere() -> None:
    for asset in ASSETS.values():
        text = asset.body.decode().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in text
        assert "@import" not in text
        assert "<script" not in text
