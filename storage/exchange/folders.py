"""Plain folders outside the data folder: finds and reads what is in one, fills another.

Knows the file system only: no rule, and nothing of how files rest inside the data folder.
"""

import asyncio
import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from storage.disk import posix
from uploads.files import LATEST

PIECE = 1 << 20
# Of Linux, in bytes. No tree is walked deeper, as none of its paths could be opened at once.
LONGEST_PATH = 4096
# What an export is writing, until it has its own name.
COMING = re.compile(r"\.coming-[0-9a-f]{32}")
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS}
NO_FILES = {
    stat.S_IFLNK: "is a symbolic link, which is not followed",
    stat.S_IFIFO: "is a named pipe, not a file",
    stat.S_IFSOCK: "is a socket, not a file",
    stat.S_IFCHR: "is a device, not a file",
    stat.S_IFBLK: "is a device, not a file",
}


class SourceChanged(Exception):
    """A file of the folder was written to while it was read."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file below the folder that is read. `names` lead to it, as they are spelled on the disk."""

    names: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class FoundFolder:
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that cannot be taken in, whatever its name. `why` goes on after "it"."""

    names: tuple[str, ...]
    why: str


Found = FoundFile | FoundFolder | LeftOut


def found_in(root: int) -> Iterator[Found]:
    """All that is below an open folder, each folder before its contents, in the order of names.

    A symbolic link is reported and never followed: it may lead anywhere.
    """
    under_way = [iter(_directly_in(root, ()))]
    while under_way:
        found = next(under_way[-1], None)
        if found is None:
            under_way.pop()
            continue
        yield found
        if isinstance(found, FoundFolder):
            under_way.append(iter(_directly_in(root, found.names)))


def _directly_in(root: int, names: tuple[str, ...]) -> list[Found]:
    try:
        with _below(root, names) as folder, os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
            return [_found((*names, entry.name), entry) for entry in entries]
    except OSError as error:
        return [LeftOut(names, f"cannot be listed: {error.strerror}")]


@contextlib.contextmanager
def _below(root: int, names: tuple[str, ...]) -> Iterator[int]:
    """The folder to which the names lead, each opened in the one before it.

    So nobody who may write there can lead us out, by a link in the place of a folder.
    """
    if len(os.fsencode("/".join(names))) >= LONGEST_PATH:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    folder = os.dup(root)
    try:
        for name in names:
            above, folder = folder, posix.open_folder(name, folder)
            os.close(above)
        yield folder
    finally:
        os.close(folder)


def _found(names: tuple[str, ...], entry: "os.DirEntry[str]") -> Found:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        return LeftOut(names, f"cannot be looked at: {error.strerror}")
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        return FoundFolder(names)
    if kind == stat.S_IFREG:
        return FoundFile(names, status.st_size)
    return LeftOut(names, NO_FILES.get(kind, "is not a regular file"))


@dataclass(frozen=True, slots=True)
class Source:
    """An open file of the folder that is read."""

    descriptor: int
    status: os.stat_result

    @property
    def size(self) -> int:
        return self.status.st_size

    @property
    def modified(self) -> float | None:
        """None where no date can name it: some file systems keep 64 bits of seconds."""
        moment = self.status.st_mtime
        return moment if 0 <= moment <= LATEST else None

    async def pieces(self, report: Callable[[int], None]) -> AsyncIterator[bytes]:
        """:raises SourceChanged: what was read is not one state of the file."""
        left = self.size
        while left and (piece := await asyncio.to_thread(os.read, self.descriptor, PIECE)):
            left = max(0, left - len(piece))
            report(len(piece))
            yield piece
        now = os.fstat(self.descriptor)
        if (now.st_size, now.st_mtime_ns) != (self.status.st_size, self.status.st_mtime_ns):
            raise SourceChanged


@contextlib.contextmanager
def opened(root: int, names: tuple[str, ...]) -> Iterator[Source]:
    """Opens a file that `found_in` found. Never follows a link, never waits for a pipe.

    :raises SourceChanged: it is no file any more.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with _below(root, names[:-1]) as folder:
        descriptor = os.open(names[-1], flags, dir_fd=folder)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SourceChanged
        yield Source(descriptor, status)
    finally:
        os.close(descriptor)


class Target:
    """The folder that an export fills. It is new or empty, so that nothing there is overwritten.

    Until a file is whole and synced it has a name that is ours alone; no crash leaves half of one
    under its own. What was left so by an export that found no end goes when the next begins here.
    """

    def __init__(self, folder: Path) -> None:
        """:raises FileExistsError: something is in it. :raises NotADirectoryError: it is a file."""
        folder.mkdir(parents=True, exist_ok=True)
        left = list(folder.iterdir())
        if not all(COMING.fullmatch(one.name) for one in left):
            raise FileExistsError(folder)
        for one in left:
            one.unlink()
        self._folder = folder
        self._made: list[tuple[Path, float | None]] = [(folder, None), (folder.parent, None)]

    def make_folder(self, parts: tuple[str, ...], modified: float) -> None:
        made = self._folder.joinpath(*parts)
        made.mkdir()
        self._made.append((made, modified))

    async def write(
        self, parts: tuple[str, ...], pieces: AsyncIterator[bytes], modified: float
    ) -> None:
        """Writes a file whole and syncs it, or leaves none.

        :raises FileExistsError: on this disk two names are one (a disk that ignores case).
        """
        path = self._folder.joinpath(*parts)
        _require_free(path)
        coming = self._folder / f".coming-{secrets.token_hex(16)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(coming, flags, 0o644)
        try:
            try:
                async for piece in pieces:
                    await asyncio.to_thread(posix.write_all, descriptor, piece)
                os.utime(descriptor, (modified, modified))
                await asyncio.to_thread(posix.sync, descriptor)
            finally:
                os.close(descriptor)
            _name(coming, path)
        finally:
            coming.unlink(missing_ok=True)

    def sync(self) -> None:
        """At the end: gives the folders their times, and makes all names in them durable."""
        for folder, modified in self._made:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                if modified is not None:
                    os.utime(descriptor, (modified, modified))
                posix.sync(descriptor)
            finally:
                os.close(descriptor)


def _require_free(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _name(coming: Path, path: Path) -> None:
    """:raises FileExistsError: it is somebody's already."""
    try:
        os.link(coming, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # FAT: to rename replaces what is there, but in this folder all others are ours.
        _require_free(path)
        coming.rename(path)
