"""The whole server on a disk that fails now and then: what each client is told, and what is there.

Many more cases are judged without a door in `test_disturbances.py`; this is about the answers.
"""

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from storage.upkeep import verify as verification
from tests.running import running, start
from tests.tracing import attached
from tests.wire import Answer, Wire, message, put

HEAD = b"\xff\xd8\xff\xe0"
ENVIRONMENT = {"NOCLOBBER_LIMITS_FREE_SPACE": "0"}
ROUNDS = 12
REFUSALS = {503, 507}
# Every second or third call of that name.
FAULTS = (
    *(f"fsync:error={error}:when=2+3" for error in ("EIO", "ENOSPC")),
    *(f"fdatasync:error={error}:when=3+3" for error in ("EIO", "EROFS")),
    *(f"pwrite64:error={error}:when=40+25" for error in ("EIO", "ENOSPC")),
    "linkat:error=EIO:when=1+2",
    "fallocate:error=EDQUOT:when=1+2",
    "openat:error=EMFILE:when=4+5",
)


@dataclass
class Told:
    """By path: the bytes that may be there now. None: nothing."""

    possible: dict[str, set[bytes | None]] = field(default_factory=dict)
    stored: int = 0
    refused: int = 0

    def hear(self, path: str, becomes: bytes | None, answer: Answer) -> None:
        before = self.possible.get(path, {None})
        if answer.status in {200, 201}:
            self.stored += 1
            self.possible[path] = {becomes}
            return
        assert answer.status in REFUSALS, f"{path}: {answer}"
        assert answer.json["detail"], answer
        assert answer.status != 503 or answer.headers["retry-after"], answer
        assert b"/data/" not in answer.body.replace(b"/files/", b""), answer
        self.refused += 1
        unsettled = answer.json["type"] == "/problems/unsettled"
        self.possible[path] = {*before, becomes} if unsettled else before


@pytest.mark.timeout(120)
@pytest.mark.parametrize("fault", FAULTS)
async def test_on_a_failing_disk_everybody_is_told_what_is_true(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, told = tmp_path / "data", Told()
    program = start(data, env=ENVIRONMENT)
    try:
        name = fault.partition(":")[0]
        injected = ("-e", f"trace={name}", "-e", f"inject={fault}")
        with attached(program.pid, *injected, into=tmp_path / "trace"):
            wire = await Wire.connect(program.port)
            await ask(wire, told)
            await wire.close()
    finally:
        program.kill()
    assert "(INJECTED)" in (tmp_path / "trace").read_text()
    assert told.refused
    with running(data, env=ENVIRONMENT) as program:
        wire = await Wire.connect(program.port)
        for path, possible in told.possible.items():
            answer = await wire.ask(message("GET", path))
            there = answer.body if answer.status == 200 else None
            assert there in possible, f"{path}: {answer.status}"
        assert (await wire.ask(put("/files/after.jpg", HEAD + b"after"))).status == 201
        await wire.close()
    monkeypatch.setattr(verification, "_YOUNG", 0)
    found = verification.verify(data, scrub=True).findings
    assert [one for one in found if one.fault is not verification.Fault.LEFTOVER] == []


async def ask(wire: Wire, told: Told) -> None:
    for number in range(ROUNDS):
        size = (300, 40_000)[number % 2]
        path, body = f"/files/{number}.jpg", HEAD + random.Random(number).randbytes(size)
        made = await wire.ask(put(path, body))
        told.hear(path, body, made)
        if made.status != 201:
            continue
        condition = {"If-Match": made.json["etag"]}
        if number % 3 == 0:
            gone = await wire.ask(message("DELETE", path, b"", condition))
            told.hear(path, None, gone)
        else:
            other = HEAD + random.Random(-number).randbytes(size)
            told.hear(path, other, await wire.ask(put(path, other, condition)))
