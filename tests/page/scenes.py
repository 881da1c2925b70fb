"""Every screen of the tree, one after the other; also written as pictures, for the documents:

python -m tests.page.scenes FOLDER
"""

import re
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, expect

from tests.page.browser import launched
from tests.page.uploading import asked, choose, made, over, panel, put
from tests.running import Program, running

WIDTHS = (320, 768, 1440)
SCHEMES = ("light", "dark")
HEIGHT = 800
Colour = Callable[[float, float], tuple[int, int, int]]

LONG = "Annual report 2026, with a name that is longer than any column will ever be.pdf"
PICTURES: dict[str, Colour] = {
    "harbour.png": lambda x, y: (int(240 - 120 * y), int(180 - 60 * y + 30 * x), int(120 + 99 * y)),
    "meadow.png": lambda x, y: (int(90 + 80 * x), int(150 + 60 * (1 - y)), int(70 + 40 * y)),
    "night.png": lambda x, y: (int(20 + 30 * y + 9 * x), int(24 + 40 * y), int(60 + 90 * (1 - y))),
}
BEFORE = b"Meeting of the board\nPresent: Ann, Ben\nBudget: 4,200\nNext: in May\n"
AFTER = b"Meeting of the board\nPresent: Ann, Ben, Carla\nBudget: 4,800\nNext: in May\nRoom 12\n"


def furnish(server: Program) -> None:
    for folder in ("Drafts", "Invoices", "Photos 2026"):
        put(server, f"{quote(folder)}/{quote(folder)}.txt", folder.encode())
    for name, colour in PICTURES.items():
        put(server, name, painted(colour))
    etag = put(server, "minutes.txt", BEFORE)
    put(server, "minutes.txt", AFTER, If_Match=etag)
    put(server, quote(LONG), b"%PDF-1.7\n" + b"x" * 250_000)
    put(server, quote("שלום.txt"), "שלום".encode())
    put(server, "table.csv", b"a,b\n1,2\n")


def painted(colour: Colour, width: int = 160, height: int = 120) -> bytes:
    """A small PNG."""
    rows = b"".join(
        b"\0" + b"".join(bytes(colour(x / width, y / height)) for x in range(width))
        for y in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def scenes(tab: Page) -> Iterator[str]:
    """Each name when its screen is there."""
    tab.goto("/browse/")
    expect(tab.get_by_role("link", name="table.csv")).to_be_visible()
    yield "list"
    for name in ("minutes.txt", "table.csv"):
        tab.get_by_role("checkbox", name=f"Select {name}").click()
    yield "selected"
    tab.get_by_role("button", name="Move", exact=True).click()
    expect(tab.get_by_role("dialog").get_by_role("button", name="Drafts")).to_be_visible()
    yield "move"
    tab.get_by_role("button", name="Close").click()
    tab.get_by_role("button", name="Clear the selection").click()
    tab.get_by_role("button", name="As tiles").click()
    expect(tab.locator(".tiles img")).to_have_count(3)
    yield "tiles"
    tab.get_by_role("button", name="As a list").click()
    tab.get_by_role("button", name="Details of minutes.txt").click()
    expect(tab.get_by_role("dialog").get_by_role("listitem")).to_have_count(2)
    yield "details"
    tab.get_by_role("button", name="Compare version").click()
    expect(tab.locator(".difference ins").first).to_be_visible()
    yield "comparison"
    tab.get_by_role("button", name="Close").click()
    tab.get_by_role("button", name="Close").click()
    tab.get_by_role("button", name="New folder").click()
    yield "new-folder"
    tab.get_by_role("button", name="Cancel").click()
    tab.get_by_role("checkbox", name="Select Drafts").click()
    tab.get_by_role("checkbox", name="Select Invoices").click()
    tab.get_by_role("button", name="Delete", exact=True).click()
    expect(tab.get_by_role("dialog", name="2 questions")).to_be_visible()
    yield "questions"
    tab.get_by_role("button", name="Close").click()
    tab.get_by_role("searchbox").fill("nothing like this")
    expect(tab.get_by_text("No name here contains")).to_be_visible()
    yield "nothing-found"
    yield from uploading(tab)
    tab.goto("/session")
    yield "account"


def uploading(tab: Page) -> Iterator[str]:
    """A text and a picture meet others of their names, and leave them as they are."""
    tab.goto("/browse/")
    mine = {
        "minutes.txt": AFTER.replace(b"Room 12", b"Room 14"),
        "harbour.png": painted(PICTURES["night.png"]),
    }
    with tempfile.TemporaryDirectory() as folder:
        choose(tab, *made(Path(folder), mine))
        expect(panel(tab).get_by_role("button", name=re.compile("^Answer 2"))).to_be_visible()
        yield "upload"
        dialog = asked(tab)
        leave = dialog.get_by_role("button", name="Leave mine out")
        expect(dialog.locator(".side mark").first).to_be_visible()
        yield "upload-texts"
        leave.click()
        expect(dialog.locator(".side img").first).to_be_visible()
        yield "upload-pictures"
        leave.click()
        over(tab, "2 left out")
        yield "upload-report"


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        running(Path(scratch) / "data") as server,
        launched() as browser,
    ):
        furnish(server)
        for width in WIDTHS:
            for scheme in SCHEMES:
                size = {"width": width, "height": HEIGHT}
                with browser.new_context(
                    base_url=server.url,
                    locale="en-GB",
                    viewport=size,  # type: ignore[arg-type]
                    color_scheme=scheme,  # type: ignore[arg-type]
                    reduced_motion="reduce",
                ) as context:
                    tab = context.new_page()
                    for name in scenes(tab):
                        tab.screenshot(path=folder / f"{name}-{width}-{scheme}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
