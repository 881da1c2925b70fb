"""What crosses between the event loop and threads: many at a time, as each crossing costs both.

Two threads of Python that work at once mostly wait for each other, for one interpreter lock. So the
loop first does all that it has to, then a thread does its part of all of it, then the loop goes on
with all the answers. Knows nothing of what is asked.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")

AT_MOST = 256
# How long an answer that is there may wait for the others of its run.
_PATIENCE = 0.005


class Gathering(Generic[T]):
    """On the event loop: what it collects for a thread, until no more comes with it."""

    def __init__(self, hand_over: Callable[[T], None]) -> None:
        self._gathered: list[T] = []
        self._hand_over = hand_over

    def add(self, one: T) -> None:
        self._gathered.append(one)
        if len(self._gathered) == 1:
            asyncio.get_running_loop().call_soon(self._flush_unless_more_come, 0)

    def flush(self) -> None:
        gathered, self._gathered = self._gathered, []
        for one in gathered:
            self._hand_over(one)

    def _flush_unless_more_come(self, seen: int) -> None:
        """Called again, it comes after all that the loop has ready now."""
        count = len(self._gathered)
        if seen < count < AT_MOST:
            asyncio.get_running_loop().call_soon(self._flush_unless_more_come, count)
        else:
            self.flush()


def _nothing() -> None:
    pass


class Delivery:
    """Answers of threads, for which the event loop is woken at the end of a run; and it looks by
    itself now and then, so that no answer waits for a slow one after it. `meanwhile` is called
    then, as long as anybody waits.
    """

    def __init__(self, meanwhile: Callable[[], None] = _nothing) -> None:
        self._meanwhile = meanwhile
        self._answers: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._woken = False
        self._waiting = 0
        self._next_look: asyncio.TimerHandle | None = None

    async def wait(self, settled: "asyncio.Future[T]") -> T:
        """On the event loop."""
        self._waiting += 1
        self._look_later()
        try:
            return await settled
        finally:
            self._waiting -= 1

    def put(
        self, settled: "asyncio.Future[T]", answer: T | None, error: BaseException | None
    ) -> None:
        """In a thread."""
        self._answers.append((settled, answer, error))

    def send(self) -> None:
        """In a thread, at the end of its run."""
        if self._woken:
            return
        # A loop that is closed, or has looked meanwhile, has nobody who waits.
        with suppress(IndexError, RuntimeError):
            loop = self._answers[0][0].get_loop()
            self._woken = True
            loop.call_soon_threadsafe(self._settle)

    def _look_later(self) -> None:
        if self._waiting and self._next_look is None:
            loop = asyncio.get_running_loop()
            self._next_look = loop.call_later(_PATIENCE, self._look)

    def _look(self) -> None:
        self._next_look = None
        self._settle()
        self._meanwhile()
        self._look_later()

    def _settle(self) -> None:
        self._woken = False
        while self._answers:
            settled, answer, error = self._answers.popleft()
            if settled.done():
                continue
            if error is None:
                settled.set_result(answer)
            else:
                settled.set_exception(error)
