"""Disks for tests: a small one that can be filled, and one that turns read-only under the program.

The kernel refuses to make a disk read-only while a file on it is open for writing, unless the disk
itself has failed. What that looks like is made of two parts: another mount, read-only, lies over the
folder, for all that is opened from then on; and strace lets writes to the files that the program
has open fail with EROFS.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

ATTACHED_WITHIN = 10.0


def must(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(
            f"`{' '.join(command)}` failed: {done.stderr.strip()}."
            " These tests need root and the right to mount; a container needs CAP_SYS_ADMIN."
        )


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
def read_only(folder: Path, pid: int, open_files: Sequence[Path]) -> Iterator[None]:
    must("mount", "--bind", str(folder), str(folder))
    try:
        must("mount", "-o", "remount,bind,ro", str(folder))
        with failing_writes(pid, open_files):
            yield
    finally:
        must("umount", "--lazy", str(folder))


@contextmanager
def failing_writes(pid: int, files: Sequence[Path]) -> Iterator[None]:
    calls = "write,pwrite64,ftruncate,fallocate,fsync,fdatasync"
    paths = [option for file in files for option in ("-P", str(file))]
    faults = ["-e", f"trace={calls}", "-e", f"inject={calls}:error=EROFS"]
    tracing = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(pid), *paths, *faults],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until_traced(pid, tracing)
        yield
    finally:
        tracing.send_signal(signal.SIGINT)
        tracing.communicate()


def wait_until_traced(pid: int, tracing: "subprocess.Popen[str]") -> None:
    """All threads: a trace of some would let the others write."""
    until = time.monotonic() + ATTACHED_WITHIN
    while not all(is_traced(thread, tracing.pid) for thread in Path(f"/proc/{pid}/task").iterdir()):
        if tracing.poll() is not None or time.monotonic() > until:
            tracing.kill()
            said = tracing.communicate()[1]
            pytest.fail(f"strace does not get hold of the server: {said}")
        time.sleep(0.01)


def is_traced(thread: Path, by: int) -> bool:
    return f"TracerPid:\t{by}\n" in (thread / "status").read_text()
