"""The log leaves the process: a line is out before the answer, and nothing in the data folder keeps it."""

import json
import os
from pathlib import Path

from tests.running import start
from tests.wire import ask, put

ROUNDS = 5


async def test_the_line_of_a_request_is_out_before_its_answer_and_stays_nowhere_else(
    tmp_path: Path,
) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    for number in range(ROUNDS):
        program = start(data, env={"NOCLOBBER_LOG_FORMAT": "json"}, log=log)
        answer = await ask(program.port, put(f"/files/canary-{number}", b"%d" % number))
        program.kill()
        assert answer.status == 201
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        told = [one for one in lines if one.get("path") == f"/files/canary-{number}"]
        assert [one["request_id"] for one in told] == [answer.headers["x-request-id"]]
    kept = [Path(where) / name for where, _, names in os.walk(data) for name in names]
    request_ids = [one["request_id"].encode() for one in lines if "request_id" in one]
    assert len(request_ids) >= ROUNDS
    for file in kept:
        held = file.read_bytes()
        assert not any(id_ in held for id_ in request_ids), file
