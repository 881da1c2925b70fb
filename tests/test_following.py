"""Followers of the real program: under many writers, kill -9, SIGTERM; and as curl sees it."""

import asyncio
import json
import os
import random
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.followers import Copy
from tests.running import Program, running, start
from tests.test_changes import take
from tests.wire import Wire, ask, message, put

ENVIRONMENT = {"NOCLOBBER_LIMITS_FREE_SPACE": "0", "NOCLOBBER_SERVER_GRACE": "15 s"}
WRITERS = 16
KILLS = 2
CHANGES_BETWEEN = 800
SEED = int(os.environ.get("CRASH_SEED", "20261125"))
BROKEN_OFF = (ConnectionError, asyncio.IncompleteReadError, OSError)
HEAD = b"\xff\xd8\xff\xe0"


@dataclass
class Busy:
    """What the writers work on, and how much they have been told."""

    chance: random.Random
    done: int = 0
    deletions: list[tuple[str, int]] = field(default_factory=list)

    def path(self) -> str:
        return "/".join(self.chance.choice("abc") for _ in range(self.chance.randint(1, 3)))

    def message(self) -> bytes:
        """Any change at all, of names that all writers share; many of them are refused."""
        at, to = self.path(), self.path()
        match self.chance.choice(["put", "put", "put", "move", "delete", "folder", "restore"]):
            case "move":
                return message("POST", f"/files/{at}?move={to}&recursive")
            case "delete":
                return message("DELETE", f"/files/{at}?recursive")
            case "folder":
                return message("PUT", f"/files/{at}/")
            case "restore" if self.deletions:
                deleted, number = self.chance.choice(self.deletions)
                return message("POST", f"/files/{deleted}?restore={number}")
            case _:
                body = HEAD + self.chance.randbytes(3)
                wish = {"Prefer": "same-name=version, same-content=link, same-file=accept"}
                return put(f"/files/{at}", body, wish)


@asynccontextmanager
async def connected(program: Program) -> AsyncIterator[Wire]:
    wire = await Wire.connect(program.port)
    try:
        yield wire
    finally:
        await wire.close()


async def write(busy: Busy, program: Program, enough: int) -> None:
    with suppress(*BROKEN_OFF):
        async with connected(program) as wire:
            await write_on(busy, wire, enough)


async def write_on(busy: Busy, wire: Wire, enough: int) -> None:
    while busy.done < enough:
        answer = await wire.ask(busy.message())
        assert answer.status < 500, answer
        if answer.status < 300:
            busy.done += 1
            told = answer.json
            if "deleted" in told:
                busy.deletions.append((told["deleted"], told["change"]))


@dataclass
class Follower:
    copy: Copy = field(default_factory=Copy)
    since: str = "0"
    numbers: list[int] = field(default_factory=list)

    async def follow(self, program: Program, limit: int) -> None:
        """Until the server is gone."""
        with suppress(*BROKEN_OFF):
            async with connected(program) as wire:
                while True:
                    await self.turn(wire, limit, wait=5)

    async def turn(self, wire: Wire, limit: int, wait: int) -> bool:
        query = f"/changes?since={self.since}&limit={limit}&wait={wait}"
        answer = await wire.ask(message("GET", query))
        assert answer.status == 200, answer
        found = answer.json
        for line in found["changes"]:
            take(self.copy, line)
            self.numbers.append(line["change"])
        self.since = found["next"]
        more: bool = found["more"]
        return more


async def listed(program: Program) -> Copy:
    """The whole tree, folder by folder, as the server lists it."""
    found, folders = Copy(), ["/files/"]
    async with connected(program) as wire:
        while folders:
            page: str | None = folders.pop()
            while page is not None:
                told = (await wire.ask(message("GET", page))).json
                for entry in told["entries"]:
                    name = entry["href"].strip("/")
                    if entry["type"] == "folder":
                        found.folders.add(name)
                        folders.append(entry["href"])
                    else:
                        found.files[name] = entry["etag"]
                page = told["next"]
    return found


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_followers_tree_is_the_servers_after_many_writers_and_two_kills(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    busy = Busy(random.Random(SEED))
    followers = {1000: Follower(), 3: Follower()}
    for kill in range(KILLS + 1):
        program = start(data, env=ENVIRONMENT)
        enough = busy.done + CHANGES_BETWEEN
        following = [
            asyncio.create_task(follower.follow(program, limit))
            for limit, follower in followers.items()
        ]
        writers = [
            asyncio.create_task(write(busy, program, enough if kill == KILLS else 10**9))
            for _ in range(WRITERS)
        ]
        if kill < KILLS:
            while busy.done < enough:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
            program.kill()
            await asyncio.gather(*writers, *following)
    try:
        await asyncio.gather(*writers)
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        expected = await listed(program)
        expected.folders.add("files")
        late = Follower()
        for limit, follower in [*followers.items(), (1000, late)]:
            async with connected(program) as wire:
                while await follower.turn(wire, limit, wait=0):
                    pass
            assert follower.copy.files == expected.files
            assert follower.copy.folders | {"files"} == expected.folders
            # In order; what is told again is what an answer that was lost told before.
            assert follower.numbers == sorted(follower.numbers)
        assert sorted(set(late.numbers)) == [*range(1, int(late.since) + 1)]
        # How much is left of it in the end is chance; that much was done to it is not.
        assert int(late.since) > CHANGES_BETWEEN
    finally:
        assert program.stop() == 0


@pytest.mark.timeout(90)
async def test_a_server_that_is_told_to_stop_waits_for_no_follower(tmp_path: Path) -> None:
    program = start(tmp_path / "data", env=ENVIRONMENT)
    await ask(program.port, put("/files/a.jpg", HEAD))
    waiting, stream = [await Wire.connect(program.port) for _ in range(2)]
    await waiting.send(message("GET", "/changes?since=now&wait=50"))
    accept = {"Accept": "text/event-stream"}
    await stream.send(message("GET", "/changes?since=now", b"", accept))
    assert await stream.reader.readuntil(b"id: 1\n\n")
    began = time.monotonic()
    code = await asyncio.to_thread(program.stop)
    # Its grace time is 15 seconds: whoever waited was let go, and nobody had to be hung up on.
    assert time.monotonic() - began < 10
    assert code == 0
    answer = await waiting.answer()
    assert (answer.status, answer.json["changes"]) == (200, [])
    assert (await stream.reader.read()).endswith(b"0\r\n\r\n")
    await waiting.close()
    await stream.close()


def curl(program: Program, *words: str) -> subprocess.CompletedProcess[str]:
    address = f"{program.url}{words[-1]}"
    command = ["curl", "--silent", "--no-buffer", *words[:-1], address]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.timeout(60)
async def test_curl_follows_the_stream_of_events(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one", encoding="utf-8")
    with running(tmp_path / "data", env=ENVIRONMENT) as program:
        curl(program, "-T", str(tmp_path / "a.txt"), "/files/ä%20b.txt")
        said = curl(program, "--max-time", "1", "-H", "Accept: text/event-stream", "/changes")
        events: dict[str, Any] = dict(
            block.split("\ndata: ") for block in said.stdout.split("\n\n") if "data: " in block
        )
        assert list(events) == ["id: 1"]
        assert unquote(json.loads(events["id: 1"])["href"]) == "/files/ä b.txt"
        assert said.returncode == 28, "the stream ended before curl did"
