"""What can be asked of the index in memory: the port `View` at its simplest. Read it first.

A state is a handful of plain dictionaries of frozen values, and a view looks at one state for good.
Lookups may be slow here, never clever.
"""

from collections.abc import Callable, Collection, Iterator, Mapping

from storage.cursors import Cursor, cursor, page_size
from storage.memory.belongings import Locks, Properties
from storage.memory.feed import Logged
from storage.memory.state import ROOT, Keys, Node, Past, State
from uploads import names
from uploads.access import Reach, Sight
from uploads.attempts import Record
from uploads.changes import Change, Span
from uploads.collisions import AtName, FileAbove, FileHere, FolderHere, Lookalike, Nothing
from uploads.files import (
    Content,
    Event,
    Folder,
    Incoming,
    Listing,
    Order,
    Page,
    Property,
    StoredFile,
    Upload,
    Usage,
)
from uploads.locks import Lock
from uploads.names import Path


class MemoryView:
    def __init__(self, state: State, keys: Keys) -> None:
        self._state = state
        self._keys = keys
        self._locks = Locks(state.locks, keys)
        self._properties = Properties(state.properties)

    def at(self, path: Path) -> AtName:
        trail = self._trail(path)
        for depth, (node, sent) in enumerate(zip(trail[1:], path.parts, strict=False)):
            rule = names.matching_rule(sent, node.name)
            if node.name != sent and rule is not None:
                wanted = Path(path.parts[: depth + 1])
                return Lookalike(self._entry(node, wanted.parent.child(node.name)), wanted, rule)
        if len(trail) <= len(path.parts):
            entry = self._entry(trail[-1], Path(path.parts[: len(trail) - 1]))
            return FileAbove(entry) if isinstance(entry, StoredFile) else Nothing()
        entry = self._entry(trail[-1], path)
        return FileHere(entry) if isinstance(entry, StoredFile) else FolderHere(entry)

    def folder(self, path: Path) -> Folder | None:
        at = self.at(path)
        return at.folder if isinstance(at, FolderHere) else None

    def page(self, folder: Path, listing: Listing) -> Page:
        start, size = cursor(listing), page_size(listing)
        found = [(_place(entry, node, listing), entry) for node, entry in self._in(folder)]
        # Two stable sorts: folders stand first in either direction.
        found.sort(key=lambda item: (item[0].value, item[0].key), reverse=listing.descending)
        found.sort(key=lambda item: not item[0].is_folder)
        if start is not None:
            found = [item for item in found if _beyond(item[0], start, listing)]
        more = len(found) > size
        entries = tuple(entry for _, entry in found[:size])
        return Page(entries, found[size - 1][0].text(listing) if more else None)

    def is_empty(self, folder: Path) -> bool:
        return not any(self._in(folder))

    def files_below(self, folder: Path, after: Path | None, limit: int) -> list[StoredFile]:
        files = sorted(self._files_below(folder), key=lambda file: self._keys(file.path))
        if after is not None:
            files = [file for file in files if self._keys(file.path) > self._keys(after)]
        return files[:limit]

    def entries_below(
        self, folder: Path, after: Path | None, limit: int, sight: Sight
    ) -> list[StoredFile | Folder]:
        found = sorted(self._in_sight(folder, sight), key=lambda entry: self._keys(entry.path))
        if after is not None:
            found = [one for one in found if self._keys(one.path) > self._keys(after)]
        return found[:limit]

    def extent(self, folder: Path) -> tuple[int, int]:
        node = self._live(folder)
        return self._extent(node) if node else (0, 0)

    def same_content(self, content: Content, reach: Reach, apart_from: Path) -> StoredFile | None:
        here = self._live(apart_from)
        holders = sorted(
            (
                self._file(node, self._path(node))
                for node in self._state.nodes.values()
                if self._holds(node, content) and node != here
            ),
            key=lambda file: file.path.folded,
        )
        for low, high in reach.ranges:
            for file in holders:
                if low <= file.path.folded and (high is None or file.path.folded < high):
                    return file
        return None

    def any_of_size(self, size: int, reach: Reach) -> bool:
        files = (
            self._file(node, self._path(node))
            for node in self._state.nodes.values()
            if node.gone is None and not node.is_folder
        )
        return any(file.content.size == size and reach.holds(file.path.folded) for file in files)

    def content_declared(self, digests: Mapping[str, bytes]) -> Content | None:
        fitting = [
            digest
            for digest, known in self._state.digests.items()
            if digests and digests.items() <= known.items()
        ]
        return self._state.contents[fitting[0]] if len(fitting) == 1 else None

    def free_name(self, path: Path, most_bytes: int, kept: Callable[[Path], bool]) -> Path:
        def taken(name: str) -> bool:
            there = path.parent.child(name)
            return self._live(there) is not None or kept(there)

        return path.parent.child(names.free_name(path.name, taken, most_bytes))

    def history(self, path: Path, before: int | None, limit: int) -> list[Event]:
        events = [
            past.event
            for node in self._namesakes(path)
            for past in self._past(node)
            if before is None or past.event.number < before
        ]
        return sorted(events, key=lambda event: -event.number)[:limit]

    def version(self, path: Path, number: int) -> StoredFile | None:
        for event in self.history(path, None, len(self._state.past)):
            if event.number == number and event.version is not None:
                return StoredFile(path, event.version)
        return None

    def changes(self, since: int, limit: int) -> list[Change]:
        return [self._change(one) for one in self._state.log if one.number > since][:limit]

    def span(self) -> Span:
        return Span(self._state.forgotten, self._state.changes)

    def usage(self, principal: str) -> Usage:
        versions = [
            past.event.version.content.size
            for past in self._state.past.values()
            if past.event.version is not None and past.payer == principal
        ]
        parked, arriving = self.parked(principal), self.arriving(principal)
        return Usage(
            sum(versions) + parked.bytes + arriving.bytes,
            len(versions) + parked.files + arriving.files,
        )

    def upload(self, id: str) -> Upload | None:
        return self._state.uploads.get(id)

    def uploads(self, principal: str, after: str | None, limit: int) -> list[Upload]:
        own = sorted(self._parked(principal), key=lambda upload: upload.id)
        return [upload for upload in own if upload.id > (after or "")][:limit]

    def parked(self, principal: str) -> Usage:
        sizes = [upload.content.size for upload in self._parked(principal)]
        return Usage(sum(sizes), len(sizes))

    def incoming(self, id: str) -> Incoming | None:
        return self._state.incoming.get(id)

    def gathered(self, group: str) -> list[Incoming]:
        known = self._state.incoming
        return [known[id_] for id_ in sorted(known) if id_.startswith(group)]

    def arriving(self, principal: str) -> Usage:
        rooms = [
            one.room
            for one in self._state.incoming.values()
            if one.principal == principal and one.number is None
        ]
        return Usage(sum(rooms), len(rooms))

    def digests(self, content: Content) -> Mapping[str, bytes]:
        return self._state.digests.get(content.digest, {})

    def vouched(self, content: Content, by: str) -> Mapping[str, bytes]:
        said = self._state.vouched.get(content.digest, frozenset())
        known = self.digests(content).items()
        return {algorithm: value for algorithm, value in known if (by, algorithm) in said}

    def content(self, digest: str) -> Content | None:
        return self._state.contents.get(digest)

    def overlooked(self, digests: Collection[str], rows: range) -> set[str] | None:  # noqa: ARG002 - a dictionary finds what it holds
        return None

    def record(self, name: str) -> Record | None:
        return self._state.records.get(name)

    def small(self, content: Content) -> bytes | None:
        return self._state.small.get(content.digest)

    def at_with_bytes(self, path: Path) -> tuple[AtName, bytes | None]:
        at = self.at(path)
        return at, self.small(at.file.content) if isinstance(at, FileHere) else None

    def properties(self, path: Path) -> list[Property]:
        node = self._exactly(path)
        return self._properties.of(node.id) if node else []

    def locks_over(self, path: Path) -> list[Lock]:
        return self._locks.over(path)

    def locks_below(self, path: Path) -> list[Lock]:
        return self._locks.below(path)

    def locks_at(self, paths: Collection[Path]) -> list[Lock]:
        return self._locks.at(paths)

    def locks_of(self, principal: str) -> int:
        return self._locks.of(principal)

    def _parked(self, principal: str) -> list[Upload]:
        return [upload for upload in self._state.uploads.values() if upload.principal == principal]

    def _trail(self, path: Path) -> list[Node]:
        """The live nodes along a path, whatever their spelling, as far as there are any."""
        trail = [self._state.nodes[ROOT]]
        for key in self._keys(path):
            below = self._state.live.get((trail[-1].id, key)) if trail[-1].is_folder else None
            if below is None:
                break
            trail.append(self._state.nodes[below])
        return trail

    def _live(self, path: Path) -> Node | None:
        trail = self._trail(path)
        return trail[-1] if len(trail) > len(path.parts) else None

    def _exactly(self, path: Path) -> Node | None:
        return self._live(path) if isinstance(self.at(path), FileHere | FolderHere) else None

    def _in(self, path: Path) -> Iterator[tuple[Node, StoredFile | Folder]]:
        folder = self._exactly(path)
        for node in self._state.nodes.values():
            if folder and node.parent == folder.id and node.gone is None:
                yield node, self._entry(node, path.child(node.name))

    def _extent(self, folder: Node) -> tuple[int, int]:
        levels = length = 0
        for node in self._state.nodes.values():
            if node.parent == folder.id:
                more, longer = self._extent(node)
                levels = max(levels, 1 + more)
                length = max(length, 1 + len(node.name.encode()) + longer)
        return levels, length

    def _files_below(self, folder: Path) -> Iterator[StoredFile]:
        for _, entry in self._in(folder):
            if isinstance(entry, StoredFile):
                yield entry
            else:
                yield from self._files_below(entry.path)

    def _in_sight(self, folder: Path, sight: Sight) -> Iterator[StoredFile | Folder]:
        for _, entry in self._in(folder):
            if isinstance(entry, StoredFile):
                if sight.file(entry.path):
                    yield entry
            elif sight.folder(entry.path):
                yield entry
                yield from self._in_sight(entry.path, sight)

    def _change(self, one: Logged) -> Change:
        node = self._state.nodes.get(one.node)
        stands = node if node and node.gone is None and not node.is_folder else None
        past = self._state.past.get((one.node, one.number))
        return Change(
            one.number,
            one.kind,
            one.at,
            one.path,
            one.source,
            one.is_folder,
            one.made,
            past.event.version if past else None,
            self._path(stands).folded if stands else None,
            stands is not None and stands.number == one.number,
        )

    def _entry(self, node: Node, path: Path) -> StoredFile | Folder:
        if node.is_folder:
            return Folder(path, node.number, node.modified, node.id)
        return self._file(node, path)

    def _file(self, node: Node, path: Path) -> StoredFile:
        version = self._state.past[node.id, node.number].event.version
        if version is None:
            raise LookupError(f"{path} was deleted")
        return StoredFile(path, version, node.id)

    def _holds(self, node: Node, content: Content) -> bool:
        return (
            not node.is_folder
            and node.gone is None
            and (self._file(node, Path(())).content.digest == content.digest)
        )

    def _path(self, node: Node) -> Path:
        if node.id == ROOT:
            return Path(())
        return self._path(self._state.nodes[node.parent]).child(node.name)

    def _past(self, node: Node) -> list[Past]:
        return [past for (id_, _), past in self._state.past.items() if id_ == node.id]

    def _gone(self, parent: int, key: str, *, folders: bool) -> list[Node]:
        """What was deleted at this name, the latest first."""
        found = [
            node
            for node in self._state.nodes.values()
            if node.gone is not None
            and (node.parent, node.key, node.is_folder) == (parent, key, folders)
        ]
        return sorted(found, key=lambda node: -node.number)

    def _place(self, path: Path) -> tuple[int, str] | None:
        """The parent and key of a name: of folders that are live, else of those deleted last."""
        parent = ROOT
        keys = self._keys(path)
        for key in keys[:-1]:
            live = self._state.live.get((parent, key))
            gone = self._gone(parent, key, folders=True)
            if live is not None and self._state.nodes[live].is_folder:
                parent = live
            elif gone:
                parent = gone[0].id
            else:
                return None
        return (parent, keys[-1]) if keys else None

    def _namesakes(self, path: Path) -> list[Node]:
        """All files that stand or stood at a name."""
        place = self._place(path)
        if place is None:
            return []
        live = self._state.live.get(place)
        standing = [self._state.nodes[live]] if live is not None else []
        return [node for node in standing if not node.is_folder] + self._gone(*place, folders=False)


def _place(entry: StoredFile | Folder, node: Node, listing: Listing) -> Cursor:
    is_folder = isinstance(entry, Folder)
    match listing.order:
        case Order.NAME:
            value: str | float = node.key
        case Order.MODIFIED if is_folder and not listing.dates_folders:
            value = 0.0
        case Order.SIZE:
            value = 0 if isinstance(entry, Folder) else entry.content.size
        case Order.MODIFIED:
            value = entry.modified if isinstance(entry, Folder) else entry.version.modified
        case Order.TYPE:
            value = "" if isinstance(entry, Folder) else entry.content.media_type
    return Cursor(is_folder, value, node.key)


def _beyond(here: Cursor, start: Cursor, listing: Listing) -> bool:
    if here.is_folder != start.is_folder:
        return start.is_folder
    mine, other = (here.value, here.key), (start.value, start.key)
    return mine < other if listing.descending else mine > other
