"""Whether the locks of the tree, and the `If` of a request, let it do what it wants to.

Asked inside the turn that does it, like every other rule.
"""

from collections.abc import Collection, Sequence

from uploads.access import Principal, Right
from uploads.asker import asker
from uploads.collisions import FileHere, FolderHere, Nothing
from uploads.conditions import UNCONDITIONAL, Condition
from uploads.failures import Locked
from uploads.locks import NOTHING_SUBMITTED, Lock, State, Submitted
from uploads.names import Path
from uploads.ports import Grounds
from uploads.rules import Rules
from uploads.values import value

WEAK = "W/"


@value
class Standing:
    """What a place has of the states in an `If`, as far as the principal may know.

    `unchanged`: the numbers after which nothing in the folder was changed. One that has not come
    yet is of a store that was set back, and what it knew is gone.
    """

    tokens: frozenset[str]
    etag: str | None = None
    unchanged: range = range(0)

    def has(self, state: State) -> bool:
        if state.since is not None:
            return state.since in self.unchanged
        if state.is_etag:
            return state.text.removeprefix(WEAK) == self.etag
        return state.text in self.tokens


@value
class Guard:
    rules: Rules
    view: Grounds
    principal: Principal
    submitted: Submitted = NOTHING_SUBMITTED

    def holds(self) -> bool:
        """RFC 4918 section 10.4.3: one list of which every state is as it says. Each place is
        looked at once, however many of the states are of it.
        """
        lists = self.submitted.lists
        if not lists:
            return True
        standings: dict[Path, Standing] = {}

        def is_true(path: Path | None, state: State) -> bool:
            if path is None:
                return state.negated
            if path not in standings:
                standings[path] = self._standing(path)
            return standings[path].has(state) != state.negated

        return any(all(is_true(one.path, state) for state in one.states) for one in lists)

    def meets(self, condition: Condition, path: Path) -> bool:
        """Is what the request says of this place true, as far as the principal may know?"""
        if condition == UNCONDITIONAL:
            return True
        match self.view.at(path):
            case FileHere(entry) | FolderHere(entry):
                return condition.holds(asker(self.rules, self.view, self.principal).current(entry))
            case _:
                return condition.holds(None)

    def over(self, path: Path) -> list[Lock]:
        """The locks that keep this place."""
        return [lock for lock in self._live(self.view.locks_over(path)) if lock.covers(path)]

    def below(self, path: Path) -> list[Lock]:
        return self._live(self.view.locks_below(path))

    def at(self, paths: Collection[Path]) -> list[Lock]:
        return self._live(self.view.locks_at(paths))

    def check_stored(self, path: Path) -> None:
        """May a file be written here? A new one changes which names are in the folder above.

        :raises Locked: somebody else keeps the place.
        """
        above = self._live(self.view.locks_over(path))
        if not above:
            return
        while path.parts and isinstance(self.view.at(path), Nothing):
            path = path.parent
        self._demand(path, [lock for lock in above if lock.covers(path)])

    def check_removed(self, path: Path) -> None:
        """May all that is here go away? Who asks may take away all of it: else the answer would
        tell what somebody does in a part that is closed to them.

        :raises Locked: somebody else keeps the place, the folder above, or something below.
        """
        self._demand(path, self.over(path))
        if path.parts:
            self._demand(path.parent, self.over(path.parent))
        for lock in self.below(path):
            self._demand(path, [lock])

    def _demand(self, path: Path, locks: Sequence[Lock]) -> None:
        """One token of several shared locks will do."""
        if locks and not any(self._is_shown(lock) for lock in locks):
            self.refuse(path, locks[0])

    def refuse(self, path: Path, lock: Lock) -> None:
        told = lock.path if self.rules.may(self.principal, Right.READ, lock.path) else path
        raise Locked(
            f'"{told}" is locked by somebody who works on it. Nothing was changed; try again when'
            " the lock is given back, or has run out.",
            told,
        )

    def _is_shown(self, lock: Lock) -> bool:
        mine = lock.principal == self.principal.name
        return mine and lock.token in self.submitted.tokens

    def _live(self, locks: Sequence[Lock]) -> list[Lock]:
        now = self.rules.clock()
        return [lock for lock in locks if lock.expires > now]

    def _standing(self, path: Path) -> Standing:
        tokens = frozenset(lock.token for lock in self.over(path))
        reads = self.rules.may(self.principal, Right.READ, path)
        match self.view.at(path):
            case FileHere(file) if reads:
                return Standing(tokens, file.etag)
            case FolderHere(folder):
                # Where something below is closed, the folder's number would tell when that changes.
                asking = asker(self.rules, self.view, self.principal)
                sees = asking.may_all_below(Right.LIST, path)
                changed = folder.changed if sees else asking.last
                lists = self.rules.may(self.principal, Right.LIST, path)
                unchanged = range(changed, asking.last + 1) if lists else range(0)
                return Standing(tokens, asking.etag(folder) if reads else None, unchanged)
            case _:
                return Standing(tokens)
