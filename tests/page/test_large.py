"""Large files: in constant memory, and not at all where the server has them already.

LARGE_FILE_MIB and KNOWN_FILE_MIB make them larger: 2048 and 1024 were tried by hand. What is
measured is told with --log-cli-level=info.
"""

import logging
import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.page.uploading import brought, choose, opened, over, panel
from tests.running import Program

measured = logging.getLogger(__name__)

MIB = 1 << 20
LARGE = int(os.environ.get("LARGE_FILE_MIB", "256")) * MIB
KNOWN = int(os.environ.get("KNOWN_FILE_MIB", "128")) * MIB
MOST_MEMORY = 200 * MIB
MOST_SENT = MIB
TIMEOUT = 600_000


def sparse(path: Path, size: int) -> Path:
    """A file that takes no room; what it begins and ends with makes it differ from others."""
    with path.open("wb") as file:
        file.write(path.name.encode())
        file.truncate(size - 1)
        file.seek(size - 1)
        file.write(b"!")
    return path


def peaks(browser: Browser) -> dict[str, int]:
    """The most memory that each kind of the browser's processes has had, added up."""
    told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    found: dict[str, int] = {}
    for process in told["processInfo"]:
        status = Path(f"/proc/{process['id']}/status").read_text(encoding="utf-8")
        (kilobytes,) = (line.split()[1] for line in status.splitlines() if "VmHWM" in line)
        kind = process["type"]
        found[kind] = found.get(kind, 0) + int(kilobytes) * 1024
    return found


@pytest.mark.timeout(900)
def test_a_large_file_is_uploaded_in_constant_memory(
    server: Program, browser: Browser, tab: Page, tmp_path: Path
) -> None:
    file = sparse(tmp_path / "large.bin", LARGE)
    opened(tab)
    before = peaks(browser)
    choose(tab, file)
    over(tab, "1 stored", TIMEOUT)
    after = peaks(browser)
    grown = {kind: (after[kind] - before.get(kind, 0)) // MIB for kind in after}
    measured.info("%d MiB uploaded; the peaks grew by (MiB) %s", LARGE // MIB, grown)
    assert after["renderer"] - before["renderer"] < MOST_MEMORY
    assert after["browser"] - before["browser"] < MOST_MEMORY
    assert brought(tmp_path / "data.log")["PATCH"] == LARGE


@pytest.mark.timeout(900)
def test_a_large_file_that_is_there_is_recognised_and_not_sent(
    server: Program, browser: Browser, tab: Page, tmp_path: Path
) -> None:
    file = sparse(tmp_path / "known.bin", KNOWN)
    opened(tab)
    choose(tab, file)
    over(tab, "1 stored", TIMEOUT)
    sent = sum(brought(tmp_path / "data.log").values())
    before = peaks(browser)
    panel(tab).get_by_role("button", name="Close").click()
    choose(tab, file)
    over(tab, "1 already there", TIMEOUT)
    more = sum(brought(tmp_path / "data.log").values()) - sent
    grown = peaks(browser)["renderer"] - before["renderer"]
    measured.info("%d MiB known, %d bytes sent, %d MiB more", KNOWN // MIB, more, grown // MIB)
    assert more < MOST_SENT
    assert grown < MOST_MEMORY
