"""Several pieces of work at a time, so that they share commits; as if one after the other where
their order matters. Knows nothing of what is worked on.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def each(items: Iterable[T], work: Callable[[T], Awaitable[None]], at_once: int) -> None:
    """Works on the items, begun in their order."""
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(worker())
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


@dataclass(eq=False, slots=True)
class Place:
    """A place in a line, entered once nobody before it is still to come."""

    before: "Place | None"
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> None:
        while self.before is not None:
            await self.before.left.wait()
            self.before = self.before.before

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Also for who was never in. Remembers nobody who has left, however long the line."""
        self.left.set()
        while self.before is not None and self.before.left.is_set():
            self.before = self.before.before


async def in_order(
    items: Iterable[T],
    work: Callable[[T, Place], Awaitable[R]],
    at_once: int,
    tell: Callable[[R], None],
) -> None:
    """Works on the items, and tells the results in their order.

    What a work does inside its place happens in the order of the items, too.
    """
    under_way: deque[asyncio.Task[R]] = deque()
    try:
        for task in _begun(items, work):
            under_way.append(task)
            if len(under_way) == at_once:
                tell(await under_way[0])
                under_way.popleft()
        while under_way:
            tell(await under_way[0])
            under_way.popleft()
    except BaseException:
        for task in under_way:
            task.cancel()
        for result in await asyncio.gather(*under_way, return_exceptions=True):
            if not isinstance(result, BaseException):
                tell(result)
        raise


def _begun(
    items: Iterable[T], work: Callable[[T, Place], Awaitable[R]]
) -> Iterator[asyncio.Task[R]]:
    last: Place | None = None

    async def in_place(item: T, place: Place) -> R:
        try:
            return await work(item, place)
        finally:
            place.leave()

    for item in items:
        last = Place(last)
        yield asyncio.create_task(in_place(item, last))
