"""An OpenAPI document as what its page shows. Tolerates whatever members are not there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from handlers.descriptions import Json

METHODS = ("get", "head", "put", "post", "patch", "delete", "options")


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter or an answer."""

    name: str
    meaning: str
    place: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    method: str
    address: str
    summary: str
    description: str
    parameters: tuple[Row, ...]
    answers: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    title: str
    version: str
    description: str
    operations: tuple[Operation, ...]


def of_document(document: Mapping[str, Json]) -> Reference:
    info = _object(document.get("info"))
    return Reference(
        title=_text(info, "title"),
        version=_text(info, "version"),
        description=_text(info, "description"),
        operations=tuple(_operations(document)),
    )


def _operations(document: Mapping[str, Json]) -> Iterator[Operation]:
    for address, found in _object(document.get("paths")).items():
        path = _object(found)
        for method in METHODS:
            if method not in path:
                continue
            one = _object(path[method])
            shared = [*_list(path.get("parameters")), *_list(one.get("parameters"))]
            slug = "".join(c if c.isalnum() else "-" for c in address).strip("-")
            yield Operation(
                id=f"{method}-{slug}",
                method=method.upper(),
                address=address,
                summary=_text(one, "summary"),
                description=_text(one, "description"),
                parameters=tuple(_parameter(document, parameter) for parameter in shared),
                answers=tuple(
                    Row(status, _text(_resolved(document, answer), "description"))
                    for status, answer in _object(one.get("responses")).items()
                ),
            )


def _parameter(document: Mapping[str, Json], found: Json) -> Row:
    one = _resolved(document, found)
    return Row(
        _text(one, "name"),
        _text(one, "description"),
        place=_text(one, "in"),
        required=one.get("required") is True,
    )


def _resolved(document: Mapping[str, Json], found: Json) -> Mapping[str, Json]:
    """What a `$ref` within the document points at, or the thing itself."""
    one = _object(found)
    reference = _text(one, "$ref")
    if not reference.startswith("#/"):
        return one
    place: Mapping[str, Json] = document
    for step in reference.removeprefix("#/").split("/"):
        place = _object(place.get(step))
    return place


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _text(owner: Mapping[str, Json], name: str) -> str:
    value = owner.get(name)
    return value if isinstance(value, str) else ""
