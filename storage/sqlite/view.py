"""What can be asked of the index in one consistent moment: the port `View`, over SQLite."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from typing import Any

from storage.sqlite.belongings import Locks, Properties
from storage.sqlite.feed import Feed
from storage.sqlite.listing import page
from storage.sqlite.migrations import ARRIVING, PARKED
from storage.sqlite.nodes import ENTRY, Node, Nodes
from storage.sqlite.past import Past
from storage.sqlite.records import Records
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
    Page,
    Property,
    StoredFile,
    Upload,
    Usage,
)
from uploads.locks import Lock
from uploads.names import Path

# A content that nobody holds is looked for as one that only others hold: with as many seeks, so
# that it does not show even in time which of the two it is.
HOLDING = (
    "SELECT n.id FROM nodes n"
    " WHERE n.content = coalesce((SELECT id FROM contents WHERE digest = ?), 0)"
    " AND n.gone IS NULL AND n.id <> ? AND n.folded >= ?"
)
IN_ORDER = " ORDER BY n.folded, n.id LIMIT 1"
FIRST_HOLDER = HOLDING + IN_ORDER
FIRST_HOLDER_BEFORE = HOLDING + " AND n.folded < ?" + IN_ORDER
CHILDREN_FROM = ENTRY + " WHERE n.parent = ? AND n.gone IS NULL AND n.key >= ? ORDER BY n.key"
ANY_CHILD = "SELECT 1 FROM nodes WHERE parent = ? AND gone IS NULL LIMIT 1"
EXTENT = """
    WITH RECURSIVE below (id, levels, bytes) AS (
        SELECT ?, 0, 0
        UNION ALL SELECT n.id, b.levels + 1, b.bytes + 1 + length(CAST(n.name AS BLOB))
        FROM below b CROSS JOIN nodes n ON n.parent = b.id AND n.gone IS NULL
        UNION ALL SELECT n.id, b.levels + 1, b.bytes + 1 + length(CAST(n.name AS BLOB))
        FROM below b CROSS JOIN nodes n ON n.parent = b.id AND n.gone IS NOT NULL)
    SELECT max(levels), max(bytes) FROM below"""
# A few contents of this size, filled up with the number of none: as many seeks are always made.
OF_SIZE = (
    "SELECT 1 FROM (SELECT id FROM contents WHERE size = ? UNION ALL SELECT column1"
    " FROM (VALUES (0), (0), (0), (0), (0), (0), (0), (0)) LIMIT 8) c CROSS JOIN nodes n"
    " WHERE n.content = c.id AND n.gone IS NULL AND n.folded >= ? AND n.folded < ? LIMIT 1"
)
# No folded path comes after this.
LAST = "\U0010ffff"
CONTENT = "SELECT id, size, media_type FROM contents WHERE digest = ?"
LAST_CONTENT = "SELECT max(id) FROM contents"
# What the rows themselves say, and not what finds them.
OVERLOOKED = (
    "SELECT c.digest FROM contents c NOT INDEXED WHERE c.id >= ? AND c.id < ?"
    " AND c.digest IN (SELECT value FROM json_each(?))"
    " AND NOT EXISTS (SELECT 1 FROM contents found WHERE found.digest = c.digest)"
)
DECLARED = (
    "SELECT c.digest, c.size, c.media_type FROM declared d JOIN contents c ON c.id = d.content"
    " WHERE d.algorithm = ? AND d.value = ? LIMIT ?"
)
DIGESTS = (
    "SELECT algorithm, value FROM declared d JOIN contents c ON c.id = d.content WHERE c.digest = ?"
)
VOUCHED = (
    "SELECT d.algorithm, d.value FROM contents c JOIN vouched v ON v.content = c.id"
    " JOIN declared d ON d.content = c.id AND d.algorithm = v.algorithm"
    " WHERE c.digest = ? AND v.by = ?"
)
UPLOAD = (
    "SELECT u.id, u.path, c.digest, c.size, c.media_type, u.principal, u.created, u.expires,"
    " u.problem, u.modified, u.claimed_type FROM uploads u JOIN contents c ON c.id = u.content"
)
INCOMING = (
    "SELECT id, principal, path, size, offset, created, expires, said, is_part, number"
    " FROM arriving WHERE id = ?"
)
GATHERED = INCOMING.replace("id = ?", "id >= ? AND id < ? ORDER BY id")
SMALL = "SELECT bytes FROM small JOIN contents c ON c.id = content WHERE c.digest = ?"
NAMESAKES_COMPARED = 8


class SqliteView:
    def __init__(self, connection: sqlite3.Connection, nodes: Nodes) -> None:
        self._connection = connection
        self._nodes = nodes
        self._past = Past(connection, self._nodes)
        self._feed = Feed(connection, self._nodes)
        self._records = Records(connection)
        self._locks = Locks(connection, self._nodes.keys)
        self._properties = Properties(connection)

    def at(self, path: Path) -> AtName:
        return self._at(self._nodes.trail(path), path)

    def at_with_bytes(self, path: Path) -> tuple[AtName, bytes | None]:
        if not path.parts:
            return self.at(path), None
        trail, small = self._nodes.trail_with_bytes(path)
        return self._at(trail, path), small

    def _at(self, trail: list[Node], path: Path) -> AtName:
        for depth, (node, sent) in enumerate(zip(trail, path.parts, strict=False)):
            if node.name != sent:
                return _lookalike(node, path, depth)
        here = self._nodes.end(trail, path)
        if here is not None:
            entry = here.entry(path)
            return FolderHere(entry) if isinstance(entry, Folder) else FileHere(entry)
        if not trail or trail[-1].is_folder:
            return Nothing()
        return FileAbove(trail[-1].file(Path(path.parts[: len(trail)])))

    def folder(self, path: Path) -> Folder | None:
        node = self._folder(path)
        return node.folder(path) if node else None

    def page(self, folder: Path, listing: Listing) -> Page:
        node = self._folder(folder)
        return page(self._nodes, node, folder, listing) if node else Page((), None)

    def is_empty(self, folder: Path) -> bool:
        node = self._folder(folder)
        return node is None or self._row(ANY_CHILD, node.id) is None

    def files_below(self, folder: Path, after: Path | None, limit: int) -> list[StoredFile]:
        node = self._folder(folder)
        start = self._nodes.keys(after)[len(folder.parts) :] if after else ()
        return [*islice(self._below(node, folder, start), limit)] if node else []

    def entries_below(
        self, folder: Path, after: Path | None, limit: int, sight: Sight
    ) -> list[StoredFile | Folder]:
        node = self._folder(folder)
        start = self._nodes.keys(after)[len(folder.parts) :] if after else ()
        return [*islice(self._feed.below(node, folder, start, sight), limit)] if node else []

    def extent(self, folder: Path) -> tuple[int, int]:
        node = self._folder(folder)
        row = self._row(EXTENT, node.id) if node else None
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def same_content(self, content: Content, reach: Reach, apart_from: Path) -> StoredFile | None:
        here = self._nodes.live(apart_from)
        for low, high in reach.ranges:
            values = (content.digest, here.id if here else 0, low)
            sql, bounds = (
                (FIRST_HOLDER, values) if high is None else (FIRST_HOLDER_BEFORE, (*values, high))
            )
            found = self._row(sql, *bounds)
            if found is not None:
                node = self._nodes.by_id(found[0])
                return node.file(self._nodes.path(node))
        return None

    def any_of_size(self, size: int, reach: Reach) -> bool:
        return any(
            self._row(OF_SIZE, size, low, LAST if high is None else high) is not None
            for low, high in reach.ranges
        )

    def content_declared(self, digests: Mapping[str, bytes]) -> Content | None:
        # The longest digest leaves the fewest contents; of a weak one there may be many namesakes.
        strongest = sorted(digests.items(), key=lambda digest: -len(digest[1]))[:1]
        found = [
            Content(digest, size, media_type)
            for algorithm, value in strongest
            for digest, size, media_type in self._connection.execute(
                DECLARED, (algorithm, value, NAMESAKES_COMPARED)
            )
        ]
        if len(digests) == 1:
            return found[0] if len(found) == 1 else None
        fitting = [content for content in found if digests.items() <= self.digests(content).items()]
        return fitting[0] if len(fitting) == 1 else None

    def free_name(self, path: Path, most_bytes: int, kept: Callable[[Path], bool]) -> Path:
        folder = self._nodes.live(path.parent)

        def taken(name: str) -> bool:
            there = path.parent.child(name)
            key = self._nodes.keys(there)[-1]
            stands = folder is not None and self._nodes.child(folder.id, key) is not None
            return stands or kept(there)

        return path.parent.child(names.free_name(path.name, taken, most_bytes))

    def history(self, path: Path, before: int | None, limit: int) -> list[Event]:
        return self._past.events(path, before, limit)

    def version(self, path: Path, number: int) -> StoredFile | None:
        return self._past.file(path, number)

    def changes(self, since: int, limit: int) -> list[Change]:
        return self._feed.changes(since, limit)

    def span(self) -> Span:
        return self._feed.span()

    def usage(self, principal: str) -> Usage:
        row = self._row("SELECT bytes, files FROM usage WHERE principal = ?", principal)
        return Usage(*row) if row else Usage()

    def upload(self, id: str) -> Upload | None:
        row = self._row(UPLOAD + " WHERE u.id = ?", id)
        return _upload(row) if row else None

    def uploads(self, principal: str, after: str | None, limit: int) -> list[Upload]:
        sql = UPLOAD + " WHERE u.principal = ? AND u.id > ? ORDER BY u.id LIMIT ?"
        return [
            _upload(row) for row in self._connection.execute(sql, (principal, after or "", limit))
        ]

    def parked(self, principal: str) -> Usage:
        return self.usage(PARKED + principal)

    def incoming(self, id: str) -> Incoming | None:
        row = self._row(INCOMING, id)
        return _incoming(row) if row else None

    def gathered(self, group: str) -> list[Incoming]:
        beyond = group[:-1] + chr(ord(group[-1]) + 1)
        return [_incoming(row) for row in self._connection.execute(GATHERED, (group, beyond))]

    def arriving(self, principal: str) -> Usage:
        return self.usage(ARRIVING + principal)

    def digests(self, content: Content) -> Mapping[str, bytes]:
        return dict(self._connection.execute(DIGESTS, (content.digest,)))

    def vouched(self, content: Content, by: str) -> Mapping[str, bytes]:
        return dict(self._connection.execute(VOUCHED, (content.digest, by)))

    def content(self, digest: str) -> Content | None:
        row = self._row(CONTENT, digest)
        return Content(digest, row[1], row[2]) if row else None

    def overlooked(self, digests: Collection[str], rows: range) -> set[str] | None:
        (last,) = self._connection.execute(LAST_CONTENT).fetchone()
        if rows.start > (last or 0):
            return None
        among = (rows.start, rows.stop, json.dumps(list(digests)))
        return {digest for (digest,) in self._connection.execute(OVERLOOKED, among)}

    def record(self, name: str) -> Record | None:
        return self._records.find(name)

    def small(self, content: Content) -> bytes | None:
        row = self._row(SMALL, content.digest)
        return row[0] if row else None

    def properties(self, path: Path) -> list[Property]:
        node = self._nodes.exactly(path) if self._properties.any() else None
        return self._properties.of(node.id) if node else []

    def locks_over(self, path: Path) -> list[Lock]:
        return self._locks.over(path)

    def locks_below(self, path: Path) -> list[Lock]:
        return self._locks.below(path)

    def locks_at(self, paths: Collection[Path]) -> list[Lock]:
        return self._locks.at(paths)

    def locks_of(self, principal: str) -> int:
        return self._locks.of(principal)

    def _row(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
        return row

    def _folder(self, path: Path) -> Node | None:
        node = self._nodes.exactly(path)
        return node if node and node.is_folder else None

    def _below(self, folder: Node, path: Path, start: tuple[str, ...]) -> Iterator[StoredFile]:
        first, rest = (start[0], start[1:]) if start else ("", ())
        for node in self._nodes.all(CHILDREN_FROM, folder.id, first):
            at_start = bool(start) and node.key == first
            here = path.child(node.name)
            if node.is_folder:
                yield from self._below(node, here, rest if at_start else ())
            elif not at_start:
                yield node.file(here)


def _lookalike(node: Node, path: Path, depth: int) -> Lookalike:
    wanted = Path(path.parts[: depth + 1])
    rule = names.matching_rule(wanted.name, node.name)
    if rule is None:
        raise ValueError(f"{wanted} and {node.name!r} have one key, and no rule says why")
    return Lookalike(node.entry(wanted.parent.child(node.name)), wanted, rule)


def _upload(row: tuple[Any, ...]) -> Upload:
    id_, path, digest, size, media_type, *rest = row
    return Upload(id_, Path(tuple(path.split("/"))), Content(digest, size, media_type), *rest)


def _incoming(row: tuple[Any, ...]) -> Incoming:
    id_, principal, path, size, offset, created, expires, said, is_part, number = row
    place = Path(tuple(path.split("/"))) if path else Path(())
    return Incoming(
        id_, principal, place, size, offset, created, expires, said, bool(is_part), number
    )
