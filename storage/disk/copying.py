"""Bytes copied to a file of their own, and compared on the way."""

import io
import os
from pathlib import Path

from storage.disk import posix
from storage.disk.blobfolder import Damaged
from storage.disk.hashing import Hasher

_PIECE = 1024 * 1024


def copy(source: int, target: Path, size: int, algorithm: str) -> str:
    """Into a new read-only file, which is synced; closes the source. Returns the digest.

    :raises Damaged: the disk does not give them back.
    """
    hasher = Hasher(algorithm)
    with os.fdopen(source, "rb", buffering=0) as file:
        descriptor = os.open(target, posix.NEW_FILE, 0o400)
        try:
            posix.allocate(descriptor, size)
            while piece := _read(file):
                hasher.update(piece)
                posix.write_all(descriptor, piece)
            posix.sync(descriptor)
        finally:
            os.close(descriptor)
    return hasher.digest()


def _read(file: io.FileIO) -> bytes:
    try:
        return file.read(_PIECE)
    except OSError as error:
        raise Damaged(f"they cannot be read: {error.strerror}") from error
