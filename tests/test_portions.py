"""One request's share of an upload in pieces: what it records, and when it is done with that."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from storage.memory.shelves import MemoryContinued
from uploads import portions
from uploads.files import Incoming
from uploads.names import Path
from uploads.portions import Portion, Taking
from uploads.seats import Seat

WHOLE = Incoming(
    id="u",
    principal="ann",
    path=Path(("a",)),
    size=10,
    offset=0,
    created=0.0,
    expires=1.0,
    said="{}",
    is_part=False,
)


async def test_who_is_ended_while_a_save_is_under_way_waits_for_it_and_keeps_what_came_since(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else it would be recorded when another request goes on from an earlier byte."""
    monkeypatch.setattr(portions, "SAVE_BYTES", 1)
    saving, goes_on, all_came = asyncio.Event(), asyncio.Event(), asyncio.Event()
    recorded: list[int] = []

    async def record(incoming: Incoming) -> Incoming:
        saving.set()
        await goes_on.wait()
        recorded.append(incoming.offset)
        return incoming

    async def body() -> AsyncIterator[bytes]:
        yield b"123"
        await saving.wait()
        yield b"45"
        all_came.set()

    taking = Taking(MemoryContinued(()), WHOLE, Portion(0), record, lambda *_: None)
    request = asyncio.create_task(taking.take(Seat(), body()))
    await all_came.wait()
    # As many turns of the loop as it takes to come to the waiting.
    for _ in range(5):
        await asyncio.sleep(0)
    request.cancel()
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert recorded == [3, 5]
