"""Contents, their twins and digests, and turns that fail."""

from collections.abc import Callable, Mapping

import pytest

from storage.memory.shelves import MemoryStaged
from tests.trees import EVERYWHERE, content, path, staged, store
from uploads.access import Reach
from uploads.collisions import FileHere, Nothing
from uploads.failures import Unavailable
from uploads.files import Content, Folder, Stamp, StoredFile, Usage
from uploads.ports import Index, Turn, View


async def test_a_file_with_the_same_content_is_found_in_reach_only(index: Index) -> None:
    await index.write(lambda turn: store(turn, "secret/a", b"same"))

    def ask(view: View) -> list[StoredFile | None]:
        reaches = (
            EVERYWHERE,
            Reach(()),
            Reach((("", "secret"), ("secret0", None))),
            Reach((("secret/", "secret0"),)),
        )
        return [view.same_content(content(b"same"), reach, path("b")) for reach in reaches]

    everywhere, nowhere, elsewhere, inside = await index.read(ask)
    assert everywhere is not None
    assert everywhere.path == path("secret/a")
    assert (nowhere, elsewhere, inside) == (None, None, everywhere)


async def test_a_file_of_a_size_is_found_in_reach_only(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "secret/a", b"same")
        store(turn, "gone", b"longer")
        turn.delete(path("gone"), Stamp("ann", 2.0))

    await index.write(work)

    def ask(view: View) -> list[bool]:
        outside = Reach((("", "secret"), ("secret0", None)))
        inside = Reach((("secret/", "secret0"),))
        four = [view.any_of_size(4, reach) for reach in (EVERYWHERE, Reach(()), outside, inside)]
        return [*four, view.any_of_size(6, EVERYWHERE), view.any_of_size(5, EVERYWHERE)]

    assert await index.read(ask) == [True, False, False, True, False, False]


async def test_the_file_itself_is_not_its_own_twin(index: Index) -> None:
    await index.write(lambda turn: store(turn, "a", b"same"))
    assert (
        await index.read(lambda view: view.same_content(content(b"same"), EVERYWHERE, path("a")))
        is None
    )
    await index.write(lambda turn: store(turn, "b", b"same"))
    twin = await index.read(lambda view: view.same_content(content(b"same"), EVERYWHERE, path("a")))
    assert twin is not None
    assert twin.path == path("b")


async def test_what_was_deleted_or_replaced_is_no_twin(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "a", b"same")
        store(turn, "b", b"same")
        turn.delete(path("a"), Stamp("ann", 2.0))
        store(turn, "b", b"other")

    await index.write(work)
    assert (
        await index.read(lambda view: view.same_content(content(b"same"), EVERYWHERE, path("c")))
        is None
    )


async def test_a_content_is_found_under_all_the_digests_it_arrived_with(index: Index) -> None:
    def work(turn: Turn) -> None:
        turn.keep(staged(b"one", md5=b"m", sha=b"long"))
        turn.keep(staged(b"two", md5=b"m"))

    await index.write(work)

    def ask(view: View) -> list[Content | None]:
        return [
            view.content_declared(digests)
            for digests in (
                {"sha": b"long"},
                {"sha": b"long", "md5": b"m"},
                {"sha": b"long", "md5": b"x"},
                {"sha": b"x"},
                {},
                {"md5": b"m"},
            )
        ]

    # Two contents share the weak digest, so it alone says nothing.
    assert await index.read(ask) == [content(b"one"), content(b"one"), None, None, None, None]
    assert await index.read(lambda view: view.digests(content(b"one"))) == {
        "md5": b"m",
        "sha": b"long",
    }
    assert await index.read(lambda view: view.digests(content(b"none"))) == {}


async def test_a_digest_is_vouched_for_by_those_who_declared_it(index: Index) -> None:
    def work(turn: Turn) -> None:
        turn.keep(staged(b"one", md5=b"m", sha=b"long"))
        turn.vouch(content(b"one"), ["md5"], "ann")
        turn.vouch(content(b"one"), ["md5", "sha"], "bob")

    await index.write(work)

    def told(by: str) -> Callable[[View], Mapping[str, bytes]]:
        return lambda view: view.vouched(content(b"one"), by)

    assert await index.read(told("ann")) == {"md5": b"m"}
    assert await index.read(told("bob")) == {"md5": b"m", "sha": b"long"}
    assert await index.read(told("eve")) == {}
    await index.write(lambda turn: turn.forget_contents(9))
    await index.write(lambda turn: turn.keep(staged(b"one", md5=b"m")))
    assert await index.read(told("ann")) == {}


async def test_digests_learned_later_are_added(index: Index) -> None:
    await index.write(lambda turn: turn.keep(staged(b"one", md5=b"m")))
    await index.write(lambda turn: turn.keep(staged(b"one", sha=b"long")))
    assert await index.read(lambda view: view.digests(content(b"one"))) == {
        "md5": b"m",
        "sha": b"long",
    }


async def test_one_digest_cannot_belong_to_contents_of_two_sizes(index: Index) -> None:
    await index.write(lambda turn: turn.keep(staged(b"one")))
    forged = MemoryStaged(Content(content(b"one").digest, 99), b"x" * 99, {})
    with pytest.raises(Unavailable):
        await index.write(lambda turn: turn.keep(forged))


async def test_a_content_that_was_not_kept_cannot_be_stored(index: Index) -> None:
    with pytest.raises(LookupError):
        await index.write(
            lambda turn: turn.store(path("a"), content(b"unknown"), Stamp("ann", 1.0))
        )


async def test_a_work_that_raises_leaves_nothing_behind(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "a/b")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await index.write(work)

    def ask(view: View) -> tuple[object, ...]:
        return view.at(path("a")), view.usage("ann"), view.folder(path(""))

    assert await index.read(ask) == (Nothing(), Usage(), Folder(path(""), 0, 0.0))


async def test_a_turn_sees_its_own_changes(index: Index) -> None:
    def work(turn: Turn) -> bool:
        file = store(turn, "a/b")
        return turn.at(path("a/b")) == FileHere(file)

    assert await index.write(work)


async def test_works_take_their_turns_in_the_order_in_which_they_came(index: Index) -> None:
    first = index.write(lambda turn: store(turn, "a", b"one"))
    second = index.write(lambda turn: store(turn, "b", b"two"))
    later = await second
    assert (await first).version.number < later.version.number
