"""The contract of the port `Index`, the same for every implementation."""

import hashlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path as DiskPath
from typing import Any

import pytest

from storage.memory import MemoryBlobs, MemoryIndex, MemoryStaged
from storage.sqlite import SqliteIndex
from uploads.access import Reach
from uploads.collisions import AtName, FileAbove, FileHere, FolderHere, Lookalike, Nothing
from uploads.failures import MalformedRequest, Unavailable
from uploads.files import (
    Content,
    Event,
    Folder,
    Kind,
    Listing,
    Order,
    Page,
    Stamp,
    StoredFile,
    Upload,
    Usage,
)
from uploads.names import Path
from uploads.policy import Policies, Policy
from uploads.ports import Index, Turn, View

EVERYWHERE = Reach((("", None),))
EXACT = Path(("exact",))
POLICIES = Policies(Policy(), {EXACT: Policy(exact_names=True)})


@pytest.fixture(params=["memory", "sqlite"])
async def index(request: pytest.FixtureRequest, tmp_path: DiskPath) -> AsyncIterator[Index]:
    blobs = MemoryBlobs()
    made: MemoryIndex | SqliteIndex
    if request.param == "memory":
        made = MemoryIndex(POLICIES.keys, blobs)
    else:
        made = await SqliteIndex.open(
            tmp_path, keys=POLICIES.keys, blobs=blobs, publish=lambda _: None, clock=lambda: 0.0
        )
    yield made
    await made.close()


def path(text: str) -> Path:
    return Path(tuple(text.split("/"))) if text else Path(())


def staged(data: bytes, media_type: str = "text/plain", **digests: bytes) -> MemoryStaged:
    content = Content(f"sha256:{hashlib.sha256(data).hexdigest()}", len(data), media_type)
    return MemoryStaged(content, data, digests)


def content(data: bytes) -> Content:
    return staged(data).content


def store(
    turn: Turn, name: str, data: bytes = b"", at: float = 1.0, by: str = "ann", **said: Any
) -> StoredFile:
    bytes_ = staged(data or name.encode())
    turn.keep(bytes_)
    return turn.store(path(name), bytes_.content, Stamp(by, at, **said))


async def stored(index: Index, *names: str, at: float = 1.0) -> list[StoredFile]:
    return await index.write(lambda turn: [store(turn, name, at=at) for name in names])


async def at(index: Index, name: str) -> AtName:
    return await index.read(lambda view: view.at(path(name)))


async def folder(index: Index, name: str) -> Folder | None:
    return await index.read(lambda view: view.folder(path(name)))


async def events_of(index: Index, name: str) -> list[Event]:
    return await index.read(lambda view: view.history(path(name), None, 9))


def shown(entries: tuple[StoredFile | Folder, ...]) -> list[str]:
    return [str(entry.path) for entry in entries]


# What stands at a name


def _root_page(listing: Listing, view: View) -> Page:
    return view.page(path(""), listing)


def _two_below(after: Path | None, view: View) -> list[StoredFile]:
    return view.files_below(path(""), after, 2)


def _delete(name: str, turn: Turn) -> int:
    return turn.delete(path(name), Stamp("ann", 1.0))


async def test_the_root_is_always_a_folder(index: Index) -> None:
    at = await index.read(lambda view: view.at(path("")))
    assert at == FolderHere(Folder(path(""), 0, 0.0))
    assert await index.read(lambda view: view.folder(path(""))) == Folder(path(""), 0, 0.0)


async def test_nothing_stands_at_a_free_name_whatever_is_missing_above(index: Index) -> None:
    for name in ("a", "a/b", "a/b/c"):
        assert await at(index, name) == Nothing()


async def test_a_stored_file_stands_at_its_name_with_all_that_is_known_of_it(index: Index) -> None:
    file = await index.write(
        lambda turn: store(
            turn, "docs/Plan.txt", b"one", at=5.0, modified=3.5, claimed_type="text/x-plan"
        )
    )
    assert file.path == path("docs/Plan.txt")
    assert file.content == content(b"one")
    assert file.content.media_type == "text/plain"
    assert (file.version.number, file.version.stored, file.version.modified) == (1, 5.0, 3.5)
    assert (file.version.by, file.version.claimed_type) == ("ann", "text/x-plan")
    assert await index.read(lambda view: view.at(path("docs/Plan.txt"))) == FileHere(file)


async def test_missing_folders_are_made_and_bear_the_number_of_the_change(index: Index) -> None:
    await stored(index, "a/b/c.txt", at=7.0)
    for name in ("", "a", "a/b"):
        found = await folder(index, name)
        assert found == Folder(path(name), 1, 7.0)


async def test_another_spelling_of_a_file_is_a_lookalike_with_its_rule(index: Index) -> None:
    (file,) = await stored(index, "docs/Plan.txt")
    at = await index.read(lambda view: view.at(path("docs/PLAN.txt")))
    assert isinstance(at, Lookalike)
    assert (at.existing, at.wanted) == (file, path("docs/PLAN.txt"))


async def test_another_spelling_of_a_folder_above_is_a_lookalike_of_that_folder(
    index: Index,
) -> None:
    await stored(index, "Docs/sub/plan.txt")
    at = await index.read(lambda view: view.at(path("docs/sub/other.txt")))
    assert isinstance(at, Lookalike)
    assert at.existing == Folder(path("Docs"), 1, 1.0)
    assert at.wanted == path("docs")


async def test_a_file_where_the_path_needs_a_folder_is_a_file_above(index: Index) -> None:
    (file,) = await stored(index, "a/b")
    assert await index.read(lambda view: view.at(path("a/b/c/d"))) == FileAbove(file)


async def test_where_names_are_exact_spellings_stand_side_by_side(index: Index) -> None:
    await stored(index, "exact/a", "exact/A")
    assert await index.read(lambda view: view.at(path("exact/á"))) == Nothing()
    page = await index.read(lambda view: view.page(EXACT, Listing()))
    assert shown(page.entries) == ["exact/A", "exact/a"]


async def test_a_folder_is_found_by_its_exact_spelling_only(index: Index) -> None:
    await stored(index, "Docs/plan.txt")
    assert await index.read(lambda view: view.folder(path("docs"))) is None
    assert await index.read(lambda view: view.folder(path("Docs/plan.txt"))) is None


# Listing


async def test_folders_stand_before_files_and_names_are_sorted_by_key(index: Index) -> None:
    await stored(index, "b.txt", "A.txt", "z/x", "Y/x", "c.txt")
    page = await index.read(lambda view: view.page(path(""), Listing()))
    assert shown(page.entries) == ["Y", "z", "A.txt", "b.txt", "c.txt"]
    assert page.after is None


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", list(Order))
async def test_pages_together_hold_every_entry_once_in_order(
    index: Index, order: Order, *, descending: bool
) -> None:
    def work(turn: Turn) -> None:
        for number in range(7):
            store(turn, f"file{number}", b"x" * (number % 3 + 1), modified=float(number % 4))
            store(turn, f"folder{number}/x", at=float(number % 2))
        bytes_ = staged(b"<html>", "text/html")
        turn.keep(bytes_)
        turn.store(path("page"), bytes_.content, Stamp("ann", 1.0))

    await index.write(work)
    whole = await index.read(lambda view: view.page(path(""), Listing(order, descending)))
    assert len(whole.entries) == 15
    names, after = [], None
    for _ in range(20):
        listing = Listing(order, descending, after, 2)
        page = await index.read(partial(_root_page, listing))
        names += shown(page.entries)
        if (after := page.after) is None:
            break
    assert names == shown(whole.entries)
    values = [_sorted_by(entry, order) for entry in whole.entries]
    assert values[:7] == sorted(values[:7], reverse=descending)
    assert values[7:] == sorted(values[7:], reverse=descending)
    assert all(isinstance(entry, Folder) for entry in whole.entries[:7])


def _sorted_by(entry: StoredFile | Folder, order: Order) -> Any:
    match entry, order:
        case (_, Order.NAME):
            return entry.path.name
        case (Folder(), Order.MODIFIED):
            return entry.modified
        case (StoredFile(), Order.MODIFIED):
            return entry.version.modified
        case (StoredFile(), Order.SIZE):
            return entry.content.size
        case (StoredFile(), Order.TYPE):
            return entry.content.media_type
        case _:
            return 0


async def test_a_listing_goes_on_where_it_was_while_entries_come_and_go(index: Index) -> None:
    await stored(index, "b", "d", "f")
    first = await index.read(lambda view: view.page(path(""), Listing(limit=2)))
    await index.write(lambda turn: turn.delete(path("d"), Stamp("ann", 2.0)))
    await stored(index, "a", "e")
    rest = await index.read(lambda view: view.page(path(""), Listing(after=first.after)))
    assert shown(rest.entries) == ["e", "f"]


@pytest.mark.parametrize(
    "after",
    ["", "x", "€", "bm90IGpzb24", "W10", "WyJuYW1lIiwwLDAsNSw1XQ", "WyJzaXplIiwwLDAsMSwiYSJd"],
)
async def test_a_page_that_no_listing_gave_out_is_refused(index: Index, after: str) -> None:
    with pytest.raises(MalformedRequest):
        await index.read(lambda view: view.page(path(""), Listing(after=after)))


async def test_a_missing_folder_lists_nothing(index: Index) -> None:
    page = await index.read(lambda view: view.page(path("none"), Listing()))
    assert page.entries == ()


async def test_a_folder_is_empty_until_something_is_in_it_and_again_when_it_is_gone(
    index: Index,
) -> None:
    await index.write(lambda turn: turn.make_folder(path("a"), Stamp("ann", 1.0)))
    assert await index.read(lambda view: view.is_empty(path("a")))
    await stored(index, "a/x")
    assert not await index.read(lambda view: view.is_empty(path("a")))
    await index.write(lambda turn: turn.delete(path("a/x"), Stamp("ann", 2.0)))
    assert await index.read(lambda view: view.is_empty(path("a")))


async def test_files_below_come_in_the_order_of_their_parts_page_by_page(index: Index) -> None:
    wanted = ["a/b/1", "a/b/2", "a/c", "a-b", "b", "c/d/e"]
    await stored(index, *reversed(wanted))
    found: list[str] = []
    after: Path | None = None
    while files := await index.read(partial(_two_below, after)):
        found += [str(file.path) for file in files]
        after = files[-1].path
    assert found == wanted
    below = await index.read(lambda view: view.files_below(path("a"), path("a/b/1"), 9))
    assert [str(file.path) for file in below] == ["a/b/2", "a/c"]


async def test_files_below_go_on_after_a_file_that_is_gone(index: Index) -> None:
    await stored(index, "a/1", "a/2", "a/3")
    await index.write(lambda turn: turn.delete(path("a/2"), Stamp("ann", 2.0)))
    below = await index.read(lambda view: view.files_below(path("a"), path("a/2"), 9))
    assert [str(file.path) for file in below] == ["a/3"]


# Contents


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


# Turns


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


# Free names


async def test_a_free_name_is_one_that_no_spelling_has(index: Index) -> None:
    await stored(index, "a/Plan.txt")
    first = await index.read(lambda view: view.free_name(path("a/Plan.txt")))
    await stored(index, str(first).upper().replace("A/", "a/"))
    second = await index.read(lambda view: view.free_name(path("a/Plan.txt")))
    assert first.parent == second.parent == path("a")
    assert second.folded != first.folded
    assert await index.read(lambda view: view.at(second)) == Nothing()


# History


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


# Deleting


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


# Restoring


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


# Moving


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


# Making folders


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


# Uploads and quota


def upload(id_: str, data: bytes, by: str = "ann", expires: float = 9.0) -> Upload:
    return Upload(id_, path("a/b.txt"), content(data), by, 1.0, expires, "NameTaken", 0.5, "x/y")


async def test_a_parked_upload_is_found_until_it_is_dropped(index: Index) -> None:
    def work(turn: Turn) -> None:
        turn.keep(staged(b"parked"))
        for id_ in ("2", "1", "3"):
            turn.park(upload(id_, b"parked"))
        turn.park(upload("4", b"parked", by="bob"))

    await index.write(work)
    assert await index.read(lambda view: view.upload("1")) == upload("1", b"parked")
    own = await index.read(lambda view: view.uploads("ann", None, 2))
    rest = await index.read(lambda view: view.uploads("ann", own[-1].id, 9))
    assert [found.id for found in own + rest] == ["1", "2", "3"]
    assert await index.read(lambda view: view.parked("ann")) == Usage(18, 3)
    await index.write(lambda turn: turn.drop_upload("1"))
    assert await index.read(lambda view: view.upload("1")) is None
    assert await index.read(lambda view: view.parked("ann")) == Usage(12, 2)


async def test_an_upload_parked_by_a_later_claim_needs_its_content(index: Index) -> None:
    with pytest.raises(LookupError):
        await index.write(lambda turn: turn.park(upload("1", b"never kept")))


async def test_usage_counts_every_version_and_every_parked_upload(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "a", b"12345")
        store(turn, "a", b"123")
        store(turn, "b", b"12345", by="bob")
        turn.delete(path("a"), Stamp("bob", 2.0))
        turn.park(upload("1", b"123"))

    await index.write(work)
    assert await index.read(lambda view: view.usage("ann")) == Usage(11, 3)
    assert await index.read(lambda view: view.usage("bob")) == Usage(5, 1)
    assert await index.read(lambda view: view.usage("nobody")) == Usage()


async def test_a_moved_file_is_charged_once_to_whom_it_was_charged_before(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "a", b"12345")
        turn.move(path("a"), path("b"), Stamp("bob", 2.0))
        turn.move(path("b"), path("c"), Stamp("bob", 3.0))

    await index.write(work)
    assert await index.read(lambda view: view.usage("ann")) == Usage(5, 1)
    assert await index.read(lambda view: view.usage("bob")) == Usage()
    assert await index.write(lambda turn: turn.forget_versions(9.0, 9)) == 2
    assert await index.read(lambda view: view.usage("ann")) == Usage(5, 1)


# Forgetting


async def test_versions_are_forgotten_when_they_were_superseded_long_ago(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "a", b"1", at=1.0)
        store(turn, "a", b"22", at=2.0)
        store(turn, "a", b"333", at=3.0)

    await index.write(work)
    assert await index.write(lambda turn: turn.forget_versions(2.0, 9)) == 0
    assert await index.write(lambda turn: turn.forget_versions(2.5, 9)) == 1
    events = await index.read(lambda view: view.history(path("a"), None, 9))
    assert [event.number for event in events] == [3, 2]
    assert await index.read(lambda view: view.usage("ann")) == Usage(5, 2)
    assert await index.write(lambda turn: turn.forget_versions(99.0, 9)) == 1
    assert isinstance(await index.read(lambda view: view.at(path("a"))), FileHere)


async def test_versions_are_forgotten_in_steps(index: Index) -> None:
    await index.write(lambda turn: [store(turn, "a", bytes([65 + number])) for number in range(6)])
    counts = [await index.write(lambda turn: turn.forget_versions(9.0, 2)) for _ in range(4)]
    assert counts == [2, 2, 1, 0]


async def test_what_was_deleted_long_ago_leaves_no_trace(index: Index) -> None:
    await stored(index, "a/b/c")
    number = await index.write(lambda turn: turn.delete(path("a"), Stamp("ann", 2.0)))
    for _ in range(4):
        await index.write(lambda turn: turn.forget_versions(9.0, 9))
    assert await index.read(lambda view: view.history(path("a/b/c"), None, 9)) == []
    assert (
        await index.write(lambda turn: turn.restore_folder(path("a"), number, Stamp("ann", 3.0)))
        is None
    )
    assert await index.read(lambda view: view.usage("ann")) == Usage()


async def test_expired_uploads_are_forgotten(index: Index) -> None:
    def work(turn: Turn) -> None:
        turn.keep(staged(b"parked"))
        turn.park(upload("1", b"parked", expires=5.0))
        turn.park(upload("2", b"parked", expires=6.0))

    await index.write(work)
    assert await index.write(lambda turn: turn.forget_uploads(5.0, 9)) == 1
    assert await index.read(lambda view: view.upload("1")) is None
    assert await index.read(lambda view: view.upload("2")) is not None
    assert await index.read(lambda view: view.usage("ann")) == Usage(6, 1)


async def test_contents_are_forgotten_when_nothing_names_them(index: Index) -> None:
    def work(turn: Turn) -> list[Content]:
        store(turn, "a", b"current")
        store(turn, "b", b"earlier", at=1.0)
        store(turn, "b", b"later", at=2.0)
        turn.keep(staged(b"parked"))
        turn.park(upload("1", b"parked"))
        turn.keep(staged(b"nobody's", md5=b"m"))
        return turn.forget_contents(9)

    assert await index.write(work) == [content(b"nobody's")]
    assert not await index.write(lambda turn: turn.is_named(content(b"nobody's")))
    assert await index.write(lambda turn: turn.is_named(content(b"earlier")))
    assert await index.read(lambda view: view.content_declared({"md5": b"m"})) is None

    def forget(turn: Turn) -> list[Content]:
        turn.forget_versions(9.0, 9)
        turn.drop_upload("1")
        return turn.forget_contents(1) + turn.forget_contents(9)

    gone = await index.write(forget)
    assert sorted(gone, key=lambda lost: lost.size) == [content(b"parked"), content(b"earlier")]


async def test_a_content_that_is_claimed_again_is_named_again(index: Index) -> None:
    await index.write(lambda turn: turn.keep(staged(b"one")))
    await index.write(lambda turn: turn.forget_contents(9))
    await index.write(lambda turn: store(turn, "a", b"one"))
    assert await index.write(lambda turn: turn.is_named(content(b"one")))
    assert await index.write(lambda turn: turn.forget_contents(9)) == []
