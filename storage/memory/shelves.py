"""Every port in memory, at its simplest: what tests and demonstrations run on. Read it first.

Nothing here is durable, quick or bounded; it is what the other shelves must behave like.
"""

import asyncio
import mimetypes
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from storage.disk.hashing import Hasher
from storage.memory.state import Keys, State
from storage.memory.turn import MemoryTurn
from storage.memory.view import MemoryView
from uploads.access import Principal
from uploads.collisions import AtName
from uploads.failures import MalformedRequest, NotIdentified, NotThere
from uploads.files import UNKNOWN_TYPE, Content, Incoming
from uploads.names import Path
from uploads.ports import Blobs, Continued, Piece, Reading, Stage, Staged, Tap, Turn, View
from uploads.resting import BytesReading

T = TypeVar("T")

HEAD_SIZE = 4096
PIECE_SIZE = 1 << 20
ROOMY = 1 << 40
SHORTEST_PASSWORD = 8


class MemoryIndex:
    """A turn works on a copy, which becomes the state when it is over: none is ever seen half."""

    def __init__(self, keys: Keys, blobs: Blobs) -> None:
        self._state = State()
        self._keys = keys
        self._blobs = blobs

    async def read(self, question: Callable[[View], T]) -> T:
        return question(MemoryView(self._state, self._keys))

    async def find(self, path: Path) -> tuple[AtName, bytes | None]:
        return MemoryView(self._state, self._keys).at_with_bytes(path)

    def write(self, work: Callable[[Turn], T]) -> Awaitable[T]:
        settled: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        state = self._state.copy()
        try:
            result = work(MemoryTurn(state, self._keys, self._blobs))
            self._blobs.sync()
        except BaseException as error:  # noqa: BLE001 - it goes to who waits, whatever it is
            settled.set_exception(error)
        else:
            self._state = state
            settled.set_result(result)
        return settled

    async def small(self, content: Content) -> bytes | None:
        return MemoryView(self._state, self._keys).small(content)

    async def close(self) -> None:
        """There is nothing to close."""


@dataclass(frozen=True, slots=True)
class MemoryStaged:
    content: Content
    data: bytes
    digests: Mapping[str, bytes]

    @property
    def head(self) -> bytes:
        return self.data[:HEAD_SIZE]

    def typed(self, media_type: str) -> "MemoryStaged":
        return replace(self, content=replace(self.content, media_type=media_type))

    def read(self, start: int, count: int) -> bytes:
        return self.data[start : start + count]


@dataclass(slots=True)
class MemoryStage:
    digests: Collection[str]
    data: bytearray = field(default_factory=bytearray)

    @property
    def received(self) -> int:
        return len(self.data)

    async def write(self, piece: Piece) -> None:
        self.data += piece

    async def draw(self, tap: Tap) -> int:
        buffer = bytearray(PIECE_SIZE)
        count = await asyncio.to_thread(tap.draw, buffer)
        self.data += buffer[:count]
        return count

    async def finish(self) -> MemoryStaged:
        data = bytes(self.data)
        hasher = Hasher("sha256", self.digests)
        hasher.update(data)
        return MemoryStaged(Content(hasher.digest(), len(data)), data, hasher.digests())


class MemoryBlobs:
    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    @asynccontextmanager
    async def stage(
        self,
        size: int | None,  # noqa: ARG002 - memory makes room as it goes
        digests: Collection[str],
    ) -> AsyncIterator[Stage]:
        yield MemoryStage(digests)

    def stage_small(
        self,
        data: bytes,  # noqa: ARG002 - all rests in memory
        digests: Collection[str],  # noqa: ARG002
    ) -> Staged | None:
        return None

    async def open(self, content: Content) -> Reading:
        if content.digest not in self._kept:
            raise NotThere("This file was removed a moment ago.")
        return BytesReading(self._kept[content.digest])

    def keep(self, staged: Staged) -> bytes | None:
        if not isinstance(staged, MemoryStaged):
            raise TypeError(staged)
        self._kept[staged.content.digest] = staged.data
        return None

    def sync(self) -> None:
        """Memory is as durable as it will ever be."""

    def remove(self, content: Content) -> None:
        self._kept.pop(content.digest, None)

    def free_space(self) -> int:
        return ROOMY


@dataclass(slots=True)
class MemoryContinued(MemoryStage):
    start: int = 0
    wanted: Collection[str] = ()

    async def piece(self) -> Mapping[str, bytes]:
        hasher = Hasher("sha256", self.wanted)
        hasher.update(self.data[self.start :])
        return hasher.digests()

    async def secure(self) -> int:
        return len(self.data)

    async def pause(self) -> int:
        return len(self.data)

    async def rewind(self) -> None:
        del self.data[self.start :]


class MemoryUnfinished:
    def __init__(self) -> None:
        self._files: dict[str, bytearray] = {}

    @asynccontextmanager
    async def open(
        self, incoming: Incoming, digests: Collection[str], piece: Collection[str] = ()
    ) -> AsyncIterator[Continued]:
        if not await self.holds(incoming):
            raise NotThere("What had come of this upload is no longer here. Begin it anew.")
        data = self._files.setdefault(incoming.id, bytearray())
        del data[incoming.offset :]
        yield MemoryContinued(digests, data, incoming.offset, piece)

    async def holds(self, incoming: Incoming) -> bool:
        return len(self._files.get(incoming.id, b"")) >= incoming.offset

    async def pieces(self, incoming: Incoming) -> AsyncIterator[bytes]:
        if not await self.holds(incoming):
            raise NotThere("What had come of this upload is no longer here. Begin it anew.")
        if incoming.offset:
            yield bytes(self._files[incoming.id][: incoming.offset])

    async def remove(self, id: str) -> None:
        self._files.pop(id, None)

    def remove_unexpected(self, id: str) -> None:
        self._files.pop(id, None)

    async def all(self) -> list[str]:
        return list(self._files)


class MemorySniffer:
    """Knows text and a few beginnings."""

    BEGINNINGS: Mapping[bytes, str] = {
        b"\x89PNG\r\n\x1a\n": "image/png",
        b"\xff\xd8\xff": "image/jpeg",
        b"GIF8": "image/gif",
        b"%PDF-": "application/pdf",
        b"PK\x03\x04": "application/zip",
    }

    async def media_type(self, head: bytes) -> str:
        for beginning, media_type in self.BEGINNINGS.items():
            if head.startswith(beginning):
                return media_type
        try:
            text = head.decode()
        except UnicodeDecodeError:
            return UNKNOWN_TYPE
        return "text/plain" if text and "\0" not in text else UNKNOWN_TYPE

    def fits(self, media_type: str, name: str) -> bool:
        guessed, _ = mimetypes.guess_type(name)
        return guessed is None or UNKNOWN_TYPE in (media_type, guessed) or media_type == guessed


class MemoryAccounts:
    """Users and tokens as they were given; with passwords in clear, so never for real users."""

    def __init__(
        self,
        passwords: Mapping[str, str] | None = None,
        principals: Mapping[str, Principal] | None = None,
        tokens: Mapping[str, str] | None = None,
    ) -> None:
        self.passwords = dict(passwords or {})
        self.principals = dict(principals or {})
        self.tokens = dict(tokens or {})
        self.codes: dict[str, str] = {}

    async def by_password(self, user: str, password: str, code: str = "") -> Principal | None:
        right = self.passwords.get(user) == password and self.codes.get(user, "") in ("", code)
        return self._principal(user) if right else None

    def by_token(self, token: str) -> Principal | None:
        return self._principal(self.tokens[token]) if token in self.tokens else None

    def current(self, principal: Principal) -> Principal | None:
        if principal.is_anonymous:
            return principal
        current = self._principal(principal.name) if principal.name in self.passwords else None
        if current is None or current.proof != principal.proof:
            return None
        return replace(current, scope=principal.scope)

    def owner(self, principal: Principal) -> Principal | None:
        owner = self._principal(principal.name)
        return None if owner == principal or principal.name not in self.passwords else owner

    def any_users(self) -> bool:
        return bool(self.passwords)

    async def set_password(self, proved: Principal, password: str) -> Principal:
        if len(password) < SHORTEST_PASSWORD:
            raise MalformedRequest("The password is too short.")
        if self.current(proved) is None:
            raise NotIdentified("The password is another meanwhile.")
        self.passwords[proved.name] = password
        return self._principal(proved.name)

    def _principal(self, user: str) -> Principal:
        """Proved by the password of its user, also where it came by a token."""
        found = self.principals.get(user) or Principal(user, frozenset({user}))
        return replace(found, proof=self.passwords.get(found.name, ""))
