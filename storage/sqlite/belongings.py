"""What belongs to places and files beside contents: locks and properties. Knows no rule."""

import json
import sqlite3
from collections.abc import Collection

from storage.sqlite.nodes import Keys
from uploads.files import Property
from uploads.locks import Lock
from uploads.names import Path

COLUMNS = "token, path, principal, exclusive, deep, owner, expires"
# Of all of them the first: one step down an index.
ANY_LOCK = "SELECT 1 FROM locks WHERE place >= '' LIMIT 1"
LOCKS_AT = f"SELECT {COLUMNS} FROM locks WHERE place = ? ORDER BY token"  # noqa: S608 - our words
LOCKS_AT_ALL = (
    f"SELECT {COLUMNS} FROM locks WHERE place IN (SELECT value FROM json_each(?))"  # noqa: S608 - our words
    " ORDER BY place, token"
)
LOCKS_WITHIN = f"SELECT {COLUMNS} FROM locks WHERE place >= ? AND place < ? ORDER BY place, token"  # noqa: S608 - our words
ALL_LOCKS_BUT = f"SELECT {COLUMNS} FROM locks WHERE place > ? ORDER BY place, token"  # noqa: S608 - our words
LOCK = "INSERT OR REPLACE INTO locks VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
UNLOCK = "DELETE FROM locks WHERE token = ?"
UNLOCK_AT = "DELETE FROM locks WHERE place = ?"
UNLOCK_WITHIN = "DELETE FROM locks WHERE place >= ? AND place < ?"
LOCKS_OF = "SELECT count(*) FROM locks WHERE principal = ?"
OLD_LOCKS = "SELECT token FROM locks WHERE expires <= ? LIMIT ?"
ANY_PROPERTY = "SELECT 1 FROM properties WHERE node >= 0 LIMIT 1"
PROPERTIES = "SELECT namespace, name, xml FROM properties WHERE node = ? ORDER BY namespace, name"
SET_PROPERTY = "INSERT OR REPLACE INTO properties VALUES (?, ?, ?, ?)"
DROP_PROPERTY = "DELETE FROM properties WHERE node = ? AND namespace = ? AND name = ?"
FORGET_PROPERTIES = "DELETE FROM properties WHERE node = ?"
COPY_PROPERTIES = (
    "INSERT INTO properties SELECT ?, namespace, name, xml FROM properties WHERE node = ?"
)


class Locks:
    """By place: the keys of a path, so that a lock is met however its name is spelled."""

    def __init__(self, connection: sqlite3.Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def any(self) -> bool:
        """As a rule there are none, and then no place needs to be looked at."""
        return self._connection.execute(ANY_LOCK).fetchone() is not None

    def over(self, path: Path) -> list[Lock]:
        if not self.any():
            return []
        keys = self._keys(path)
        places = ["/".join(keys[:length]) for length in range(len(keys) + 1)]
        return [
            _lock(row) for place in places for row in self._connection.execute(LOCKS_AT, (place,))
        ]

    def below(self, path: Path) -> list[Lock]:
        if not path.parts:
            return [_lock(row) for row in self._connection.execute(ALL_LOCKS_BUT, ("",))]
        return [_lock(row) for row in self._connection.execute(LOCKS_WITHIN, self._within(path))]

    def at(self, paths: Collection[Path]) -> list[Lock]:
        if not self.any():
            return []
        places = json.dumps([self._place(path) for path in paths])
        return [_lock(row) for row in self._connection.execute(LOCKS_AT_ALL, (places,))]

    def of(self, principal: str) -> int:
        return int(self._connection.execute(LOCKS_OF, (principal,)).fetchone()[0])

    def add(self, lock: Lock) -> None:
        values = (lock.exclusive, lock.deep, lock.owner, lock.expires)
        self._connection.execute(
            LOCK, (lock.token, self._place(lock.path), str(lock.path), lock.principal, *values)
        )

    def drop(self, token: str) -> None:
        self._connection.execute(UNLOCK, (token,))

    def drop_all(self, path: Path) -> None:
        """Those at a place and below it, which is no longer there."""
        self._connection.execute(UNLOCK_AT, (self._place(path),))
        self._connection.execute(UNLOCK_WITHIN, self._within(path))

    def forget(self, before: float, limit: int) -> int:
        old = self._connection.execute(OLD_LOCKS, (before, limit)).fetchall()
        self._connection.executemany(UNLOCK, old)
        return len(old)

    def _place(self, path: Path) -> str:
        return "/".join(self._keys(path))

    def _within(self, path: Path) -> tuple[str, str]:
        place = self._place(path)
        # What follows the slash comes before what follows the next character.
        return place + "/", place + "0"


class LocksOfTheWriter(Locks):
    """Nobody else adds one: where it has found none, there is none until it does. What a turn has
    dropped may come back with the end of that turn.
    """

    def __init__(self, connection: sqlite3.Connection, keys: Keys) -> None:
        super().__init__(connection, keys)
        self._none = self._has_dropped = False

    def begin(self) -> None:
        """Another turn: what the last one dropped is gone, or back."""
        self._has_dropped = False

    def any(self) -> bool:
        if self._none:
            return False
        there = super().any()
        self._none = not (there or self._has_dropped)
        return there

    def add(self, lock: Lock) -> None:
        self._none = False
        super().add(lock)

    def drop(self, token: str) -> None:
        self._has_dropped = True
        super().drop(token)

    def drop_all(self, path: Path) -> None:
        self._has_dropped = True
        super().drop_all(path)

    def forget(self, before: float, limit: int) -> int:
        self._has_dropped = True
        return super().forget(before, limit)


class Properties:
    """By node, so that they go where the file goes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def any(self) -> bool:
        """Most have none, and then no file needs to be looked up for them."""
        return self._connection.execute(ANY_PROPERTY).fetchone() is not None

    def of(self, node: int) -> list[Property]:
        return [Property(*row) for row in self._connection.execute(PROPERTIES, (node,))]

    def set(self, node: int, kept: Property) -> None:
        values = (node, kept.namespace, kept.name, kept.xml)
        self._connection.execute(SET_PROPERTY, values)

    def drop(self, node: int, namespace: str, name: str) -> None:
        self._connection.execute(DROP_PROPERTY, (node, namespace, name))

    def copy(self, source: int, target: int) -> None:
        self.forget(target)
        self._connection.execute(COPY_PROPERTIES, (target, source))

    def forget(self, node: int) -> None:
        self._connection.execute(FORGET_PROPERTIES, (node,))


def _lock(row: tuple[str, str, str, int, int, str, float]) -> Lock:
    token, path, principal, exclusive, deep, owner, expires = row
    place = Path(tuple(path.split("/"))) if path else Path(())
    return Lock(token, place, principal, bool(exclusive), bool(deep), owner, expires)
