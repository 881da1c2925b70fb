"""Does the index agree with the blobs? Finds, and on demand mends, what does not.

Only reads unless told to repair, so that it may run beside a server. Knows no rule.
"""

import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from storage import roster
from storage.disk import copying, posix
from storage.disk.blobfolder import FAN_OUT, NO_FOLDER, Blob, BlobFolder, Damaged, Shared
from storage.disk.hashing import Hasher
from storage.sqlite import founding
from storage.upkeep import catalogue, naming, rows
from storage.upkeep.catalogue import Catalogue, Entry
from uploads.failures import Unavailable

Tell = Callable[[int, int], object]

BRING_BACK = (
    "upload it again, or restore the backup into another folder, export it, and upload the file"
)
_PIECE = 1024 * 1024
_NAMES_SHOWN = 5
# A running server links a blob a moment before it records it.
_YOUNG = 60.0


class Fault(StrEnum):
    INDEX = "index"
    MISSING = "missing"
    DAMAGED = "damaged"
    CLOSED = "closed"
    SHARED = "shared"
    LEFTOVER = "leftover"
    FOREIGN = "foreign"
    COUNT = "count"
    USAGE = "usage"
    NAMES = "names"
    ACCOUNTS = "accounts"


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject`: a digest, a file name or a principal. `text` is one line for people."""

    fault: Fault
    subject: str
    text: str
    mended: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    contents: int
    bytes: int
    findings: tuple[Finding, ...]

    @property
    def agrees(self) -> bool:
        """Nothing was found that is not mended, and nothing that cannot be."""
        return all(finding.mended for finding in self.findings)


class Pace:
    """Waits after each piece, so that no more bytes are read in a second than may be."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._due = 0.0

    def after(self, count: int) -> None:
        if self._rate is not None:
            now = time.monotonic()
            self._due = max(now, self._due) + count / self._rate
            time.sleep(self._due - now)


def verify(
    data: Path,
    *,
    scrub: bool = False,
    repair: bool = False,
    rate: float | None = None,
    tell: Tell = lambda *_: None,
) -> Report:
    """Compares sizes, or with `scrub` every byte. Who repairs must own the data folder.

    `rate`: no more bytes in a second than these. `tell` hears how many are done of how many.
    """
    try:
        with Catalogue(data) as index:
            faults = [_index_fault(text) for text in index.faults(thorough=scrub or repair)]
            if faults:
                return Report(0, 0, tuple(faults))
            torn = [_index_fault(text) for text in rows.faults(index)]
            mend = repair and not torn
            checking = Checking(data, index, scrub=scrub, repair=mend, pace=Pace(rate), tell=tell)
            findings = (*torn, *(checking.bytes() if torn else checking.findings()))
            return Report(*index.totals(), findings)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return Report(0, 0, (_unreadable(error),))


class Checking:
    """One run of `verify`."""

    def __init__(
        self, data: Path, index: Catalogue, *, scrub: bool, repair: bool, pace: Pace, tell: Tell
    ) -> None:
        self._data = data
        self._index = index
        self._blobs = BlobFolder(data)
        self._scrub = scrub
        self._repair = repair
        self._pace = pace
        self._tell = tell

    def findings(self) -> Iterator[Finding]:
        yield from self._leftovers()
        yield from self.bytes()
        yield from self._counts()
        yield from self._names()
        yield from self._accounts()

    def _leftovers(self) -> Iterator[Finding]:
        algorithm = self._index.algorithm()
        for fan in FAN_OUT:
            yield from self._leftovers_in(fan, algorithm)

    def _leftovers_in(self, fan: str, algorithm: str) -> Iterator[Finding]:
        unnamed: dict[str, Blob] = {}
        for blob in self._blobs.all([fan]):
            digest = f"{algorithm}:{blob.name}"
            if not blob.sound and not blob.half_placed:
                text = f"{blob.name}: this is nothing that was put there by us; look at it yourself"
                yield Finding(Fault.FOREIGN, blob.name, text)
            elif blob.half_placed or not self._index.knows(digest):
                unnamed[digest] = blob
        overlooked = self._index.overlooked(unnamed) if unnamed else set()
        for digest, blob in unnamed.items():
            if digest in overlooked:
                yield _index_fault(f"it does not find {digest}, which it has")
            else:
                yield from self._leftover(blob)

    def _leftover(self, blob: Blob) -> Iterator[Finding]:
        if self._repair:
            (self._blobs.folder_of(blob.name) / blob.name).unlink()
        elif blob.placed > time.time() - _YOUNG:
            return
        text = f"{blob.name}: {blob.size:,} bytes that no file has, left over from a crash"
        yield Finding(Fault.LEFTOVER, blob.name, self._ended(text, "removed"), self._repair)

    def bytes(self) -> Iterator[Finding]:
        """All that can be told where the rows do not agree of what names what."""
        _, total = self._index.totals()
        done = 0
        for entry in self._index.contents():
            finding = self._content(entry)
            if finding is not None and self._index.still_has(entry):
                yield finding
            done += entry.size
            self._tell(done, max(done, total))

    def _content(self, entry: Entry) -> Finding | None:
        try:
            fault = self._small_fault(entry) if entry.is_small else self._file_fault(entry)
        except Shared:
            return self._parted(entry)
        except FileNotFoundError:
            return self._about(Fault.MISSING, entry, "its bytes are missing")
        except NotADirectoryError:
            what = f"its bytes cannot be opened: blobs/{entry.hex[:2]}"
            return self._about(Fault.CLOSED, entry, what, NO_FOLDER)
        except OSError as error:
            what = f"its bytes cannot be opened: {error.strerror}"
            return self._about(Fault.CLOSED, entry, what, "run it as the user who owns the folder")
        return None if fault is None else self._damaged(entry, fault)

    def _damaged(self, entry: Entry, fault: str) -> Finding:
        if self._repair and not entry.is_small:
            self._set_aside(entry)
        return self._about(Fault.DAMAGED, entry, f"its bytes are damaged: {fault}")

    def _small_fault(self, entry: Entry) -> str | None:
        return self._index.small_fault(entry) if self._scrub else None

    def _file_fault(self, entry: Entry) -> str | None:
        try:
            descriptor = self._blobs.open(entry.hex, entry.size)
        except Shared:
            raise
        except Damaged as damage:
            return str(damage)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            if not self._scrub:
                return None
            hasher = Hasher(entry.digest.partition(":")[0])
            try:
                while piece := file.read(_PIECE):
                    hasher.update(piece)
                    self._pace.after(len(piece))
            except OSError as error:
                return f"they cannot be read: {error.strerror}"
        return None if hasher.digest() == entry.digest else "they have another digest"

    def _parted(self, entry: Entry) -> Finding:
        """In a file of their own, which is durable before it takes the place of the other one."""
        what = "its bytes have another name on the disk (a hard link), so they are not served"
        if not self._repair:
            return self._about(
                Fault.SHARED, entry, what, "--repair copies them to a file of their own"
            )
        place = self._blobs.folder_of(entry.hex)
        beside = place / f"{entry.hex}.{secrets.token_hex(8)}"
        source = self._blobs.open_shared(entry.hex, entry.size)
        fault = None
        try:
            digest = copying.copy(source, beside, entry.size, self._index.algorithm())
            if digest == entry.digest:
                beside.replace(place / entry.hex)
            else:
                fault = "they have another digest"
        except Damaged as damage:
            fault = str(damage)
        finally:
            beside.unlink(missing_ok=True)
        if fault is not None:
            return self._damaged(entry, fault)
        posix.sync_folder(place)
        told = self._about(Fault.SHARED, entry, what, "they have a file of their own now")
        return replace(told, mended=True)

    def _set_aside(self, entry: Entry) -> None:
        """Out of the way, so that the same content finds its place free when it comes in again."""
        aside = self._data / "damaged"
        aside.mkdir(mode=0o700, exist_ok=True)
        place = self._blobs.folder_of(entry.hex)
        (place / entry.hex).replace(aside / entry.hex)
        posix.sync_folder(place)

    def _about(self, fault: Fault, entry: Entry, what: str, advice: str = BRING_BACK) -> Finding:
        """Lost bytes cannot be mended: they are reported until somebody brings them back."""
        names = self._index.names_of(entry, _NAMES_SHOWN + 1)
        shown = ", ".join(names[:_NAMES_SHOWN]) or "an earlier version or a parked upload"
        more = ", and others" if len(names) > _NAMES_SHOWN else ""
        text = f"{shown}{more}: {what}; {advice}"
        return Finding(fault, entry.digest, text)

    def _counts(self) -> Iterator[Finding]:
        counts, usage = self._index.wrong_counts(), self._index.wrong_usage()
        if self._repair and (counts or usage):
            catalogue.mend(self._data, counts, usage)
        for _, digest, right in counts:
            text = f"{digest}: has {right} names, and the index counted otherwise"
            yield Finding(Fault.COUNT, digest, self._ended(text, "mended"), self._repair)
        for principal, (size, files) in usage.items():
            text = f"{principal}: uses {size:,} bytes in {files:,} files; the index said otherwise"
            yield Finding(Fault.USAGE, principal, self._ended(text, "mended"), self._repair)

    def _names(self) -> Iterator[Finding]:
        found = naming.misplaced(self._index)
        if not found:
            return
        ended, mended = "--repair has the next start mend it", False
        if naming.clash(self._index, found):
            ended = "two would be one name now, so restore it from a backup"
        elif self._repair:
            catalogue.forget_name_rules(self._data)
            ended, mended = "the next start mends it", True
        shown = ", ".join(self._index.path(one.node) for one in found[:_NAMES_SHOWN])
        more = f", and {len(found) - _NAMES_SHOWN:,} others" if len(found) > _NAMES_SHOWN else ""
        text = f"{shown}{more}: the index does not find this by its name; {ended}"
        yield Finding(Fault.NAMES, catalogue.NAME, text, mended)

    def _accounts(self) -> Iterator[Finding]:
        try:
            roster.read(self._data)
        except Unavailable as fault:
            yield Finding(Fault.ACCOUNTS, roster.NAME, fault.message)
        except OSError as error:
            text = f"The file {roster.NAME} in the data folder cannot be read: {error.strerror}."
            yield Finding(Fault.ACCOUNTS, roster.NAME, text)

    def _ended(self, text: str, done: str) -> str:
        return f"{text}; {done}" if self._repair else f"{text}; --repair mends it"


def _index_fault(text: str) -> Finding:
    return Finding(
        Fault.INDEX, catalogue.NAME, f"The index is damaged ({text}). {founding.RESTORE}"
    )


def _unreadable(error: sqlite3.Error | UnicodeDecodeError) -> Finding:
    if isinstance(error, UnicodeDecodeError) or "UTF-8" in str(error):
        return _index_fault("it holds text that is not UTF-8")
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_CORRUPT") or name == "SQLITE_NOTADB":
        return _index_fault(str(error))
    text = f"The index cannot be read ({error}). Look at its disk and its permissions."
    return Finding(Fault.INDEX, catalogue.NAME, text)
