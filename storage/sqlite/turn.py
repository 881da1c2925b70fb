"""The changes that can be recorded in the index: the port `Turn`, over SQLite.

Runs inside the writer's transaction and never ends it.
"""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

from storage.sqlite.belongings import LocksOfTheWriter
from storage.sqlite.changes import NOT_MADE, About, Changes, modified
from storage.sqlite.garbage import Garbage
from storage.sqlite.migrations import ROOT
from storage.sqlite.nodes import Keys, Node, NodesOfATurn
from storage.sqlite.past import VersionRow
from storage.sqlite.restoring import Restoring
from storage.sqlite.view import CONTENT, SqliteView
from uploads.attempts import Bounds, Record
from uploads.failures import Unavailable
from uploads.files import (
    Content,
    Folder,
    Incoming,
    Kind,
    Property,
    Stamp,
    StoredFile,
    Upload,
    Version,
)
from uploads.locks import Lock
from uploads.names import Path
from uploads.ports import Blobs, Clock, Staged

KEEP = (
    "INSERT INTO contents (digest, size, media_type, made) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (digest) DO NOTHING"
)
KEEP_SMALL = "INSERT INTO small VALUES (?, ?)"
# What is known already costs as much to write as what is new, down to the index of what nothing
# names: else time would tell of it.
NAMED = "SELECT refs FROM contents WHERE id = ?"
KEEP_AGAIN = "UPDATE contents SET digest = digest, refs = ? WHERE id = ?"
CLEAR_SMALL = "DELETE FROM small WHERE content = ?"
KEEP_DIGEST = "INSERT INTO declared VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
VOUCH = "INSERT INTO vouched VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
DATE_NODE = "UPDATE nodes SET modified = ? WHERE id = ?"
DATE_VERSION = "UPDATE versions SET modified = ? WHERE node = ? AND number = ?"
PARK = "INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
EXPECT = "INSERT INTO arriving VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
ADVANCE = "UPDATE arriving SET size = ?, offset = ?, expires = ? WHERE id = ?"


class SqliteTurn(SqliteView):
    """`taken` counts the bytes that went into the index itself since it was last set to zero."""

    def __init__(
        self, connection: sqlite3.Connection, keys: Keys, blobs: Blobs, clock: Clock
    ) -> None:
        self._lasting = NodesOfATurn(connection, keys)
        super().__init__(connection, self._lasting)
        self._locks = self._lasting_locks = LocksOfTheWriter(connection, self._nodes.keys)
        self._changes = Changes(connection, self._nodes, self._properties)
        self._garbage = Garbage(connection)
        self._blobs = blobs
        self._clock = clock
        self._kept: dict[str, Kept] = {}
        self.taken = 0

    def begin(self) -> None:
        """One more turn, of which nothing is known yet."""
        self._lasting.begin()
        self._lasting_locks.begin()
        self._kept.clear()

    def keep(self, staged: Staged) -> None:
        content, held = staged.content, self._lasting.holds()
        small = self._blobs.keep(staged)
        found = self._connection.execute(
            KEEP, (content.digest, content.size, content.media_type, self._clock())
        )
        if found.rowcount:
            kept = Kept(int(found.lastrowid or 0), content.size, content.media_type)
        else:
            kept = self._agreeing(content)
            self._keep_again(kept.id)
        if small is not None:
            self._connection.execute(KEEP_SMALL, (kept.id, small))
            self.taken += len(small)
        for algorithm, value in staged.digests.items():
            self._connection.execute(KEEP_DIGEST, (algorithm, value, kept.id))
        self._kept[content.digest] = kept
        if held:
            self._lasting.has_not_changed()

    def _keep_again(self, id_: int) -> None:
        (refs,) = self._connection.execute(NAMED, (id_,)).fetchone()
        for count in (0, refs):
            self._connection.execute(KEEP_AGAIN, (count, id_))
        self._connection.execute(CLEAR_SMALL, (id_,))

    def vouch(self, content: Content, algorithms: Collection[str], by: str) -> None:
        if algorithms:
            id_ = self._content(content).id
            rows = [(id_, by, algorithm) for algorithm in algorithms]
            self._connection.executemany(VOUCH, rows)

    def store(self, path: Path, content: Content, stamp: Stamp) -> StoredFile:
        trail = self._nodes.trail(path)
        live = self._nodes.end(trail, path)
        kind = Kind.REPLACED if live else Kind.CREATED
        kept = self._content(content)
        number, id_ = self._put(path, trail, live, kept.id, kind, stamp)
        version = Version(
            number,
            Content(content.digest, content.size, kept.media_type),
            stamp.at,
            modified(stamp),
            stamp.by,
            stamp.claimed_type,
        )
        return StoredFile(path, version, id_)

    def make_folder(self, path: Path, stamp: Stamp) -> Folder:
        trail = self._nodes.trail(path)
        if self._nodes.end(trail, path):
            raise ValueError(f"{path} is not free")
        about = About(NOT_MADE, is_folder=True, depth=len(trail))
        number = self._changes.record(Kind.CREATED, about, path, stamp)
        above = self._changes.folders(path, number, stamp.at)
        self._changes.touch(above, number, stamp.at)
        self._changes.about(number, above[-1])
        return self._nodes.by_id(above[-1]).folder(path)

    def delete(self, path: Path, stamp: Stamp) -> int:
        node = self._there(path)
        about = About(node.id, bool(node.is_folder), len(path.parts))
        number = self._changes.record(Kind.DELETED, about, path, stamp)
        above = self._changes.folders(path.parent, number, stamp.at)
        self._changes.remove(node.id, number, stamp)
        self._locks.drop_all(path)
        self._changes.touch(above, number, stamp.at)
        return number

    def move(self, source: Path, target: Path, stamp: Stamp) -> StoredFile | Folder:
        node = self._there(source)
        trail = self._nodes.trail(target)
        in_the_way = self._nodes.end(trail, target)
        if in_the_way and in_the_way.id != node.id:
            raise ValueError(f"{target} is not free")
        about = About(node.id, bool(node.is_folder), len(trail))
        number = self._changes.record(Kind.MOVED, about, target, stamp, source)
        left = self._changes.folders(source.parent, number, stamp.at)
        above = self._changes.folders(target.parent, number, stamp.at)
        if node.id in above:
            raise ValueError(f"{source} cannot be moved into itself")
        self._changes.move(node, target, above[-1], number, stamp)
        self._locks.drop_all(source)
        self._changes.touch({*left, *above}, number, stamp.at)
        return self._nodes.by_id(node.id).entry(target)

    def restore(self, path: Path, number: int, stamp: Stamp) -> StoredFile:
        version = self._past.version(path, number)
        if version is None or version.content is None:
            raise LookupError(f"{path} has no version {number}")
        trail = self._nodes.trail(path)
        node = self._nodes.end(trail, path) or self._nodes.by_id(version.node)
        as_it_was = _as_it_was(stamp, version)
        _, id_ = self._put(path, trail, node, version.content, Kind.RESTORED, as_it_was)
        return self._nodes.by_id(id_).file(path)

    def restore_folder(self, path: Path, number: int, stamp: Stamp) -> Folder | None:
        top = self._changes.deleted_folder(path, number)
        restoring = Restoring(self._connection, number)
        if top is None or restoring.is_empty:
            return None
        about = About(top.id, is_folder=True, depth=len(self._nodes.trail(path)))
        new = self._changes.record(Kind.RESTORED, about, path, stamp)
        above = self._changes.folders(path.parent, new, stamp.at)
        if top.gone is not None:
            self._changes.revive(top, above[-1], path, new, stamp)
        self._changes.touch([*above, top.id], new, stamp.at)
        restoring.into(top, new, stamp)
        return self._nodes.by_id(top.id).folder(path)

    def set_modified(self, path: Path, modified: float) -> None:
        node = self._there(path)
        self._connection.execute(DATE_NODE, (modified, node.id))
        self._connection.execute(DATE_VERSION, (modified, node.id, node.number))

    def set_property(self, path: Path, kept: Property) -> None:
        self._properties.set(self._stands(path).id, kept)

    def drop_property(self, path: Path, namespace: str, name: str) -> None:
        self._properties.drop(self._stands(path).id, namespace, name)

    def copy_properties(self, source: Path, target: Path) -> None:
        self._properties.copy(self._stands(source).id, self._stands(target).id)

    def lock(self, lock: Lock) -> None:
        self._locks.add(lock)

    def unlock(self, token: str) -> None:
        self._locks.drop(token)

    def park(self, upload: Upload) -> None:
        id_ = self._content(upload.content).id
        path, times = "/".join(upload.path.parts), (upload.created, upload.expires)
        said = (upload.problem, upload.modified, upload.claimed_type)
        self._connection.execute(PARK, (upload.id, upload.principal, path, id_, *times, *said))

    def drop_upload(self, id: str) -> None:
        self._connection.execute("DELETE FROM uploads WHERE id = ?", (id,))

    def expect(self, incoming: Incoming) -> None:
        what = (incoming.id, incoming.principal, "/".join(incoming.path.parts))
        how_far = (incoming.size, incoming.offset, incoming.created, incoming.expires)
        became = (incoming.said, int(incoming.is_part), incoming.number)
        self._connection.execute(EXPECT, (*what, *how_far, *became))

    def advance(self, incoming: Incoming) -> None:
        values = (incoming.size, incoming.offset, incoming.expires, incoming.id)
        if not self._connection.execute(ADVANCE, values).rowcount:
            raise LookupError(f"there is no upload {incoming.id} any more")

    def drop_incoming(self, id: str) -> None:
        self._connection.execute("DELETE FROM arriving WHERE id = ?", (id,))

    def forget_incoming(self, before: float, limit: int) -> int:
        return self._garbage.incoming(before, limit)

    def forget_versions(self, before: float, limit: int) -> int:
        return self._garbage.versions(before, limit)

    def forget_uploads(self, before: float, limit: int) -> int:
        return self._garbage.uploads(before, limit)

    def forget_changes(self, before: float, limit: int) -> int:
        return self._garbage.changes(before, limit)

    def remember(self, record: Record, bounds: Bounds) -> None:
        self._records.add(record, bounds)

    def forget_records(self, before: float, limit: int) -> int:
        return self._records.forget(before, limit)

    def forget_locks(self, before: float, limit: int) -> int:
        return self._locks.forget(before, limit)

    def forget_contents(self, limit: int) -> list[Content]:
        return self._garbage.contents(limit)

    def is_named(self, content: Content) -> bool:
        return self._row(CONTENT, content.digest) is not None

    def _put(
        self,
        path: Path,
        trail: Sequence[Node],
        node: Node | None,
        content: int,
        kind: Kind,
        stamp: Stamp,
    ) -> tuple[int, int]:
        """The number of the change, and the node."""
        if node and node.is_folder:
            raise ValueError(f"{path} is a folder")
        about = About(node.id if node else NOT_MADE, is_folder=False, depth=len(trail))
        number = self._changes.record(kind, about, path, stamp)
        above = self._changes.folders_along(trail, path.parent, number, stamp.at)
        id_ = self._changes.put(path, node, above[-1], number, content, stamp)
        self._changes.add_version(id_, number, kind, content, stamp)
        if node is None:
            self._changes.about(number, id_)
        self._changes.touch(above, number, stamp.at)
        return number, id_

    def _there(self, path: Path) -> Node:
        node = self._nodes.exactly(path)
        if node is None or node.id == ROOT:
            raise LookupError(f"there is no {path} to change")
        return node

    def _stands(self, path: Path) -> Node:
        """The top folder included."""
        return self._there(path) if path.parts else self._nodes.root

    def _content(self, content: Content) -> "Kept":
        kept = self._kept.get(content.digest)
        if kept is not None:
            return kept
        row = self._connection.execute(CONTENT, (content.digest,)).fetchone()
        if row is None:
            raise LookupError(f"{content.digest} was not kept")
        return Kept(*row)

    def _agreeing(self, content: Content) -> "Kept":
        there = self._content(content)
        if there.size != content.size:
            raise Unavailable(
                "What is stored does not agree with what arrived."
                " The operator of this server needs to verify it."
            )
        return there


class Kept(NamedTuple):
    """A content as the index knows it."""

    id: int
    size: int
    media_type: str


def _as_it_was(stamp: Stamp, version: VersionRow) -> Stamp:
    modified = version.modified if stamp.modified is None else stamp.modified
    return replace(
        stamp, modified=modified, claimed_type=stamp.claimed_type or version.claimed_type
    )
