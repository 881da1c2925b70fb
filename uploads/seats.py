"""One request at a time goes on with an upload; a newer one takes over from a hung one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from uploads.failures import Failure, TakenOver, Unavailable

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Seat:
    """Of the request that goes on with an upload now."""

    left: asyncio.Event = field(default_factory=asyncio.Event)
    _ousted: Failure | None = None
    _work: "asyncio.Task[None] | None" = None

    def oust(self, why: Failure) -> None:
        """Ends what may be ended; what has to come to its end does so first."""
        self._ousted = self._ousted or why
        if self._work is not None:
            self._work.cancel()

    async def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Work that may be ended at any moment. :raises TakenOver, Unavailable: it was."""
        self._work = asyncio.ensure_future(work)
        if self._ousted is not None:
            self._work.cancel()
        try:
            await self._work
        except asyncio.CancelledError:
            if self._ousted is None:
                raise
            raise self._ousted from None
        finally:
            self._work = None


async def to_the_end(work: Awaitable[T]) -> T:
    """Awaits what must not be left half-way: a cancellation counts only once it is done."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


class Seats:
    def __init__(self) -> None:
        self._taken: dict[str, Seat] = {}
        self._closed = False

    @asynccontextmanager
    async def alone(self, id: str) -> AsyncIterator[Seat]:
        """Waits until whoever goes on with this upload has kept what it had brought, and left."""
        while (other := self._taken.get(id)) is not None:
            other.oust(TakenOver("A newer request goes on with this upload. What came is kept."))
            await other.left.wait()
        if self._closed:
            raise _stopping()
        seat = self._taken[id] = Seat()
        try:
            yield seat
        finally:
            del self._taken[id]
            seat.left.set()

    @asynccontextmanager
    async def alone_with_all(self, ids: Iterable[str]) -> AsyncIterator[None]:
        """The same of several at once; in one order, so that no two wait for each other."""
        async with AsyncExitStack() as stack:
            for id_ in sorted(set(ids)):
                await stack.enter_async_context(self.alone(id_))
            yield

    async def close(self) -> None:
        """Ends all of them; what they had brought is kept when this returns."""
        self._closed = True
        seats = list(self._taken.values())
        for seat in seats:
            seat.oust(_stopping())
        for seat in seats:
            await seat.left.wait()


def _stopping() -> Unavailable:
    return Unavailable("The server is stopping. What came of this upload is kept; go on later.")
