"""The system calls of a running program, seen or made to fail by strace."""

import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

ATTACHED_WITHIN = 10.0
LINE = re.compile(r"(?P<thread>\d+) +(?P<text>.*)")
WHOLE = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+|\?)")
BEGUN = re.compile(r"(?P<name>\w+)\((?P<arguments>.*) <unfinished \.\.\.>")
ENDED = re.compile(r"<\.\.\. (?P<name>\w+) resumed>(?P<arguments>.*)\) += (?P<result>-?\d+|\?)")


@dataclass(frozen=True)
class Call:
    """`began` and `ended` are line numbers of the trace: other threads may come in between."""

    name: str
    arguments: str
    result: str
    began: int
    ended: int
    thread: str


# What tells of the order of bytes, names, rows and answers.
ORDERED = (
    *("write", "pwrite64", "writev", "fsync", "fdatasync", "ftruncate"),
    *("link", "linkat", "unlink", "unlinkat", "sendto", "sendmsg", "recvfrom", "recvmsg"),
)


@contextmanager
def traced(pid: int, calls: Sequence[str], into: Path, *options: str) -> Iterator[None]:
    """Writes these calls, with the paths of their descriptors, to a file for `read`."""
    with attached(pid, *_seen(calls), *options, into=into):
        yield


def command(folder: Path) -> list[str]:
    """Runs a program, and writes `ORDERED` to a file of its own in the folder. The program is the
    child of whoever runs this, as ever, so that it can be killed.
    """
    into = folder / f"{uuid4().hex}.trace"
    return ["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o", str(into), *_seen(ORDERED)]


def _seen(calls: Sequence[str]) -> tuple[str, ...]:
    return ("-y", "-s", "160", "-e", f"trace={','.join(calls)}")


@contextmanager
def attached(pid: int, *options: str, into: Path) -> Iterator[None]:
    tracing = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", str(into), "-p", str(pid), *options],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _wait_until_traced(pid, tracing)
        yield
    finally:
        tracing.send_signal(signal.SIGINT)
        tracing.communicate()


def read(trace: Path) -> list[Call]:
    calls: list[Call] = []
    begun: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(trace.read_text().splitlines()):
        thread, text = LINE.fullmatch(line).groups()  # type: ignore[union-attr]
        if found := BEGUN.match(text):
            begun[thread] = (found["arguments"], number)
        elif found := ENDED.match(text):
            arguments, began = begun.pop(thread, ("", number))
            whole = arguments + found["arguments"]
            calls.append(Call(found["name"], whole, found["result"], began, number, thread))
        elif found := WHOLE.match(text):
            whole = found["arguments"]
            calls.append(Call(found["name"], whole, found["result"], number, number, thread))
    return calls


def _wait_until_traced(pid: int, tracing: "subprocess.Popen[str]") -> None:
    """All threads: a trace of some would let the others pass."""
    until = time.monotonic() + ATTACHED_WITHIN
    while not all(_is_traced(thread, tracing.pid) for thread in _threads(pid)):
        if tracing.poll() is not None or time.monotonic() > until:
            tracing.kill()
            said = tracing.communicate()[1]
            pytest.fail(
                f"strace does not get hold of the server: {said}"
                " It needs the right to trace; a container needs CAP_SYS_PTRACE."
            )
        time.sleep(0.01)


def _threads(pid: int) -> Iterator[Path]:
    return Path(f"/proc/{pid}/task").iterdir()


def _is_traced(thread: Path, by: int) -> bool:
    return f"TracerPid:\t{by}\n" in (thread / "status").read_text()
