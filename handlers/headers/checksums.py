"""OC-Checksum <-> digests, as clients of the ownCloud family write them: SHA1:<hex>. Pure."""

import re
from collections.abc import Mapping
from typing import Final

from handlers.headers.digests import MalformedDigest

# As these clients spell them -> as we do; the one that they like best first.
ALGORITHMS: Final = {"SHA256": "sha-256", "SHA1": "sha-1", "MD5": "md5"}
LENGTHS: Final = {"sha-256": 32, "sha-1": 20, "md5": 16}
HEX: Final = re.compile(r"(?:[0-9a-f]{2})+", re.IGNORECASE)


def declared(header: str | None, others: Mapping[str, bytes]) -> dict[str, bytes]:
    """Together with what other headers say of the same bytes.

    :raises MalformedDigest: it cannot be read, or none of it can be checked here.
    """
    found = dict(others)
    words = (header or "").replace(",", " ").split()
    for word in words:
        name, _, value = word.partition(":")
        algorithm = ALGORITHMS.get(name.upper())
        if algorithm is not None:
            _add(found, algorithm, value)
    if words and found.keys().isdisjoint(LENGTHS):
        known = ", ".join(ALGORITHMS)
        raise MalformedDigest(f"OC-Checksum is of no algorithm that is checked here ({known}).")
    return found


def _add(found: dict[str, bytes], algorithm: str, value: str) -> None:
    digest = bytes.fromhex(value) if HEX.fullmatch(value) else b""
    if len(digest) != LENGTHS[algorithm]:
        raise MalformedDigest(
            f"OC-Checksum: this is no {algorithm} digest of {LENGTHS[algorithm]} bytes in hex."
        )
    if found.setdefault(algorithm, digest) != digest:
        raise MalformedDigest(f"OC-Checksum: two different {algorithm} digests were declared.")


def written(digests: Mapping[str, bytes]) -> str:
    """All that these clients know, or nothing."""
    return " ".join(
        f"{name}:{digests[algorithm].hex()}"
        for name, algorithm in ALGORITHMS.items()
        if algorithm in digests
    )
