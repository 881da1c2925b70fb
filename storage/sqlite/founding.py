"""How a store begins: once, with the algorithm that names its contents; never over what is stored.

Bytes that no index names are removed as garbage, so an index that is lost must not be made anew.
"""

import sqlite3
from pathlib import Path

from storage.disk.blobfolder import BlobFolder
from storage.sqlite import connecting
from uploads.failures import Unavailable

RECORDED = "SELECT value FROM meta WHERE name = 'digest'"
RECORD = "INSERT INTO meta VALUES ('digest', ?)"
# All between them begin as they do, so that a store of any size is asked for two.
FIRST_AND_LAST = "SELECT (SELECT min(digest) FROM contents), (SELECT max(digest) FROM contents)"
RESTORE = "Restore the backup into another folder, and serve that."


def require_index(folder: Path) -> None:
    """Before SQLite opens it: what it finds empty it begins anew, and drops the log beside it.

    :raises Unavailable: there are bytes, and no index that could name them.
    """
    index = folder / connecting.NAME
    if (not index.exists() or index.stat().st_size == 0) and BlobFolder(folder).holds_any():
        raise _lost(folder)


def digest_algorithm(folder: Path, wanted: str) -> str:
    """The algorithm that names the contents of this store: the one it was made with.

    :raises Unavailable: the index is not the one that this store was made with, or damaged.
    """
    connecting.check_library()
    require_index(folder)
    database = connecting.writer(folder)
    try:
        if _recorded(database.conn) is None and _ends(database.conn) == (None, None):
            if BlobFolder(folder).holds_any():
                raise _lost(folder)
            database.execute(RECORD, [wanted])
        return algorithm(database.conn, folder)
    finally:
        database.close()


def algorithm(connection: sqlite3.Connection, folder: Path) -> str:
    """:raises Unavailable: it is not recorded, or the contents have other digests."""
    recorded, wrong = _recorded(connection), fault(connection)
    if recorded is None or wrong is not None:
        raise Unavailable(f'The index of "{folder.resolve()}" is damaged ({wrong}). {RESTORE}')
    return recorded


def fault(connection: sqlite3.Connection) -> str | None:
    """How what is recorded differs from what there is."""
    recorded = _recorded(connection)
    if recorded is None:
        return "it does not say any more of which algorithm its digests are"
    for digest in _ends(connection):
        if digest is not None and not digest.startswith(f"{recorded}:"):
            return f"it says that its digests are of {recorded}, and has {digest}"
    return None


def _recorded(connection: sqlite3.Connection) -> str | None:
    row = connection.execute(RECORDED).fetchone()
    return None if row is None else str(row[0])


def _ends(connection: sqlite3.Connection) -> tuple[str | None, str | None]:
    first, last = connection.execute(FIRST_AND_LAST).fetchone()
    return first, last


def _lost(folder: Path) -> Unavailable:
    place = folder.resolve()
    return Unavailable(
        f'The index of "{place}" is gone or empty ({connecting.NAME}), and bytes of its files are'
        " still there. Nothing was changed. Bring the index back, or restore the backup into"
        " another folder; where a restore into this one was interrupted, run it again. To begin"
        f' anew, choose another folder with --data, or remove the folder of bytes, "{place}/blobs".'
    )
