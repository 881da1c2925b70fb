"""What the index has kept of one change: all that the feed is made of. Values only."""

from dataclasses import dataclass

from uploads.files import Kind, Version
from uploads.names import Path


@dataclass(frozen=True, slots=True)
class Change:
    """`path` and `source` are the names of that time. `version` is the one that it made, as long as
    that is kept. `made` counts the names down to the first folder above `path` that came to be with
    it; None: all of them were there.

    `stands` is where the file stands now, folded as for rights; None: it is gone. `is_current`:
    what stands there is the version of this change.
    """

    number: int
    kind: Kind
    at: float
    path: Path
    source: Path | None
    is_folder: bool
    made: int | None
    version: Version | None
    stands: str | None
    is_current: bool


@dataclass(frozen=True, slots=True)
class Span:
    """The numbers of the changes that are kept: those after `forgotten`, up to `last`."""

    forgotten: int
    last: int
