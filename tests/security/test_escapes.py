"""No name leads out of the data folder: made of hostile steps, at every place that takes a path.

Twenty thousand here; ESCAPES=100000 tries more; the seed that is logged repeats a run with ESCAPES_SEED.
"""

import asyncio
import logging
import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors import opened, sent
from tests.test_fuzz import check_places
from tests.wire import Wire, message

log = logging.getLogger(__name__)

NAMES = int(os.environ.get("ESCAPES", "20000"))
SEED = int(os.environ.get("ESCAPES_SEED", str(random.SystemRandom().getrandbits(32))))
STEPS = (
    "..", ".", "", "%2e%2e", "%2e.", ".%2e", "%252e%252e", "..%2f", "%2e%2e%2f", "..\\", "..%5c", "%5c..",
    "....//", "..;", "%c0%ae%c0%ae", "%e0%80%ae", "%uff0e", "..%00", "%00", "..%0d%0a", "C:", "c%3a",
    "//host", "%5c%5chost%5cx", "%2fetc", "~", "~root", "etc", "passwd", "proc", "self", "fd", "3", "a", "b",
    "blobs", "staging", "index.sqlite", "accounts.json", "lock", ".git", ".htaccess", "CON", "NUL", "a.",
    "a%20", "%ef%bc%8e%ef%bc%8e", "%e2%80%a5", "%e2%80%ae", "x" * 255, "$(id)", "`id`", "|id", "'", '"', "*", "?", "%",
)  # fmt: skip
PLACES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("PUT", "/files/{}", {}),
    ("PUT", "/dav/{}", {}),
    ("POST", "/files/?move={}", {}),
    ("POST", "/files/start?copy={}", {}),
    ("COPY", "/dav/start", {"Destination": "/dav/{}"}),
    ("POST", "/files/", {"Slug": "{}"}),
    ("GET", "/static/{}", {}),
    ("GET", "/uploads/{}/content", {}),
    ("PUT", "/remote.php/dav/files/anonymous/{}", {}),
)


def escapes(seed: int, count: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    for number in range(count):
        path = "/".join(chance.choices(STEPS, k=chance.randint(1, 5)))
        method, target, headers = PLACES[number % len(PLACES)]
        filled = {name: value.replace("{}", path) for name, value in headers.items()}
        address = target.replace("{}", path.replace('"', "%22").replace("?", "%3f"))
        yield message(method, address, b"out", filled)


@pytest.mark.slow
@pytest.mark.timeout(120 + NAMES // 100)
async def test_no_name_leads_out_of_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as above:
        monkeypatch.setattr(tempfile, "tempdir", above)
        async with opened() as house:
            await sent(house, "start", b"start")
            wires = await asyncio.gather(*(Wire.connect(house.client.port or 0) for _ in range(8)))
            asked = escapes(SEED, NAMES)

            async def work(wire: Wire) -> int:
                done = 0
                for one in asked:
                    answer = await wire.ask(one)
                    assert answer.status < 500 or answer.status == 502, (SEED, one, answer)
                    assert b"root:" not in answer.body
                    assert above.encode() not in answer.body
                    done += 1
                    if answer.headers.get("connection") == "close":
                        await wire.close()
                        fresh = await Wire.connect(house.client.port or 0)
                        wire.reader, wire.writer = fresh.reader, fresh.writer
                return done

            done = sum(await asyncio.gather(*map(work, wires)))
            check_places(Path(above))
            for one in wires:
                await one.close()
    log.warning("%d names, seed %d: none led out", done, SEED)
    assert done == NAMES
