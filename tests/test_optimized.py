"""Python leaves out all asserts where it is told to (-O): nothing that is promised may rest on one."""

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.running import ROOT, running, start
from tests.wire import Wire, ask, message, put, released_together

WITHOUT = {"PYTHONOPTIMIZE": "1"}
LARGE = bytes(range(256)) * 400
RACERS = 16


def is_without(pid: int) -> bool:
    """As far as this system tells what a process was given."""
    environment = Path(f"/proc/{pid}/environ")
    return not environment.exists() or b"PYTHONOPTIMIZE=1" in environment.read_bytes()


async def test_without_asserts_every_promise_is_kept(tmp_path: Path) -> None:
    data = tmp_path / "data"
    program = start(data, env=WITHOUT)
    assert is_without(program.pid)
    made = await ask(program.port, put("/files/a", b"first"))
    assert made.status == 201
    taken = await ask(program.port, put("/files/a", b"second"))
    assert (taken.status, taken.json["type"]) == (409, "/problems/name-taken")
    assert '</files/a>; rel="edit"' in taken.headers["link"]
    known = await ask(program.port, put("/files/b", b"first"))
    assert (known.status, known.json["type"]) == (409, "/problems/content-known")
    stale = {"If-Match": '"0-0000000000000000"'}
    assert (await ask(program.port, put("/files/a", b"third", stale))).status == 412
    replaced = await ask(program.port, put("/files/a", LARGE, {"If-Match": made.headers["etag"]}))
    assert replaced.status == 200
    lies = {"Content-Digest": "sha-256=:" + "A" * 43 + "=:"}
    assert (await ask(program.port, put("/files/c", b"c", lies))).status == 400
    climbs = await ask(program.port, put("/files/../c", b"c"))
    assert climbs.status == 422

    wires = await asyncio.gather(*(Wire.connect(program.port) for _ in range(RACERS)))
    rivals = [put("/files/one", b"%d" % number * 9000) for number in range(RACERS)]
    answers = await released_together(wires, rivals)
    assert sorted(answer.status for answer in answers) == [201] + [409] * (RACERS - 1)
    winner = next(n for n, answer in enumerate(answers) if answer.status == 201)

    cut = await Wire.connect(program.port)
    await cut.send(put("/files/cut", LARGE)[:-1])
    program.kill()
    for wire in (*wires, cut):
        await wire.close()

    with running(data, env=WITHOUT) as again:
        assert (await ask(again.port, message("GET", "/files/a"))).body == LARGE
        assert (await ask(again.port, message("GET", "/files/cut"))).status == 404
        won = await ask(again.port, message("GET", "/files/one"))
        assert won.body == b"%d" % winner * 9000
        versions = (await ask(again.port, message("GET", "/files/a?versions"))).json
        assert len(versions["versions"]) == 2
    checked = await asyncio.create_subprocess_exec(
        sys.executable, "-O", str(ROOT / "server.py"), "verify", "--scrub", "--data", str(data),
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert await checked.wait() == 0
