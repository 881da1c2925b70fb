"""Locks and properties: where they are found, where they go, and when they end."""

import pytest

from tests.trees import at, path, store
from uploads.collisions import FileHere
from uploads.files import Property, Stamp
from uploads.locks import Lock
from uploads.ports import Index, Turn

COLOUR = Property("urn:x", "colour", "<colour xmlns='urn:x'>red</colour>")
SHAPE = Property("", "shape", "<shape/>")
NOW = Stamp("ann", 9.0)


def lock(place: str, token: str, *, by: str = "ann", expires: float = 99.0) -> Lock:
    return Lock(token, path(place), by, True, False, "<me/>", expires)  # noqa: FBT003


async def over(index: Index, place: str) -> list[str]:
    return [one.token for one in await index.read(lambda view: view.locks_over(path(place)))]


async def below(index: Index, place: str) -> list[str]:
    return [one.token for one in await index.read(lambda view: view.locks_below(path(place)))]


async def exactly_at(index: Index, *places: str) -> list[str]:
    paths = [path(place) for place in places]
    return [one.token for one in await index.read(lambda view: view.locks_at(paths))]


async def kept(index: Index, place: str) -> list[Property]:
    return await index.read(lambda view: view.properties(path(place)))


async def test_a_lock_is_found_at_its_place_and_from_all_below_it(index: Index) -> None:
    def work(turn: Turn) -> None:
        for token, place in (("top", ""), ("a", "a"), ("ab", "a/b"), ("a-", "a-"), ("a0", "a0")):
            turn.lock(lock(place, token))

    await index.write(work)
    assert await over(index, "a/b/c") == ["top", "a", "ab"]
    assert await over(index, "A") == ["top", "a"]
    assert await over(index, "") == ["top"]
    assert await below(index, "a") == ["ab"]
    assert sorted(await below(index, "")) == ["a", "a-", "a0", "ab"]
    assert await exactly_at(index, "", "A/b", "a/b/c") == ["top", "ab"]
    found = await index.read(lambda view: view.locks_over(path("a/b"))[-1])
    assert found == lock("a/b", "ab")


async def test_in_a_folder_of_exact_names_two_spellings_have_two_locks(index: Index) -> None:
    await index.write(lambda turn: turn.lock(lock("exact/a", "t")))
    assert await over(index, "exact/a") == ["t"]
    assert await over(index, "exact/A") == []


async def test_a_lock_ends_when_it_is_given_back_deleted_moved_away_or_run_out(
    index: Index,
) -> None:
    def work(turn: Turn) -> None:
        for name in ("given", "gone/below", "moved/below", "old", "stays"):
            store(turn, name)
            turn.lock(lock(name, name, expires=1.0 if name == "old" else 99.0))
        turn.lock(lock("goner", "goner"))
        turn.unlock("given")
        turn.delete(path("gone"), NOW)
        turn.move(path("moved"), path("there"), NOW)
        assert turn.locks_of("ann") == 3
        assert turn.forget_locks(1.0, 9) == 1
        assert turn.forget_locks(1.0, 9) == 0

    await index.write(work)
    assert sorted(await below(index, "")) == ["goner", "stays"]
    assert await index.read(lambda view: view.locks_of("bob")) == 0


async def test_locking_again_with_the_same_token_makes_it_last_longer(index: Index) -> None:
    def work(turn: Turn) -> list[Lock]:
        turn.lock(lock("a", "t"))
        turn.lock(lock("a", "t", expires=200.0))
        return turn.locks_over(path("a"))

    assert [one.expires for one in await index.write(work)] == [200.0]


async def test_a_lock_counts_in_the_turn_after_none_was_found_or_its_end_was_undone(
    index: Index,
) -> None:
    def found(turn: Turn) -> list[str]:
        return [one.token for one in turn.locks_over(path("a"))]

    def undone(turn: Turn) -> None:
        turn.unlock("t")
        assert found(turn) == []
        raise ZeroDivisionError

    assert await index.write(found) == []
    await index.write(lambda turn: turn.lock(lock("a", "t")))
    assert await index.write(found) == ["t"]
    with pytest.raises(ZeroDivisionError):
        await index.write(undone)
    assert await index.write(found) == ["t"]
    await index.write(lambda turn: turn.unlock("t"))
    assert await index.write(found) == []


async def test_properties_stay_with_a_file_that_moves_and_with_a_folder_and_the_top(
    index: Index,
) -> None:
    def work(turn: Turn) -> None:
        store(turn, "a/b")
        for place in ("", "a", "a/b"):
            turn.set_property(path(place), COLOUR)
        turn.set_property(path("a/b"), SHAPE)
        turn.set_property(path("a/b"), SHAPE)
        turn.move(path("a"), path("c"), NOW)
        store(turn, "c/b", b"another version")

    await index.write(work)
    assert await kept(index, "c/b") == [SHAPE, COLOUR]
    assert await kept(index, "c") == await kept(index, "") == [COLOUR]
    assert await kept(index, "a") == await kept(index, "C/b") == []


async def test_a_copy_has_the_same_properties_and_no_others(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "a")
        store(turn, "b")
        turn.set_property(path("a"), COLOUR)
        turn.set_property(path("b"), SHAPE)
        turn.copy_properties(path("a"), path("b"))
        turn.drop_property(path("a"), "urn:x", "colour")
        turn.drop_property(path("a"), "urn:x", "never there")

    await index.write(work)
    assert await kept(index, "b") == [COLOUR]
    assert await kept(index, "a") == []


async def test_properties_come_back_with_what_is_restored_but_not_to_something_new(
    index: Index,
) -> None:
    def work(turn: Turn) -> None:
        file = store(turn, "a/b")
        for place in ("a", "a/b"):
            turn.set_property(path(place), COLOUR)
        number = turn.delete(path("a"), NOW)
        turn.restore_folder(path("a"), number, NOW)
        assert turn.properties(path("a")) == turn.properties(path("a/b")) == [COLOUR]
        turn.delete(path("a/b"), NOW)
        turn.restore(path("a/b"), file.version.number, NOW)
        assert turn.properties(path("a/b")) == [COLOUR]
        turn.delete(path("a"), NOW)
        store(turn, "a/b", b"new")
        assert turn.properties(path("a")) == turn.properties(path("a/b")) == []

    await index.write(work)


async def test_properties_go_for_good_with_the_last_version(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "a")
        turn.set_property(path("a"), COLOUR)
        turn.delete(path("a"), Stamp("ann", 2.0))
        turn.forget_versions(99.0, 9)
        turn.forget_versions(99.0, 9)
        store(turn, "a")

    await index.write(work)
    assert await kept(index, "a") == []


async def test_a_new_date_is_no_change_of_version_or_of_the_folders_above(index: Index) -> None:
    before = await index.write(lambda turn: store(turn, "a/b", modified=5.0))
    folder = await index.read(lambda view: view.folder(path("a")))
    await index.write(lambda turn: turn.set_modified(path("a/b"), 7.0))
    found = await at(index, "a/b")

    assert isinstance(found, FileHere)
    assert (found.file.version.modified, found.file.etag) == (7.0, before.etag)
    assert await index.read(lambda view: view.folder(path("a"))) == folder
    kept_too = await index.read(lambda view: view.version(path("a/b"), before.version.number))
    assert kept_too is not None
    assert kept_too.version.modified == 7.0
