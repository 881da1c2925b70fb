"""What must be there after an end of any kind, and what is: over HTTP alone, the same for all.

Of each name the last acknowledged bytes must be there, or those of a later upload that was on its
way. What was replaced may be gone; but not both.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

from bench.durability.asking import ask
from bench.durability.load import Upload, Uploads
from bench.peers.servers import Place, Server

Read = Callable[[str], str | None]


@dataclass
class Tally:
    """Sums over all states. `checked`: acknowledged uploads, of each name the last. Of them are
    `missing` those whose name is not there or cannot be read, `altered` those with bytes that
    nobody sent whole, `older` those in whose place an earlier version is. `gone`: files that were
    replaced, or were being replaced, of which neither old nor new is there. `half`: names of
    uploads that were never answered, with a part of their bytes. `silent`: states after which the
    server does not start; all is missing then. `unreadable`: states that the kernel does not mount;
    not judged. `oldest`: for how many seconds the oldest of what is lost had been acknowledged.
    """

    states: int = 0
    silent: int = 0
    unreadable: int = 0
    checked: int = 0
    missing: int = 0
    altered: int = 0
    older: int = 0
    gone: int = 0
    half: int = 0
    oldest: float = 0.0

    @property
    def lost(self) -> int:
        return self.missing + self.altered + self.older

    def add(self, other: "Tally") -> None:
        oldest = max(self.oldest, other.oldest)
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))
        self.oldest = oldest

    def judge(self, uploads: Uploads, entries: int, read: Read) -> None:
        """One state: what was heard after more entries had not been heard yet."""
        self.states += 1
        now = max(
            (_when(one) for all_ in uploads.values() for one in _heard(all_, entries)), default=0
        )
        for address, versions in uploads.items():
            begun = [one for one in versions if one.began <= entries]
            if begun:
                self._judge(begun, _heard(begun, entries), read(address), now)

    def _judge(
        self, begun: Sequence[Upload], heard: Sequence[Upload], found: str | None, now: float
    ) -> None:
        if not heard:
            self.half += found not in {None, *(one.digest for one in begun)}
            return
        self.checked += 1
        last = begun.index(heard[-1])
        if found in {one.digest for one in begun[last:]}:
            return
        is_older = found in {one.digest for one in begun[:last]}
        self.missing += found is None
        self.older += is_older
        self.altered += found is not None and not is_older
        self.gone += not is_older and len(begun) > 1
        self.oldest = max(self.oldest, now - _when(heard[-1]))


def _heard(uploads: Sequence[Upload], entries: int) -> list[Upload]:
    return [one for one in uploads if one.heard is not None and one.heard.entries <= entries]


def _when(upload: Upload) -> float:
    return upload.heard.when if upload.heard else 0.0


def reading(server: Server, place: Place) -> Read:
    """What is there, by digest: as the server gives it. That of tus, which has no word for reading,
    ends on some GETs with the Node of Debian: of it the files that have come to their end.
    """

    def read(address: str) -> str | None:
        answer = ask(place.port, "GET", address)
        return _digest(answer.body) if answer.is_stored else None

    def read_file(address: str) -> str | None:
        file = place.served / address.removeprefix(server.prefix)
        try:
            size = json.loads(file.with_suffix(".json").read_bytes())["size"]
            body = file.read_bytes()
        except (OSError, ValueError, KeyError):
            return None
        return _digest(body) if len(body) == size else None

    return read_file if server.put == "tus" else read


def nothing(_: str) -> None:
    """What is read of a server that does not start."""


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
