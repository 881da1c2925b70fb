"""What was uploaded never runs: not from the list, the tiles, the details, nor opened on its own."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, Error, Page, expect

from tests.page.browser import tab as new_tab
from tests.page.uploading import put
from tests.running import Program, running

# Tells on itself: by a mark that every page of this origin would see, and by a request.
RUNS = "localStorage.setItem('ran', document.URL); fetch('/files/ran', {method: 'PUT', body: 'x'})"
SCRIPT = f"<script>{RUNS}</script>"
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{RUNS}">{SCRIPT}</svg>'
XHTML = f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{SCRIPT}</body></html>'
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
PDF = b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n"

CONTENTS: dict[str, bytes] = {
    "page.html": SCRIPT.encode(),
    "page.htm": f'<!doctype html><body onload="{RUNS}">'.encode(),
    "page.xhtml": XHTML.encode(),
    "page.xht": f'<?xml version="1.0"?>{XHTML}'.encode(),
    "page.shtml": SCRIPT.encode(),
    "page.mht": f"MIME-Version: 1.0\nContent-Type: text/html\n\n{SCRIPT}".encode(),
    "image.svg": SVG.encode(),
    "image.svgz": b"\x1f\x8b\x08\0" + SVG.encode(),
    "image-in-xml.svg": f'<?xml version="1.0"?>{SVG}'.encode(),
    "with-doctype.svg": f"<!DOCTYPE svg>{SVG}".encode(),
    "style.xsl": f'<xsl:stylesheet version="1.0">{SCRIPT}</xsl:stylesheet>'.encode(),
    "transformed.xml": f'<?xml-stylesheet href="style.xsl" type="text/xsl"?>{XHTML}'.encode(),
    "feed.rss": f"<rss><channel><title>{SCRIPT}</title></channel></rss>".encode(),
    "math.mml": f'<math href="javascript:{RUNS}">{SCRIPT}</math>'.encode(),
    "script.js": RUNS.encode(),
    "module.mjs": RUNS.encode(),
    "style.css": f"body{{background:url(javascript:{RUNS})}}".encode(),
    "document.pdf": PDF,
    "flash.swf": b"FWS\x09" + SCRIPT.encode(),
    "archive.jar": b"PK\x03\x04" + SCRIPT.encode(),
    "text.txt": SCRIPT.encode(),
    "no-extension": SCRIPT.encode(),
    "utf16.txt": f"\ufeff{SCRIPT}".encode("utf-16"),
    "utf7.txt": b"+ADw-script+AD4-" + RUNS.encode() + b"+ADw-/script+AD4-",
    "late.txt": b"harmless\n" * 300 + SCRIPT.encode(),
    "gif.html": b"GIF89a/*" + SCRIPT.encode(),
    "gif.gif": b"GIF89a\1\0\1\0\0\0\0;" + SCRIPT.encode(),
    "png.png": PNG + SCRIPT.encode(),
    "png.html": PNG + SCRIPT.encode(),
    "jpeg.jpg": JPEG + SCRIPT.encode(),
    "jpeg.svg": JPEG + SVG.encode(),
    "html.png": SCRIPT.encode(),
    "svg.png": SVG.encode(),
    "pdf.txt": PDF + SCRIPT.encode(),
    "manifest.appcache": b"CACHE MANIFEST\nFALLBACK:\n/ /files/page.html\n",
    "list.m3u8": f"#EXTM3U\njavascript:{RUNS}".encode(),
    "bookmark.url": f"[InternetShortcut]\nURL=javascript:{RUNS}".encode(),
    "table.csv": f'=cmd|calc!A0,"{SCRIPT}"'.encode(),
    "page.hta": f"<hta:application>{SCRIPT}".encode(),
    "data.json": f'{{"a": "{SCRIPT}"}}'.encode(),
}
# Names are stored as they are, where they can be; a browser that took one for markup would run it.
NAMES = (
    "&lt;img src=x onerror=1&gt;.txt",
    "' onmouseover='localStorage.ran=1.txt",
    "javascript:localStorage.ran=1",
    "{{7*7}}${7*7}.txt",
    "<img src=x onerror=localStorage.ran=1>.png",
    '"><script>localStorage.ran=1',
    "<svg onload=localStorage.ran=1>",
)


@pytest.fixture
def stored(server: Program) -> list[str]:
    """The names of all that the server takes under its usual rules, and whole folders of names."""
    for name, body in CONTENTS.items():
        put(server, f"active/{name}", body, Prefer="same-content=link")
    assert len(CONTENTS) >= 40
    return [f"active/{name}" for name in CONTENTS]


def assert_nothing_ran(server: Program, page: Page) -> None:
    page.goto(f"{server.url}/browse/")
    assert page.evaluate("localStorage.getItem('ran')") is None
    expect(page.get_by_role("link", name="ran", exact=True)).to_be_hidden()


def open_alone(page: Page, url: str) -> None:
    """Shown, or saved: then the navigation ends without a page."""
    try:
        page.goto(url)
    except Error as ended:
        if "Download is starting" not in ended.message and "ERR_ABORTED" not in ended.message:
            raise


def test_forty_active_files_run_nothing_wherever_they_are_opened(
    server: Program, context: BrowserContext, tab: Page, stored: list[str]
) -> None:
    # High enough for all of them to be drawn at once.
    tab.set_viewport_size({"width": 1280, "height": 2400})
    tab.goto("/browse/active/")
    expect(tab.locator("tbody .line")).to_have_count(len(CONTENTS))
    for name in CONTENTS:
        tab.get_by_role("button", name=f"Details of {name}", exact=True).click()
        expect(tab.get_by_role("dialog").get_by_role("listitem").first).to_be_visible()
        tab.keyboard.press("Escape")
        expect(tab.get_by_role("dialog")).to_be_hidden()
    tab.get_by_role("button", name="As tiles").click()
    expect(tab.locator(".tiles .line")).to_have_count(len(CONTENTS))
    opened = context.new_page()
    for path in stored:
        open_alone(opened, f"{server.url}/files/{path}")
    opened.close()
    assert_nothing_ran(server, tab)


def test_no_uploaded_file_can_be_a_part_of_a_page(
    server: Program, context: BrowserContext, stored: list[str]
) -> None:
    """Were there ever a hole for markup, what others uploaded would still be no script or frame."""
    page = context.new_page()
    page.goto("/browse/")
    for path in ("active/script.js", "active/module.mjs", "active/page.html", "active/image.svg"):
        ended = page.evaluate(
            """src => Promise.race(['script', 'iframe', 'object'].map(tag => new Promise(done => {
                const element = document.createElement(tag);
                try { element[tag === 'object' ? 'data' : 'src'] = src; } catch { return; }
                element.onload = () => done(tag === 'script' ? 'ran' : 'loaded');
                element.onerror = () => done('refused');
                document.body.append(element);
                setTimeout(() => done('nothing'), 500);
            })))""",
            f"/files/{path}",
        )
        assert ended in {"refused", "nothing", "loaded"}
    page.close()
    with new_tab(context) as fresh:
        assert_nothing_ran(server, fresh)


@pytest.fixture
def exact(built: None, tmp_path: Path) -> Iterator[Program]:
    """Takes every name that a disk could hold."""
    (tmp_path / "config.toml").write_text('[[folders]]\nfolder = "/"\nnames = "exact"\n')
    options = ("--config", str(tmp_path / "config.toml"))
    with running(tmp_path / "exact", *options) as program:
        yield program


def test_names_with_markup_are_only_ever_text(exact: Program, tab: Page) -> None:
    for name in NAMES:
        put(exact, f"names/{quote(name, safe='')}", name.encode())
    tab.goto(f"{exact.url}/browse/names/")
    expect(tab.locator("tbody .name")).to_have_text([*sorted(NAMES)])
    for name in NAMES:
        tab.get_by_role("link", name=name, exact=True).focus()
        tab.keyboard.press("F2")
        expect(tab.get_by_label("New name")).to_have_value(name)
        tab.keyboard.press("Escape")
        tab.get_by_role("button", name=f"Details of {name}", exact=True).click()
        expect(tab.get_by_role("dialog", name=name)).to_be_visible()
        tab.get_by_role("button", name="Close").click()
    assert_nothing_ran(exact, tab)
