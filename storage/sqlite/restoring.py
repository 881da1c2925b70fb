"""What a deleted folder held is brought back: chosen node by node, written by few statements.

Within a savepoint each statement that fires triggers walks through all that the turn has written so
far, so that a statement for each file would take as long as the square of their number.
"""

import json
import sqlite3
from collections.abc import Iterable

from storage.sqlite.migrations import ROOT
from storage.sqlite.nodes import Node
from uploads.files import Stamp

# What a deletion took away and is still gone, and whether it can come back: a file needs a content.
LOST = """
    SELECT n.id, n.parent, n.key, n.is_folder, n.is_folder OR EXISTS (
        SELECT 1 FROM versions v WHERE v.node = n.id AND v.number < ?1 AND v.content IS NOT NULL)
    FROM nodes n WHERE n.number = ?1 AND n.gone IS NOT NULL ORDER BY n.folded, n.id"""
PLACE = "SELECT parent, gone IS NULL FROM nodes WHERE id = ?"
TAKEN = "SELECT 1 FROM nodes WHERE parent = ? AND key = ? AND gone IS NULL"
STAND = (
    "UPDATE nodes SET gone = NULL, number = ?2, modified = ?3"
    " WHERE id IN (SELECT value FROM json_each(?1))"
)
SUPERSEDE = (
    "UPDATE versions SET superseded = ?3"
    " WHERE node IN (SELECT value FROM json_each(?1)) AND number = ?2"
)
RESTORE = """
    INSERT INTO versions
    SELECT v.node, ?3, 'restored', v.content, ?4, ?5, v.modified, v.claimed_type, ?5, NULL
    FROM json_each(?1) j CROSS JOIN versions v ON v.node = j.value AND v.number = (
        SELECT max(w.number) FROM versions w
        WHERE w.node = j.value AND w.number < ?2 AND w.content IS NOT NULL)"""
SHOW = """
    UPDATE nodes SET gone = NULL, number = ?2, modified = v.modified, content = v.content
    FROM json_each(?1) j CROSS JOIN versions v ON v.node = j.value AND v.number = ?2
    WHERE nodes.id = j.value"""


class Restoring:
    """What one deletion took away and is still gone."""

    def __init__(self, connection: sqlite3.Connection, deletion: int) -> None:
        self._connection = connection
        self._deletion = deletion
        self._lost: list[tuple[int, int, str, int, int]] = connection.execute(
            LOST, (deletion,)
        ).fetchall()
        self._parents: dict[int, int] = {}
        self._standing: dict[int, bool] = {ROOT: False}
        self._empty: set[int] = set()

    @property
    def is_empty(self) -> bool:
        return not self._lost

    def into(self, top: Node, number: int, stamp: Stamp) -> None:
        """Back into `top`, which is live: all but what has its folder or name not to be had, or its
        folder in another place now. The folders between have this change, too.
        """
        self._standing[top.id] = True
        if top.gone is not None:
            self._empty.add(top.id)
        folders, files = map(_listed, self._chosen(top.id))
        self._connection.execute(STAND, (folders, number, stamp.at))
        self._connection.execute(SUPERSEDE, (files, self._deletion, stamp.at))
        self._connection.execute(RESTORE, (files, self._deletion, number, stamp.at, stamp.by))
        self._connection.execute(SHOW, (files, number))

    def _chosen(self, top: int) -> tuple[set[int], set[int]]:
        """The folders that come back or hold what does, without `top`; and the files."""
        folders: set[int] = set()
        files: set[int] = set()
        given: set[tuple[int, str]] = set()
        for id_, parent, key, is_folder, comes in self._lost:
            if id_ == top or not comes or not self._stands(parent):
                continue
            if (parent, key) in given or self._is_taken(parent, key):
                continue
            given.add((parent, key))
            folders.update(self._between(top, parent, folders))
            if is_folder:
                folders.add(id_)
                self._parents[id_] = parent
                self._standing[id_] = True
                self._empty.add(id_)
            else:
                files.add(id_)
        return folders, files

    def _between(self, top: int, folder: int, known: set[int]) -> list[int]:
        found: list[int] = []
        while folder != top and folder not in known:
            found.append(folder)
            folder = self._parents[folder]
        return found

    def _stands(self, folder: int) -> bool:
        """Is it live, or to be, and in `top`?"""
        known = self._standing.get(folder)
        if known is None:
            parent, is_live = self._connection.execute(PLACE, (folder,)).fetchone()
            self._parents[folder] = parent
            known = self._standing[folder] = bool(is_live) and self._stands(parent)
        return known

    def _is_taken(self, folder: int, key: str) -> bool:
        """What comes back itself holds nothing yet."""
        if folder in self._empty:
            return False
        return self._connection.execute(TAKEN, (folder, key)).fetchone() is not None


def _listed(ids: Iterable[int]) -> str:
    return json.dumps(sorted(ids))
