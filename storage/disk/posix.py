"""What the system offers for files that must not be lost: files without a name, links, syncs.

Knows nothing of contents. Everything here may block, and belongs into a thread.
"""

import contextlib
import errno
import fcntl
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

# macOS: fsync only reaches the drive's own cache, this reaches the platter.
_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)
NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
LASTING_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_UNNAMED_FILES = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT, errno.EPERM}
_NO_ALLOCATION = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}


def sync(descriptor: int) -> None:
    """Makes a file or folder durable. Never try again when it failed: a second try lies."""
    if _FULL_SYNC is not None and not stat.S_ISDIR(os.fstat(descriptor).st_mode):
        fcntl.fcntl(descriptor, _FULL_SYNC)
    else:
        os.fsync(descriptor)


def sync_folder(path: Path) -> None:
    with folder(path) as descriptor:
        sync(descriptor)


def sync_above(path: Path) -> None:
    """The name of a folder. Where the one above may be entered and not read, somebody else made it:
    it cannot be synced, and need not.
    """
    with contextlib.suppress(PermissionError):
        sync_folder(path.resolve().parent)


@contextlib.contextmanager
def folder(path: str | Path, within: int | None = None) -> Iterator[int]:
    """A descriptor of a folder that is not a symbolic link."""
    descriptor = open_folder(path, within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_folder(path: str | Path, within: int | None = None) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=within)


def write_all(descriptor: int, data: bytes | bytearray | memoryview) -> None:
    """A write may take less than it was given; this one takes all."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def start_writing(descriptor: int, start: int, end: int) -> None:
    """Begins to write to the disk what is only in memory, and does not wait. A hint: `sync` counts.

    Linux does so when told that the pages are not needed soon, and keeps them as they are dirty.
    """
    if sys.platform == "linux":
        os.posix_fadvise(descriptor, start, end - start, os.POSIX_FADV_DONTNEED)


def allocate(descriptor: int, size: int) -> None:
    """Reserves the room now, so that a full disk shows before the first byte is taken in."""
    if sys.platform == "darwin" or not size:
        return
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in _NO_ALLOCATION:
            raise


def replace_file(path: Path, data: bytes) -> None:
    """The whole new text of a private file, or the whole old one, whatever happens meanwhile."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, NEW_FILE, 0o600)
    try:
        try:
            os.fchmod(descriptor, 0o600)
            write_all(descriptor, data)
            sync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


class Sheet(Protocol):
    """A file that nobody can find yet."""

    @property
    def descriptor(self) -> int: ...

    def link(self, name: str, within: int) -> None:
        """Gives it a name that was free. :raises FileExistsError: it was not."""

    def close(self) -> None:
        """Lets go of it: without a link it is gone."""


class Sheets(Protocol):
    """Where such files come from. `links`: how many names one has that is linked."""

    links: int

    def new(self) -> Sheet: ...


class UnnamedSheet:
    """O_TMPFILE: it has no name, so a crash leaves no litter."""

    def __init__(self, folder: Path) -> None:
        self.descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)

    def link(self, name: str, within: int) -> None:
        # With a folder given this is linkat with AT_SYMLINK_FOLLOW, which can name the unnamed.
        os.link(f"/proc/self/fd/{self.descriptor}", name, dst_dir_fd=within)

    def close(self) -> None:
        os.close(self.descriptor)


class NamedSheet:
    """Where the system knows no files without a name: a random one in a private folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / secrets.token_hex(16)
        self.descriptor = os.open(self._path, NEW_FILE, 0o600)

    def link(self, name: str, within: int) -> None:
        os.link(self._path, name, dst_dir_fd=within, follow_symlinks=False)

    def close(self) -> None:
        os.close(self.descriptor)
        self._path.unlink(missing_ok=True)


class LastingSheet:
    """Under a name of its own, which it keeps when it is closed: whoever made it takes it away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.descriptor = os.open(path, LASTING_FILE, 0o600)

    def link(self, name: str, within: int) -> None:
        os.link(self._path, name, dst_dir_fd=within, follow_symlinks=False)

    def close(self) -> None:
        os.close(self.descriptor)


class UnnamedSheets:
    links = 1

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new(self) -> Sheet:
        return UnnamedSheet(self._folder)


class NamedSheets:
    links = 2

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new(self) -> Sheet:
        return NamedSheet(self._folder)


def sheets(blobs: Path, staging: Path) -> Sheets:
    """The best that this file system can do, found out by trying."""
    return UnnamedSheets(blobs) if can_link_unnamed(blobs) else NamedSheets(staging)


def can_link_unnamed(where: Path) -> bool:
    if not hasattr(os, "O_TMPFILE"):
        return False
    name = f".probe-{secrets.token_hex(8)}"
    try:
        sheet = UnnamedSheet(where)
    except OSError as error:
        return error.errno not in _NO_UNNAMED_FILES
    try:
        with folder(where) as within:
            sheet.link(name, within)
            os.unlink(name, dir_fd=within)
    except OSError as error:
        return error.errno not in _NO_UNNAMED_FILES
    finally:
        sheet.close()
    return True
