"""What a single name may hold. Each refusal has its rule, and a sentence for people.

Nothing is repaired: a name is good as it was sent, or it is refused. Knows nothing of paths, of
collisions, or of how a request encodes a name.

Characters that Unicode has not assigned are refused for a second reason: the case folding and
normalisation of assigned ones never change, so keys stay true under a newer Python.
"""

import re
import unicodedata
from enum import StrEnum
from typing import Final
from urllib.parse import unquote_to_bytes

from uploads.invisible import is_invisible


class Rule(StrEnum):
    EMPTY = "empty"
    DOTS = "dot-segment"
    SEPARATOR = "separator"
    ENCODED_TWICE = "encoded-twice"
    BAD_ESCAPE = "bad-escape"
    NOT_UTF8 = "not-utf-8"
    CONTROL = "control-character"
    BIDI = "bidi-control"
    INVISIBLE = "invisible-character"
    UNASSIGNED = "unassigned-character"
    PRIVATE = "private-use-character"
    BLANK = "blank"
    LEADING_SPACE = "leading-space"
    TRAILING = "trailing-dot-or-space"
    RESERVED = "reserved-on-windows"
    CHARACTER = "character-not-on-windows"
    NAME_TOO_LONG = "name-too-long"
    PATH_TOO_LONG = "path-too-long"
    TOO_DEEP = "too-deep"


class BadName(Exception):
    def __init__(self, rule: Rule, name: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        # An answer is JSON in UTF-8: what no encoding can spell is shown, not repeated.
        self.name = _speakable(name)
        self.message = message


NUMBERS: Final = "0123456789\u00b9\u00b2\u00b3"
DEVICES: Final = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{number}" for port in ("com", "lpt") for number in NUMBERS]
)
NOT_ON_WINDOWS: Final = '<>:"|?*'
BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# UTF-8 that is longer than need be: how dots and slashes were once slipped past a filter.
OVERLONG: Final = re.compile(rb"[\xc0\xc1]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]")
UNSAFE_BYTE: Final = re.compile(rb"[\x00-\x1f\x7f/\\]")
DOTS_ONLY: Final = re.compile(rb"[ .]*\.[ .]*")
HARMLESS: Final = re.compile(r"[0-9A-Za-z_-]([0-9A-Za-z_. -]*[0-9A-Za-z_-])?")
SHOWN_AT_MOST: Final = 80


def is_harmless(name: str, most_bytes: int) -> bool:
    """Most names: `check` has nothing against them in any folder, which need not be asked."""
    return (
        HARMLESS.fullmatch(name) is not None
        and len(name) <= most_bytes
        and name.partition(".")[0].rstrip().lower() not in DEVICES
    )


def check(name: str, most_bytes: int, *, exact: bool) -> None:
    """Raises BadName. `exact`: what only Windows cannot hold is welcome."""
    _check_shape(name, most_bytes)
    if not (name.isascii() and name.isprintable()):
        _check_characters(name)
    if "%" in name:
        _check_encoded_twice(name)
    if not exact:
        _check_portable(name)


def shown(text: str) -> str:
    """For a message: quoted, short, and with every character visible."""
    short = text if len(text) <= SHOWN_AT_MOST else text[: SHOWN_AT_MOST - 1] + "…"
    return '"' + "".join(_visible(short, at) for at in range(len(short))) + '"'


def _visible(text: str, at: int) -> str:
    character = text[at]
    if (character.isprintable() or character.isspace()) and _fault(text, at) is None:
        return character
    return f"<U+{ord(character):04X}>"


def _bad(rule: Rule, name: str, what: str) -> BadName:
    return BadName(rule, name, f"The name {shown(name)} {what}")


def _check_shape(name: str, most_bytes: int) -> None:
    if not name:
        message = "A name in the path is empty: two slashes meet, or one begins or ends it."
        raise BadName(Rule.EMPTY, name, message + " Leave that one out.")
    if "/" in name or "\\" in name:
        mark = "slash" if "/" in name else "backslash"
        raise _bad(Rule.SEPARATOR, name, f"holds a {mark}, which no name can. Leave it out.")
    size = len(name.encode("utf-8", "surrogatepass"))
    if size > most_bytes:
        what = f"has {size:,} bytes in UTF-8 and at most {most_bytes} are taken. Shorten it."
        raise _bad(Rule.NAME_TOO_LONG, name, what)
    if all(unicodedata.category(character) == "Zs" for character in name):
        raise _bad(Rule.BLANK, name, "is nothing but spaces: nobody could see it. Add a letter.")
    if not name.strip(" ."):
        raise _bad(Rule.DOTS, name, "is nothing but dots, which mean a folder. Add a letter.")


def _check_characters(name: str) -> None:
    for at, character in enumerate(name):
        found = _fault(name, at)
        if found is not None:
            rule, what = found
            raise _bad(rule, name, f"holds {what} (U+{ord(character):04X}). Take it out.")


_FAULTS: Final[dict[str, tuple[Rule, str]]] = {
    "Cs": (Rule.NOT_UTF8, "bytes that are not UTF-8"),
    "Cc": (Rule.CONTROL, "a control character"),
    "Zl": (Rule.CONTROL, "a line separator"),
    "Zp": (Rule.CONTROL, "a paragraph separator"),
    "Cn": (Rule.UNASSIGNED, "a character that Unicode does not know"),
    "Co": (Rule.PRIVATE, "a private-use character, which means something else on every machine"),
}


def _fault(name: str, at: int) -> tuple[Rule, str] | None:
    character = name[at]
    if character in BIDI:
        return Rule.BIDI, "a sign that turns the direction of writing, so that names look alike"
    category = unicodedata.category(character)
    if category in _FAULTS:
        return _FAULTS[category]
    if is_invisible(name, at):
        return Rule.INVISIBLE, "an invisible character"
    return None


def _check_encoded_twice(name: str) -> None:
    """Refuses what would lead out of its folder if somebody decoded it again, and again."""
    spelled = name.encode()
    while (decoded := unquote_to_bytes(spelled)) != spelled:
        if UNSAFE_BYTE.search(decoded) or OVERLONG.search(decoded) or DOTS_ONLY.fullmatch(decoded):
            what = "is percent-encoded twice, and hides dots, a slash or a control character."
            raise _bad(Rule.ENCODED_TWICE, name, what + " Encode it once.")
        spelled = decoded


def _check_portable(name: str) -> None:
    bad = next((character for character in name if character in NOT_ON_WINDOWS), None)
    if bad is not None:
        what = f"holds {bad} but Windows stores none of {' '.join(NOT_ON_WINDOWS)} in a name."
        raise _bad(Rule.CHARACTER, name, what + " Leave it out.")
    if name[-1] == "." or name[-1].isspace():
        end = "dot" if name[-1] == "." else "space"
        what = f"ends with a {end}, which Windows drops without a word. Take it away."
        raise _bad(Rule.TRAILING, name, what)
    if name[0].isspace():
        raise _bad(Rule.LEADING_SPACE, name, "begins with a space, easily lost. Take it away.")
    stem = name.partition(".")[0].rstrip()
    if stem.lower() in DEVICES:
        what = f"means the device {stem.upper()} to Windows, whatever its extension. Rename it."
        raise _bad(Rule.RESERVED, name, what)


def _speakable(name: str) -> str:
    return name.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
