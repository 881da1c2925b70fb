"""Bytes in, hash, decide, keep, park or drop: the only way in, whatever door they come through."""

import hmac
from collections.abc import AsyncIterable, Callable
from contextlib import AbstractAsyncContextManager

from uploads.access import Principal
from uploads.admission import Admission
from uploads.attempts import Attempt, Fingerprint, Flights
from uploads.collisions import Accepted, AlreadyStored, ContentKnown
from uploads.events import Publish, Reserve, Settled
from uploads.failures import BodyTooShort, ContentRefused, Damaged, DiskFull, NotThere, WrongDigest
from uploads.files import Content, StoredFile, Upload
from uploads.foretelling import claims, foretold
from uploads.names import Path
from uploads.ports import (
    Blobs,
    Clock,
    Index,
    Piece,
    Scanner,
    Sniffer,
    Stage,
    Staged,
    Tap,
    Turn,
    View,
)
from uploads.repeating import Repeats, asked, fingerprint, fingerprint_of_claim
from uploads.rules import Rules
from uploads.settling import Arrival, Filled, Judgement, Outcome, Settling

Work = Callable[[Turn], Outcome]

Within = Callable[[Turn, Callable[[], Outcome]], Outcome]

NOWHERE = Path(())

# Where not even a file of this size fits, the disk is as good as full.
ORDINARY = 1 << 20


class Receiver:
    def __init__(
        self,
        rules: Rules,
        index: Index,
        blobs: Blobs,
        sniffer: Sniffer,
        publish: Publish,
        clock: Clock,
    ) -> None:
        self._rules = rules
        self._settling = Settling(rules)
        self._index = index
        self._blobs = blobs
        self._sniffer = sniffer
        self._publish = publish
        self._clock = clock
        self.scanner: Scanner | None = None
        self._at_reserve = False
        self._repeats = Repeats(rules)
        self.flights = Flights()
        self.admission = Admission(rules.limits.uploads_at_once, rules.limits.uploads_per_principal)

    def free_space(self) -> int:
        free = self._blobs.free_space()
        is_reached = free < self._rules.limits.free_space + ORDINARY
        if is_reached is not self._at_reserve:
            self._at_reserve = is_reached
            self._publish(Reserve(is_reached, free))
        return free

    async def try_the_writer(self) -> None:
        """A turn that changes nothing: it waits for its place and commits, but syncs no byte."""
        await self._index.write(lambda turn: turn.folder(NOWHERE))

    async def foresee(self, arrival: Arrival, counted: int = 0) -> Outcome | None:
        """The refusal that is certain before a byte of the body is read, or None.

        `counted`: how many of its bytes are in the share of the principal already.
        """
        self.expect(arrival)
        self.flights.check(arrival.principal, arrival.attempt)
        now = self._clock()
        outcome = await self._index.read(lambda view: self._foresee(view, arrival, now, counted))
        if outcome is None or not await self._is_true(outcome):
            return None
        self._tell(arrival, outcome, arrival.size or 0, early=True)
        return outcome

    async def recall(self, arrival: Arrival) -> Outcome | None:
        """The first answer to a repeated upload, where it is certain before its bytes."""
        if arrival.attempt is None:
            return None
        self.expect(arrival)
        self.flights.check(arrival.principal, arrival.attempt)
        now = self._clock()
        recalled = await self._index.read(
            lambda view: self._repeats.before_its_bytes(view, arrival, now)
        )
        outcome = recalled.answer if recalled else None
        return outcome if outcome and await self._is_true(outcome) else None

    async def files_before(self, principal: Principal, attempt: Attempt | None) -> int | None:
        """How many the form had that was sent under this key, if it came to its end."""
        if attempt is None:
            return None
        now = self._clock()
        return await self._index.read(
            lambda view: self._repeats.files(view, principal, attempt, now)
        )

    async def end_form(self, principal: Principal, attempt: Attempt | None, files: int) -> None:
        """:raises KeyReused: there were more the first time."""
        if attempt is None:
            return
        now, print_ = self._clock(), Fingerprint(asked("form"), size=files)
        await self._index.write(
            lambda turn: self._repeats.once(
                turn, principal, attempt, print_, lambda _: Filled(files), now
            )
        )

    async def receive(
        self,
        arrival: Arrival,
        body: bytes | AsyncIterable[Piece | Tap],
        in_line: AbstractAsyncContextManager[object] | None = None,
    ) -> Outcome:
        """Takes the body in and settles it. What was cut short or does not fit leaves no trace.
        It is bytes where all of it is here already.

        `in_line` is entered for the moment in which the claim gets its place among the others.
        """
        self.expect(arrival)
        with (
            self.flights.hold(arrival.principal, arrival.attempt),
            self.admission.place(arrival.principal),
        ):
            staged = self._at_once(arrival, body) if isinstance(body, bytes) else None
            if staged is not None:
                outcome = await self._in_turn(arrival, staged, in_line)
            else:
                async with self._blobs.stage(arrival.size, arrival.declared.keys()) as stage:
                    await self._fill(stage, arrival, body)
                    staged = await stage.finish()
                    outcome = await self._in_turn(arrival, staged, in_line)
        self._tell(arrival, outcome, staged.content.size, early=False)
        return outcome

    def _at_once(self, arrival: Arrival, body: bytes) -> Staged | None:
        """None: it is too large to be taken in without a stage."""
        self._check_unannounced(arrival, len(body), len(body))
        _check_whole(arrival, len(body))
        return self._blobs.stage_small(body, arrival.declared.keys())

    async def _in_turn(
        self,
        arrival: Arrival,
        staged: Staged,
        in_line: AbstractAsyncContextManager[object] | None,
    ) -> Outcome:
        work = await self._judged_by_bytes(arrival, staged)
        if in_line is None:
            return await self._index.write(work)
        async with in_line:
            settled = self._index.write(work)
        return await settled

    async def settle(self, arrival: Arrival, staged: Staged, within: Within) -> Outcome:
        """For bytes that are here already, because they came in pieces. `within` gets the step,
        and does in the same turn what has to happen together with it.
        """
        work = await self._judged_by_bytes(arrival, staged)
        outcome = await self._index.write(lambda turn: within(turn, lambda: work(turn)))
        self._tell(arrival, outcome, staged.content.size, early=False)
        return outcome

    def _settled(self, arrival: Arrival, staged: Staged) -> Work:
        now = self._clock()

        def settle(turn: Turn) -> Outcome:
            return self._settling.settle(turn, arrival, staged, now)

        if arrival.attempt is None:
            return settle
        principal, print_ = arrival.principal, fingerprint(arrival, staged.content)

        def once(turn: Turn) -> Outcome:
            outcome = self._repeats.once(turn, principal, arrival.attempt, print_, settle, now)
            if outcome.replayed and turn.is_named(staged.content):
                # As in `settle`: the disk may have lost what its sender has brought again.
                turn.keep(staged)
            return outcome

        return once

    async def _claimed(self, arrival: Arrival, wrong: WrongDigest) -> Work:
        """A content by its digest. One that cannot be had is answered as bytes that do not fit."""
        now = self._clock()
        principal, print_ = arrival.principal, fingerprint_of_claim(arrival)

        def look(view: View) -> tuple[bool, Content | None]:
            known = arrival.attempt and self._repeats.knows(view, principal, arrival.attempt, now)
            return bool(known), self.foretold(view, arrival)

        def claim(turn: Turn) -> Outcome:
            content = self.foretold(turn, arrival)
            if content is None:
                raise wrong
            self._check_type(arrival, content.media_type)
            return self._settling.claim(turn, arrival, content, now)

        known, content = await self._index.read(look)
        if not known and (content is None or not await self._is_whole(content)):
            raise wrong
        return lambda turn: self._repeats.once(turn, principal, arrival.attempt, print_, claim, now)

    async def _is_true(self, outcome: Outcome) -> bool:
        """Who is told that the bytes are here must find them: lost ones are taken in again."""
        match outcome:
            case Outcome(AlreadyStored(existing) | ContentKnown(existing)):
                return await self._is_whole(existing.content)
            case Outcome(file=StoredFile() as file):
                return await self._is_whole(file.content)
            case Outcome(parked=Upload() as parked):
                return await self._is_whole(parked.content)
            case _:
                return True

    async def _is_whole(self, content: Content) -> bool:
        try:
            reading = await self._blobs.open(content)
        except (Damaged, NotThere):
            return False
        reading.close()
        return True

    def _foresee(self, view: View, arrival: Arrival, now: float, counted: int) -> Outcome | None:
        recalled = self._repeats.before_its_bytes(view, arrival, now)
        if recalled is not None:
            return recalled.answer
        if claims(arrival):
            return None
        content = self.foretold(view, arrival)
        if content is not None:
            judgements = [self._settling.judge(view, arrival, content)]
        else:
            judgements = self._judge_unknown(view, arrival)
        verdict = judgements[0].verdict
        alike = all(type(other.verdict) is type(verdict) for other in judgements)
        if isinstance(verdict, Accepted) or not alike:
            self._rules.check_quota(
                view.usage(arrival.principal.name), (arrival.size or 0) - counted
            )
            return None
        return Outcome(verdict, arrival.path)

    def foretold(self, view: View, arrival: Arrival) -> Content | None:
        principal = self._rules.current(arrival.principal)
        content = foretold(self._rules, view, principal, arrival.declared)
        fits = content is not None and (claims(arrival) or arrival.size in (None, content.size))
        return content if fits else None

    def _judge_unknown(self, view: View, arrival: Arrival) -> list[Judgement]:
        """Judges the body as something new, and as what is there already if its size may fit."""
        new = Content("", -1 if arrival.size is None else arrival.size)
        judgements = [self._settling.judge(view, arrival, new)]
        current = getattr(judgements[0].at, "file", None)
        if isinstance(current, StoredFile) and arrival.size in (None, current.content.size):
            judgements.append(self._settling.judge(view, arrival, current.content))
        return judgements

    async def _fill(
        self, stage: Stage, arrival: Arrival, body: bytes | AsyncIterable[Piece | Tap]
    ) -> None:
        if isinstance(body, bytes):
            await stage.write(body)
            return
        async for flow in body:
            if isinstance(flow, Piece):
                await stage.write(flow)
                self._check_unannounced(arrival, stage.received, len(flow))
                continue
            while not flow.ended:
                await flow.ready()
                more = await stage.draw(flow)
                self._check_unannounced(arrival, stage.received, more)
        _check_whole(arrival, stage.received)

    async def _judged_by_bytes(self, arrival: Arrival, staged: Staged) -> Work:
        """What is left to be done in the turn."""
        for algorithm, declared in arrival.declared.items():
            if not hmac.compare_digest(staged.digests[algorithm], declared):
                wrong = WrongDigest(
                    f"The bytes received do not have the {algorithm} digest that was declared."
                    " Nothing was stored; send the file again."
                )
                if claims(arrival):
                    return await self._claimed(arrival, wrong)
                raise wrong
        media_type = await self._sniffer.media_type(staged.head)
        self._check_type(arrival, media_type)
        await self._look_through(arrival, staged)
        return self._settled(arrival, staged.typed(media_type))

    async def _look_through(self, arrival: Arrival, staged: Staged) -> None:
        """Also what is here already: who brings it must not learn so by the time that it takes."""
        if self.scanner is None or not staged.content.size:
            return
        found = await self.scanner.verdict(staged)
        if found is not None:
            raise ContentRefused(
                f'"{arrival.path.name}" was refused: the scanner found {found} in it.'
                " Its bytes are deleted.",
                found,
            )

    def _check_type(self, arrival: Arrival, media_type: str) -> None:
        policy = self._rules.policies.of(arrival.path.parent)
        if policy.is_choosy:
            name = arrival.path.name
            fits = self._sniffer.fits(media_type, name)
            self._rules.check_type(policy, media_type, name, fits=fits)

    def expect(self, arrival: Arrival) -> None:
        """Raises the `Failure` that is certain before anything is read: no right, no room."""
        self._rules.demand_upload(arrival.principal, arrival.path)
        self.check_room(arrival.size or 0)

    def _check_unannounced(self, arrival: Arrival, received: int, more: int) -> None:
        if arrival.size is None:
            self._rules.check_size(received)
            self.check_room(more)

    def check_room(self, size: int) -> None:
        """:raises TooLarge, DiskFull: no file may have so many bytes, or there is no room."""
        self._rules.check_size(size)
        if self._rules.limits.room(self.free_space()) < size:
            raise DiskFull("The disk of this server is nearly full: nothing more is taken in.")

    def _tell(self, arrival: Arrival, outcome: Outcome, size: int, *, early: bool) -> None:
        if outcome.replayed:
            return
        verdict = type(outcome.verdict).__name__
        parked = outcome.parked is not None
        self._publish(Settled(arrival.door, verdict, size, early, parked))


def _check_whole(arrival: Arrival, received: int) -> None:
    if arrival.size is not None and received != arrival.size:
        raise BodyTooShort(
            f"The body ended after {received:,} of {arrival.size:,} bytes."
            " Nothing was stored; send it again."
        )
