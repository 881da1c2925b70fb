"""What the index in memory holds: a handful of plain dictionaries of frozen values."""

from collections.abc import Callable
from dataclasses import dataclass, field

from storage.memory.belongings import Kept
from storage.memory.feed import Logged
from uploads.attempts import Record
from uploads.files import Content, Event, Incoming, Upload
from uploads.locks import Lock
from uploads.names import Path

Keys = Callable[[Path], tuple[str, ...]]
ROOT = 1


@dataclass(frozen=True, slots=True)
class Node:
    """A file or folder; `number` is that of its current version, last change or deletion."""

    id: int
    parent: int
    name: str
    key: str
    is_folder: bool
    number: int
    modified: float
    gone: float | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """A version, or a deletion, in the history of a node. `payer` is charged for it."""

    event: Event
    payer: str | None
    superseded: float | None = None


@dataclass(slots=True)
class State:
    nodes: dict[int, Node] = field(
        default_factory=lambda: {ROOT: Node(ROOT, 0, "", "", True, 0, 0.0)}  # noqa: FBT003
    )
    live: dict[tuple[int, str], int] = field(default_factory=dict)
    past: dict[tuple[int, int], Past] = field(default_factory=dict)
    contents: dict[str, Content] = field(default_factory=dict)
    small: dict[str, bytes] = field(default_factory=dict)
    digests: dict[str, dict[str, bytes]] = field(default_factory=dict)
    vouched: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    incoming: dict[str, Incoming] = field(default_factory=dict)
    deletions: dict[int, int] = field(default_factory=dict)
    log: tuple[Logged, ...] = ()
    forgotten: int = 0
    records: dict[str, Record] = field(default_factory=dict)
    properties: Kept = field(default_factory=dict)
    locks: dict[str, Lock] = field(default_factory=dict)
    changes: int = 0
    highest_id: int = ROOT

    def copy(self) -> "State":
        return State(
            self.nodes.copy(),
            self.live.copy(),
            self.past.copy(),
            self.contents.copy(),
            self.small.copy(),
            self.digests.copy(),
            self.vouched.copy(),
            self.uploads.copy(),
            self.incoming.copy(),
            self.deletions.copy(),
            self.log,
            self.forgotten,
            self.records.copy(),
            self.properties.copy(),
            self.locks.copy(),
            self.changes,
            self.highest_id,
        )
