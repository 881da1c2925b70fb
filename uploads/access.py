"""Who may do what where. A folder with grants of its own is ruled by those alone."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from uploads.files import Incoming, Upload
from uploads.names import Path

ANONYMOUS_NAME = "anonymous"
USERS = "users"


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


@dataclass(frozen=True, slots=True)
class Reach:
    """The part of the tree in which a principal holds a right, as ranges of folded paths.

    Ranges, because an index finds the first file in a range in one step, however many files of
    other people hold the same content. `None` as the end means: no end.
    """

    ranges: tuple[tuple[str, str | None], ...]

    def holds(self, folded: str) -> bool:
        return any(low <= folded and (high is None or folded < high) for low, high in self.ranges)

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


class Access:
    def __init__(self, grants: Iterable[Grant]) -> None:
        self._grants: dict[str, list[Grant]] = {"": []}
        for grant in grants:
            self._grants.setdefault(grant.folder.folded, []).append(grant)

    def may(self, principal: Principal, right: Right, path: Path) -> bool:
        return self._holds(principal, right, path.folded)

    def may_all_below(self, principal: Principal, right: Right, path: Path) -> bool:
        """The right in this folder and in every folder below it that has grants of its own."""
        return all(self._holds(principal, right, place) for place in self._places(path))

    def may_any(self, principal: Principal, path: Path) -> bool:
        """May the principal know that this folder exists? Any right in or below it will do."""
        places = self._places(path)
        return any(self._holds(principal, right, place) for place in places for right in Right)

    def may_see(self, principal: Principal, path: Path) -> bool:
        """May the principal be told of this folder? It must be able to look into it, or have some
        right in a folder that a grant names, there or below: what others make in a drop box is not
        for those who may only drop.
        """
        if any(self._holds(principal, right, path.folded) for right in (Right.LIST, Right.READ)):
            return True
        below = [folder for folder in self._named(principal) if _within(folder, path.folded)]
        return any(self._holds(principal, right, place) for place in below for right in Right)

    def sight(self, principal: Principal) -> "Sight":
        """Costs as much as there are grants; what is asked of it then does not."""
        doors = (
            folder
            for folder in self._named(principal)
            if any(self._holds(principal, right, folder) for right in Right)
        )
        return Sight(self, principal, tuple(doors))

    def reach(self, principal: Principal, right: Right) -> Reach:
        """All paths in which the principal holds the right; costs as much as there are grants."""
        if len(self._grants) == 1 and principal.scope is None:
            return EVERYWHERE if self._holds(principal, right, "") else NOWHERE
        folders = self._named(principal)
        borders = sorted({border for folder in folders for border in _borders(folder)})
        ranges: list[tuple[str, str | None]] = []
        for at, low in enumerate(borders):
            if not self._holds(principal, right, low):
                continue
            high = borders[at + 1] if at + 1 < len(borders) else None
            if ranges and ranges[-1][1] == low:
                low = ranges.pop()[0]  # noqa: PLW2901 - the two ranges touch: one range
            ranges.append((low, high))
        return Reach(tuple(ranges))

    def _named(self, principal: Principal) -> list[str]:
        """The folders at which the rule can change for this principal."""
        return [*self._grants, *([principal.scope.folder.folded] if principal.scope else [])]

    def _places(self, path: Path) -> list[str]:
        below = [folder for folder in self._grants if _within(folder, path.folded)]
        return [path.folded, *below]

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
    doors: tuple[str, ...]

    def file(self, path: Path) -> bool:
        return self.files_in(path.parent) and self.access.may(self.principal, Right.LIST, path)

    def folder(self, path: Path) -> bool:
        folded = path.folded
        return self.files_in(path) or any(_within(door, folded) for door in self.doors)

    def files_in(self, folder: Path) -> bool:
        return self.access.may(self.principal, Right.LIST, folder)


class UngrantedAccess(Access):
    """Where no grant is written down: everybody may do everything as long as nobody is registered,
    and from then on all users may, and nobody else.
    """

    def __init__(self, any_users: Callable[[], bool]) -> None:
        super().__init__([])
        self._any_users = any_users

    def _ruling(self, folded: str) -> list[Grant]:  # noqa: ARG002 - the same for all folders
        return FOR_USERS if self._any_users() else FOR_ANYBODY


def _within(folded: str, folder: str) -> bool:
    return not folder or folded == folder or folded.startswith(folder + "/")


def _borders(folder: str) -> tuple[str, ...]:
    """Where the rule of a folder begins and ends among all folded paths, in their order.

    The folder itself, then names that merely begin like it (`a-x` sorts before `a/`), then
    everything below it, which ends where `/` is followed by the next character, `0`.
    """
    return (folder, folder + "\0", folder + "/", folder + "0") if folder else ("",)
