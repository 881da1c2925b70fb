"""The index on SQLite: one writing thread, a few reading ones. Knows no rule and no table."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from storage.sqlite import connecting
from storage.sqlite.nodes import Keys, Nodes
from storage.sqlite.readers import Reader, Readers
from storage.sqlite.recent import Recent
from storage.sqlite.view import SqliteView
from storage.sqlite.writer import CLOSED, Job, Wiring, Writer
from uploads.collisions import AtName
from uploads.events import Publish
from uploads.failures import Unavailable
from uploads.files import Content
from uploads.names import Path as Name
from uploads.ports import Blobs, Clock, Turn, View

T = TypeVar("T")

READERS = 4


class SqliteIndex:
    """Made by `open`, ended by `close`, both on the event loop that uses it."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer = writer
        self._readers = readers
        self._recent = Recent()
        self._closed = False

    @classmethod
    async def open(
        cls, folder: Path, *, keys: Keys, blobs: Blobs, publish: Publish, clock: Clock
    ) -> "SqliteIndex":
        """:raises ForeignLibraryError, Unavailable, sqlite3.Error: no index can work here."""
        wiring = Wiring(folder, keys, blobs, publish, clock)
        return await asyncio.to_thread(cls._start, wiring, asyncio.get_running_loop())

    @classmethod
    def _start(cls, wiring: Wiring, loop: asyncio.AbstractEventLoop) -> "SqliteIndex":
        connecting.check_library()
        writer = Writer(wiring, loop)
        try:
            databases = [connecting.reader(wiring.folder) for _ in range(READERS)]
        except BaseException:
            writer.close()
            raise
        writer.start()
        readers = [
            Reader(each, SqliteView(each.conn, Nodes(each.conn, wiring.keys))) for each in databases
        ]
        return cls(writer, Readers(readers, loop))

    async def close(self) -> None:
        """What was asked before is done; what is asked later is refused."""
        if not self._closed:
            self._closed = True
            self._readers.flush()
            self._writer.flush()
            await asyncio.to_thread(self._close)

    def read(self, question: Callable[[View], T]) -> Coroutine[Any, Any, T]:
        if self._closed:
            raise Unavailable(CLOSED)
        return self._readers.ask(question)

    async def find(self, path: Name) -> tuple[AtName, bytes | None]:
        moment = self._writer.moment
        found = self._recent.at(path, moment)
        if found is None:
            found = await self.read(lambda view: view.at_with_bytes(path))
            if moment is not None:
                self._recent.keep(path, found, moment)
        return found

    def write(self, work: Callable[[Turn], T]) -> Coroutine[Any, Any, T]:
        """Who is cancelled waits for a work that has begun; one that has not never will."""
        if self._closed:
            raise Unavailable(CLOSED)
        settled: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        job = Job(work, settled)
        self._writer.put(job)
        return _settled(job, settled)

    async def small(self, content: Content) -> bytes | None:
        """The bytes of a content that rests in the index itself."""
        return await self.read(lambda view: view.small(content))

    def _close(self) -> None:
        # The writer goes last: whoever closes the last connection checkpoints.
        self._readers.close()
        self._writer.close()


async def _settled(job: Job, settled: asyncio.Future[T]) -> T:
    try:
        return await settled
    except asyncio.CancelledError:
        # The future was cancelled with its caller, so the job tells its end to another one.
        while not job.take() and not job.has_ended:
            job.settled = asyncio.get_running_loop().create_future()
            with suppress(BaseException):
                await job.settled
        raise
