"""While somebody copies the blobs, nobody removes any. Held by the kernel, so a crash lets go."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

_NAME = "copying.lock"


@contextlib.contextmanager
def copying(data: Path) -> Iterator[None]:
    """Waits until no removal is under way, then holds off the next. Many may copy at once."""
    descriptor = _open_unless_frozen(data)
    if descriptor is None:
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def removing(data: Path) -> Iterator[bool]:
    """Whether bytes may be removed now: False while somebody copies."""
    descriptor = _open(data)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _open_unless_frozen(data: Path) -> int | None:
    """None: nobody can remove anything there, nor make this file."""
    try:
        return _open(data)
    except OSError as error:
        if error.errno == errno.EROFS:
            return None
        raise


def _open(data: Path) -> int:
    """To be locked, it need not be written: it is there on a disk that has become read-only."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        made = os.open(data / _NAME, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(data / _NAME, flags)
    if os.geteuid() == 0:
        # A backup that root makes must not shut out the server, as SQLite takes care of its files.
        folder = data.stat()
        os.fchown(made, folder.st_uid, folder.st_gid)
    return made
