"""What a change writes to the tree and its history, statement by statement. Knows no rule."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from storage.sqlite.belongings import Properties
from storage.sqlite.keys import Rekeying
from storage.sqlite.migrations import ROOT
from storage.sqlite.nodes import Node, Nodes
from uploads.files import Kind, Stamp
from uploads.names import Path

RECORD = (
    "INSERT INTO changes (kind, node, path, from_path, at, by, is_folder, made)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
NEW_NODE = (
    "INSERT INTO nodes (parent, name, key, folded, is_folder, number, modified, content)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
SET_NODE = (
    "UPDATE nodes SET parent = ?, name = ?, key = ?, folded = ?, number = ?, modified = ?,"
    " content = ?, gone = NULL WHERE id = ?"
)
MOVE_NODE = (
    "UPDATE nodes SET parent = ?, name = ?, key = ?, folded = ?, number = ?, modified = ?"
    " WHERE id = ?"
)
TOUCH = "UPDATE nodes SET number = ?, modified = ? WHERE id = ?"
NEW_VERSION = "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)"
SUPERSEDE = "UPDATE versions SET superseded = ? WHERE node = ? AND number = ?"
MOVE_VERSION = (
    "INSERT INTO versions"
    " SELECT node, ?, 'moved', content, ?, ?, modified, claimed_type, payer, NULL"
    " FROM versions WHERE node = ? AND number = ?"
)
HAND_ON = "UPDATE versions SET superseded = ?, payer = NULL WHERE node = ? AND number = ?"
# CROSS JOIN is SQLite's way to say which table is the outer one: what was found so far.
SUPERSEDE_BELOW = """
    WITH RECURSIVE below (id, number, is_folder) AS (
        SELECT id, number, is_folder FROM nodes WHERE id = ?
        UNION ALL SELECT n.id, n.number, n.is_folder
        FROM below b CROSS JOIN nodes n ON n.parent = b.id AND n.gone IS NULL)
    UPDATE versions SET superseded = ? FROM below b
    WHERE b.is_folder = 0 AND versions.node = b.id AND versions.number = b.number"""
DELETIONS_BELOW = """
    WITH RECURSIVE below (id, is_folder) AS (
        SELECT id, is_folder FROM nodes WHERE id = ?
        UNION ALL SELECT n.id, n.is_folder
        FROM below b CROSS JOIN nodes n ON n.parent = b.id AND n.gone IS NULL)
    INSERT INTO versions SELECT id, ?, 'deleted', NULL, ?, ?, ?, NULL, NULL, NULL
    FROM below WHERE is_folder = 0"""
GONE_BELOW = """
    WITH RECURSIVE below (id) AS (
        SELECT ?
        UNION ALL SELECT n.id
        FROM below b CROSS JOIN nodes n ON n.parent = b.id AND n.gone IS NULL)
    UPDATE nodes SET gone = ?, number = ?, content = NULL WHERE id IN (SELECT id FROM below)"""
REFOLD_BELOW = """
    WITH RECURSIVE below (id) AS (
        SELECT ?
        UNION ALL SELECT n.id
        FROM below b CROSS JOIN nodes n ON n.parent = b.id AND n.gone IS NULL
        UNION ALL SELECT n.id
        FROM below b CROSS JOIN nodes n ON n.parent = b.id AND n.gone IS NOT NULL)
    UPDATE nodes SET folded = ? || substr(folded, ?) WHERE id IN (SELECT id FROM below)"""
# Stands in a change until the node that it is about has been made.
NOT_MADE = 0


class About(NamedTuple):
    """What a change is about: its node, and how many of the names down to it are there already."""

    node: int
    is_folder: bool
    depth: int


class Changes:
    def __init__(
        self, connection: sqlite3.Connection, nodes: Nodes, properties: Properties
    ) -> None:
        self._connection = connection
        self._properties = properties
        self._nodes = nodes
        self._rekeying = Rekeying(connection, nodes)

    def record(
        self, kind: Kind, about: "About", path: Path, stamp: Stamp, source: Path | None = None
    ) -> int:
        """One more change; its number."""
        from_path = None if source is None else "/".join(source.parts)
        values = (kind.value, about.node, "/".join(path.parts), from_path, stamp.at, stamp.by)
        made = None if about.depth >= len(path.parts) - 1 else about.depth + 1
        found = self._connection.execute(RECORD, (*values, int(about.is_folder), made))
        return int(found.lastrowid or 0)

    def about(self, number: int, node: int) -> None:
        self._connection.execute("UPDATE changes SET node = ? WHERE number = ?", (node, number))

    def touch(self, folders: Iterable[int], number: int, at: float) -> None:
        """A change is one of all folders above it: clients follow these numbers to find it."""
        self._connection.executemany(TOUCH, [(number, at, id_) for id_ in folders])

    def folders(self, path: Path, number: int, at: float) -> list[int]:
        """The folders from the root down to this one; those that are missing are made."""
        return self.folders_along(self._nodes.trail(path), path, number, at)

    def folders_along(self, trail: Sequence[Node], path: Path, number: int, at: float) -> list[int]:
        """The same, of a trail that goes this way, and may go on."""
        there = trail[: len(path.parts)]
        for node, sent in zip(there, path.parts, strict=False):
            if node.name != sent or not node.is_folder:
                raise ValueError(f"{node.name!r} is in the way of {path}")
        ids = [ROOT, *(node.id for node in there)]
        for depth in range(len(ids), len(path.parts) + 1):
            here = Path(path.parts[:depth])
            key = self._nodes.keys(here)[-1]
            gone = next((node for node in self._nodes.gone(ids[-1], key) if node.is_folder), None)
            self._forget_properties(gone)
            ids.append(self._set_node(gone, ids[-1], here, number, at, None))
        return ids

    def put(
        self, path: Path, node: Node | None, parent: int, number: int, content: int, stamp: Stamp
    ) -> int:
        """The node of a file's new version: its own, one that was deleted here, or a new one."""
        if node is None:
            key = self._nodes.keys(path)[-1]
            node = next(
                (gone for gone in self._nodes.gone(parent, key) if not gone.is_folder), None
            )
            self._forget_properties(node)
        if node is not None:
            self._connection.execute(SUPERSEDE, (stamp.at, node.id, node.number))
        return self._set_node(node, parent, path, number, modified(stamp), content)

    def add_version(self, node: int, number: int, kind: Kind, content: int, stamp: Stamp) -> None:
        values = (
            node,
            number,
            kind.value,
            content,
            stamp.at,
            stamp.by,
            modified(stamp),
            stamp.claimed_type,
            stamp.by,
        )
        self._connection.execute(NEW_VERSION, values)

    def remove(self, node: int, number: int, stamp: Stamp) -> None:
        """A node and all below it."""
        self._connection.execute(SUPERSEDE_BELOW, (node, stamp.at))
        self._connection.execute(DELETIONS_BELOW, (node, number, stamp.at, stamp.by, stamp.at))
        self._connection.execute(GONE_BELOW, (node, stamp.at, number))

    def move(self, node: Node, target: Path, parent: int, number: int, stamp: Stamp) -> None:
        was = self._nodes.path(node)
        key, modified = self._nodes.keys(target)[-1], node.modified
        if node.is_folder:
            modified = stamp.at
            self._connection.execute(REFOLD_BELOW, (node.id, target.folded, len(was.folded) + 1))
        else:
            moved = (number, stamp.at, stamp.by, node.id, node.number)
            self._connection.execute(MOVE_VERSION, moved)
            self._connection.execute(HAND_ON, (stamp.at, node.id, node.number))
        place = (parent, target.name, key, target.folded)
        self._connection.execute(MOVE_NODE, (*place, number, modified, node.id))
        if node.is_folder:
            self._rekeying.below(node, was, target)

    def deleted_folder(self, path: Path, number: int) -> Node | None:
        """The folder that this deletion took away from this name; it may be there again."""
        sql = "SELECT node FROM changes WHERE number = ? AND kind = 'deleted'"
        row = self._connection.execute(sql, (number,)).fetchone()
        place = self._nodes.place(path)
        if row is None or place is None:
            return None
        live = self._nodes.child(*place)
        standing = [live] if live else self._nodes.gone(*place)
        return next((node for node in standing if node.is_folder and node.id == row[0]), None)

    def revive(self, node: Node, parent: int, path: Path, number: int, stamp: Stamp) -> None:
        self._set_node(node, parent, path, number, stamp.at, None)

    def _forget_properties(self, node: Node | None) -> None:
        """Of what was deleted here, and is not brought back: something new takes its place."""
        if node is not None:
            self._properties.forget(node.id)

    def _set_node(
        self,
        node: Node | None,
        parent: int,
        path: Path,
        number: int,
        modified: float,
        content: int | None,
    ) -> int:
        key = self._nodes.keys(path)[-1]
        if node is None:
            values = (
                parent,
                path.name,
                key,
                path.folded,
                int(content is None),
                number,
                modified,
                content,
            )
            return int(self._connection.execute(NEW_NODE, values).lastrowid or 0)
        self._connection.execute(
            SET_NODE, (parent, path.name, key, path.folded, number, modified, content, node.id)
        )
        return node.id


def modified(stamp: Stamp) -> float:
    return stamp.at if stamp.modified is None else stamp.modified
