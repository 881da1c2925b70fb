"""A folder of 50,000 files: at hand at once, and no more of it drawn than is seen."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.filling import AT_ONCE, TWIN, opened, store
from tests.running import Program, running
from uploads.names import Path as Name

COUNT = 50_000


async def fill(data: Path) -> None:

    index, blobs = await opened(data)
    for first in range(0, COUNT, AT_ONCE):
        numbers = range(first, first + AT_ONCE)
        files = [(Name(("many", f"{number:05}.jpg")), TWIN) for number in numbers]
        await index.write(lambda turn, files=files: store(turn, files))  # type: ignore[misc]
    await index.close()
    await blobs.close()


@pytest.fixture
def server(built: None, tmp_path: Path) -> Iterator[Program]:
    # In a thread of its own: the browser of the other stories has an event loop in this one.
    filling = threading.Thread(target=lambda: asyncio.run(fill(tmp_path / "data")))
    filling.start()
    filling.join()
    with running(tmp_path / "data") as program:
        yield program


def test_fifty_thousand_files_are_paged_searched_and_gone_through(tab: Page) -> None:
    began = time.monotonic()
    tab.goto("/browse/many/")
    expect(tab.get_by_role("link", name="00000.jpg")).to_be_visible()
    assert time.monotonic() - began < 15
    rows = tab.locator("tbody .line")
    assert rows.count() < 100
    tab.get_by_role("searchbox").fill("49999")
    expect(tab.get_by_role("link", name="49999.jpg")).to_be_visible(timeout=30_000)
    tab.get_by_role("searchbox").fill("")
    expect(tab.get_by_text("50,000 entries", exact=True)).to_be_visible()
    tab.get_by_role("link", name="00000.jpg").focus()
    tab.keyboard.press("End")
    expect(tab.get_by_role("link", name="49999.jpg")).to_be_focused()
    assert rows.count() < 100
    last = tab.get_by_role("row").filter(has=tab.get_by_role("link", name="49999.jpg"))
    expect(last).to_have_attribute("aria-rowindex", "50001")
    tab.get_by_role("button", name="As tiles").click()
    assert tab.locator(".tiles li").count() < 200
