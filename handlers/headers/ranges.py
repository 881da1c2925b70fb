"""Range (RFC 9110 section 14) -> spans of a file. Pure."""

import re
from dataclasses import dataclass
from itertools import pairwise

MOST_RANGES = 16
MOST_DIGITS = 19
SPEC = re.compile(r"(\d*)-(\d*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Whole:
    """No range, or none that is to be heeded."""


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """Well-formed, but wholly outside the file."""


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    length: int

    def content_range(self, size: int) -> str:
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def parse_range(value: str, size: int) -> Whole | Unsatisfiable | list[Span]:
    """An unknown unit, a malformed set or an abusive one are ignored, as section 14.2 allows.

    The last bytes of an empty file are all of it, and no Content-Range could say so.
    """
    unit, equals, ranges = value.partition("=")
    specs = [spec.strip(" \t") for spec in ranges.split(",", MOST_RANGES + 1)]
    specs = [spec for spec in specs if spec]
    if unit.strip().lower() != "bytes" or not equals or not 0 < len(specs) <= MOST_RANGES:
        return Whole()
    spans = []
    for spec in specs:
        match = SPEC.fullmatch(spec)
        if match is None or spec == "-" or _is_backwards(match[1], match[2]):
            return Whole()
        if size == 0 and not match[1] and _number(match[2]):
            return Whole()
        span = _span(match[1], match[2], size)
        if span is not None:
            spans.append(span)
    if not spans:
        return Unsatisfiable()
    return Whole() if _overlap(spans) else spans


def _is_backwards(first: str, last: str) -> bool:
    return bool(first and last) and _number(first) > _number(last)


def _span(first: str, last: str, size: int) -> Span | None:
    if not first:
        length = min(_number(last), size)
        return Span(size - length, length) if length else None
    start = _number(first)
    if start >= size:
        return None
    end = min(_number(last), size - 1) if last else size - 1
    return Span(start, end - start + 1)


def _number(digits: str) -> int:
    """Bounded, so that a number of a million digits costs nothing."""
    kept = digits.lstrip("0")
    return int(kept or "0") if len(kept) <= MOST_DIGITS else 10**MOST_DIGITS


def _overlap(spans: list[Span]) -> bool:
    ordered = sorted(spans, key=lambda span: span.start)
    return any(before.start + before.length > after.start for before, after in pairwise(ordered))
