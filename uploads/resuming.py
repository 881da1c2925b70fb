"""Uploads that arrive in pieces: how far they have come, going on, and the end of them.

What counts is what the index says has come: that is durable. Whoever brings the last byte gets the
verdict, by the same step as an upload that comes at once.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from uploads import partnames, terms
from uploads.access import Principal
from uploads.arrivals import Arrivals, not_there
from uploads.attempts import Attempt
from uploads.failures import (
    ContentRefused,
    MalformedRequest,
    TooLarge,
    TooManyUploads,
    TypeRefused,
    WrongDigest,
    WrongLength,
)
from uploads.files import Incoming, StoredFile
from uploads.gathering import drop_gathered, drop_unjoined, make_way
from uploads.portions import Body, Portion, Taking, too_long
from uploads.ports import Clock, Continued, Index, Turn, Unfinished, View
from uploads.receiving import Receiver, Within
from uploads.repeating import Repeats, fingerprint_of_creation
from uploads.rules import Rules
from uploads.seats import Seat, Seats, to_the_end
from uploads.settling import Arrival, Begun, Outcome, new_id
from uploads.strangers import Origins

# A lost answer to the last piece is asked for again soon, if ever.
KEEP_FINISHED = 3600.0
# Of numbered parts so many may wait in all, which are no uploads of their own.
MOST_NUMBERED = 10_000


class Resuming:
    def __init__(
        self, rules: Rules, index: Index, unfinished: Unfinished, receiver: Receiver, clock: Clock
    ) -> None:
        self._rules = rules
        self._index = index
        self._unfinished = unfinished
        self._receiver = receiver
        self._clock = clock
        self.arrivals = Arrivals(rules.limits, index, clock)
        self._seats = Seats()
        self._repeats = Repeats(rules)
        self._origins = Origins(rules.limits.arriving_files)
        self._origins_of_numbered = Origins(MOST_NUMBERED)

    async def create(self, arrival: Arrival, attempt: Attempt | None = None) -> Incoming | Outcome:
        """An upload that begins, or began with an earlier attempt; or the refusal that is certain
        already.
        """
        with self._receiver.flights.hold(arrival.principal, attempt):
            if not await self._has_begun(arrival.principal, attempt):
                refused = await self._receiver.foresee(arrival)
                if refused is not None:
                    return refused
            return await self._begin(arrival, attempt)

    async def _has_begun(self, principal: Principal, attempt: Attempt | None) -> bool:
        if attempt is None:
            return False
        now = self._clock()
        return await self._index.read(
            lambda view: self._repeats.knows(view, principal, attempt, now)
        )

    async def create_part(self, arrival: Arrival, announced: int = 0) -> Incoming:
        """A part of a file, without a place: it will be joined with others. `announced`: how much
        is to come with the others, for which there must be room.
        """
        return await self._begin_part(arrival, None, announced)

    async def gather(self, arrival: Arrival, id: str, announced: int) -> bool:
        """A part without bytes, by whose id its sender will ask for those that are numbered after
        it. False: it has begun already. What was gathered there before gives way.
        """
        before = await self.arrivals.all_gathered(id)
        async with self._seats.alone_with_all([id, *before]):
            if await self.arrivals.gathered(id, arrival.principal):
                return False
            await self._begin_part(arrival, id, announced)
            for one in before:
                await self._unfinished.remove(one)
        return True

    async def bring_part(self, arrival: Arrival, id: str, body: Body) -> Incoming:
        """A numbered part of what is gathered, with all of its bytes. What came under its number
        before gives way.
        """
        async with self._seats.alone(id) as seat:
            part = await self._begin_part(arrival, id)
            ended = await self._go_on(seat, part, arrival, Portion(0, brings=arrival.size), body)
        return ended if isinstance(ended, Incoming) else part

    async def join(self, arrival: Arrival, ids: Sequence[str]) -> tuple[str, Incoming | Outcome]:
        """Makes one file of parts that are whole, and says under which id it can be asked for.
        Until they are removed nobody else can go on with one of them, or take its place.
        """
        if len(set(ids)) < len(ids):
            raise MalformedRequest(
                "A part is named twice. Each can be joined once: send again what comes again."
            )
        await self.arrivals.find_all(ids, arrival.principal)
        async with self._seats.alone_with_all(ids):
            parts = await self.arrivals.whole_parts(ids, arrival.principal)
            return await self._join(arrival, parts)

    async def _join(
        self, arrival: Arrival, parts: Sequence[Incoming]
    ) -> tuple[str, Incoming | Outcome]:
        size = sum(part.offset for part in parts)
        if arrival.size not in {None, size}:
            raise WrongLength(
                "A piece came again meanwhile, and has another length. Nothing was stored; ask"
                " which are here, and join them again."
            )
        arrival = replace(arrival, size=size)
        refused = await self._receiver.foresee(arrival, counted=size)
        if refused is not None:
            return "", refused
        incoming = await self._begin(arrival, ends=parts)
        try:
            async with self._seats.alone(incoming.id) as seat:
                whole = replace(arrival, upload=incoming.id)
                pieces = self._pieces(parts)
                ended = await self._go_on(seat, incoming, whole, Portion(0), pieces, parts)
        except BaseException:
            await to_the_end(self._drop(incoming.id))
            raise
        return incoming.id, ended

    async def look(self, id: str, principal: Principal) -> Incoming:
        """How far it has come. Who asks wants to go on, so whoever hangs in it is ended."""
        await self.arrivals.find(id, principal)
        async with self._seats.alone(id):
            incoming = await self.arrivals.find(id, principal)
            if incoming.number is None and not await self._unfinished.holds(incoming):
                await self._drop(id)
                raise not_there()
            return incoming

    async def append(
        self, id: str, principal: Principal, portion: Portion, body: Body
    ) -> Incoming | Outcome:
        """How far it has come then; or, with the last byte, the verdict.

        :raises WrongOffset, WrongLength, TakenOver: among what every upload can meet.
        """
        await self.arrivals.find(id, principal)
        async with self._seats.alone(id) as seat:
            found = await self.arrivals.find(id, principal)
            if found.number is not None:
                return await _finished(found, portion, body)
            await self.arrivals.keep_longer([found])
            return await self._go_on(seat, found, terms.read(found, principal), portion, body)

    async def cancel(self, id: str, principal: Principal) -> None:
        await self.arrivals.find(id, principal)
        async with self._seats.alone(id):
            await self.arrivals.find(id, principal)
            await self._drop(id)

    async def cancel_gathered(self, id: str, principal: Principal) -> None:
        """A part, and all that are numbered after it; also those that begin to come meanwhile."""
        ids = [part.id for part in await self.arrivals.gathered(id, principal)]
        async with self._seats.alone_with_all(ids):
            if not await self.arrivals.gathered(id, principal):
                raise not_there()
            await self._index.write(lambda turn: drop_gathered(turn, id))
            for one in ids:
                await self._unfinished.remove(one)

    async def stop(self) -> None:
        """No more pieces: when this returns, what came of each upload is durable."""
        await self._seats.close()

    async def _begin_part(self, arrival: Arrival, id_: str | None, announced: int = 0) -> Incoming:
        self._rules.demand_some_upload(arrival.principal)
        self._receiver.check_room((arrival.size or 0) + announced)
        return await self._begin(arrival, is_part=True, id_=id_, announced=announced)

    async def _begin(
        self,
        arrival: Arrival,
        attempt: Attempt | None = None,
        *,
        is_part: bool = False,
        ends: Sequence[Incoming] = (),
        announced: int = 0,
        id_: str | None = None,
    ) -> Incoming:
        """`ends`: those of which it is made, and which it takes the room of."""
        now = self._clock()
        incoming = Incoming(
            id=id_ or new_id(),
            principal=arrival.principal.name,
            path=arrival.path,
            size=arrival.size,
            offset=0,
            created=now,
            expires=now + self._rules.limits.keep_arriving,
            said=terms.written(arrival),
            is_part=is_part,
        )

        def work(turn: Turn) -> Begun:
            self._rules.current(arrival.principal)
            if id_ is not None:
                make_way(turn, id_)
            self._check_number(turn, incoming, ends)
            more = incoming.room + announced - sum(part.room for part in ends)
            self._rules.check_quota(turn.usage(incoming.principal), more)
            self._origins_of(incoming).note(turn, arrival.principal, incoming, ends, now)
            turn.expect(incoming)
            return Begun(incoming.id)

        begun = await self._index.write(
            lambda turn: self._repeats.once(
                turn, arrival.principal, attempt, fingerprint_of_creation(arrival), work, now
            )
        )
        if begun.replayed:
            return replace(await self.arrivals.begun(begun.id, arrival.principal), replayed=True)
        try:
            # A full disk shows here.
            async with self._unfinished.open(incoming, arrival.declared):
                return incoming
        except BaseException:
            await to_the_end(self._drop(incoming.id))
            raise

    async def _go_on(
        self,
        seat: Seat,
        found: Incoming,
        arrival: Arrival,
        portion: Portion,
        body: Body,
        parts: Sequence[Incoming] = (),
    ) -> Incoming | Outcome:
        incoming = await self._ready(found, arrival.principal, portion)
        arrival = replace(arrival, size=incoming.size)
        with self._receiver.admission.place(arrival.principal):
            async with self._unfinished.open(incoming, arrival.declared, portion.declared) as stage:
                taking = Taking(stage, incoming, portion, self._record, self._checking(incoming))
                await taking.take(seat, body)
                if incoming.is_part or not taking.is_whole:
                    return await taking.keep()
                outcome = await self._settle(stage, taking, arrival, parts)
        for one in (incoming, *(parts if _is_kept(outcome) else ())):
            await self._unfinished.remove(one.id)
        return outcome

    def _check_number(self, view: View, incoming: Incoming, ends: Sequence[Incoming]) -> None:
        """Of the numbered parts of a file there may be more."""
        most = self._rules.limits.arriving_files
        begun = view.arriving(incoming.principal).files
        if begun >= most:
            mine = view.gathered(partnames.of_sender(incoming.principal))
            numbered = sum(map(partnames.is_numbered, mine))
            ending = sum(not partnames.is_numbered(part) for part in ends)
            is_numbered = partnames.is_numbered(incoming)
            begun = numbered if is_numbered else begun - numbered - ending
            most = MOST_NUMBERED if is_numbered else most
        if begun >= most:
            raise TooManyUploads(
                f"{most:,} of your uploads have begun and not ended, and no more are begun."
                " End some of them, or wait until they expire."
            )

    def _origins_of(self, incoming: Incoming) -> Origins:
        numbered = partnames.is_numbered(incoming)
        return self._origins_of_numbered if numbered else self._origins

    async def _ready(self, found: Incoming, principal: Principal, portion: Portion) -> Incoming:
        incoming = portion.onto(found)
        if incoming.is_part:
            self._rules.demand_some_upload(principal)
        else:
            self._rules.demand_upload(principal, incoming.path)
        if incoming.size is not None and incoming.size != found.size:
            self._rules.check_size(incoming.size)
            self._receiver.check_room(incoming.size - incoming.offset)
            incoming = await self._record(incoming)
        return incoming

    async def _settle(
        self, stage: Continued, taking: Taking, arrival: Arrival, parts: Sequence[Incoming]
    ) -> Outcome:
        try:
            staged = await stage.finish()
            arrival = replace(arrival, size=staged.content.size)
            return await self._receiver.settle(
                arrival, staged, self._within(taking.incoming, parts)
            )
        except (ContentRefused, TooLarge, TypeRefused, WrongDigest):
            # Nothing that could still come would make it right.
            await to_the_end(self._drop(taking.incoming.id))
            raise
        except BaseException:
            await to_the_end(taking.rescue())
            raise

    def _within(self, incoming: Incoming, parts: Sequence[Incoming]) -> Within:
        now = self._clock()

        def within(turn: Turn, settle: Callable[[], Outcome]) -> Outcome:
            # What was reserved for it, and for its parts, must not count beside it.
            waiting = [turn.incoming(part.id) for part in parts]
            for one in (incoming, *parts):
                turn.drop_incoming(one.id)
            outcome = settle()
            if outcome.accepted and outcome.file is not None:
                turn.expect(_became(incoming, outcome.file, now))
            if _is_kept(outcome):
                drop_unjoined(turn, parts)
            else:
                for part in filter(None, waiting):
                    turn.expect(part)
            return outcome

        return within

    async def _record(self, incoming: Incoming) -> Incoming:
        incoming = replace(incoming, expires=self._clock() + self._rules.limits.keep_arriving)

        def work(turn: Turn) -> None:
            before = turn.incoming(incoming.id)
            if before is None or before.number is not None:
                raise not_there()
            turn.advance(incoming)
            if incoming.room > before.room:
                self._rules.check_usage(turn.usage(incoming.principal))

        await self._index.write(work)
        return incoming

    async def _drop(self, id_: str) -> None:
        await self._index.write(lambda turn: turn.drop_incoming(id_))
        await self._unfinished.remove(id_)

    async def _pieces(self, parts: Sequence[Incoming]) -> AsyncIterator[bytes]:
        for part in parts:
            async for piece in self._unfinished.pieces(part):
                yield piece

    def _checking(self, incoming: Incoming) -> Callable[[int, int], None]:
        """Of what was announced all was judged before it came."""

        def check(received: int, more: int) -> None:
            if incoming.size is None:
                self._rules.check_size(received)
                self._receiver.check_room(more)

        return check


def _is_kept(outcome: Outcome) -> bool:
    return outcome.accepted or outcome.parked is not None


def _became(incoming: Incoming, file: StoredFile, now: float) -> Incoming:
    """What tells for a while that it is done, to whom the answer got lost."""
    size = file.content.size
    return replace(
        incoming,
        path=file.path,
        size=size,
        offset=size,
        expires=now + KEEP_FINISHED,
        number=file.version.number,
    )


async def _finished(found: Incoming, portion: Portion, body: Body) -> Incoming:
    """Nothing is missing, so that nothing may come but the end of it once more."""
    portion.onto(found)
    if portion.brings is None:
        async for flow in body:
            if flow:
                raise too_long(found.size)
    return found
