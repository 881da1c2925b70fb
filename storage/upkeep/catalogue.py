"""The index as those read it who check or copy a store: without a lock, beside a running server.

Asks, and in `mend` sets counts right; knows neither the files of blobs nor rules.
"""

import json
import os
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from storage.disk.hashing import Hasher
from storage.sqlite import founding
from storage.sqlite.migrations import ARRIVING, PARKED, ROOT, check_known
from storage.sqlite.view import LAST_CONTENT, OVERLOOKED

NAME = "index.sqlite"
_PAGE = 1000
_ROWS = 100_000
_BUSY_MS = 5_000

_CONTENTS = (
    "SELECT c.id, c.digest, c.size, s.content IS NOT NULL FROM contents c"
    " LEFT JOIN small s ON s.content = c.id WHERE c.id > ? ORDER BY c.id LIMIT ?"
)
_STILL = "SELECT digest FROM contents WHERE id = ?"
_SMALL = "SELECT s.bytes FROM small s JOIN contents c ON c.id = s.content WHERE c.digest = ?"
_PUT_BACK = "UPDATE small SET bytes = ? WHERE content = (SELECT id FROM contents WHERE digest = ?)"
_HOLDERS = "SELECT id FROM nodes WHERE content = ? AND gone IS NULL LIMIT ?"
# No path is as long, and an index that is damaged may lead in a circle.
_PATH = (
    "WITH RECURSIVE up(id, parent, name, depth) AS ("
    " SELECT id, parent, name, 0 FROM nodes WHERE id = ? UNION ALL"
    " SELECT n.id, n.parent, n.name, up.depth + 1 FROM up JOIN nodes n ON n.id = up.parent"
    " WHERE up.depth < 5000)"
    " SELECT name FROM up WHERE id != ? ORDER BY depth DESC"
)
_WRONG_COUNTS = (
    "SELECT c.id, c.digest, coalesce(t.refs, 0) FROM contents c LEFT JOIN ("
    " SELECT content, count(*) AS refs FROM (SELECT content FROM versions"
    " WHERE content IS NOT NULL UNION ALL SELECT content FROM uploads) GROUP BY content) t"
    " ON t.content = c.id WHERE c.refs != coalesce(t.refs, 0)"
)
_TRUE_USAGE = (
    "SELECT payer, sum(size) AS bytes, count(*) AS files FROM ("
    " SELECT v.payer AS payer, c.size AS size FROM versions v JOIN contents c ON c.id = v.content"
    " WHERE v.payer IS NOT NULL UNION ALL"
    " SELECT u.principal, c.size FROM uploads u JOIN contents c ON c.id = u.content UNION ALL"
    " SELECT ?1 || u.principal, c.size FROM uploads u"
    " JOIN contents c ON c.id = u.content{}) GROUP BY payer"
)
_ARRIVING = (
    " UNION ALL SELECT principal, coalesce(size, offset) FROM arriving WHERE number IS NULL"
    " UNION ALL SELECT ?2 || principal, coalesce(size, offset) FROM arriving WHERE number IS NULL"
)
_HAS_ARRIVING = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'arriving'"
_USAGE = "SELECT principal, bytes, files FROM usage WHERE bytes != 0 OR files != 0"


@dataclass(frozen=True, slots=True)
class Entry:
    """A content as the index has it. `is_small`: its bytes are in the index itself."""

    id: int
    digest: str
    size: int
    is_small: bool

    @property
    def hex(self) -> str:
        return self.digest.partition(":")[2]


class Catalogue:
    """Opens an index for reading only; what it reads may change between two questions."""

    def __init__(self, data: Path, name: str = NAME) -> None:
        self._data = data
        place = quote(os.fsencode((data / name).absolute()))
        # On a read-only disk SQLite cannot make what it shares with a writer, and there is none.
        frozen = not os.access(data, os.W_OK) and not (data / f"{name}-wal").exists()
        self.connection = sqlite3.connect(
            f"file:{place}?mode=ro{'&immutable=1' if frozen else ''}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        for pragma in (f"busy_timeout = {_BUSY_MS}", "query_only = on", "mmap_size = 0"):
            self.connection.execute(f"PRAGMA {pragma}")
        try:
            check_known(self.connection)
        except BaseException:
            self.connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.connection.close()

    def faults(self, *, thorough: bool) -> list[str]:
        """What SQLite itself finds wrong with its file, or else we with the names of contents."""
        check = "integrity_check" if thorough else "quick_check"
        found = [str(row[0]) for row in self.connection.execute(f"PRAGMA {check}(20)")]
        if found != ["ok"]:
            return found
        wrong = founding.fault(self.connection)
        return [] if wrong is None else [wrong]

    def contents(self) -> Iterator[Entry]:
        """All of them, page by page, so that no long reading keeps the log from shrinking."""
        last = 0
        while rows := self.connection.execute(_CONTENTS, (last, _PAGE)).fetchall():
            for id_, digest, size, is_small in rows:
                yield Entry(id_, digest, size, bool(is_small))
                last = id_

    def totals(self) -> tuple[int, int]:
        """How many contents there are, and how many bytes they have."""
        row = self.connection.execute("SELECT count(*), total(size) FROM contents").fetchone()
        return int(row[0]), int(row[1])

    def algorithm(self) -> str:
        return founding.algorithm(self.connection, self._data)

    def knows(self, digest: str) -> bool:
        known = self.connection.execute("SELECT 1 FROM contents WHERE digest = ?", (digest,))
        return known.fetchone() is not None

    def overlooked(self, digests: Collection[str]) -> set[str]:
        """Those that a row has, and that `knows` does not find: the index is damaged."""
        (last,) = self.connection.execute(LAST_CONTENT).fetchone()
        found: set[str] = set()
        for first in range(1, (last or 0) + 1, _ROWS):
            among = (first, first + _ROWS, json.dumps(list(digests)))
            found |= {digest for (digest,) in self.connection.execute(OVERLOOKED, among)}
        return found

    def still_has(self, entry: Entry) -> bool:
        return self.connection.execute(_STILL, (entry.id,)).fetchall() == [(entry.digest,)]

    def small(self, digest: str) -> bytes | None:
        row = self.connection.execute(_SMALL, (digest,)).fetchone()
        return None if row is None else bytes(row[0])

    def small_fault(self, entry: Entry) -> str | None:
        """How the bytes of a small content differ from what was stored."""
        hasher = Hasher(entry.digest.partition(":")[0])
        hasher.update(self.small(entry.digest) or b"")
        return None if hasher.digest() == entry.digest else "they have another digest"

    def names_of(self, entry: Entry, limit: int) -> list[str]:
        """Files that have this content now."""
        holders = self.connection.execute(_HOLDERS, (entry.id, limit)).fetchall()
        return [self.path(node) for (node,) in holders]

    def path(self, node: int) -> str:
        parts = self.connection.execute(_PATH, (node, ROOT))
        return "/".join(name for (name,) in parts)

    def wrong_counts(self) -> list[tuple[int, str, int]]:
        """Contents whose count of names is not right: id, digest, the right count."""
        return self.connection.execute(_WRONG_COUNTS).fetchall()

    def wrong_usage(self) -> dict[str, tuple[int, int]]:
        """Principals whose use of their share is not right, with the right bytes and files."""
        self.connection.execute("BEGIN")
        try:
            true = {row[0]: (row[1], row[2]) for row in self._true_usage()}
            kept = {row[0]: (row[1], row[2]) for row in self.connection.execute(_USAGE)}
        finally:
            self.connection.execute("ROLLBACK")
        nothing = (0, 0)
        return {
            principal: true.get(principal, nothing)
            for principal in sorted(true.keys() | kept.keys())
            if true.get(principal, nothing) != kept.get(principal, nothing)
        }

    def _true_usage(self) -> sqlite3.Cursor:
        """A store that was last run before there were uploads in pieces has no table of them."""
        if self.connection.execute(_HAS_ARRIVING).fetchone() is None:
            return self.connection.execute(_TRUE_USAGE.format(""), (PARKED,))
        return self.connection.execute(_TRUE_USAGE.format(_ARRIVING), (PARKED, ARRIVING))


def put_back(index: Path, digest: str, data: bytes) -> None:
    """The bytes of a small content, into an index that nobody else has yet."""
    connection = sqlite3.connect(index, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = full")
        connection.execute(_PUT_BACK, (data, digest))
    finally:
        connection.close()


def forget_name_rules(data: Path) -> None:
    """So that the next start brings all keys up to date. Only while no server runs."""
    connection = sqlite3.connect(data / NAME, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = full")
        connection.execute("DELETE FROM meta WHERE name = 'names'")
    finally:
        connection.close()


def mend(data: Path, counts: list[tuple[int, str, int]], usage: dict[str, tuple[int, int]]) -> None:
    """Sets counts right. Only while no server runs: this connection writes."""
    connection = sqlite3.connect(data / NAME, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = full")
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "UPDATE contents SET refs = ? WHERE id = ?", [(refs, id_) for id_, _, refs in counts]
        )
        connection.executemany(
            "INSERT INTO usage VALUES (?1, ?2, ?3)"
            " ON CONFLICT DO UPDATE SET bytes = ?2, files = ?3",
            [(principal, *right) for principal, right in usage.items()],
        )
        connection.execute("COMMIT")
    finally:
        connection.close()
