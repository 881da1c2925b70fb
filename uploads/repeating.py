"""Requests that are repeated under a key: carried out once, and answered as the first time.

The record is written in the turn of the claim that it belongs to, so that a crash between commit
and answer loses neither. It holds what was decided, as values; what of it may be told, and to whom,
is judged again each time. Only a decision is recorded: whoever met a `Failure` may try again.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from uploads import notation
from uploads.access import Principal, Right
from uploads.attempts import Attempt, Bounds, Fingerprint, Record
from uploads.failures import KeyReused
from uploads.files import Content
from uploads.ports import Turn, View
from uploads.retelling import retold
from uploads.rules import Rules
from uploads.settling import Answer, Arrival, Filled, Outcome

T = TypeVar("T", bound=Answer)

OTHER_REQUEST: Final = (
    "This Idempotency-Key was used for another request. Nothing was done."
    " Use a new key for a new request."
)


@dataclass(frozen=True, slots=True)
class Recalled:
    """A request that was carried out before. None: only its bytes tell whether this is the same."""

    answer: Outcome | None


def asked(*words: object) -> str:
    """All words that a request consists of, as one of a fixed length."""
    return hashlib.sha256(notation.written(words).encode()).hexdigest()


def asked_by(arrival: Arrival) -> str:
    """Not what type its sender takes it for, which decides nothing and differs between clients."""
    return asked(
        arrival.door,
        arrival.path,
        arrival.condition,
        arrival.wishes,
        arrival.modified,
        arrival.may_rename,
    )


def fingerprint(arrival: Arrival, content: Content) -> Fingerprint:
    """Of a whole upload, whose declared digests have been found true."""
    return Fingerprint(asked_by(arrival), content.digest, content.size, _in_hex(arrival.declared))


def fingerprint_of_claim(arrival: Arrival) -> Fingerprint:
    """Of an upload without bytes, which asks for those with the declared digests."""
    declared = _in_hex(arrival.declared)
    return Fingerprint(asked_by(arrival), notation.written(declared), 0, declared)


def fingerprint_of_creation(arrival: Arrival) -> Fingerprint:
    """Of an upload in pieces that begins: no byte of it is here."""
    return Fingerprint(asked(asked_by(arrival), _in_hex(arrival.declared), arrival.size))


@dataclass(frozen=True, slots=True)
class Repeats:
    rules: Rules

    def knows(self, view: View, principal: Principal, attempt: Attempt, now: float) -> bool:
        return self._first(view, principal, attempt, now) is not None

    def once(
        self,
        turn: Turn,
        principal: Principal,
        attempt: Attempt | None,
        print_: Fingerprint,
        work: Callable[[Turn], T],
        now: float,
    ) -> T:
        """The work, unless it was done before: then what came of it.

        :raises KeyReused: the key stands for another request.
        """
        if attempt is None:
            return work(turn)
        first = self._first(turn, principal, attempt, now)
        if first is not None:
            principal = self.rules.current(principal)
            before, answer = first
            if not before.is_that_of(print_):
                raise KeyReused(OTHER_REQUEST)
            told = retold(self.rules, turn, principal, answer, now)
            if told is not None:
                return cast("T", told)
        answer = work(turn)
        self._remember(turn, principal, attempt, (print_, answer), now)
        return answer

    def files(
        self, view: View, principal: Principal, attempt: Attempt | None, now: float
    ) -> int | None:
        """How many a form had that came to its end. None: it is new, or broke off."""
        first = self._first(view, principal, attempt, now) if attempt else None
        if first is None:
            return None
        if not isinstance(first[1], Filled):
            raise KeyReused(OTHER_REQUEST)
        return first[1].files

    def before_its_bytes(self, view: View, arrival: Arrival, now: float) -> Recalled | None:
        """What is certain of a repeated upload before a byte of it is read. None: it is new.

        :raises KeyReused: whatever bytes may come, they are not what came before.
        """
        principal, attempt = arrival.principal, arrival.attempt
        first = self._first(view, principal, attempt, now) if attempt else None
        if first is None:
            return None
        principal = self.rules.current(principal)
        before, answer = first
        if before.asked != asked_by(arrival) or arrival.size not in (None, before.size):
            raise KeyReused(OTHER_REQUEST)
        if not _vouched_for(arrival, before):
            return Recalled(None)
        told = retold(self.rules, view, principal, answer, now)
        if not isinstance(told, Outcome):
            return None
        return Recalled(told if self._may_hear(principal, told) else None)

    def _may_hear(self, principal: Principal, answer: Outcome) -> bool:
        """Without the bytes. A digest alone opens nothing: who might have the key and the digest
        from somebody else is not led to what only that one has sent.
        """
        if not principal.is_anonymous and principal.scope is None:
            return True
        return answer.parked is None and self.rules.may(principal, Right.READ, answer.path)

    def _first(
        self, view: View, principal: Principal, attempt: Attempt, now: float
    ) -> tuple[Fingerprint, Answer] | None:
        record = view.record(attempt.name(principal))
        if record is None or record.expires <= now:
            return None
        try:
            print_, answer = notation.read(record.text)
        except (ValueError, KeyError, TypeError):
            # Of another version of this program: nothing can be made of it.
            return None
        return print_, answer

    def _remember(
        self,
        turn: Turn,
        principal: Principal,
        attempt: Attempt,
        first: tuple[Fingerprint, Answer],
        now: float,
    ) -> None:
        limits = self.rules.limits
        text = notation.written(first)
        record = Record(attempt.name(principal), principal.name, text, now + limits.keep_answers)
        turn.remember(record, Bounds(limits.answers_per_principal, limits.answers))


def _vouched_for(arrival: Arrival, before: Fingerprint) -> bool:
    """Is what is declared now what was declared, and found true, the first time?"""
    # MD5 collisions can be made at will.
    told = {one for one in _in_hex(arrival.declared) if one[0] != "md5"}
    return bool(told) and told <= set(before.declared)


def _in_hex(digests: Mapping[str, bytes]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value.hex()) for name, value in digests.items()))
