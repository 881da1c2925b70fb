"""What an asker is told of a file or folder, where that depends on what else they may know."""

import hashlib
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from uploads.access import Principal, Right, Standing
from uploads.conditions import Current
from uploads.files import Folder, StoredFile
from uploads.names import Path
from uploads.ports import Grounds
from uploads.rules import Rules

_SIGHTS: WeakKeyDictionary[Standing, str] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Asker:
    """`last`: the number of the last change of all at that time, which anybody who may list
    something is told. `sight`: stands for what they may do anywhere.
    """

    rules: Rules
    principal: Principal
    last: int
    sight: str

    def may(self, right: Right, path: Path) -> bool:
        return self.rules.may(self.principal, right, path)

    def may_all_below(self, right: Right, path: Path) -> bool:
        return self.rules.access.may_all_below(self.principal, right, path)

    def etag(self, entry: StoredFile | Folder) -> str:
        """Another one after every change that the asker may see, and another one for whoever is
        shown something else. Where something below a folder is closed to them, its own number would
        tell when that changes. So theirs is that of the whole store: it changes more often than it
        has to, and says nothing of this folder.
        """
        if isinstance(entry, StoredFile):
            return entry.etag
        if all(self.may_all_below(right, entry.path) for right in Right):
            return entry.etag
        number = entry.changed if self.may_all_below(Right.LIST, entry.path) else self.last
        return f'"{number}-{self.sight}-folder"'

    def modified(self, entry: StoredFile | Folder) -> float | None:
        """None: the time of a folder would tell the same."""
        if isinstance(entry, StoredFile):
            return entry.version.modified
        return entry.modified if self.may_all_below(Right.LIST, entry.path) else None

    def current(self, entry: StoredFile | Folder) -> Current:
        """What a condition of theirs is held against."""
        if isinstance(entry, Folder):
            lists = self.may(Right.LIST, entry.path)
            return Current(self.etag(entry), self.modified(entry)) if lists else Current()
        reads = self.may(Right.READ, entry.path)
        return Current(entry.etag, entry.version.stored) if reads else Current()


def asker(rules: Rules, view: Grounds, principal: Principal) -> Asker:
    sight = _sight(rules.access.standing(principal))
    return Asker(rules, principal, view.span().last, sight)


def _sight(standing: Standing) -> str:
    """As long as it is remembered what somebody may do, that takes no time."""
    found = _SIGHTS.get(standing)
    if found is None:
        reach = [standing.reaches[right].ranges for right in Right]
        digest = hashlib.sha256(repr(reach).encode("utf-8", "surrogateescape"))
        found = _SIGHTS[standing] = digest.hexdigest()[:8]
    return found
