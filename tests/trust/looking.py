"""What a start after a crash finds in a data folder: the server's own start, collection and check."""

import asyncio
import json
import os
import signal
import socket
import time
import traceback
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path as Folder
from typing import Any

from storage.upkeep import verify as verification
from tests.rootless import bind_by_modes
from tests.trust.calls import LARGEST_WORD, Judge, Voice, no_clock, watched
from tests.trust.house import CANNOT_START, WHO, House, body, descriptors, digest, in_pieces, opened
from tests.trust.ledger import Ledger, Seen
from uploads.failures import Failure
from uploads.files import Content
from uploads.names import Path
from uploads.portions import Portion

STARTS_WITHIN = 60.0
CLOSES_WITHIN = 2.0
INDEX = {"index.sqlite", "index.sqlite-wal", "index.sqlite-shm"}
OURS = INDEX | {"lock", "copying.lock", "accounts.json", "accounts.lock"}
PROBE = "probe"
ARRIVING = Folder("arriving")


def recover(data: Folder, judge: Judge) -> tuple[int, int]:
    """A start, and what it puts in order, under a judge. How it ended, and how many calls it made."""

    def work(voice: Voice) -> None:
        asyncio.run(_recover(data, voice))

    ended = watched(work, judge, STARTS_WITHIN)
    return ended.code, ended.held


def faults(data: Folder, ledger: Ledger) -> list[str]:
    """What a start after all that breaks of the invariants."""
    found = Looker.of_this_process().faults(data, ledger)
    if found:
        # Nothing of it may be met by the next.
        Looker.forget()
    return found


class Looker:
    """A process that starts a server in one folder after the other. Most of a start in a new process
    is reading, compiling and copying what is the same for all of them.
    """

    _ours: "Looker | None" = None

    @classmethod
    def of_this_process(cls) -> "Looker":
        if cls._ours is None:
            cls._ours = Looker()
        return cls._ours

    @classmethod
    def forget(cls) -> None:
        looker, cls._ours = cls._ours, None
        if looker is not None:
            looker.end()

    @classmethod
    def leave(cls) -> None:
        """In a child: it is its parent's."""
        looker, cls._ours = cls._ours, None
        if looker is not None:
            looker.wire.close()

    def __init__(self) -> None:
        self.wire, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = os.fork()
        if self._process == 0:
            self.wire.close()
            _look_as_asked(theirs)
        theirs.close()

    def faults(self, data: Folder, ledger: Ledger) -> list[str]:
        asked = [str(data), list(ledger.versions), list(ledger.offsets)]
        self.wire.send(json.dumps(asked).encode())
        deadline = time.monotonic() + STARTS_WITHIN
        last: list[Any] = []
        try:
            while words := self._heard(deadline):
                kind, *last = words
                if kind == "seen":
                    return ledger.faults(Seen(*last))
        except TimeoutError:
            return ["7: the start hangs"]
        return [f"7: it does not start again: {last}"]

    def end(self) -> None:
        self.wire.close()
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)

    def _heard(self, deadline: float) -> list[Any]:
        """Nothing, if it has ended."""
        self.wire.settimeout(max(0.001, deadline - time.monotonic()))
        with suppress(ConnectionError):
            if text := self.wire.recv(LARGEST_WORD):
                return list(json.loads(text)[1:])
        return []


os.register_at_fork(after_in_child=Looker.leave)


def _look_as_asked(wire: socket.socket) -> None:
    bind_by_modes()
    voice = Voice(wire, no_clock)
    try:
        while asked := wire.recv(LARGEST_WORD):
            data, versions, offsets = json.loads(asked)
            asyncio.run(_look(Folder(data), versions, offsets, voice))
    except BaseException:  # noqa: BLE001 - told, and the process ends
        with suppress(OSError):
            voice.say("broke", traceback.format_exc())
    finally:
        os._exit(0)


async def _recover(data: Folder, voice: Voice) -> None:
    try:
        async with opened(data, voice) as house:
            await house.collect()
    except CANNOT_START as error:
        voice.say("unopened", repr(error))


async def _look(data: Folder, versions: Iterable[str], ids: Iterable[str], voice: Voice) -> None:
    began, before = time.monotonic(), descriptors()
    async with opened(data, voice) as house:
        await house.collect()
        names = await _names(house)
        found = {one: await _version(house, one) for one in versions}
        parked = await _parked(house)
        offsets = await _offsets(house, ids)
        probe = await house.put(PROBE, body(f"probe {began}", 5000))
        stuck = [id_ for id_ in offsets if not await _goes_on(house, id_)]
        expected = await _expected(house, data)
        number = getattr(getattr(probe, "version", None), "number", 0)
        seconds = time.monotonic() - began
    left = await _left_open(before)
    verification._YOUNG = 0  # Nobody else is at work here, so nothing may be on its way.
    report = verification.verify(data, scrub=True)
    findings = [finding.text for finding in report.findings]
    litter = _litter(data, expected)
    voice.say("seen", names, found, parked, offsets, findings, litter, left, stuck, number, seconds)


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


async def _offsets(house: House, ids: Iterable[str]) -> dict[str, int]:
    found = {}
    for id_ in ids:
        try:
            incoming = await house.parts.resuming.look(id_, WHO)
        except Failure:
            continue
        if incoming.number is None:
            found[id_] = incoming.offset
    return found


async def _goes_on(house: House, id_: str) -> bool:
    """To its end, whatever comes of it there."""
    incoming = await house.parts.resuming.look(id_, WHO)
    if incoming.is_part or incoming.size is None:
        return True
    rest = incoming.size - incoming.resumes_at
    try:
        await house.parts.resuming.append(
            id_, WHO, Portion(incoming.resumes_at, brings=rest), in_pieces(bytes(rest))
        )
    except Failure:
        return False
    return True


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
    for place, folders, files in os.walk(data):
        within = Folder(place).relative_to(data)
        folders[:] = [name for name in folders if str(within / name) != "blobs"]
        known = expected if within == ARRIVING or ARRIVING in within.parents else set[str]()
        found += [str(within / name) for name in files if name not in known]
    return [name for name in found if name not in OURS]
