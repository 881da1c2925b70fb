"""Are this disk, file system and SQLite fit for our promise? Measures, and changes nothing."""

import os
import resource
import secrets
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from storage import clamd, lock, sniffing
from storage.disk import posix
from storage.sqlite import connecting

_SOUND = {"apfs", "btrfs", "ext4", "xfs", "zfs"}
_FORGETFUL = {"ramfs", "tmpfs"}
_ROUNDS = 100
_PATIENCE = 2.0
_IMPOSSIBLE = 15e-6
_SLOW = 0.05
_LITTLE_SPACE = 1 << 30
_FEW_FILES = 4096
# From 3.7.0 on, two connections that write one log at the same moment can corrupt it.
_LOG_MENDED = (3, 51, 3)


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """`text` is one sentence; `advice` says what to do, and is empty where nothing is."""

    level: Level
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Times:
    """How long syncs took, in seconds."""

    median: float
    p99: float


def examine(data: Path, scanner: str = "") -> list[Finding]:
    """Takes some seconds. The data folder need not be there yet: its disk is what matters."""
    place = _existing(data.absolute())
    if not place.is_dir():
        return [Finding(Level.BAD, f"{place} is not a folder.", "Choose another (--data).")]
    findings = [_file_system(place), *_sqlite(), _libmagic(), _open_files(), _free_space(place)]
    if scanner:
        findings.append(_scanner(scanner))
    try:
        with tempfile.TemporaryDirectory(prefix=".doctor-", dir=place) as folder:
            findings += _writing(Path(folder))
    except OSError as error:
        findings.append(
            Finding(
                Level.BAD,
                f"{place} cannot be written to: {error.strerror}.",
                "Choose another folder (--data), or let this user write there.",
            )
        )
    return findings


def _scanner(where: str) -> Finding:
    try:
        said = clamd.version(where, _PATIENCE)
        return Finding(Level.OK, f"The scanner at {where} answers: {said}.")
    except clamd.NoAnswerError as error:
        return Finding(
            Level.BAD,
            f"The scanner at {where} does not answer: {error}. Every upload is refused with 503.",
            "Start clamd, let this user reach its socket, or correct [scan] clamd.",
        )


def _existing(place: Path) -> Path:
    return next(there for there in (place, *place.parents) if there.exists())


def _file_system(place: Path) -> Finding:
    kind = lock.file_system(place)
    try:
        lock.require_local(place)
    except lock.NotOwned as refusal:
        return Finding(Level.BAD, str(refusal), "Choose a folder on a disk of this machine.")
    if kind in _FORGETFUL:
        return Finding(
            Level.BAD,
            f"The file system of {place} is {kind}: it lives in memory and is gone at a restart.",
            "Choose a folder on a disk.",
        )
    if kind is None or kind in _SOUND:
        return Finding(Level.OK, f"The file system is {kind or 'local, of an unknown type'}.")
    return Finding(
        Level.WARN,
        f"The file system is {kind}, on which our promise has not been tried.",
        f"Prefer one of {', '.join(sorted(_SOUND))}.",
    )


def _writing(folder: Path) -> Iterator[Finding]:
    yield _unnamed_files(folder)
    yield _case(folder)
    yield _judged("a file", _timed(folder, _sync_file))
    yield _judged("a folder", _timed(folder, _sync_folder))


def _unnamed_files(folder: Path) -> Finding:
    if posix.can_link_unnamed(folder):
        return Finding(
            Level.OK, "Files can be written without a name and linked when they are whole."
        )
    sheet = posix.NamedSheets(folder).new()
    try:
        with posix.folder(folder) as within:
            sheet.link("linked", within)
    except OSError as error:
        return Finding(
            Level.BAD,
            f"Files cannot be linked here ({error.strerror}), so none can appear whole at once.",
            "Choose a folder on another file system.",
        )
    finally:
        sheet.close()
    return Finding(
        Level.OK, "Files cannot be written without a name here; a swept folder does instead."
    )


def _case(folder: Path) -> Finding:
    (folder / "case").touch()
    blind = (folder / "CASE").exists()
    text = "does not tell" if blind else "tells"
    return Finding(
        Level.OK, f"The file system {text} capital letters apart; our names do not depend on it."
    )


def _timed(folder: Path, sync: Callable[[Path], float]) -> Times:
    end = time.monotonic() + _PATIENCE
    seconds = [sync(folder)]
    while len(seconds) < _ROUNDS and time.monotonic() < end:
        seconds.append(sync(folder))
    seconds.sort()
    return Times(
        statistics.median(seconds), seconds[min(len(seconds) - 1, len(seconds) * 99 // 100)]
    )


def _sync_file(folder: Path) -> float:
    descriptor = os.open(folder / "synced", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        posix.write_all(descriptor, secrets.token_bytes(4096))
        started = time.perf_counter()
        posix.sync(descriptor)
        return time.perf_counter() - started
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> float:
    (folder / secrets.token_hex(8)).touch()
    started = time.perf_counter()
    posix.sync_folder(folder)
    return time.perf_counter() - started


def _judged(what: str, times: Times) -> Finding:
    text = f"To sync {what} takes {_ms(times.median)} (one in a hundred: {_ms(times.p99)})"
    if times.median < _IMPOSSIBLE:
        return Finding(
            Level.WARN,
            f"{text}, which is faster than a disk can be: it may lose what it says it has.",
            "Look for a write cache without a battery, or a virtual disk cached as 'unsafe'.",
        )
    if times.median > _SLOW:
        return Finding(
            Level.WARN,
            f"{text}, so each upload waits for at least that.",
            "Use a faster disk, best an SSD with protection against power loss.",
        )
    return Finding(Level.OK, f"{text}.")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def _sqlite() -> Iterator[Finding]:
    try:
        connecting.check_library()
    except connecting.ForeignLibraryError as error:
        yield Finding(Level.BAD, str(error), "Mend that first: nothing can be served.")
        return
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info >= _LOG_MENDED:
        yield Finding(Level.OK, f"SQLite is {version}, and the one that Python came with.")
        return
    yield Finding(
        Level.OK,
        f"SQLite is {version}: before 3.51.3 two writers can damage its log, and we have only one.",
        "Let no other program write to index.sqlite while the server runs.",
    )


def _libmagic() -> Finding:
    if sniffing.magic_works():
        return Finding(Level.OK, "libmagic tells media types.")
    return Finding(
        Level.WARN,
        "libmagic or its table of types does not work, so every media type is unknown.",
        "Install anew, or run `make setup`.",
    )


def _open_files() -> Finding:
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY or most >= _FEW_FILES:
        return Finding(Level.OK, "Enough files can be open at once.")
    return Finding(
        Level.WARN,
        f"Only {most:,} files and connections can be open at once.",
        f"Raise the limit to {_FEW_FILES:,} (ulimit -n, or LimitNOFILE= of systemd).",
    )


def _free_space(place: Path) -> Finding:
    status = os.statvfs(place)
    free = status.f_bavail * status.f_frsize
    if free < _LITTLE_SPACE:
        return Finding(Level.WARN, f"Only {free >> 20:,} MiB are free.", "Make room on the disk.")
    return Finding(Level.OK, f"{free >> 30:,} GiB are free.")
