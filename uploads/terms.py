"""What was said of an upload at its beginning, as text that outlives a restart. Pure.

Who sends it, where to and how long it is are known beside this text.
"""

import json
from collections.abc import Mapping
from typing import Any

from uploads.access import Principal
from uploads.conditions import Condition, Tags
from uploads.files import Incoming
from uploads.policy import SameContent, SameFile, SameName, Wishes
from uploads.settling import Arrival


def written(arrival: Arrival) -> str:
    return json.dumps(
        {
            "door": arrival.door,
            "if_match": _tags(arrival.condition.if_match),
            "if_none_match": _tags(arrival.condition.if_none_match),
            "unmodified_since": arrival.condition.unmodified_since,
            "wishes": _words(arrival.wishes),
            "door_policy": _words(arrival.door_policy),
            "declared": {name: value.hex() for name, value in arrival.declared.items()},
            "modified": arrival.modified,
            "claimed_type": arrival.claimed_type,
            "may_rename": arrival.may_rename,
            "reservation": arrival.reservation,
            "echo": dict(arrival.echo),
        }
    )


def read(incoming: Incoming, principal: Principal) -> Arrival:
    """As if it were said again now, by this principal, of an upload that has an address already."""
    said = json.loads(incoming.said)
    return Arrival(
        door=said["door"],
        path=incoming.path,
        principal=principal,
        condition=Condition(
            _read_tags(said["if_match"]),
            _read_tags(said["if_none_match"]),
            # Not said by what was begun before dates were heard.
            said.get("unmodified_since"),
        ),
        wishes=_read_words(said["wishes"]),
        door_policy=_read_words(said["door_policy"]),
        size=incoming.size,
        declared={name: bytes.fromhex(value) for name, value in said["declared"].items()},
        modified=said["modified"],
        claimed_type=said["claimed_type"],
        may_rename=said["may_rename"],
        reservation=said["reservation"],
        upload=incoming.id,
        echo=said["echo"],
    )


def echo(incoming: Incoming) -> Mapping[str, str]:
    found: dict[str, str] = json.loads(incoming.said)["echo"]
    return found


def _tags(tags: Tags | None) -> dict[str, Any] | None:
    if tags is None:
        return None
    return {"any": tags.any, "strong": sorted(tags.strong), "weak": sorted(tags.weak)}


def _read_tags(said: dict[str, Any] | None) -> Tags | None:
    if said is None:
        return None
    return Tags(said["any"], frozenset(said["strong"]), frozenset(said["weak"]))


def _words(wishes: Wishes) -> list[str | None]:
    return [wishes.same_file, wishes.same_name, wishes.same_content]


def _read_words(said: list[str | None]) -> Wishes:
    same_file, same_name, same_content = said
    return Wishes(
        SameFile(same_file) if same_file else None,
        SameName(same_name) if same_name else None,
        SameContent(same_content) if same_content else None,
    )
