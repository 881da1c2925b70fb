"""New keys for all that is stored, where the rules for names are no longer those of its time.

Works on an index that nobody else has open. Knows no rule itself, only that there are some.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path as DiskPath

from storage.sqlite import connecting
from storage.sqlite.keys import PROBE
from storage.sqlite.migrations import ROOT
from storage.sqlite.nodes import Keys
from uploads import names
from uploads.names import Path

IN_A_TURN = 1000
KNOWN = "SELECT value FROM meta WHERE name = 'names'"
# They are known by keys, too, and last for minutes only.
FORGET_LOCKS = "DELETE FROM locks"
REMEMBER = "INSERT OR REPLACE INTO meta VALUES ('names', ?)"
FORGET = "DELETE FROM meta WHERE name = 'names'"
CHILDREN = "SELECT id, name, key FROM nodes WHERE parent = ?1 AND gone IS NULL"
GONE = "SELECT id, name, key FROM nodes WHERE parent = ?1 AND gone IS NOT NULL"
FOLDERS = "SELECT id, name FROM nodes WHERE parent = ?1 AND is_folder AND gone IS NULL"
GONE_FOLDERS = "SELECT id, name FROM nodes WHERE parent = ?1 AND is_folder AND gone IS NOT NULL"
OTHERS = "SELECT name FROM nodes WHERE parent = ?1 AND key = ?2 AND gone IS NULL"
# No name holds a line feed, so this is the key of none.
SET_ASIDE = "UPDATE nodes SET key = char(10) || id WHERE id = ?2"
SET_KEY = "UPDATE nodes SET key = ?1 WHERE id = ?2"

# A key, and the node that it is for.
Change = tuple[str, int]


class NamesClash(Exception):
    """By the new rules two names would be one. The text is for the operator."""


def follow(folder: DiskPath, keys: Keys, rules: str) -> Iterator[tuple[int, int]]:
    """Brings the keys up to date in steps, and yields how many are done of how many.

    `rules` is any text that differs when the keys may. Which ones the keys follow is forgotten
    before the first of them changes, and remembered at the end; each step can be done again. So
    whoever is interrupted follows at the next start, be it these rules, those of before or others.

    :raises NamesClash: nothing was changed.
    """
    with closing(connecting.writer(folder)) as database:
        rekeying = _Rekeying(database.conn, keys)
        if rekeying.known() == rules:
            return
        nodes = rekeying.count()
        done = 0
        for looked_at in rekeying.check():
            done += looked_at
            yield done, 2 * nodes
        database.execute(FORGET)
        for looked_at in rekeying.change():
            done += looked_at
            yield done, 2 * nodes
        database.execute(FORGET_LOCKS)
        database.execute(REMEMBER, [rules])


class _Rekeying:
    def __init__(self, connection: sqlite3.Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def known(self) -> str | None:
        row = self._connection.execute(KNOWN).fetchone()
        return None if row is None else str(row[0])

    def count(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM nodes").fetchone()[0])

    def check(self) -> Iterator[int]:
        for id_, path in self._folders():
            new: dict[str, str] = {}
            for number, (_, name, was, key) in enumerate(self._keyed(CHILDREN, id_, path), 1):
                if key != was:
                    other = new.get(key) or self._staying(id_, path, key)
                    if other is not None:
                        raise _clash(path, other, name)
                    new[key] = name
                if number % IN_A_TURN == 0:
                    yield IN_A_TURN
            yield 1

    def change(self) -> Iterator[int]:
        """A key may be another's until that one has its new one, so all are set aside first."""
        for id_, path in self._folders():
            changes = [
                (key, node)
                for sql in (CHILDREN, GONE)
                for node, _, was, key in self._keyed(sql, id_, path)
                if key != was
            ]
            for sql in (SET_ASIDE, SET_KEY):
                waiting = iter(changes)
                while turn := list(islice(waiting, IN_A_TURN)):
                    self._write(sql, turn)
                    yield len(turn) // 2
            yield 1

    def _write(self, sql: str, turn: list[Change]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(sql, turn)
        self._connection.execute("COMMIT")

    def _folders(self) -> Iterator[tuple[int, Path]]:
        waiting = [(ROOT, Path(()))]
        while waiting:
            id_, path = waiting.pop()
            yield id_, path
            for sql in (FOLDERS, GONE_FOLDERS):
                found = self._connection.execute(sql, (id_,))
                waiting += [(child, path.child(name)) for child, name in found]

    def _keyed(self, sql: str, folder: int, path: Path) -> Iterator[tuple[int, str, str, str]]:
        """Node, name, key until now, key from now on."""
        exact = self._is_exact(path)
        for id_, name, key in self._connection.execute(sql, (folder,)):
            yield id_, name, key, names.key(name, exact=exact)

    def _staying(self, folder: int, path: Path, key: str) -> str | None:
        """Who has this key, and keeps it."""
        exact = self._is_exact(path)
        row = self._connection.execute(OTHERS, (folder, key)).fetchone()
        return row[0] if row and names.key(row[0], exact=exact) == key else None

    def _is_exact(self, folder: Path) -> bool:
        return self._keys(folder.child(PROBE))[-1] == PROBE


def _clash(folder: Path, one: str, other: str) -> NamesClash:
    place = f"/{folder}/" if folder.parts else "/"
    return NamesClash(
        f'"{folder.child(one)}" and "{folder.child(other)}" would be one name by the rules of this'
        " configuration. Nothing was changed. Go back to the configuration of before and rename"
        f' one of them, or keep names = "exact" for the folder "{place}".'
    )
