"""Files and folders with all that is known of them: what clients keep with them, locks, the share.

The other way round, too: keeping something with a file or folder.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from uploads.access import Principal, Right
from uploads.asker import Asker, asker
from uploads.collisions import FileHere, FolderHere, Stale
from uploads.conditions import UNCONDITIONAL, Condition
from uploads.failures import DiskFull, OverQuota
from uploads.files import Folder, Listing, Property, StoredFile
from uploads.guarding import Guard
from uploads.holdings import Holdings, known
from uploads.locks import Lock, Submitted
from uploads.names import Path
from uploads.ports import Turn, View
from uploads.rules import Rules
from uploads.settling import Outcome

MOST_PROPERTIES = 500
# So much can be held of each of many files that are listed at once.
MOST_PROPERTY_BYTES = 64 << 10
# A page of a folder ends early where more than that is kept with what is on it.
PROPERTIES_AT_ONCE = 256 << 10


@dataclass(frozen=True, slots=True)
class Described:
    """`digests`: those that whoever stored it declared, where they were asked for."""

    entry: StoredFile | Folder
    properties: tuple[Property, ...]
    locks: tuple[Lock, ...]
    digests: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Share:
    """In bytes: what the principal has stored, and what is left of its quota. `left`: None where
    there is none. How full the disk is nobody is told: by its steps it would say what is here.
    """

    used: int
    left: int | None


@dataclass(frozen=True, slots=True)
class Set:
    property: Property


@dataclass(frozen=True, slots=True)
class Drop:
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Date:
    """When the content was last changed, in Unix seconds."""

    modified: float


Change = Set | Drop | Date


@dataclass(frozen=True, slots=True)
class Describing:
    holdings: Holdings

    @property
    def _rules(self) -> Rules:
        return self.holdings.rules

    async def one(self, principal: Principal, path: Path) -> Described:
        def look(view: View) -> Described:
            found = self.holdings.find_in(view, principal, path)
            entry = found if isinstance(found, Folder) else found.file
            return self._described(view, principal, entry)

        return await self.holdings.index.read(look)

    async def page(
        self, principal: Principal, folder: Path, listing: Listing
    ) -> tuple[list[Described], str | None]:
        """What is in a folder, and where the next page begins, as far as the principal may know."""
        self._rules.demand(principal, Right.LIST, folder)

        def look(view: View) -> tuple[list[Described], str | None]:
            _, page = self.holdings.list_in(view, principal, folder, listing)
            kept = list(_kept(view, page.entries))
            if len(kept) < len(page.entries):
                short = replace(listing, limit=len(kept))
                _, page = self.holdings.list_in(view, principal, folder, short)
            guard = Guard(self._rules, view, principal)
            above = [lock for lock in guard.over(folder) if lock.deep]
            below = self._by_place(guard.at([entry.path for entry in page.entries]))
            described = [
                Described(entry, properties, (*above, *self._at(below, entry.path)))
                if self._opens(principal, entry)
                else Described(entry, (), ())
                for entry, properties in zip(page.entries, kept, strict=False)
            ]
            return described, page.after

        return await self.holdings.index.read(look)

    async def those(self, principal: Principal, paths: Sequence[Path]) -> list[Described | None]:
        """Each as a listing would show it; None where nothing is there, or nothing to be shown."""

        def look(view: View) -> list[Described | None]:
            return [self._listed(view, principal, path) for path in paths]

        return await self.holdings.index.read(look)

    async def there(self, principal: Principal, paths: Sequence[Path]) -> frozenset[Path]:
        """Those of them at which there is something that may be shown."""

        def look(view: View) -> frozenset[Path]:
            seen = (path for path in paths if self._seen(view, principal, path) is not None)
            return frozenset(seen)

        return await self.holdings.index.read(look)

    def _seen(self, view: View, principal: Principal, path: Path) -> StoredFile | Folder | None:
        match view.at(path):
            case FileHere(file) if self._rules.may(principal, Right.LIST, path):
                return file
            case FolderHere(folder) if self._rules.access.may_any(principal, path):
                return folder
            case _:
                return None

    def _listed(self, view: View, principal: Principal, path: Path) -> Described | None:
        entry = self._seen(view, principal, path)
        if entry is None:
            return None
        return self._described(view, principal, entry)

    def _described(self, view: View, principal: Principal, entry: StoredFile | Folder) -> Described:
        if not self._opens(principal, entry):
            return Described(entry, (), ())
        locks = Guard(self._rules, view, principal).over(entry.path)
        return Described(entry, tuple(view.properties(entry.path)), tuple(locks))

    def _opens(self, principal: Principal, entry: StoredFile | Folder) -> bool:
        """May they be told what others keep with it, and who works on it? A listing tells neither:
        of a file that is to who may read it, of a folder to who may look into it, too.
        """
        rights = (Right.READ,) if isinstance(entry, StoredFile) else (Right.READ, Right.LIST)
        return any(self._rules.may(principal, right, entry.path) for right in rights)

    async def digested(
        self, principal: Principal, described: Sequence[Described]
    ) -> list[Described]:
        """The same with their digests, as far as the principal may read them."""

        def look(view: View) -> list[Described]:
            return [
                replace(one, digests=self._digests(view, principal, one.entry)) for one in described
            ]

        return await self.holdings.index.read(look)

    def _digests(
        self, view: View, principal: Principal, entry: StoredFile | Folder
    ) -> Mapping[str, bytes]:
        if isinstance(entry, Folder) or not self._rules.may(principal, Right.READ, entry.path):
            return {}
        return view.vouched(entry.content, entry.version.by)

    async def asker(self, principal: Principal) -> Asker:
        return await self.holdings.index.read(lambda view: asker(self._rules, view, principal))

    async def expect(
        self, principal: Principal, path: Path, submitted: Submitted
    ) -> Outcome | None:
        """What the `If` of a request that changes nothing comes to; None: it holds."""

        def look(view: View) -> Outcome | None:
            found = self.holdings.find_in(view, principal, path)
            if Guard(self._rules, view, principal, submitted).holds():
                return None
            return Outcome(Stale(None if isinstance(found, Folder) else found.file), path)

        return await self.holdings.index.read(look)

    async def share(self, principal: Principal) -> Share | None:
        """None: not for this one to know. Strangers have one share together, and a token that is
        for one folder is told nothing of all that its owner has elsewhere.
        """
        if principal.is_anonymous or principal.scope is not None:
            return None
        usage = await self.holdings.index.read(lambda view: view.usage(principal.name))
        most = self._rules.limits.quota_bytes
        return Share(usage.bytes, None if most is None else max(0, most - usage.bytes))

    async def patch(
        self,
        principal: Principal,
        path: Path,
        submitted: Submitted,
        changes: Sequence[Change],
        condition: Condition = UNCONDITIONAL,
    ) -> Outcome | None:
        """All of the changes in their order, or none."""
        self._rules.demand(principal, Right.REPLACE, path)
        if self.holdings.blobs.free_space() < self._rules.limits.free_space:
            raise DiskFull("The disk of this server is nearly full. Nothing was kept.")

        def work(turn: Turn) -> Outcome | None:
            found = known(turn.at(path), path)
            guard = Guard(self._rules, turn, self._rules.current(principal), submitted)
            if not (guard.meets(condition, path) and guard.holds()):
                shown = self._rules.may(principal, Right.READ, path)
                file = found if shown and isinstance(found, StoredFile) else None
                return Outcome(Stale(file), path)
            guard.check_stored(path)
            for change in changes:
                self._apply(turn, found, change)
            kept = turn.properties(path)
            size = sum(len(one.xml.encode()) for one in kept)
            if len(kept) > MOST_PROPERTIES or size > MOST_PROPERTY_BYTES:
                raise OverQuota(
                    f"At most {MOST_PROPERTIES} properties of {MOST_PROPERTY_BYTES:,} bytes in all"
                    f' are kept with "{path}". Remove some of them first.'
                )
            return None

        return await self.holdings.index.write(work)

    def _apply(self, turn: Turn, found: StoredFile | Folder, change: Change) -> None:
        match change:
            case Set(property):
                turn.set_property(found.path, property)
            case Drop(namespace, name):
                turn.drop_property(found.path, namespace, name)
            case Date(modified):
                if found.path.parts:
                    turn.set_modified(found.path, modified)

    def _by_place(self, locks: Sequence[Lock]) -> Mapping[tuple[str, ...], list[Lock]]:
        found: dict[tuple[str, ...], list[Lock]] = {}
        for lock in locks:
            found.setdefault(self._rules.policies.keys(lock.path), []).append(lock)
        return found

    def _at(self, locks: Mapping[tuple[str, ...], list[Lock]], path: Path) -> list[Lock]:
        return locks.get(self._rules.policies.keys(path), []) if locks else []


def _kept(view: View, entries: Sequence[StoredFile | Folder]) -> Iterator[tuple[Property, ...]]:
    """What clients keep with each of them, up to the one that makes it too much at once."""
    length = 0
    for entry in entries:
        if length > PROPERTIES_AT_ONCE:
            return
        properties = tuple(view.properties(entry.path))
        length += sum(len(one.xml) for one in properties)
        yield properties
