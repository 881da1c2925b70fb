"""What a key of the settings may hold: how it is read, and what to say when it cannot be.

Knows no key by name.
"""

import difflib
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol, get_args, get_type_hints

NONE = "none"
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

SIZES = {
    "": 1,
    "b": 1,
    **{unit + "b": 1000**power for power, unit in enumerate("kmgt", 1)},
    **{unit + "ib": 1024**power for power, unit in enumerate("kmgt", 1)},
}
# A unit is a must: "90" for days would be a minute and a half, and old versions are gone by then.
DURATIONS = {"ms": 0.001, "s": 1.0, "min": MINUTE, "h": HOUR, "d": DAY} | {
    unit + ending: seconds
    for unit, seconds in (("second", 1.0), ("minute", MINUTE), ("hour", HOUR), ("day", DAY))
    for ending in ("", "s")
}
WORDS = {
    "bytes": (("TiB", 1 << 40), ("GiB", GIB), ("MiB", MIB), ("KiB", KIB)),
    "seconds": (("days", DAY), ("h", HOUR), ("min", MINUTE)),
}
SMALLEST = {"seconds": "s"}
QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)", re.ASCII)


class Kind(Protocol):
    """What a key may hold."""

    def read(self, value: object) -> object:
        """:raises ValueError: with what it must be."""


@dataclass(frozen=True, slots=True)
class Text:
    pattern: str = r"\S(.*\S)?"
    means: str = "a text that is not empty"

    def read(self, value: object) -> str:
        if isinstance(value, str) and re.fullmatch(self.pattern, value):
            return value
        raise ValueError(f"must be {self.means}")


class FolderText(Text):
    """With or without the slash at its end; always read with it."""

    def read(self, value: object) -> str:
        if isinstance(value, str) and not value.endswith("/"):
            value += "/"
        return Text.read(self, value)


class Network(Text):
    def read(self, value: object) -> str:
        try:
            return str(ipaddress.ip_network(Text.read(self, value)))
        except ValueError:
            raise ValueError(
                'must be an address or a network such as "10.0.0.0/8", without host bits'
            ) from None


@dataclass(frozen=True, slots=True)
class Choice:
    words: tuple[str, ...]

    def read(self, value: object) -> str:
        if isinstance(value, str) and value in self.words:
            return value
        close = nearest(value, self.words) if isinstance(value, str) else ""
        raise ValueError(f"must be {_either(self.words)}{close}")


class Flag:
    def read(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        raise ValueError("must be true or false, without quotes")


@dataclass(frozen=True, slots=True)
class Whole:
    least: int
    most: int

    def read(self, value: object) -> int:
        if isinstance(value, int) and value is not True and self.least <= value <= self.most:
            return value
        raise ValueError(f"must be a whole number from {self.least} to {self.most}")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with a unit: `units` says how many of the smallest each is worth."""

    units: Mapping[str, float]
    smallest: str
    means: str
    least: float = 0
    most: float = 1 << 60
    whole: bool = False
    none: bool = False

    def read(self, value: object) -> float | None:
        if self.none and value == NONE:
            return None
        amount = self._amount(value)
        if amount is None:
            also = f', or "{NONE}" for no limit' if self.none else ""
            raise ValueError(f"must be {self.means}{also}")
        if not self.least <= amount <= self.most:
            least, most = self._in_words(self.least), self._in_words(self.most)
            raise ValueError(f"must be from {least} to {most}")
        return int(amount) if self.whole else float(amount)

    def _in_words(self, amount: float) -> str:
        """In the largest unit of which it is a whole number."""
        for unit, worth in WORDS.get(self.smallest, ()):
            if amount >= worth and amount % worth == 0:
                return _counted(amount / worth, unit)
        return _counted(amount, SMALLEST.get(self.smallest, self.smallest))

    def _amount(self, value: object) -> float | None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            fits = "" in self.units and not (self.whole and isinstance(value, float))
            return value if fits else None
        found = QUANTITY.fullmatch(value.strip()) if isinstance(value, str) else None
        unit = self.units.get(found[2].lower()) if found else None
        if found is None or unit is None:
            return None
        return (float if "." in found[1] else int)(found[1]) * unit


@dataclass(frozen=True, slots=True)
class Many:
    """A list; in an environment variable, with commas between."""

    of: Kind
    least: int = 0

    def read(self, value: object) -> tuple[object, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError('must be a list such as ["one"]')  # noqa: TRY004 - as every reason here
        if len(value) < self.least:
            raise ValueError("must not be empty")
        return tuple(self._each(one) for one in value)

    def _each(self, value: object) -> object:
        try:
            return self.of.read(value)
        except ValueError as reason:
            raise ValueError(f"{shown(value)} {reason}") from None


def _counted(number: float, unit: str) -> str:
    is_one = number == 1 and unit in {"bytes", "days", "files"}
    figures = f"{int(number):,}" if number == int(number) else f"{number:,.12g}"
    return f"{figures} {unit.removesuffix('s') if is_one else unit}"


def size(least: int = 0, most: int = 1 << 60, *, none: bool = False) -> Quantity:
    return Quantity(SIZES, "bytes", 'a size such as "64 MiB"', least, most, whole=True, none=none)


def duration(least: float = 0.0, most: float = 36500 * DAY) -> Quantity:
    means = 'a time with its unit, such as "30 s", "5 min" or "1 day"'
    return Quantity(DURATIONS, "seconds", means, least, most)


def of(section: type[Any]) -> dict[str, Kind]:
    """What each field of a dataclass may hold, by its type."""
    hints = get_type_hints(section, include_extras=True)
    return {one.name: _kind(hints[one.name]) for one in fields(section)}


def _kind(hint: Any) -> Kind:  # noqa: ANN401 - a type hint has no type of its own
    if hint is bool:
        return Flag()
    if hint is str:
        return Text()
    if hasattr(hint, "__metadata__"):
        kind: Kind = hint.__metadata__[0]
        return kind
    return Choice(get_args(hint))


def from_text(kind: Kind, text: str) -> object:
    """What an environment variable says, in the words of TOML."""
    match kind:
        case Flag():
            return {"true": True, "false": False}.get(text.lower(), text)
        case Whole() if re.fullmatch(r"-?[0-9]{1,18}", text):
            return int(text)
        case Many():
            return [one.strip() for one in text.split(",") if one.strip()]
        case _:
            return text


def nearest(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, tuple(known), 1, 0.5)
    return f"; did you mean {found[0]}?" if found else ""


def _either(words: tuple[str, ...]) -> str:
    quoted = [f'"{word}"' for word in words]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
