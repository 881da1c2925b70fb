"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-06) -> a key. Pure.

The draft wants a String of Structured Fields (RFC 9651 section 3.3.3): `"..."`. Nearly everybody
sends a bare UUID, which can mean only one thing and is taken as if it stood in quotes.
"""

import re
from collections.abc import Sequence
from typing import Final

from handlers.problems import Refusal, of_type

LONGEST: Final = 255
# With parameters, which mean nothing yet (RFC 9651 section 3.1.2).
QUOTED: Final = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"(?:[ ]*;[\x20-\x7e]*)?')
# Of what can be seen: all but quotes, backslashes and what separates values in a header.
BARE: Final = re.compile(r'[^\x00-\x20"\\,;\x7f-\U0010ffff]+')
ESCAPED: Final = re.compile(r"\\(.)")


def key(lines: Sequence[str]) -> str | None:
    """None: the request has none. A key that cannot be read is refused, never ignored."""
    if not lines:
        return None
    if len(lines) > 1:
        raise _refused("There is more than one.")
    value = lines[0].strip(" \t")
    found = QUOTED.fullmatch(value)
    text = ESCAPED.sub(r"\1", found[1]) if found else value
    if found is None and BARE.fullmatch(value) is None:
        raise _refused("This one is neither in quotes nor one bare word.")
    if not 0 < len(text) <= LONGEST:
        raise _refused(f"This one has {len(text)}.")
    return text


def _refused(why: str) -> Refusal:
    return Refusal(
        of_type(
            "malformed-key",
            f"Idempotency-Key takes one string of 1 to {LONGEST} characters, such as"
            f' "8e03978e-40d5-43dd-bc93-6894a57f9324". {why}',
        )
    )
