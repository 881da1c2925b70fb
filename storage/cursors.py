"""Where a page of a folder ended, as opaque text for clients. Knows listings, no storage."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import cast

from uploads.failures import MalformedRequest
from uploads.files import Listing, Order

LARGEST_PAGE = 1000
LARGEST_NUMBER = 2.0**62
NUMERIC = frozenset({Order.SIZE, Order.MODIFIED})


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last entry of a page: its section, the value that it was sorted by, and its key."""

    is_folder: bool
    value: str | float
    key: str

    def text(self, listing: Listing) -> str:
        told = [
            listing.order.value,
            int(listing.descending),
            int(self.is_folder),
            self.value,
            self.key,
        ]
        packed = json.dumps(told, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def cursor(listing: Listing) -> Cursor | None:
    """Where the page asked for begins.

    :raises MalformedRequest: the text is not one of ours, or of a listing in another order.
    """
    if listing.after is None:
        return None
    order, descending, is_folder, value, key = _unpacked(listing.after)
    if (order, descending) != (listing.order.value, int(listing.descending)):
        raise MalformedRequest(
            "This page belongs to a listing in another order. Start from the first page again."
        )
    sound = _is_number(value) if listing.order in NUMERIC else _is_text(value)
    if not sound or is_folder not in {0, 1} or not _is_text(key):
        raise _malformed()
    return Cursor(bool(is_folder), cast("str | float", value), cast("str", key))


def page_size(listing: Listing) -> int:
    return max(1, min(listing.limit, LARGEST_PAGE))


def _unpacked(text: str) -> list[object]:
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        told = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeError, binascii.Error, ValueError, RecursionError) as error:
        raise _malformed() from error
    if not isinstance(told, list) or len(told) != len(
        ("order", "descending", "is_folder", "value", "key")
    ):
        raise _malformed()
    return told


def _is_number(value: object) -> bool:
    return type(value) in {int, float} and abs(cast("float", value)) < LARGEST_NUMBER


def _is_text(value: object) -> bool:
    """Text that is text: JSON can spell halves of surrogate pairs."""
    return isinstance(value, str) and not any("\ud800" <= one <= "\udfff" for one in value)


def _malformed() -> MalformedRequest:
    return MalformedRequest(
        "The page asked for is not one that this listing gave out. Start from the first page."
    )
