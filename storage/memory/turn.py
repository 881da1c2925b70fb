"""The changes that can be recorded in the index in memory: the port `Turn` at its simplest.

It changes a state that nobody else can see yet.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from itertools import islice, takewhile

from storage.memory.feed import Logged
from storage.memory.keeping import Keeping
from storage.memory.state import ROOT, Keys, Node, Past, State
from uploads.attempts import Bounds, Record
from uploads.failures import MalformedRequest, Unavailable
from uploads.files import (
    Content,
    Event,
    Folder,
    Incoming,
    Kind,
    Stamp,
    StoredFile,
    Upload,
    Version,
)
from uploads.names import Path
from uploads.ports import Blobs, Staged


class MemoryTurn(Keeping):
    def __init__(self, state: State, keys: Keys, blobs: Blobs) -> None:
        super().__init__(state, keys)
        self._blobs = blobs

    def keep(self, staged: Staged) -> None:
        content = staged.content
        small = self._blobs.keep(staged)
        known = self._state.contents.setdefault(content.digest, content)
        if known.size != content.size:
            raise Unavailable("What is stored does not agree with what arrived.")
        if small is not None:
            self._state.small[content.digest] = small
        self._state.digests[content.digest] = {**self.digests(content), **staged.digests}

    def vouch(self, content: Content, algorithms: Collection[str], by: str) -> None:
        said = self._state.vouched.get(content.digest, frozenset())
        self._state.vouched[content.digest] = said | {(by, one) for one in algorithms}

    def store(self, path: Path, content: Content, stamp: Stamp) -> StoredFile:
        kind = Kind.REPLACED if self._live(path) else Kind.CREATED
        return self._put(path, self._live(path), self._known(content), kind, stamp)

    def make_folder(self, path: Path, stamp: Stamp) -> Folder:
        if self._live(path):
            raise ValueError(f"{path} is not free")
        number, made = self._next(), self._made(path)
        above = self._folders(path, number, stamp)
        self._touch(above, number, stamp)
        self._log(Kind.CREATED, self._state.nodes[above[-1]], path, made, stamp)
        return self._folder_at(path, above[-1])

    def delete(self, path: Path, stamp: Stamp) -> int:
        node = self._there(path)
        number = self._next()
        above = self._folders(path.parent, number, stamp)
        self._state.deletions[number] = node.id
        self._log(Kind.DELETED, node, path, None, stamp)
        self._remove(node, number, stamp, path)
        self._locks.drop_all(path)
        self._touch(above, number, stamp)
        return number

    def move(self, source: Path, target: Path, stamp: Stamp) -> StoredFile | Folder:
        node = self._there(source)
        if self._live(target) not in (None, node):
            raise ValueError(f"{target} is not free")
        if target.parts[: len(source.parts)] == source.parts != target.parts:
            raise ValueError(f"{source} cannot be moved into itself")
        number, made = self._next(), self._made(target)
        self._log(Kind.MOVED, node, target, made, stamp, source)
        left = self._folders(source.parent, number, stamp)
        above = self._folders(target.parent, number, stamp)
        self._touch([*left, *above], number, stamp)
        del self._state.live[node.parent, node.key]
        self._locks.drop_all(source)
        if node.is_folder:
            moved = self._set(replace(node, number=number, modified=stamp.at), above[-1], target)
            self._rekey_below(node, target)
        else:
            moved = self._set(replace(node, number=number), above[-1], target)
            self._move_version(node, number, stamp, target)
        return self._entry(moved, target)

    def restore(self, path: Path, number: int, stamp: Stamp) -> StoredFile:
        for node in self._namesakes(path):
            past = self._state.past.get((node.id, number))
            if past is not None and past.event.version is not None:
                version = past.event.version
                stands = self._live(path) or node
                stamp = _as_it_was(stamp, version)
                return self._put(path, stands, version.content, Kind.RESTORED, stamp)
        raise LookupError(f"{path} has no version {number}")

    def restore_folder(self, path: Path, number: int, stamp: Stamp) -> Folder | None:
        top = self._deleted_folder(path, number)
        lost = [
            node
            for node in self._state.nodes.values()
            if node.gone is not None and node.number == number
        ]
        if top is None or not lost:
            return None
        new, made = self._next(), self._made(path)
        self._log(Kind.RESTORED, top, path, made, stamp)
        above = self._folders(path.parent, new, stamp)
        if top.gone is not None:
            self._set(replace(top, number=new, modified=stamp.at), above[-1], path)
        self._touch([*above, top.id], new, stamp)
        for node in sorted(lost, key=lambda node: len(self._path(node).parts)):
            if node.id != top.id:
                self._bring_back(node, number, new, stamp, path)
        return self._folder_at(path, top.id)

    def park(self, upload: Upload) -> None:
        self._state.uploads[upload.id] = replace(upload, content=self._known(upload.content))

    def drop_upload(self, id: str) -> None:
        self._state.uploads.pop(id, None)

    def expect(self, incoming: Incoming) -> None:
        if incoming.id in self._state.incoming:
            raise ValueError(f"{incoming.id} is taken")
        self._state.incoming[incoming.id] = incoming

    def advance(self, incoming: Incoming) -> None:
        there = self._state.incoming.get(incoming.id)
        if there is None:
            raise LookupError(f"there is no upload {incoming.id} any more")
        self._state.incoming[incoming.id] = replace(
            there, size=incoming.size, offset=incoming.offset, expires=incoming.expires
        )

    def drop_incoming(self, id: str) -> None:
        self._state.incoming.pop(id, None)

    def forget_incoming(self, before: float, limit: int) -> int:
        old = [one.id for one in self._state.incoming.values() if one.expires <= before][:limit]
        for id_ in old:
            del self._state.incoming[id_]
        return len(old)

    def forget_versions(self, before: float, limit: int) -> int:
        old = [
            key
            for key, past in self._state.past.items()
            if past.superseded is not None and past.superseded < before
        ][:limit]
        for key in old:
            del self._state.past[key]
        self._forget_the_gone(before, limit)
        return len(old)

    def forget_uploads(self, before: float, limit: int) -> int:
        old = [upload.id for upload in self._state.uploads.values() if upload.expires <= before]
        for id_ in old[:limit]:
            del self._state.uploads[id_]
        return len(old[:limit])

    def forget_changes(self, before: float, limit: int) -> int:
        kept = (one for one in self._state.log if one.number > self._state.forgotten)
        old = [*takewhile(lambda one: one.at < before, islice(kept, limit))]
        if old:
            self._state.forgotten = old[-1].number
        return len(old)

    def remember(self, record: Record, bounds: Bounds) -> None:
        records = self._state.records
        records.pop(record.name, None)
        records[record.name] = record
        own = [one.name for one in records.values() if one.principal == record.principal]
        for name in own[: -bounds.of_one]:
            del records[name]
        for name in list(records)[: -bounds.of_all]:
            del records[name]

    def forget_records(self, before: float, limit: int) -> int:
        old = [one.name for one in self._state.records.values() if one.expires <= before][:limit]
        for name in old:
            del self._state.records[name]
        return len(old)

    def forget_contents(self, limit: int) -> list[Content]:
        named = {upload.content.digest for upload in self._state.uploads.values()}
        named |= {
            past.event.version.content.digest
            for past in self._state.past.values()
            if past.event.version is not None
        }
        unnamed = [c for c in self._state.contents.values() if c.digest not in named][:limit]
        for content in unnamed:
            self._state.vouched.pop(content.digest, None)
            for known in (self._state.contents, self._state.small, self._state.digests):
                known.pop(content.digest, None)
        return unnamed

    def is_named(self, content: Content) -> bool:
        return content.digest in self._state.contents

    def _next(self) -> int:
        self._state.changes += 1
        return self._state.changes

    def _made(self, path: Path) -> int | None:
        """How many of the names lead to the first folder above that is still to be made."""
        there = len(self._trail(path.parent)) - 1
        return None if there >= len(path.parts) - 1 else there + 1

    def _log(
        self,
        kind: Kind,
        node: Node,
        path: Path,
        made: int | None,
        stamp: Stamp,
        source: Path | None = None,
    ) -> None:
        number = self._state.changes
        one = Logged(number, kind, node.id, stamp.at, path, source, node.is_folder, made)
        self._state.log = (*self._state.log, one)

    def _known(self, content: Content) -> Content:
        if content.digest not in self._state.contents:
            raise LookupError(f"{content.digest} was not kept")
        return self._state.contents[content.digest]

    def _there(self, path: Path) -> Node:
        node = self._exactly(path)
        if node is None or node.id == ROOT:
            raise LookupError(f"there is no {path} to change")
        return node

    def _set(self, node: Node, parent: int, path: Path) -> Node:
        """The node, live, at this path."""
        key = self._keys(path)[-1]
        node = replace(node, parent=parent, name=path.name, key=key, gone=None)
        self._state.nodes[node.id] = node
        self._state.live[parent, key] = node.id
        return node

    def _new_node(self, path: Path, number: int, *, is_folder: bool) -> Node:
        self._state.highest_id += 1
        return Node(self._state.highest_id, 0, path.name, "", is_folder, number, 0.0)

    def _touch(self, folders: Iterable[int], number: int, stamp: Stamp) -> None:
        for id_ in folders:
            node = self._state.nodes[id_]
            self._state.nodes[id_] = replace(node, number=number, modified=stamp.at)

    def _folders(self, path: Path, number: int, stamp: Stamp) -> list[int]:
        """The folders from the root down to this one; those that are missing are made."""
        trail = self._trail(path)
        for node, sent in zip(trail[1:], path.parts, strict=False):
            if node.name != sent or not node.is_folder:
                raise ValueError(f"{node.name!r} is in the way of {path}")
        ids = [node.id for node in trail]
        for depth in range(len(trail), len(path.parts) + 1):
            here = Path(path.parts[:depth])
            gone = self._gone(ids[-1], self._keys(here)[-1], folders=True)
            node = gone[0] if gone else self._new_node(here, number, is_folder=True)
            self._properties.forget(node.id)
            node = self._set(replace(node, number=number, modified=stamp.at), ids[-1], here)
            ids.append(node.id)
        return ids

    def _folder_at(self, path: Path, id_: int) -> Folder:
        node = self._state.nodes[id_]
        return Folder(path, node.number, node.modified, node.id)

    def _put(
        self, path: Path, node: Node | None, content: Content, kind: Kind, stamp: Stamp
    ) -> StoredFile:
        """A new version: of this file, else of one that was deleted here, else of a new one."""
        if node and node.is_folder:
            raise ValueError(f"{path} is a folder")
        number, made = self._next(), self._made(path)
        above = self._folders(path.parent, number, stamp)
        if node is None:
            gone = self._gone(above[-1], self._keys(path)[-1], folders=False)
            node = gone[0] if gone else self._new_node(path, number, is_folder=False)
            self._properties.forget(node.id)
        node = self._add_version(node, number, content, kind, stamp, path)
        self._log(kind, node, path, made, stamp)
        self._touch(above, number, stamp)
        return self._file(self._set(node, above[-1], path), path)

    def _add_version(
        self, node: Node, number: int, content: Content, kind: Kind, stamp: Stamp, place: Path
    ) -> Node:
        self._supersede(node, stamp.at)
        modified = stamp.at if stamp.modified is None else stamp.modified
        version = Version(number, content, stamp.at, modified, stamp.by, stamp.claimed_type)
        event = Event(number, kind, stamp.at, stamp.by, version, place)
        self._state.past[node.id, number] = Past(event, stamp.by)
        return replace(node, number=number, modified=modified)

    def _supersede(self, node: Node, at: float) -> None:
        current = self._state.past.get((node.id, node.number))
        if current is not None:
            self._state.past[node.id, node.number] = replace(current, superseded=at)

    def _move_version(self, node: Node, number: int, stamp: Stamp, place: Path) -> None:
        """The same content under a new number; whoever pays for it goes on paying once."""
        past = self._state.past[node.id, node.number]
        version = self._file(node, Path(())).version
        version = replace(version, number=number, stored=stamp.at, by=stamp.by)
        event = Event(number, Kind.MOVED, stamp.at, stamp.by, version, place)
        self._state.past[node.id, node.number] = replace(past, payer=None, superseded=stamp.at)
        self._state.past[node.id, number] = Past(event, past.payer)

    def _rekey_below(self, folder: Node, path: Path) -> None:
        """The folder may have come to where another rule for names holds."""
        for node in [node for node in self._state.nodes.values() if node.parent == folder.id]:
            here = path.child(node.name)
            rekeyed = replace(node, key=self._keys(here)[-1])
            self._state.nodes[node.id] = rekeyed
            if node.gone is None and rekeyed.key != node.key:
                del self._state.live[folder.id, node.key]
                if (folder.id, rekeyed.key) in self._state.live:
                    raise MalformedRequest(f'"{here}" has another spelling that is there already.')
                self._state.live[folder.id, rekeyed.key] = node.id
            self._rekey_below(node, here)

    def _remove(self, node: Node, number: int, stamp: Stamp, place: Path) -> None:
        for below in list(self._state.nodes.values()):
            if below.parent == node.id and below.gone is None:
                self._remove(below, number, stamp, place)
        if not node.is_folder:
            self._supersede(node, stamp.at)
            event = Event(number, Kind.DELETED, stamp.at, stamp.by, None, place)
            self._state.past[node.id, number] = Past(event, None)
        self._state.nodes[node.id] = replace(node, number=number, gone=stamp.at)
        del self._state.live[node.parent, node.key]

    def _deleted_folder(self, path: Path, number: int) -> Node | None:
        """The folder that this deletion took away from this name; it may be there again."""
        node = self._state.nodes.get(self._state.deletions.get(number, 0))
        place = self._place(path)
        if node is None or not node.is_folder or place != (node.parent, node.key):
            return None
        return node if self._state.live.get(place, node.id) == node.id else None

    def _bring_back(
        self, node: Node, deletion: int, number: int, stamp: Stamp, place: Path
    ) -> None:
        """One of those that were lost in the folder `place`, unless its folder, name or content is
        not to be had, or its folder is in another place now.
        """
        folder = self._state.nodes[node.parent]
        path = self._path(node)
        moved = self._keys(path)[: len(place.parts)] != self._keys(place)
        if moved or folder.gone is not None or (folder.id, node.key) in self._state.live:
            return
        if node.is_folder:
            back = replace(node, number=number, modified=stamp.at)
        else:
            versions = [past.event.version for past in self._past(node) if past.event.version]
            earlier = [version for version in versions if version.number < deletion]
            if not earlier:
                return
            last = max(earlier, key=lambda version: version.number)
            as_it_was = Stamp(stamp.by, stamp.at, last.modified, last.claimed_type)
            back = self._add_version(node, number, last.content, Kind.RESTORED, as_it_was, place)
        self._set(back, folder.id, path)
        self._touch(self._folders(path.parent, number, stamp), number, stamp)

    def _forget_the_gone(self, before: float, limit: int) -> None:
        parents = {node.parent for node in self._state.nodes.values()}
        empty = [
            node
            for node in self._state.nodes.values()
            if node.gone is not None
            and node.gone < before
            and node.id not in parents
            and not any(past.event.version for past in self._past(node))
        ]
        for node in empty[:limit]:
            for past in self._past(node):
                del self._state.past[node.id, past.event.number]
            self._properties.forget(node.id)
            del self._state.nodes[node.id]


def _as_it_was(stamp: Stamp, version: Version) -> Stamp:
    modified = version.modified if stamp.modified is None else stamp.modified
    return replace(
        stamp, modified=modified, claimed_type=stamp.claimed_type or version.claimed_type
    )
