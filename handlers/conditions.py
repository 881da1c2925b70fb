"""If-Match, If-None-Match and their dated kin, Prefer, Content-Encoding -> values. Pure."""

import re
from collections.abc import Sequence
from email.utils import parsedate_to_datetime

from uploads.conditions import Condition, Tags


class MalformedCondition(ValueError):
    """The header is there, but cannot be read: never the same as its absence."""


# RFC 9110 section 8.8.3: entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE. Header bytes that are not
# ASCII reach us as surrogates, and are obs-text.
ETAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff\udc80-\udcff]*")')
ITEM_END = re.compile(r"[ \t]*(?:,[ \t]*)+|[ \t]*$")
DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII
)


def condition(if_match: Sequence[str], if_none_match: Sequence[str]) -> Condition:
    """The lines of both headers, as they came."""
    return Condition(_tags("If-Match", if_match), _tags("If-None-Match", if_none_match))


def _tags(name: str, lines: Sequence[str]) -> Tags | None:
    if not lines:
        return None
    value = ", ".join(lines).strip(" \t")
    if value == "*":
        return Tags(any=True)
    strong: set[str] = set()
    weak: set[str] = set()
    at = len(value) - len(value.lstrip(", \t"))
    while at < len(value):
        tag = ETAG.match(value, at)
        end = ITEM_END.match(value, tag.end()) if tag else None
        if tag is None or end is None:
            raise MalformedCondition(_explained(name, value))
        (weak if tag[1] else strong).add(tag[2])
        at = end.end()
    if not strong and not weak:
        raise MalformedCondition(_explained(name, value))
    return Tags(strong=frozenset(strong), weak=frozenset(weak))


def _explained(name: str, value: str) -> str:
    shown = value.encode("ascii", "backslashreplace").decode()
    return f'{name} takes * or ETags in double quotes, such as "12-9f86d081884c7d65"; got: {shown}'


def modified_after(date: str | None, stored: float) -> bool | None:
    """Was the file stored after this HTTP date? None where it is absent, or none (and ignored)."""
    seconds = _seconds(date)
    return None if seconds is None else int(stored) > seconds


def if_range_holds(value: str, etag: str, stored: float) -> bool:
    """RFC 9110 section 13.1.5: the strong ETag, or exactly the date that we sent."""
    if value.startswith(('"', "W/")):
        return value == etag
    return _seconds(value) == int(stored)


def _seconds(date: str | None) -> int | None:
    if date is None or not DATE.fullmatch(date):
        return None
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except (ValueError, OverflowError):
        return None


PREFERENCE = re.compile(r'\s*([!#$%&\'*+.^_`|~\w-]+)\s*(?:=\s*("[^"\\]*"|[^\s;,"]*))?\s*(?:;.*)?$')


def preferences(lines: Sequence[str]) -> dict[str, str]:
    """RFC 7240: the first of two counts, and what cannot be read is ignored."""
    found: dict[str, str] = {}
    for item in ",".join(lines).split(","):
        if match := PREFERENCE.match(item):
            found.setdefault(match[1].lower(), (match[2] or "").strip('"'))
    return found


def is_identity(encodings: Sequence[str]) -> bool:
    return all(
        coding.strip().lower() in {"", "identity"}
        for line in encodings
        for coding in line.split(",")
    )
