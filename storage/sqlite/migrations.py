"""The schema of the index, as migrations. Knows tables and what keeps them true, no rule of ours.

A migration that was released is never changed: what comes later is a new function below it.
"""

import sqlite3
from contextlib import closing

from sqlite_utils import Migrations
from sqlite_utils.db import Database

from uploads.failures import Unavailable

ROOT = 1
PARKED = "parked "
ARRIVING = "arriving "

migrations = Migrations("noclobber")


def check_known(connection: sqlite3.Connection) -> None:
    """An older program would write past what a newer one keeps true.

    :raises Unavailable: the index has gone through a step that is none of those below.
    """
    named = f"SELECT name FROM {Migrations.migrations_table} WHERE migration_set = ?"  # noqa: S608 - our words
    try:
        applied = {name for (name,) in connection.execute(named, (migrations.name,))}
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return
        raise
    # Of an index without any step, all are pending.
    with closing(Database(memory=True)) as nothing:
        ours = {step.name for step in migrations.pending(nothing)}
    if applied - ours:
        raise Unavailable(
            "This store was made by a newer noclobber. Install that one, or restore the backup."
        )


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
    db.execute("""
        CREATE TABLE small (
            content INTEGER PRIMARY KEY REFERENCES contents ON DELETE CASCADE,
            bytes BLOB NOT NULL
        ) STRICT""")
    db.execute("""
        CREATE TABLE declared (
            algorithm TEXT NOT NULL,
            value BLOB NOT NULL,
            content INTEGER NOT NULL REFERENCES contents ON DELETE CASCADE,
            PRIMARY KEY (algorithm, value, content)
        ) STRICT, WITHOUT ROWID""")
    db.table("declared").create_index(["content"])


@migrations()
def tree(db: Database) -> None:
    """Files and folders. `gone` is when one was deleted; it keeps its place and history.

    `number` is that of a file's current version, of a folder's last change at any depth, and of
    the deletion of what is gone. No foreign key leads to a parent or a content: the indexes that
    SQLite would need to check one cover only what is live.
    """
    db.execute("""
        CREATE TABLE nodes (
            id INTEGER PRIMARY KEY,
            parent INTEGER NOT NULL,
            name TEXT NOT NULL,
            key TEXT NOT NULL,
            folded TEXT NOT NULL,
            is_folder INTEGER NOT NULL,
            number INTEGER NOT NULL,
            modified REAL NOT NULL,
            content INTEGER,
            gone REAL
        ) STRICT""")
    db.execute("CREATE UNIQUE INDEX nodes_live ON nodes (parent, key) WHERE gone IS NULL")
    db.execute("CREATE INDEX nodes_listed ON nodes (parent, is_folder, key) WHERE gone IS NULL")
    db.execute("""
        CREATE INDEX nodes_holding ON nodes (content, folded)
        WHERE gone IS NULL AND content IS NOT NULL""")
    db.execute("CREATE INDEX nodes_gone ON nodes (parent, key, number) WHERE gone IS NOT NULL")
    db.execute("CREATE INDEX nodes_deleted ON nodes (number) WHERE gone IS NOT NULL")
    db.execute("CREATE INDEX nodes_gone_at ON nodes (gone) WHERE gone IS NOT NULL")
    db.execute("INSERT INTO nodes VALUES (?, 0, '', '', '', 1, 0, 0.0, NULL, NULL)", [ROOT])


@migrations()
def history(db: Database) -> None:
    """Every change, and the versions that changes made. A version without content is a deletion.

    `payer` is charged for the content; a move hands the charge on to the version that it makes.
    """
    db.execute("""
        CREATE TABLE changes (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL,
            node INTEGER NOT NULL,
            path TEXT NOT NULL,
            from_path TEXT,
            at REAL NOT NULL,
            by TEXT NOT NULL
        ) STRICT""")
    db.execute("""
        CREATE TABLE versions (
            node INTEGER NOT NULL REFERENCES nodes,
            number INTEGER NOT NULL,
            kind TEXT NOT NULL,
            content INTEGER,
            at REAL NOT NULL,
            by TEXT NOT NULL,
            modified REAL NOT NULL,
            claimed_type TEXT,
            payer TEXT,
            superseded REAL,
            PRIMARY KEY (node, number)
        ) STRICT, WITHOUT ROWID""")
    db.execute("""
        CREATE INDEX versions_superseded ON versions (superseded)
        WHERE superseded IS NOT NULL""")


@migrations()
def uploads(db: Database) -> None:
    db.create_table(
        "uploads",
        {
            "id": str,
            "principal": str,
            "path": str,
            "content": int,
            "created": float,
            "expires": float,
            "problem": str,
            "modified": float,
            "claimed_type": str,
        },
        pk="id",
        not_null=["principal", "path", "content", "created", "expires", "problem"],
        strict=True,
    )
    db.table("uploads").create_index(["principal", "id"])
    db.table("uploads").create_index(["expires"])


@migrations()
def counting(db: Database) -> None:
    """What names a content, and what counts against a quota, kept exact by the same statement."""
    db.execute("""
        CREATE TABLE usage (
            principal TEXT PRIMARY KEY,
            bytes INTEGER NOT NULL,
            files INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID""")
    for table, payer in (("versions", "payer"), ("uploads", "principal")):
        for event, sign, row in (("INSERT", "+", "new"), ("DELETE", "-", "old")):
            _on(db, f"{event} ON {table}", row, _name(sign, row))
            _on(db, f"{event} ON {table}", row, _charge(sign, f"{row}.{payer}", row))
    # What somebody has parked is counted once more on an account of its own, so that the limit
    # for it is one look-up.
    for event, sign, row in (("INSERT", "+", "new"), ("DELETE", "-", "old")):
        account = f"'{PARKED}' || {row}.principal"
        _on(db, f"{event} ON uploads", row, _charge(sign, account, row))
    _on(db, "UPDATE OF payer ON versions", "old", _charge("-", "old.payer", "old"))
    _on(db, "UPDATE OF payer ON versions", "new", _charge("+", "new.payer", "new"))


@migrations()
def vouching(db: Database) -> None:
    """Who has declared which digests of a content: an answer tells of no others."""
    db.execute("""
        CREATE TABLE vouched (
            content INTEGER NOT NULL REFERENCES contents ON DELETE CASCADE,
            by TEXT NOT NULL,
            algorithm TEXT NOT NULL,
            PRIMARY KEY (content, by, algorithm)
        ) STRICT, WITHOUT ROWID""")


@migrations()
def records(db: Database) -> None:
    """The first answers to requests that may be repeated, the older the lower their ids, and how
    many there are: of each principal, and of all (whose name is empty).
    """
    db.execute("""
        CREATE TABLE records (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            principal TEXT NOT NULL,
            text TEXT NOT NULL,
            expires REAL NOT NULL
        ) STRICT""")
    db.execute("CREATE INDEX records_of ON records (principal, id)")
    db.execute("CREATE INDEX records_expiring ON records (expires)")
    db.execute("""
        CREATE TABLE record_counts (
            principal TEXT PRIMARY KEY,
            count INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID""")
    for event, sign, row in (("INSERT", "+", "new"), ("DELETE", "-", "old")):
        db.execute(f"""
            CREATE TRIGGER records_{event.lower()} AFTER {event} ON records BEGIN
                INSERT INTO record_counts VALUES ({row}.principal, 0), ('', 0)
                    ON CONFLICT DO NOTHING;
                UPDATE record_counts SET count = count {sign} 1
                    WHERE principal IN ({row}.principal, '');
            END""")  # noqa: S608 - our words


@migrations()
def feed(db: Database) -> None:
    """Whether a change was about a folder, and from which depth on it made the folders above it.
    Of those before, any may have made all of them.
    """
    db.execute("ALTER TABLE changes ADD COLUMN is_folder INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE changes ADD COLUMN made INTEGER")
    db.execute("""
        UPDATE changes SET made = 1,
            is_folder = coalesce((SELECT is_folder FROM nodes WHERE id = node), 0)""")


@migrations()
def arriving(db: Database) -> None:
    """Uploads that arrive in pieces, and for a while those that did: their `number` is the version
    that they became. Until then the room that they need counts, on two accounts as what is parked.
    """
    db.execute("""
        CREATE TABLE arriving (
            id TEXT PRIMARY KEY,
            principal TEXT NOT NULL,
            path TEXT NOT NULL,
            size INTEGER,
            offset INTEGER NOT NULL,
            created REAL NOT NULL,
            expires REAL NOT NULL,
            said TEXT NOT NULL,
            is_part INTEGER NOT NULL,
            number INTEGER
        ) STRICT, WITHOUT ROWID""")
    db.table("arriving").create_index(["expires"])
    events = {
        "INSERT": [("+", "new")],
        "DELETE": [("-", "old")],
        "UPDATE OF size, offset": [("-", "old"), ("+", "new")],
    }
    for event, counted in events.items():
        actions = [
            _reserve(sign, account, row)
            for sign, row in counted
            for account in (f"{row}.principal", f"'{ARRIVING}' || {row}.principal")
        ]
        when = f"{counted[-1][1]}.number IS NULL"
        if len(counted) > 1:
            when += " AND coalesce(old.size, old.offset) <> coalesce(new.size, new.offset)"
        name = f"arriving_{event.partition(' ')[0].lower()}"
        db.execute(
            f"CREATE TRIGGER {name} AFTER {event} ON arriving WHEN {when}"
            f" BEGIN {' '.join(actions)} END"
        )


def _reserve(sign: str, account: str, row: str) -> str:
    return (
        f"INSERT INTO usage VALUES ({account}, 0, 0) ON CONFLICT DO NOTHING;"  # noqa: S608 - our words
        f" UPDATE usage SET bytes = bytes {sign} coalesce({row}.size, {row}.offset),"
        f" files = files {sign} 1 WHERE principal = {account};"
    )


@migrations()
def belongings(db: Database) -> None:
    """Locks by place (the keys of a path), and the properties that clients keep with a node."""
    db.execute("""
        CREATE TABLE locks (
            token TEXT PRIMARY KEY,
            place TEXT NOT NULL,
            path TEXT NOT NULL,
            principal TEXT NOT NULL,
            exclusive INTEGER NOT NULL,
            deep INTEGER NOT NULL,
            owner TEXT NOT NULL,
            expires REAL NOT NULL
        ) STRICT, WITHOUT ROWID""")
    db.table("locks").create_index(["place"])
    db.table("locks").create_index(["principal"])
    db.table("locks").create_index(["expires"])
    db.execute("""
        CREATE TABLE properties (
            node INTEGER NOT NULL REFERENCES nodes ON DELETE CASCADE,
            namespace TEXT NOT NULL,
            name TEXT NOT NULL,
            xml TEXT NOT NULL,
            PRIMARY KEY (node, namespace, name)
        ) STRICT, WITHOUT ROWID""")


@migrations()
def sizes(db: Database) -> None:
    """Whether a content may be known is asked by its size, before anybody computes its digest."""
    db.execute("CREATE INDEX contents_sized ON contents (size)")


def _on(db: Database, event: str, row: str, action: str) -> None:
    name = f"counting_{len(list(db.triggers)) + 1}"
    db.execute(
        f"CREATE TRIGGER {name} AFTER {event} WHEN {row}.content IS NOT NULL BEGIN {action} END"
    )


def _name(sign: str, row: str) -> str:
    return f"UPDATE contents SET refs = refs {sign} 1 WHERE id = {row}.content;"  # noqa: S608 - our words


def _charge(sign: str, payer: str, row: str) -> str:
    """A row without a payer charges nobody: nothing equals NULL."""
    size = f"(SELECT size FROM contents WHERE id = {row}.content)"  # noqa: S608 - our words
    return (
        f"INSERT INTO usage SELECT {payer}, 0, 0 WHERE {payer} IS NOT NULL ON CONFLICT DO NOTHING;"  # noqa: S608 - our words
        f" UPDATE usage SET bytes = bytes {sign} {size}, files = files {sign} 1"
        f" WHERE principal = {payer};"
    )
