"""Disks that change what they hold: every damage is found by scrubbing, and only where it is.

`FLIPS=10000` makes the long run.
"""

import logging
import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from storage.upkeep.verify import Fault, verify
from tests.shelves import INLINE_BELOW, Shelves, blob, shelves
from uploads.files import Content

log = logging.getLogger(__name__)

FLIPS = int(os.environ.get("FLIPS", "200"))
SEED = int(os.environ.get("CRASH_SEED", "20261126"))
SIZES = (1, INLINE_BELOW - 1, INLINE_BELOW, 4_096, 4_097, 70_000)


@pytest.fixture(name="stored")
async def _stored(tmp_path: Path) -> list[Content]:
    chance = random.Random(SEED)
    async with shelves(tmp_path) as opened:
        return [await fill(opened, number, chance) for number in range(3 * len(SIZES))]


async def fill(opened: Shelves, number: int, chance: random.Random) -> Content:
    return await opened.store(f"f{number}", chance.randbytes(SIZES[number % len(SIZES)]))


def held(data: Path, content: Content) -> bytes:
    if content.size >= INLINE_BELOW:
        return blob(data, content).read_bytes()
    with closing(sqlite3.connect(data / "index.sqlite")) as index:
        found = index.execute(SMALL, (content.digest,)).fetchone()
    return bytes(found[0])


def put_in_place(data: Path, content: Content, body: bytes) -> None:
    """Behind the back of the store, as a disk does."""
    if content.size >= INLINE_BELOW:
        place = blob(data, content)
        place.chmod(0o600)
        place.write_bytes(body)
        place.chmod(0o400)
        return
    with closing(sqlite3.connect(data / "index.sqlite")) as index, index:
        changed = index.execute(CHANGE_SMALL, (body, content.digest))
    assert changed.rowcount == 1


SMALL = "SELECT s.bytes FROM small s JOIN contents c ON c.id = s.content WHERE c.digest = ?"
CHANGE_SMALL = (
    "UPDATE small SET bytes = ? WHERE content = (SELECT id FROM contents WHERE digest = ?)"
)


def flipped(body: bytes, chance: random.Random) -> bytes:
    at, bit = chance.randrange(len(body)), 1 << chance.randrange(8)
    return body[:at] + bytes([body[at] ^ bit]) + body[at + 1 :]


@pytest.mark.timeout(60 + FLIPS // 10)
async def test_every_flipped_bit_is_found_and_nothing_else_is_blamed(
    stored: list[Content], tmp_path: Path
) -> None:
    log.warning("seed %d; set CRASH_SEED to try another", SEED)
    chance = random.Random(SEED)
    for _ in range(FLIPS):
        content = chance.choice(stored)
        sound = held(tmp_path, content)
        put_in_place(tmp_path, content, flipped(sound, chance))
        found = verify(tmp_path, scrub=True).findings
        assert [(one.fault, one.subject) for one in found] == [(Fault.DAMAGED, content.digest)]
        put_in_place(tmp_path, content, sound)
    assert verify(tmp_path, scrub=True).findings == ()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut short by a byte": lambda body: body[:-1],
    "cut to nothing": lambda _: b"",
    "a byte longer": lambda body: body + b"\0",
    "a page of zeros": lambda body: bytes(4_096) + body[4_096:],
    "a sector of something else": lambda body: body[:512] + b"x" * 512 + body[1_024:],
    "two sectors exchanged": lambda body: body[512:1_024] + body[:512] + body[1_024:],
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_coarser_damage_is_found(damage: str, stored: list[Content], tmp_path: Path) -> None:
    content = next(one for one in stored if one.size == 70_000)
    put_in_place(tmp_path, content, DAMAGES[damage](held(tmp_path, content)))
    found = verify(tmp_path, scrub=True).findings
    assert [(one.fault, one.subject) for one in found] == [(Fault.DAMAGED, content.digest)]


async def test_two_contents_that_changed_places_are_both_found(
    stored: list[Content], tmp_path: Path
) -> None:
    one, other = [content for content in stored if content.size == 4_096][:2]
    first, second = held(tmp_path, one), held(tmp_path, other)
    put_in_place(tmp_path, one, second)
    put_in_place(tmp_path, other, first)
    found = verify(tmp_path, scrub=True).findings
    assert {one.subject for one in found} == {one.digest, other.digest}
