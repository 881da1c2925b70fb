"""Where a page of a folder ended, as opaque text for clients. Knows listings, no storage."""

import base64
import binascii
import json
from dataclasses import dataclass

from uploads.failures import MalformedRequest
from uploads.files import Listing, Order

LARGEST_PAGE = 1000


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
            "This page belongs to a listing in another order. Start the listing again from its first page."
        )
    number = listing.order in {Order.SIZE, Order.MODIFIED}
    well_formed = (
        isinstance(value, (int, float) if number else str)
        and is_folder in (0, 1)
        and isinstance(key, str)
    )
    if not well_formed or isinstance(value, bool):
        raise _malformed()
    return Cursor(bool(is_folder), value, key)


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


def _malformed() -> MalformedRequest:
    return MalformedRequest(
        "The page asked for is not one that this listing gave out. Start the listing again from its first page."
    )
