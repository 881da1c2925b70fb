"""Bytes in, hash, decide, keep, park or drop: the only way in, whatever door they come through."""

import hmac
from collections.abc import AsyncIterable, Awaitable
from contextlib import AbstractAsyncContextManager, nullcontext

from uploads.admission import Admission
from uploads.collisions import Accepted, AlreadyStored, ContentKnown, Verdict
from uploads.events import Publish, Settled
from uploads.failures import BodyTooShort, Damaged, DiskFull, NotThere, WrongDigest
from uploads.files import Content, StoredFile
from uploads.names import Path
from uploads.ports import Blobs, Clock, Index, Piece, Sniffer, Stage, Staged, Tap, View
from uploads.rules import Rules
from uploads.settling import Arrival, Judgement, Outcome, Settling

NOWHERE = Path(())


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
        self.admission = Admission(rules.limits.uploads_at_once, rules.limits.uploads_per_principal)

    def free_space(self) -> int:
        return self._blobs.free_space()

    async def try_the_writer(self) -> None:
        """A turn that changes nothing: it waits for its place and commits, but syncs no byte."""
        await self._index.write(lambda turn: turn.folder(NOWHERE))

    async def foresee(self, arrival: Arrival) -> Outcome | None:
        """The refusal that is certain before a byte of the body is read, or None."""
        self._expect(arrival)
        outcome = await self._index.read(lambda view: self._foresee(view, arrival))
        if outcome is None or not await self._is_true(outcome.verdict):
            return None
        self._tell(arrival, outcome, arrival.size or 0, early=True)
        return outcome

    async def receive(
        self,
        arrival: Arrival,
        body: AsyncIterable[Piece | Tap],
        in_line: AbstractAsyncContextManager[object] | None = None,
    ) -> Outcome:
        """Takes the body in and settles it. What was cut short or does not fit leaves no trace.

        `in_line` is entered for the moment in which the claim gets its place among the others.
        """
        self._expect(arrival)
        with self.admission.place(arrival.principal):
            async with self._blobs.stage(arrival.size, arrival.declared.keys()) as stage:
                await self._fill(stage, arrival, body)
                staged = await self._judged_by_bytes(arrival, await stage.finish())
                async with in_line or nullcontext():
                    settled = self._settle(arrival, staged)
                outcome = await settled
        self._tell(arrival, outcome, staged.content.size, early=False)
        return outcome

    def _settle(self, arrival: Arrival, staged: Staged) -> Awaitable[Outcome]:
        now = self._clock()
        return self._index.write(lambda turn: self._settling.settle(turn, arrival, staged, now))

    async def _is_true(self, verdict: Verdict) -> bool:
        """Who is told that the bytes are here must find them: lost ones are taken in again."""
        if not isinstance(verdict, AlreadyStored | ContentKnown):
            return True
        try:
            reading = await self._blobs.open(verdict.existing.content)
        except (Damaged, NotThere):
            return False
        reading.close()
        return True

    def _foresee(self, view: View, arrival: Arrival) -> Outcome | None:
        content = self._foretold(view, arrival)
        if content is not None:
            judgements = [self._settling.judge(view, arrival, content)]
        else:
            judgements = self._judge_unknown(view, arrival)
        verdict = judgements[0].verdict
        alike = all(type(other.verdict) is type(verdict) for other in judgements)
        if isinstance(verdict, Accepted) or not alike:
            self._rules.check_quota(view.usage(arrival.principal.name), arrival.size or 0)
            return None
        return Outcome(verdict, arrival.path)

    def _foretold(self, view: View, arrival: Arrival) -> Content | None:
        """The content that was declared. One that the sender can read nowhere is as unknown, and so
        is what only others declared: an answer that came the sooner would tell that they have it.
        """
        # MD5 collisions can be made at will: it may confirm bytes, but not foretell them.
        told = {name: value for name, value in arrival.declared.items() if name != "md5"}
        content = view.content_declared(told) if told else None
        if content is None or arrival.size not in (None, content.size):
            return None
        reach = self._rules.reach(arrival.principal)
        holder = view.same_content(content, reach, NOWHERE)
        by = [arrival.principal.name, holder.version.by] if holder else []
        vouched = any(told.items() <= view.vouched(content, one).items() for one in by)
        return content if vouched else None

    def _judge_unknown(self, view: View, arrival: Arrival) -> list[Judgement]:
        """Judges the body as something new, and as what is there already if its size may fit."""
        new = Content("", -1 if arrival.size is None else arrival.size)
        judgements = [self._settling.judge(view, arrival, new)]
        current = getattr(judgements[0].at, "file", None)
        if isinstance(current, StoredFile) and arrival.size in (None, current.content.size):
            judgements.append(self._settling.judge(view, arrival, current.content))
        return judgements

    async def _fill(self, stage: Stage, arrival: Arrival, body: AsyncIterable[Piece | Tap]) -> None:
        async for flow in body:
            if isinstance(flow, Piece):
                await stage.write(flow)
                self._check_unannounced(arrival, stage, len(flow))
                continue
            while not flow.ended:
                await flow.ready()
                self._check_unannounced(arrival, stage, await stage.draw(flow))
        if arrival.size is not None and stage.received != arrival.size:
            raise BodyTooShort(
                f"The body ended after {stage.received:,} of {arrival.size:,} bytes."
                " Nothing was stored; send it again."
            )

    async def _judged_by_bytes(self, arrival: Arrival, staged: Staged) -> Staged:
        for algorithm, declared in arrival.declared.items():
            if not hmac.compare_digest(staged.digests[algorithm], declared):
                raise WrongDigest(
                    f"The bytes received do not have the {algorithm} digest that was declared."
                    " Nothing was stored; send the file again."
                )
        media_type = await self._sniffer.media_type(staged.head)
        policy = self._rules.policies.of(arrival.path.parent)
        name = arrival.path.name
        fits = self._sniffer.fits(media_type, name)
        self._rules.check_type(policy, media_type, name, fits=fits)
        return staged.typed(media_type)

    def _expect(self, arrival: Arrival) -> None:
        """Raises the `Failure` that is certain before anything is read: no right, no room."""
        self._rules.demand_upload(arrival.principal, arrival.path)
        self._check_room(arrival.size or 0)

    def _check_unannounced(self, arrival: Arrival, stage: Stage, more: int) -> None:
        if arrival.size is None:
            self._rules.check_size(stage.received)
            self._check_room(more)

    def _check_room(self, size: int) -> None:
        self._rules.check_size(size)
        if self._blobs.free_space() - size < self._rules.limits.free_space:
            raise DiskFull(
                "The disk of this server is nearly full, so nothing more is taken in."
                " What is stored can still be read. Try again later."
            )

    def _tell(self, arrival: Arrival, outcome: Outcome, size: int, *, early: bool) -> None:
        verdict = type(outcome.verdict).__name__
        parked = outcome.parked is not None
        self._publish(Settled(arrival.door, verdict, size, early, parked))
