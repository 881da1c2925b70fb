"""Moving, and making folders."""

import pytest

from tests.trees import content, folder, path, shown, store, stored
from uploads.access import Reach
from uploads.collisions import FileHere, Lookalike, Nothing
from uploads.failures import MalformedRequest
from uploads.files import Folder, Kind, Listing, Stamp, StoredFile
from uploads.ports import Index, Turn


async def test_a_moved_file_keeps_its_history_and_gets_a_new_number(index: Index) -> None:
    def work(turn: Turn) -> StoredFile | Folder:
        store(turn, "a/x", b"1", modified=0.5, claimed_type="x/y")
        return turn.move(path("a/x"), path("b/c/y"), Stamp("bob", 2.0))

    file = await index.write(work)
    assert isinstance(file, StoredFile)
    assert (file.path, file.version.number, file.version.by) == (path("b/c/y"), 2, "bob")
    assert (file.version.modified, file.version.claimed_type) == (0.5, "x/y")
    assert await index.read(lambda view: view.at(path("a/x"))) == Nothing()
    assert await index.read(lambda view: view.at(path("b/c/y"))) == FileHere(file)
    events = await index.read(lambda view: view.history(path("b/c/y"), None, 9))
    assert [event.kind for event in events] == [Kind.MOVED, Kind.CREATED]
    for name in ("", "a", "b", "b/c"):
        assert await folder(index, name) == Folder(path(name), 2, 2.0)


async def test_a_moved_folder_is_one_change_and_leaves_versions_alone(index: Index) -> None:
    def work(turn: Turn) -> StoredFile | Folder:
        store(turn, "a/b/x", b"same")
        store(turn, "a/y")
        return turn.move(path("a"), path("Q/r"), Stamp("bob", 2.0))

    assert await index.write(work) == Folder(path("Q/r"), 3, 2.0)
    files = await index.read(lambda view: view.files_below(path(""), None, 9))
    assert [(str(file.path), file.version.number) for file in files] == [
        ("Q/r/b/x", 1),
        ("Q/r/y", 2),
    ]
    below = Reach((("q/r/", "q/r0"),))
    twin = await index.read(lambda view: view.same_content(content(b"same"), below, path("z")))
    assert twin is not None
    assert twin.path == path("Q/r/b/x")


async def test_what_was_deleted_in_a_folder_moves_with_it(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "a/x", b"lost")
        store(turn, "a/y")
        turn.delete(path("a/x"), Stamp("ann", 2.0))
        turn.move(path("a"), path("bb"), Stamp("ann", 3.0))
        turn.restore(path("bb/x"), 1, Stamp("ann", 4.0))

    await index.write(work)
    below = Reach((("bb/", "bb0"),))
    assert (
        await index.read(lambda view: view.same_content(content(b"lost"), below, path("z")))
        is not None
    )


async def test_a_file_can_be_renamed_to_another_spelling_of_its_name(index: Index) -> None:
    await stored(index, "plan")
    file = await index.write(lambda turn: turn.move(path("plan"), path("Plan"), Stamp("ann", 2.0)))
    assert isinstance(file, StoredFile)
    assert await index.read(lambda view: view.at(path("Plan"))) == FileHere(file)
    assert isinstance(await index.read(lambda view: view.at(path("plan"))), Lookalike)


@pytest.mark.parametrize(
    ("source", "target"), [("a", "b"), ("none", "c"), ("f", "f/g"), ("A", "c"), ("", "c")]
)
async def test_a_move_that_cannot_be_is_refused_and_changes_nothing(
    index: Index, source: str, target: str
) -> None:
    await stored(index, "a", "b", "f/x")
    with pytest.raises((ValueError, LookupError)):
        await index.write(lambda turn: turn.move(path(source), path(target), Stamp("ann", 2.0)))
    page = await index.read(lambda view: view.page(path(""), Listing()))
    assert shown(page.entries) == ["f", "a", "b"]


async def test_a_folder_that_moves_among_exact_names_takes_their_rule(index: Index) -> None:
    await stored(index, "exact/one", "Free/Plan")
    await index.write(lambda turn: turn.move(path("Free"), path("exact/Free"), Stamp("ann", 2.0)))
    await stored(index, "exact/Free/plan", "exact/free/plan")
    page = await index.read(lambda view: view.page(path("exact/Free"), Listing()))
    assert shown(page.entries) == ["exact/Free/Plan", "exact/Free/plan"]


async def test_names_that_would_fall_together_at_the_target_stop_the_move(index: Index) -> None:
    await stored(index, "exact/in/a", "exact/in/A")
    with pytest.raises(MalformedRequest):
        await index.write(lambda turn: turn.move(path("exact/in"), path("out"), Stamp("ann", 2.0)))
    assert await index.read(lambda view: view.at(path("out"))) == Nothing()


async def test_a_folder_is_made_with_those_above_it(index: Index) -> None:
    folder = await index.write(lambda turn: turn.make_folder(path("a/b"), Stamp("ann", 2.0)))
    assert folder == Folder(path("a/b"), 1, 2.0)
    assert await index.read(lambda view: view.folder(path("a"))) == Folder(path("a"), 1, 2.0)


@pytest.mark.parametrize("name", ["a", "a/b", "A", "a/b/c", "A/new"])
async def test_a_folder_is_not_made_where_something_is_in_the_way(index: Index, name: str) -> None:
    await stored(index, "a/b")
    with pytest.raises(ValueError):
        await index.write(lambda turn: turn.make_folder(path(name), Stamp("ann", 2.0)))


@pytest.mark.parametrize("name", ["a", "a/b/c", "A/new"])
async def test_a_file_is_not_stored_where_something_else_is_in_the_way(
    index: Index, name: str
) -> None:
    await stored(index, "a/b")
    with pytest.raises(ValueError):
        await stored(index, name)


async def test_the_extent_of_a_folder_counts_what_was_deleted_too(index: Index) -> None:
    await stored(index, "a/b/c", "a/äö/dd/e", "x")
    assert await index.read(lambda view: view.extent(path("a"))) == (3, len("/äö/dd/e".encode()))
    await index.write(lambda turn: turn.delete(path("a/äö"), Stamp("ann", 2.0)))
    assert await index.read(lambda view: view.extent(path("a"))) == (3, len("/äö/dd/e".encode()))
    assert await index.read(lambda view: view.extent(path("a/b"))) == (1, 2)
    assert await index.read(lambda view: view.extent(path("none"))) == (0, 0)


async def test_an_id_stays_with_what_is_replaced_moved_or_brought_back(index: Index) -> None:
    def work(turn: Turn) -> list[int]:
        made = [store(turn, "a/x", b"1"), store(turn, "a/x", b"2"), store(turn, "a/y", b"1")]
        moved = turn.move(path("a"), path("b"), Stamp("bob", 2.0))
        gone = turn.delete(path("b"), Stamp("bob", 3.0))
        back = turn.restore_folder(path("b"), gone, Stamp("bob", 4.0))
        assert back is not None
        found = [turn.at(path(name)) for name in ("b/x", "b/y")]
        files = [at.file for at in found if isinstance(at, FileHere)]
        return [one.id for one in (*made, moved, back, *files)]

    x, x_again, y, folder_moved, folder_back, x_back, y_back = await index.write(work)
    assert x == x_again == x_back
    assert y == y_back
    assert folder_moved == folder_back
    assert len({0, x, y, folder_moved}) == 4
