"""Deleted folders come back in both indexes alike, whatever has happened to their places since."""

import random
from pathlib import Path as DiskPath

import pytest

from storage.memory.shelves import MemoryBlobs, MemoryIndex
from tests.index.sqlite import opened
from tests.trees import POLICIES, path, store
from uploads.access import ALL_RIGHTS, ANONYMOUS, ANONYMOUS_NAME, Access, Grant
from uploads.failures import MalformedRequest
from uploads.files import Stamp
from uploads.ports import Index, Turn, View

PLACES = ("a", "A", "a/b", "a/b/c", "a/B", "a/d", "e", "e/b", "e/b/c", "exact/X", "exact/x")
SIGHT = Access([Grant(path(""), frozenset({ANONYMOUS_NAME}), ALL_RIGHTS)]).sight(ANONYMOUS)
REFUSED = (ValueError, LookupError, MalformedRequest)


def change(turn: Turn, steps: random.Random, at: float) -> object:
    """One of any kind; some are not to be had, and change nothing."""
    one, other = path(steps.choice(PLACES)), path(steps.choice(PLACES))
    stamp = Stamp(steps.choice(["ann", "bob"]), at, steps.choice([None, at / 2]))
    match steps.randrange(8):
        case 0 | 1:
            return store(turn, str(one), steps.choice([b"1", b"22"]), at, stamp.by)
        case 2:
            return turn.make_folder(one, stamp)
        case 3 | 4:
            return turn.delete(one, stamp)
        case 5:
            return turn.move(one, other, stamp)
        case _:
            numbers = range(turn.span().last, 0, -1)
            found = (turn.restore_folder(one, number, stamp) for number in numbers)
            return next((folder for folder in found if folder), None)


async def told(index: Index, seed: tuple[int, int]) -> object:
    """What a change came to, or why to nothing."""
    steps = random.Random(repr(seed))
    try:
        return await index.write(lambda turn: change(turn, steps, float(seed[1])))
    except REFUSED as refused:
        return type(refused)


def seen(view: View) -> list[object]:
    return [
        view.entries_below(path(""), None, 999, SIGHT),
        [view.history(path(place), None, 999) for place in PLACES],
        [view.usage(one) for one in ("ann", "bob")],
        view.changes(0, 999),
    ]


@pytest.mark.parametrize("round_", range(12))
async def test_what_comes_back_is_the_same_in_both_indexes(tmp_path: DiskPath, round_: int) -> None:
    memory, sqlite = MemoryIndex(POLICIES.keys, MemoryBlobs()), await opened(tmp_path)
    for step in range(1, 100):
        seed = round_, step
        assert await told(sqlite, seed) == await told(memory, seed), seed
        assert await sqlite.read(seen) == await memory.read(seen), seed
    await sqlite.close()
