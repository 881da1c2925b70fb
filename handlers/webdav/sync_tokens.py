"""Sync tokens (RFC 6578 section 4): how far a follower is, as a URI for us alone to read. Pure."""

from typing import Final

from handlers import changes
from uploads.failures import MalformedRequest
from uploads.feed import Position

SCHEME: Final = "urn:noclobber:sync:"


def written(position: Position) -> str:
    return SCHEME + changes.position_text(position)


def read(token: str) -> Position | None:
    """None: it is none of ours."""
    if not token.startswith(SCHEME):
        return None
    try:
        return changes.position(token.removeprefix(SCHEME))
    except MalformedRequest:
        return None


def known_through(token: str) -> int | None:
    """The last change of which all is known to who has the token. None: it is no such token."""
    position = read(token)
    if position is None:
        return None
    return position.number - 1 if position.within else position.number
