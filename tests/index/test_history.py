"""History, deleting and restoring."""

from functools import partial

import pytest

from tests.trees import at, content, events_of, path, shown, store, stored
from uploads.collisions import FileHere, Nothing
from uploads.files import (
    Folder,
    Kind,
    Listing,
    Stamp,
    StoredFile,
)
from uploads.ports import Index, Turn


def _delete(name: str, turn: Turn) -> int:
    return turn.delete(path(name), Stamp("ann", 1.0))


async def test_history_is_newest_first_and_tells_what_each_change_was(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "a", b"1", at=1.0)
        store(turn, "a", b"2", at=2.0, by="bob")
        turn.delete(path("a"), Stamp("cat", 3.0))
        store(turn, "a", b"3", at=4.0)

    await index.write(work)
    events = await index.read(lambda view: view.history(path("a"), None, 10))
    assert [(event.number, event.kind, event.by, event.at) for event in events] == [
        (4, Kind.CREATED, "ann", 4.0),
        (3, Kind.DELETED, "cat", 3.0),
        (2, Kind.REPLACED, "bob", 2.0),
        (1, Kind.CREATED, "ann", 1.0),
    ]
    assert events[1].version is None
    assert [event.version.content for event in events if event.version] == [
        content(b"3"),
        content(b"2"),
        content(b"1"),
    ]


async def test_history_comes_in_pages(index: Index) -> None:
    await index.write(lambda turn: [store(turn, "a", bytes([65 + number])) for number in range(5)])
    first = await index.read(lambda view: view.history(path("a"), None, 2))
    second = await index.read(lambda view: view.history(path("a"), first[-1].number, 2))
    assert [event.number for event in first + second] == [5, 4, 3, 2]


async def test_the_history_of_a_deleted_file_in_a_deleted_folder_can_be_read(index: Index) -> None:
    await stored(index, "a/b/c")
    await index.write(lambda turn: turn.delete(path("a"), Stamp("ann", 2.0)))
    events = await index.read(lambda view: view.history(path("a/b/c"), None, 10))
    assert [(event.number, event.kind) for event in events] == [
        (2, Kind.DELETED),
        (1, Kind.CREATED),
    ]
    assert await index.read(lambda view: view.history(path("never"), None, 10)) == []
    assert await index.read(lambda view: view.history(path(""), None, 10)) == []


async def test_a_version_is_read_by_its_number(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "a", b"1")
        store(turn, "a", b"2")
        turn.delete(path("a"), Stamp("ann", 3.0))

    await index.write(work)
    first, second, third, fourth = await index.read(
        lambda view: [view.version(path("a"), number) for number in (1, 2, 3, 4)]
    )
    assert first is not None
    assert second is not None
    assert (first.content, second.content) == (content(b"1"), content(b"2"))
    assert (third, fourth) == (None, None)
    assert await index.read(lambda view: view.version(path("b"), 1)) is None


async def test_two_files_that_stood_at_one_name_share_its_history(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "a", b"1")
        turn.delete(path("a"), Stamp("ann", 2.0))
        store(turn, "b", b"2")
        turn.move(path("b"), path("a"), Stamp("ann", 3.0))

    await index.write(work)
    events = await index.read(lambda view: view.history(path("a"), None, 10))
    assert [event.number for event in events] == [4, 3, 2, 1]


async def test_a_deleted_file_is_gone_and_its_name_is_free(index: Index) -> None:
    await stored(index, "a/b")
    number = await index.write(lambda turn: turn.delete(path("a/b"), Stamp("ann", 2.0)))
    assert number == 2
    assert await index.read(lambda view: view.at(path("a/b"))) == Nothing()
    assert await index.read(lambda view: view.folder(path("a"))) == Folder(path("a"), 2, 2.0)


async def test_a_deleted_folder_takes_all_that_is_in_it_along_as_one_change(index: Index) -> None:
    await stored(index, "a/b/c", "a/d", "e")
    number = await index.write(lambda turn: turn.delete(path("a"), Stamp("ann", 2.0)))
    for name in ("a", "a/b", "a/b/c", "a/d"):
        assert await at(index, name) == Nothing()
    for name in ("a/b/c", "a/d"):
        events = await events_of(index, name)
        assert (events[0].number, events[0].kind) == (number, Kind.DELETED)
    assert isinstance(await index.read(lambda view: view.at(path("e"))), FileHere)


async def test_what_is_not_there_cannot_be_deleted(index: Index) -> None:
    await stored(index, "Plan")
    for name in ("none", "plan", ""):
        with pytest.raises(LookupError):
            await index.write(partial(_delete, name))


async def test_a_name_that_is_used_again_takes_the_new_spelling(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "Docs/Plan", b"1")
        turn.delete(path("Docs"), Stamp("ann", 2.0))
        store(turn, "docs/plan", b"2")

    await index.write(work)
    page = await index.read(lambda view: view.page(path(""), Listing()))
    assert shown(page.entries) == ["docs"]
    page = await index.read(lambda view: view.page(path("docs"), Listing()))
    assert shown(page.entries) == ["docs/plan"]
    assert len(await index.read(lambda view: view.history(path("docs/plan"), None, 9))) == 3


async def test_an_earlier_version_comes_back_as_the_newest(index: Index) -> None:
    def work(turn: Turn) -> StoredFile:
        store(turn, "a", b"1", at=1.0, modified=0.5, claimed_type="x/y")
        store(turn, "a", b"2", at=2.0)
        return turn.restore(path("a"), 1, Stamp("bob", 3.0))

    file = await index.write(work)
    assert (file.content, file.version.number, file.version.by) == (content(b"1"), 3, "bob")
    assert (file.version.modified, file.version.claimed_type, file.version.stored) == (
        0.5,
        "x/y",
        3.0,
    )
    events = await index.read(lambda view: view.history(path("a"), None, 1))
    assert events[0].kind is Kind.RESTORED


async def test_a_deleted_file_comes_back_with_the_folders_above_it(index: Index) -> None:
    await stored(index, "a/b/c")
    await index.write(lambda turn: turn.delete(path("a"), Stamp("ann", 2.0)))
    file = await index.write(lambda turn: turn.restore(path("a/b/c"), 1, Stamp("ann", 3.0)))
    assert await index.read(lambda view: view.at(path("a/b/c"))) == FileHere(file)
    assert file.content == content(b"a/b/c")


async def test_a_version_that_never_was_cannot_be_restored(index: Index) -> None:
    await stored(index, "a")
    with pytest.raises(LookupError):
        await index.write(lambda turn: turn.restore(path("a"), 7, Stamp("ann", 2.0)))


async def test_a_deleted_folder_comes_back_with_exactly_what_that_deletion_took(
    index: Index,
) -> None:
    def work(turn: Turn) -> Folder | None:
        for name in ("a/b/c", "a/d", "a/earlier"):
            store(turn, name, modified=0.25)
        turn.make_folder(path("a/empty"), Stamp("ann", 1.0))
        turn.delete(path("a/earlier"), Stamp("ann", 2.0))
        number = turn.delete(path("a"), Stamp("ann", 3.0))
        return turn.restore_folder(path("a"), number, Stamp("bob", 4.0))

    folder = await index.write(work)
    assert folder == Folder(path("a"), 7, 4.0)
    files = await index.read(lambda view: view.files_below(path(""), None, 9))
    assert [str(file.path) for file in files] == ["a/b/c", "a/d"]
    assert [(file.version.number, file.version.by, file.version.modified) for file in files] == [
        (7, "bob", 0.25)
    ] * 2
    assert await index.read(lambda view: view.folder(path("a/empty"))) == Folder(
        path("a/empty"), 7, 4.0
    )
    assert await index.read(lambda view: view.folder(path("a/b"))) == Folder(path("a/b"), 7, 4.0)


async def test_a_folder_that_was_made_again_gets_back_what_is_still_lost(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "a/b/old", b"old")
        store(turn, "a/b/both", b"old")
        number = turn.delete(path("a"), Stamp("ann", 2.0))
        store(turn, "a/b/both", b"new")
        turn.restore_folder(path("a"), number, Stamp("ann", 3.0))

    await index.write(work)
    files = await index.read(lambda view: view.files_below(path("a"), None, 9))
    assert {str(file.path): file.content for file in files} == {
        "a/b/old": content(b"old"),
        "a/b/both": content(b"new"),
    }
    assert await index.read(lambda view: view.folder(path("a/b"))) == Folder(path("a/b"), 5, 3.0)


async def test_a_deletion_of_something_else_restores_no_folder(index: Index) -> None:
    def work(turn: Turn) -> list[object]:
        store(turn, "a/x")
        store(turn, "b/x")
        other = turn.delete(path("b"), Stamp("ann", 2.0))
        turn.delete(path("a"), Stamp("ann", 2.0))
        return [
            turn.restore_folder(path(name), number, Stamp("ann", 3.0))
            for name, number in (("a", other), ("a", 1), ("a", 99), ("c", 1))
        ]

    assert await index.write(work) == [None] * 4
    assert await index.read(lambda view: view.files_below(path(""), None, 9)) == []
