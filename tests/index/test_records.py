"""First answers: kept by their names, within bounds, for their time."""

from collections.abc import Callable

from tests.trees import content, store
from uploads.attempts import Bounds, Record
from uploads.ports import Index, Turn, View

ROOMY = Bounds(9, 9)


def record(name: str, by: str = "ann", text: str = "first", expires: float = 9.0) -> Record:
    return Record(name, by, text, expires)


def kept(*names: str) -> Callable[[View], list[str]]:
    return lambda view: [name for name in names if view.record(name) is not None]


async def test_a_record_is_found_by_its_name_whoever_asks_and_whenever(index: Index) -> None:
    await index.write(lambda turn: turn.remember(record("a"), ROOMY))
    assert await index.read(lambda view: view.record("a")) == record("a")
    assert await index.read(lambda view: view.record("b")) is None


async def test_a_later_record_takes_the_place_of_one_with_its_name(index: Index) -> None:
    await index.write(lambda turn: turn.remember(record("a"), ROOMY))
    later = record("a", text="later", expires=12.0)
    await index.write(lambda turn: turn.remember(later, Bounds(1, 1)))
    assert await index.read(lambda view: view.record("a")) == later


async def test_a_record_is_kept_with_the_claim_it_belongs_to_or_not_at_all(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "a")
        turn.remember(record("a"), ROOMY)
        raise ZeroDivisionError

    try:
        await index.write(work)
    except ZeroDivisionError:
        assert await index.read(kept("a")) == []


async def test_past_the_bound_of_one_its_oldest_are_forgotten_and_nobody_elses(
    index: Index,
) -> None:
    def work(turn: Turn) -> None:
        turn.remember(record("b", by="bob"), Bounds(2, 9))
        for name in ("1", "2", "3", "1"):
            turn.remember(record(name), Bounds(2, 9))

    await index.write(work)
    assert await index.read(kept("b", "1", "2", "3")) == ["b", "1", "3"]


async def test_past_the_bound_of_all_the_oldest_are_forgotten(index: Index) -> None:
    def work(turn: Turn) -> None:
        for name, by in (("1", "ann"), ("2", "bob"), ("3", "ann"), ("4", "eve")):
            turn.remember(record(name, by), Bounds(9, 3))

    await index.write(work)
    assert await index.read(kept("1", "2", "3", "4")) == ["2", "3", "4"]
    await index.write(lambda turn: turn.remember(record("5"), Bounds(9, 1)))
    assert await index.read(kept("1", "2", "3", "4", "5")) == ["5"]


async def test_what_has_expired_is_forgotten_in_steps_and_makes_room(index: Index) -> None:
    def work(turn: Turn) -> None:
        for name, expires in (("1", 1.0), ("2", 2.0), ("3", 3.0), ("4", 4.0)):
            turn.remember(record(name, expires=expires), ROOMY)

    await index.write(work)
    counts = [await index.write(lambda turn: turn.forget_records(3.0, 2)) for _ in range(3)]
    assert counts == [2, 1, 0]
    assert await index.read(kept("1", "2", "3", "4")) == ["4"]
    await index.write(lambda turn: turn.remember(record("5"), Bounds(2, 2)))
    assert await index.read(kept("4", "5")) == ["4", "5"]


async def test_a_content_is_found_by_its_identity(index: Index) -> None:
    await index.write(lambda turn: store(turn, "a", b"one"))
    found = await index.read(lambda view: view.content(content(b"one").digest))
    assert found == content(b"one")
    assert found is not None
    assert found.media_type == "text/plain"
    assert await index.read(lambda view: view.content("sha256:00")) is None
