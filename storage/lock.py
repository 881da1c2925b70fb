"""One process owns a data folder, which is ours, on a disk of this machine. Opens no index."""

import fcntl
import os
import pwd
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

NAME = "lock"
INDEX = "index.sqlite"
FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
MOUNTS = Path("/proc/self/mountinfo")
LONGEST_NOTE = 100
PATIENCE = 0.3
PAUSE = 0.02
# Of FAT, on which a backup may lie. A clock that stands for longer is waited for by nobody.
_LONGEST_STEP = 2.0

# File systems whose locks and syncs end on another machine, or promise nothing.
NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "glusterfs", "gpfs", "lustre", "ncpfs"}
    | {"nfs", "nfs3", "nfs4", "orangefs", "smb", "smb2", "smb3", "smbfs", "virtiofs", "vboxsf"}
)
# FUSE file systems that rest on a disk of this machine; any other may be anywhere.
LOCAL_FUSE = frozenset({"fuseblk", "fuse.ntfs-3g", "fuse.exfat", "fuse.fuse-overlayfs"})


class NotOwned(Exception):
    """The data folder cannot be ours. The text is for the operator: why, and what to do."""


class Held(Exception):
    """Another process has the folder. The text names it."""


@dataclass(slots=True)
class Owned:
    """The folder is ours until `release`, or until this process ends in whatever way.

    `untidy`: somebody had it before and did not release it, so that something may be left over.
    Whoever has put that in order sets it to False; until then those who come later are told too.
    The folder itself is locked: a file in it may be taken for a leftover, and removed.
    """

    folder: Path
    place: int
    note: int
    untidy: bool

    @property
    def since(self) -> float:
        """By the clock of the file system."""
        return os.fstat(self.note).st_mtime

    def release(self) -> None:
        if not self.untidy:
            os.ftruncate(self.note, 0)
        os.close(self.note)
        os.close(self.place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def own(folder: Path) -> Owned:
    """The kernel drops the lock with the process, so what a crash leaves behind blocks nobody.

    :raises NotOwned: another process has the folder, or it is on a network file system.
    """
    require_local(folder)
    try:
        return hold(folder)
    except Held as held:
        raise NotOwned(
            f"The data folder {folder} is in use by {held}. Stop that one first, or start this one"
            " with another folder (--data)."
        ) from None


def hold(folder: Path) -> Owned:
    """Any folder, on any disk that has locks. :raises Held: another process has it."""
    with ExitStack() as opened:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        opened.callback(os.close, place)
        try:
            _lock(place)
            note, untidy = _note(folder, place)
            opened.callback(os.close, note)
            # Of a server of before 27 November 2026, which locked this alone.
            _lock(note)
        except BlockingIOError:
            raise Held(_holder(place)) from None
        os.ftruncate(note, 0)
        _sign(note)
        if untidy:
            _let_time_pass(note)
        opened.pop_all()
    return Owned(folder, place, note, untidy)


def _note(folder: Path, place: int) -> tuple[int, bool]:
    """And whether somebody ended without emptying it. Who has removed it has told nothing."""
    try:
        try:
            note = os.open(NAME, FLAGS, dir_fd=place)
        except FileNotFoundError:
            return os.open(NAME, FLAGS | os.O_CREAT, 0o600, dir_fd=place), has_store(folder)
    except OSError as error:
        # By itself the name says nothing of where.
        raise OSError(error.errno, error.strerror, str(folder / NAME)) from error
    return note, os.fstat(note).st_size > 0


def _sign(descriptor: int) -> None:
    os.pwrite(descriptor, f"{os.getpid()} {int(time.time())}\n".encode(), 0)


def _let_time_pass(descriptor: int) -> None:
    """The clock of a file system goes in steps of some milliseconds: what was placed in this one
    may be of whoever had the folder before, and has to be older than we.
    """
    began, until = os.fstat(descriptor).st_mtime_ns, time.monotonic() + _LONGEST_STEP
    while os.fstat(descriptor).st_mtime_ns == began and time.monotonic() < until:
        _sign(descriptor)


def has_store(folder: Path) -> bool:
    """An index without bytes is none."""
    index = folder / INDEX
    return index.is_file() and index.stat().st_size > 0


def require_ours(folder: Path) -> None:
    """What root or another user writes into a store, its server cannot read.

    Where nothing is stored yet, a folder of root's may be one that root has made for others.

    :raises NotOwned: the folder, or the store in it, belongs to another user.
    """
    place = folder / INDEX if has_store(folder) else folder
    if not place.exists():
        return
    owner = place.stat().st_uid
    if owner == os.geteuid() or (owner == 0 and place == folder):
        return
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"'#{owner}'"
    raise NotOwned(
        f"The data folder {folder} belongs to the user {name}. Run the command as that user:"
        f" sudo -u {name} ... (of a service: see docs/operating.md)"
    )


def require_local(folder: Path) -> None:
    """:raises NotOwned: the folder is on a network file system."""
    kind = file_system(folder)
    if kind is not None and _is_remote(kind):
        raise NotOwned(
            f"The data folder {folder} is on a network file system ({kind}), where neither"
            " locks nor syncs can be trusted. Choose a folder on a disk of this machine (--data)."
        )


def file_system(folder: Path) -> str | None:
    """The type of the file system of a folder; None where the kernel does not tell."""
    try:
        lines = MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    device = folder.stat().st_dev
    mine = f"{os.major(device)}:{os.minor(device)}"
    place = folder.resolve()
    above = [mount for mount in map(_mount, lines) if place.is_relative_to(mount.point)]
    # Btrfs gives its parts devices of their own: then the deepest mount point decides. Of several
    # mounts on one point the last covers the others.
    ranked = sorted(above, key=lambda mount: (mount.device == mine, len(mount.point.parts)))
    return ranked[-1].kind if ranked else None


@dataclass(frozen=True, slots=True)
class _Mount:
    device: str
    point: Path
    kind: str


def _mount(line: str) -> _Mount:
    """A line of mountinfo, proc(5): id, parent, device, root, mount point, ..., "-", type, ..."""
    fields, _, rest = line.partition(" - ")
    _, _, device, _, point, *_ = fields.split(" ")
    return _Mount(device, Path(_unescaped(point)), rest.split(" ")[0])


def _is_remote(kind: str) -> bool:
    return kind in NETWORK or (kind.startswith("fuse") and kind not in LOCAL_FUSE)


def _unescaped(point: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, character)
    return point


def _lock(descriptor: int) -> None:
    """:raises BlockingIOError: another process has it, and keeps it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # A server that was told to stop may be about to let go.
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)
        else:
            return


def _holder(place: int) -> str:
    try:
        note = os.open(NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=place)
    except OSError:
        return "another process"
    try:
        words = os.read(note, LONGEST_NOTE).decode(errors="replace").split()
    finally:
        os.close(note)
    return f"process {words[0]}" if words and words[0].isdecimal() else "another process"
