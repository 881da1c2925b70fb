"""Uploads of different bytes to one name, whose last bytes are let go together.

Whoever is told that it is stored must find its bytes, under the name or under another that the
answer tells; whoever is refused must have been told so. Sizes differ, so that bytes of two which
were written into one file show.
"""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

from bench.durability.asking import Answer, ask, together
from bench.peers.servers import Server

SMALLEST, LARGEST = 4 << 10, 24 << 10
OFFERS, TRIES = 32, 16
NOBODYS = '"of-nothing"'


@dataclass
class Races:
    """Of one server under one condition. `lost` were told that they are stored, and cannot be read;
    `mixed`: rounds after which the name has bytes that nobody sent.
    """

    rounds: int = 0
    with_several: int = 0
    with_none: int = 0
    lost: int = 0
    refused: int = 0
    settled: int = 0
    unanswered: int = 0
    mixed: int = 0

    @property
    def several(self) -> str:
        return f"{self.with_several:,} ({self.lost:,})"


@dataclass(frozen=True)
class Conditions:
    """What a server does about conditions when nobody races; `None`: it gives no ETag."""

    is_free: bool
    is_current: bool | None


@dataclass
class Ring:
    """One server that runs, and what is sent to it."""

    server: Server
    port: int
    chance: random.Random
    count: int = 0

    def conditions(self) -> Conditions:
        address = self._fresh()
        etag = self._created(address)
        free = ask(self.port, "PUT", address, self._body(), {"If-None-Match": "*"})
        stale = ask(self.port, "PUT", address, self._body(), {"If-Match": NOBODYS})
        return Conditions(not free.is_stored, not stale.is_stored if etag else None)

    def plain(self, rounds: int, at_once: int) -> Races:
        return self._races(rounds, at_once, {})

    def if_none_match(self, rounds: int, at_once: int) -> Races:
        return self._races(rounds, at_once, {"If-None-Match": "*"})

    def if_match(self, rounds: int, at_once: int) -> Races:
        found = Races()
        addresses = [self._fresh() for _ in range(rounds)]
        told = [self._created(address) for address in addresses]
        for address, etag in zip(addresses, told, strict=True):
            current = str(self._strong(address, etag))
            self._race(found, address, at_once, {"If-Match": current})
        return found

    def _races(self, rounds: int, at_once: int, headers: Mapping[str, str]) -> Races:
        found = Races()
        for _ in range(rounds):
            self._race(found, self._fresh(), at_once, headers)
        return found

    def _race(self, found: Races, address: str, at_once: int, headers: Mapping[str, str]) -> None:
        bodies = [self._body() for _ in range(at_once)]
        answers = together(self.port, address, bodies, headers)
        stands = ask(self.port, "GET", address)
        stored = sum(answer.is_stored for answer in answers)
        found.rounds += 1
        found.with_several += stored > 1
        found.with_none += stored == 0
        found.mixed += stands.is_stored and stored > 0 and stands.body not in bodies
        for body, answer in zip(bodies, answers, strict=True):
            if answer.is_stored:
                found.lost += stands.body != body and not self._reads(answer, body)
            elif answer.status:
                found.refused += 1
                found.settled += self._settles(answer, body)
            else:
                found.unanswered += 1

    def _reads(self, answer: Answer, body: bytes) -> bool:
        """Under any name of this server that the answer tells."""
        told = {one for one in answer.addresses() if one.startswith(self.server.prefix)}
        return any(ask(self.port, "GET", one).body == body for one in told)

    def _settles(self, refusal: Answer, body: bytes) -> bool:
        """By a request that the refusal offers, without sending the bytes again; or by one that the
        answer to it offers, where another has taken the name meanwhile.
        """
        for _ in range(OFFERS):
            offers = refusal.json.get("resolutions", ())
            offer = next((one for one in offers if one["action"] == "store"), None)
            if offer is None:
                return False
            refusal = ask(self.port, offer["method"], offer["href"], b"", offer["headers"])
            if refusal.is_stored:
                return self._reads(refusal, body)
        return False

    def _created(self, address: str) -> str | None:
        """Its ETag, as the answer tells it, or else a HEAD."""
        created = ask(self.port, "PUT", address, self._body())
        if not created.is_stored:
            raise SystemExit(f"{self.server.name} did not take a file: {created}")
        return created.etag or ask(self.port, "HEAD", address).etag

    def _strong(self, address: str, etag: str | None) -> str | None:
        """Apache gives a weak one, which no `If-Match` meets, until the file is a second old."""
        for _ in range(TRIES):
            if etag is None or not etag.startswith("W/"):
                break
            time.sleep(0.25)
            etag = ask(self.port, "HEAD", address).etag
        return etag

    def _fresh(self) -> str:
        self.count += 1
        return f"{self.server.prefix}{self.count}.bin"

    def _body(self) -> bytes:
        return self.chance.randbytes(self.chance.randint(SMALLEST, LARGEST))
