"""Names that a preflight keeps for its sender: what others may not do with them, and for how long."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path as DiskPath

import pytest

from storage.memory.shelves import MemorySniffer
from tests.shops import ANN, Clock, Shop, foretold, identity, item, opened_shop, send
from tests.trees import path, store
from uploads.access import Principal
from uploads.collisions import (
    Create,
    FileHere,
    NameTaken,
    Replace,
    Verdict,
)
from uploads.conditions import Condition
from uploads.failures import (
    Failure,
    NameReserved,
)
from uploads.fitting import Fitting
from uploads.names import Limits as NameLimits
from uploads.preflight import Asked, Foretold
from uploads.tree import Tree


@pytest.fixture(name="shop", params=["memory", "sqlite"])
async def _shop(request: pytest.FixtureRequest, tmp_path: DiskPath) -> AsyncIterator[Shop]:
    async with opened_shop(request.param, tmp_path) as shop:
        yield shop


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
        assert type(await send(shop, replace(one, asked=Asked(-1, arrival)))) is Create
    assert type(await send(shop, item("r/a", b"8"))) is NameTaken


async def test_a_reservation_is_of_use_to_its_holder_alone_and_ends(shop: Shop) -> None:
    preflight = shop.preflight(Principal("bob", frozenset({"bob"})), reserve=60.0)
    arrival = replace(item("drop/x", b"1").asked.arrival, principal=preflight.principal)
    assert (await preflight.judge([Asked(0, arrival, identity(b"1"))]))[0].reserved
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
    said = await preflight.judge([Asked(-1, one, str(one.path)) for one in arrivals])
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


async def test_of_reservations_without_a_name_nothing_is_left(shop: Shop) -> None:
    reservations = shop.rules.reservations
    for _ in range(100):
        reservations.close(reservations.begin("ann", 60.0).id)
    assert (reservations._kept, reservations._ends) == ({}, [])


async def test_a_reservation_is_forgotten_with_its_last_name(shop: Shop) -> None:
    preflight, reservations = shop.preflight(reserve=60.0), shop.rules.reservations
    assert preflight.reservation is not None
    id_ = preflight.reservation.id
    await preflight.judge([item("a", b"1").asked])
    # While more may come it stays, also without a name.
    assert type(await send(shop, item("a", b"1", reservation=id_))) is Create
    assert (await preflight.judge([item("b", b"2").asked]))[0].reserved
    reservations.close(id_)
    assert isinstance(await send(shop, item("b", b"3")), NameReserved)
    assert type(await send(shop, item("b", b"2", reservation=id_))) is Create
    assert reservations._kept == {}


async def test_what_is_reserved_too_late_is_not(shop: Shop) -> None:
    preflight = shop.preflight(reserve=60.0)
    clock = shop.rules.reservations._clock
    assert isinstance(clock, Clock)
    clock.now = 60.0
    assert not (await preflight.judge([item("a", b"1").asked]))[0].reserved
