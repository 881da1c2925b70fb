"""Taking, keeping and giving back locks. What a lock lets others do is judged in `guarding`."""

import secrets
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from uploads.access import Principal, Right
from uploads.collisions import FileHere, FolderHere, Stale
from uploads.conditions import UNCONDITIONAL, Condition
from uploads.failures import Locked, NotAllowed, NotThatLock, OverQuota
from uploads.guarding import Guard
from uploads.holdings import known
from uploads.locks import NOTHING_SUBMITTED, Lock, Submitted
from uploads.names import Path
from uploads.policy import SameContent, SameFile, Wishes
from uploads.ports import Blobs, Index, Staged, Turn
from uploads.rules import Rules
from uploads.settling import Arrival, Outcome, Settling

MOST_LOCKS = 1000
# Over one place, as each of them is told with all that it covers.
MOST_SHARED = 16
KEPT_FREE = Wishes(same_file=SameFile.ACCEPT, same_content=SameContent.LINK)


@dataclass(frozen=True, slots=True)
class Wanted:
    """`seconds`: for how long, None for as long as can be had."""

    principal: Principal
    path: Path
    exclusive: bool
    deep: bool
    owner: str
    seconds: float | None = None
    submitted: Submitted = NOTHING_SUBMITTED
    condition: Condition = UNCONDITIONAL


@dataclass(frozen=True, slots=True)
class Taken:
    """`made`: nothing stood there, so that an empty file now keeps the name (RFC 4918, 7.3)."""

    lock: Lock
    made: bool


@dataclass(frozen=True, slots=True)
class Locking:
    rules: Rules
    index: Index
    blobs: Blobs
    longest: float = 3600.0

    async def lock(self, wanted: Wanted) -> Outcome | Taken:
        self.rules.demand_upload(wanted.principal, wanted.path)
        if wanted.deep:
            self.rules.demand_below(wanted.principal, Right.REPLACE, wanted.path)
        async with self.blobs.stage(0, ()) as stage:
            empty = await stage.finish()
            return await self.index.write(lambda turn: self._lock(turn, wanted, empty))

    async def refresh(
        self,
        principal: Principal,
        path: Path,
        submitted: Submitted,
        seconds: float | None,
        condition: Condition = UNCONDITIONAL,
    ) -> Outcome | Lock:
        """Of the lock whose token was submitted; it is kept no longer than a new one would be."""

        def work(turn: Turn) -> Outcome | Lock:
            guard = Guard(self.rules, turn, self.rules.current(principal), submitted)
            mine = [one for one in self._told(guard, path) if one.token in submitted.tokens]
            if not mine or mine[0].principal != principal.name:
                return Outcome(Stale(None), path)
            # A token of its owner that is for reading, or for elsewhere, keeps nobody out longer.
            self.rules.demand_upload(principal, path)
            if not (guard.meets(condition, path) and guard.holds()):
                return Outcome(Stale(None), path)
            lock = replace(mine[0], expires=self._until(seconds))
            turn.lock(lock)
            return lock

        return await self.index.write(work)

    async def unlock(self, principal: Principal, path: Path, token: str) -> None:
        """:raises NotThatLock: it is not here. :raises NotAllowed: it is of somebody else."""

        def work(turn: Turn) -> None:
            guard = Guard(self.rules, turn, self.rules.current(principal))
            lock = next((one for one in self._told(guard, path) if one.token == token), None)
            if lock is None:
                raise NotThatLock(
                    f'The lock that you name does not keep "{path}", or it has run out.'
                )
            self.rules.demand_upload(principal, path)
            if lock.principal != principal.name:
                raise NotAllowed("Only who has taken a lock gives it back. It runs out by itself.")
            turn.unlock(token)

        await self.index.write(work)

    def _lock(self, turn: Turn, wanted: Wanted, empty: Staged) -> Outcome | Taken:
        principal, path = self.rules.current(wanted.principal), wanted.path
        guard = Guard(self.rules, turn, principal, wanted.submitted)
        if not (guard.meets(wanted.condition, path) and guard.holds()):
            return Outcome(Stale(None), path)
        at = turn.at(path)
        made = not isinstance(at, FileHere | FolderHere)
        if not made:
            # First: who may not lock it does not learn that somebody else has.
            self.rules.demand(principal, Right.REPLACE, path)
            known(at, path)
        self._check_free(guard, wanted)
        if turn.locks_of(wanted.principal.name) >= MOST_LOCKS:
            # What has run out is counted until it is swept away.
            turn.forget_locks(self.rules.clock(), MOST_LOCKS)
        if turn.locks_of(wanted.principal.name) >= MOST_LOCKS:
            raise OverQuota(
                f"You hold {MOST_LOCKS:,} locks, and no more are given. Give some back."
            )
        if made:
            refused = self._keep_name(turn, wanted, empty)
            if refused is not None:
                return refused
        lock = Lock(
            token=f"urn:uuid:{uuid.UUID(bytes=secrets.token_bytes(16), version=4)}",
            path=path,
            principal=wanted.principal.name,
            exclusive=wanted.exclusive,
            deep=wanted.deep,
            owner=wanted.owner,
            expires=self._until(wanted.seconds),
        )
        turn.lock(lock)
        return Taken(lock, made)

    def _told(self, guard: Guard, path: Path) -> list[Lock]:
        """Who has no right here at all does not learn whether there is a lock."""
        return guard.over(path) if self.rules.access.may_any(guard.principal, path) else []

    def _check_free(self, guard: Guard, wanted: Wanted) -> None:
        """RFC 4918 section 6.1: beside an exclusive lock there is no other."""
        here = guard.over(wanted.path)
        below = guard.below(wanted.path) if wanted.deep else []
        for lock in (*here, *below):
            if wanted.exclusive or lock.exclusive:
                guard.refuse(wanted.path, lock)
        if len(here) + _most_over_one(below, wanted.path) >= MOST_SHARED:
            raise Locked(
                f'"{wanted.path}", or something in it, has {MOST_SHARED} shared locks, and no more'
                " are given. Try again when one of them is given back, or has run out.",
                wanted.path,
            )

    def _keep_name(self, turn: Turn, wanted: Wanted, empty: Staged) -> Outcome | None:
        arrival = Arrival(
            door="dav",
            path=wanted.path,
            principal=wanted.principal,
            door_policy=KEPT_FREE,
            size=0,
            makes_folders=False,
            submitted=wanted.submitted,
        )
        outcome = Settling(self.rules).settle(turn, arrival, empty, self.rules.clock())
        return None if outcome.accepted else outcome

    def _until(self, seconds: float | None) -> float:
        granted = self.longest if seconds is None else min(seconds, self.longest)
        return self.rules.clock() + granted


def _most_over_one(locks: Sequence[Lock], folder: Path) -> int:
    """How many of the locks in a folder cover one and the same place there."""
    at = Counter(lock.path for lock in locks)
    deep = Counter(lock.path for lock in locks if lock.deep)
    return max((at[path] + _above(deep, path, folder) for path in at), default=0)


def _above(deep: Counter[Path], path: Path, folder: Path) -> int:
    depths = range(len(folder.parts) + 1, len(path.parts))
    return sum(deep[Path(path.parts[:depth])] for depth in depths)
