"""Forgetting versions, uploads and contents whose time is over, in steps. Knows no rule."""

import sqlite3

from uploads.files import Content

OLD_VERSIONS = "SELECT node, number FROM versions WHERE superseded < ? LIMIT ?"
DROP_VERSION = "DELETE FROM versions WHERE node = ? AND number = ?"
OLD_UPLOADS = "SELECT id FROM uploads WHERE expires <= ? LIMIT ?"
UNNAMED = "SELECT id, digest, size, media_type FROM contents WHERE refs = 0 LIMIT ?"
EMPTY_AND_GONE = (
    "SELECT n.id FROM nodes n WHERE n.gone < ?"
    " AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.node = n.id AND v.content IS NOT NULL)"
    " AND NOT EXISTS (SELECT 1 FROM nodes c WHERE c.parent = n.id AND c.gone IS NULL)"
    " AND NOT EXISTS (SELECT 1 FROM nodes c WHERE c.parent = n.id AND c.gone IS NOT NULL)"
    " LIMIT ?"
)


class Garbage:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def versions(self, before: float, limit: int) -> int:
        """How many were dropped. What is gone and has no version left goes with its last one."""
        old = self._connection.execute(OLD_VERSIONS, (before, limit)).fetchall()
        self._connection.executemany(DROP_VERSION, old)
        empty = self._connection.execute(EMPTY_AND_GONE, (before, limit)).fetchall()
        self._connection.executemany("DELETE FROM versions WHERE node = ?", empty)
        self._connection.executemany("DELETE FROM nodes WHERE id = ?", empty)
        return len(old)

    def uploads(self, before: float, limit: int) -> int:
        old = self._connection.execute(OLD_UPLOADS, (before, limit)).fetchall()
        self._connection.executemany("DELETE FROM uploads WHERE id = ?", old)
        return len(old)

    def contents(self, limit: int) -> list[Content]:
        unnamed = self._connection.execute(UNNAMED, (limit,)).fetchall()
        self._connection.executemany(
            "DELETE FROM contents WHERE id = ?", [(row[0],) for row in unnamed]
        )
        return [Content(*row[1:]) for row in unnamed]
