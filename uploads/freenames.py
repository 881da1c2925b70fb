"""A name that is free, beside one that is taken: "report (2).pdf" for "report.pdf"."""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from uploads.invisible import (
    PICTURE_SELECTORS,
    SKIN_TONES,
    ZERO_WIDTH_JOINER,
    ZERO_WIDTH_NON_JOINER,
)

FIRST: Final = 2
NUMBERS: Final = 10**9
# ".pdf", or two where the outer one says how it is packed: ".tar.gz", ".sql.zst". A number is no
# extension ("v1.2"), nor is what follows the dot in "Dr. Smith".
EXTENSION: Final = re.compile(
    r"(?:\.[A-Za-z0-9]{0,7}[A-Za-z][A-Za-z0-9]{0,7}(?=\.))?\.(?:gz|bz2|xz|zst|lz|lz4|lzma|br|Z)\Z"
    r"|\.[^\W_]{1,16}\Z",
    re.IGNORECASE,
)
CLINGING: Final = PICTURE_SELECTORS | SKIN_TONES | {ZERO_WIDTH_JOINER, ZERO_WIDTH_NON_JOINER}


def may_be_numbered(name: str, most_bytes: int) -> bool:
    """Is there room for any number that is needed, and for one character of the name beside it?"""
    stem, extension = _split(name)
    return len(f"{stem[:1]} ({NUMBERS - 1}){extension}".encode()) <= most_bytes


def free_name(name: str, taken: Callable[[str], bool], most_bytes: int = 255) -> str:
    """The name itself where it is free, else the first free number; where the taken numbers have
    gaps, some free one whose predecessor is taken. By doubling, then halving: of n taken names
    about 2 log n are looked at.
    """
    if not taken(name):
        return name
    low, step = FIRST - 1, 1
    while taken(numbered(name, low + step, most_bytes)):
        low, step = low + step, step * 2
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        if taken(numbered(name, middle, most_bytes)):
            low = middle
        else:
            high = middle
    return numbered(name, high, most_bytes)


def numbered(name: str, number: int, most_bytes: int = 255) -> str:
    stem, extension = _split(name)
    ending = f" ({number}){extension}"
    return _shortened(stem, most_bytes - len(ending.encode())) + ending


def _split(name: str) -> tuple[str, str]:
    found = EXTENSION.search(name, 1)
    return (name[: found.start()], found.group()) if found else (name, "")


def _shortened(stem: str, most_bytes: int) -> str:
    """Cut at the border of what is read as one character, if there is any."""
    encoded = stem.encode()
    if len(encoded) <= most_bytes:
        return stem
    whole = encoded[:most_bytes].decode("utf-8", "ignore")
    end = len(whole)
    while end and (_clings(stem[end]) or stem[end - 1] == ZERO_WIDTH_JOINER):
        end -= 1
    return stem[:end].rstrip() or whole


def _clings(character: str) -> bool:
    return character in CLINGING or unicodedata.category(character)[0] == "M"
