"""Repr-Digest, Content-Digest (RFC 9530) and Content-MD5 <-> digests. Pure parsers."""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Final

# "blake3" is in no registry, and the identity of what is stored here (RFC 9530 section 5 leaves
# keys that a recipient does not know to be passed over, so that it disturbs nobody).
LENGTHS: Final = {"sha-256": 32, "sha-512": 64, "blake3": 32, "md5": 16}
# Too weak for a digest field; Content-MD5 and OC-Checksum declare them.
BY_OTHER_HEADERS: Final = frozenset({"md5", "sha-1"})
# RFC 8941: a dictionary member whose value is a byte sequence.
MEMBER = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):(?:;[^,]*)?", re.ASCII)


class MalformedDigest(ValueError):
    """A digest was declared that cannot be read or is of no algorithm that is checked here."""


def declared(
    representation: Sequence[str], content: Sequence[str], md5: Sequence[str]
) -> dict[str, bytes]:
    """What a client says of its bytes, by algorithm. With no coding both headers mean the same."""
    found: dict[str, bytes] = {}
    if not (representation or content or md5):
        return found
    for name, lines in (("Repr-Digest", representation), ("Content-Digest", content)):
        for algorithm, value in _dictionary(name, lines):
            _add(found, name, algorithm, value)
    for line in md5:
        _add(found, "Content-MD5", "md5", line.strip())
    return found


def _dictionary(name: str, lines: Sequence[str]) -> list[tuple[str, str]]:
    if not lines:
        return []
    members = []
    for item in ",".join(lines).split(","):
        member = MEMBER.fullmatch(item.strip(" \t"))
        if member is None:
            raise MalformedDigest(
                f"{name} cannot be read. It looks like this: {name}: sha-256=:<base64>:"
            )
        members.append((member[1], member[2]))
    known = [member for member in members if member[0] in LENGTHS and member[0] != "md5"]
    if not known:
        algorithms = ", ".join(member[0] for member in members)
        raise MalformedDigest(
            f"{name} is of an algorithm that is not checked here ({algorithms})."
            " Send sha-256 or sha-512."
        )
    return known


def _add(found: dict[str, bytes], name: str, algorithm: str, value: str) -> None:
    try:
        digest = base64.b64decode(value, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != LENGTHS[algorithm]:
        raise MalformedDigest(
            f"{name}: the {algorithm} digest is not {LENGTHS[algorithm]} bytes in base64."
        )
    if found.setdefault(algorithm, digest) != digest:
        raise MalformedDigest(f"{name}: two different {algorithm} digests were declared.")


def is_wanted(algorithm: str, lines: Sequence[str]) -> bool:
    """Does Want-Repr-Digest (RFC 9530 section 4) ask for it by its name?"""
    wanted = (item.strip(" \t").partition("=") for item in ",".join(lines).split(","))
    return any(name == algorithm and weight != "0" for name, _, weight in wanted)


def header(digests: Mapping[str, bytes]) -> str:
    return ", ".join(
        f"{algorithm}=:{base64.b64encode(value).decode()}:"
        for algorithm, value in digests.items()
        if algorithm not in BY_OTHER_HEADERS
    )
