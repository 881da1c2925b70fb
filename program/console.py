"""How commands speak with people at a terminal: questions, progress, amounts, refusals.

Knows nothing of files and users.
"""

import contextlib
import getpass
import io
import os
import sys
import time
from types import TracebackType
from typing import Self, TextIO

FINE, FOUND, WRONG_USE = 0, 1, 2


class Refused(Exception):
    """The command cannot be done; its text says why and what to do next."""


class Untold(Refused):
    """The result reaches nobody."""


def open_streams() -> None:
    """What is closed is opened, to nothing: else the next file that is opened takes its place, and
    what libraries say is written into it. Names have every character, and streams may not.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # So that results which reach nobody are an error, and what is said besides is none.
            flags = os.O_WRONLY if name == "stderr" else os.O_RDONLY
            os.open(os.devnull, flags)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if name == "stdin" else "w", closefd=False))  # noqa: SIM115 - to the end
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def password(*, from_stdin: bool) -> str:
    """Asks twice at a terminal, or takes the first line of standard input."""
    if from_stdin:
        return _first_line()
    if not sys.stdin.isatty():
        raise Refused("There is no terminal to ask for the password: use --password-stdin.")
    first = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != first:
        raise Refused("The two passwords differ. Nothing was changed; try again.")
    return first


def _first_line() -> str:
    """Whatever the locale says: what is sent with a request is UTF-8."""
    try:
        return sys.stdin.buffer.readline().decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise Refused(
            "The password on standard input is not UTF-8, in which programs send it."
            " Nothing was changed."
        ) from None


def say(line: str) -> None:
    """A line of the result of a command."""
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except OSError as error:
        # Else Python tries once more at the end, and ends with a code of its own.
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
        raise Untold(
            f"The result cannot be written to standard output: {error.strerror}."
            " What was done until now stays done."
        ) from error


def say_first(line: str) -> None:
    """What must have been said before anything is changed."""
    try:
        say(line)
    except Untold as untold:
        raise Refused("Standard output cannot be written, so nothing was changed.") from untold


def explain(lines: str) -> None:
    """What a person wants to know besides the result, and a script does not."""
    _tell_in_passing(sys.stderr, lines + "\n")


def complain(line: str) -> None:
    _tell_in_passing(sys.stderr, f"noclobber: {printable(line)}\n")


def _tell_in_passing(stream: TextIO, text: str) -> None:
    """What is done does not stop because nobody hears of it any more."""
    with contextlib.suppress(OSError):
        stream.write(text)
        stream.flush()


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
            _tell_in_passing(self._stream, f"\r\x1b[K{self._doing} [{bar}] {percent:3}%  {figures}")
            self._drawn = True
        else:
            _tell_in_passing(self._stream, f"{self._doing}: {percent}%, {figures}\n")

    def _wipe(self) -> None:
        if self._drawn:
            _tell_in_passing(self._stream, "\r\x1b[K")
            self._drawn = False


def amount(count: float, unit: str = "bytes") -> str:
    if unit != "bytes":
        return f"{count:,.0f} {unit}"
    for prefix in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:  # noqa: PLR2004 - a binary prefix is its own name
            return f"{count:,.0f} {prefix}" if prefix == "bytes" else f"{count:,.1f} {prefix}"
        count /= 1024
    return f"{count:,.1f} TiB"
