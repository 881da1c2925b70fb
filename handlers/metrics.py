"""What is measured: every request, what the rules publish, and gauges read when somebody asks.

Knows no Prometheus server; `health` decides who may read.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Final, get_args

from handlers.exposition import Counter, Histogram, gauge_lines
from uploads.collisions import Accepted
from uploads.events import Collected, Committed, Degraded, Event, Reserve, Settled, Synced
from uploads.parking import DOOR

Gauge = Callable[[], float | None]

# A label takes these only, so that nobody can fill the memory by inventing methods.
METHODS: Final = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"})
ACCEPTED_NAMES: Final = frozenset(verdict.__name__ for verdict in get_args(Accepted))

# From a listing out of memory to an hour-long upload; a sync of a good disk takes 0.1 to 10 ms.
REQUEST_SECONDS: Final = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 600.0, 3600.0)
DISK_SECONDS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0, 10.0)
TURNS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)

GAUGES: Final = MappingProxyType(
    {
        "noclobber_uploads_in_flight": "Uploads whose bytes are on their way in.",
        "noclobber_free_bytes": "Free space on the disk of the data folder.",
        "noclobber_reserve_bytes": "Free space below which nothing more is taken in.",
        "noclobber_degraded": "1 while nothing can be written, else 0.",
        "process_resident_memory_bytes": "Memory that the server occupies.",
        "process_open_fds": "Files and connections that the server holds open.",
        "process_start_time_seconds": "When the server started, in Unix seconds.",
    }
)


class Metrics:
    """Requests are counted on the loop; events may be published by any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._degraded = False
        started = time.time()
        self._gauges: dict[str, Gauge] = {
            "noclobber_degraded": lambda: self._degraded,
            "process_resident_memory_bytes": _resident,
            "process_open_fds": _open_files,
            "process_start_time_seconds": lambda: started,
        }
        self._requests = Counter(
            "noclobber_requests_total",
            "Requests answered, by method and class of status.",
            ("method", "status"),
        )
        self._request_seconds = Histogram(
            "noclobber_request_seconds", "Time from a request to the end of its answer.",
            REQUEST_SECONDS,
        )  # fmt: skip
        self._uploads = Counter(
            "noclobber_uploads_total",
            "Uploads that came to a verdict, by door and verdict.",
            ("door", "verdict"),
        )
        self._bytes = Counter(
            "noclobber_received_bytes_total", "Bytes of files that arrived whole."
        )
        self._collisions = Counter(
            "noclobber_collisions_total",
            "Uploads that met something already there, by kind, door and outcome.",
            ("kind", "door", "outcome"),
        )
        self._commit_seconds = Histogram(
            "noclobber_commit_seconds", "Time of one commit of the index.", DISK_SECONDS
        )
        self._commit_turns = Histogram(
            "noclobber_commit_turns", "Changes that shared one commit.", TURNS
        )
        self._sync_seconds = Histogram(
            "noclobber_sync_seconds", "Time to make one content durable.", DISK_SECONDS
        )
        self._collected = Counter(
            "noclobber_collected_total", "Garbage taken away, by what it was.", ("what",)
        )
        self._collected_bytes = Counter(
            "noclobber_collected_bytes_total", "Bytes freed by taking garbage away."
        )

    def measure(self, name: str, gauge: Gauge) -> None:
        """Has a gauge of the table read whenever metrics are asked for; None is left out."""
        if name not in GAUGES:
            raise ValueError(f"{name} is no gauge of ours")
        self._gauges[name] = gauge

    def count_request(self, method: str, status: int, seconds: float) -> None:
        known = method if method in METHODS else "other"
        self._requests.add(known, f"{status // 100}xx")
        self._request_seconds.observe(seconds)

    def publish(self, event: Event) -> None:
        with self._lock:
            self._count(event)

    def render(self) -> str:
        with self._lock:
            lines = [line for family in self.families() for line in family.lines()]
        lines.extend(self._gauge_lines())
        return "\n".join(lines) + "\n"

    @property
    def is_degraded(self) -> bool:
        return self._degraded

    def names(self) -> set[str]:
        """Of everything that can ever be in `render`; what the documentation is held against."""
        return {family.name for family in self.families()} | set(GAUGES)

    def _count(self, event: Event) -> None:
        match event:
            case Settled():
                self._count_settled(event)
            case Committed(turns, seconds):
                self._commit_turns.observe(turns)
                self._commit_seconds.observe(seconds)
            case Synced(seconds):
                self._sync_seconds.observe(seconds)
            case Degraded(reason):
                self._degraded = reason is not None
            case Collected(versions, uploads, contents, freed):
                self._collected.add("versions", amount=versions)
                self._collected.add("uploads", amount=uploads)
                self._collected.add("contents", amount=contents)
                self._collected_bytes.add(amount=freed)
            case Reserve():
                """How much is free is measured when it is asked for."""

    def _count_settled(self, event: Settled) -> None:
        verdict = _words(event.verdict)
        self._uploads.add(event.door, verdict)
        if not event.early:
            self._bytes.add(amount=event.size)
        if event.verdict != "Create" or event.door == DOOR:
            self._collisions.add(verdict, event.door, _outcome(event))

    def families(self) -> tuple[Counter | Histogram, ...]:
        return (
            self._requests,
            self._request_seconds,
            self._uploads,
            self._bytes,
            self._collisions,
            self._commit_seconds,
            self._commit_turns,
            self._sync_seconds,
            self._collected,
            self._collected_bytes,
        )

    def _gauge_lines(self) -> Iterator[str]:
        for name, gauge in sorted(self._gauges.items()):
            value = gauge()
            if value is not None:
                yield from gauge_lines(name, GAUGES[name], value)


def _outcome(event: Settled) -> str:
    if event.verdict in ACCEPTED_NAMES:
        return "settled"
    if event.early:
        return "early"
    return "parked" if event.parked else "refused"


@lru_cache
def _words(verdict: str) -> str:
    """`NameTaken` -> `name-taken`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", verdict).lower()


def _resident() -> float | None:
    """None where the system has no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _open_files() -> float | None:
    try:
        return sum(1 for _ in Path("/dev/fd").iterdir())
    except OSError:
        return None
