"""Ids of parts that come under names of their sender's making, so that they can be found again.

They begin alike: whose they are, then of which upload. Other ids have no dot in them.
"""

import hashlib

from uploads.access import Principal, Scope
from uploads.files import Incoming

DIGITS = 20


def of_sender(principal: str) -> str:
    """What the ids of all of them begin with."""
    return f"{_short(principal)}."


def of_upload(principal: Principal, name: str) -> str:
    """The id of the upload itself, which is a part without bytes: it says that it has begun.

    A token that may do less has uploads of its own: others may be of places that it may not read.
    """
    return of_sender(principal.name) + _short(_of_scope(principal.scope) + name)


def of_part(upload: str, number: int) -> str:
    return f"{upload}.{number:0{DIGITS}}"


def upload_of(part: str) -> str | None:
    """None: it is no numbered part."""
    return part.rpartition(".")[0] if part.count(".") > 1 else None


def number(part: Incoming) -> int:
    """In the order of which they are joined."""
    return int(part.id.rpartition(".")[2])


def is_numbered(part: Incoming) -> bool:
    return upload_of(part.id) is not None


def _of_scope(scope: Scope | None) -> str:
    return "" if scope is None else f"{scope.folder.folded}/{sorted(scope.rights)}/"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
