"""Who may do what where. A folder with grants of its own is ruled by those alone."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from uploads.files import Incoming, Upload
from uploads.names import Path

ANONYMOUS_NAME = "anonymous"
USERS = "users"
# Of so many askers it is remembered what they may do, and of fewer where there are many grants.
STANDINGS_KEPT, GRANTS_KEPT = 1024, 256_000


class Right(StrEnum):
    LIST = "list"
    READ = "read"
    CREATE = "create"
    REPLACE = "replace"
    DELETE = "delete"


ALL_RIGHTS = frozenset(Right)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token narrows its owner's rights to."""

    folder: Path
    rights: frozenset[Right]

    def holds(self, right: Right, folded: str) -> bool:
        return right in self.rights and _within(folded, self.folder.folded)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `name` owns what is stored; `groups` are the words under which grants name it.
    `network`: of a stranger, from where, as nothing else tells one from the other.
    `proof`: of which password or token, so that none is taken for another of the same name.
    `since`: what was sent under the name before was of somebody else who was called so.
    """

    name: str = ANONYMOUS_NAME
    groups: frozenset[str] = frozenset({ANONYMOUS_NAME})
    scope: Scope | None = None
    network: str = ""
    proof: str = field(default="", compare=False, repr=False)
    since: float = field(default=0.0, compare=False, repr=False)

    @property
    def is_anonymous(self) -> bool:
        return self.name == ANONYMOUS_NAME

    def has_sent(self, upload: Upload | Incoming) -> bool:
        return upload.principal == self.name and upload.created >= self.since

    @property
    def asker(self) -> str:
        """Under what it counts how much is under way. No name of a user or token has a space."""
        return f"{self.name} {self.network}" if self.network else self.name

    @property
    def whose(self) -> str:
        return "from your address" if self.network else "of yours"


ANONYMOUS = Principal()


@dataclass(frozen=True, slots=True)
class Grant:
    folder: Path
    who: frozenset[str]
    rights: frozenset[Right]


Range = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Reach:
    """The part of the tree in which a principal holds a right, as ranges of folded paths in their
    order.

    Ranges, because an index finds the first file in a range in one step, however many files of
    other people hold the same content. `None` as the end means: no end.
    """

    ranges: tuple[Range, ...]

    def holds(self, folded: str) -> bool:
        at = bisect_right(self.ranges, folded, key=lambda one: one[0]) - 1
        if at < 0:
            return False
        high = self.ranges[at][1]
        return high is None or folded < high

    def beyond(self, folded: str) -> "Reach":
        """What of it comes after a path."""
        after = folded + "\0"
        return Reach(
            tuple(
                (max(low, after), high) for low, high in self.ranges if high is None or after < high
            )
        )


EVERYWHERE, NOWHERE = Reach((("", None),)), Reach(())
FOR_USERS = [Grant(Path(()), frozenset({USERS}), ALL_RIGHTS)]
FOR_ANYBODY = [Grant(Path(()), frozenset({USERS, ANONYMOUS_NAME}), ALL_RIGHTS)]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Standing:
    """All that somebody may do. `doors`: the folders at which the rule can change for them, and in
    which they have some right; `closed`: those in which they do not have this one. In their order.
    """

    reaches: Mapping[Right, Reach]
    doors: Sequence[str]
    closed: Mapping[Right, Sequence[str]]


class Access:
    """What depends on all grants is worked out once for each asker: every request asks for it."""

    def __init__(self, grants: Iterable[Grant]) -> None:
        self._grants: dict[str, list[Grant]] = {"": []}
        for grant in grants:
            self._grants.setdefault(grant.folder.folded, []).append(grant)
        self._folders = sorted(self._grants)
        self._ruled = _ruled(self._folders)
        kept = min(STANDINGS_KEPT, GRANTS_KEPT // len(self._grants) + 1)
        self._remembered = lru_cache(kept)(self._standing)

    def may(self, principal: Principal, right: Right, path: Path) -> bool:
        return self._holds(principal, right, path.folded)

    def may_all_below(self, principal: Principal, right: Right, path: Path) -> bool:
        """The right in this folder and in every folder below it that has grants of its own."""
        if not self._holds(principal, right, path.folded):
            return False
        return not _any_below(self.standing(principal).closed[right], path.folded)

    def may_any(self, principal: Principal, path: Path) -> bool:
        """May the principal know that this folder exists? Any right in or below it will do."""
        if any(self._holds(principal, right, path.folded) for right in Right):
            return True
        scope = principal.scope
        doors = self.standing(principal).doors
        if scope is not None and scope.folder.folded not in self._grants:
            doors = [door for door in doors if door != scope.folder.folded]
        return _any_below(doors, path.folded)

    def may_see(self, principal: Principal, path: Path) -> bool:
        """May the principal be told of this folder? It must be able to look into it, or have some
        right in a folder that a grant names, there or below: what others make in a drop box is not
        for those who may only drop.
        """
        if any(self._holds(principal, right, path.folded) for right in (Right.LIST, Right.READ)):
            return True
        return _any_below(self.standing(principal).doors, path.folded)

    def sight(self, principal: Principal) -> "Sight":
        return Sight(self, principal, self.standing(principal).doors)

    def reach(self, principal: Principal, right: Right) -> Reach:
        """All paths in which the principal holds the right."""
        if len(self._grants) == 1 and principal.scope is None:
            return EVERYWHERE if self._holds(principal, right, "") else NOWHERE
        return self.standing(principal).reaches[right]

    def standing(self, principal: Principal) -> Standing:
        """Costs as much as there are grants, the first time."""
        return self._remembered(principal.groups, principal.scope)

    def _standing(self, groups: frozenset[str], scope: Scope | None) -> Standing:
        held = {folder: self._rights(groups, folder) for folder in self._folders}
        doors = [folder for folder, rights in held.items() if _some(rights, scope, folder)]
        if scope is not None and _some(self._rights(groups, scope.folder.folded), scope):
            doors = sorted({*doors, scope.folder.folded})
        reaches, closed = {}, {}
        made: dict[frozenset[str], tuple[Reach, list[str]]] = {}
        for right in Right:
            in_scope = scope is None or right in scope.rights
            allowed = frozenset(folder for folder in held if in_scope and right in held[folder])
            if allowed not in made:
                made[allowed] = self._reach(allowed, scope), self._closed(allowed, scope)
            reaches[right], closed[right] = made[allowed]
        return Standing(reaches, doors, closed)

    def _rights(self, groups: frozenset[str], folded: str) -> frozenset[Right]:
        granted = [one.rights for one in self._ruling(folded) if not groups.isdisjoint(one.who)]
        return frozenset[Right]().union(*granted)

    def _reach(self, allowed: frozenset[str], scope: Scope | None) -> Reach:
        ranges: list[Range] = []
        for one, folder in self._ruled:
            if folder not in allowed:
                continue
            if ranges and ranges[-1][1] == one[0]:
                ranges[-1] = (ranges[-1][0], one[1])  # the two ranges touch: one range
            else:
                ranges.append(one)
        if scope is not None:
            within = _own(scope.folder.folded)
            ranges = [both for one in ranges for other in within if (both := _overlap(one, other))]
        return Reach(tuple(ranges))

    def _closed(self, allowed: frozenset[str], scope: Scope | None) -> list[str]:
        return [
            folder
            for folder in self._folders
            if folder not in allowed or (scope and not _within(folder, scope.folder.folded))
        ]

    def _holds(self, principal: Principal, right: Right, folded: str) -> bool:
        if principal.scope is not None and not principal.scope.holds(right, folded):
            return False
        for grant in self._ruling(folded):
            if right in grant.rights and not principal.groups.isdisjoint(grant.who):
                return True
        return False

    def _ruling(self, folded: str) -> list[Grant]:
        while folded not in self._grants:
            folded = folded.rpartition("/")[0]
        return self._grants[folded]


@dataclass(frozen=True, slots=True)
class Sight:
    """What a principal may be told of without having named it: the files that it may list, and
    every folder that it may list or that leads to one in which it has a right (`doors`).

    What is in a folder out of sight is out of sight, too.
    """

    access: Access
    principal: Principal
    doors: Sequence[str]

    def file(self, path: Path) -> bool:
        return self.files_in(path.parent) and self.access.may(self.principal, Right.LIST, path)

    def folder(self, path: Path) -> bool:
        folded = path.folded
        return self.files_in(path) or _any_below(self.doors, folded)

    def files_in(self, folder: Path) -> bool:
        return self.access.may(self.principal, Right.LIST, folder)


class UngrantedAccess(Access):
    """Where no grant is written down: everybody may do everything as long as nobody is registered,
    and from then on all users may, and nobody else.
    """

    def __init__(self, any_users: Callable[[], bool]) -> None:
        super().__init__([])
        self._any_users = any_users

    def standing(self, principal: Principal) -> Standing:
        """Not remembered: with the first user it is another one."""
        return self._standing(principal.groups, principal.scope)

    def _ruling(self, folded: str) -> list[Grant]:  # noqa: ARG002 - the same for all folders
        return FOR_USERS if self._any_users() else FOR_ANYBODY


def _within(folded: str, folder: str) -> bool:
    return not folder or folded == folder or folded.startswith(folder + "/")


def _any_below(folders: Sequence[str], folded: str) -> bool:
    """Is any of these, which are in their order, this folder or in it?"""
    if not folded:
        return bool(folders)
    return any(
        at < len(folders) and _within(folders[at], folded)
        for at in (bisect_left(folders, folded), bisect_left(folders, folded + "/"))
    )


def _some(rights: frozenset[Right], scope: Scope | None, folded: str | None = None) -> bool:
    """`folded`: the folder in which they are held, where that is not the one of the scope."""
    if scope is None:
        return bool(rights)
    inside = folded is None or _within(folded, scope.folder.folded)
    return inside and not rights.isdisjoint(scope.rights)


def _ruled(folders: Sequence[str]) -> list[tuple[Range, str]]:
    """All folded paths in their order, as ranges, each with the folder whose grants count there."""
    borders = sorted({border for folder in folders for border in _borders(folder)})
    found: list[tuple[Range, str]] = []
    named = frozenset(folders)
    for at, low in enumerate(borders):
        ruler = low
        while ruler not in named:
            ruler = ruler.rpartition("/")[0]
        high = borders[at + 1] if at + 1 < len(borders) else None
        if found and found[-1][1] == ruler:
            low = found.pop()[0][0]  # noqa: PLW2901 - the two ranges touch: one range
        found.append(((low, high), ruler))
    return found


def _own(folder: str) -> tuple[Range, ...]:
    """The folder itself and what is in it, without the names that merely begin like it."""
    if not folder:
        return (("", None),)
    here, after, below, beyond = _borders(folder)
    return ((here, after), (below, beyond))


def _overlap(one: Range, other: Range) -> Range | None:
    ends = [end for _, end in (one, other) if end is not None]
    low, high = max(one[0], other[0]), min(ends, default=None)
    return (low, high) if high is None or low < high else None


def _borders(folder: str) -> tuple[str, ...]:
    """Where the rule of a folder begins and ends among all folded paths, in their order.

    The folder itself, then names that merely begin like it (`a-x` sorts before `a/`), then
    everything below it, which ends where `/` is followed by the next character, `0`.
    """
    return (folder, folder + "\0", folder + "/", folder + "0") if folder else ("",)
