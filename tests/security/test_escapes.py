"""No name leads out of the data folder: made of hostile steps, at every place that takes a path.

A hundred thousand here: a tenth each in a request of its own, two tenths in forms, the rest handed to
the rules as a door does. ESCAPES=10000000 tries more; the seed that is logged repeats a run with
ESCAPES_SEED.
"""

import asyncio
import logging
import os
import random
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from tests.doors import House, opened, sent
from tests.test_fuzz import check_places
from tests.wire import Wire, message
from uploads import names
from uploads.access import ANONYMOUS
from uploads.failures import Failure
from uploads.names import BadName
from uploads.settling import Arrival

log = logging.getLogger(__name__)

NAMES = int(os.environ.get("ESCAPES", "100000"))
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


# So many share a data folder.
ROUND = 500_000
OWN_REQUEST, IN_FORMS = 0.1, 0.2
PER_FORM = 100
AT_ONCE = 64


def paths(chance: random.Random, count: int) -> Iterator[str]:
    """Half of them from a folder on that few others have, or nearly all would be in the way of what
    is there already.
    """
    for number in range(count):
        path = "/".join(chance.choices(STEPS, k=chance.randint(1, 5)))
        yield f"{chance.randrange(1 + count // 20):x}/{path}" if number % 2 else path


def body(number: int) -> bytes:
    """Each another one, so that each that is taken is stored; some are so large that they get a file."""
    return b"out %d" % number + bytes(2000 if number % 50 == 0 else 0)


def requests(chance: random.Random, count: int) -> Iterator[bytes]:
    for number, path in enumerate(paths(chance, count)):
        method, target, headers = PLACES[number % len(PLACES)]
        filled = {name: value.replace("{}", path) for name, value in headers.items()}
        address = target.replace("{}", path.replace('"', "%22").replace("?", "%3f"))
        yield message(method, address, body(number), filled)


def forms(chance: random.Random, count: int) -> Iterator[bytes]:
    """As browsers write names: a quote is encoded. Half of them with their escapes undone."""
    parts = []
    for number, path in enumerate(paths(chance, count), 1):
        name = unquote_to_bytes(path) if number % 2 else path.encode()
        name = name.replace(b'"', b"%22").replace(b"\r", b"%0D").replace(b"\n", b"%0A")
        parts.append(
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="%b"\r\n\r\n%b\r\n'
            % (name.replace(b"\0", b"%00"), body(-number))
        )
        if len(parts) == PER_FORM or number == count:
            kind = {"Content-Type": "multipart/form-data; boundary=b"}
            yield message("POST", "/files/", b"".join(parts) + b"--b--\r\n", kind)
            parts = []


async def ask_all(house: House, above: str, asked: Iterator[bytes]) -> None:
    async def work(wire: Wire) -> None:
        for one in asked:
            answer = await wire.ask(one)
            assert answer.status < 500 or answer.status == 502, (SEED, one, answer)
            assert b"root:" not in answer.body
            assert above.encode() not in answer.body
            if answer.headers.get("connection") == "close":
                await wire.close()
                fresh = await Wire.connect(house.client.port or 0)
                wire.reader, wire.writer = fresh.reader, fresh.writer
        await wire.close()

    wires = await asyncio.gather(*(Wire.connect(house.client.port or 0) for _ in range(8)))
    await asyncio.gather(*map(work, wires))


async def hand_over(house: House, handed: Iterator[tuple[int, str]]) -> None:
    """What a door does with the path of a request, and all that comes after."""
    receiver, limits = house.parts.receiver, house.parts.names

    async def bytes_of(number: int) -> AsyncIterator[bytes]:
        yield body(number)

    async def work() -> None:
        for number, path in handed:
            try:
                place = names.parse(names.decode(path.encode()), limits)
                arrival = Arrival("plain", place, ANONYMOUS, size=len(body(number)))
                await receiver.receive(arrival, bytes_of(number))
            except (BadName, Failure):
                continue

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


async def one_round(above: str, chance: random.Random, count: int) -> None:
    async with opened() as house:
        await sent(house, "start", b"start")
        own, formed = int(count * OWN_REQUEST), int(count * IN_FORMS)
        await ask_all(house, above, requests(chance, own))
        await ask_all(house, above, forms(chance, formed))
        await hand_over(house, enumerate(paths(chance, count - own - formed), count))
        check_places(Path(above))
        index = house.parts.holdings.index
        stored = await index.read(lambda view: view.usage(ANONYMOUS.name).files)
        log.warning("%d of %d names were taken, and stored", stored, count)
        assert stored > count // 100


@pytest.mark.slow
@pytest.mark.timeout(180 + NAMES // 100)
async def test_no_name_leads_out_of_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(SEED)
    with tempfile.TemporaryDirectory() as above:
        monkeypatch.setattr(tempfile, "tempdir", above)
        for begun in range(0, NAMES, ROUND):
            await one_round(above, chance, min(ROUND, NAMES - begun))
    log.warning("%d names, seed %d: none led out", NAMES, SEED)
