"""Answers as text and back, so that the index can keep them. Knows no rule."""

import json
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final

from uploads import attempts, collisions, files, settling
from uploads.conditions import Condition, Tags
from uploads.names import Equivalence, Path
from uploads.policy import Wishes

KIND: Final = "is"
KINDS: Final[dict[str, type[Any]]] = {
    kind.__name__: kind
    for kind in (
        collisions.AlreadyStored,
        collisions.ConditionRequired,
        collisions.ContentKnown,
        collisions.Create,
        collisions.Link,
        collisions.NameEquivalent,
        collisions.NameTaken,
        collisions.NotEmpty,
        collisions.Rename,
        collisions.Replace,
        collisions.Stale,
        collisions.TypeClash,
        collisions.Unchanged,
        attempts.Fingerprint,
        files.Content,
        files.Folder,
        files.StoredFile,
        files.Upload,
        files.Version,
        settling.Begun,
        settling.Discard,
        settling.Filled,
        settling.LinkIt,
        settling.Outcome,
        settling.Placed,
        settling.Removed,
        settling.ReplaceIt,
        settling.StoreAs,
        Condition,
        Equivalence,
        Path,
        Tags,
        Wishes,
    )
}


def written(value: object) -> str:
    """Equal values are written alike."""
    return json.dumps(_plain(value), separators=(",", ":"))


def read(text: str) -> Any:  # noqa: ANN401 - whatever was written
    """:raises ValueError, KeyError, TypeError: another version of this program wrote it."""
    return _value(json.loads(text))


def _plain(value: object) -> object:
    match value:
        case Enum() if type(value).__name__ in KINDS:
            return {KIND: type(value).__name__, "value": value.value}
        case tuple() | list():
            return [_plain(one) for one in value]
        case frozenset():
            return sorted(value)
        case _ if is_dataclass(value):
            members = {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
            return {KIND: type(value).__name__, **members}
        case _:
            return value


def _value(plain: object) -> object:
    match plain:
        case list():
            return tuple(_value(one) for one in plain)
        case dict():
            kind = KINDS[plain[KIND]]
            return kind(**{name: _value(one) for name, one in plain.items() if name != KIND})
        case _:
            return plain
