"""Cut off after the commit and before the answer: the repetition gets it, and nothing is done twice."""

import asyncio
import logging
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.doors import House, opened
from tests.running import ROOT, START_LINE, Program, running
from tests.wire import Answer, Wire, ask, form, message, put, released_together
from uploads.access import ANONYMOUS_NAME
from uploads.events import Event, Settled
from uploads.rules import Limits

log = logging.getLogger(__name__)

CUTS = int(os.environ.get("CUTS", "300"))
AT_ONCE = 64
# What a picture begins with: it is told at once.
HEAD = b"\xff\xd8\xff\xe0"
# Closes with a reset, at once.
LINGER = struct.pack("ii", 1, 0)


def key(number: int) -> dict[str, str]:
    return {"Idempotency-Key": f'"key-{number}"'}


class Cutter:
    """A client that is gone in the moment in which its upload is settled."""

    def __init__(self, house: House) -> None:
        assert house.client.port is not None
        self._port = house.client.port
        self._socket: socket.socket | None = None
        self._cut = asyncio.Event()
        self._publish = house.parts.receiver._publish
        house.parts.receiver._publish = self._tell

    def _tell(self, event: Event) -> None:
        """Called between the commit and the answer."""
        self._publish(event)
        if isinstance(event, Settled) and self._socket is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
            self._socket.close()
            self._socket = None
            self._cut.set()

    async def send(self, data: bytes) -> None:
        self._cut.clear()
        self._socket = socket.create_connection(("127.0.0.1", self._port))
        self._socket.sendall(data)
        await asyncio.wait_for(self._cut.wait(), 30)


def request(number: int) -> tuple[bytes, int]:
    """A new name, a name that the server chooses, a form, or a refusal: and what it is answered."""
    body = HEAD + f"{number}".encode()
    match number % 4:
        case 0:
            return put(f"/files/put/{number}.jpg", body, key(number)), 201
        case 1:
            headers = {**key(number), "Slug": "a.jpg", "Prefer": "same-name=rename"}
            return message("POST", f"/files/posted-{number % 32}/", body, headers), 201
        case 2:
            headers = {**key(number), "Prefer": "same-name=rename"}
            return form(f"/files/form-{number % 32}/", "a.jpg", body, headers), 201
        case _:
            return put("/files/taken.jpg", body, key(number)), 409


async def patient(wire: Wire, asked: bytes) -> Answer:
    """As long as the first try is under way: a form goes on after its last file is settled."""
    while True:
        answer = await wire.ask(asked)
        if answer.json["type" if answer.status >= 400 else "href"] != "/problems/in-progress":
            return answer


def told(answer: Answer) -> dict[str, Any]:
    return {**answer.json, "instance": ""}


@pytest.mark.timeout(60 + CUTS // 10)
async def test_a_connection_cut_after_the_commit_is_answered_at_the_next_try() -> None:
    room = Limits(parked_files=CUTS)
    async with opened(limits=room) as house:
        assert house.client.port is not None
        again = await Wire.connect(house.client.port)
        assert (await again.ask(put("/files/taken.jpg", HEAD))).status == 201
        cutter = Cutter(house)
        index = house.parts.tree.index
        files, parked, hrefs = 1, 0, set()
        for number in range(CUTS):
            asked, status = request(number)
            await cutter.send(asked)
            first, second = await patient(again, asked), await again.ask(asked)
            assert (first.status, first.headers["idempotency-replayed"]) == (status, "?1")
            assert told(first) == told(second)
            files, parked = files + (status == 201), parked + (status == 409)
            kept = first.json["href"] if status == 201 else first.json["upload"]["href"]
            assert kept not in hrefs
            hrefs.add(kept)
            usage, waiting = await index.read(
                lambda view: (view.usage(ANONYMOUS_NAME), view.parked(ANONYMOUS_NAME))
            )
            assert (usage.files, waiting.files) == (files + parked, parked)
            if status == 201:
                history = (await again.ask(message("GET", f"{kept}?versions"))).json["versions"]
                assert [one["version"] for one in history] == [first.json["version"]]
        await again.close()
    log.warning("%d connections were cut: %d files, %d refusals", CUTS, files - 1, parked)


KILLED = """
import os, sys
import server
from storage.sqlite.writer import Writer

after_commit = Writer._count_commit

def killed(self):
    after_commit(self)
    if os.path.exists(os.environ["KILL_IF"]):
        os.kill(os.getpid(), 9)

Writer._count_commit = killed
sys.exit(server.main())
"""


@contextmanager
def dying(data: Path, flag: Path) -> Iterator[Program]:
    """The real program, which dies by kill -9 right after a commit while the flag is there."""
    command = ["serve", "--data", str(data), "--port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**os.environ, "KILL_IF": str(flag)},
    )
    assert process.stdout is not None
    found = None
    for line in process.stdout:
        if found := START_LINE.search(line):
            break
    assert found is not None
    try:
        yield Program(process, int(found[1]), "")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


TWO_FILES = (
    b'--border\r\nContent-Disposition: form-data; name="file"; filename="f1.jpg"\r\n\r\n'
    + HEAD
    + b'f1\r\n--border\r\nContent-Disposition: form-data; name="file"; filename="f2.jpg"\r\n\r\n'
    + HEAD
    + b"f2\r\n--border--\r\n"
)
RENAMES = {"Slug": "old.jpg", "Prefer": "same-name=rename"}
KILLS: list[tuple[str, bytes, int, int]] = [
    ("create", put("/files/a.jpg", HEAD + b"a", key(1)), 201, 1),
    ("large", put("/files/a.jpg", HEAD + b"a" * (2 << 20), key(1)), 201, 1),
    ("replace", put("/files/old.jpg", HEAD + b"a", {**key(1), "If-Match": "*"}), 200, 1),
    ("rename", message("POST", "/files/", HEAD + b"a", {**key(1), **RENAMES}), 201, 1),
    ("refuse", put("/files/old.jpg", HEAD + b"a", key(1)), 409, 0),
    ("move", message("POST", "/files/old.jpg?move=new.jpg", b"", key(1)), 201, 1),
    ("delete", message("DELETE", "/files/old.jpg", b"", key(1)), 200, 1),
    (
        "form",
        message(
            "POST",
            "/files/",
            TWO_FILES,
            {"Content-Type": "multipart/form-data; boundary=border", **key(1)},
        ),
        201,
        2,
    ),
]


@pytest.mark.parametrize(
    ("asked", "status", "changes"), [one[1:] for one in KILLS], ids=[one[0] for one in KILLS]
)
async def test_after_kill_9_between_commit_and_answer_the_next_try_is_answered(
    tmp_path: Path, asked: bytes, status: int, changes: int
) -> None:
    data, flag = tmp_path / "data", tmp_path / "kill"
    with dying(data, flag) as program:
        assert (await ask(program.port, put("/files/old.jpg", HEAD))).status == 201
        flag.touch()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await ask(program.port, asked)
        assert program.process.wait(30) == -9
    with running(data) as program:
        answers = [await ask(program.port, asked) for _ in range(3)]
        assert [answer.status for answer in answers] == [status] * 3
        assert told(answers[0]) == told(answers[1]) == told(answers[2])
        # Of a form the first file alone was stored; it is answered again, and the other stored.
        assert [answer.headers.get("idempotency-replayed") for answer in answers[1:]] == ["?1"] * 2
        root = await ask(program.port, message("GET", "/files/"))
        assert root.headers["etag"] == f'"{1 + changes}-folder"'
        if status == 409:
            waiting = message("GET", answers[0].json["upload"]["href"])
            assert (await ask(program.port, waiting)).status == 200


async def test_who_sends_all_and_leaves_at_once_is_no_error_of_the_server(tmp_path: Path) -> None:
    logged = tmp_path / "log"
    with running(tmp_path / "data", log=logged) as program:
        for number in range(20):
            asked = put(f"/files/{number}", os.urandom(50_000), key(number))
            with socket.create_connection(("127.0.0.1", program.port)) as leaving:
                leaving.sendall(asked)
            assert (await ask(program.port, asked)).status in {201, 409}
    assert "Traceback" not in logged.read_text()


@pytest.mark.timeout(120)
async def test_of_many_at_once_under_one_key_one_is_carried_out(tmp_path: Path) -> None:
    with running(tmp_path / "data") as program:
        wires = await asyncio.gather(*(Wire.connect(program.port) for _ in range(AT_ONCE)))
        for number in range(50):
            body = HEAD + f"{number}".encode()
            headers = {**key(number), "Slug": "a.jpg", "Prefer": "same-name=rename"}
            asked = message("POST", f"/files/{number}/", body, headers)

            answers = await released_together(list(wires), [asked] * AT_ONCE)

            done = [answer for answer in answers if answer.status == 201]
            waiting = [answer for answer in answers if answer.status == 409]
            assert len(done) + len(waiting) == AT_ONCE
            assert len([one for one in done if "idempotency-replayed" not in one.headers]) == 1
            assert {one.json["href"] for one in done} == {f"/files/{number}/a.jpg"}
            assert {one.json["type"] for one in waiting} <= {"/problems/in-progress"}
            listed = (await wires[0].ask(message("GET", f"/files/{number}/"))).json["entries"]
            assert [one["name"] for one in listed] == ["a.jpg"]
        await asyncio.gather(*(wire.close() for wire in wires))
