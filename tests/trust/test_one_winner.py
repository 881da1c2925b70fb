"""Races by the thousand, the last byte of each held back: one winner, and nothing lost beside the
collector. `ROUNDS=25000` (of each kind) makes the long run.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from storage.upkeep.collecting import Keep, collect
from storage.upkeep.verify import verify
from tests.running import Program, running
from tests.shelves import INLINE_BELOW, Shelves, shelves
from tests.trees import path
from tests.wire import Answer, Wire, form, message, put, released_together
from uploads.collisions import FileHere
from uploads.failures import NotThere
from uploads.files import Stamp
from uploads.ports import Turn

ROUNDS = int(os.environ.get("ROUNDS", "500"))
SEED = int(os.environ.get("CRASH_SEED", "20261126"))
AT_ONCE = 8
HEAD = b"\xff\xd8\xff\xe0"
# Large enough for a file of its own, which is what a collector removes.
LARGE = 20_000
ENVIRONMENT = {
    "NOCLOBBER_LIMITS_FREE_SPACE": "0",
    "NOCLOBBER_LIMITS_PARKED_FILES": "1000000",
}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(60 + ROUNDS // 5)]


@pytest.fixture(name="program", scope="module")
def _program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running(tmp_path_factory.mktemp("winner") / "data", env=ENVIRONMENT) as program:
        yield program


@pytest.fixture(name="opened")
async def _opened(program: Program) -> AsyncIterator[list[Wire]]:
    wires = await asyncio.gather(*(Wire.connect(program.port) for _ in range(AT_ONCE)))
    yield list(wires)
    await asyncio.gather(*(wire.close() for wire in wires))


def counted(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


async def test_one_name_has_one_winner_and_keeps_its_bytes(opened: list[Wire]) -> None:
    chance = random.Random(SEED)
    for number in range(ROUNDS):
        name = f"{number}.jpg"
        bodies = [HEAD + chance.randbytes(20) for _ in opened]
        sent = [
            put(f"/files/n/{name}", body)
            if chance.random() < 0.5
            else form("/files/n/", name, body)
            for body in bodies
        ]
        answers = await released_together(opened, sent)
        assert counted(answers) == {201: 1, 409: AT_ONCE - 1}
        winner = next(at for at, answer in enumerate(answers) if answer.status == 201)
        shown = await opened[0].ask(message("GET", f"/files/n/{name}"))
        assert shown.body == bodies[winner]
        etags = {answer.json["existing"]["etag"] for answer in answers if answer.status == 409}
        assert etags == {shown.headers["etag"]}


async def test_one_content_has_one_winner_and_the_others_are_told_its_name(
    opened: list[Wire],
) -> None:
    chance = random.Random(SEED + 1)
    for number in range(ROUNDS):
        body = HEAD + chance.randbytes(20)
        sent = [put(f"/files/c/{number}-{at}.jpg", body) for at in range(AT_ONCE)]
        answers = await released_together(opened, sent)
        assert counted(answers) == {201: 1, 409: AT_ONCE - 1}
        winner = next(answer for answer in answers if answer.status == 201).json["href"]
        told = {answer.json["existing"]["href"] for answer in answers if answer.status == 409}
        assert told == {winner}


async def test_one_etag_has_one_winner_among_replacing_deleting_and_moving(
    opened: list[Wire],
) -> None:
    chance = random.Random(SEED + 2)
    for number in range(ROUNDS):
        place = f"/files/e/{number}.jpg"
        created = await opened[0].ask(put(place, HEAD + chance.randbytes(20)))
        condition = {"If-Match": created.json["etag"]}
        sent = [
            chance.choice(
                [
                    put(place, HEAD + chance.randbytes(20), condition),
                    message("DELETE", place, b"", condition),
                    message("POST", f"{place}?move=e/{number}-{at}.jpg", b"", condition),
                ]
            )
            for at in range(AT_ONCE)
        ]
        answers = await released_together(opened, sent)
        won = [answer for answer in answers if answer.status < 300]
        assert len(won) == 1, [(answer.status, answer.body) for answer in answers]
        assert set(counted(answers)) <= {won[0].status, 404, 409, 412}


async def test_bytes_that_come_back_while_they_are_deleted_and_collected_stay(
    tmp_path: Path,
) -> None:
    """A few contents go and come under a few names, with a collector that never rests."""
    chance = random.Random(SEED + 3)
    names = ["a", "b", "c"]
    async with shelves(tmp_path) as opened:
        collector = asyncio.create_task(collect_without_rest(opened, tmp_path))
        for number in range(ROUNDS):
            body = chance.choice([b"large" * INLINE_BELOW, b"small", chance.randbytes(LARGE)])
            steps = [
                come(opened, name, body) if chance.random() < 0.5 else go(opened, name)
                for name in chance.choices(names, k=AT_ONCE)
            ]
            await asyncio.gather(*steps)
            for name in names:
                at = await opened.index.read(lambda view, name=name: view.at(path(name)))  # type: ignore[misc]
                if isinstance(at, FileHere):
                    await opened.read(at.file.content)
            if number % 3 == 0:
                await asyncio.gather(*(go(opened, name) for name in names))
        assert not collector.done()
        collector.cancel()
        with suppress(asyncio.CancelledError):
            await collector
    assert verify(tmp_path, scrub=True).findings == ()


async def collect_without_rest(opened: Shelves, data: Path) -> None:
    while True:
        await collect(opened.index, opened.blobs, data, 1e9, Keep(0.0))


async def come(opened: Shelves, name: str, body: bytes) -> None:
    """Whoever was told that it is stored can read it, whatever the collector does meanwhile."""
    content = await opened.store(name, body)
    with suppress(NotThere):
        assert await opened.read(content) == body


async def go(opened: Shelves, name: str) -> None:
    def take_away(turn: Turn) -> None:
        if isinstance(turn.at(path(name)), FileHere):
            turn.delete(path(name), Stamp("ann", 0.0))

    await opened.index.write(take_away)
