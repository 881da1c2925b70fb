"""What would come of many uploads, before any of them is sent: the rules' own verdict on each.

They are judged as they would come out one after the other, in their order, with nothing else in
between: each as if those before it had been stored where their verdict says so.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from uploads.access import Principal
from uploads.admission import Admission
from uploads.collisions import (
    Accepted,
    AtName,
    ConditionRequired,
    FileAbove,
    FileHere,
    FolderHere,
    Lookalike,
    Nothing,
    Rename,
    Stale,
    Unchanged,
    Verdict,
)
from uploads.failures import Failure, TypeRefused, WrongDigest
from uploads.files import Content, StoredFile, Version
from uploads.forecast import UNKNOWN, UNNUMBERED, Forecast, ForecastView
from uploads.names import Path
from uploads.policy import Policy, SameContent
from uploads.ports import Index, Sniffer, View
from uploads.receiving import Receiver
from uploads.reserving import Reservation
from uploads.rules import Rules
from uploads.settling import Arrival, Judgement, Settling

# So many are judged in one moment of the index: others wait for no more.
AT_ONCE = 25


@dataclass(frozen=True, slots=True)
class Asked:
    """An upload as it would be sent, and the how-manieth it is. `digest`: the identity of its
    content, where it was said.
    """

    number: int
    arrival: Arrival
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Foretold:
    """`result`: the verdict, or why none is come to. `may_be`: what else can come of it, as its
    bytes may be what they were not said to be. `path`: where it would be stored. `earlier`: which
    of the items before it stands in its way. `same_size`: the sender can read a file of this size,
    so that it is worth the while to say the digest.
    """

    result: Verdict | Failure
    path: Path
    may_be: tuple[Verdict | Failure, ...] = ()
    earlier: int | None = None
    reserved: bool = False
    same_size: bool = False


@dataclass(frozen=True, slots=True)
class Preflights:
    """`algorithm` is that of the identities of contents."""

    rules: Rules
    index: Index
    receiver: Receiver
    sniffer: Sniffer
    algorithm: str
    admission: Admission
    _lanes: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    @contextmanager
    def begun(self, principal: Principal, reserve: float) -> Iterator["Preflight"]:
        """`reserve`: for how many seconds names are kept, 0: not at all. What breaks off keeps
        none.
        """
        lane = self._lanes.setdefault(principal.asker, asyncio.Lock())
        kept = self.rules.reservations.begin(principal.name, reserve) if reserve > 0 else None
        parts = self.rules, self.index, self.receiver, self.sniffer
        try:
            yield Preflight(*parts, principal, lane, kept)
        except BaseException:
            if kept is not None:
                self.rules.reservations.end(kept.id)
            raise
        if kept is not None:
            self.rules.reservations.close(kept.id)


@dataclass(slots=True)
class Preflight:
    """One request. Nobody else is held up: the index is asked in slices, and by one of all requests
    of a principal at a time.
    """

    rules: Rules
    index: Index
    receiver: Receiver
    sniffer: Sniffer
    principal: Principal
    lane: asyncio.Lock
    reservation: Reservation | None = None
    _forecast: Forecast = field(init=False)

    def __post_init__(self) -> None:
        self._forecast = Forecast(self.rules.policies.keys)

    async def judge(self, asked: Sequence[Asked]) -> list[Foretold]:
        """The next items, at most `AT_ONCE`."""
        async with self.lane:
            if self.reservation is None:
                return await self.index.read(lambda view: self._all(view, asked))
            # What is reserved must be free in the same moment.
            return await self.index.write(lambda turn: self._all(turn, asked))

    def _all(self, view: View, asked: Sequence[Asked]) -> list[Foretold]:
        return [self._one(view, one) for one in asked]

    def _one(self, view: View, asked: Asked) -> Foretold:
        try:
            return self._foretell(view, asked)
        except Failure as failure:
            return Foretold(failure, asked.arrival.path)

    def _foretell(self, view: View, asked: Asked) -> Foretold:
        arrival = asked.arrival
        self.receiver.expect(arrival)
        content = self._content(view, asked)
        coming = ForecastView(view, self._forecast)
        settling = Settling(self.rules)
        judgement = settling.judge(coming, arrival, content)
        self._check_type(arrival, judgement, content)
        others = list(self._others(coming, asked, content, judgement))
        unsaid = content.digest.startswith(UNKNOWN)
        same_size = unsaid and view.any_of_size(content.size, self.rules.reach(self.principal))
        verdict, path = judgement.verdict, arrival.path
        earlier = None if isinstance(verdict, Rename) else self._earlier(judgement)
        if isinstance(verdict, Rename):
            shown = self.reservation.id if self.reservation else None
            path = self.rules.free_name(coming.free_name, self.principal, path, shown)
        reserved = False
        if isinstance(verdict, Accepted) and not isinstance(verdict, Unchanged):
            self.rules.check_quota(coming.usage(self.principal.name), content.size)
            self._forecast.store(asked.number, path, content, self.principal.name)
            reserved = self._reserve(path)
        return Foretold(
            _speakable(verdict), path, _different(verdict, others), earlier, reserved, same_size
        )

    def _reserve(self, path: Path) -> bool:
        if self.reservation is None:
            return False
        self.rules.check_reserved(self.principal, path, self.reservation.id)
        keys = self.rules.policies.keys(path)
        return self.rules.reservations.reserve(self.reservation, keys, path)

    def _content(self, view: View, asked: Asked) -> Content:
        """What is said of the bytes, as far as that tells which content they are."""
        size = asked.arrival.size or 0
        if asked.digest is not None:
            return Content(asked.digest, size)
        known = self.receiver.foretold(view, asked.arrival)
        if known is not None:
            return known
        told = sorted(asked.arrival.declared.items())
        said = " ".join(f"{name}:{value.hex()}" for name, value in told) or str(asked.number)
        return Content(f"{UNKNOWN}{said}", size)

    def _others(
        self, coming: ForecastView, asked: Asked, content: Content, judgement: Judgement
    ) -> Iterator[Verdict | Failure]:
        """What else the verdict may be: the bytes may be those that stand there, or be known under
        another name, or be of a type that the folder does not take.
        """
        arrival, settling = asked.arrival, Settling(self.rules)
        unsaid = content.digest.startswith(UNKNOWN)
        current = self._seen(judgement.at, arrival)
        if current is not None and current.content != content:
            vague = unsaid or current.content.digest.startswith(UNKNOWN)
            if vague and current.content.size == content.size:
                yield from _tried(settling, coming, arrival, current.content)
        vague = unsaid or self._forecast.may_hold(content)
        if vague and judgement.twin is None and self.rules.reach(self.principal).ranges:
            supposing = ForecastView(coming.view, coming.forecast, _twin(content))
            yield from _tried(settling, supposing, arrival, content)
        said = asked.digest is not None or arrival.declared
        linking = arrival.wishes.same_content is SameContent.LINK
        if said and linking and not content.size and judgement.twin is None:
            yield WrongDigest("No bytes and a digest ask for a content that you can read.")
        policy = self.rules.policies.of(arrival.path.parent)
        known = _known_type(judgement, self._seen(judgement.at, arrival), content)
        if known is None and _chooses_types(policy):
            yield TypeRefused("What the bytes are decides whether this folder takes them.")

    def _check_type(self, arrival: Arrival, judgement: Judgement, content: Content) -> None:
        media_type = _known_type(judgement, self._seen(judgement.at, arrival), content)
        if media_type is not None:
            policy, name = self.rules.policies.of(arrival.path.parent), arrival.path.name
            fits = self.sniffer.fits(media_type, name)
            self.rules.check_type(policy, media_type, name, fits=fits)

    def _seen(self, at: AtName, arrival: Arrival) -> StoredFile | None:
        """The file that stands there, if the sender may read it."""
        sees = isinstance(at, FileHere) and self.rules.sees(self.principal, at, arrival.path)
        return at.file if isinstance(at, FileHere) and sees else None

    def _earlier(self, judgement: Judgement) -> int | None:
        """Which of the items made what the verdict rests on."""
        match judgement.at:
            case FileHere(found) | FileAbove(found) | Lookalike(found):
                return self._forecast.maker(found)
            case FolderHere(folder):
                return self._forecast.maker(folder)
            case Nothing():
                return self._forecast.maker(judgement.twin) if judgement.twin else None


def _tried(
    settling: Settling, view: ForecastView, arrival: Arrival, content: Content
) -> Iterator[Verdict | Failure]:
    try:
        yield settling.judge(view, arrival, content).verdict
    except Failure as failure:
        yield failure


def _different(verdict: Verdict, others: list[Verdict | Failure]) -> tuple[Verdict | Failure, ...]:
    kinds = {type(other): other for other in others if type(other) is not type(verdict)}
    return tuple(kinds.values())


def _speakable(verdict: Verdict) -> Verdict:
    """What was foretold only has no ETag that could be sent."""
    match verdict:
        case Stale(current, identical) if _is_foretold(current):
            return Stale(None, identical)
        case ConditionRequired(current) if _is_foretold(current):
            return ConditionRequired(None)
        case _:
            return verdict


def _is_foretold(file: StoredFile | None) -> bool:
    return file is not None and file.version.number == UNNUMBERED


def _known_type(judgement: Judgement, current: StoredFile | None, content: Content) -> str | None:
    """Of bytes that are here already, in a place that the sender may read."""
    for file in (judgement.twin, current):
        known = file is not None and not _is_foretold(file) and file.content == content
        if file is not None and known:
            return file.content.media_type
    return None


def _chooses_types(policy: Policy) -> bool:
    return bool(policy.types_allowed or policy.types_refused or policy.extension_must_fit)


def _twin(content: Content) -> StoredFile:
    """Some file elsewhere, of which nothing is known but that it has this content."""
    return StoredFile(Path(()), Version(UNNUMBERED, content, 0.0, 0.0, ""))
