"""What was acknowledged, name by name, and what may have happened to what was not.

One client changes a name, so that what it was told is all that can be there; a change without an
answer leaves two states, of which exactly one must be found.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class State:
    """What stands at a name. `etag` is None where the answer that would have told it never came."""

    body: bytes
    etag: str | None


@dataclass
class Name:
    path: str
    current: State | None = None
    versions: dict[int, bytes] = field(default_factory=dict)
    parked: dict[str, bytes] = field(default_factory=dict)
    pending: "Pending | None" = None
    changed: bool = True

    def acknowledge(self, body: bytes, etag: str, version: int) -> None:
        self.current = State(body, etag)
        self.versions[version] = body
        self.pending = None

    def acknowledge_deletion(self) -> None:
        self.current = None
        self.pending = None


@dataclass(frozen=True)
class Pending:
    """A change on its way: what will stand here (None: nothing), the upload that it would settle,
    and the bytes that it might park instead.
    """

    becomes: State | None
    settles: str | None = None
    parks: bytes | None = None


def matches(state: State | None, body: bytes | None, etag: str | None) -> bool:
    if state is None:
        return body is None
    return body == state.body and state.etag in {None, etag}
