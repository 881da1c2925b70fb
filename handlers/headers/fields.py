"""Lists, parameters, quoted strings: what header fields are made of (RFC 9110 section 5.6). Pure.

Knows no field by name.
"""

import re
from typing import Final

QUOTED_PAIR: Final = re.compile(r'\\(["\\])')


def split(text: str, separator: str) -> list[str]:
    """The parts of a list without the white space around them; no part of a quoted string parts."""
    if '"' not in text:
        return [part.strip(" \t") for part in text.split(separator)]
    parts, start, at, quoted = [], 0, 0, False
    while at < len(text):
        if quoted and text[at] == "\\":
            at += 1
        elif text[at] == '"':
            quoted = not quoted
        elif text[at] == separator and not quoted:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return [part.strip(" \t") for part in (*parts, text[start:])]


def unquoted(value: str) -> str:
    r"""The text of a quoted string. Only `\"` and `\\` are escapes: who writes `C:\new.txt`, and
    many do, means the backslash.
    """
    if len(value) > 1 and value[0] == value[-1] == '"':
        return QUOTED_PAIR.sub(r"\1", value[1:-1])
    return value


def parameters(text: str) -> list[tuple[str, str]]:
    """What follows the first `;`: names in small letters, values as they stand, in their order."""
    found = []
    for part in split(text, ";")[1:]:
        name, equals, value = part.partition("=")
        if equals:
            found.append((name.strip(" \t").lower(), value.strip(" \t")))
    return found
