"""The threads that read the index: questions that wait together share a moment. Knows no rule."""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from queue import SimpleQueue
from typing import Any, TypeVar

from sqlite_utils import Database

from storage.crossing import Delivery, Gathering
from storage.sqlite.view import SqliteView
from uploads.failures import Unavailable

T = TypeVar("T")

UNREADABLE = "The index cannot be read at the moment. Try again shortly."


class Call(Enum):
    """To a thread."""

    COME = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Reader:
    database: Database
    view: SqliteView


@dataclass(slots=True, eq=False)
class Question:
    """What is asked, the how-manieth it is, and the future in which its asker waits."""

    ask: Callable[[SqliteView], Any]
    number: int
    settled: asyncio.Future[Any]


class Readers:
    """Asked on the event loop. A thread goes on while there are questions."""

    def __init__(self, readers: list[Reader], loop: asyncio.AbstractEventLoop) -> None:
        self.readers = readers
        self._loop = loop
        self._asked = 0
        self._waiting: deque[Question] = deque()
        self._gathering: Gathering[Question] = Gathering(self._take)
        self._delivery = Delivery(self._call_another)
        self._calls: SimpleQueue[Call] = SimpleQueue()
        self._called = False
        self._threads = [
            threading.Thread(target=self._run, args=(reader,), name="index-reader", daemon=True)
            for reader in readers
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, question: Callable[[SqliteView], T]) -> Coroutine[Any, Any, T]:
        """All of the answer is of one moment, which is not before now."""
        settled: asyncio.Future[T] = self._loop.create_future()
        self._asked += 1
        self._gathering.add(Question(question, self._asked, settled))
        return self._delivery.wait(settled)

    def flush(self) -> None:
        self._gathering.flush()

    def close(self) -> None:
        """After the last question that was handed over. Blocks."""
        for _ in self._threads:
            self._calls.put(Call.END)
        for thread in self._threads:
            thread.join()
        for reader in self.readers:
            reader.database.close()

    def _run(self, reader: Reader) -> None:
        while self._calls.get() is Call.COME:
            self._called = False
            question = self._next()
            while question is not None:
                question = self._moment(reader, question)
            self._delivery.send()

    def _take(self, question: Question) -> None:
        self._waiting.append(question)
        self._call()

    def _call_another(self) -> None:
        """Somebody takes its time. Until then it would cost more to wake one for what waits."""
        if self._waiting:
            self._call()

    def _call(self) -> None:
        """Who has been called and has not come yet will find what is waiting by then, too."""
        if not self._called:
            self._called = True
            self._calls.put(Call.COME)

    def _moment(self, reader: Reader, first: Question) -> Question | None:
        """Answers in one transaction what was asked before it began; returns what was not."""
        latest = self._asked
        try:
            reader.database.execute("BEGIN")
        except sqlite3.Error as error:
            self._tell(first, error)
            return self._next()
        question: Question | None = first
        while question is not None and question.number <= latest:
            self._answer(reader.view, question)
            question = self._next()
        # If this fails the next BEGIN does, too, and says so to who asks.
        with suppress(sqlite3.Error):
            reader.database.execute("ROLLBACK")
        return question

    def _answer(self, view: SqliteView, question: Question) -> None:
        try:
            answer = question.ask(view)
        except BaseException as error:  # noqa: BLE001 - it goes to the asker, whatever it is
            self._tell(question, error)
        else:
            self._delivery.put(question.settled, answer, None)

    def _next(self) -> Question | None:
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def _tell(self, question: Question, error: BaseException) -> None:
        if isinstance(error, sqlite3.Error):
            unreadable = Unavailable(UNREADABLE)
            unreadable.__cause__ = error
            error = unreadable
        self._delivery.put(question.settled, None, error)
