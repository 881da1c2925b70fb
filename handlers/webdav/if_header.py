"""If, Depth, Overwrite, Timeout, Lock-Token (RFC 4918 section 10), X-OC-Mtime -> values. Pure."""

import math
import re
from collections.abc import Callable
from typing import Final

from handlers.headers.conditions import MalformedCondition
from handlers.webdav import sync_tokens
from uploads.failures import MalformedRequest
from uploads.files import LATEST
from uploads.locks import State, States, Submitted
from uploads.names import Path

# A resource or a token, the brackets of a list, its negation, an entity tag.
TOKEN: Final = re.compile(
    r"\s*(?:<(?P<uri>[^<>\s]*)>|(?P<open>\()|(?P<close>\))|(?P<negation>[Nn][Oo][Tt](?![^\s<\[]))"
    r'|\[(?P<etag>(?:W/)?"[^"]*")\])'
)
SECONDS: Final = re.compile(r"second-(\d{1,10})", re.IGNORECASE)
CODED_URL: Final = re.compile(r"<([^<>\s]+)>")
INFINITE: Final = "infinity"
MOST_STATES: Final = 1000


def submitted(value: str | None, here: Path, place: Callable[[str], Path | None]) -> Submitted:
    """`place`: the path that a URL names, None where it is none of ours.

    :raises MalformedCondition: a condition that cannot be read is never ignored.
    """
    if value is None:
        return Submitted()
    reading = _Reading(value)
    lists: list[States] = []
    tagged = reading.peek() == "uri"
    while reading.peek() is not None:
        path: Path | None = here
        if tagged:
            path = place(reading.take("uri"))
        first = True
        while first or reading.peek() == "open":
            lists.append(States(path, tuple(reading.states())))
            first = False
    if not lists or sum(len(one.states) for one in lists) > MOST_STATES:
        raise reading.malformed()
    return Submitted(tuple(lists))


class _Reading:
    def __init__(self, value: str) -> None:
        self._value = value.strip()
        self._at = 0

    def malformed(self) -> MalformedCondition:
        return MalformedCondition(
            'If takes lists such as (<urn:uuid:...> ["etag"]), each perhaps after the <URL> that'
            " it speaks of; this one cannot be read."
        )

    def peek(self) -> str | None:
        """What comes next; None at the end."""
        if self._at >= len(self._value):
            return None
        return self._match().lastgroup

    def take(self, kind: str) -> str:
        found = self._match()
        if found.lastgroup != kind:
            raise self.malformed()
        self._at = found.end()
        return found[kind]

    def states(self) -> list[State]:
        self.take("open")
        states: list[State] = []
        while (kind := self.peek()) != "close":
            negated = kind == "negation"
            if negated:
                self.take("negation")
                kind = self.peek()
            if kind not in {"uri", "etag"}:
                raise self.malformed()
            text = self.take(kind)
            # RFC 6578 section 5: a sync token is a state of its collection.
            since = sync_tokens.known_through(text) if kind == "uri" else None
            states.append(State(text, kind == "etag", negated, since))
        self.take("close")
        if not states:
            raise self.malformed()
        return states

    def _match(self) -> re.Match[str]:
        found = TOKEN.match(self._value, self._at)
        if found is None:
            raise self.malformed()
        return found


def depth(value: str | None, *taken: str) -> str:
    """One of those that the method takes; the last of them where nothing is said."""
    asked = taken[-1] if value is None else value.strip().lower()
    if asked not in taken:
        raise MalformedRequest(f'Depth is one of {", ".join(taken)} here, not "{value}".')
    return asked


def overwrite(value: str | None) -> bool:
    asked = "T" if value is None else value.strip().upper()
    if asked not in {"T", "F"}:
        raise MalformedRequest(f'Overwrite takes T or F, not "{value}".')
    return asked == "T"


def timeout(value: str | None) -> float | None:
    """Seconds; None for as long as can be had. The first word that is known counts."""
    for word in (value or "").split(","):
        if found := SECONDS.fullmatch(word.strip()):
            return float(found[1])
    return None


def lock_token(value: str | None) -> str:
    found = CODED_URL.fullmatch(value.strip()) if value is not None else None
    if found is None:
        raise MalformedRequest("Lock-Token takes the token of the lock as <urn:uuid:...>.")
    return found[1]


def modified(value: str | None) -> float | None:
    """Unix seconds. What is no time that a file can be of is ignored, as it is only a hint."""
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds <= LATEST else None
