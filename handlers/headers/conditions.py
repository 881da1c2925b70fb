"""If-Match, If-None-Match and their dated kin, Prefer, Content-Encoding -> values. Pure."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from handlers.headers import fields
from uploads.conditions import UNCONDITIONAL, Condition, Tags


class MalformedCondition(ValueError):
    """The header is there, but cannot be read: never the same as its absence."""


# RFC 9110 section 8.8.3: entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE. Whatever is not ASCII is
# obs-text, and reaches us decoded from UTF-8, or as surrogates where it is none.
ETAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\U0010ffff]*")')
ITEM_END = re.compile(r"[ \t]*(?:,[ \t]*)+|[ \t]*$")
# RFC 9110 section 5.6.7: the form that is sent today, and two that recipients must still know.
DAY, CLOCK = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)", r"(\d\d):(\d\d):(\d\d)"
LONG_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTH = f"({'|'.join(MONTHS)})"
TODAYS_DATE = re.compile(rf"{DAY}, (\d\d) {MONTH} (\d{{4}}) {CLOCK} GMT", re.ASCII)
RFC_850_DATE = re.compile(rf"{LONG_DAY}, (\d\d)-{MONTH}-(\d\d) {CLOCK} GMT", re.ASCII)
ASCTIME_DATE = re.compile(rf"{DAY} {MONTH} ( \d|\d\d) {CLOCK} (\d{{4}})", re.ASCII)
SHOWN_AT_MOST = 100


def condition(
    if_match: Sequence[str], if_none_match: Sequence[str], unmodified_since: str | None = None
) -> Condition:
    """The lines of the headers, as they came. What is no date is as if it were not there."""
    if not if_match and not if_none_match and unmodified_since is None:
        return UNCONDITIONAL
    return Condition(
        _tags("If-Match", if_match),
        _tags("If-None-Match", if_none_match),
        seconds(unmodified_since),
    )


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
    shown = value[:SHOWN_AT_MOST].encode("ascii", "backslashreplace").decode()
    return f'{name} takes * or ETags in double quotes, such as "12-9f86d081884c7d65"; got: {shown}'


def modified_after(date: str | None, stored: float) -> bool | None:
    """Was the file stored after this HTTP date? None where it is absent, or none (and ignored)."""
    named = seconds(date)
    return None if named is None else int(stored) > named


def if_range_holds(value: str, etag: str) -> bool:
    """RFC 9110 section 13.1.5. A date never holds: a file may be replaced twice in the second that
    it names (section 8.8.2.2), and the rest of one version would be glued to another.
    """
    return not etag.startswith("W/") and value.strip(" \t") == etag


def seconds(date: str | None) -> int | None:
    if date is None:
        return None
    if match := TODAYS_DATE.fullmatch(date):
        day, month, year, *clock = match.groups()
    elif match := ASCTIME_DATE.fullmatch(date):
        month, day, *clock, year = match.groups()
    elif match := RFC_850_DATE.fullmatch(date):
        day, month, year, *clock = match.groups()
        year = str(_whole_year(int(year), datetime.now(UTC).year))
    else:
        return None
    hour, minute, second = map(int, clock)
    try:
        # A leap second (60) is the last one that a clock without them can show.
        moment = datetime(
            int(year), MONTHS.index(month) + 1, int(day), hour, minute, min(second, 59), tzinfo=UTC
        )
    except ValueError:
        return None
    return int(moment.timestamp())


def _whole_year(two_digits: int, this_year: int) -> int:
    """RFC 9110 section 5.6.7: what seems more than 50 years ahead lies in the past."""
    year = this_year - this_year % 100 + two_digits
    return year - 100 if year > this_year + 50 else year


PREFERENCE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*(?:=[ \t]*(.*))?", re.DOTALL)


def preferences(lines: Sequence[str]) -> dict[str, str]:
    """RFC 7240: the first of two counts, and what cannot be read is ignored."""
    found: dict[str, str] = {}
    for item in fields.split(", ".join(lines), ","):
        match = PREFERENCE.fullmatch(fields.split(item, ";")[0])
        if match:
            found.setdefault(match[1].lower(), fields.unquoted(match[2] or ""))
    return found


def is_identity(encodings: Sequence[str]) -> bool:
    return all(
        coding.strip().lower() in {"", "identity"}
        for line in encodings
        for coding in line.split(",")
    )
