"""What happened, as data. Subscribers (log, metrics, later the feed) are wired in the program."""

from collections.abc import Callable

from uploads.values import value


@value
class Settled:
    """An upload came to its verdict. `verdict` is the name of its class in `collisions`."""

    door: str
    verdict: str
    size: int
    early: bool
    parked: bool


@value
class Committed:
    """One commit of the index, with the number of turns that shared it."""

    turns: int
    seconds: float


@value
class Synced:
    """One content made durable."""

    seconds: float


@value
class Degraded:
    """Writing stopped, or began again (`reason` is None)."""

    reason: str | None


@value
class Collected:
    """What a collection of garbage took away."""

    versions: int
    uploads: int
    contents: int
    bytes: int


@value
class Reserve:
    """The reserve of free space was reached, so that no file fits any more, or is left again."""

    is_reached: bool
    free: int


Event = Settled | Committed | Synced | Degraded | Collected | Reserve
Publish = Callable[[Event], None]
