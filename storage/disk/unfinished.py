"""Uploads that arrive in pieces: a file for each, under its id, until it is settled or given up.

Which of its bytes count the index knows. Implements the port `Unfinished`; knows no names.
"""

import asyncio
import logging
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from storage.disk import hashing, posix
from storage.disk.blobfolder import ARRIVING
from storage.disk.hashing import Hash, Hasher
from storage.disk.posix import LastingSheet, Sheet
from storage.disk.staging import HEAD, Arriving, Room, StagedBytes, StagedFile
from uploads.failures import Failure, NotThere
from uploads.files import Incoming
from uploads.ports import Piece

_log = logging.getLogger(__name__)

T = TypeVar("T")

_PIECE = 1 << 20
_STATES_REMEMBERED = 1000
_COMING = ".coming"


@dataclass(frozen=True, slots=True)
class _State:
    """What was computed of the bytes before an offset, so that nobody has to read them again."""

    offset: int
    hasher: Hasher
    head: bytes


class Continuing(Arriving):
    """A stage whose file has a name of its own, and may hold something already."""

    def __init__(
        self, room: Room, path: Path, incoming: Incoming, digests: Collection[str]
    ) -> None:
        super().__init__(room, incoming.size, digests)
        self._path = path
        self._start = incoming.offset
        self._digests = digests
        self._before: _State | None = None
        self._pieces: Mapping[str, Hash] = {}
        self._sound = True
        self._lost: Failure | None = None
        self._syncing: set[asyncio.Future[None]] = set()

    async def begin(self, state: _State | None, piece: Collection[str]) -> None:
        self._pieces = {name: hashing.by_name(name) for name in piece}
        if self._start:
            await self._done(self._reopen, state)
        elif self._size is not None and self._size >= self._room.inline_below:
            await self._done(self._open, self._size)
        self.received = self._written = self._on_its_way = self._start
        self._before = self._state()

    async def piece(self) -> Mapping[str, bytes]:
        await self._settled()
        found = {}
        for name, hash_ in self._pieces.items():
            whole = hash_.copy()
            whole.update(self._gathered)
            found[name] = whole.digest()
        return found

    def state(self) -> _State | None:
        """What to remember; None where it is no longer certain what was hashed."""
        return self._state() if self._sound and not self._gathered else None

    async def secure(self) -> int:
        written = self._written
        if self._sheet is not None:
            syncing = self._submit(posix.sync, self._sheet.descriptor)
            self._syncing.add(syncing)
            await self._synced(syncing)
        return written

    async def pause(self) -> int:
        # Whoever waited for it has been told, or is gone.
        with suppress(Failure):
            await self._settled()
        gathered, self._gathered = self._gathered, bytearray()
        if gathered and self._sound:
            await self._done(self._write_out, gathered)
        self.received = await self.secure()
        return self.received

    async def rewind(self) -> None:
        with suppress(Failure):
            await self._settled()
        self._gathered.clear()
        if self._sheet is not None:
            os.lseek(self._sheet.descriptor, self._start, os.SEEK_SET)
        if self._before is not None:
            self._hasher, self._head = self._before.hasher.copy(), self._before.head
        self.received = self._written = self._on_its_way = self._start
        self._sound = True

    async def finish(self) -> StagedBytes | StagedFile:
        if self._sheet is None or self.received >= self._room.inline_below:
            return await super().finish()
        gathered, self._gathered = self._gathered, bytearray()
        data = await self._done(self._read_all, gathered)
        return StagedBytes(self._content(), self._hasher.digests(), data)

    async def _synced(self, syncing: "asyncio.Future[None]") -> None:
        if self._lost is not None:
            raise self._lost
        await asyncio.wait({syncing})
        try:
            syncing.result()
        except OSError as error:
            self._lost = self._room.faults.judge(error)
            raise self._lost from error
        finally:
            self._syncing.discard(syncing)

    async def close(self) -> None:
        """Once no thread writes any more; the file stays."""
        await self._close()

    async def _leave(self) -> None:
        if self._syncing:
            await asyncio.wait(set(self._syncing))
        await super()._leave()

    def _state(self) -> _State:
        return _State(self._written, self._hasher.copy(), self._head)

    # From here on: in a thread.

    def _open(self, size: int) -> Sheet:
        """A new file: nothing counts of one that is there. What was linked as a blob in a turn that
        was taken back is left to be one; what was finished and never settled is read-only.
        """
        self._path.unlink(missing_ok=True)
        self._sheet = LastingSheet(self._path)
        posix.allocate(self._sheet.descriptor, max(size, self._size or 0))
        posix.sync_folder(self._path.parent)
        return self._sheet

    def _reopen(self, state: _State | None) -> Sheet:
        try:
            _own_alone(self._path, self._start)
        except FileNotFoundError:
            raise _gone() from None
        self._sheet = sheet = LastingSheet(self._path)
        if state is not None and state.offset == self._start:
            self._hasher, self._head = state.hasher.copy(), state.head
        else:
            self._hash_again(sheet)
        os.lseek(sheet.descriptor, self._start, os.SEEK_SET)
        return sheet

    def _hash_again(self, sheet: Sheet) -> None:
        for piece in _read(sheet.descriptor, self._start):
            self._hasher.update(piece)
            if len(self._head) < HEAD:
                self._head += piece[: HEAD - len(self._head)]

    def _write_out(self, batch: Piece) -> Sheet:
        self._sound = False
        for hash_ in self._pieces.values():
            hash_.update(batch)
        sheet = super()._write_out(batch)
        self._sound = True
        return sheet

    def _finish(self, rest: Piece) -> tuple[Sheet, float]:
        sheet = self._write_out(rest)
        # It may be longer: room was taken for what never came.
        os.ftruncate(sheet.descriptor, self._written)
        return super()._finish(b"")

    def _read_all(self, rest: Piece) -> bytes:
        sheet = self._write_out(rest)
        return b"".join(_read(sheet.descriptor, self._written))


class DiskUnfinished:
    def __init__(self, data: Path, room: Room) -> None:
        self._folder = data / ARRIVING
        self._room = room
        self._states: OrderedDict[str, _State] = OrderedDict()
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)

    @asynccontextmanager
    async def open(
        self, incoming: Incoming, digests: Collection[str], piece: Collection[str] = ()
    ) -> AsyncIterator[Continuing]:
        self._room.faults.require_sound()
        continuing = Continuing(self._room, self._folder / incoming.id, incoming, digests)
        try:
            await continuing.begin(self._states.pop(incoming.id, None), piece)
            yield continuing
        finally:
            await continuing.close()
            self._remember(incoming.id, continuing.state())

    async def holds(self, incoming: Incoming) -> bool:
        return await self._done(_reaches, self._folder / incoming.id, incoming.offset)

    async def pieces(self, incoming: Incoming) -> AsyncIterator[bytes]:
        try:
            descriptor = os.open(self._folder / incoming.id, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            if incoming.offset:
                raise _gone() from None
            return
        except OSError as error:
            raise self._room.faults.judge(error) from error
        try:
            reading = _read(descriptor, incoming.offset)
            while piece := await self._next(reading):
                yield piece
        finally:
            os.close(descriptor)

    async def _next(self, reading: Iterator[bytes]) -> bytes:
        try:
            return await self._done(next, reading, b"")
        except OSError as error:
            raise self._room.faults.judge(error) from error

    async def remove(self, id: str) -> None:
        """What the disk does not let go of is left to the collector: the index has forgotten it."""
        self._states.pop(id, None)
        try:
            await self._done(_unlink, self._folder / id)
        except OSError as error:
            _log.warning("the bytes of an upload stay for now: %s", error.strerror)

    def remove_unexpected(self, id: str) -> None:
        try:
            for name in (id, id + _COMING):
                _unlink(self._folder / name)
        except OSError as error:
            _log.warning("the bytes of an upload stay for now: %s", error.strerror)

    async def all(self) -> list[str]:
        return await self._done(_listed, self._folder)

    def _remember(self, id_: str, state: _State | None) -> None:
        if state is not None and state.offset:
            self._states[id_] = state
            if len(self._states) > _STATES_REMEMBERED:
                self._states.popitem(last=False)

    async def _done(self, work: Callable[..., T], *arguments: object) -> T:
        """In a thread, to its end also if nobody waits for it any more."""
        loop = asyncio.get_running_loop()
        done = loop.run_in_executor(self._room.threads, work, *arguments)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            await asyncio.wait({done})
            raise


def _own_alone(path: Path, size: int) -> None:
    """Makes the file ours to change: a turn that was taken back may have made a blob of it, and
    what is read-only then. :raises FileNotFoundError: it is not there, or too short.
    """
    found = path.lstat()
    if found.st_size < size:
        raise FileNotFoundError
    if found.st_nlink == 1:
        path.chmod(0o600)
        return
    coming = path.with_name(path.name + _COMING)
    coming.unlink(missing_ok=True)
    source, copy = os.open(path, os.O_RDONLY | os.O_NOFOLLOW), LastingSheet(coming)
    try:
        for piece in _read(source, size):
            posix.write_all(copy.descriptor, piece)
        posix.sync(copy.descriptor)
    finally:
        os.close(source)
        copy.close()
    coming.replace(path)
    posix.sync_folder(path.parent)


def _read(descriptor: int, size: int) -> Iterator[bytes]:
    at = 0
    while at < size:
        piece = os.pread(descriptor, min(_PIECE, size - at), at)
        if not piece:
            raise _gone()
        yield piece
        at += len(piece)


def _reaches(path: Path, size: int) -> bool:
    try:
        return path.lstat().st_size >= size
    except FileNotFoundError:
        return not size


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)


def _listed(folder: Path) -> list[str]:
    """What has no name of ours is not ours: the index could not even be asked for every name."""
    try:
        names = (found.name for found in folder.iterdir())
        return list({name.removesuffix(_COMING) for name in names if name.isascii()})
    except FileNotFoundError:
        return []


def _gone() -> NotThere:
    return NotThere("What had come of this upload is no longer here. Begin it anew.")
