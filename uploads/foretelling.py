"""What a declared digest tells of a content before its bytes, or without them. Nothing is believed
that was not found true once, and nothing is told of what the asker can read nowhere.
"""

from collections.abc import Mapping
from typing import Final

from uploads.access import Principal
from uploads.files import Content
from uploads.names import Path
from uploads.policy import SameContent
from uploads.ports import View
from uploads.rules import Rules
from uploads.settling import Arrival

NOWHERE: Final = Path(())
NO_CONTENT: Final = Content("", -1)
# By which a content itself is known, as headers call it and as we do.
IDENTITIES: Final = {"blake3": "blake3", "sha-256": "sha256"}
# Two contents with one of these can be made at will: it may confirm bytes, but not foretell them.
WEAK: Final = frozenset({"md5", "sha-1"})


def foretold(
    rules: Rules, view: View, principal: Principal, declared: Mapping[str, bytes]
) -> Content | None:
    """The content that was declared. One that the sender can read nowhere is as unknown, and so
    is what only others declared: an answer that came the sooner would tell that they have it. Its
    identity is no such secret: whoever can read a file is told it.
    """
    told = {name: value for name, value in declared.items() if name not in WEAK}
    if not told:
        return None
    # As much is asked in any case: that others have it shows in no time either.
    identified, content = _identified(view, told), view.content_declared(told)
    if identified is not None:
        content = identified
        told = {name: value for name, value in told.items() if not _names(content, name, value)}
    asked = content or NO_CONTENT
    holder = view.same_content(asked, rules.reach(principal), NOWHERE)
    own = view.vouched(asked, principal.name)
    if content is None or holder is None:
        return None
    said = (own, view.vouched(content, holder.version.by))
    return content if any(told.items() <= one.items() for one in said) else None


def claims(arrival: Arrival) -> bool:
    """Does it ask for a content by its digest alone? If not these very bytes, none, were meant."""
    links = arrival.wishes.same_content is SameContent.LINK
    strong = bool(arrival.declared) and WEAK.isdisjoint(arrival.declared)
    return links and arrival.size == 0 and strong


def _identified(view: View, told: Mapping[str, bytes]) -> Content | None:
    for name, value in told.items():
        if name in IDENTITIES and (content := view.content(_identity(name, value))) is not None:
            return content
    return None


def _names(content: Content, name: str, value: bytes) -> bool:
    return name in IDENTITIES and content.digest == _identity(name, value)


def identity(content: Content) -> tuple[str, bytes]:
    """The digest by which a content is known here, and the name of its algorithm."""
    kind, _, text = content.digest.partition(":")
    name = next(name for name, ours in IDENTITIES.items() if ours == kind)
    return name, bytes.fromhex(text)


def _identity(name: str, value: bytes) -> str:
    return f"{IDENTITIES[name]}:{value.hex()}"
