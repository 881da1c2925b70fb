"""Forgetting versions, uploads and contents whose time is over, in steps. Knows no rule."""

import sqlite3
from collections.abc import Collection, Iterable
from itertools import takewhile

from storage.sqlite.feed import FORGOTTEN
from uploads.files import Content

OLD_VERSIONS = "SELECT node, number FROM versions WHERE superseded < ? LIMIT ?"
DROP_VERSION = "DELETE FROM versions WHERE node = ? AND number = ?"
OLD_UPLOADS = "SELECT id FROM uploads WHERE expires <= ? LIMIT ?"
OLD_INCOMING = "SELECT id FROM arriving WHERE expires <= ? LIMIT ?"
# Found by an index, and asked once more of the row itself: an index that is damaged may say more.
UNNAMED = (
    "SELECT c.id, c.digest, c.size, c.media_type FROM contents found"
    " CROSS JOIN contents c ON c.id = found.id WHERE found.refs = 0 AND c.refs = 0 LIMIT ?"
)
EMPTY = (
    " AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.node = n.id AND v.content IS NOT NULL)"
    " AND NOT EXISTS (SELECT 1 FROM nodes c WHERE c.parent = n.id AND c.gone IS NULL)"
    " AND NOT EXISTS (SELECT 1 FROM nodes c WHERE c.parent = n.id AND c.gone IS NOT NULL)"
)
EMPTY_AND_GONE = f"SELECT n.id, n.parent FROM nodes n WHERE n.gone < ?{EMPTY} LIMIT ?"  # noqa: S608 - our words
IS_EMPTY_AND_GONE = f"SELECT n.id, n.parent FROM nodes n WHERE n.id = ? AND n.gone < ?{EMPTY}"  # noqa: S608 - our words
# The next node gets the id after the highest. So that no id is given again, the highest of what is
# forgotten stays, without a name and in no folder, until there is a higher one.
DROP_NODE = "DELETE FROM nodes WHERE id = ? AND id < (SELECT max(id) FROM nodes)"
EMPTY_NODE = (
    "UPDATE nodes SET parent = 0, name = '', key = '', folded = '', is_folder = 0, number = 0"
    " WHERE id = ? AND parent <> 0"
)

FORGET_UP_TO = (
    "INSERT INTO meta VALUES ('changes_forgotten', ?)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
OLD_CHANGES = "SELECT number, at FROM changes WHERE number > ? ORDER BY number LIMIT ?"
# Where a version was made, and what a deletion took away, is asked of the change as long as there
# is such a version or deletion; changes of folders are few.
DROP_CHANGE = (
    "DELETE FROM changes WHERE number = ? AND number <= ? AND is_folder = 0"
    " AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.node = changes.node"
    " AND v.number = changes.number)"
)
DELETIONS = "SELECT number FROM versions WHERE node = ?"


class Garbage:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def versions(self, before: float, limit: int) -> int:
        """How many were dropped. What is gone and has no version left goes with its last one."""
        old = self._connection.execute(OLD_VERSIONS, (before, limit)).fetchall()
        self._connection.executemany(DROP_VERSION, old)
        numbers = [number for _, number in old]
        numbers += self._drop_emptied({node for node, _ in old}, before)
        if len(old) < limit:
            # What had none to lose. To look at all that is gone each time would take the longer the
            # more is still to be dropped.
            empty = self._connection.execute(EMPTY_AND_GONE, (before, limit)).fetchall()
            numbers += self._drop(empty)
        self._drop_changes(numbers, self._forgotten())
        return len(old)

    def _drop_emptied(self, nodes: Collection[int], before: float) -> list[int]:
        """Those of them that are empty, and the folders that are so without them. The numbers of
        their deletions.
        """
        numbers: list[int] = []
        while nodes:
            found = [
                self._connection.execute(IS_EMPTY_AND_GONE, (node, before)).fetchone()
                for node in nodes
            ]
            empty = [row for row in found if row is not None]
            numbers += self._drop(empty)
            nodes = {parent for _, parent in empty}
        return numbers

    def _drop(self, empty: Iterable[tuple[int, int]]) -> list[int]:
        ids = [(id_,) for id_, _ in empty]
        numbers = [number for id_ in ids for (number,) in self._connection.execute(DELETIONS, id_)]
        self._connection.executemany("DELETE FROM versions WHERE node = ?", ids)
        self._connection.executemany(DROP_NODE, ids)
        self._connection.executemany(EMPTY_NODE, ids)
        return numbers

    def changes(self, before: float, limit: int) -> int:
        forgotten = self._forgotten()
        found = self._connection.execute(OLD_CHANGES, (forgotten, limit)).fetchall()
        old = [number for number, _ in takewhile(lambda row: row[1] < before, found)]
        if old:
            self._connection.execute(FORGET_UP_TO, (str(old[-1]),))
            self._drop_changes(old, old[-1])
        return len(old)

    def _forgotten(self) -> int:
        row = self._connection.execute(FORGOTTEN).fetchone()
        return int(row[0]) if row else 0

    def _drop_changes(self, numbers: Iterable[int], forgotten: int) -> None:
        rows = [(number, forgotten) for number in numbers]
        self._connection.executemany(DROP_CHANGE, rows)

    def uploads(self, before: float, limit: int) -> int:
        old = self._connection.execute(OLD_UPLOADS, (before, limit)).fetchall()
        self._connection.executemany("DELETE FROM uploads WHERE id = ?", old)
        return len(old)

    def incoming(self, before: float, limit: int) -> int:
        old = self._connection.execute(OLD_INCOMING, (before, limit)).fetchall()
        self._connection.executemany("DELETE FROM arriving WHERE id = ?", old)
        return len(old)

    def contents(self, limit: int) -> list[Content]:
        unnamed = self._connection.execute(UNNAMED, (limit,)).fetchall()
        self._connection.executemany(
            "DELETE FROM contents WHERE id = ?", [(row[0],) for row in unnamed]
        )
        return [Content(*row[1:]) for row in unnamed]
