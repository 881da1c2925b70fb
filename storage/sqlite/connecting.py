"""Opening the index: which SQLite library, which pragmas, which schema. Knows files, no rule.

One connection writes and checkpoints in the whole system: SQLite 3.7.0 to 3.51.2 can corrupt a
write-ahead log that two connections write or checkpoint at the same instant.
"""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import sqlite_utils.utils
from sqlite_utils import Database

from storage.disk import posix
from storage.sqlite.migrations import check_known, migrations
from uploads.failures import Unavailable

NAME = "index.sqlite"
OLDEST = (3, 38, 0)
BUSY_MS = 5_000
WAL_KEPT = 64 << 20
STATEMENTS = 256

EVERYWHERE = {
    "busy_timeout": BUSY_MS,
    "foreign_keys": "on",
    "trusted_schema": "off",
    "cell_size_check": "on",
    "mmap_size": 0,
    "temp_store": "memory",
    "wal_autocheckpoint": 0,
}
WRITER = {"synchronous": "full", "journal_size_limit": WAL_KEPT, "cache_size": -32_000}
READER = {"query_only": "on", "cache_size": -8_000}


class ForeignLibraryError(Exception):
    """SQLite is not the one that Python came with, or is too old. The text is for the operator."""


def check_library() -> None:
    """Two SQLite libraries on one file in one process undo each other's locks.

    :raises ForeignLibraryError: sqlite-utils has picked up another library, or ours is too old.
    """
    used: ModuleType = vars(sqlite_utils.utils)["sqlite3"]
    if used is not sqlite3:
        raise ForeignLibraryError(
            f"sqlite-utils uses {used.__name__!r} instead of Python's own sqlite3."
            " Uninstall that package (pip uninstall pysqlite3 pysqlite3-binary) and start again."
        )
    if sqlite3.sqlite_version_info < OLDEST:
        raise ForeignLibraryError(
            f"Python's SQLite is {sqlite3.sqlite_version}, and {'.'.join(map(str, OLDEST))} or"
            " later is needed. Use a newer Python."
        )


def writer(folder: Path) -> Database:
    """The one connection that writes; brings the schema up to date.

    :raises sqlite3.Error, OSError, Unavailable: nothing can be written durably.
    """
    database = _open(folder)
    try:
        check_known(database.conn)
        _use_wal(database)
        _set(database, WRITER)
        if migrations.pending(database):
            migrations.apply(database)
        # The log is there by now. SQLite syncs its entry, too, and takes no notice if that fails.
        posix.sync_folder(folder)
    except BaseException:
        database.close()
        raise
    return database


def _use_wal(database: Database) -> None:
    if database.execute("PRAGMA journal_mode = wal").fetchone() != ("wal",):
        raise Unavailable("The index cannot use a write-ahead log on this file system.")


def reader(folder: Path) -> Database:
    database = _open(folder)
    _set(database, READER)
    return database


def _open(folder: Path) -> Database:
    connection = sqlite3.connect(
        folder / NAME, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS
    )
    # Plugins of sqlite-utils are other people's code: none of it sees the index.
    database = Database(connection, execute_plugins=False)
    _set(database, EVERYWHERE)
    return database


def _set(database: Database, pragmas: Mapping[str, object]) -> None:
    for name, value in pragmas.items():
        database.execute(f"PRAGMA {name} = {value}")
