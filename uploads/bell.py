"""Wakes those who wait for the next change, when a commit may have made one. Knows no change."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from uploads.access import Principal
from uploads.admission import of_strangers
from uploads.events import Committed, Event
from uploads.failures import TooManyFollowers, Unavailable

# Commits that come so close are told together: each wakes everybody who waits.
TOGETHER = 0.02


class Bell:
    """Rung from any thread, heard on one event loop, by a bounded number of listeners."""

    def __init__(self, at_once: int, per_principal: int) -> None:
        self.closed = False
        self._at_once = at_once
        self._per_principal = per_principal
        self._of_strangers = of_strangers(at_once, per_principal)
        self._strangers = 0
        self._places: Counter[str] = Counter()
        self._listeners: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = False

    @property
    def listeners(self) -> int:
        return self._places.total()

    def ring(self, event: Event) -> None:
        """A subscriber of `events`."""
        if isinstance(event, Committed) and self._loop and self._listeners and not self._rung:
            self._rung = True
            self._loop.call_soon_threadsafe(self._loop.call_later, TOGETHER, self._wake)

    def close(self) -> None:
        """Nobody waits any more."""
        self.closed = True
        self._wake()

    @contextmanager
    def place(self, principal: Principal) -> Iterator[None]:
        asker = principal.asker
        if self.listeners >= self._at_once:
            raise Unavailable(
                f"{self._at_once} clients follow the changes of this server already, and no more"
                " are taken at once. Ask without waiting, or again in some seconds."
            )
        if self._places[asker] >= self._per_principal:
            raise TooManyFollowers(
                f"{self._per_principal} requests {principal.whose} wait for changes already, and no"
                " more are taken at once. End one of them, or ask without waiting."
            )
        if principal.is_anonymous and self._strangers >= self._of_strangers:
            raise Unavailable(
                f"{self._of_strangers} clients that have not signed in follow the changes already,"
                " and no more are taken at once. Sign in, or ask without waiting."
            )
        self._places[asker] += 1
        self._strangers += principal.is_anonymous
        try:
            yield
        finally:
            self._places[asker] -= 1
            self._strangers -= principal.is_anonymous
            self._places += Counter()

    @contextmanager
    def heard(self) -> Iterator[asyncio.Event]:
        """Whoever enters this and then looks misses nothing that comes after."""
        self._loop = asyncio.get_running_loop()
        event = asyncio.Event()
        self._listeners.add(event)
        try:
            yield event
        finally:
            self._listeners.discard(event)

    def _wake(self) -> None:
        # First, so that a commit from now on rings anew.
        self._rung = False
        for event in self._listeners:
            event.set()
