"""The changes in the order of their numbers, and what is below a folder. Reads only; no rule."""

import sqlite3
from collections.abc import Iterator
from typing import Any

from storage.sqlite.nodes import ENTRY, Node, Nodes
from uploads.access import Sight
from uploads.changes import Change, Span
from uploads.files import Content, Folder, Kind, StoredFile, Version
from uploads.names import Path

# The change, where its file stands now, and the version that it made.
CHANGES = (
    "SELECT h.number, h.kind, h.at, h.path, h.from_path, h.is_folder, h.made, n.folded, n.number,"
    " v.at, v.modified, v.by, v.claimed_type, c.digest, c.size, c.media_type FROM changes h"
    " LEFT JOIN nodes n ON n.id = h.node AND n.gone IS NULL AND n.is_folder = 0"
    " LEFT JOIN versions v ON v.node = h.node AND v.number = h.number"
    " LEFT JOIN contents c ON c.id = v.content"
    " WHERE h.number > ? ORDER BY h.number LIMIT ?"
)
FORGOTTEN = "SELECT value FROM meta WHERE name = 'changes_forgotten'"
LAST = "SELECT max(number) FROM changes"
ALL_FROM = ENTRY + " WHERE n.parent = ? AND n.gone IS NULL AND n.key >= ? ORDER BY n.key"
FOLDERS_FROM = (
    ENTRY
    + " WHERE n.parent = ? AND n.is_folder = 1 AND n.gone IS NULL AND n.key >= ? ORDER BY n.key"
)


class Feed:
    def __init__(self, connection: sqlite3.Connection, nodes: Nodes) -> None:
        self._connection = connection
        self._nodes = nodes

    def changes(self, since: int, limit: int) -> list[Change]:
        return [_change(row) for row in self._connection.execute(CHANGES, (since, limit))]

    def span(self) -> Span:
        forgotten = self._connection.execute(FORGOTTEN).fetchone()
        (last,) = self._connection.execute(LAST).fetchone()
        before = int(forgotten[0]) if forgotten else 0
        return Span(before, max(before, last or 0))

    def below(
        self, folder: Node, path: Path, start: tuple[str, ...], sight: Sight
    ) -> Iterator[StoredFile | Folder]:
        """`start`: the keys, from this folder on, of the entry to go on after."""
        first, rest = (start[0], start[1:]) if start else ("", ())
        # Of a folder that is closed but leads on, the files may be many, and are not asked for.
        sql = ALL_FROM if sight.files_in(path) else FOLDERS_FROM
        for node in self._nodes.all(sql, folder.id, first):
            at_start = bool(start) and node.key == first
            here = path.child(node.name)
            if node.is_folder:
                if sight.folder(here):
                    if not at_start:
                        yield node.folder(here)
                    yield from self.below(node, here, rest if at_start else (), sight)
            elif not at_start and sight.file(here):
                yield node.file(here)


def _change(row: tuple[Any, ...]) -> Change:
    number, kind, at, path, source, is_folder, made, stands, current, *of_version = row
    return Change(
        number,
        Kind(kind),
        at,
        _path(path),
        None if source is None else _path(source),
        bool(is_folder),
        made,
        _version(number, of_version),
        stands,
        current == number,
    )


def _version(number: int, columns: list[Any]) -> Version | None:
    """None: it is a deletion, or forgotten."""
    at, modified, by, claimed_type, *content = columns
    if content[0] is None:
        return None
    return Version(number, Content(*content), at, modified, by, claimed_type)


def _path(text: str) -> Path:
    return Path(tuple(text.split("/")))
