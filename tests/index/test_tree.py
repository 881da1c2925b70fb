"""What stands at a name, and the pages of a folder."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from tests.trees import EXACT, at, content, folder, path, shown, staged, store, stored
from uploads.collisions import FileAbove, FileHere, FolderHere, Lookalike, Nothing
from uploads.failures import MalformedRequest
from uploads.files import Folder, Listing, Order, Page, Stamp, StoredFile
from uploads.names import Path
from uploads.ports import Index, Turn, View


def _root_page(listing: Listing, view: View) -> Page:
    return view.page(path(""), listing)


def _two_below(after: Path | None, view: View) -> list[StoredFile]:
    return view.files_below(path(""), after, 2)


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


async def test_folders_stand_before_files_and_names_are_sorted_by_key(index: Index) -> None:
    await stored(index, "b.txt", "A.txt", "z/x", "Y/x", "c.txt")
    page = await index.read(lambda view: view.page(path(""), Listing()))
    assert shown(page.entries) == ["Y", "z", "A.txt", "b.txt", "c.txt"]
    assert page.after is None


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", list(Order))
async def test_pages_together_hold_every_entry_once_in_order(
    index: Index, order: Order, *, descending: bool, dated: bool
) -> None:
    def work(turn: Turn) -> None:
        for number in range(7):
            store(turn, f"file{number}", b"x" * (number % 3 + 1), modified=float(number % 4))
            store(turn, f"folder{number}/x", at=float(number % 2))
        bytes_ = staged(b"<html>", "text/html")
        turn.keep(bytes_)
        turn.store(path("page"), bytes_.content, Stamp("ann", 1.0))

    await index.write(work)
    asked = Listing(order, descending, dates_folders=dated)
    whole = await index.read(lambda view: view.page(path(""), asked))
    assert len(whole.entries) == 15
    names, after = [], None
    for _ in range(20):
        listing = replace(asked, after=after, limit=2)
        page = await index.read(partial(_root_page, listing))
        names += shown(page.entries)
        if (after := page.after) is None:
            break
    assert names == shown(whole.entries)
    values = [
        _sorted_by(entry, asked.order_of(folders=isinstance(entry, Folder)))
        for entry in whole.entries
    ]
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


async def test_a_free_name_is_one_that_no_spelling_has(index: Index) -> None:
    await stored(index, "a/Plan.txt")
    first = await index.read(lambda view: view.free_name(path("a/Plan.txt"), 255, lambda _: False))
    await stored(index, str(first).upper().replace("A/", "a/"))
    second = await index.read(lambda view: view.free_name(path("a/Plan.txt"), 255, lambda _: False))
    assert first.parent == second.parent == path("a")
    assert second.folded != first.folded
    assert await index.read(lambda view: view.at(second)) == Nothing()
