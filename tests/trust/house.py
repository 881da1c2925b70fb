"""The real rules over the real shelves of one folder, wired by the server, without a door.

Each change is told before it is asked for, and its end once it is known: that is what a client
would know at a crash.
"""

import asyncio
import functools
import hashlib
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path as Folder

import magic
from argon2 import PasswordHasher

import server
from handlers.parts import Parts
from program import houserules
from program.console import Refused
from program.settings import Data, Limits, Settings
from storage import accounts, sniffing
from storage.disk.blobfolder import FAN_OUT
from storage.lock import NotOwned
from tests.trust.calls import Voice
from uploads import partnames
from uploads.chunking import Chunking
from uploads.conditions import UNCONDITIONAL, Condition, Tags
from uploads.failures import Failure, Unsettled
from uploads.files import Incoming, StoredFile
from uploads.names import Path
from uploads.policy import NO_WISHES, SameContent, SameFile, SameName, Wishes
from uploads.portions import Portion
from uploads.settling import Arrival, Outcome, Placed, Removed, ReplaceIt, StoreAs

INLINE_BELOW = 4096
LARGE, SMALL, LONG = 9_000, 200, 150_000
PIECE = 65_536
WHO = houserules.OPERATOR
LINK = Wishes(same_content=SameContent.LINK)
ACCEPT = Wishes(same_file=SameFile.ACCEPT)
VERSION = Wishes(same_name=SameName.VERSION)
FREE = Condition(if_none_match=Tags(any=True))
CANNOT_START = (OSError, sqlite3.Error, Failure, NotOwned, Refused)

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@functools.lru_cache(128)
def body(label: str, size: int) -> bytes:
    return random.Random(label).randbytes(size)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def only(etag: str) -> Condition:
    return Condition(if_match=Tags(strong=frozenset({etag})))


def settings_of(folder: Folder, keep_versions: float) -> Settings:
    data = Data(folder=str(folder), inline_below=INLINE_BELOW, keep_versions=keep_versions)
    return replace(Settings(), data=data, limits=Limits(free_space=0))


@contextmanager
def _cheap_passwords() -> Iterator[None]:
    """Nobody signs in here, and a start would spend most of its time on a password for nobody."""
    dear = accounts._HASHER
    accounts._HASHER = CHEAP
    try:
        yield
    finally:
        accounts._HASHER = dear


# One is asked at the start whether it works, and each of its threads has one.
READ_AHEAD = 1 + sniffing._AT_ONCE


@functools.cache
def _tables_of_types() -> tuple[magic.Magic, ...]:
    return tuple(sniffing._load() for _ in range(READ_AHEAD))


@contextmanager
def _types_read_ahead() -> Iterator[None]:
    """A start would spend a part of its time on a table that is the same for all of them."""
    load, ahead = sniffing._load, list(_tables_of_types())
    sniffing._load = lambda: ahead.pop() if ahead else load()
    try:
        yield
    finally:
        sniffing._load = load


@asynccontextmanager
async def opened(
    folder: Folder, voice: Voice, keep_versions: float = 1e9
) -> AsyncIterator["House"]:
    settings = settings_of(folder, keep_versions)
    rules = replace(houserules.rules_for_operator(settings), limits=houserules._limits(settings))
    with _cheap_passwords(), _types_read_ahead():
        async with server._opened(settings, server._tell_nobody) as store:
            parts = server._parts(
                settings, store, rules, server._tell_nobody, server._bell(settings)
            )
            yield House(settings, store, parts, voice)


@dataclass
class House:
    settings: Settings
    store: server.Store
    parts: Parts
    voice: Voice
    deeds: int = 0

    async def put(
        self,
        name: str,
        data: bytes,
        condition: Condition = UNCONDITIONAL,
        wishes: Wishes = NO_WISHES,
    ) -> StoredFile | str | None:
        """The file; or the id under which the bytes wait; None where nothing came of it."""
        arrival = Arrival("trust", _path(name), WHO, condition, wishes, size=len(data))
        deed = self._doing(name, digest(data), _etag(condition))
        return await self._told(deed, self.parts.receiver.receive(arrival, in_pieces(data)))

    async def delete(self, name: str, condition: Condition = UNCONDITIONAL) -> None:
        deed = self._doing(name, None, _etag(condition))
        removing = self.parts.tree.delete(WHO, _path(name), condition, recursive=False)
        await self._told(deed, removing)

    async def restore(self, name: str, data: bytes, condition: Condition = UNCONDITIONAL) -> None:
        """Its first version."""
        first = (await self.parts.holdings.history(WHO, _path(name)))[-1].number
        deed = self._doing(name, digest(data), _etag(condition))
        await self._told(deed, self.parts.tree.restore(WHO, _path(name), first, condition))

    async def move(self, source: str, target: str, data: bytes) -> None:
        deed = self._doing(target, digest(data), None, leaves=source)
        moving = self.parts.tree.move(
            WHO, _path(source), _path(target), UNCONDITIONAL, recursive=False
        )
        await self._told(deed, moving)

    async def replace_by(self, parked: str, name: str, etag: str, data: bytes) -> None:
        deed = self._doing(name, digest(data), etag, settles=parked)
        resolving = self.parts.parking.resolve(parked, WHO, ReplaceIt(_path(name), etag))
        await self._told(deed, resolving)

    async def store_as(self, parked: str, name: str, data: bytes) -> None:
        deed = self._doing(name, digest(data), None, settles=parked)
        await self._told(deed, self.parts.parking.resolve(parked, WHO, StoreAs(_path(name))))

    async def begin(self, name: str, data: bytes) -> str | None:
        arrival = Arrival("trust", _path(name), WHO, size=len(data), may_rename=True)
        deed = self._doing(name, None, None, begins=True)
        found = await self._told(deed, self.parts.resuming.create(arrival))
        return found if isinstance(found, str) else None

    async def append(self, id_: str, name: str, data: bytes, start: int, end: int) -> None:
        """With the last byte it is settled."""
        ends = digest(data) if end == len(data) else None
        deed = self._doing(name, ends, None, begins=ends is None, arrives=id_)
        portion = Portion(start, brings=end - start)
        appending = self.parts.resuming.append(id_, WHO, portion, in_pieces(data[start:end]))
        await self._told(deed, appending)

    async def number(self, name: str, data: bytes, ends: Sequence[int]) -> None:
        """In numbered pieces that end there, which are joined then."""
        chunking = Chunking(self.parts.resuming, self.parts.receiver)
        upload = partnames.of_upload(WHO, name)

        async def begin() -> Incoming:
            await chunking.begin(WHO, name, len(data), None)
            return (await self.parts.resuming.arrivals.gathered(upload, WHO))[0]

        begun = self._doing(name, None, None, begins=True)
        here = [await self._told(begun, begin())]
        for number, (start, end) in enumerate(pairwise((0, *ends))):
            deed = self._doing(name, None, None, begins=True)
            pieces = in_pieces(data[start:end])
            bringing = chunking.bring(WHO, name, str(number), number, end - start, pieces)
            here.append(await self._told(deed, bringing))
        ids = " ".join(id_ for id_ in here if isinstance(id_, str))
        deed = self._doing(name, digest(data), None, arrives=ids)
        arrival = Arrival("trust", _path(name), WHO, condition=FREE)
        await self._told(deed, chunking.join(arrival, name, len(data)))

    async def collect(self) -> None:
        self.voice.say("collecting")
        try:
            await server._collect(self.settings, self.store, self.store.owned.since, FAN_OUT)
        except (Failure, OSError) as failure:
            self.voice.say("uncollected", repr(failure))

    def _doing(
        self,
        name: str,
        becomes: str | None,
        etag: str | None,
        *,
        begins: bool = False,
        leaves: str | None = None,
        settles: str | None = None,
        arrives: str | None = None,
    ) -> int:
        self.deeds += 1
        more = {
            "begins": begins,
            "leaves": leaves,
            "settles": settles,
            "arrives": arrives,
            "etag": etag,
        }
        self.voice.say("doing", self.deeds, name, becomes, more)
        return self.deeds

    async def _told(
        self, deed: int, asking: Awaitable[Outcome | Placed | Removed | Incoming]
    ) -> StoredFile | str | None:
        try:
            answer = await asking
        except Unsettled:
            self.voice.say("unsettled", deed)
        except Failure as failure:
            self.voice.say("failed", deed, f"{type(failure).__name__}: {failure}")
        except OSError as error:
            self.voice.say("crashed", deed, repr(error))
        else:
            return self._answered(deed, answer)
        return None

    def _answered(
        self, deed: int, answer: Outcome | Placed | Removed | Incoming
    ) -> StoredFile | str | None:
        match answer:
            case Outcome(file=StoredFile() as file) | Placed(entry=StoredFile() as file):
                self.voice.say("done", deed, file.version.number)
                return file
            case Removed(number=number):
                self.voice.say("done", deed, number)
            case Incoming(id=id_, offset=offset):
                self.voice.say("arrived", deed, id_, offset)
                return id_
            case Outcome(parked=parked) if parked is not None:
                self.voice.say("parked", deed, parked.id)
                return parked.id
            case _:
                self.voice.say("refused", deed)
        return None


async def together(*deeds: Awaitable[object]) -> None:
    await asyncio.gather(*deeds)


def descriptors() -> set[str]:
    """What is open in this process."""
    found = set()
    for entry in Folder("/proc/self/fd").iterdir():
        # The folder itself was open while it was read.
        with suppress(FileNotFoundError):
            found.add(f"{entry.name} {entry.readlink()}")
    return found


async def in_pieces(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), PIECE):
        yield data[at : at + PIECE]


def _path(name: str) -> Path:
    return Path(tuple(name.split("/")))


def _etag(condition: Condition) -> str | None:
    tags: Sequence[str] = sorted(condition.if_match.strong) if condition.if_match else ()
    return tags[0] if tags else None
