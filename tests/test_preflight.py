"""What a preflight says is what the uploads come to, sent in the same order with nothing between."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path as DiskPath

import pytest

from storage.memory.shelves import MemoryBlobs, MemoryIndex, MemorySniffer
from storage.sqlite.index import SqliteIndex
from tests.test_feed import Everybody
from tests.trees import path, staged, store
from uploads.access import ALL_RIGHTS, Access, Grant, Principal, Right
from uploads.collisions import (
    AlreadyStored,
    ContentKnown,
    Create,
    FileHere,
    Link,
    NameEquivalent,
    NameTaken,
    Rename,
    Replace,
    Stale,
    TypeClash,
    Verdict,
)
from uploads.conditions import Condition, Tags
from uploads.failures import (
    Failure,
    NameReserved,
    NotAllowed,
    NotThere,
    OverQuota,
    TooLarge,
    TypeRefused,
)
from uploads.files import Stamp
from uploads.fitting import Fitting
from uploads.names import Limits as NameLimits
from uploads.policy import Policies, Policy, SameContent, SameFile, SameName, Wishes
from uploads.ports import Index, Turn
from uploads.preflight import Asked, Foretold, Preflight
from uploads.receiving import Receiver
from uploads.reserving import Reservations
from uploads.rules import Limits, Rules
from uploads.settling import Arrival
from uploads.tree import Tree

ANN = Principal("ann", frozenset({"ann"}))
POLICIES = Policies(
    Policy(),
    {
        path("v"): Policy(same_name=SameName.VERSION, same_file=SameFile.ACCEPT),
        path("l"): Policy(same_content=SameContent.LINK, same_name=SameName.RENAME),
        path("x"): Policy(exact_names=True, require_conditions=True),
        path("t"): Policy(types_allowed=frozenset({"text/plain"}), extension_must_fit=True),
    },
)
GRANTS = [
    Grant(path(""), frozenset({"ann"}), ALL_RIGHTS),
    Grant(path("drop"), frozenset({"ann"}), frozenset({Right.CREATE})),
    Grant(path("drop"), frozenset({"bob"}), ALL_RIGHTS),
    Grant(path("closed"), frozenset({"bob"}), ALL_RIGHTS),
    Grant(path("keep"), frozenset({"ann"}), ALL_RIGHTS - {Right.REPLACE}),
]
LIMITS = Limits(file_size=6, quota_bytes=120, quota_files=30, parked_files=0)


@dataclass
class Shop:
    rules: Rules
    index: Index
    receiver: Receiver

    def preflight(self, who: Principal = ANN, reserve: float = 0.0) -> Preflight:
        kept = self.rules.reservations.begin(who.name, reserve) if reserve else None
        parts = self.rules, self.index, self.receiver, MemorySniffer()
        return Preflight(*parts, who, asyncio.Lock(), kept)


@pytest.fixture(name="shop", params=["memory", "sqlite"])
async def _shop(request: pytest.FixtureRequest, tmp_path: DiskPath) -> AsyncIterator[Shop]:
    blobs = MemoryBlobs()
    index: MemoryIndex | SqliteIndex
    if request.param == "memory":
        index = MemoryIndex(POLICIES.keys, blobs)
    else:
        index = await SqliteIndex.open(
            tmp_path, keys=POLICIES.keys, blobs=blobs, publish=lambda _: None, clock=lambda: 0.0
        )
    clock = Clock()
    rules = Rules(Access(GRANTS), POLICIES, LIMITS, Everybody(), Reservations(5, clock))
    receiver = Receiver(rules, index, blobs, MemorySniffer(), lambda _: None, lambda: 0.0)
    yield Shop(rules, index, receiver)
    await index.close()


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Item:
    asked: Asked
    body: bytes


def identity(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def item(name: str, body: bytes, *, said: bool = True, post: bool = False, **more: object) -> Item:
    arrival = Arrival("plain", path(name), ANN, size=len(body), may_rename=post)
    arrival = replace(arrival, **more)  # type: ignore[arg-type]
    return Item(Asked(arrival, identity(body) if said else None), body)


async def send(shop: Shop, one: Item) -> Verdict | Failure:
    async def body() -> AsyncIterator[bytes]:
        yield one.body

    try:
        return (await shop.receiver.receive(one.asked.arrival, body())).verdict
    except Failure as failure:
        return failure


async def foretold(shop: Shop, items: list[Item], slices: int = 3) -> list[Foretold]:
    preflight = shop.preflight()
    found: list[Foretold] = []
    for start in range(0, len(items), slices):
        found += await preflight.judge([one.asked for one in items[start : start + slices]])
    return found


def some_item(chance: random.Random, etags: list[str]) -> Item:
    folder = chance.choice(["", "v/", "l/", "x/", "t/", "drop/", "closed/", "keep/", "a/", "A/"])
    name = folder + chance.choice(["a", "b", "A", "b/c", "a/c", "ä", "a\u0308", "c.txt", "c.png"])
    body = chance.choice([b"1", b"2", b"3", b"\xff\x00", b"long one", b"4444"])
    tags = Tags(
        any=chance.random() < 0.3, strong=frozenset(chance.sample(etags, min(2, len(etags))))
    )
    condition = chance.choice(
        [
            *[Condition()] * 3,
            Condition(if_none_match=Tags(any=True)),
            Condition(if_match=tags),
        ]
    )
    wishes = Wishes(
        chance.choice([None, *SameFile]),
        chance.choice([None, *SameName]),
        chance.choice([None, *SameContent]),
    )
    declared = {}
    if chance.random() < 0.2:
        declared = {"sha-256": hashlib.sha256(body).digest()}
    said = not declared and chance.random() < 0.7
    return item(
        name,
        body,
        said=said,
        post=chance.random() < 0.5,
        condition=condition,
        wishes=wishes,
        declared=declared,
    )


def fill(chance: random.Random, turn: Turn) -> list[str]:
    etags = []
    for number in range(12):
        folder = chance.choice(["", "v/", "l/", "x/", "t/", "drop/", "closed/", "keep/", "a/"])
        name = folder + chance.choice(["a", "b", "B", "c.txt", "ä"])
        try:
            body = chance.choice([b"1", b"2", b"3", b"5555"])
            file = store(turn, name, body, by=chance.choice(["ann", "bob"]))
            etags.append(file.etag)
        except ValueError:
            continue
        if number % 4 == 3:
            turn.delete(file.path, Stamp("ann", 2.0))
    return etags


@pytest.mark.parametrize("seed", range(60))
async def test_every_verdict_is_what_the_upload_comes_to(shop: Shop, seed: int) -> None:
    """As far as it is sure; else it is one of those that were said."""
    chance = random.Random(seed)
    etags = await shop.index.write(lambda turn: fill(chance, turn))
    items = [some_item(chance, etags) for _ in range(chance.choice([5, 15, 40]))]
    for said, one in zip(await foretold(shop, items), items, strict=True):
        came = await send(shop, one)
        possible = [type(said.result), *map(type, said.may_be)]
        context = one, said, came
        assert type(came) in possible, context
        if type(came) is not possible[0]:
            # The bytes were not what they were taken for, and what follows rested on that.
            break
        if isinstance(came, Failure) and isinstance(said.result, Failure):
            assert came.message == said.result.message, context


@pytest.mark.parametrize("seed", range(60, 100))
async def test_what_is_known_of_the_bytes_leaves_nothing_in_doubt(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    etags = await shop.index.write(lambda turn: fill(chance, turn))
    items = [some_item(chance, etags) for _ in range(20)]
    items = [
        replace(
            one,
            asked=Asked(replace(one.asked.arrival, declared={}), identity(one.body)),
        )
        for one in items
        if one.asked.arrival.path.parts[0] != "t"
    ]
    for said, one in zip(await foretold(shop, items), items, strict=True):
        assert said.may_be == (), (one, said)
        assert type(await send(shop, one)) is type(said.result), (one, said)


async def verdicts(shop: Shop, *items: Item) -> list[tuple[object, ...]]:
    return [
        (type(one.result), one.earlier, *map(type, one.may_be))
        for one in await foretold(shop, list(items))
    ]


async def test_items_collide_with_those_before_them(shop: Shop) -> None:
    rename = Wishes(same_name=SameName.RENAME, same_content=SameContent.LINK)
    any_ = Condition(if_match=Tags(any=True))
    await shop.index.write(lambda turn: store(turn, "there/z", b"zz"))
    assert await verdicts(
        shop,
        item("a/b", b"1"),
        item("a/b", b"2"),
        item("a/b", b"1"),
        item("A/c", b"3"),
        item("a/B", b"3"),
        item("a/b/c", b"3"),
        item("a", b"3"),
        item("other", b"1"),
        item("other", b"1", wishes=Wishes(same_content=SameContent.LINK)),
        item("a/b", b"4", condition=any_),
        item("again", b"1"),
        item("a/b", b"5", post=True, wishes=rename),
        item("a/b (2)", b"6"),
        item("a/b", b"4", condition=Condition(if_match=Tags(strong=frozenset({'"0-4b22"'})))),
        item("there/y", b"y"),
        item("there", b"z"),
        item("x/A", b"7", condition=Condition(if_none_match=Tags(any=True))),
        item("x/a", b"8", condition=Condition(if_none_match=Tags(any=True))),
    ) == [
        (Create, None),
        (NameTaken, 0),
        (AlreadyStored, 0),
        (NameEquivalent, 0),
        (NameEquivalent, 0),
        (TypeClash, 0),
        (TypeClash, 0),
        (ContentKnown, 0),
        (Link, 0),
        (Replace, 0),
        (ContentKnown, 8),
        (Rename, None),
        (NameTaken, 11),
        (Stale, 9),
        (Create, None),
        (TypeClash, None),
        (Create, None),
        (Create, None),
    ]


async def test_of_unknown_bytes_only_what_is_sure_is_called_so(shop: Shop) -> None:
    await shop.index.write(lambda turn: (store(turn, "here", b"1"), store(turn, "drop/d", b"1")))
    none = Condition(if_none_match=Tags(any=True))
    assert await verdicts(
        shop,
        item("new", b"1", said=False),
        item("here", b"2", said=False),
        item("here", b"22", said=False),
        item("here", b"1", said=False, condition=none),
        item("t/a.txt", b"33", said=False),
        item("drop/d", b"2", said=False),
        item("after", b"9"),
    ) == [
        (Create, None, ContentKnown),
        (NameTaken, None, AlreadyStored),
        (NameTaken, None),
        (Stale, None),
        (Create, None, ContentKnown, TypeRefused),
        (NameTaken, None),
        # The first of them is of this size, and may turn out to be these very bytes.
        (Create, None, ContentKnown),
    ]


async def test_what_an_upload_is_refused_for_is_said_in_the_same_words(shop: Shop) -> None:
    def work(turn: Turn) -> None:
        store(turn, "keep/k", b"1")
        turn.keep(staged(b"\xff", "application/octet-stream"))
        turn.store(path("big"), staged(b"\xff").content, Stamp("ann", 1.0))

    await shop.index.write(work)
    replaces = Condition(if_match=Tags(any=True))
    items = [
        item("closed/a", b"1"),
        item("keep/k", b"2", condition=replaces),
        item("large", b"1234567"),
        item("t/a.txt", b"\xff"),
    ]
    said = await foretold(shop, items)
    expected = [NotThere, NotAllowed, TooLarge, TypeRefused]
    assert [type(one.result) for one in said] == expected
    for one, told in zip(items, said, strict=True):
        came = await send(shop, one)
        assert isinstance(came, Failure)
        assert isinstance(told.result, Failure)
        assert came.message == told.result.message


async def test_a_quota_is_used_up_by_the_items_together(shop: Shop) -> None:
    items = [item(f"f{number}", b"%05d" % number) for number in range(28)]
    said = await foretold(shop, items)
    assert [type(one.result) for one in said] == [Create] * 24 + [OverQuota] * 4
    assert [type(await send(shop, one)) for one in items] == [type(one.result) for one in said]


async def test_no_verdict_depends_on_what_the_caller_may_not_read(shop: Shop) -> None:
    """Neither in itself nor in what else it may be."""
    items = [
        item("drop/d", b"1"),
        item("drop/d", b"1", said=False),
        item("drop/d", b"2"),
        item("mine", b"1"),
        item("mine2", b"1", said=False, declared={"sha-256": hashlib.sha256(b"1").digest()}),
    ]

    def work(turn: Turn) -> None:
        store(turn, "drop/d", b"2", by="bob")
        store(turn, "closed/c", b"1", by="bob")

    await shop.index.write(lambda turn: store(turn, "drop/d", b"3", by="bob"))
    before = await verdicts(shop, *items)
    await shop.index.write(work)
    assert await verdicts(shop, *items) == before


async def test_reserved_names_hold_their_verdict_against_others(shop: Shop) -> None:
    preflight = shop.preflight(reserve=60.0)
    kept = preflight.reservation
    assert kept is not None
    wanted = [item("r/a", b"1"), item("r/b/c", b"2")]
    assert [one.reserved for one in await preflight.judge([one.asked for one in wanted])] == [
        True,
        True,
    ]
    for name in ("r/a", "R/A", "r/a/x", "r/b", "R/z", "r/B/z", "r"):
        came = await send(shop, item(name, b"9"))
        assert isinstance(came, NameReserved), name
        assert came.retry_after == 60
    assert type(await send(shop, item("r/b/d", b"9"))) is Create
    again = await foretold(shop, [item("r/a", b"9")])
    assert isinstance(again[0].result, NameReserved)
    for one in wanted:
        arrival = replace(one.asked.arrival, reservation=kept.id)
        assert type(await send(shop, replace(one, asked=Asked(arrival)))) is Create
    assert type(await send(shop, item("r/a", b"8"))) is NameTaken


async def test_a_reservation_is_of_use_to_its_holder_alone_and_ends(shop: Shop) -> None:
    preflight = shop.preflight(Principal("bob", frozenset({"bob"})), reserve=60.0)
    arrival = replace(item("drop/x", b"1").asked.arrival, principal=preflight.principal)
    assert (await preflight.judge([Asked(arrival, identity(b"1"))]))[0].reserved
    assert preflight.reservation is not None
    stolen = item("drop/x", b"2", reservation=preflight.reservation.id)
    assert isinstance(await send(shop, stolen), NameReserved)
    clock = shop.rules.reservations._clock
    assert isinstance(clock, Clock)
    clock.now = 60.0
    assert type(await send(shop, item("drop/x", b"2"))) is Create
    assert shop.rules.reservations._names == {}
    assert shop.rules.reservations._folders == {}
    assert shop.rules.reservations._counts == {}


async def test_only_so_many_names_are_kept_for_one(shop: Shop) -> None:
    first, second = shop.preflight(reserve=60.0), shop.preflight(reserve=60.0)
    said = await first.judge([item(f"n{number}", b"%d" % number).asked for number in range(4)])
    said += await second.judge([item(f"m{number}", b"%d" % number).asked for number in range(3)])
    assert [one.reserved for one in said] == [*[True] * 4, *[True], *[False] * 2]
    assert type(await send(shop, item("m2", b"2"))) is Create


async def test_who_reserves_while_others_upload_is_told_true(shop: Shop) -> None:
    """Every name is either reserved or taken, and none is both."""

    async def reserve(number: int) -> Foretold:
        (said,) = await shop.preflight(reserve=60.0).judge([item(f"n{number}", b"1").asked])
        return said

    async def upload(number: int) -> Verdict | Failure:
        return await send(shop, item(f"n{number}", b"%d" % number))

    for number in range(5):
        said, came = await asyncio.gather(reserve(number), upload(number))
        assert isinstance(said.result, Create) != isinstance(came, Create)


async def test_other_verbs_leave_reserved_names_alone(shop: Shop) -> None:
    await shop.index.write(lambda turn: (store(turn, "old", b"1"), store(turn, "v/old", b"2")))
    preflight = shop.preflight(Principal("bob", frozenset({"ann", "bob"})), reserve=60.0)
    arrivals = [
        replace(one.asked.arrival, principal=preflight.principal)
        for one in (item("new", b"3"), item("v/old", b"4"))
    ]
    said = await preflight.judge([Asked(one, str(one.path)) for one in arrivals])
    assert [type(one.result) for one in said] == [Create, Replace]
    fitting = Fitting(shop.rules, NameLimits(), MemorySniffer())
    tree = Tree(shop.rules, shop.index, lambda: 0.0, fitting)
    no = Condition()
    for wanted in (
        lambda: tree.make_folder(ANN, path("NEW")),
        lambda: tree.copy(ANN, path("old"), path("new"), no),
        lambda: tree.move(ANN, path("old"), path("new"), no, recursive=False),
        lambda: tree.move(ANN, path("v/old"), path("elsewhere"), no, recursive=False),
        lambda: tree.delete(ANN, path("v/old"), no, recursive=False),
        lambda: tree.restore(ANN, path("v/old"), 2, no),
    ):
        with pytest.raises(NameReserved):
            await wanted()
    assert isinstance(await shop.index.read(lambda view: view.at(path("v/old"))), FileHere)
