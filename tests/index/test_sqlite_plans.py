"""Every statement of the index finds its rows by seeks."""

import re
from pathlib import Path as DiskPath

from storage.sqlite import connecting
from storage.sqlite.index import SqliteIndex
from storage.sqlite.listing import page_sql
from storage.sqlite.turn import SqliteTurn
from tests.trees import EVERYWHERE, content, incoming, path, staged, store, upload
from uploads.access import ALL_RIGHTS, ANONYMOUS, ANONYMOUS_NAME, Access, Grant
from uploads.attempts import Bounds, Record
from uploads.files import Content, Listing, Order, Property, Stamp
from uploads.locks import Lock
from uploads.ports import Turn

ANYBODY = frozenset({ANONYMOUS_NAME})
OPEN = Access([Grant(path(""), ANYBODY, ALL_RIGHTS)])
AJAR = Access([Grant(path("a/b"), ANYBODY, ALL_RIGHTS)])


def everything(turn: Turn) -> None:
    """Every statement that the index knows, on the writing connection."""
    for name in ("a/b/c", "a/d", "e", "f/g"):
        store(turn, name, b"same")
    store(turn, "a/d", b"other")
    turn.keep(staged(b"parked", md5=b"m"))
    turn.park(upload("1", b"parked"))
    for order in Order:
        for descending in (False, True):
            for folder in ("", "a"):
                first = turn.page(path(folder), Listing(order, descending, limit=1))
                turn.page(path(folder), Listing(order, descending, first.after, 1))
    turn.files_below(path(""), path("a/b/c"), 9)
    follow(turn)
    turn.same_content(content(b"same"), EVERYWHERE, path("x"))
    turn.any_of_size(4, EVERYWHERE)
    turn.content_declared({"md5": b"m"})
    turn.digests(content(b"same"))
    turn.vouch(content(b"parked"), ["md5"], "ann")
    turn.vouched(content(b"parked"), "ann")
    turn.extent(path("a"))
    turn.is_empty(path("a"))
    turn.free_name(path("e"), 255, lambda _: False)
    turn.uploads("ann", None, 9)
    turn.parked("ann")
    turn.usage("ann")
    turn.move(path("a"), path("q/r"), Stamp("ann", 2.0))
    turn.move(path("e"), path("q/e"), Stamp("ann", 2.0))
    number = turn.delete(path("q"), Stamp("ann", 3.0))
    turn.history(path("q/r/d"), None, 9)
    turn.restore_folder(path("q"), number, Stamp("ann", 4.0))
    turn.restore(path("q/r/d"), turn.history(path("q/r/d"), None, 9)[-1].number, Stamp("ann", 5.0))
    belongings(turn)
    turn.delete(path("f"), Stamp("ann", 6.0))
    for name in ("r1", "r2", "r3"):
        turn.remember(Record(name, "ann", "{}", 1.0), Bounds(2, 9))
    turn.remember(Record("r4", "bob", "{}", 1.0), Bounds(2, 2))
    turn.record("r4")
    turn.forget_records(9.0, 9)
    turn.content("none")
    turn.forget_versions(99.0, 99)
    turn.forget_uploads(99.0, 9)
    turn.forget_changes(99.0, 9)
    in_pieces(turn)
    turn.forget_contents(9)
    turn.is_named(Content("none", 1))


def belongings(turn: Turn) -> None:
    turn.set_property(path("q/r/d"), Property("x", "y", "<y/>"))
    turn.copy_properties(path("q/r/d"), path("q"))
    turn.drop_property(path("q"), "x", "y")
    turn.properties(path("q/r/d"))
    turn.set_modified(path("q/r/d"), 1.0)
    turn.lock(Lock("t", path("q"), "ann", True, True, "", 1.0))  # noqa: FBT003
    turn.locks_over(path("q/r/d"))
    turn.locks_below(path("q"))
    turn.locks_below(path(""))
    turn.locks_at([path("q"), path("q/r/d")])
    turn.locks_of("ann")
    turn.forget_locks(9.0, 9)
    turn.lock(Lock("t", path("f"), "ann", True, True, "", 1.0))  # noqa: FBT003
    turn.unlock("t")
    turn.overlooked(["none"], range(1, 9))


def follow(turn: Turn) -> None:
    for access in (OPEN, AJAR):
        turn.entries_below(path(""), path("a/b"), 9, access.sight(ANONYMOUS))
    turn.changes(0, 9)
    turn.span()


def in_pieces(turn: Turn) -> None:
    turn.expect(incoming("1", None))
    turn.advance(incoming("1", 9, 5))
    turn.incoming("1")
    turn.arriving("ann")
    turn.forget_incoming(99.0, 9)
    turn.drop_incoming("1")


async def test_no_statement_scans_what_can_be_large(sqlite_index: SqliteIndex) -> None:
    statements: dict[str, str] = {}

    def collect(sql: str) -> None:
        if not sql.startswith("--"):
            statements.setdefault(re.sub(r"'[^']*'|[0-9.]+", "?", sql), sql)

    def work(turn: Turn) -> list[tuple[str, str]]:
        assert isinstance(turn, SqliteTurn)
        turn._connection.set_trace_callback(collect)
        everything(turn)
        turn._connection.set_trace_callback(None)
        return [
            (sql, row[3])
            for sql in statements.values()
            for row in turn._connection.execute(f"EXPLAIN QUERY PLAN {sql}")
        ]

    plan = await sqlite_index.write(work)
    assert len(statements) > 50
    # What was found so far in a recursion, a few contents of one size, rows of values, and an
    # sqlite_index of the unnamed alone.
    harmless = re.compile(
        r"SCAN (below|b|c|\(?subquery-\d+\)?|CONSTANT ROW|(j|json_each) VIRTUAL TABLE INDEX 1:|[?\d]+ CONSTANT ROWS?|found USING INDEX contents_unnamed)$"
    )
    scans = [
        (step, sql) for sql, step in plan if step.startswith("SCAN") and not harmless.match(step)
    ]
    assert scans == []
    by_name = "ORDER BY n.key"
    sorts = [sql for sql, step in plan if "TEMP B-TREE" in step and by_name in sql]
    assert sorts == []
    assert [sql for sql, _ in plan if by_name in sql]


async def test_a_folder_comes_back_by_as_many_statements_however_much_it_held(
    sqlite_index: SqliteIndex,
) -> None:
    """In a turn each that fires triggers takes the longer the more was written before it."""
    # Some are told once for each trigger that they fire.
    statements: set[str] = set()

    def work(turn: Turn, files: int) -> int:
        assert isinstance(turn, SqliteTurn)
        for number in range(files):
            store(turn, f"a/b{number % 3}/c{number}", b"same")
        deletion = turn.delete(path("a"), Stamp("ann", 2.0))
        statements.clear()
        turn._connection.set_trace_callback(statements.add)
        turn.restore_folder(path("a"), deletion, Stamp("ann", 3.0))
        turn._connection.set_trace_callback(None)
        return len(statements)

    few = await sqlite_index.write(lambda turn: work(turn, 9))
    assert await sqlite_index.write(lambda turn: work(turn, 90)) == few
    assert len(await sqlite_index.read(lambda view: view.files_below(path("a"), None, 99))) == 90


def test_a_page_by_name_is_a_range_of_the_listing_index(tmp_path: DiskPath) -> None:
    database = connecting.writer(tmp_path)
    for descending in (False, True):
        for continued in (False, True):
            sql = page_sql(Order.NAME, descending=descending, continued=continued)
            values = (1, 0, "k") if continued else (1, 0)
            plan = [row[3] for row in database.execute("EXPLAIN QUERY PLAN " + sql, values)]
            bound = (
                " AND key>?" if continued and not descending else " AND key<?" if continued else ""
            )
            assert plan[0] == f"SEARCH n USING INDEX nodes_listed (parent=? AND is_folder=?{bound})"
            assert not [step for step in plan if "TEMP" in step]
    database.close()
