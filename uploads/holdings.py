"""Finding, reading and listing what is stored, as far as the asker may know of it."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace

from uploads.access import Principal, Right
from uploads.collisions import AtName, FileHere, FolderHere
from uploads.files import Event, Folder, Listing, Order, Page, StoredFile
from uploads.names import Path
from uploads.ports import Blobs, Index, Reading, View
from uploads.resting import BytesReading
from uploads.rules import Rules, not_there
from uploads.values import value

READ_AT_ONCE = 100
LOOKED_AHEAD = 10


@value
class Held:
    """A file, and its bytes where they rest in the index."""

    file: StoredFile
    small: bytes | None

    @property
    def reading(self) -> Reading | None:
        """None: its bytes are still to be opened."""
        return None if self.small is None else BytesReading(self.small)


@dataclass(frozen=True, slots=True)
class Holdings:
    rules: Rules
    index: Index
    blobs: Blobs

    async def find(self, principal: Principal, path: Path) -> Held | Folder:
        """What stands at this very spelling, as far as the principal may know of it."""
        if self.rules.may(principal, Right.READ, path):
            return _held(*await self.index.find(path), path)
        return await self.index.read(lambda view: self.find_in(view, principal, path))

    async def version(self, principal: Principal, path: Path, number: int) -> Held:
        self.rules.demand(principal, Right.READ, path)
        return await self.index.read(lambda view: self._version(view, principal, path, number))

    def open(self, file: StoredFile) -> Awaitable[Reading]:
        return self.blobs.open(file.content)

    async def digests(self, file: StoredFile) -> Mapping[str, bytes]:
        """Of its content, by algorithm: those that whoever stored it declared, and we verified."""
        return await self.index.read(lambda view: view.vouched(file.content, file.version.by))

    async def history(
        self, principal: Principal, path: Path, before: int | None = None, limit: int = 100
    ) -> list[Event]:
        """Newest first; also of a name whose file was deleted. Without what happened to the file
        where the principal may not read.
        """
        self.rules.demand(principal, Right.READ, path)
        events = await self.index.read(
            lambda view: self._history(view, principal, path, before, limit)
        )
        if not events and before is None:
            raise not_there(path)
        return events

    async def page(self, principal: Principal, path: Path, listing: Listing) -> tuple[Folder, Page]:
        """A page of a folder, without what the principal may not know of."""
        self.rules.demand(principal, Right.LIST, path)
        return await self.index.read(lambda view: self.list_in(view, principal, path, listing))

    def _version(self, view: View, principal: Principal, path: Path, number: int) -> Held:
        file = view.version(path, number)
        if file is None or not all(
            may_look_back(self.rules, view, principal, path, event)
            for event in view.history(path, number + 1, 1)
        ):
            if isinstance(view.at(path), FileHere):
                raise not_there(path, number)
            raise not_there(path)
        return Held(file, view.small(file.content))

    def _history(
        self, view: View, principal: Principal, path: Path, before: int | None, limit: int
    ) -> list[Event]:
        shown: list[Event] = []
        step = max(limit, READ_AT_ONCE)
        while len(shown) < limit:
            events = view.history(path, before, step)
            shown += [
                event for event in events if may_look_back(self.rules, view, principal, path, event)
            ]
            if len(events) < step:
                break
            before = events[-1].number
        return shown[:limit]

    def find_in(self, view: View, principal: Principal, path: Path) -> Held | Folder:
        if not self.rules.may(principal, Right.READ, path):
            at = view.at(path)
            if isinstance(at, FolderHere) and self.rules.access.may_see(principal, path):
                return at.folder
            self.rules.deny(principal, Right.READ, path)
        return _held(*view.at_with_bytes(path), path)

    def list_in(
        self, view: View, principal: Principal, path: Path, listing: Listing
    ) -> tuple[Folder, Page]:
        folder = view.folder(path)
        if folder is None:
            raise not_there(path)
        if listing.order is Order.MODIFIED:
            dated = self.rules.access.may_all_below(principal, Right.LIST, path)
            listing = replace(listing, dates_folders=dated)
        return folder, self._shown(view, principal, path, listing)

    def _shown(self, view: View, principal: Principal, path: Path, listing: Listing) -> Page:
        """As full as if nothing were hidden, and the last where only that follows: neither a gap
        nor an empty page tells that there is something. Ends with an entry that is shown, because
        the cursor to the next page spells its name.
        """
        if self.rules.access.may_all_below(principal, Right.LIST, path):
            return view.page(path, listing)
        found: list[tuple[StoredFile | Folder, Listing, int]] = []
        ahead = listing
        while True:
            page = view.page(path, ahead)
            found += [
                (entry, ahead, number)
                for number, entry in enumerate(page.entries, 1)
                if self._listed(principal, entry)
            ]
            missing = listing.limit - len(found)
            if page.after is None or missing < 0:
                break
            ahead = replace(listing, limit=max(missing, LOOKED_AHEAD), after=page.after)
        entries = tuple(entry for entry, _, _ in found[: listing.limit])
        if missing >= 0:
            return Page(entries, None)
        _, ahead, number = found[listing.limit - 1]
        return Page(entries, view.page(path, replace(ahead, limit=number)).after)

    def _listed(self, principal: Principal, entry: StoredFile | Folder) -> bool:
        if isinstance(entry, Folder):
            return self.rules.access.may_any(principal, entry.path)
        return self.rules.may(principal, Right.LIST, entry.path)


def _held(at: AtName, small: bytes | None, path: Path) -> Held | Folder:
    found = known(at, path)
    return found if isinstance(found, Folder) else Held(found, small)


def may_look_back(rules: Rules, view: View, principal: Principal, path: Path, event: Event) -> bool:
    """A file brings its history with it, and whoever may read it now may read what of that was
    made here, or in another place that they may read too. What is there now is theirs to read.
    """
    place = event.place or path
    if event.version is None and path.parts[: len(place.parts)] == place.parts:
        return True
    if rules.access.may_all_below(principal, Right.READ, place):
        return True
    at = view.at(path)
    return isinstance(at, FileHere) and at.file.version.number == event.number


def known(at: AtName, path: Path, *, is_folder: bool = False) -> StoredFile | Folder:
    """What stands at this very spelling. `is_folder`: its address says so, and means no file."""
    match at:
        case FileHere(file) if not is_folder:
            return file
        case FolderHere(folder):
            return folder
        case _:
            raise not_there(path)
