"""Moving and copying onto what may be there already, as WebDAV has it (RFC 4918 section 9.8, 9.9).

What is replaced stays in the history: a file that is copied over gets a version more, and whatever
else stands in the way is deleted as by anybody.
"""

from dataclasses import dataclass

from uploads.access import Principal, Right
from uploads.collisions import AtName, FileHere, FolderHere, Nothing, Stale, Verdict
from uploads.conditions import UNCONDITIONAL, Condition
from uploads.failures import MalformedRequest
from uploads.files import Folder, Stamp, StoredFile
from uploads.guarding import Guard
from uploads.holdings import known
from uploads.locks import NOTHING_SUBMITTED, Submitted
from uploads.names import Path
from uploads.ports import Turn
from uploads.rules import Rules
from uploads.settling import Outcome, Placed, check_folder
from uploads.tree import Tree


@dataclass(frozen=True, slots=True)
class Transfer:
    """`overwrite`: what stands at the target gives way. `deep`: a folder with all that is in it.
    `of_folder`: the address says that it is of one, so that no file there is meant.
    """

    principal: Principal
    source: Path
    target: Path
    condition: Condition = UNCONDITIONAL
    submitted: Submitted = NOTHING_SUBMITTED
    overwrite: bool = True
    deep: bool = True
    of_folder: bool = False


@dataclass(frozen=True, slots=True)
class Transferred:
    """`replaced`: something stood there before."""

    placed: Placed
    replaced: bool


@dataclass(frozen=True, slots=True)
class Transfers:
    tree: Tree

    @property
    def _rules(self) -> Rules:
        return self.tree.rules

    async def move(self, wanted: Transfer) -> Outcome | Transferred:
        for right in (Right.READ, Right.DELETE):
            self._rules.demand(wanted.principal, right, wanted.source)
        stamp = self._expect(wanted)

        def work(turn: Turn) -> Outcome | Transferred:
            found = self._found(turn, wanted)
            self._rules.check_removable(wanted.principal, wanted.source)
            refused = self._refused(turn, wanted, found) or self.tree.refused_removal(
                turn,
                wanted.principal,
                found,
                wanted.condition,
                wanted.submitted,
                recursive=True,
            )
            if refused:
                return Outcome(refused, wanted.source)
            way = self._way(turn, wanted)
            if not isinstance(way, Way):
                return Outcome(way, wanted.target)
            self._clear(turn, wanted, way, stamp)
            refused = self._refused_arrival(turn, wanted, found, moves=True)
            if refused:
                return self._given_back(refused, wanted, way)
            placed = Placed(turn.move(wanted.source, wanted.target, stamp))
            return Transferred(placed, way.entry is not None)

        return await self.tree.index.write(work)

    async def copy(self, wanted: Transfer) -> Outcome | Transferred:
        self._rules.demand(wanted.principal, Right.READ, wanted.source)
        stamp = self._expect(wanted)

        def work(turn: Turn) -> Outcome | Transferred:
            found = self._found(turn, wanted)
            refused = self._refused(turn, wanted, found)
            if refused:
                return Outcome(refused, wanted.source)
            way = self._way(turn, wanted)
            if not isinstance(way, Way):
                return Outcome(way, wanted.target)
            if isinstance(found, StoredFile) and isinstance(way.entry, StoredFile):
                return self._copy_over(turn, wanted, found, way.entry, stamp)
            self._clear(turn, wanted, way, stamp)
            refused = self._refused_arrival(turn, wanted, found, moves=False)
            if refused:
                return self._given_back(refused, wanted, way)
            placed = self._copy(turn, wanted, found, stamp)
            return Transferred(placed, way.entry is not None)

        return await self.tree.index.write(work)

    def _expect(self, wanted: Transfer) -> Stamp:
        rules, target = self._rules, wanted.target
        rules.demand_upload(wanted.principal, target)
        for one, other in ((wanted.source, target), (target, wanted.source)):
            if other.parts[: len(one.parts)] == one.parts:
                raise MalformedRequest(
                    f'"{wanted.source}" cannot be put at "{target}": one of them is the other, or'
                    " in it."
                )
        return Stamp(wanted.principal.name, self.tree.clock())

    def _found(self, turn: Turn, wanted: Transfer) -> StoredFile | Folder:
        self._rules.current(wanted.principal)
        return known(turn.at(wanted.source), wanted.source, is_folder=wanted.of_folder)

    def _refused(self, turn: Turn, wanted: Transfer, found: StoredFile | Folder) -> Verdict | None:
        guard = Guard(self._rules, turn, wanted.principal, wanted.submitted)
        if not guard.meets(wanted.condition, wanted.source):
            return Stale(found if isinstance(found, StoredFile) else None)
        return None if guard.holds() else Stale(None)

    def _way(self, turn: Turn, wanted: Transfer) -> "Way | Verdict":
        """What gives way at the target, if anything does."""
        rules, principal, target = self._rules, wanted.principal, wanted.target
        at = turn.at(target)
        entry = _standing(at)
        if entry is None:
            rules.demand(principal, Right.CREATE, target)
            if isinstance(at, Nothing):
                check_folder(turn, target.parent)
            return Way(None)
        if not wanted.overwrite:
            sees = isinstance(entry, StoredFile) and rules.may(principal, Right.READ, target)
            return Stale(entry if sees and isinstance(entry, StoredFile) else None)
        return Way(entry)

    def _clear(self, turn: Turn, wanted: Transfer, way: "Way", stamp: Stamp) -> None:
        """A file may be replaced by whoever may replace files; anything more is a deletion."""
        if way.entry is None:
            return
        rules, principal, target = self._rules, wanted.principal, wanted.target
        if isinstance(way.entry, Folder):
            # What comes is a new file or folder there, and no version of what goes.
            rules.demand(principal, Right.CREATE, target)
            rules.demand(principal, Right.DELETE, target)
            rules.demand_below(principal, Right.DELETE, target)
        else:
            rules.demand(principal, Right.REPLACE, target)
        rules.check_removable(principal, target)
        guard = Guard(rules, turn, principal, wanted.submitted)
        guard.check_removed(target)
        kept = [lock for lock in guard.over(target) if len(lock.path.parts) == len(target.parts)]
        turn.delete(target, stamp)
        for lock in kept:
            # RFC 4918 section 7.7: what comes is added to the lock that is there.
            turn.lock(lock)

    def _refused_arrival(
        self, turn: Turn, wanted: Transfer, found: StoredFile | Folder, *, moves: bool
    ) -> Verdict | None:
        return self.tree.refused_arrival(
            turn, wanted.principal, found, wanted.target, wanted.submitted, moves=moves
        )

    def _given_back(self, refused: Verdict, wanted: Transfer, way: "Way") -> Outcome:
        if way.entry is not None:
            # What raises leaves nothing behind, so that what was cleared stands there again.
            raise MalformedRequest(f'Nothing can be put at "{wanted.target}". Nothing was changed.')
        return Outcome(refused, wanted.target)

    def _copy_over(
        self,
        turn: Turn,
        wanted: Transfer,
        found: StoredFile,
        there: StoredFile,
        stamp: Stamp,
    ) -> Outcome | Transferred:
        """The file that is there goes on, with one version more."""
        rules, principal, target = self._rules, wanted.principal, wanted.target
        rules.demand(principal, Right.REPLACE, target)
        rules.check_reserved(principal, target)
        Guard(rules, turn, principal, wanted.submitted).check_stored(target)
        self.tree.fitting.check(turn, found, target)
        # Of what they may not see, neither the number nor their share tells that it was the same.
        if found.content != there.content or not rules.may(principal, Right.READ, target):
            return Transferred(self._copy(turn, wanted, found, stamp), replaced=True)
        turn.copy_properties(wanted.source, target)
        if found.version.modified != there.version.modified:
            turn.set_modified(target, found.version.modified)
        return Transferred(Placed(there), replaced=True)

    def _copy(
        self, turn: Turn, wanted: Transfer, found: StoredFile | Folder, stamp: Stamp
    ) -> Placed:
        if isinstance(found, StoredFile) or wanted.deep:
            return self.tree.copy_all(turn, wanted.principal, found, wanted.target, stamp)
        made = turn.make_folder(wanted.target, stamp)
        turn.copy_properties(wanted.source, wanted.target)
        return Placed(made)


@dataclass(frozen=True, slots=True)
class Way:
    """None: it is free, or what is in it is judged as on every other way in."""

    entry: StoredFile | Folder | None


def _standing(at: AtName) -> StoredFile | Folder | None:
    match at:
        case FileHere(file):
            return file
        case FolderHere(folder):
            return folder
        case _:
            return None
