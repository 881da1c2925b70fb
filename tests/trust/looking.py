"""What a start after a crash finds in a data folder: the server's own start, collection and check."""

import asyncio
import time
from pathlib import Path as Folder

from storage.upkeep import verify as verification
from tests.trust.calls import Judge, Voice, apart, watched
from tests.trust.house import CANNOT_START, WHO, House, body, descriptors, digest, opened
from tests.trust.ledger import Ledger, Seen
from uploads.failures import Failure
from uploads.files import Content
from uploads.names import Path

STARTS_WITHIN = 20.0
CLOSES_WITHIN = 2.0
INDEX = {"index.sqlite", "index.sqlite-wal", "index.sqlite-shm"}
OURS = INDEX | {"lock", "copying.lock", "accounts.json", "accounts.lock"}
PROBE = "probe"


def recover(data: Folder, judge: Judge) -> tuple[int, int]:
    """A start, and what it puts in order, under a judge. How it ended, and how many calls it made."""

    def work(voice: Voice) -> None:
        asyncio.run(_recover(data, voice))

    ended = watched(work, judge, STARTS_WITHIN)
    return ended.code, ended.held


def faults(data: Folder, ledger: Ledger) -> list[str]:
    """What a start after all that breaks of the invariants."""

    def work(voice: Voice) -> None:
        asyncio.run(_look(data, ledger, voice))

    ended = apart(work, STARTS_WITHIN)
    if ended.hung:
        return ["7: the start hangs"]
    found = [words for kind, *words in ended.said if kind == "seen"]
    if not found:
        return [f"7: it does not start again: {ended.said[-1:]} {ended.code}"]
    return ledger.faults(Seen(*found[0]))


async def _recover(data: Folder, voice: Voice) -> None:
    try:
        async with opened(data, voice) as house:
            await house.collect()
    except CANNOT_START as error:
        voice.say("unopened", repr(error))


async def _look(data: Folder, ledger: Ledger, voice: Voice) -> None:
    began, before = time.monotonic(), descriptors()
    async with opened(data, voice) as house:
        await house.collect()
        names = await _names(house)
        versions = {one: await _version(house, one) for one in ledger.versions}
        parked = await _parked(house)
        offsets = await _offsets(house, ledger)
        probe = await house.put(PROBE, body(f"probe {began}", 5000))
        expected = await _expected(house, data)
        number = getattr(getattr(probe, "version", None), "number", 0)
        seconds = time.monotonic() - began
    left = await _left_open(before)
    verification._YOUNG = 0  # Nobody else is at work here, so nothing may be on its way.
    report = verification.verify(data, scrub=True)
    findings = [finding.text for finding in report.findings]
    litter = _litter(data, expected)
    voice.say("seen", names, versions, parked, offsets, findings, litter, left, number, seconds)


async def _left_open(before: set[str]) -> list[str]:
    """A thread that nobody waits for may still be reading its table of media types."""
    until = time.monotonic() + CLOSES_WITHIN
    while (left := descriptors() - before) and time.monotonic() < until:  # noqa: ASYNC110 - see above
        await asyncio.sleep(0.01)
    return sorted(left)


async def _names(house: House) -> dict[str, tuple[str, int]]:
    files = await house.store.index.read(lambda view: view.files_below(Path(()), None, 1000))
    return {
        "/".join(file.path.parts): (await _read(house, file.content), file.version.number)
        for file in files
    }


async def _version(house: House, text: str) -> str | None:
    name, _, number = text.rpartition(":")
    try:
        held = await house.parts.holdings.version(WHO, Path(tuple(name.split("/"))), int(number))
    except Failure:
        return None
    return await _read(house, held.file.content)


async def _parked(house: House) -> dict[str, str]:
    uploads = await house.parts.parking.all_of(WHO)
    return {upload.id: await _read(house, upload.content) for upload in uploads}


async def _offsets(house: House, ledger: Ledger) -> dict[str, int]:
    found = {}
    for id_ in ledger.offsets:
        try:
            incoming = await house.parts.resuming.look(id_, WHO)
        except Failure:
            continue
        if incoming.number is None:
            found[id_] = incoming.offset
    return found


async def _expected(house: House, data: Folder) -> set[str]:
    there = [path.name for path in (data / "arriving").iterdir()]
    return await house.store.index.read(
        lambda view: {id_ for id_ in there if view.incoming(id_) is not None}
    )


async def _read(house: House, content: Content) -> str:
    try:
        reading = await house.store.blobs.open(content)
    except Failure as failure:
        return type(failure).__name__
    try:
        return digest(await reading.read(0, content.size))
    finally:
        reading.close()


def _litter(data: Folder, expected: set[str]) -> list[str]:
    """Blobs that no file has are found by the check itself."""
    found = []
    for path in data.rglob("*"):
        name = str(path.relative_to(data))
        arriving = name.startswith("arriving/") and path.name in expected
        if path.is_file() and name not in OURS and not name.startswith("blobs/") and not arriving:
            found.append(name)
    return found
