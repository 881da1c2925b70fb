"""What is said of a disk that is fit, and of those that are not."""

import asyncio
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import lock
from storage.upkeep import doctor
from storage.upkeep.doctor import Level, Times, examine
from tests.scanners import Scanner, listening


def texts(data: Path, level: Level) -> str:
    return "\n".join(finding.text for finding in examine(data) if finding.level is level)


def test_a_usual_disk_is_fit_and_nothing_is_left_on_it(tmp_path: Path) -> None:
    findings = examine(tmp_path / "not" / "there" / "yet")
    assert [finding for finding in findings if finding.level is Level.BAD] == []
    said = " ".join(finding.text for finding in findings)
    for what in ("file system is", "without a name", "sync a file", "sync a folder", "SQLite is"):
        assert what in said
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_in_memory_is_bad(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text("1 0 0:1 / / rw - tmpfs tmpfs rw\n")
    monkeypatch.setattr(lock, "MOUNTS", mounts)
    assert "lives in memory" in texts(tmp_path, Level.BAD)


def test_syncs_faster_than_a_disk_are_warned_of() -> None:
    fast = doctor._judged("a file", Times(0.000_001, 0.000_002))
    assert fast.level is Level.WARN
    assert "faster than a disk can be" in fast.text


def test_slow_syncs_are_warned_of() -> None:
    slow = doctor._judged("a file", Times(0.2, 0.9))
    assert slow.level is Level.WARN
    assert "200.00 ms" in slow.text
    assert doctor._judged("a file", Times(0.002, 0.9)).level is Level.OK


@pytest.fixture
def few_files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_low_limit_of_open_files_is_warned_of(few_files: None, tmp_path: Path) -> None:
    assert "Only 512 files" in texts(tmp_path, Level.WARN)


def test_where_a_file_is_no_folder_can_be(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(b"mine")
    for data in (file, file / "data"):
        assert texts(data, Level.BAD) == f"{file} is not a folder."


def test_a_folder_that_cannot_be_written_to_is_bad() -> None:
    assert "cannot be written to" in texts(Path("/proc/sys"), Level.BAD)


async def test_a_scanner_that_answers_is_told_of_and_one_that_does_not_is_bad(
    tmp_path: Path,
) -> None:
    async with listening(Scanner(), tmp_path / "clamd") as where:
        findings = await asyncio.to_thread(examine, tmp_path, where)
    told = [one for one in findings if "scanner" in one.text]
    assert [(one.level, "ClamAV 1.4.3" in one.text) for one in told] == [(Level.OK, True)]
    (tmp_path / "clamd").unlink(missing_ok=True)
    findings = await asyncio.to_thread(examine, tmp_path, where)
    told = [one for one in findings if "scanner" in one.text]
    assert [one.level for one in told] == [Level.BAD]
    assert "503" in told[0].text
