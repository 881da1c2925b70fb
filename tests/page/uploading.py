"""What the stories of uploading share: files to drop, and what the panel and the server tell."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from playwright.sync_api import Locator, Page, expect

from tests.running import Program

# A line of the log about a request that brought bytes.
BROUGHT = re.compile(r" (POST|PUT|PATCH) (/\S*).* bytes_in=(\d+)")
NOT_THERE = 404
SLOW = 50_000


def put(server: Program, path: str, body: bytes, **headers: str) -> str:
    """Stores a file behind the back of the page; returns its ETag."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(f"{server.url}/files/{path}", data=body, method="PUT", headers=named)
    with urlopen(request) as answer:
        return str(answer.headers["ETag"])


def got(server: Program, path: str) -> bytes | None:
    try:
        with urlopen(f"{server.url}/files/{path}") as answer:
            read: bytes = answer.read()
            return read
    except HTTPError as refused:
        if refused.code != NOT_THERE:
            raise
        return None


def made(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    paths = []
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        paths.append(path)
    return paths


def opened(tab: Page, folder: str = "") -> None:
    tab.goto(f"/browse/{folder}")
    expect(tab.get_by_role("button", name="Upload files")).to_be_visible()


def choose(tab: Page, *paths: Path) -> None:
    """By the file picker."""
    tab.locator("input[data-chooses=files]").first.set_input_files(list(paths))


def drop(tab: Page, *paths: Path) -> None:
    """As from a window of the system: the browser itself walks into folders."""
    session = tab.context.new_cdp_session(tab)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for step in ("dragEnter", "dragOver", "drop"):
        event = {"type": step, "x": 300, "y": 300, "data": data}
        session.send("Input.dispatchDragEvent", event)
    session.detach()


@contextmanager
def slowly(tab: Page, bytes_per_second: int) -> Iterator[None]:
    """The tab sends no faster, so that something can happen in the middle."""
    session = tab.context.new_cdp_session(tab)
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1}
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions", {**conditions, "uploadThroughput": bytes_per_second}
    )
    yield
    session.send("Network.emulateNetworkConditions", {**conditions, "uploadThroughput": -1})
    session.detach()


def panel(tab: Page) -> Locator:
    return tab.get_by_role("region", name="Uploads")


def headline(tab: Page) -> Locator:
    return panel(tab).get_by_role("heading", level=2)


def over(tab: Page, summary: str | re.Pattern[str], timeout: float = SLOW) -> None:
    """All has come to its end, and this is what the report says of it."""
    expect(headline(tab)).to_contain_text("Done:", timeout=timeout)
    expect(panel(tab).locator(".headline p")).to_have_text(summary)


def asked(tab: Page) -> Locator:
    """The dialog with the questions, opened by its button."""
    panel(tab).get_by_role("button", name=re.compile("^Answer ")).click()
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def brought(log: Path) -> dict[str, int]:
    """How many bytes of bodies have come in, by method."""
    counted = {"POST": 0, "PUT": 0, "PATCH": 0}
    for method, _, count in BROUGHT.findall(log.read_text(encoding="utf-8")):
        counted[method] += int(count)
    return counted
