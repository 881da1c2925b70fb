"""A hostile process on this machine swaps folders of the data folder for links while uploads run: what
is written goes into the data folder or nowhere.

Two thousand swaps here; SWAPS=100000 does more.
"""

import asyncio
import logging
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from storage.disk.blobfolder import FAN_OUT
from tests.running import Program, running
from tests.tussing import metadata
from tests.wire import Wire, message, put

log = logging.getLogger(__name__)

SWAPS = int(os.environ.get("SWAPS", "2000"))
AT_ONCE = 6
FOLDERS = ("blobs", "staging", "arriving", *(f"blobs/{fan}" for fan in FAN_OUT))
# Two names change places in one step: the folder for the link, and back.
SWAPPING = """
import ctypes, os, random, sys, time
data, links, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
libc = ctypes.CDLL(None, use_errno=True)
HERE, EXCHANGE = -100, 2

def exchange(one, other):
    if libc.renameat2(HERE, one.encode(), HERE, other.encode(), EXCHANGE):
        raise OSError(ctypes.get_errno(), one)

names = sorted(os.listdir(links))
often = [name for name in names if "+" not in name]
for number in range(count):
    name = random.choice(often if number % 2 else names)
    pair = os.path.join(data, name.replace("+", "/")), os.path.join(links, name)
    exchange(*pair)
    time.sleep(random.random() * 0.002)
    exchange(*pair)
"""
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Where the links lead: it has all folders that the data folder has, and anybody may write."""
    place, links = tmp_path / "outside", tmp_path / "links"
    links.mkdir()
    for name in FOLDERS:
        (place / name).mkdir(parents=True, exist_ok=True)
        (links / name.replace("/", "+")).symlink_to(place / name)
    return place


def state(place: Path) -> list[tuple[str, int]]:
    """Changes with every name that is made in it, even if it is gone again."""
    return [(str(one), one.stat().st_mtime_ns) for one in sorted((place, *place.rglob("*")))]


def contents(number: int) -> bytes:
    return b"%08d" % number * 4000


async def upload(wire: Wire, number: int) -> tuple[int, int]:
    """One by PUT, one in pieces; how each ended."""
    body = contents(number)
    stored = await wire.ask(put(f"/files/put-{number}", body))
    said = {"Upload-Length": str(len(body)), "Upload-Metadata": metadata(filename=f"tus-{number}")}
    begun = await wire.ask(message("POST", "/uploads/", b"", {**TUS, **said}))
    if begun.status != 201:
        return stored.status, begun.status
    piece = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    body = contents(-number)
    ended = await wire.ask(message("PATCH", begun.headers["location"], body, {**TUS, **piece}))
    return stored.status, ended.status


async def uploads(
    program: Program, swapping: asyncio.subprocess.Process
) -> dict[int, tuple[int, int]]:
    numbers, found = iter(range(1, 10**7)), {}

    async def work() -> None:
        wire = await Wire.connect(program.port)
        while swapping.returncode is None:
            number = next(numbers)
            try:
                found[number] = await upload(wire, number)
            except (ConnectionError, asyncio.IncompleteReadError):
                wire = await Wire.connect(program.port)
        await wire.close()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="two names change places on Linux alone")
@pytest.mark.timeout(180 + SWAPS // 20)
async def test_no_swapped_folder_leads_an_upload_out(tmp_path: Path, outside: Path) -> None:
    data = tmp_path / "data"
    # What a swap has cut off stays begun, and must not be what ends the rest.
    with running(data, env={"NOCLOBBER_LIMITS_ARRIVING_FILES": "1000000"}) as program:
        (data / "arriving").mkdir(exist_ok=True)
        before = state(outside)
        command = [sys.executable, "-c", SWAPPING, str(data), str(tmp_path / "links"), str(SWAPS)]
        swapping = await asyncio.create_subprocess_exec(*command)
        found = await uploads(program, swapping)
        assert await swapping.wait() == 0
        assert state(outside) == before
        wire = await Wire.connect(program.port)
        for number, (by_put, in_pieces) in found.items():
            if by_put == 201:
                answer = await wire.ask(message("GET", f"/files/put-{number}"))
                assert answer.body == contents(number)
            if in_pieces == 204:
                answer = await wire.ask(message("GET", f"/files/tus-{number}"))
                assert answer.body == contents(-number)
        assert (await wire.ask(put("/files/after", b"after" * 10_000))).status == 201
        await wire.close()
    statuses = Counter(status for pair in found.values() for status in pair)
    log.warning("%d swaps during %d uploads: %s", SWAPS, 2 * len(found), dict(statuses))
    assert statuses[201] > 0
    assert statuses[204] > 0
