"""The one thread that writes the index: many turns, one commit. Knows no rule and no table."""

import asyncio
import errno
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from sqlite_utils import Database

from storage.crossing import AT_MOST, Gathering
from storage.sqlite import connecting
from storage.sqlite.nodes import Keys
from storage.sqlite.turn import SqliteTurn
from uploads.events import Committed, Degraded, Publish
from uploads.failures import DiskFull, Failure, Unavailable, Unsettled
from uploads.ports import Blobs, Clock, Turn

log = logging.getLogger(__name__)

TURNS_PER_COMMIT = AT_MOST
BYTES_PER_COMMIT = 8 << 20
COMMITS_PER_CHECKPOINT = 128
# All who wait for a commit wait for a checkpoint, too: often and short is better for the slowest.
BYTES_PER_CHECKPOINT = 4 << 20
QUIET_SECONDS = 0.5
FRAMES_TOO_MANY = 16_384
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

NO_SPACE = "The disk of this server is full. Nothing was stored; try again when there is room."
LATER = "The index cannot be written at the moment. Nothing was changed; try again shortly."
UNSETTLED = (
    "Whether this was stored is not certain: the disk failed at the last step."
    " Look at what is there before trying again."
)
STOPPED = (
    "This server has stopped taking changes because its disk failed, and needs attention by its"
    " operator. Reading goes on."
)
CLOSED = "The server is stopping. Nothing was changed; try again shortly."


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the index is made of, and made for."""

    folder: Path
    keys: Keys
    blobs: Blobs
    publish: Publish
    clock: Clock


@dataclass(slots=True, eq=False)
class Job:
    """A piece of work, the future in which its caller waits, and what came of it."""

    work: Callable[[Turn], Any]
    settled: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None
    has_ended: bool = False
    _taken: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> bool:
        """Whoever takes it first, the writer or a caller who gave up, decides whether it runs."""
        return self._taken.acquire(blocking=False)


class Writer:
    def __init__(self, wiring: Wiring, loop: asyncio.AbstractEventLoop) -> None:
        self._folder, self._blobs, self._publish = wiring.folder, wiring.blobs, wiring.publish
        self._wiring = wiring
        self._loop = loop
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._gathering: Gathering[Job] = Gathering(self._jobs.put)
        self._thread = threading.Thread(target=self._run, name="index-writer", daemon=True)
        self._database: Database | None = connecting.writer(wiring.folder)
        self._turn = self._new_turn(self._database)
        self._stopped: str | None = None
        self._closing = False
        self._commits = self._bytes = 0
        self._moments = count()
        self._moment: int | None = next(self._moments)

    @property
    def moment(self) -> int | None:
        """Another one after each commit. None while one may be seen by some and not by others, and
        after one whose outcome is open: what is read then may not be true in any moment to come.
        """
        return self._moment

    def start(self) -> None:
        self._thread.start()

    def put(self, job: Job) -> None:
        """Those that come together share a commit."""
        self._gathering.add(job)

    def flush(self) -> None:
        self._gathering.flush()

    def close(self) -> None:
        """After the last job that was handed over. Blocks."""
        self._jobs.put(None)
        if self._thread.is_alive():
            self._thread.join()
        self._close_database()

    def _run(self) -> None:
        while not self._closing:
            try:
                job = self._jobs.get(timeout=QUIET_SECONDS if self._commits else None)
            except Empty:
                self._checkpoint("PASSIVE")
                continue
            if job is not None:
                self._batch(job)
            else:
                self._closing = True
        self._refuse_the_rest()

    def _batch(self, first: Job) -> None:
        jobs: list[Job] = []
        try:
            failure = self._reason_not_to_write() or self._transaction(first, jobs)
        except BaseException as error:
            log.exception("the writer of the index met something unknown")
            self._close_database()
            failure = _caused(Unsettled(UNSETTLED), error)
        if not jobs and first.take():
            jobs.append(first)
        for job in jobs:
            # Each caller gets an exception of its own: a traceback grows where it is raised.
            job.error = (
                _caused(type(failure)(failure.message), failure.__cause__) if failure else job.error
            )
        self._loop.call_soon_threadsafe(_settle, jobs)

    def _transaction(self, first: Job, jobs: list[Job]) -> Failure | None:
        """Runs the first job and those that wait. What is returned is the fate of all of them."""
        database = self._database
        if database is None:
            return Unavailable(LATER)
        begun = time.perf_counter()
        self._turn.taken = 0
        try:
            database.execute("BEGIN IMMEDIATE")
            self._works(database, first, jobs)
            if not database.conn.in_transaction:
                # SQLite has undone all of it at the last job's word.
                return self._given_up(jobs[-1].error)
            self._blobs.sync()
        except (sqlite3.Error, OSError, Failure) as error:
            return self._given_up(error)
        self._moment = None
        try:
            database.execute("COMMIT")
        except sqlite3.Error as error:
            return self._commit_failed(error)
        self._publish(Committed(len(jobs), time.perf_counter() - begun))
        self._moment = next(self._moments)
        self._count_commit()
        return None

    def _works(self, database: Database, first: Job, jobs: list[Job]) -> None:
        waiting: Job | None = first
        while waiting is not None:
            if waiting.take():
                jobs.append(waiting)
                self._work(database, waiting)
            if (
                len(jobs) >= TURNS_PER_COMMIT
                or self._turn.taken >= BYTES_PER_COMMIT
                or not database.conn.in_transaction
            ):
                return
            try:
                waiting = self._jobs.get_nowait()
            except Empty:
                return
            self._closing = waiting is None

    def _work(self, database: Database, job: Job) -> None:
        connection = database.conn
        connection.execute("SAVEPOINT turn")
        self._turn.begin()
        try:
            job.result = job.work(self._turn)
        except BaseException as error:  # noqa: BLE001 - it goes to the caller, whatever it is
            job.error = _explained(error) if isinstance(error, sqlite3.Error) else error
            # A full disk can make SQLite undo the whole transaction by itself.
            if connection.in_transaction:
                connection.execute("ROLLBACK TO turn")
        if connection.in_transaction:
            connection.execute("RELEASE turn")

    def _given_up(self, error: BaseException | None) -> Failure:
        """Nothing of the batch has happened."""
        self._close_database()
        if _number(error) == errno.EIO:
            return self._stop(error)
        return _explained(error)

    def _commit_failed(self, error: sqlite3.Error) -> Failure:
        self._close_database()
        name = getattr(error, "sqlite_errorname", "")
        if name == "SQLITE_FULL":
            return _explained(error)
        if name in {"SQLITE_IOERR_FSYNC", "SQLITE_IOERR_DIR_FSYNC"}:
            self._stop(error)
        log.error("a commit of the index failed: %s", error)
        return _caused(Unsettled(UNSETTLED), error)

    def _stop(self, error: BaseException | None) -> Failure:
        log.critical("the index takes no more changes until it is started again: %s", error)
        self._stopped = STOPPED
        self._publish(Degraded(STOPPED))
        return _caused(Unavailable(STOPPED), error)

    def _reason_not_to_write(self) -> Failure | None:
        if self._stopped:
            return Unavailable(self._stopped)
        if self._database is None:
            try:
                self._database = connecting.writer(self._folder)
            except (sqlite3.Error, OSError, Failure) as error:
                return self._given_up(error)
            self._turn = self._new_turn(self._database)
        return None

    def _new_turn(self, database: Database) -> SqliteTurn:
        return SqliteTurn(database.conn, self._wiring.keys, self._blobs, self._wiring.clock)

    def _count_commit(self) -> None:
        self._commits += 1
        self._bytes += self._turn.taken
        if self._commits >= COMMITS_PER_CHECKPOINT or self._bytes >= BYTES_PER_CHECKPOINT:
            self._checkpoint("PASSIVE")

    def _checkpoint(self, mode: str) -> None:
        self._commits = self._bytes = 0
        if self._database is None:
            return
        try:
            busy, frames, moved = self._database.execute(
                f"PRAGMA wal_checkpoint({mode})"
            ).fetchone()
        except sqlite3.Error as error:
            self._commit_failed(error)
            return
        if mode == "PASSIVE" and frames > FRAMES_TOO_MANY:
            self._checkpoint("RESTART")
        elif busy or moved < frames:
            log.debug("checkpoint %s moved %s of %s frames", mode, moved, frames)

    def _close_database(self) -> None:
        database, self._database = self._database, None
        if database is None:
            return
        try:
            if database.conn.in_transaction:
                database.execute("ROLLBACK")
            database.close()
        except sqlite3.Error as error:
            log.warning("closing the index: %s", error)

    def _refuse_the_rest(self) -> None:
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is not None and job.take():
                job.error = Unavailable(CLOSED)
                self._loop.call_soon_threadsafe(_settle, [job])


def _settle(jobs: list[Job]) -> None:
    for job in jobs:
        job.has_ended = True
        if job.settled.cancelled():
            continue
        if job.error is None:
            job.settled.set_result(job.result)
        else:
            job.settled.set_exception(job.error)


def _explained(error: BaseException | None) -> Failure:
    """What a caller is told: never the words of the driver."""
    if isinstance(error, Failure):
        return error
    full = _number(error) in FULL or getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"
    if not full:
        log.error("the index could not be written: %r", error)
    return _caused(DiskFull(NO_SPACE) if full else Unavailable(LATER), error)


def _number(error: BaseException | None) -> int | None:
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__
    return error.errno if isinstance(error, OSError) else None


def _caused(failure: Failure, error: BaseException | None) -> Failure:
    failure.__cause__ = error
    return failure
