"""Parked uploads, usage, and what is forgotten."""

import pytest

from tests.trees import content, path, staged, store, stored, upload
from uploads.collisions import FileHere
from uploads.files import Content, Stamp, Usage
from uploads.ports import Index, Turn


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


async def test_what_stood_for_a_forgotten_file_never_stands_for_another(index: Index) -> None:
    def delete_both(turn: Turn) -> None:
        for name in ("other", "old"):
            turn.delete(path(name), Stamp("ann", 2.0))

    old, _ = await stored(index, "old", "other")
    await index.write(delete_both)
    await index.write(lambda turn: turn.forget_versions(9.0, 9))
    (new,) = await stored(index, "new")
    assert new.id > old.id
    await index.write(lambda turn: turn.forget_versions(9.0, 9))
    (again,) = await stored(index, "other")
    assert len({old.id, new.id, again.id}) == 3
