"""Requests made of hostile pieces, against all doors: never a 5xx, never a byte out of its place."""

import asyncio
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPMethod
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.doors import House, opened
from tests.hostile import BOUNDARIES, ENDS, HEADERS, METHODS, PARTS, REQUESTS, TREE, request
from tests.wire import Wire
from uploads.names import Path as TreePath
from uploads.policy import Policy

EXACT = {TreePath(("exact",)): Policy(exact_names=True)}
TRIED = settings(
    max_examples=200,
    deadline=None,
    derandomize="CI" in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)
PLACES = re.compile(
    r"blobs(/[0-9a-f]{2}(/[0-9a-f]{64})?)?|arriving|staging|index\.sqlite(-wal|-shm)?"
)
KNOWN_METHODS = {method.value.encode() for method in HTTPMethod}
STATUS = re.compile(rb"^HTTP/1\.[01] (\d{3})", re.MULTILINE)
PATIENCE = 0.2


@dataclass
class Target:
    runner: asyncio.Runner
    house: House
    above: Path

    def ask(self, asked: bytes) -> bytes:
        return self.runner.run(answer_of(self.house, asked))


async def answer_of(house: House, asked: bytes) -> bytes:
    assert house.client.port is not None
    wire = await Wire.connect(house.client.port)
    answer = b""
    # What never ends is broken off, and looked at as far as it came.
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(PATIENCE):
            await wire.send(asked)
            while piece := await wire.reader.read(1 << 16):
                answer += piece
    await wire.close()
    return answer


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with tempfile.TemporaryDirectory() as above, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", above)
        with asyncio.Runner() as runner:
            doors = opened(folders=EXACT)
            house = runner.run(doors.__aenter__())
            try:
                yield Target(runner, house, Path(above))
            finally:
                runner.run(doors.__aexit__(None, None, None))


def check_places(above: Path) -> None:
    """One data folder, and in it nothing but what belongs there, whatever was asked for."""
    (data,) = above.iterdir()
    found = [str(path.relative_to(data)) for path in data.rglob("*")]
    assert [path for path in sorted(found) if not PLACES.fullmatch(path)] == []


def check_answer(asked: bytes, answer: bytes, above: Path) -> None:
    for found in STATUS.finditer(answer):
        status = int(found[1])
        unknown = asked.partition(b" ")[0] not in KNOWN_METHODS
        assert status < 500 or (status == 501 and unknown), (asked, answer[:1000])
    assert b"Traceback" not in answer
    assert str(above).encode() not in answer


@pytest.mark.slow
@TRIED
@given(st.lists(REQUESTS, min_size=4, max_size=12))
def test_no_sequence_of_requests_makes_the_server_fail(target: Target, asked: list[bytes]) -> None:
    for one in asked:
        check_answer(one, target.ask(one), target.above)
    check_places(target.above)


@pytest.mark.slow
@TRIED
@given(METHODS, st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=40))
def test_no_bytes_in_place_of_a_request_make_it_fail(
    target: Target, method: bytes, line: bytes, head: bytes, rest: bytes
) -> None:
    raw = method + b" /files/" + line + b"\r\nHost: localhost\r\n" + head + b"\r\n\r\n" + rest
    check_answer(raw, target.ask(raw), target.above)


@pytest.mark.slow
@TRIED
@given(st.lists(PARTS, min_size=1, max_size=4), ENDS, TREE, HEADERS, BOUNDARIES)
def test_no_form_makes_it_fail(
    target: Target,
    parts: list[bytes],
    end: bytes,
    address: bytes,
    lines: list[tuple[bytes, bytes]],
    boundary: bytes,
) -> None:
    kind = (b"Content-Type", b"multipart/form-data; boundary=" + boundary)
    others = [line for line in lines if line[0] not in {b"Content-Type", b"Transfer-Encoding"}]
    sent = request(b"POST", address, [kind, *others], b"".join(parts) + end)
    check_answer(sent, target.ask(sent), target.above)
    check_places(target.above)
