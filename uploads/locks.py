"""Locks on places of the tree, and what a request says of locks and states. Values only."""

from dataclasses import dataclass

from uploads.names import Path


@dataclass(frozen=True, slots=True)
class Lock:
    """A place that is kept for whoever shows the token. It stays with the name, not with the file:
    what is moved away leaves it, and what is deleted ends it.

    `deep`: all below is kept, too; else, of a folder, only which names are in it. `owner` is what
    the client said of itself, as XML.
    """

    token: str
    path: Path
    principal: str
    exclusive: bool
    deep: bool
    owner: str
    expires: float

    def covers(self, path: Path) -> bool:
        """Of a lock that is at this path or above it."""
        return self.deep or len(self.path.parts) == len(path.parts)


@dataclass(frozen=True, slots=True)
class State:
    """A lock token, or an entity tag, that a resource has or (`negated`) does not have.

    `since`: it says that nothing in the folder was changed after this number.
    """

    text: str
    is_etag: bool
    negated: bool
    since: int | None = None


@dataclass(frozen=True, slots=True)
class States:
    """What must hold of one resource, all at once. No path: it is none of ours."""

    path: Path | None
    states: tuple[State, ...]


@dataclass(frozen=True, slots=True)
class Submitted:
    """The `If` of WebDAV (RFC 4918 section 10.4): one of the lists must hold, and every token in
    any of them has been shown.
    """

    lists: tuple[States, ...] = ()

    @property
    def tokens(self) -> frozenset[str]:
        return frozenset(
            state.text for one in self.lists for state in one.states if not state.is_etag
        )


NOTHING_SUBMITTED = Submitted()
