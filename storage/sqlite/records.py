"""The first answers to requests that may be repeated: kept, found, forgotten. Knows no rule."""

import sqlite3
from typing import Final

from uploads.attempts import Bounds, Record

FIND: Final = "SELECT name, principal, text, expires FROM records WHERE name = ?"
DROP: Final = "DELETE FROM records WHERE name = ?"
ADD: Final = "INSERT INTO records (name, principal, text, expires) VALUES (?, ?, ?, ?)"
COUNT: Final = "SELECT count FROM record_counts WHERE principal = ?"
# Who is called by no name stands for all.
ALL: Final = ""
OLDEST_OF: Final = "SELECT id FROM records WHERE principal = ? ORDER BY id LIMIT ?"
OLDEST: Final = "SELECT id FROM records WHERE id > 0 ORDER BY id LIMIT ?"
EXPIRED: Final = "SELECT id FROM records WHERE expires <= ? LIMIT ?"
FORGET: Final = "DELETE FROM records WHERE id = ?"


class Records:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def find(self, name: str) -> Record | None:
        row = self._connection.execute(FIND, (name,)).fetchone()
        return Record(*row) if row else None

    def add(self, record: Record, bounds: Bounds) -> None:
        self._connection.execute(DROP, (record.name,))
        values = (record.name, record.principal, record.text, record.expires)
        self._connection.execute(ADD, values)
        own = self._count(record.principal) - bounds.of_one
        if own > 0:
            self._forget(OLDEST_OF, record.principal, own)
        all_ = self._count(ALL) - bounds.of_all
        if all_ > 0:
            self._forget(OLDEST, all_)

    def forget(self, before: float, limit: int) -> int:
        return self._forget(EXPIRED, before, limit)

    def _count(self, principal: str) -> int:
        row = self._connection.execute(COUNT, (principal,)).fetchone()
        return int(row[0]) if row else 0

    def _forget(self, which: str, *values: object) -> int:
        found = self._connection.execute(which, values).fetchall()
        self._connection.executemany(FORGET, found)
        return len(found)
