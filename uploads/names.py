"""What may be a name or a path, and when two names collide. Stored as sent, or refused."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from urllib.parse import quote

PCHAR = "-._~!$&'()*+,;=:@"


class NameRule(StrEnum):
    """What a name can break."""

    EMPTY = "empty"
    TRAVERSAL = "traversal"
    SEPARATOR = "separator"
    CONTROL = "control character"
    INVISIBLE = "invisible character"
    DIRECTION = "direction override"
    UNASSIGNED = "not a character"
    ENCODING = "encoding"
    RESERVED = "reserved on Windows"
    CHARACTER = "character not allowed on Windows"
    ENDING = "dot or space at an end"
    LENGTH = "too long"
    DEPTH = "too deep"


class BadName(ValueError):
    """This cannot be a name. `message` is for people."""

    def __init__(self, rule: NameRule, name: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.name = name
        self.message = message


class Equivalence(StrEnum):
    """Why two spellings are one name, the weakest reason that suffices."""

    NORMALISATION = "unicode normalisation"
    CASE = "case"
    ENDING = "a dot or space at the end"


@dataclass(frozen=True, order=True)
class Path:
    """Names from the root down; the root is the empty path. Its parts have been checked."""

    parts: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.parts[-1] if self.parts else ""

    @property
    def parent(self) -> "Path":
        return Path(self.parts[:-1])

    @cached_property
    def folded(self) -> str:
        """One string for all spellings of this path; what lies below it begins with it and `/`."""
        return "/".join(key(part) for part in self.parts)

    def child(self, name: str) -> "Path":
        return Path((*self.parts, name))

    def href_path(self) -> str:
        """Percent-encoded for an address (RFC 3986, pchar), without a slash at either end."""
        return "/".join(quote(part, safe=PCHAR) for part in self.parts)

    def __str__(self) -> str:
        return "/".join(self.parts)


def everywhere(parts: tuple[str, ...]) -> bool:  # noqa: ARG001 - the simplest of its kind
    return True


@dataclass(frozen=True, slots=True)
class Limits:
    """`portable_in`: must the names in this folder work on Windows too?"""

    name_bytes: int = 255
    path_bytes: int = 4096
    depth: int = 32
    portable_in: Callable[[tuple[str, ...]], bool] = everywhere


ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")


def decode(raw: bytes) -> str:
    """Percent-decodes a path of an address, strictly: a broken escape is refused, not kept."""

    def unescape(found: re.Match[bytes]) -> bytes:
        if found[1] is None:
            raise BadName(
                NameRule.ENCODING,
                raw.decode("latin-1"),
                "The address holds a % that begins no escape; write it as %25.",
            )
        return bytes([int(found[1], 16)])

    decoded = ESCAPE.sub(unescape, raw)
    try:
        return decoded.decode()
    except UnicodeDecodeError:
        raise BadName(
            NameRule.ENCODING, decoded.decode("latin-1"), "The name is not UTF-8; encode it so."
        ) from None


def parse(text: str, limits: Limits) -> Path:
    """The path that this text spells, or `BadName`."""
    parts = tuple(text.split("/"))
    if len(parts) > limits.depth:
        raise BadName(
            NameRule.DEPTH,
            text,
            f"The path is {len(parts)} names deep, and at most {limits.depth} are taken.",
        )
    for depth, part in enumerate(parts):
        _check(part, limits, portable=limits.portable_in(parts[:depth]))
    if len(text.encode()) > limits.path_bytes:
        raise BadName(
            NameRule.LENGTH,
            text,
            f"The path is longer than {limits.path_bytes} bytes.",
        )
    return Path(parts)


def key(name: str, *, exact: bool = False) -> str:
    """What two names in one folder must not share. Folding twice makes it stable."""
    if exact:
        return name
    stripped = name.rstrip(". ") or name
    once = unicodedata.normalize("NFC", stripped).casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", once).casefold())


def matching_rule(sent: str, stored: str) -> Equivalence | None:
    """The weakest rule by which the two spellings are one name; None where they are not."""
    if key(sent) != key(stored):
        return None
    if unicodedata.normalize("NFC", sent) == unicodedata.normalize("NFC", stored):
        return Equivalence.NORMALISATION
    if unicodedata.normalize("NFC", sent.casefold()) == unicodedata.normalize(
        "NFC", stored.casefold()
    ):
        return Equivalence.CASE
    return Equivalence.ENDING if sent.rstrip(". ") != sent else Equivalence.CASE


def free_name(name: str, taken: Callable[[str], bool], limit: int = 255) -> str:
    """The name itself, or the first of `name (2)`, `name (3)` ... found free by doubling steps.

    With thousands taken the number may not be the lowest free one, but it costs few questions.
    """
    if not taken(name):
        return name
    low, high = 1, 2
    while taken(_numbered(name, high, limit)):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if taken(_numbered(name, middle, limit)):
            low = middle
        else:
            high = middle
    return _numbered(name, high, limit)


def _numbered(name: str, number: int, limit: int) -> str:
    stem, dot, extension = name.partition(".") if name.endswith(COMPOUND) else name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    if name.endswith(COMPOUND):
        ending = next(one for one in COMPOUND if name.endswith(one))
        stem, dot, extension = name.removesuffix(ending), ".", ending[1:]
    tail = f" ({number}){dot}{extension}"
    room = limit - len(tail.encode())
    return stem.encode()[:room].decode(errors="ignore") + tail


COMPOUND = (".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")

RESERVED = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])"
    r"\s*(\..*)?",
    re.IGNORECASE,
)
WINDOWS = frozenset('<>:"|?*')
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
JOINERS = frozenset("\u200c\u200d")
STILL_ESCAPED = re.compile(r"%(2e|2f|5c|00|[01][0-9a-f]|7f)", re.IGNORECASE)


def _check(name: str, limits: Limits, *, portable: bool) -> None:
    if not name:
        raise BadName(NameRule.EMPTY, name, "A name is empty: the path has two slashes in a row.")
    if name in {".", ".."}:
        raise BadName(
            NameRule.TRAVERSAL, name, f'"{name}" leads to another folder, so it cannot be a name.'
        )
    if STILL_ESCAPED.search(name):
        raise BadName(
            NameRule.TRAVERSAL,
            name,
            f'"{name}" still holds an escaped dot, slash or control character: it was encoded'
            " twice.",
        )
    if "\\" in name or "/" in name:
        raise BadName(NameRule.SEPARATOR, name, f'"{name}" holds a slash or backslash.')
    for at, character in enumerate(name):
        _check_character(name, at, character)
    if len(name.encode()) > limits.name_bytes:
        raise BadName(
            NameRule.LENGTH,
            name,
            f"The name is {len(name.encode())} bytes long in UTF-8; at most {limits.name_bytes}"
            " are taken.",
        )
    if portable:
        _check_portable(name)


def _check_character(name: str, at: int, character: str) -> None:
    if character.isascii() and character.isprintable():
        return
    point = f"U+{ord(character):04X}"
    shown = name.encode("unicode_escape").decode()
    category = unicodedata.category(character)
    if category in {"Cc", "Zl", "Zp"}:
        raise BadName(NameRule.CONTROL, name, f'"{shown}" holds a control character ({point}).')
    if character in BIDI:
        raise BadName(
            NameRule.DIRECTION,
            name,
            f'"{shown}" holds {point}, which turns the direction of writing and can disguise'
            " an extension.",
        )
    if category in {"Cn", "Cs", "Co"}:
        raise BadName(NameRule.UNASSIGNED, name, f'"{shown}" holds {point}, which is no character.')
    hidden = category == "Cf" or character in "\u115f\u1160\u17b4\u17b5\u3164\uffa0\u034f"
    if (hidden or _is_selector(character)) and not _is_joined(name, at):
        raise BadName(NameRule.INVISIBLE, name, f'"{shown}" holds {point}, which cannot be seen.')


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _is_joined(name: str, at: int) -> bool:
    """Joiners shape emoji, Arabic and Indic writing, where they do show; nowhere else."""
    if at == 0:
        return False
    before = name[at - 1]
    after = name[at + 1] if at + 1 < len(name) else ""
    if _is_selector(name[at]):
        return unicodedata.category(before) == "So" or before in "#*0123456789"
    if name[at] not in JOINERS or not after:
        return False
    emoji = unicodedata.category(after) == "So" and (
        unicodedata.category(before) in {"So", "Sk"} or _is_selector(before)
    )
    return emoji or (_is_joining(before) and _is_joining(after))


def _is_joining(character: str) -> bool:
    return ord(character) >= 0x600 and unicodedata.category(character)[0] in "LM"  # noqa: PLR2004 - where Arabic begins


def _check_portable(name: str) -> None:
    if RESERVED.fullmatch(name):
        raise BadName(NameRule.RESERVED, name, f'"{name}" is the name of a device on Windows.')
    if forbidden := sorted(WINDOWS.intersection(name)):
        raise BadName(
            NameRule.CHARACTER,
            name,
            f'"{name}" holds {" ".join(forbidden)}, which Windows does not allow in names.',
        )
    if name[-1] in ". " or name[0] == " " or name[0].isspace() or name[-1].isspace():
        raise BadName(
            NameRule.ENDING,
            name,
            f'"{name}" begins with a space, or ends with a dot or space, which Windows drops.',
        )
