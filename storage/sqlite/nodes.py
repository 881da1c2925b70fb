"""Rows of the index as values, and the seeks that find nodes. Reads only; knows no rule.

Every question here is answered by seeks in an index, however large the tables are.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from storage.sqlite.migrations import ROOT
from uploads.files import Content, Folder, StoredFile, Version
from uploads.names import Path

Keys = Callable[[Path], tuple[str, ...]]

ENTRY = (
    "SELECT n.id, n.parent, n.name, n.key, n.is_folder, n.number, n.modified, n.gone,"
    " c.id, c.digest, c.size, c.media_type, v.at, v.by, v.claimed_type"
    " FROM nodes n"
    " LEFT JOIN versions v ON v.node = n.id AND v.number = n.number AND n.is_folder = 0"
    " LEFT JOIN contents c ON c.id = v.content"
)
KEYS_REMEMBERED = 64
BY_ID = ENTRY + " WHERE n.id = ?"
# The driver describes each column of a statement each time: without those that the question names.
CHILD = ENTRY.replace("n.parent, n.name, n.key,", "n.name,").replace("n.gone, ", "")
LIVE = " WHERE n.parent = ? AND n.key = ? AND n.gone IS NULL"
LIVE_CHILD = CHILD + LIVE
LIVE_CHILD_WITH_BYTES = (
    CHILD.replace(" FROM", ", s.bytes FROM") + " LEFT JOIN small s ON s.content = c.id" + LIVE
)
# As a rule nothing was deleted here.
GONE_HERE = (
    "SELECT n.id FROM nodes n"
    " WHERE n.parent = ? AND n.key = ? AND n.gone IS NOT NULL ORDER BY n.number DESC"
)


class Node(NamedTuple):
    """A file or folder, live or gone, with the current version of a file."""

    id: int
    parent: int
    name: str
    key: str
    is_folder: int
    number: int
    modified: float
    gone: float | None
    content: int | None
    digest: str
    size: int
    media_type: str
    at: float
    by: str
    claimed_type: str | None

    def entry(self, path: Path) -> StoredFile | Folder:
        return self.folder(path) if self.is_folder else self.file(path)

    def folder(self, path: Path) -> Folder:
        return Folder(path, self.number, self.modified, self.id)

    def file(self, path: Path) -> StoredFile:
        content = Content(self.digest, self.size, self.media_type)
        version = Version(self.number, content, self.at, self.modified, self.by, self.claimed_type)
        return StoredFile(path, version, self.id)


class Nodes:
    """The tree, node by node."""

    def __init__(self, connection: sqlite3.Connection, keys: Keys) -> None:
        self._connection = connection
        # Each question asks for those of its path several times.
        self.keys = lru_cache(KEYS_REMEMBERED)(keys)

    def one(self, sql: str, *values: object) -> Node | None:
        row = self._connection.execute(sql, values).fetchone()
        return Node(*row) if row else None

    def all(self, sql: str, *values: object) -> Iterator[Node]:
        return (Node(*row) for row in self._connection.execute(sql, values))

    @property
    def root(self) -> Node:
        return self.by_id(ROOT)

    def by_id(self, id: int) -> Node:
        node = self.one(BY_ID, id)
        if node is None:
            raise LookupError(f"the index has no node {id}")
        return node

    def child(self, parent: int, key: str) -> Node | None:
        row = self._connection.execute(LIVE_CHILD, (parent, key)).fetchone()
        return _live(parent, key, row) if row else None

    def gone(self, parent: int, key: str) -> Iterator[Node]:
        """What was deleted at this name, the latest first."""
        found = self._connection.execute(GONE_HERE, (parent, key))
        return (self.by_id(id_) for (id_,) in found)

    def trail(self, path: Path) -> list[Node]:
        """The live nodes along a path from below the root, whatever their spelling, as far as there
        are any.
        """
        return self._along(self.keys(path))

    def trail_with_bytes(self, path: Path) -> tuple[list[Node], bytes | None]:
        """The same, and the bytes of a small file at its end: asked for one by one, the second
        question would take as long as the first.
        """
        *above, last = self.keys(path)
        trail = self._along(above)
        if len(trail) < len(above) or (trail and not trail[-1].is_folder):
            return trail, None
        parent = trail[-1].id if trail else ROOT
        row = self._connection.execute(LIVE_CHILD_WITH_BYTES, (parent, last)).fetchone()
        if row is None:
            return trail, None
        *child, small = row
        return [*trail, _live(parent, last, child)], small

    def _along(self, keys: Sequence[str]) -> list[Node]:
        trail: list[Node] = []
        parent = ROOT
        for key in keys:
            child = self.child(parent, key)
            if child is None:
                break
            trail.append(child)
            if not child.is_folder:
                break
            parent = child.id
        return trail

    def live(self, path: Path) -> Node | None:
        """What stands at a path, whatever its spelling."""
        return self.end(self.trail(path), path)

    def end(self, trail: Sequence[Node], path: Path) -> Node | None:
        """The last of a trail, if that is as long as its path."""
        if not path.parts:
            return self.root
        return trail[-1] if len(trail) == len(path.parts) else None

    def exactly(self, path: Path) -> Node | None:
        """What stands at a path in this very spelling."""
        trail = self.trail(path)
        spelled = tuple(node.name for node in trail) == path.parts
        return self.end(trail, path) if spelled else None

    def place(self, path: Path) -> tuple[int, str] | None:
        """The parent and key of a name: of folders that are live, else of those deleted last."""
        parent = ROOT
        if not path.parts:
            return None
        *above, key = self.keys(path)
        for folder in above:
            node = self.child(parent, folder)
            if node is None or not node.is_folder:
                node = next((gone for gone in self.gone(parent, folder) if gone.is_folder), None)
            if node is None:
                return None
            parent = node.id
        return parent, key

    def path(self, node: Node) -> Path:
        names: list[str] = []
        while node.id != ROOT:
            names.append(node.name)
            node = self.by_id(node.parent)
        return Path(tuple(reversed(names)))


class NodesOfATurn(Nodes):
    """Within one turn of the writer nobody else changes the tree, and it asks for the same path
    several times: the last trail holds as long as no row has been written since.
    """

    def __init__(self, connection: sqlite3.Connection, keys: Keys) -> None:
        super().__init__(connection, keys)
        self._path: Path | None = None
        self._trail: list[Node] = []
        self._rows = 0

    def begin(self) -> None:
        """Another turn: what was true in the last may have been taken back."""
        self._path = None

    def holds(self) -> bool:
        """Nothing was written since the last trail was looked for."""
        return self._rows == self._connection.total_changes

    def has_not_changed(self) -> None:
        """What was just written is in none of the rows that nodes are made of, and before that the
        last trail held.
        """
        self._rows = self._connection.total_changes

    def trail(self, path: Path) -> list[Node]:
        rows = self._connection.total_changes
        if path != self._path or rows != self._rows:
            self._trail = super().trail(path)
            self._path, self._rows = path, rows
        return self._trail


def _live(parent: int, key: str, row: Sequence[Any]) -> Node:
    """Of a row of `CHILD`."""
    id_, name, is_folder, number, modified, *of_file = row
    return Node(id_, parent, name, key, is_folder, number, modified, None, *of_file)
