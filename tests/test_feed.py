"""Whoever follows the feed ends with exactly the tree that is in its sight, and learns no more."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path as DiskPath

import pytest

from storage.memory.shelves import MemoryAccounts, MemoryBlobs, MemoryIndex
from storage.sqlite.index import SqliteIndex
from tests.followers import Copy
from tests.trees import path, store
from uploads.access import (
    ALL_RIGHTS,
    ANONYMOUS,
    ANONYMOUS_NAME,
    Access,
    Grant,
    Principal,
    Right,
    Scope,
)
from uploads.bell import Bell
from uploads.collisions import Nothing
from uploads.failures import (
    ChangesForgotten,
    MalformedRequest,
    NotAllowed,
    NotIdentified,
)
from uploads.feed import Feed, Line, Position
from uploads.files import Folder, Kind, Stamp
from uploads.names import Path
from uploads.policy import Policies, Policy
from uploads.ports import Index, Turn, View
from uploads.rules import Limits, Rules

PLAIN = Policies(Policy(), {})
LOOK = frozenset({Right.LIST, Right.READ})
ALL = frozenset({"all"})


def grant(folder: str, who: str, *rights: Right) -> Grant:
    return Grant(path(folder), frozenset({"all", *who.split()}), frozenset(rights or LOOK))


# `all` sees everything. What is open to whom crosses the names that are moved about below.
GRANTS = [
    grant("", "eve"),
    Grant(path("a"), frozenset({"all", "ann"}), ALL_RIGHTS),
    grant("a/b", "bob eve"),
    Grant(path("a/c"), frozenset({"eve"}), frozenset({Right.CREATE})),
    Grant(path("a/c"), frozenset({"all"}), ALL_RIGHTS),
    grant("b/c", "bob ann"),
    Grant(path("c"), frozenset({"cat"}), frozenset({Right.LIST})),
    Grant(path("c"), frozenset({"all"}), ALL_RIGHTS),
    Grant(path("d/a/b"), frozenset({"dan"}), frozenset({Right.LIST})),
    Grant(path("d/a/b"), frozenset({"all"}), ALL_RIGHTS),
]
SCOPED = Principal("eve", frozenset({"eve"}), Scope(path("a/b"), frozenset({Right.LIST})))
PRINCIPALS = [
    *(Principal(name, frozenset({name})) for name in ("all", "ann", "bob", "cat", "dan", "eve")),
    SCOPED,
]
OMNISCIENT = Access([Grant(path(""), ALL, ALL_RIGHTS)]).sight(Principal("all", ALL))


class Everybody(MemoryAccounts):
    def current(self, principal: Principal) -> Principal | None:
        return principal


@pytest.fixture(name="index", params=["memory", "sqlite"])
async def _index(request: pytest.FixtureRequest, tmp_path: DiskPath) -> AsyncIterator[Index]:
    blobs = MemoryBlobs()
    made: MemoryIndex | SqliteIndex
    if request.param == "memory":
        made = MemoryIndex(PLAIN.keys, blobs)
    else:
        made = await SqliteIndex.open(
            tmp_path, keys=PLAIN.keys, blobs=blobs, publish=lambda _: None, clock=lambda: 0.0
        )
    yield made
    await made.close()


def feed_of(index: Index, grants: list[Grant] | None = None) -> Feed:
    rules = Rules(Access(GRANTS if grants is None else grants), PLAIN, Limits(), Everybody())
    return Feed(rules, index, Bell(9, 9))


async def all_lines(
    feed: Feed, principal: Principal, since: Position | None = None, limit: int = 200
) -> tuple[list[Line], Position]:
    position, lines = since or Position(0), list[Line]()
    while True:
        page = await feed.page(principal, position, limit)
        lines += page.lines
        position = page.position
        if not page.more:
            return lines, position


def in_sight(view: View, access: Access, principal: Principal) -> Copy:
    """The tree, asked of the index itself, and what of it this principal may list or know of: a
    listing needs the right in the folder, and for each file in it.
    """
    sight, found = access.sight(principal), Copy()
    for entry in view.entries_below(path(""), None, 10**6, OMNISCIENT):
        if isinstance(entry, Folder):
            if sight.folder(entry.path):
                found.folders.add(str(entry.path))
        elif all(access.may(principal, Right.LIST, at) for at in (entry.path.parent, entry.path)):
            found.files[str(entry.path)] = (entry.etag, entry.content)
    return found


NAMES = ["a", "b", "c", "d"]


def some_path(chance: random.Random, deepest: int = 4) -> Path:
    return Path(tuple(chance.choice(NAMES) for _ in range(chance.randint(1, deepest))))


def change(chance: random.Random, now: float, turn: Turn) -> None:
    """One change at random; what cannot be done is not."""
    stamp = Stamp("ann", now)
    at = chance.choice([some_path(chance), *_standing(turn, chance)])
    deletions = [
        one for one in turn.changes(0, 10**6) if one.kind is Kind.DELETED and one.is_folder
    ]
    match chance.choice(["store"] * 4 + ["move"] * 4 + ["folder", "delete", "back", "back", "old"]):
        case "store":
            store(turn, str(at), chance.randbytes(2), at=now)
        case "folder":
            turn.make_folder(at, stamp)
        case "delete":
            turn.delete(at, stamp)
        case "move":
            turn.move(at, some_path(chance), stamp)
        case "old":
            events = turn.history(at, None, 99)
            turn.restore(at, chance.choice(events).number, stamp)
        case "back" if deletions:
            deletion = chance.choice(deletions[-3:])
            if isinstance(turn.at(deletion.path), Nothing):
                turn.restore_folder(deletion.path, deletion.number, stamp)
        case _:
            turn.forget_versions(now - 20, 99)


def _standing(turn: Turn, chance: random.Random) -> list[Path]:
    entries = turn.entries_below(path(""), None, 10**6, OMNISCIENT)
    return [chance.choice(entries).path] * 4 if entries else []


IMPOSSIBLE = (ValueError, LookupError, MalformedRequest)


async def changed(index: Index, work: Callable[[Turn], object]) -> None:
    with suppress(*IMPOSSIBLE):
        await index.write(work)


@pytest.mark.parametrize("seed", range(12))
async def test_a_follower_from_zero_ends_with_exactly_the_tree_in_its_sight(
    index: Index, seed: int
) -> None:
    """Those who read now and then, in pages of any size, and one who reads all at the end."""
    chance = random.Random(seed)
    feed = feed_of(index)
    copies = [Copy() for _ in PRINCIPALS]
    positions = [Position(0) for _ in PRINCIPALS]
    for now in range(120):
        await changed(index, partial(change, chance, float(now)))
        if chance.random() < 0.2:
            at = chance.randrange(len(PRINCIPALS))
            page = await feed.page(PRINCIPALS[at], positions[at], chance.choice([1, 2, 7]))
            for line in page.lines:
                copies[at].apply(line)
            positions[at] = page.position
    for at, principal in enumerate(PRINCIPALS):
        expected = await index.read(lambda view: in_sight(view, feed.rules.access, principal))  # noqa: B023
        lines, _ = await all_lines(feed, principal, positions[at], chance.choice([1, 3, 200]))
        late = Copy()
        for line in lines:
            copies[at].apply(line)
        for line in (await all_lines(feed, principal))[0]:
            late.apply(line)
        assert copies[at] == expected, principal
        assert late == expected, principal


@pytest.mark.parametrize("seed", range(12, 18))
async def test_whoever_goes_on_after_any_line_ends_with_the_same_tree(
    index: Index, seed: int
) -> None:
    chance = random.Random(seed)
    feed = feed_of(index)
    for now in range(80):
        await changed(index, partial(change, chance, float(now)))
    for principal in PRINCIPALS:
        whole = Copy()
        lines, _ = await all_lines(feed, principal)
        for line in lines:
            whole.apply(line)
        broken, position = Copy(), Position(0)
        for line in lines:
            broken.apply(line)
            position = line.position or position
            if chance.random() < 0.1:
                break
        for line in (await all_lines(feed, principal, position, 3))[0]:
            broken.apply(line)
        assert broken == whole


@pytest.mark.parametrize("seed", range(18, 24))
async def test_no_line_names_what_is_out_of_sight(index: Index, seed: int) -> None:
    chance = random.Random(seed)
    feed = feed_of(index)
    for now in range(80):
        await changed(index, partial(change, chance, float(now)))
    for principal in PRINCIPALS:
        sight = feed.rules.access.sight(principal)
        for line in (await all_lines(feed, principal))[0]:
            sees = sight.folder if line.is_folder else sight.file
            assert sees(line.path)
            assert line.source is None or sees(line.source)
            assert line.part_of is None or sight.folder(line.part_of)


def one(name: str) -> Principal:
    return next(principal for principal in PRINCIPALS if principal.name == name)


def told(lines: list[Line]) -> list[tuple[str, str, str | None]]:
    return [
        (one.kind.value, str(one.path), None if one.source is None else str(one.source))
        for one in lines
    ]


async def test_a_move_is_a_creation_or_a_deletion_to_who_sees_one_end_of_it(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "c/x")
        store(turn, "d/f/y")
        turn.move(path("c/x"), path("e/x"), Stamp("ann", 2.0))
        turn.move(path("e/x"), path("c/z"), Stamp("ann", 3.0))
        turn.move(path("d/f"), path("c/f"), Stamp("ann", 4.0))
        turn.move(path("c/f"), path("d/f"), Stamp("ann", 5.0))

    await index.write(work)
    lines, _ = await all_lines(feed_of(index), one("cat"))
    assert told(lines) == [
        ("created", "c/x", None),
        ("deleted", "c/x", None),
        ("created", "c/z", None),
        ("created", "c/f", None),
        ("deleted", "c/f", None),
    ]
    lines, _ = await all_lines(feed_of(index), one("all"))
    assert [line for line in told(lines) if line[2]] == [
        ("moved", "e/x", "c/x"),
        ("moved", "c/z", "e/x"),
        ("moved", "c/f", "d/f"),
        ("moved", "d/f", "c/f"),
    ]


async def test_a_restored_folder_comes_with_all_that_is_in_it(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "c/f/x")
        store(turn, "c/f/g/y")
        turn.make_folder(path("c/f/h"), Stamp("ann", 2.0))
        turn.delete(path("c/f"), Stamp("ann", 3.0))
        turn.restore_folder(path("c/f"), 4, Stamp("ann", 4.0))

    await index.write(work)
    for limit in (1, 2, 9):
        lines, _ = await all_lines(feed_of(index), one("cat"), Position(4), limit)
        assert [(line.kind, str(line.path), line.part_of) for line in lines] == [
            (Kind.RESTORED, "c/f", None),
            (Kind.RESTORED, "c/f/g", path("c/f")),
            (Kind.RESTORED, "c/f/g/y", path("c/f")),
            (Kind.RESTORED, "c/f/h", path("c/f")),
            (Kind.RESTORED, "c/f/x", path("c/f")),
        ]
        assert [line.version.number for line in lines if line.version] == [5, 5]


async def test_a_past_version_is_told_of_to_whom_a_history_would_show_it(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "c/x", b"1")
        store(turn, "c/x", b"2")
        store(turn, "a/b/y", b"3")
        turn.move(path("a/b/y"), path("d/y"), Stamp("ann", 2.0))
        store(turn, "c/f/z", b"5")
        turn.move(path("c/f"), path("d/f"), Stamp("ann", 3.0))

    await index.write(work)

    async def versions(name: str) -> list[int | None]:
        lines, _ = await all_lines(feed_of(index), one(name))
        return [line.version.number if line.version else None for line in lines]

    # cat may list c and not read it; bob may not read where the file of a/b is now. What is in d/f
    # is as it was made, but for neither of them.
    assert await versions("cat") == [None, 2, None, None]
    assert await versions("bob") == [None, None]
    assert await versions("all") == [1, 2, 3, 4, 5, None, 5]


async def test_a_page_of_what_is_not_for_the_follower_is_bounded_and_moves_on(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uploads.feed.READ_AT_ONCE", 5)
    monkeypatch.setattr("uploads.feed.MOMENTS", 2)

    def work(turn: Turn) -> None:
        for number in range(23):
            store(turn, f"d/{number}")
        store(turn, "c/x")

    await index.write(work)
    feed, position, pages = feed_of(index), Position(0), list[tuple[int, int, bool]]()
    while not pages or pages[-1][2]:
        page = await feed.page(one("cat"), position, 9)
        position = page.position
        pages.append((len(page.lines), position.number, page.more))
    assert pages == [(0, 10, True), (0, 20, True), (1, 24, False)]


async def test_a_follower_of_what_is_forgotten_is_told_from_where_it_can_follow(
    index: Index,
) -> None:
    def work(turn: Turn) -> None:
        for at in range(6):
            store(turn, "c/x", str(at).encode(), at=at)
        turn.forget_changes(4.0, 99)

    await index.write(work)
    feed = feed_of(index)
    for since in (Position(0), Position(3), Position(4, within=True), Position(7)):
        with pytest.raises(ChangesForgotten) as refused:
            await feed.page(one("cat"), since, 9)
        assert refused.value.follow_from == 6
    assert [line.number for line in (await feed.page(one("cat"), Position(4), 9)).lines] == [5, 6]


async def test_whoever_takes_the_number_first_and_then_lists_misses_nothing(index: Index) -> None:
    await index.write(lambda turn: store(turn, "c/x"))
    feed = feed_of(index)
    start = (await feed.page(one("cat"), None, 9)).position
    assert start == Position(1)
    await index.write(lambda turn: turn.move(path("c/x"), path("c/y"), Stamp("ann", 2.0)))
    listed = await index.read(lambda view: in_sight(view, feed.rules.access, one("cat")))
    await index.write(lambda turn: store(turn, "c/z"))
    for line in (await all_lines(feed, one("cat"), start))[0]:
        listed.apply(line)
    assert set(listed.files) == {"c/y", "c/z"}


async def test_who_may_list_nothing_may_not_follow(index: Index) -> None:
    drop = [Grant(path("box"), frozenset({ANONYMOUS_NAME, "bob"}), frozenset({Right.CREATE}))]
    with pytest.raises(NotIdentified):
        await feed_of(index, drop).page(ANONYMOUS, Position(0), 9)
    with pytest.raises(NotAllowed):
        await feed_of(index, drop).page(one("bob"), Position(0), 9)


async def test_a_forged_position_is_harmless(index: Index) -> None:
    await index.write(lambda turn: (store(turn, "d/x"), store(turn, "c/x")))
    page = await feed_of(index).page(one("cat"), Position(1, True, path("d/a")), 9)  # noqa: FBT003
    assert told(list(page.lines)) == [("created", "c/x", None)]
