"""Disks for tests: a small one that can be filled, and one that turns read-only under the program.

The kernel refuses to make a disk read-only while a file on it is open for writing, unless the disk
itself has failed. What that looks like is made of two parts: another mount, read-only, lies over the
folder, for all that is opened from then on; and strace lets writes to the files that the program
has open fail with EROFS.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tracing import attached

WRITES = "write,pwrite64,ftruncate,fallocate,fsync,fdatasync"


def must(*command: str) -> str:
    """What it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(
            f"`{' '.join(command)}` failed: {done.stderr.strip()}."
            " These tests need root and the right to mount; a container needs CAP_SYS_ADMIN."
        )
    return done.stdout


@contextmanager
def small_disk(folder: Path, size: int, files: int) -> Iterator[Path]:
    folder.mkdir()
    options = f"size={size},nr_inodes={files},mode=700"
    must("mount", "-t", "tmpfs", "-o", options, "noclobber", str(folder))
    try:
        yield folder
    finally:
        must("umount", "--lazy", str(folder))


def free(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def fill(folder: Path, leave: int) -> Path:
    """Takes all the room but so much."""
    filler = folder / "filler"
    with filler.open("ab") as file:
        while (more := free(folder) - leave) > 0:
            os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, more)
    return filler


@contextmanager
def frozen(folder: Path) -> Iterator[None]:
    """Read-only for all that is opened from now on."""
    must("mount", "--bind", str(folder), str(folder))
    try:
        must("mount", "-o", "remount,bind,ro", str(folder))
        yield
    finally:
        must("umount", "--lazy", str(folder))


@contextmanager
def read_only(folder: Path, pid: int, open_files: Sequence[Path]) -> Iterator[None]:
    """Read-only also for what the program has open."""
    paths = [option for file in open_files for option in ("-P", str(file))]
    faults = ["-e", f"trace={WRITES}", "-e", f"inject={WRITES}:error=EROFS"]
    with frozen(folder), attached(pid, *paths, *faults, into=Path(os.devnull)):
        yield
