"""What happened, as data. Subscribers (log, metrics, later the feed) are wired in the program."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settled:
    """An upload came to its verdict. `verdict` is the name of its class in `collisions`."""

    door: str
    verdict: str
    size: int
    early: bool
    parked: bool


@dataclass(frozen=True, slots=True)
class Committed:
    """One commit of the index, with the number of turns that shared it."""

    turns: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Synced:
    """One content made durable."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Degraded:
    """Writing stopped, or began again (`reason` is None)."""

    reason: str | None


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection of garbage took away."""

    versions: int
    uploads: int
    contents: int
    bytes: int


Event = Settled | Committed | Synced | Degraded | Collected
Publish = Callable[[Event], None]
