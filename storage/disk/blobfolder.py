"""Where blobs lie: `blobs/ab/<digest>`, read-only, each under the name of its digest.

Looks and opens without changing anything, so that a check may use it beside a running server.
"""

import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.disk import posix

ARRIVING = "arriving"
STAGING = "staging"
NO_FOLDER = (
    "this is no folder, or a link to one; put the folder of bytes in its place that was there"
)
FAN_OUT = tuple(f"{number:02x}" for number in range(256))
_NAME = re.compile(r"[0-9a-f]{64}")
_HALF_PLACED = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{16}")
# Not to be led elsewhere by a link, nor to wait for the other end of a pipe.
READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NOT_ITS_FAULT = {errno.ENOENT, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


class Damaged(Exception):
    """What lies there is not what was put there; the text says how it differs."""


class Shared(Damaged):
    """Somebody else has a name of it, a hard link, and may change it."""


@dataclass(frozen=True, slots=True)
class Blob:
    """What was found in the folder. `placed`: since when, by the clock of the file system.

    `sound`: an ordinary file under a name that a blob can have. `half_placed`: a crash kept it from
    taking the place of a damaged one.
    """

    name: str
    size: int
    placed: float
    sound: bool
    half_placed: bool


class BlobFolder:
    def __init__(self, data: Path) -> None:
        self.path = data / "blobs"
        self._before = (data / ARRIVING, data / STAGING)

    def make(self) -> None:
        """The folder and all 256 below it, durable: later only links in them need a sync."""
        there = self._folders()
        missing = [name for name in FAN_OUT if name not in there]
        if not missing:
            return
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in missing:
            self._make_one(self.path / name)
        for made in (self.path, self.path.parent):
            posix.sync_folder(made)
        posix.sync_above(self.path.parent)

    def _make_one(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            raise NotADirectoryError(errno.ENOTDIR, NO_FOLDER, str(folder)) from None

    def _folders(self) -> set[str]:
        """Read at once: to ask for each would be 256 questions at every start."""
        try:
            with os.scandir(self.path) as entries:
                return {entry.name for entry in entries if entry.is_dir(follow_symlinks=False)}
        except FileNotFoundError:
            return set()

    def folder_of(self, name: str) -> Path:
        return self.path / name[:2]

    def open(self, name: str, size: int) -> int:
        """:raises FileNotFoundError: nothing is there. :raises Damaged: not what was stored.
        :raises OSError: we may not open it, or have too much open, whatever it is.
        """
        descriptor = self._opened(name)
        fault = self._fault(lambda: os.fstat(descriptor), size)
        if fault is not None:
            os.close(descriptor)
            raise fault
        return descriptor

    def open_shared(self, name: str, size: int) -> int:
        """As `open`, whoever has another name of it: for those who compare the digest."""
        try:
            return self.open(name, size)
        except Shared:
            return self._opened(name)

    def fault(self, name: str, size: int, within: int) -> Damaged | None:
        """How what lies there differs from a blob of this size, without opening it."""
        return self._fault(lambda: os.stat(name, dir_fd=within, follow_symlinks=False), size)

    def _opened(self, name: str) -> int:
        with posix.folder(self.folder_of(name)) as within:
            try:
                return os.open(name, READ_FLAGS, dir_fd=within)
            except OSError as error:
                if error.errno in _NOT_ITS_FAULT:
                    raise
                raise Damaged(f"it cannot be opened: {error.strerror}") from error

    def _fault(self, look: Callable[[], os.stat_result], size: int) -> Damaged | None:
        found = look()
        if not stat.S_ISREG(found.st_mode):
            return Damaged("it is not an ordinary file")
        if found.st_size != size:
            return Damaged(f"it has {found.st_size:,} bytes instead of {size:,}")
        # Its other name may have gone while we looked for it.
        if found.st_nlink > 1 and not self._is_settling(found) and look().st_nlink > 1:
            return Shared(f"it has {found.st_nlink} names, so somebody else may change it")
        return None

    def _is_settling(self, found: os.stat_result) -> bool:
        """What has just come in has the name of before as well, until it is let go of."""
        return found.st_nlink == 2 and any(  # noqa: PLR2004 - its own name, and that of before
            entry.inode() == found.st_ino for folder in self._before for entry in _entries(folder)
        )

    def holds_any(self) -> bool:
        """Is there a blob, whatever it is of?"""
        return any(blob.sound for blob in self.all())

    def all(self, fans: Sequence[str] = FAN_OUT) -> Iterator[Blob]:
        """Everything that lies in these folders, sorted by name within each."""
        for fan in fans:
            try:
                # Of many folders that are empty a path each would take longer than to look.
                with os.scandir(f"{self.path}/{fan}") as entries:
                    found = sorted(entries, key=lambda entry: entry.name)
            except (FileNotFoundError, NotADirectoryError):
                continue
            yield from (_blob(fan, entry) for entry in found)


def _entries(folder: Path) -> "Iterator[os.DirEntry[str]]":
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        yield from entries


def _blob(fan: str, entry: "os.DirEntry[str]") -> Blob:
    status = entry.stat(follow_symlinks=False)
    named_right = _NAME.fullmatch(entry.name) is not None and entry.name.startswith(fan)
    sound = named_right and stat.S_ISREG(status.st_mode)
    half_placed = _HALF_PLACED.fullmatch(entry.name) is not None
    return Blob(entry.name, status.st_size, status.st_ctime, sound, half_placed)
