"""The digest that is a content's identity, and those that a client wants to see verified.

Knows nothing of files.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from typing import Protocol, Self

from blake3 import blake3

from uploads.ports import Piece


class Hash(Protocol):
    def update(self, data: Piece, /) -> object: ...

    def digest(self) -> bytes: ...

    def copy(self) -> Self: ...


def _blake3() -> Hash:
    # More threads are slower on pieces of a megabyte, and much slower on small contents.
    return blake3(max_threads=1)


IDENTITIES: Mapping[str, Callable[[], Hash]] = {"blake3": _blake3, "sha256": hashlib.sha256}

_DECLARABLE: Mapping[str, Callable[[], Hash]] = {
    "sha-256": hashlib.sha256,
    "sha-512": hashlib.sha512,
    "blake3": _blake3,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    # Against accidents on the way: tus wants it of a piece, sync clients send it of a file.
    "sha-1": lambda: hashlib.sha1(usedforsecurity=False),
}

# What headers call our identities.
_AS_DECLARED: Mapping[str, str] = {"blake3": "blake3", "sha256": "sha-256"}


def by_name(name: str) -> Hash:
    """One hash alone, for a part of what comes in."""
    return _DECLARABLE[name]()


class Hasher:
    """One reading of the bytes, all digests."""

    def __init__(self, algorithm: str, digests: Collection[str] = ()) -> None:
        self._algorithm = algorithm
        self._identity = IDENTITIES[algorithm]()
        self._others = {name: self._other(name) for name in digests}
        self._all = {id(hash_): hash_ for hash_ in (self._identity, *self._others.values())}

    def copy(self) -> "Hasher":
        """As it stands now; both go on by themselves."""
        twin = Hasher(self._algorithm)
        copies = {id(hash_): hash_.copy() for hash_ in self._all.values()}
        twin._identity = copies[id(self._identity)]
        twin._others = {name: copies[id(hash_)] for name, hash_ in self._others.items()}
        twin._all = {id(hash_): hash_ for hash_ in copies.values()}
        return twin

    def _other(self, name: str) -> Hash:
        is_identity = name == _AS_DECLARED[self._algorithm]
        return self._identity if is_identity else _DECLARABLE[name]()

    def update(self, piece: Piece) -> None:
        for hash_ in self._all.values():
            hash_.update(piece)

    def digest(self) -> str:
        return f"{self._algorithm}:{self._identity.digest().hex()}"

    def digests(self) -> dict[str, bytes]:
        return {name: hash_.digest() for name, hash_ in self._others.items()}
