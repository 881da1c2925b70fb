"""What was found in servers like this one, asked of ours: refused or harmless, each by its id."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.running import Program, running
from tests.security.advisories import ADVISORIES, Advisory
from tests.security.test_floods import resident
from tests.wire import Wire, ask, message, put

REPLAYED = [one for one in ADVISORIES if one.asked]
CANARY = b"the bytes that nothing here may change"
MIB = 1 << 20
# Of other files, of the inside, and of markup that would run.
NEVER = (b"root:", b"Traceback", b"<script>alert", b"<img src=x", b"NOCLOBBER_", b"PATH=")

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(name="program", scope="module")
def _program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running(tmp_path_factory.mktemp("advisories") / "data") as program:
        yield program


@pytest_asyncio.fixture(name="canary", scope="module", loop_scope="module")
async def _canary(program: Program) -> AsyncIterator[Program]:
    assert (await ask(program.port, put("/files/canary", CANARY))).status == 201
    yield program


def folder_of(program: Program) -> Path:
    return Path(f"/proc/{program.pid}/cwd").resolve()


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("one", REPLAYED, ids=lambda one: one.id.replace(" ", "-"))
async def test_what_was_found_elsewhere_does_no_harm_here(canary: Program, one: Advisory) -> None:
    above = folder_of(canary)
    for method, target, headers, body in one.asked:
        declared = dict(headers)
        if "Transfer-Encoding" in declared:
            asked = message(method, target, b"", declared).replace(b"Content-Length: 0\r\n", b"")
            asked += body
        else:
            asked = message(method, target, body, declared)
        wire = await Wire.connect(canary.port)
        answer = await wire.ask(asked)
        await wire.close()
        assert answer.status < 500 or answer.status in {501, 502}, (method, target, answer)
        for word in (*NEVER, str(above).encode()):
            assert word not in answer.body, (word, answer)
        if "auth" in target or "token" in target:
            assert answer.headers.get("set-cookie") is None
        assert not [name for name in answer.headers if name in {"x", "set-cookie"}]
    assert (await ask(canary.port, message("GET", "/files/canary"))).body == CANARY
    assert names_in(above) <= {"data", "data.log"}


async def test_requests_behind_one_another_need_little_memory(canary: Program) -> None:
    before = resident(canary)
    wire = await Wire.connect(canary.port)
    for _ in range(200):
        wire.writer.write(message("GET", "/health/live") * 200)
    answered = b""
    while answered.count(b"HTTP/1.1 200") < 1000:
        answered += await wire.reader.read(1 << 20)
    assert resident(canary) - before < 32 * MIB
    await wire.close()


async def test_a_long_line_in_many_pieces_is_refused(canary: Program) -> None:
    before = resident(canary)
    wire = await Wire.connect(canary.port)
    await wire.send(b"GET /files/ HTTP/1.1\r\nHost: localhost\r\nX: ")
    for _ in range(9):
        await wire.send(b"y" * 1000)
    line = await wire.reader.readline()
    assert re.match(rb"HTTP/1.1 4\d\d ", line)
    assert resident(canary) - before < 8 * MIB
    await wire.close()
