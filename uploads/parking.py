"""Uploads parked by a conflict: how they stand, and how they are settled without their bytes."""

from dataclasses import dataclass, field, replace

from uploads.access import Principal, Right
from uploads.attempts import Attempt, Fingerprint, Flights
from uploads.collisions import Accepted, AlreadyStored, NameTaken, Stale, Unchanged
from uploads.conditions import Condition, Tags
from uploads.events import Publish, Settled
from uploads.failures import NotThere
from uploads.files import Upload
from uploads.names import Path
from uploads.policy import NO_WISHES, SameContent, SameName, Wishes
from uploads.ports import Blobs, Clock, Index, Reading, Sniffer, Turn, View
from uploads.repeating import Repeats, asked
from uploads.rules import Rules
from uploads.settling import Arrival, Discard, LinkIt, Outcome, ReplaceIt, Settling, StoreAs

Wanted = ReplaceIt | StoreAs | LinkIt
DOOR = "resolution"
NOTHING_THERE = Condition(if_none_match=Tags(any=True))


@dataclass(frozen=True, slots=True)
class Parking:
    rules: Rules
    index: Index
    blobs: Blobs
    sniffer: Sniffer
    publish: Publish
    clock: Clock
    flights: Flights = field(default_factory=Flights)

    async def look(self, id: str, principal: Principal) -> Outcome:
        """The parked upload as it stands now: judged afresh, with what could settle it now."""
        return await self.index.read(
            lambda view: self._look(view, self._own(view, id, principal), principal)
        )

    async def all_of(
        self, principal: Principal, after: str | None = None, limit: int = 100
    ) -> list[Upload]:
        """The uploads of one user. Nobody is shown what others sent without a name."""
        if principal.is_anonymous:
            return []
        return await self.index.read(lambda view: self._all_of(view, principal, after, limit))

    async def open(self, id: str, principal: Principal) -> tuple[Upload, Reading]:
        upload = await self.index.read(lambda view: self._own(view, id, principal))
        return upload, await self.blobs.open(upload.content)

    async def resolve(
        self, id: str, principal: Principal, wanted: Wanted, attempt: Attempt | None = None
    ) -> Outcome:
        """Settles it as wanted, unless the world has moved on: then judged and offered anew."""
        now, repeats, print_ = self.clock(), Repeats(self.rules), Fingerprint(asked(id, wanted))

        def work(turn: Turn) -> Outcome:
            return self._resolve(turn, self._own(turn, id, principal), principal, wanted, now)

        with self.flights.hold(principal, attempt):
            outcome = await self.index.write(
                lambda turn: repeats.once(turn, principal, attempt, print_, work, now)
            )
        if outcome.replayed:
            return outcome
        self.publish(Settled(DOOR, type(outcome.verdict).__name__, 0, early=False, parked=False))
        return outcome

    async def discard(self, id: str, principal: Principal) -> Upload:
        """What was given up. Its bytes may be lost already."""

        def work(turn: Turn) -> Upload:
            upload = self._own(turn, id, principal)
            turn.drop_upload(upload.id)
            return upload

        return await self.index.write(work)

    def _check_type(self, upload: Upload, path: Path) -> None:
        """The bytes were judged for the name that they came under; this may be another."""
        media_type = upload.content.media_type
        fits = self.sniffer.fits(media_type, path.name)
        policy = self.rules.policies.of(path.parent)
        self.rules.check_type(policy, media_type, path.name, fits=fits)

    def _own(self, view: View, id: str, principal: Principal) -> Upload:
        upload = view.upload(id)
        now = self.clock()
        if (
            upload is None
            or not principal.has_sent(upload)
            or upload.expires <= now
            or not in_scope(upload.path, principal)
        ):
            raise NotThere(
                "No upload waits here for a decision: it was settled, discarded or has expired, or"
                " not all of it has come. How far it has come is told by HEAD, with Tus-Resumable."
            )
        return upload

    def _all_of(
        self, view: View, principal: Principal, after: str | None, limit: int
    ) -> list[Upload]:
        found: list[Upload] = []
        while len(found) < limit:
            uploads = view.uploads(principal.name, after, limit)
            mine = filter(principal.has_sent, uploads)
            found += [one for one in mine if in_scope(one.path, principal, Right.READ)]
            if len(uploads) < limit:
                break
            after = uploads[-1].id
        return found[:limit]

    def _look(self, view: View, upload: Upload, principal: Principal) -> Outcome:
        arrival = self._arrival(upload, principal, upload.path, NOTHING_THERE, NO_WISHES)
        settling = Settling(self.rules)
        # What keeps the place for now is told to who tries: there are other ways to settle it.
        judgement = settling.judge(view, arrival, upload.content, passing=False)
        if isinstance(judgement.verdict, Stale):
            judgement = replace(judgement, verdict=_in_the_way(judgement.verdict, upload))
        resolutions = settling.resolutions(view, principal, upload.path, judgement)
        return Outcome(
            judgement.verdict,
            upload.path,
            parked=upload,
            resolutions=resolutions or (Discard(),),
        )

    def _resolve(
        self, turn: Turn, upload: Upload, principal: Principal, wanted: Wanted, now: float
    ) -> Outcome:
        settling = Settling(self.rules)
        arrival = self._wanted_arrival(upload, principal, wanted)
        judgement = settling.judge(turn, arrival, upload.content)
        if isinstance(judgement.verdict, Accepted):
            self._check_type(upload, arrival.path)
            turn.drop_upload(upload.id)
            if not isinstance(judgement.verdict, Unchanged):
                self.rules.check_share(turn, principal, upload.content.size)
            return settling.record(turn, arrival, upload.content, judgement, now)
        resolutions = settling.resolutions(turn, principal, upload.path, judgement)
        return Outcome(
            judgement.verdict,
            arrival.path,
            parked=upload,
            resolutions=resolutions or (Discard(),),
        )

    def _wanted_arrival(self, upload: Upload, principal: Principal, wanted: Wanted) -> Arrival:
        match wanted:
            case ReplaceIt(path, etag):
                condition = Condition(if_match=Tags(strong=frozenset({etag})))
            case StoreAs(path) | LinkIt(path):
                condition = NOTHING_THERE
        # Whoever resolves has been told of the twin, so a second name for it is what they chose.
        wishes = Wishes(same_name=SameName.REFUSE, same_content=SameContent.LINK)
        return self._arrival(upload, principal, path, condition, wishes)

    def _arrival(
        self,
        upload: Upload,
        principal: Principal,
        path: Path,
        condition: Condition,
        wishes: Wishes,
    ) -> Arrival:
        return Arrival(
            door=DOOR,
            path=path,
            principal=principal,
            condition=condition,
            wishes=wishes,
            size=upload.content.size,
            modified=upload.modified,
            claimed_type=upload.claimed_type,
            reservation=self.rules.reservations.of_parked(upload.id),
        )


def in_scope(path: Path, principal: Principal, *needed: Right) -> bool:
    """A token speaks of what was sent to where it may send to, and not of all that its owner sent.

    Who names an upload has it from the answer to that; who lists them must be a reader, too.
    """
    scope, folded = principal.scope, path.folded
    if scope is None:
        return True
    sends = scope.holds(Right.CREATE, folded) or scope.holds(Right.REPLACE, folded)
    return (sends or bool(needed)) and all(scope.holds(right, folded) for right in needed)


def _in_the_way(stale: Stale, upload: Upload) -> NameTaken | AlreadyStored:
    """Who looks has named no version: what stands there is told of as what it is."""
    current = stale.current
    if current is not None and current.content == upload.content:
        return AlreadyStored(current)
    return NameTaken(current)
