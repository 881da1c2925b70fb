"""What may be a path, and when two names collide.

Two names collide when their keys are equal: the same text after Unicode normalisation and full case
folding, without trailing dots and spaces. What a single name may hold stands in `spelling`; how a
request or a disk spells a path is known elsewhere.
"""

import re
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from uploads.freenames import NUMBERS as NUMBERS
from uploads.freenames import free_name as free_name
from uploads.freenames import may_be_numbered as may_be_numbered
from uploads.freenames import numbered as numbered
from uploads.spelling import BadName as BadName
from uploads.spelling import Rule as Rule
from uploads.spelling import check, is_harmless, shown
from uploads.values import value

# RFC 3986 section 3.3: pchar, less what stands for itself anyway.
READABLE: Final = "!$&'()*+,;=:@"
# What stands for itself in every address, and is nearly every path.
UNRESERVED: Final = re.compile(r"[0-9A-Za-z._~/-]*")
HEX_DIGITS: Final = frozenset(b"0123456789abcdefABCDEF")
ESCAPE_DIGITS: Final = 2
PADDING: Final = " ."


@value
class Path:
    """A place in the tree: names that have been checked, from the root down. The root has none."""

    parts: tuple[str, ...]

    def __lt__(self, other: "Path") -> bool:
        return self.parts < other.parts

    @property
    def name(self) -> str:
        return self.parts[-1] if self.parts else ""

    @property
    def parent(self) -> "Path":
        return Path(self.parts[:-1])

    def child(self, name: str) -> "Path":
        return Path((*self.parts, name))

    @property
    def folded(self) -> str:
        """For rights by prefix, in every folder: `Private/` and `private/` are one place."""
        return _folded_path(self.parts)

    def href_path(self) -> str:
        """Percent-encoded for an address, without a leading slash."""
        return encode(str(self))

    def __str__(self) -> str:
        return "/".join(self.parts)


@lru_cache(1024)
def _folded_path(parts: tuple[str, ...]) -> str:
    """Asked several times in each request."""
    return "/".join(map(key, parts))


class Equivalence(StrEnum):
    """What makes two spellings one name; each includes those before it."""

    IDENTICAL = "identical"
    NORMALISATION = "unicode normalisation"
    CASE = "case"
    PADDING = "windows trailing dot or space"


def portable_everywhere(_folder: Path) -> bool:
    return False


@value
class Limits:
    """Lengths are of the UTF-8 form; 255 bytes is what nearly every file system takes.

    `exact_in` says which folders take names as they are, whatever Windows would do with them.
    """

    name_bytes: int = 255
    path_bytes: int = 4096
    depth: int = 32
    exact_in: Callable[[Path], bool] = portable_everywhere

    def room(self, folder: Path) -> int:
        """How many bytes a name in this folder may have."""
        above = len(str(folder).encode()) + 1 if folder.parts else 0
        return min(self.name_bytes, self.path_bytes - above)

    def hold(self, path: Path) -> bool:
        """Is it no longer than a path may be? Another spelling of one that was may be."""
        lengths = [len(part.encode()) for part in path.parts]
        within = sum(lengths) + len(lengths) - 1 <= self.path_bytes
        return within and max(lengths, default=0) <= self.name_bytes


def parse(text: str, limits: Limits) -> Path:
    """The path that `text` spells, or BadName.

    Nothing is changed: `str()` of the path is the text again. Empty text is the root.
    """
    if not text:
        return Path(())
    if _utf8_is_longer(text, limits.path_bytes):
        raise BadName(
            Rule.PATH_TOO_LONG,
            text,
            f"The path {shown(text)} is longer than {limits.path_bytes:,} bytes."
            " Use shorter names or fewer folders.",
        )
    parts = text.split("/")
    if len(parts) > limits.depth:
        raise BadName(
            Rule.TOO_DEEP,
            text,
            f"The path {shown(text)} has {len(parts)} levels and at most {limits.depth} are taken."
            " Use fewer folders.",
        )
    for depth, part in enumerate(parts):
        if not is_harmless(part, limits.name_bytes):
            folder = Path(tuple(parts[:depth]))
            check(part, limits.name_bytes, exact=limits.exact_in(folder))
    return Path(tuple(parts))


def _utf8_is_longer(text: str, most: int) -> bool:
    """A character takes four bytes at most, so that short texts need not be encoded to know it."""
    return 4 * len(text) > most and len(text.encode("utf-8", "surrogatepass")) > most


def encode(text: str) -> str:
    if UNRESERVED.fullmatch(text):
        return text
    return quote(text, safe=READABLE + "/", errors="surrogatepass")


def decode(raw: bytes) -> str:
    """The path of a request line, percent-decoded once and strictly; what it holds is for `parse`.

    An encoded slash is refused here, because after decoding nobody could tell it from a real one.
    """
    plain = raw
    if b"%" in raw:
        _check_escapes(raw)
        plain = unquote_to_bytes(raw)
    try:
        return plain.decode()
    except UnicodeDecodeError:
        raise _bad_address(
            Rule.NOT_UTF8, raw, "is not UTF-8. Encode the name as UTF-8, then percent-encode it."
        ) from None


def _check_escapes(raw: bytes) -> None:
    pieces = raw.split(b"%")
    for piece in pieces[1:]:
        digits = piece[:2]
        if len(digits) < ESCAPE_DIGITS or not HEX_DIGITS.issuperset(digits):
            raise _bad_address(
                Rule.BAD_ESCAPE,
                raw,
                "holds a % that two hex digits do not follow. Write a plain % as %25.",
            )
        if digits.lower() == b"2f":
            raise _bad_address(
                Rule.SEPARATOR,
                raw,
                "holds an encoded slash (%2F). A name cannot hold a slash; leave it out.",
            )


def _bad_address(rule: Rule, raw: bytes, what: str) -> BadName:
    text = raw.decode("utf-8", "replace")
    return BadName(rule, text, f"The address {shown(text)} {what}")


def key(name: str, *, exact: bool = False) -> str:
    """What two names in one folder must not share.

    Folded in decomposed form, as the Unicode standard's canonical caseless matching (D145) has it:
    only then is the key of a key the key itself.
    """
    if exact or _is_plain(name):
        return name
    folded = _folded(name)
    return folded.rstrip(PADDING) or folded


def _is_plain(name: str) -> bool:
    """Most names: their key is the name itself, and they need not be decomposed to know it."""
    return name.isascii() and name == name.lower() and not name.endswith(tuple(PADDING))


def _folded(name: str) -> str:
    decomposed = unicodedata.normalize("NFD", name)
    return unicodedata.normalize("NFC", decomposed.casefold())


def matching_rule(sent: str, stored: str) -> Equivalence | None:
    """The least that makes the two equal; None: two names."""
    if sent == stored:
        return Equivalence.IDENTICAL
    if unicodedata.normalize("NFC", sent) == unicodedata.normalize("NFC", stored):
        return Equivalence.NORMALISATION
    if _folded(sent) == _folded(stored):
        return Equivalence.CASE
    if key(sent) == key(stored):
        return Equivalence.PADDING
    return None


def both_spellings(sent: str, stored: str) -> str:
    """The two names side by side, with the code points that differ where the eye sees none."""
    pair = f'"{sent}" and "{stored}"'
    if matching_rule(sent, stored) is not Equivalence.NORMALISATION:
        return pair
    start = 0
    while start < min(len(sent), len(stored)) and sent[start] == stored[start]:
        start += 1
    end = 0
    while end < min(len(sent), len(stored)) - start and sent[-1 - end] == stored[-1 - end]:
        end += 1
    return f"{pair} ({_code_points(sent, start, end)} against {_code_points(stored, start, end)})"


def _code_points(name: str, start: int, end: int) -> str:
    differing = name[start : len(name) - end]
    return " ".join(f"U+{ord(character):04X}" for character in differing) or "nothing"
