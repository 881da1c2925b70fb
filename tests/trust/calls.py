"""System calls of a process of ours, each held before it happens: it goes on, fails, or is the last.

A seccomp filter in the child hands its calls to this process (seccomp_unotify(2)); that takes no
rights, no compiler and no tracer, and 15 microseconds a call. Linux alone has it.
"""

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from tests.rootless import bind_by_modes
from tests.trust.numbers import NUMBERS

# What changes something that a crash can meet. Other calls leave the disk as it was.
CHANGES = frozenset(
    {"write", "pwrite64", "writev", "ftruncate", "fallocate", "fsync", "fdatasync", "openat"}
    | {"link", "linkat", "unlink", "unlinkat", "rename", "renameat", "renameat2"}
    | {"mkdir", "mkdirat", "rmdir", "fchmod", "chmod", "fchmodat"}
)
LOOKS = frozenset({"read", "pread64", "flock", "newfstatat", "getdents64", "statfs"})
OF_FILE = frozenset(
    {"read", "write", "pread64", "pwrite64", "writev", "ftruncate", "fallocate", "fsync"}
    | {"fdatasync", "fchmod", "flock", "getdents64"}
)
# Which arguments are folder and path of what comes to be, or goes; None: the path alone.
PATHS: Mapping[str, tuple[int | None, int]] = {
    "openat": (0, 1),
    "newfstatat": (0, 1),
    "mkdirat": (0, 1),
    "unlinkat": (0, 1),
    "fchmodat": (0, 1),
    "linkat": (2, 3),
    "renameat": (2, 3),
    "renameat2": (2, 3),
    "link": (None, 1),
    "rename": (None, 1),
    "unlink": (None, 0),
    "mkdir": (None, 0),
    "rmdir": (None, 0),
    "chmod": (None, 0),
    "statfs": (None, 0),
}
SOURCES: Mapping[str, tuple[int | None, int]] = {
    "linkat": (0, 1),
    "renameat": (0, 1),
    "renameat2": (0, 1),
    "link": (None, 0),
    "rename": (None, 0),
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_LOAD, _EQUALS, _GREATER, _RETURN = 0x20, 0x15, 0x25, 0x06
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_NO_NEW_PRIVILEGES, _NEW_LISTENER, _LET_GO_ON = 38, 8, 1
LARGEST_WORD = 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Fail:
    """The call returns this error, and nothing happens."""

    number: int


@dataclass(frozen=True, slots=True)
class GoOn:
    pass


@dataclass(frozen=True, slots=True)
class Half:
    """A write takes half of what it was given."""


@dataclass(frozen=True, slots=True)
class Kill:
    """kill -9, before the call."""


Fate = GoOn | Fail | Half | Kill
GO_ON = GoOn()


@dataclass(frozen=True)
class Call:
    """`thread` has asked for it, and waits. `said`: all that the process has said before."""

    id: int
    thread: int
    name: str
    arguments: tuple[int, ...]
    said: list[list[Any]]

    @cached_property
    def place(self) -> str:
        """The path that it is about; of a file that has no name yet, what the kernel calls it."""
        if self.name in OF_FILE:
            return self.path_of(self.arguments[0])
        return self._path(*PATHS[self.name])

    @cached_property
    def source(self) -> str:
        return self._path(*SOURCES[self.name])

    @property
    def changes(self) -> bool:
        if self.name == "openat":
            return bool(self.arguments[2] & WRITING)
        return self.name in CHANGES

    def path_of(self, descriptor: int) -> str:
        try:
            return str(Path(f"/proc/{self.thread}/fd/{descriptor}").readlink())
        except OSError:
            return ""

    def memory(self, address: int, count: int) -> bytes:
        descriptor = os.open(f"/proc/{self.thread}/mem", os.O_RDONLY)
        try:
            return os.pread(descriptor, count, address)
        except OSError:
            return b""
        finally:
            os.close(descriptor)

    def _path(self, folder: int | None, path: int) -> str:
        at = self.arguments[path]
        named = self.memory(at, 4096) or self.memory(at, 4096 - at % 4096)
        text = os.fsdecode(named.partition(b"\0")[0])
        if folder is None or text.startswith("/"):
            return text
        within = ctypes.c_int(self.arguments[folder]).value
        return f"{self.path_of(within)}/{text}" if within >= 0 else text


class Judge(Protocol):
    """`names`: of the calls that it is asked about; all others go on, and cost nothing."""

    @property
    def names(self) -> frozenset[str]: ...

    def __call__(self, call: Call) -> Fate: ...


@dataclass(frozen=True)
class Onlooker:
    """Is told of each call, and lets it go on."""

    names: frozenset[str]
    tell: Callable[[Call], None]

    def __call__(self, call: Call) -> Fate:
        self.tell(call)
        return GO_ON


def no_clock() -> int:
    return 0


class Voice:
    """What the child says, past the filter: of what it said before a kill nothing is lost.

    `clock`: says when it was said, for who wants to know.
    """

    def __init__(self, wire: socket.socket, clock: Callable[[], int]) -> None:
        self._wire = wire
        self._clock = clock

    def say(self, *words: Any) -> None:
        self._wire.send(json.dumps([self._clock(), *words]).encode())


@dataclass
class Ended:
    """How the child ended: `code` is 0, or -9 after a kill. `held`: how many calls were judged.
    `at`: when each thing was said.
    """

    said: list[list[Any]] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    code: int = 0
    hung: bool = False
    held: int = 0


def apart(
    work: Callable[[Voice], None], within: float = 60.0, clock: Callable[[], int] = no_clock
) -> Ended:
    """Does the work in a process of its own, with nothing in its way."""
    return watched(work, None, within, clock)


def watched(
    work: Callable[[Voice], None],
    judge: Judge | None,
    within: float = 60.0,
    clock: Callable[[], int] = no_clock,
) -> Ended:
    """Does the work in a process of its own, whose calls are judged."""
    if not NUMBERS:
        raise NotImplementedError("On this processor the calls of a process cannot be held yet.")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if child == 0:
        ours.close()
        _be_watched(work, theirs, clock, judge.names if judge else None)
    theirs.close()
    with ours:
        listener = socket.recv_fds(ours, 1, 1)[1][0] if judge else None
        try:
            return _Watch(child, ours, listener, judge).until_it_ends(within)
        finally:
            if listener is not None:
                os.close(listener)


def _be_watched(
    work: Callable[[Voice], None],
    wire: socket.socket,
    clock: Callable[[], int],
    names: frozenset[str] | None,
) -> None:
    code, voice = 1, Voice(wire, clock)
    try:
        bind_by_modes()
        if names is not None:
            listener = _filter(names)
            socket.send_fds(wire, [b"listen"], [listener])
            os.close(listener)
        work(voice)
        code = 0
    except BaseException:  # noqa: BLE001 - told, and the process ends
        with contextlib.suppress(OSError):
            voice.say("broke", traceback.format_exc())
    finally:
        os._exit(code)


def _filter(names: frozenset[str]) -> int:
    steps = [(_LOAD, 0, 0, 0)]
    for name in names & NUMBERS.keys():
        if name in {"write", "read"}:
            # Not the standard streams: what is logged is no change of ours.
            steps += [(_EQUALS, 0, 4, NUMBERS[name]), (_LOAD, 0, 0, 16), (_GREATER, 0, 1, 2)]
            steps += [(_RETURN, 0, 0, _NOTIFY), (_RETURN, 0, 0, _ALLOW)]
        else:
            steps += [(_EQUALS, 0, 1, NUMBERS[name]), (_RETURN, 0, 0, _NOTIFY)]
    steps.append((_RETURN, 0, 0, _ALLOW))
    packed = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in steps))
    program = struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(packed))
    _libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    listener = int(_libc.syscall(NUMBERS["seccomp"], 1, _NEW_LISTENER, program))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "This kernel lets no process judge the calls of another")
    return listener


class _Watch:
    def __init__(
        self, child: int, wire: socket.socket, listener: int | None, judge: Judge | None
    ) -> None:
        self._child, self._wire, self._listener, self._judge = child, wire, listener, judge
        self._names = {number: name for name, number in NUMBERS.items()}
        self._ended = Ended()

    def until_it_ends(self, within: float) -> Ended:
        deadline = time.monotonic() + within
        poll = select.poll()
        poll.register(self._wire, select.POLLIN)
        if self._listener is not None:
            poll.register(self._listener, select.POLLIN)
        while True:
            events = dict(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
            if not events:
                self._ended.hung = True
                os.kill(self._child, signal.SIGKILL)
                break
            # What was said comes first: it was said before the call that waits.
            if self._wire.fileno() in events:
                if not self._hear():
                    break
            elif events.get(self._listener or -1, 0) & select.POLLIN and not self._hold():
                break
        return self._gone()

    def _gone(self) -> Ended:
        _, status = os.waitpid(self._child, 0)
        while self._hear():
            pass
        self._ended.code = os.waitstatus_to_exitcode(status)
        return self._ended

    def _hear(self) -> bool:
        try:
            words = self._wire.recv(LARGEST_WORD)
        except ConnectionError:
            return False
        if words:
            at, *said = json.loads(words)
            self._ended.said.append(said)
            self._ended.at.append(at)
        return bool(words)

    def _hold(self) -> bool:
        """False: it was its last."""
        assert self._listener is not None
        assert self._judge is not None
        asked = bytearray(80)
        try:
            fcntl.ioctl(self._listener, _RECEIVE, asked, True)  # noqa: FBT003
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.EINTR}:
                return True
            raise
        id_, thread, _, number, _, _, *arguments = struct.unpack("QIIiIQ6Q", asked)
        call = Call(id_, thread, self._names[number], tuple(arguments), self._ended.said)
        self._ended.held += 1
        match self._judge(call):
            case GoOn():
                self._answer(call, 0, 0, _LET_GO_ON)
            case Fail(wrong):
                self._answer(call, 0, -wrong, 0)
            case Half():
                self._answer(call, _written_by_half(call), 0, 0)
            case Kill():
                os.kill(self._child, signal.SIGKILL)
                return False
        return True

    def _answer(self, call: Call, value: int, wrong: int, flags: int) -> None:
        assert self._listener is not None
        # Whoever asked may be gone meanwhile.
        with contextlib.suppress(FileNotFoundError):
            fcntl.ioctl(self._listener, _SEND, struct.pack("QqiI", call.id, value, wrong, flags))


def _written_by_half(call: Call) -> int:
    descriptor, address, count, at, *_ = call.arguments
    data = call.memory(address, max(1, count // 2))
    with borrowed(call, descriptor) as ours:
        return os.pwrite(ours, data, at) if call.name == "pwrite64" else os.write(ours, data)


@contextlib.contextmanager
def borrowed(call: Call, descriptor: int) -> Iterator[int]:
    """The same open file as one of theirs."""
    process = int(_libc.syscall(NUMBERS["pidfd_open"], _process_of(call.thread), 0))
    ours = int(_libc.syscall(NUMBERS["pidfd_getfd"], process, descriptor, 0))
    os.close(process)
    if ours < 0:
        raise OSError(ctypes.get_errno(), "cannot borrow a descriptor")
    try:
        yield ours
    finally:
        os.close(ours)


def _process_of(thread: int) -> int:
    status = Path(f"/proc/{thread}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("Tgid:"))
