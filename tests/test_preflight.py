"""What a preflight says is what the uploads come to, sent in the same order with nothing between."""

import hashlib
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path as DiskPath

import pytest

from storage.sqlite.view import SqliteView
from tests.shops import Item, Shop, foretold, identity, item, opened_shop, send
from tests.trees import path, staged, store
from uploads.collisions import (
    AlreadyStored,
    ContentKnown,
    Create,
    Link,
    NameEquivalent,
    NameTaken,
    Rename,
    Replace,
    Stale,
    TypeClash,
)
from uploads.conditions import Condition, Tags
from uploads.failures import (
    Failure,
    NotAllowed,
    NotThere,
    OverQuota,
    TooLarge,
    TypeRefused,
)
from uploads.files import Stamp
from uploads.policy import SameContent, SameFile, SameName, Wishes
from uploads.ports import Turn, View
from uploads.preflight import Asked


@pytest.fixture(name="shop", params=["memory", "sqlite"])
async def _shop(request: pytest.FixtureRequest, tmp_path: DiskPath) -> AsyncIterator[Shop]:
    async with opened_shop(request.param, tmp_path) as shop:
        yield shop


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
            asked=Asked(-1, replace(one.asked.arrival, declared={}), identity(one.body)),
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


async def test_items_that_replace_what_is_there_are_seen_by_those_after_them(shop: Shop) -> None:
    file = await shop.index.write(lambda turn: store(turn, "a", b"1"))
    current = Condition(if_match=Tags(strong=frozenset({file.etag})))
    items = [
        item("a", b"2", condition=current),
        item("a", b"2"),
        item("a", b"3", condition=current),
        item("b", b"1"),
        item("A", b"2"),
        item("a/b", b"4"),
    ]
    expected = [Replace, AlreadyStored, Stale, Create, NameEquivalent, TypeClash]
    said = await foretold(shop, items)
    assert [type(one.result) for one in said] == expected
    assert [one.earlier for one in said] == [None, 0, 0, None, 0, 0]
    assert [type(await send(shop, one)) for one in items] == expected


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


async def test_of_a_content_that_only_others_hold_as_much_is_asked_as_of_an_unknown_one(
    tmp_path: DiskPath,
) -> None:
    """So that it does not show in time either, be it asked ten thousand times."""
    secret, unknown = (hashlib.sha256(body).digest() for body in (b"secret", b"unknown"))

    def work(turn: Turn) -> None:
        held = staged(b"secret", "text/plain", **{"sha-256": secret})
        turn.keep(held)
        turn.vouch(held.content, ["sha-256"], "bob")
        turn.store(path("closed/s"), held.content, Stamp("bob", 1.0))

    async with opened_shop("sqlite", tmp_path) as shop:
        await shop.index.write(work)

        def statements(one: Item, view: View) -> int:
            assert isinstance(view, SqliteView)
            found: list[str] = []
            view._connection.set_trace_callback(found.append)
            preflight._all(view, [one.asked])
            view._connection.set_trace_callback(None)
            return len(found)

        preflight = shop.preflight()
        by_identity = [item("a", b"secret"), item("a", b"unsaid")]
        declared = [
            item("a", b"secret", said=False, declared={"sha-256": value})
            for value in (secret, unknown)
        ]
        for known, new in (by_identity, declared):
            of_known = await shop.index.read(partial(statements, known))
            preflight = shop.preflight()
            assert of_known == await shop.index.read(partial(statements, new))
            preflight = shop.preflight()
