"""Items of structured fields (RFC 9651): a boolean, a whole number. Pure.

What is neither counts as if the field were not there, as the fields that are made of them want it.
"""

import re

BOOLEAN = re.compile(r"\?([01])(?:;.*)?")
# Section 3.3.1: at most fifteen digits.
INTEGER = re.compile(r"([0-9]{1,15})(?:;.*)?", re.ASCII)


def boolean(text: str | None) -> bool | None:
    found = BOOLEAN.fullmatch(text.strip(" ")) if text is not None else None
    return None if found is None else found[1] == "1"


def integer(text: str | None) -> int | None:
    """Without a sign: what is counted is never less than nothing."""
    found = INTEGER.fullmatch(text.strip(" ")) if text is not None else None
    return None if found is None else int(found[1])
