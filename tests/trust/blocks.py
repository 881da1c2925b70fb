"""A disk that remembers every write and every flush, and can be as it was after any of them.

Served by a process of its own through /dev/fuse (the kernel's own protocol, of which a disk that is
one file needs little), for a loop device to rest on. What a mount writes to what it was is undone
at the next cut.
"""

import contextlib
import ctypes
import fcntl
import json
import mmap
import os
import select
import socket
import stat
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.mounts import must

PAGE = 4096
SECTOR = 512
FLUSH = -1
_MOST = 1 << 17
_HEAD = struct.Struct("IIQQIIIHH")
_REPLY = struct.Struct("IiQ")
_GETATTR, _SETATTR, _OPEN, _READ, _WRITE, _STATFS, _RELEASE = 3, 4, 14, 15, 16, 17, 18
_FSYNC, _FLUSH, _INIT, _ACCESS, _DESTROY = 20, 25, 26, 34, 38
_FORGET, _INTERRUPT, _BATCH_FORGET = 2, 36, 42
_FREEZE, _THAW = 0xC0045877, 0xC0045878
_UNKNOWN = 38  # ENOSYS
_DIRECT = 1

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Cut:
    """After so many entries of the log: of those since the last flush `dropped` never came, and of
    `torn` the first half only, in whole sectors.
    """

    entries: int
    dropped: tuple[int, ...] = ()
    torn: int | None = None
    sector: int = SECTOR


@dataclass
class Log:
    """`entries`: where each write went, or a flush."""

    entries: list[int] = field(default_factory=list)

    def since_flush(self, entries: int) -> range:
        start = entries
        while start and self.entries[start - 1] != FLUSH:
            start -= 1
        return range(start, entries)


class Disk:
    """`place` is the file; `count` says how long the log is, in every process."""

    def __init__(self, image: Path, place: Path) -> None:
        self.place = place
        self._counter = mmap.mmap(-1, PAGE)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        place.touch()
        channel = _fuse()
        options = f"fd={channel},rootmode={stat.S_IFREG:o},user_id=0,group_id=0,allow_other"
        _mount("noclobber", place, "fuse", 0, options)
        self._server = os.fork()
        if self._server == 0:
            self._control.close()
            _serve(image, channel, theirs, self._counter)
        os.close(channel)
        theirs.close()

    def count(self) -> int:
        return int(struct.unpack_from("Q", self._counter)[0])

    def log(self) -> Log:
        """Ends the recording."""
        path = self._ask("end")
        return Log(json.loads(Path(path).read_text(encoding="ascii")))

    def cut(self, cut: Cut) -> None:
        """Cuts come in the order of their entries."""
        self._ask("cut", cut.entries, cut.dropped, cut.torn, cut.sector)

    def close(self) -> None:
        # A process that was forked meanwhile may hold the socket open.
        self._control.send(b'["close"]')
        self._control.close()
        os.waitpid(self._server, 0)
        _libc.umount2(os.fsencode(self.place), 2)

    def _ask(self, *words: object) -> str:
        self._control.send(json.dumps(words).encode())
        return self._control.recv(PAGE).decode()


@contextlib.contextmanager
def loop_on(place: Path) -> Iterator[str]:
    device = must("losetup", "--find", "--show", str(place)).strip()
    try:
        yield device
    finally:
        must("losetup", "--detach", device)


@contextlib.contextmanager
def mounted(device: str, folder: Path, kind: str, options: str) -> Iterator[Path]:
    _mount(device, folder, kind, 0, options)
    try:
        yield folder
    finally:
        _unmount(folder)


def sync_all(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    _libc.syncfs(descriptor)
    os.close(descriptor)


def empty_journal(folder: Path) -> None:
    """As a sync, and all is in its place: no later mount has to play it again."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, _FREEZE, 0)
        fcntl.ioctl(descriptor, _THAW, 0)
    finally:
        os.close(descriptor)


def _fuse() -> int:
    try:
        return os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.fail(
            f"There is no FUSE here: {error}. Power cuts need root, /dev/fuse and loop devices;"
            " a container needs CAP_SYS_ADMIN and both devices."
        )


def _mount(source: str, target: Path, kind: str, flags: int, options: str) -> None:
    words = [os.fsencode(word) for word in (source, str(target), kind)]
    if _libc.mount(*words, ctypes.c_ulong(flags), options.encode()):
        number = ctypes.get_errno()
        raise OSError(number, f"cannot mount {kind}: {os.strerror(number)}")


def _unmount(folder: Path) -> None:
    until = time.monotonic() + 10
    while _libc.umount2(os.fsencode(folder), 0):
        if time.monotonic() > until:
            raise OSError(ctypes.get_errno(), f"cannot unmount {folder}")
        time.sleep(0.01)


def _serve(image: Path, channel: int, control: socket.socket, counter: mmap.mmap) -> None:
    code = 1
    try:
        _Server(image, channel, control, counter).serve()
        code = 0
    finally:
        os._exit(code)


class _Server:
    def __init__(
        self, image: Path, channel: int, control: socket.socket, counter: mmap.mmap
    ) -> None:
        self._image, self._channel = image, channel
        self._control, self._counter = control, counter
        self._size = image.stat().st_size
        self._base = mmap.mmap(-1, self._size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._log: list[tuple[int, bytes]] = []
        self._before: dict[int, bytes] = {}
        self._applied, self._records = 0, True
        _load(image, self._base)

    def serve(self) -> None:
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        poll.register(self._control, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._channel:
                    self._request(os.read(self._channel, _MOST * 2))
                elif not self._command(self._control.recv(1 << 20)):
                    return

    def _command(self, text: bytes) -> bool:
        if not text:
            return False
        match json.loads(text):
            case ["end"]:
                path = self._end()
                self._control.send(str(path).encode())
            case ["cut", *cut]:
                self._cut(Cut(*cut))
                self._control.send(b"cut")
            case _:
                return False
        return True

    def _end(self) -> Path:
        """From here on the log stands; the disk begins anew."""
        self._records = False
        _load(self._image, self._base)
        path = self._image.with_suffix(".log")
        path.write_text(json.dumps([at for at, _ in self._log]), encoding="ascii")
        return path

    def _cut(self, cut: Cut) -> None:
        for at, page in self._before.items():
            self._base[at : at + PAGE] = page
        self._before.clear()
        before = [at for at, _ in self._log[: cut.entries]]
        flushed = Log(before).since_flush(cut.entries).start
        for at, data in self._log[self._applied : flushed]:
            if at != FLUSH:
                self._base[at : at + len(data)] = data
        self._applied = max(self._applied, flushed)
        for number in range(flushed, cut.entries):
            at, data = self._log[number]
            if number == cut.torn:
                data = data[: len(data) // 2 // cut.sector * cut.sector]
            if number not in cut.dropped:
                self._put(at, data)

    def _put(self, at: int, data: bytes) -> None:
        """Until the next cut."""
        for page in range(at - at % PAGE, at + len(data), PAGE):
            if page not in self._before:
                self._before[page] = self._base[page : page + PAGE]
        self._base[at : at + len(data)] = data

    def _write(self, at: int, data: bytes) -> None:
        if self._records:
            self._base[at : at + len(data)] = data
            self._note(at, data)
        else:
            self._put(at, data)

    def _note(self, at: int, data: bytes) -> None:
        self._log.append((at, data))
        struct.pack_into("Q", self._counter, 0, len(self._log))

    def _request(self, request: bytes) -> None:
        _, code, unique, *_ = _HEAD.unpack_from(request)
        asked = request[_HEAD.size :]
        if code in {_FORGET, _BATCH_FORGET, _INTERRUPT}:
            return
        answer = _ANSWERS.get(code)
        reply = answer(self, asked) if answer else b""
        wrong = 0 if answer else -_UNKNOWN
        head = _REPLY.pack(_REPLY.size + len(reply), wrong, unique)
        # Who asked may have been killed meanwhile.
        with contextlib.suppress(FileNotFoundError):
            os.writev(self._channel, (head, reply))

    def _init(self, asked: bytes) -> bytes:
        major, minor, ahead, _ = struct.unpack_from("IIII", asked)
        said = struct.pack(
            "IIIIHHIIHHII", major, min(minor, 31), ahead, 0, 16, 12, _MOST, 1, 0, 0, 0, 0
        )
        return said + bytes(64 - len(said))

    def _attributes(self, _: bytes) -> bytes:
        times = (0,) * 6
        mode = stat.S_IFREG | 0o600
        found = struct.pack(
            "6Q10I",
            1,
            self._size,
            self._size // SECTOR,
            0,
            0,
            0,
            *times[:3],
            mode,
            1,
            0,
            0,
            0,
            PAGE,
            0,
        )
        return struct.pack("QII", 3600, 0, 0) + found

    def _open(self, _: bytes) -> bytes:
        return struct.pack("QIi", 1, _DIRECT, 0)

    def _read_out(self, asked: bytes) -> bytes:
        _, at, count = struct.unpack_from("QQI", asked)
        return self._base[at : at + count]

    def _write_in(self, asked: bytes) -> bytes:
        _, at, count = struct.unpack_from("QQI", asked)
        self._write(at, asked[40 : 40 + count])
        return struct.pack("II", count, 0)

    def _flushed(self, _: bytes) -> bytes:
        if self._records:
            self._note(FLUSH, b"")
        return b""

    def _nothing(self, _: bytes) -> bytes:
        return b""

    def _room(self, _: bytes) -> bytes:
        return struct.pack("5Q4I", 0, 0, 0, 0, 0, PAGE, 255, PAGE, 0) + bytes(24)


_ANSWERS: Mapping[int, Callable[[_Server, bytes], bytes]] = {
    _INIT: _Server._init,
    _GETATTR: _Server._attributes,
    _SETATTR: _Server._attributes,
    _OPEN: _Server._open,
    _READ: _Server._read_out,
    _WRITE: _Server._write_in,
    _FSYNC: _Server._flushed,
    _FLUSH: _Server._nothing,
    _RELEASE: _Server._nothing,
    _ACCESS: _Server._nothing,
    _DESTROY: _Server._nothing,
    _STATFS: _Server._room,
}


def _load(image: Path, base: mmap.mmap) -> None:
    """Only what is there: most of an image is a hole."""
    base.madvise(mmap.MADV_DONTNEED)
    with image.open("rb", buffering=0) as file:
        at = 0
        while at < len(base):
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                return
            end = os.lseek(file.fileno(), at, os.SEEK_HOLE)
            base[at:end] = os.pread(file.fileno(), end - at, at)
            at = end
