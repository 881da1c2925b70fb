"""Deleting, moving, copying, folders and restoring: the verbs that change the tree without bytes.

None of them replaces anything: what stands where something is to go is a refusal with its evidence.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from uploads.access import Principal, Right
from uploads.attempts import Attempt, Fingerprint, Flights
from uploads.collisions import (
    Accepted,
    AtName,
    Claim,
    ConditionRequired,
    FileHere,
    Lookalike,
    NameTaken,
    NotEmpty,
    Nothing,
    Stale,
    TypeClash,
    Unchanged,
    Verdict,
    decide,
)
from uploads.conditions import UNCONDITIONAL, Condition
from uploads.failures import MalformedRequest
from uploads.files import Content, Folder, Kind, Stamp, StoredFile
from uploads.fitting import Fitting
from uploads.guarding import Guard
from uploads.holdings import known, may_look_back
from uploads.locks import NOTHING_SUBMITTED, Submitted
from uploads.names import Path
from uploads.policy import Policy, SameContent, SameName, Wishes
from uploads.ports import Clock, Index, Turn, View
from uploads.repeating import Repeats, asked
from uploads.rules import Rules, not_there
from uploads.settling import Answer, Outcome, Placed, Removed, check_folder

T = TypeVar("T", bound=Answer)

NO_CONTENT = Content("", -1)
IN_PLACE = Wishes(same_name=SameName.REFUSE, same_content=SameContent.LINK)


@dataclass(frozen=True, slots=True)
class Tree:
    rules: Rules
    index: Index
    clock: Clock
    fitting: Fitting
    flights: Flights = field(default_factory=Flights)
    folders_only: bool = False

    def asked_at(self, *, folder: bool) -> "Tree":
        """`folder`: the address says that it is of one, so that no file there is meant."""
        return replace(self, folders_only=True) if folder else self

    async def make_folder(
        self,
        principal: Principal,
        path: Path,
        condition: Condition = UNCONDITIONAL,
        submitted: Submitted = NOTHING_SUBMITTED,
        *,
        makes_folders: bool = True,
        attempt: Attempt | None = None,
    ) -> Outcome | Placed:
        """`makes_folders`: those that are missing on the way, too."""
        self.rules.demand(principal, Right.CREATE, path)
        stamp = self._stamp(principal)

        def work(turn: Turn) -> Outcome | Placed:
            self.rules.current(principal)
            self.rules.check_reserved(principal, path)
            refused = self._refused_states(turn, principal, path, submitted)
            refused = refused or self.in_the_way(principal, turn.at(path), path)
            if refused:
                return Outcome(refused, path)
            if not makes_folders:
                check_folder(turn, path.parent)
            Guard(self.rules, turn, principal, submitted).check_stored(path)
            if not condition.holds(None):
                # RFC 9110 section 13.2.1: it counts where all would be well without it.
                return Outcome(Stale(None), path)
            return Placed(turn.make_folder(path, stamp))

        wish = asked("folder", path, condition)
        return await self._once(principal, attempt, wish, work)

    async def delete(
        self,
        principal: Principal,
        path: Path,
        condition: Condition,
        submitted: Submitted = NOTHING_SUBMITTED,
        *,
        recursive: bool,
        attempt: Attempt | None = None,
    ) -> Outcome | Removed:
        self.rules.demand(principal, Right.DELETE, path)
        if not path.parts:
            raise MalformedRequest("The top folder itself cannot be deleted, only what is in it.")
        stamp = self._stamp(principal)

        def work(turn: Turn) -> Outcome | Removed:
            self.rules.current(principal)
            found = known(turn.at(path), path, is_folder=self.folders_only)
            self.rules.check_removable(principal, path)
            refused = self._refused_states(turn, principal, path, submitted)
            refused = refused or self.refused_removal(
                turn, principal, found, condition, submitted, recursive=recursive
            )
            return Outcome(refused, path) if refused else Removed(path, turn.delete(path, stamp))

        wish = asked("delete", path, condition, recursive)
        return await self._once(principal, attempt, wish, work)

    async def expect_removal(
        self, principal: Principal, path: Path, submitted: Submitted = NOTHING_SUBMITTED
    ) -> None:
        """Raises the `Failure` that a deletion would meet now: nothing there, no right, a lock."""
        self.rules.demand(principal, Right.DELETE, path)

        def look(view: View) -> None:
            if isinstance(known(view.at(path), path), Folder):
                self.rules.demand_below(principal, Right.DELETE, path)
            Guard(self.rules, view, principal, submitted).check_removed(path)

        await self.index.read(look)

    async def move(
        self,
        principal: Principal,
        source: Path,
        target: Path,
        condition: Condition,
        *,
        recursive: bool,
        attempt: Attempt | None = None,
    ) -> Outcome | Placed:
        """`condition` speaks of the source. What stands at the target is never replaced."""
        for right in (Right.READ, Right.DELETE):
            self.rules.demand(principal, right, source)
        self.rules.demand(principal, Right.CREATE, target)
        self._not_into_itself(source, target)
        stamp = self._stamp(principal)

        def work(turn: Turn) -> Outcome | Placed:
            self.rules.current(principal)
            found = known(turn.at(source), source, is_folder=self.folders_only)
            self.rules.check_removable(principal, source)
            refused = self.refused_removal(turn, principal, found, condition, recursive=recursive)
            if refused:
                return Outcome(refused, source)
            refused = self.refused_arrival(turn, principal, found, target, moves=True)
            if refused:
                return Outcome(refused, target)
            return Placed(turn.move(source, target, stamp))

        wish = asked("move", source, target, condition, recursive)
        return await self._once(principal, attempt, wish, work)

    async def copy(
        self,
        principal: Principal,
        source: Path,
        target: Path,
        condition: Condition,
        *,
        attempt: Attempt | None = None,
    ) -> Outcome | Placed:
        """Names only: no byte is copied. A folder comes with all that the principal may read."""
        self.rules.demand(principal, Right.READ, source)
        self.rules.demand(principal, Right.CREATE, target)
        self._not_into_itself(source, target)
        stamp = self._stamp(principal)

        def work(turn: Turn) -> Outcome | Placed:
            self.rules.current(principal)
            found = known(turn.at(source), source, is_folder=self.folders_only)
            if not Guard(self.rules, turn, principal).meets(condition, source):
                return Outcome(Stale(_file(found)), source)
            refused = self.refused_arrival(turn, principal, found, target)
            if refused:
                return Outcome(refused, target)
            return self.copy_all(turn, principal, found, target, stamp)

        wish = asked("copy", source, target, condition)
        return await self._once(principal, attempt, wish, work)

    async def restore(
        self,
        principal: Principal,
        path: Path,
        number: int,
        condition: Condition,
        *,
        attempt: Attempt | None = None,
    ) -> Outcome | Placed:
        """Brings an earlier version back as the newest, or what a deletion took away."""
        self.rules.demand(principal, Right.READ, path)
        self.rules.demand_upload(principal, path)
        stamp = self._stamp(principal)

        def work(turn: Turn) -> Outcome | Placed:
            self.rules.current(principal)
            self.rules.check_reserved(principal, path)
            version = self._version_before(turn, principal, path, number)
            if version is None or self.folders_only:
                return self._restore_folder(turn, principal, path, number, condition, stamp)
            claim = Claim(path, version.content, condition, sees=True)
            policy = self.rules.policies.of(path.parent).wishing(IN_PLACE)
            verdict = decide(claim, turn.at(path), None, policy)
            if not isinstance(verdict, Accepted):
                return Outcome(verdict, path)
            self.rules.demand_for(principal, verdict, path)
            if isinstance(verdict, Unchanged):
                return Outcome(verdict, path, verdict.existing)
            Guard(self.rules, turn, principal).check_stored(path)
            self.fitting.check_type(version.content, path)
            self.rules.check_share(turn, principal, version.content.size)
            restored = turn.restore(path, version.version.number, stamp)
            return Outcome(verdict, path, restored)

        wish = asked("restore", path, number, condition)
        return await self._once(principal, attempt, wish, work)

    async def _once(
        self, principal: Principal, attempt: Attempt | None, wish: str, work: Callable[[Turn], T]
    ) -> T:
        now, repeats = self.clock(), Repeats(self.rules)
        with self.flights.hold(principal, attempt):
            return await self.index.write(
                lambda turn: repeats.once(turn, principal, attempt, Fingerprint(wish), work, now)
            )

    def _refused_states(
        self, view: View, principal: Principal, path: Path, submitted: Submitted
    ) -> Verdict | None:
        """The `If` of the request does not hold."""
        if Guard(self.rules, view, principal, submitted).holds():
            return None
        at = view.at(path)
        sees = isinstance(at, FileHere) and self.rules.may(principal, Right.READ, path)
        return Stale(at.file if sees and isinstance(at, FileHere) else None)

    def refused_removal(
        self,
        view: View,
        principal: Principal,
        found: StoredFile | Folder,
        condition: Condition,
        submitted: Submitted = NOTHING_SUBMITTED,
        *,
        recursive: bool,
    ) -> Verdict | None:
        shown = _file(found) if self.rules.may(principal, Right.READ, found.path) else None
        guard = Guard(self.rules, view, principal, submitted)
        if not guard.meets(condition, found.path):
            return Stale(shown)
        required = self.rules.policies.of(found.path.parent).require_conditions
        if required and condition.if_match is None and not submitted.lists:
            return ConditionRequired(shown)
        if isinstance(found, Folder):
            self.rules.demand_below(principal, Right.DELETE, found.path)
        guard.check_removed(found.path)
        if isinstance(found, Folder) and not recursive and not view.is_empty(found.path):
            return NotEmpty(found)
        return None

    def refused_arrival(
        self,
        view: View,
        principal: Principal,
        found: StoredFile | Folder,
        target: Path,
        submitted: Submitted = NOTHING_SUBMITTED,
        *,
        moves: bool = False,
    ) -> Verdict | None:
        if isinstance(found, Folder):
            # Where it comes to lie its names may be listed.
            self.rules.demand_below(principal, Right.LIST, found.path)
            self.rules.demand_below(principal, Right.READ, found.path)
            self.rules.demand_below(principal, Right.CREATE, target)
        self.rules.check_reserved(principal, target)
        at = view.at(target)
        # Another spelling of its own name is not in the way of what is being renamed.
        renamed = isinstance(at, Lookalike) and (at.existing, at.wanted) == (found, target)
        refused = None if renamed and moves else self.in_the_way(principal, at, target)
        if refused is None:
            Guard(self.rules, view, principal, submitted).check_stored(target)
            self.fitting.check(view, found, target)
        return refused

    def in_the_way(self, principal: Principal, at: AtName, path: Path) -> Verdict | None:
        """A free name is a condition of its own here: nothing that is there is ever replaced."""
        if isinstance(at, Nothing):
            return None
        sees = self.rules.sees(principal, at, path)
        return decide(Claim(path, NO_CONTENT, UNCONDITIONAL, sees), at, None, Policy())

    def copy_all(
        self,
        turn: Turn,
        principal: Principal,
        found: StoredFile | Folder,
        target: Path,
        stamp: Stamp,
    ) -> Placed:
        if isinstance(found, StoredFile):
            self.rules.check_share(turn, principal, found.content.size)
            placed = turn.store(target, found.content, _as_dated(stamp, found))
            turn.copy_properties(found.path, target)
            return Placed(placed)
        made = turn.make_folder(target, stamp)
        for entry, path in self.fitting.copies(turn, found.path, target):
            if isinstance(entry, StoredFile):
                self.rules.check_share(turn, principal, entry.content.size)
                turn.store(path, entry.content, _as_dated(stamp, entry))
            else:
                turn.make_folder(path, stamp)
            turn.copy_properties(entry.path, path)
        turn.copy_properties(found.path, target)
        return Placed(turn.folder(target) or made)

    def _restore_folder(
        self,
        turn: Turn,
        principal: Principal,
        path: Path,
        number: int,
        condition: Condition,
        stamp: Stamp,
    ) -> Outcome | Placed:
        for right in (Right.READ, Right.CREATE):
            # What comes back counts to who brings it: their share would tell how much is hidden.
            self.rules.demand_below(principal, right, path)
        was, refused = _deleted(turn, number), self.in_the_way(principal, turn.at(path), path)
        # Where it was deleted it may have been closed, and a folder above has been moved since.
        hidden = was is None or not self.rules.access.may_all_below(principal, Right.READ, was)
        if hidden or (refused and was != path):
            raise not_there(path, number)
        if isinstance(refused, NameTaken):
            # No condition brings a folder back over a file.
            refused = TypeClash(refused.existing)
        if refused:
            return Outcome(refused, path)
        Guard(self.rules, turn, principal).check_stored(path)
        if not condition.holds(None):
            return Outcome(Stale(None), path)
        folder = turn.restore_folder(path, number, stamp)
        if folder is None:
            raise not_there(path, number)
        self.rules.check_usage(turn.usage(principal.name))
        return Placed(folder)

    def _version_before(
        self, view: View, principal: Principal, path: Path, number: int
    ) -> StoredFile | None:
        """That version; or, where the number is that of a deletion, the one that it took away."""
        events = view.history(path, number + 1, 2)
        if not events or events[0].number != number:
            return None
        chosen = events[0] if events[0].version else events[-1]
        if not may_look_back(self.rules, view, principal, path, chosen):
            return None
        return view.version(path, chosen.number)

    def _not_into_itself(self, source: Path, target: Path) -> None:
        if not source.parts:
            raise MalformedRequest("The top folder itself cannot be put elsewhere.")
        if target.parts[: len(source.parts)] == source.parts:
            raise MalformedRequest(
                f'"{source}" cannot be put at "{target}", which is itself or inside it.'
            )

    def _stamp(self, principal: Principal) -> Stamp:
        return Stamp(principal.name, self.clock())


def _deleted(view: View, number: int) -> Path | None:
    """The folder of whose deletion this is the number."""
    change = next(iter(view.changes(number - 1, 1)), None)
    is_it = change and (change.number, change.kind) == (number, Kind.DELETED) and change.is_folder
    return change.path if change and is_it else None


def _as_dated(stamp: Stamp, file: StoredFile) -> Stamp:
    """A copy is of the time of what it was made from, as its bytes are."""
    version = file.version
    return replace(stamp, modified=version.modified, claimed_type=version.claimed_type)


def _file(found: StoredFile | Folder) -> StoredFile | None:
    return found if isinstance(found, StoredFile) else None
