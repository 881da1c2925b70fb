"""How commands speak with people at a terminal: questions, progress, amounts, refusals.

Knows nothing of files and users.
"""

import getpass
import sys
import time
from types import TracebackType
from typing import Self, TextIO

FINE, FOUND, WRONG_USE = 0, 1, 2


class Refused(Exception):
    """The command cannot be done; its text says why and what to do next."""


def password(*, from_stdin: bool) -> str:
    """Asks twice at a terminal, or takes the first line of standard input."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Refused("There is no terminal to ask for the password: use --password-stdin.")
    first = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != first:
        raise Refused("The two passwords differ. Nothing was changed; try again.")
    return first


def say(line: str) -> None:
    """A line of the result of a command."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def explain(lines: str) -> None:
    """What a person wants to know besides the result, and a script does not."""
    sys.stderr.write(lines + "\n")


def complain(line: str) -> None:
    sys.stderr.write(f"noclobber: {printable(line)}\n")


def printable(text: str) -> str:
    """The text on one line, with everything invisible written as an escape."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


class Progress:
    """How far something is: a bar on a terminal, elsewhere a line every few seconds.

    What is done within a second leaves no trace.
    """

    def __init__(
        self, doing: str, total: int, unit: str = "bytes", stream: TextIO | None = None
    ) -> None:
        self._doing = doing
        self._total = total
        self._unit = unit
        self._stream = stream or sys.stderr
        self._bar = self._stream.isatty()
        self._done = 0
        self._next = time.monotonic() + 1
        self._drawn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wipe()

    def add(self, count: int) -> None:
        self.at(self._done + count, self._total)

    def at(self, done: int, total: int) -> None:
        self._done, self._total = done, total
        now = time.monotonic()
        if now >= self._next:
            self._next = now + (0.1 if self._bar else 5)
            self._draw()

    def say(self, line: str) -> None:
        """A line of the result, which stays."""
        self._wipe()
        say(line)

    def _draw(self) -> None:
        share = min(1.0, self._done / self._total) if self._total else 0.0
        # Rounded down: it is not all done before it is.
        percent = int(share * 100)
        figures = f"{amount(self._done, self._unit)} of {amount(self._total, self._unit)}"
        if self._bar:
            filled = int(share * 30)
            bar = "#" * filled + "-" * (30 - filled)
            self._stream.write(f"\r\x1b[K{self._doing} [{bar}] {percent:3}%  {figures}")
            self._drawn = True
        else:
            self._stream.write(f"{self._doing}: {percent}%, {figures}\n")
        self._stream.flush()

    def _wipe(self) -> None:
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._drawn = False


def amount(count: float, unit: str = "bytes") -> str:
    if unit != "bytes":
        return f"{count:,.0f} {unit}"
    for prefix in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:  # noqa: PLR2004 - a binary prefix is its own name
            return f"{count:,.0f} {prefix}" if prefix == "bytes" else f"{count:,.1f} {prefix}"
        count /= 1024
    return f"{count:,.1f} TiB"
