"""Sixty-four at once: exactly one wins, and every loser is told what it collided with."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.running import Program, running
from tests.wire import Answer, Wire, ask, form, message, put, released_together

AT_ONCE = 64
ROUNDS = 200
# What a picture begins with: it is told sooner than a text.
HEAD = b"\xff\xd8\xff\xe0"


@pytest.fixture(name="program", scope="module")
def _program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    room = {"NOCLOBBER_LIMITS_PARKED_FILES": "100000"}
    with running(tmp_path_factory.mktemp("races") / "data", env=room) as program:
        yield program


@pytest.fixture(name="opened")
async def _opened(program: Program) -> AsyncIterator[list[Wire]]:
    wires = await asyncio.gather(*(Wire.connect(program.port) for _ in range(AT_ONCE)))
    yield list(wires)
    await asyncio.gather(*(wire.close() for wire in wires))


def statuses(answers: list[Answer]) -> dict[int, int]:
    counted: dict[int, int] = {}
    for answer in answers:
        counted[answer.status] = counted.get(answer.status, 0) + 1
    return counted


@pytest.mark.timeout(180)
async def test_of_uploads_to_one_name_over_both_doors_exactly_one_is_created(
    opened: list[Wire],
) -> None:
    for number in range(ROUNDS):
        name = f"one-name-{number}.txt"
        bodies = [HEAD + f"{number}/{index}".encode().ljust(12, b".") for index in range(AT_ONCE)]
        messages = [
            put(f"/files/race/{name}", body) if index % 2 else form("/files/race/", name, body)
            for index, body in enumerate(bodies)
        ]

        answers = await released_together(opened, messages)

        assert statuses(answers) == {201: 1, 409: AT_ONCE - 1}
        winner = next(answer for answer in answers if answer.status == 201)
        for loser in (answer for answer in answers if answer.status == 409):
            assert loser.json["existing"]["href"] == winner.json["href"]
            assert loser.json["existing"]["etag"] == winner.json["etag"]
            assert loser.json["resolutions"]
        body = bodies[answers.index(winner)]
        assert (await opened[0].ask(message("GET", winner.json["href"]))).body == body


@pytest.mark.timeout(180)
async def test_of_one_content_under_many_names_exactly_one_is_created(
    opened: list[Wire],
) -> None:
    for number in range(ROUNDS):
        body = HEAD + f"one content, round {number}".encode()
        messages = [
            put(f"/files/twins/{number}-{index}.txt", body)
            if index % 2
            else form("/files/twins/", f"{number}-{index}.txt", body)
            for index in range(AT_ONCE)
        ]

        answers = await released_together(opened, messages)

        assert statuses(answers) == {201: 1, 409: AT_ONCE - 1}
        winner = next(answer for answer in answers if answer.status == 201)
        for loser in (answer for answer in answers if answer.status == 409):
            assert loser.json["type"] == "/problems/content-known"
            assert f'<{winner.json["href"]}>; rel="duplicate"' in loser.headers["link"]


@pytest.mark.timeout(180)
async def test_of_writers_on_one_etag_exactly_one_replaces(opened: list[Wire]) -> None:
    created = await opened[0].ask(put("/files/etag/shared.txt", HEAD + b"version 0"))
    current = created.json["etag"]
    for number in range(ROUNDS):
        messages = [
            put(
                "/files/etag/shared.txt", HEAD + f"{number} {index}".encode(), {"If-Match": current}
            )
            for index in range(AT_ONCE)
        ]

        answers = await released_together(opened, messages)

        assert statuses(answers) == {200: 1, 412: AT_ONCE - 1}
        current = next(answer for answer in answers if answer.status == 200).json["etag"]
        for loser in (answer for answer in answers if answer.status == 412):
            assert loser.headers["etag"] == current
            assert loser.json["existing"]["href"] == "/files/etag/shared.txt"


@pytest.mark.timeout(120)
async def test_a_thousand_optimistic_increments_by_sixteen_clients_lose_none(
    program: Program,
) -> None:
    await ask(program.port, put("/files/count/er.txt", HEAD + b" counter 0"))
    left = iter(range(1000))

    async def client() -> None:
        wire = await Wire.connect(program.port)
        for _ in left:
            while True:
                seen = await wire.ask(message("GET", "/files/count/er.txt"))
                number = int(seen.body.split()[-1])
                following = HEAD + f" counter {number + 1}".encode()
                condition = {"If-Match": seen.headers["etag"]}
                answer = await wire.ask(put("/files/count/er.txt", following, condition))
                if answer.status == 200:
                    break
        await wire.close()

    await asyncio.gather(*(client() for _ in range(16)))

    seen = await ask(program.port, message("GET", "/files/count/er.txt"))
    assert seen.body == HEAD + b" counter 1000"
