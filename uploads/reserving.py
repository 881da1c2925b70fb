"""Names kept for whoever asked for them first, for a short time, so that a verdict holds.

In memory, for they need not outlive the server. Made and judged in turns of the index, so that none
comes between a judgement and what rests on it; that readers look, too, makes the lock.
"""

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import ceil

from uploads.failures import NameReserved
from uploads.names import Path

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reservation:
    """`id` is what the holder shows; `until` is by the clock of `Reservations`."""

    id: str
    principal: str
    until: float


@dataclass(slots=True)
class Kept:
    """The names of one reservation. `is_open`: more of them may come. `ends`: it is among what
    runs out. `parked`: uploads that were refused under it.
    """

    reservation: Reservation
    names: dict[Key, Path] = field(default_factory=dict)
    is_open: bool = True
    ends: bool = False
    parked: set[str] = field(default_factory=set)


class Reservations:
    """`each`: the most names that are kept for one principal. So many reservations it has at most,
    beside those that are being made: one of no name is forgotten.
    """

    def __init__(self, each: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._each = each
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, Kept] = {}
        self._ends: list[tuple[float, str]] = []
        self._names: dict[Key, str] = {}
        self._folders: dict[Key, Counter[tuple[str, Path]]] = {}
        self._counts: Counter[str] = Counter()
        self._parked: dict[str, str] = {}

    def begin(self, principal: str, seconds: float) -> Reservation:
        """Of no name yet. More of them may come until it is closed, or ended."""
        made = Reservation(secrets.token_urlsafe(18), principal, self._clock() + seconds)
        with self._lock:
            self._expire()
            self._kept[made.id] = Kept(made)
        return made

    def reserve(self, reservation: Reservation, key: Key, path: Path) -> bool:
        """Called in a turn, of a name that `check` lets pass. False: no more for this principal."""
        with self._lock:
            self._expire()
            kept = self._kept.get(reservation.id)
            if kept is None or self._counts[reservation.principal] >= self._each:
                return False
            if reservation.until <= self._clock():
                return False
            if key not in kept.names:
                self._add(kept, key, path)
        return True

    def check(self, key: Callable[[], Key], path: Path, id: str | None, principal: str) -> None:
        """:raises NameReserved: what is to stand here would be in the way of what others shall."""
        if not self._names:
            return
        with self._lock:
            found = self._holder(key(), path, id, principal)
            if found is not None:
                self._refuse(found)

    def keep(self, key: Callable[[], Key], path: Path, id: str | None, principal: str) -> bool:
        """The same as a question, for who can choose another name."""
        if not self._names:
            return False
        with self._lock:
            return self._holder(key(), path, id, principal) is not None

    def check_removal(self, key: Callable[[], Key], principal: str) -> None:
        """:raises NameReserved: what somebody else shall replace is to be taken away.

        A folder above may go: what is to be stored in it makes it anew.
        """
        if not self._names:
            return
        with self._lock:
            self._expire()
            found = self._names.get(key())
            if found is not None and self._kept[found].reservation.principal != principal:
                self._refuse(found)

    def release(self, id: str | None, key: Callable[[], Key]) -> None:
        """The name has been used."""
        kept = self._kept.get(id or "")
        if kept is not None:
            with self._lock:
                self._remove(kept, key())
                self._forget_nameless(kept)

    def park(self, id: str | None, upload: str) -> None:
        """An upload was refused under it: what settles that one later shows it, too."""
        if id is None:
            return
        with self._lock:
            kept = self._kept.get(id)
            if kept is not None:
                kept.parked.add(upload)
                self._parked[upload] = id

    def of_parked(self, upload: str) -> str | None:
        return self._parked.get(upload)

    def close(self, id: str) -> None:
        """No more names come."""
        with self._lock:
            kept = self._kept.get(id)
            if kept is not None:
                kept.is_open = False
                self._forget_nameless(kept)

    def end(self, id: str) -> None:
        with self._lock:
            self._end(id)

    def _holder(self, key: Key, path: Path, id: str | None, principal: str) -> str | None:
        self._expire()
        return self._in_the_way(key, path, self._own(id, principal))

    def _own(self, id: str | None, principal: str) -> str | None:
        kept = self._kept.get(id or "")
        return id if kept is not None and kept.reservation.principal == principal else None

    def _in_the_way(self, key: Key, path: Path, own: str | None) -> str | None:
        """Whose reservation is: of this name; of one above, or of one below it; or of a name in a
        folder that would be spelled otherwise.
        """
        for depth in range(1, len(key) + 1):
            holder = self._names.get(key[:depth])
            if holder not in (None, own):
                return holder
            needed = self._folders.get(key[:depth], Counter())
            whole = depth == len(key)
            for id_, spelled in needed:
                if id_ != own and (whole or spelled.name != path.parts[depth - 1]):
                    return id_
        return None

    def _refuse(self, id: str) -> None:
        left = self._kept[id].reservation.until - self._clock()
        raise NameReserved(
            "Somebody else is about to upload under this name, or one that counts as the same, and"
            " it is kept for that for a short time. Nothing was stored; try again in a while.",
            max(1, ceil(left)),
        )

    def _add(self, kept: Kept, key: Key, path: Path) -> None:
        id_ = kept.reservation.id
        if not kept.ends:
            kept.ends = True
            heappush(self._ends, (kept.reservation.until, id_))
        kept.names[key] = path
        self._names[key] = id_
        self._counts[kept.reservation.principal] += 1
        for depth in range(1, len(key)):
            folder = self._folders.setdefault(key[:depth], Counter())
            folder[id_, Path(path.parts[:depth])] += 1

    def _remove(self, kept: Kept, key: Key) -> None:
        path, id_ = kept.names.pop(key, None), kept.reservation.id
        if path is None:
            return
        del self._names[key]
        self._counts[kept.reservation.principal] -= 1
        self._counts += Counter()
        for depth in range(1, len(key)):
            folder = self._folders[key[:depth]]
            folder[id_, Path(path.parts[:depth])] -= 1
            folder += Counter()
            if not folder:
                del self._folders[key[:depth]]

    def _forget_nameless(self, kept: Kept) -> None:
        if not (kept.names or kept.is_open):
            self._drop(kept)

    def _expire(self) -> None:
        now = self._clock()
        while self._ends and self._ends[0][0] <= now:
            self._end(heappop(self._ends)[1])

    def _end(self, id: str) -> None:
        kept = self._kept.get(id)
        if kept is not None:
            for key in list(kept.names):
                self._remove(kept, key)
            self._drop(kept)

    def _drop(self, kept: Kept) -> None:
        self._kept.pop(kept.reservation.id, None)
        for upload in kept.parked:
            self._parked.pop(upload, None)
