"""A headless browser on a real server; whatever a page complains of fails its test.

The browser is the system's Chromium, never one of Playwright's own.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from playwright.sync_api import Response as Answer

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = ROOT / "page" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A host that is not this machine to the browser: there it has no cryptography of its own.
    "--host-resolver-rules=MAP plain.test 127.0.0.1",
)
# The browser notes every refusal of the server; those that a page must not meet are told below. And
# that it takes some promises of a server by https alone.
NOTED = (
    "Failed to load resource: ",
    "The Cross-Origin-Opener-Policy header has been ignored",
    "Clear-Site-Data header on ",
)
PATIENCE = 15_000


@contextmanager
def launched() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "the tests of the page drive chromium: run ./setup.sh programs"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, headless=True, args=list(FLAGS)
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Faults:
    """What went wrong in a tab: errors of scripts, broken policies, missing parts of the page."""

    told: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(NOTED):
            self.told.append(message.text)

    def broke(self, error: object) -> None:
        self.told.append(f"not caught: {error}")

    def answered(self, answer: Answer) -> None:
        if "/static/" in answer.url and answer.status >= 400:
            self.told.append(f"{answer.status} {answer.url}")


@contextmanager
def tab(context: BrowserContext) -> Iterator[Page]:
    """A page that must not complain until the end of the test."""
    faults = Faults()
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("console", faults.hear)
    page.on("pageerror", faults.broke)
    page.on("response", faults.answered)
    yield page
    page.close()
    assert faults.told == []


def violations(page: Page) -> list[str]:
    """What axe finds on the page as it is now, one line for each element."""
    # Not while something fades in: its colours are on their way.
    page.evaluate("Promise.allSettled(document.getAnimations().map(one => one.finished))")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: Any = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]
    ]
