"""The changes in the order of their numbers, as the index in memory keeps them."""

from dataclasses import dataclass

from uploads.files import Kind
from uploads.names import Path


@dataclass(frozen=True, slots=True)
class Logged:
    """`made`: see `uploads.changes.Change`."""

    number: int
    kind: Kind
    node: int
    at: float
    path: Path
    source: Path | None
    is_folder: bool
    made: int | None
