"""The schema of the index, as migrations. Knows tables and what keeps them true, no rule of ours.

A migration that was released is never changed: what comes later is a new function below it.
"""

from sqlite_utils import Migrations
from sqlite_utils.db import Database

ROOT = 1

migrations = Migrations("noclobber")


@migrations()
def contents(db: Database) -> None:
    """Contents, the bytes of small ones, and the digests under which they once arrived.

    `refs` counts the versions and uploads that name a content; triggers keep it. The bytes are a
    table of their own, so that counting does not rewrite them.
    """
    db.create_table("meta", {"name": str, "value": str}, pk="name", not_null=["value"], strict=True)
    db.create_table(
        "contents",
        {"id": int, "digest": str, "size": int, "media_type": str, "refs": int, "made": float},
        pk="id",
        not_null=["digest", "size", "media_type", "refs", "made"],
        defaults={"refs": 0},
        strict=True,
    ).create_index(["digest"], unique=True)
    db.execute("CREATE INDEX contents_unnamed ON contents (id) WHERE refs = 0")
    db.execute(
        "CREATE TABLE small (content INTEGER PRIMARY KEY REFERENCES contents ON DELETE CASCADE, bytes BLOB NOT NULL) STRICT"
    )
    db.execute(
        "CREATE TABLE declared (algorithm TEXT NOT NULL, value BLOB NOT NULL,"
        " content INTEGER NOT NULL REFERENCES contents ON DELETE CASCADE,"
        " PRIMARY KEY (algorithm, value, content)) STRICT, WITHOUT ROWID"
    )
    db.execute("CREATE INDEX declared_of ON declared (content)")


@migrations()
def tree(db: Database) -> None:
    """Files and folders. `gone` is the time of a deletion; what is gone keeps its place and history.

    `number` is that of a file's current version, of a folder's last change at any depth, and of
    the deletion of what is gone. No foreign key leads to a parent or a content: the indexes that
    SQLite would need to check one cover only what is live.
    """
    db.execute(
        "CREATE TABLE nodes (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL,"
        " folded TEXT NOT NULL, is_folder INTEGER NOT NULL, number INTEGER NOT NULL, modified REAL NOT NULL,"
        " content INTEGER, gone REAL) STRICT"
    )
    db.execute("CREATE UNIQUE INDEX nodes_live ON nodes (parent, key) WHERE gone IS NULL")
    db.execute("CREATE INDEX nodes_listed ON nodes (parent, is_folder, key) WHERE gone IS NULL")
    db.execute(
        "CREATE INDEX nodes_holding ON nodes (content, folded) WHERE gone IS NULL AND content IS NOT NULL"
    )
    db.execute("CREATE INDEX nodes_gone ON nodes (parent, key, number) WHERE gone IS NOT NULL")
    db.execute("CREATE INDEX nodes_deleted ON nodes (number) WHERE gone IS NOT NULL")
    db.execute("CREATE INDEX nodes_gone_at ON nodes (gone) WHERE gone IS NOT NULL")
    db.execute("INSERT INTO nodes VALUES (?, 0, '', '', '', 1, 0, 0.0, NULL, NULL)", [ROOT])


@migrations()
def history(db: Database) -> None:
    """Every change, and the versions that changes made. A version without content is a deletion.

    `payer` is charged for the content; a move hands the charge on to the version that it makes.
    """
    db.execute(
        "CREATE TABLE changes (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, node INTEGER NOT NULL,"
        " path TEXT NOT NULL, from_path TEXT, at REAL NOT NULL, by TEXT NOT NULL) STRICT"
    )
    db.execute(
        "CREATE TABLE versions (node INTEGER NOT NULL REFERENCES nodes, number INTEGER NOT NULL, kind TEXT NOT NULL,"
        " content INTEGER, at REAL NOT NULL, by TEXT NOT NULL, modified REAL NOT NULL, claimed_type TEXT, payer TEXT,"
        " superseded REAL, PRIMARY KEY (node, number)) STRICT, WITHOUT ROWID"
    )
    db.execute(
        "CREATE INDEX versions_superseded ON versions (superseded) WHERE superseded IS NOT NULL"
    )


@migrations()
def uploads(db: Database) -> None:
    db.execute(
        "CREATE TABLE uploads (id TEXT PRIMARY KEY, principal TEXT NOT NULL, path TEXT NOT NULL, content INTEGER NOT NULL,"
        " created REAL NOT NULL, expires REAL NOT NULL, problem TEXT NOT NULL, modified REAL, claimed_type TEXT) STRICT"
    )
    db.table("uploads").create_index(["principal", "id"])
    db.table("uploads").create_index(["expires"])


@migrations()
def counting(db: Database) -> None:
    """What names a content, and what counts against a quota, kept exact by the same statement."""
    db.execute(
        "CREATE TABLE usage (principal TEXT PRIMARY KEY, bytes INTEGER NOT NULL, files INTEGER NOT NULL) STRICT, WITHOUT ROWID"
    )
    for table, payer in (("versions", "payer"), ("uploads", "principal")):
        db.execute(
            f"CREATE TRIGGER {table}_named AFTER INSERT ON {table} WHEN new.content IS NOT NULL BEGIN {_names('+', 'new')} END"
        )
        db.execute(
            f"CREATE TRIGGER {table}_unnamed AFTER DELETE ON {table} WHEN old.content IS NOT NULL BEGIN {_names('-', 'old')} END"
        )
        db.execute(
            f"CREATE TRIGGER {table}_charged AFTER INSERT ON {table} WHEN new.content IS NOT NULL AND new.{payer} IS NOT NULL"
            f" BEGIN {_charges('+', f'new.{payer}', 'new.content')} END"
        )
        db.execute(
            f"CREATE TRIGGER {table}_freed AFTER DELETE ON {table} WHEN old.content IS NOT NULL AND old.{payer} IS NOT NULL"
            f" BEGIN {_charges('-', f'old.{payer}', 'old.content')} END"
        )
    db.execute(
        "CREATE TRIGGER versions_handed_on AFTER UPDATE OF payer ON versions"
        " WHEN old.content IS NOT NULL AND old.payer IS NOT NULL AND new.payer IS NULL"
        f" BEGIN {_charges('-', 'old.payer', 'old.content')} END"
    )


def _names(sign: str, row: str) -> str:
    return f"UPDATE contents SET refs = refs {sign} 1 WHERE id = {row}.content;"  # noqa: S608 - our own words


def _charges(sign: str, payer: str, content: str) -> str:
    return (
        f"INSERT INTO usage VALUES ({payer}, 0, 0) ON CONFLICT DO NOTHING;"  # noqa: S608 - our own words
        f" UPDATE usage SET bytes = bytes {sign} (SELECT size FROM contents WHERE id = {content}),"
        f" files = files {sign} 1 WHERE principal = {payer};"
    )
