"""How a claim is settled: judged, and recorded or parked, in one turn of the index."""

import secrets
from collections.abc import Mapping
from dataclasses import field, replace

from uploads import names
from uploads.access import Principal, Right
from uploads.attempts import Attempt
from uploads.collisions import (
    Accepted,
    AlreadyStored,
    AtName,
    Claim,
    ConditionRequired,
    ContentKnown,
    FileAbove,
    FileHere,
    FolderHere,
    Lookalike,
    NameEquivalent,
    NameTaken,
    Nothing,
    Rename,
    Stale,
    Unchanged,
    Verdict,
    decide,
)
from uploads.conditions import UNCONDITIONAL, Condition
from uploads.failures import NoFolder
from uploads.files import Content, Folder, Stamp, StoredFile, Upload
from uploads.guarding import Guard
from uploads.locks import NOTHING_SUBMITTED, Submitted
from uploads.names import Path
from uploads.policy import NO_WISHES, Policy, SameName, Wishes
from uploads.ports import Grounds, Staged, Turn, View
from uploads.rules import Rules
from uploads.values import value


@value
class Arrival:
    """What is said of an upload before its bytes: the headers, or the fields of a form.

    `may_rename`: the server chooses the address (a POST). A PUT is never stored elsewhere
    (RFC 9110 section 9.3.4). `attempt`: its sender may repeat it under a key. `upload`: the id by
    which its sender knows it already. `echo`: what its door repeats to whoever asks for it.
    `makes_folders`: those that are missing on the way to the path.
    """

    door: str
    path: Path
    principal: Principal
    condition: Condition = UNCONDITIONAL
    wishes: Wishes = NO_WISHES
    door_policy: Wishes = NO_WISHES
    size: int | None = None
    declared: Mapping[str, bytes] = field(default_factory=dict)
    modified: float | None = None
    claimed_type: str | None = None
    may_rename: bool = False
    reservation: str | None = None
    attempt: Attempt | None = None
    makes_folders: bool = True
    submitted: Submitted = NOTHING_SUBMITTED
    upload: str | None = None
    echo: Mapping[str, str] = field(default_factory=dict)


@value
class ReplaceIt:
    """Replace the file shown, if it is still the version shown."""

    path: Path
    etag: str


@value
class StoreAs:
    """Store under a name that was free when it was proposed."""

    path: Path


@value
class LinkIt:
    """Store as one more name of the content that is already there."""

    path: Path
    existing: Path


@value
class Discard:
    pass


Resolution = ReplaceIt | StoreAs | LinkIt | Discard


@value
class Outcome:
    """A verdict and what came of it.

    `file` is what stands at `path` after an accepted claim. `twin` is another file with the same
    content that the sender may read. `parked` holds the bytes of a refused one, with the
    `resolutions` that settle it without sending them again. `replayed`: it came of an earlier try.
    """

    verdict: Verdict
    path: Path
    file: StoredFile | None = None
    twin: StoredFile | None = None
    parked: Upload | None = None
    resolutions: tuple[Resolution, ...] = ()
    replayed: bool = False

    @property
    def accepted(self) -> bool:
        return isinstance(self.verdict, Accepted)


@value
class Removed:
    """A file or folder is gone from the tree. `number`, handed to a restore, brings it back."""

    path: Path
    number: int
    replayed: bool = False


@value
class Placed:
    """Something was made, moved, copied or brought back, and now stands here."""

    entry: StoredFile | Folder
    replayed: bool = False


@value
class Filled:
    """A form was read to its end. Each of its files has an outcome of its own."""

    files: int
    replayed: bool = False


@value
class Begun:
    """An upload that arrives in pieces was begun under this id."""

    id: str
    replayed: bool = False


Answer = Outcome | Placed | Removed | Filled | Begun


@value
class Judgement:
    """A verdict with what it was based on."""

    verdict: Verdict
    at: AtName
    twin: StoredFile | None


@value
class Settling:
    rules: Rules

    def judge(
        self, view: Grounds, arrival: Arrival, content: Content, *, passing: bool = True
    ) -> Judgement:
        """May raise a `Failure` where the principal lacks the right that the verdict needs.

        `passing`: what keeps the place for a while, a lock or a reservation, counts, too.
        """
        principal = self.rules.current(arrival.principal)
        self.rules.demand_upload(principal, arrival.path)
        if passing:
            self.rules.check_reserved(principal, arrival.path, arrival.reservation)
        guard = Guard(self.rules, view, principal, arrival.submitted)
        at, holds = view.at(arrival.path), guard.holds()
        sees = self.rules.sees(principal, at, arrival.path)
        # Who works on what they may not see is not for those to know who would be refused anyway.
        hides = passing and not (sees or isinstance(at, Nothing))
        if holds:
            if passing and not hides:
                guard.check_stored(arrival.path)
            if isinstance(at, Nothing) and not arrival.makes_folders:
                check_folder(view, arrival.path.parent)
        twin = view.same_content(content, self.rules.reach(principal), arrival.path)
        claim = Claim(arrival.path, content, arrival.condition, sees)
        policy = self._policy(principal, arrival)
        verdict = decide(claim, at, twin, policy) if holds else _stale(at, sees=sees)
        if isinstance(verdict, Accepted):
            self.rules.demand_for(principal, verdict, arrival.path)
            if hides:
                guard.check_stored(arrival.path)
        return Judgement(verdict, at, twin)

    def _policy(self, principal: Principal, arrival: Arrival) -> Policy:
        policy = self.rules.policy(principal, arrival.path, arrival.wishes, arrival.door_policy)
        may_rename = arrival.may_rename and self.rules.may_be_numbered(arrival.path)
        if policy.same_name is SameName.RENAME and not may_rename:
            policy = replace(policy, same_name=SameName.REFUSE)
        if arrival.submitted.lists:
            # It says which state it rests on, as every other condition does.
            policy = replace(policy, require_conditions=False)
        return policy

    def settle(self, turn: Turn, arrival: Arrival, staged: Staged, now: float) -> Outcome:
        """The whole step for bytes that have just arrived."""
        content = staged.content
        judgement = self.judge(turn, arrival, content)
        if isinstance(judgement.at, FileHere) and judgement.at.file.content == content:
            # Whoever is told that it is stored has brought it again, if the disk has lost it.
            turn.keep(staged)
        if isinstance(judgement.verdict, Accepted):
            if not isinstance(judgement.verdict, Unchanged):
                self.rules.check_share(turn, arrival.principal, content.size)
                self._keep(turn, arrival, staged)
            return self.record(turn, arrival, content, judgement, now)
        resolutions = self.resolutions(turn, arrival.principal, arrival.path, judgement)
        parked = None
        if resolutions and self._may_park(turn, arrival.principal, content):
            self._keep(turn, arrival, staged)
            parked = self._park(turn, arrival, content, judgement.verdict, now)
        return Outcome(
            judgement.verdict,
            arrival.path,
            parked=parked,
            resolutions=resolutions if parked else (),
        )

    def claim(self, turn: Turn, arrival: Arrival, content: Content, now: float) -> Outcome:
        """The whole step for a content that is here, and asked for by its digest. What is refused
        is not parked: it can be asked for again without sending a byte.
        """
        judgement = self.judge(turn, arrival, content)
        if not isinstance(judgement.verdict, Accepted):
            return Outcome(judgement.verdict, arrival.path)
        if not isinstance(judgement.verdict, Unchanged):
            self.rules.check_share(turn, arrival.principal, content.size)
            turn.vouch(content, arrival.declared.keys(), arrival.principal.name)
        return self.record(turn, arrival, content, judgement, now)

    def _keep(self, turn: Turn, arrival: Arrival, staged: Staged) -> None:
        turn.keep(staged)
        turn.vouch(staged.content, staged.digests.keys(), arrival.principal.name)

    def record(
        self, turn: Turn, arrival: Arrival, content: Content, judgement: Judgement, now: float
    ) -> Outcome:
        """Makes an accepted verdict true. The bytes of `content` have been kept."""
        stamp = Stamp(arrival.principal.name, now, arrival.modified, arrival.claimed_type)
        match judgement.verdict:
            case Unchanged(existing):
                self._date(turn, arrival, existing)
                return Outcome(judgement.verdict, existing.path, existing)
            case Rename():
                path = self.rules.free_name(
                    turn.free_name, arrival.principal, arrival.path, arrival.reservation
                )
            case _:
                path = arrival.path
        file = turn.store(path, content, stamp)
        self.rules.reservations.release(arrival.reservation, lambda: self.rules.policies.keys(path))
        return Outcome(judgement.verdict, path, file, judgement.twin)

    def _date(self, turn: Turn, arrival: Arrival, existing: StoredFile) -> None:
        """The bytes are there already, and their owner now says of when they are."""
        modified = arrival.modified
        if modified is None or modified == existing.version.modified:
            return
        if self.rules.may(arrival.principal, Right.REPLACE, existing.path):
            turn.set_modified(existing.path, modified)

    def resolutions(
        self, view: View, principal: Principal, path: Path, judgement: Judgement
    ) -> tuple[Resolution, ...]:
        """What the sender of a refused claim could ask for now, with a good chance of success."""
        if _is_done(judgement.verdict):
            return ()
        found: list[Resolution] = []
        current = _current(judgement.verdict)
        if current is not None and self.rules.may(principal, Right.REPLACE, current.path):
            found.append(ReplaceIt(current.path, current.etag))
        if isinstance(judgement.verdict, ContentKnown):
            found.append(LinkIt(path, judgement.verdict.existing.path))
        elif (free := self._free_path(view, principal, path, judgement)) is not None:
            if not self.rules.may(principal, Right.READ, free):
                free = self._at_random(free.parent.child(path.name))
            if free is not None and self.rules.may(principal, Right.CREATE, free):
                found.append(StoreAs(free))
        return (*found, Discard()) if found else ()

    def _free_path(
        self, view: View, principal: Principal, path: Path, judgement: Judgement
    ) -> Path | None:
        match judgement.at:
            case Nothing():
                return path
            case FileHere() | FolderHere():
                return self._numbered(view, principal, path)
            case Lookalike(existing, wanted) if wanted == path:
                return self._numbered(view, principal, existing.path.parent.child(path.name))
            case Lookalike() if not _is_told(judgement.verdict):
                return None
            case Lookalike(existing, wanted):
                spelled = Path((*existing.path.parts, *path.parts[len(wanted.parts) :]))
                free = isinstance(view.at(spelled), Nothing) and self.rules.lengths.hold(spelled)
                return spelled if free and not self.rules.is_kept(principal, spelled) else None
            case FileAbove(file):
                return self._beside(view, principal, file.path, path)

    def _beside(self, view: View, principal: Principal, there: Path, path: Path) -> Path | None:
        """The same below a folder beside the file that is there, where one is needed."""
        beside = self._numbered(view, principal, there)
        if beside is None:
            return None
        spelled = Path((*beside.parts, *path.parts[len(beside.parts) :]))
        known = all(self.rules.may(principal, Right.READ, one) for one in (there, spelled))
        free = known and self.rules.lengths.hold(spelled)
        return spelled if free and not self.rules.is_kept(principal, spelled) else None

    def _numbered(self, view: View, principal: Principal, path: Path) -> Path | None:
        if not self.rules.may_be_numbered(path):
            return None
        return self.rules.free_name(view.free_name, principal, path)

    def _at_random(self, path: Path) -> Path | None:
        """Which numbers are taken is not for those who may not see: any number will do."""
        if not self.rules.may_be_numbered(path):
            return None
        number, room = secrets.randbelow(names.NUMBERS), self.rules.lengths.room(path.parent)
        return path.parent.child(names.numbered(path.name, number, room))

    def _may_park(self, turn: Turn, principal: Principal, content: Content) -> bool:
        usage, parked = turn.usage(principal.name), turn.parked(principal.name)
        return self.rules.may_park(usage, parked, content.size)

    def _park(
        self, turn: Turn, arrival: Arrival, content: Content, verdict: Verdict, now: float
    ) -> Upload:
        upload = Upload(
            id=arrival.upload or new_id(),
            path=arrival.path,
            content=content,
            principal=arrival.principal.name,
            created=now,
            expires=now + self.rules.limits.keep_parked,
            problem=type(verdict).__name__,
            modified=arrival.modified,
            claimed_type=arrival.claimed_type,
        )
        turn.park(upload)
        self.rules.reservations.park(arrival.reservation, upload.id)
        return upload


def new_id() -> str:
    """Of an upload; whoever could guess one would still have to be its principal."""
    return secrets.token_urlsafe(24)


def check_folder(view: Grounds, folder: Path) -> None:
    """:raises NoFolder: it is not there, and nobody asked for it to be made."""
    if not isinstance(view.at(folder), FolderHere):
        raise NoFolder(f'There is no folder "{folder}". Make it first, then send this again.')


def _stale(at: AtName, *, sees: bool) -> Stale:
    return Stale(at.file if sees and isinstance(at, FileHere) else None)


def _current(verdict: Verdict) -> StoredFile | None:
    """The file that a replacement would replace."""
    match verdict:
        case NameTaken(file) | Stale(file) | ConditionRequired(file):
            return file
        case NameEquivalent(StoredFile() as file, wanted) if len(file.path.parts) == len(
            wanted.parts
        ):
            return file
        case _:
            return None


def _is_told(verdict: Verdict) -> bool:
    """May the sender know how the name that is in the way is spelled?"""
    return isinstance(verdict, NameEquivalent) and verdict.existing is not None


def _is_done(verdict: Verdict) -> bool:
    """The very bytes are there under this name: nothing is left to be settled."""
    return isinstance(verdict, AlreadyStored) or (isinstance(verdict, Stale) and verdict.identical)
