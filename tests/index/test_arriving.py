"""Uploads that arrive in pieces, as every index remembers them."""

from dataclasses import replace

import pytest

from tests.trees import incoming, path
from uploads.files import Usage
from uploads.ports import Index


async def test_an_upload_is_found_as_far_as_it_has_come(index: Index) -> None:
    begun = replace(incoming("1", None), is_part=True)
    await index.write(lambda turn: turn.expect(begun))
    assert await index.read(lambda view: view.incoming("1")) == begun
    assert await index.read(lambda view: view.incoming("2")) is None

    further = replace(begun, size=100, offset=60, expires=20.0)
    await index.write(lambda turn: turn.advance(further))
    assert await index.read(lambda view: view.incoming("1")) == further

    await index.write(lambda turn: turn.drop_incoming("1"))
    assert await index.read(lambda view: view.incoming("1")) is None


async def test_an_upload_may_have_no_place_yet(index: Index) -> None:
    part = replace(incoming("1"), path=path(""))
    await index.write(lambda turn: turn.expect(part))
    assert await index.read(lambda view: view.incoming("1")) == part


async def test_what_is_gone_does_not_advance(index: Index) -> None:
    with pytest.raises(LookupError):
        await index.write(lambda turn: turn.advance(incoming("1")))


async def test_the_room_that_is_wanted_counts_from_the_beginning(index: Index) -> None:
    await index.write(lambda turn: turn.expect(incoming("1", 100)))
    await index.write(lambda turn: turn.expect(incoming("2", None)))
    await index.write(lambda turn: turn.expect(incoming("3", 7, by="bob")))
    assert await index.read(lambda view: view.usage("ann")) == Usage(100, 2)
    assert await index.read(lambda view: view.arriving("ann")) == Usage(100, 2)
    assert await index.read(lambda view: view.arriving("bob")) == Usage(7, 1)

    await index.write(lambda turn: turn.advance(incoming("1", 100, 60)))
    await index.write(lambda turn: turn.advance(incoming("2", None, 30)))
    assert await index.read(lambda view: view.usage("ann")) == Usage(130, 2)
    await index.write(lambda turn: turn.advance(incoming("2", 50, 30)))
    assert await index.read(lambda view: view.usage("ann")) == Usage(150, 2)

    await index.write(lambda turn: turn.drop_incoming("1"))
    assert await index.read(lambda view: view.arriving("ann")) == Usage(50, 1)
    await index.write(lambda turn: turn.drop_incoming("2"))
    assert await index.read(lambda view: view.usage("ann")) == Usage()


async def test_what_became_a_file_is_remembered_and_takes_no_room(index: Index) -> None:
    done = replace(incoming("1", 100, 100), number=7)
    await index.write(lambda turn: turn.expect(done))
    assert await index.read(lambda view: view.incoming("1")) == done
    assert await index.read(lambda view: view.usage("ann")) == Usage()
    await index.write(lambda turn: turn.drop_incoming("1"))
    assert await index.read(lambda view: view.usage("ann")) == Usage()


async def test_expired_ones_are_forgotten_in_steps(index: Index) -> None:
    for number in range(3):
        await index.write(lambda turn, id_=str(number): turn.expect(incoming(id_)))  # type: ignore[misc]
    await index.write(lambda turn: turn.expect(incoming("later", expires=9.1)))
    steps = [await index.write(lambda turn: turn.forget_incoming(9.0, 2)) for _ in range(3)]
    assert steps == [2, 1, 0]
    assert await index.read(lambda view: view.incoming("later"))
    assert await index.read(lambda view: view.arriving("ann")) == Usage(100, 1)


async def test_those_whose_ids_begin_alike_are_gathered_in_their_order(index: Index) -> None:
    for id_ in ("a.x.2", "a.x", "b.x.1", "a.y", "a.x.1", "a", "a/x"):
        await index.write(lambda turn, id_=id_: turn.expect(incoming(id_)))  # type: ignore[misc]

    async def gathered(group: str) -> list[str]:
        return [one.id for one in await index.read(lambda view: view.gathered(group))]

    assert await gathered("a.x") == ["a.x", "a.x.1", "a.x.2"]
    assert await gathered("a.") == ["a.x", "a.x.1", "a.x.2", "a.y"]
    assert await gathered("c") == []
