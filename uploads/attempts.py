"""Requests that their sender may repeat: what names one, what is kept of it, which are under way.

Values, and one set in memory. What is done with them stands in `repeating`.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from uploads.access import Principal
from uploads.failures import InProgress


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a request to which its sender has given a key. `part`: which file of a form."""

    key: str
    method: str
    target: str
    part: int = 0

    def name(self, principal: Principal) -> str:
        """Whose key for which request, in a fixed length. Keys are their senders' secrets: none
        is kept as it came.
        """
        words = [principal.name, self.method, self.target, self.key, self.part]
        return hashlib.sha256(json.dumps(words).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a request asked for, and which bytes came with it. `declared`: the digests of theirs
    that were declared, and true, by algorithm and in hex.
    """

    asked: str
    sent: str = ""
    size: int = 0
    declared: tuple[tuple[str, str], ...] = ()

    def is_that_of(self, other: "Fingerprint") -> bool:
        return (self.asked, self.sent, self.size) == (other.asked, other.sent, other.size)


@dataclass(frozen=True, slots=True)
class Record:
    """The first answer to a request that may be repeated. `text` is for `repeating` to read."""

    name: str
    principal: str
    text: str
    expires: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many records are kept: of one principal, and of all."""

    of_one: int
    of_all: int


@dataclass(frozen=True, slots=True)
class Flights:
    """Which attempts are under way. Only in memory, so that a crash leaves none behind."""

    _names: set[str] = field(default_factory=set)

    def check(self, principal: Principal, attempt: Attempt | None) -> None:
        """:raises InProgress: the same request is under way already."""
        if attempt is not None and attempt.name(principal) in self._names:
            raise InProgress(
                "A request with this Idempotency-Key is under way."
                " Send it again in a moment to get its answer."
            )

    def hold(self, principal: Principal, attempt: Attempt | None) -> AbstractContextManager[None]:
        """:raises InProgress: on entering; the same request is under way already."""
        return nullcontext() if attempt is None else self._held(principal, attempt)

    @contextmanager
    def _held(self, principal: Principal, attempt: Attempt) -> Iterator[None]:
        self.check(principal, attempt)
        name = attempt.name(principal)
        self._names.add(name)
        try:
            yield
        finally:
            self._names.discard(name)
