"""Clients that upload side by side at a given pace, and note what they were answered and when.

Each has names of its own, so that what must stand under a name is known without asking anybody.
"""

import hashlib
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench.durability.asking import Answer, ask
from bench.peers.servers import Server

MIB = 1 << 20
CREATION = {"Tus-Resumable": "1.0.0"}
PATCHING = {**CREATION, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}


@dataclass(frozen=True)
class Heard:
    """After how many entries of the disk's log it was answered, and when."""

    entries: int
    when: float


@dataclass
class Upload:
    """`heard` once it was answered 2xx; `etag` where the answer told a strong one."""

    digest: str
    began: int
    heard: Heard | None = None
    etag: str | None = None


Uploads = Mapping[str, list[Upload]]


@dataclass(frozen=True)
class Pace:
    """`every` so many seconds a client begins an upload; `pause` between the pieces of one."""

    clients: int = 4
    every: float = 0.4
    pause: float = 0.0
    small: tuple[int, int] = (200, 24 << 10)
    large: tuple[int, int] = (2 * MIB, 4 * MIB)
    share_of_large: float = 0.06
    share_of_replacements: float = 0.4

    def size(self, chance: random.Random) -> int:
        is_large = chance.random() < self.share_of_large
        return chance.randint(*(self.large if is_large else self.small))


@dataclass
class Clients:
    """`count` tells how long the disk's log is. `refused`: what was answered otherwise than 2xx."""

    server: Server
    port: int
    seed: int
    count: Callable[[], int]
    uploads: dict[str, list[Upload]] = field(default_factory=dict)
    refused: list[Answer] = field(default_factory=list)

    def prepare(self, names: int, pace: Pace) -> None:
        chance = random.Random(f"{self.seed} before")
        for number in range(names):
            client = number % pace.clients
            self._bring(f"{client}-{number}-before.bin", chance.randbytes(pace.size(chance)), 0.0)

    def bring(self, pace: Pace, ended: threading.Event) -> list[threading.Thread]:
        """They go on until it has ended."""
        threads = [
            threading.Thread(target=self._go_on, args=(number, pace, ended))
            for number in range(pace.clients)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _go_on(self, client: int, pace: Pace, ended: threading.Event) -> None:
        chance = random.Random(f"{self.seed} {client}")
        number = 0
        while not ended.wait(pace.every * chance.uniform(0.5, 1.5)):
            number += 1
            ours = [
                one
                for one in list(self.uploads)
                if one.startswith(f"{self.server.prefix}{client}-")
            ]
            address = f"{client}-{number}.bin"
            if ours and chance.random() < pace.share_of_replacements:
                address = chance.choice(ours).removeprefix(self.server.prefix)
            self._bring(address, chance.randbytes(pace.size(chance)), pace.pause)

    def _bring(self, name: str, body: bytes, pause: float) -> None:
        upload = Upload(hashlib.sha256(body).hexdigest(), self.count())
        if self.server.put == "tus":
            answer = self._by_tus(body, upload, pause)
        else:
            answer = self._by_put(f"{self.server.prefix}{name}", body, upload, pause)
        if answer.is_stored:
            upload.heard = Heard(self.count(), time.monotonic())
            upload.etag = answer.etag
        else:
            self.refused.append(answer)

    def _by_put(self, address: str, body: bytes, upload: Upload, pause: float) -> Answer:
        before = self.uploads.setdefault(address, [])
        etag = before[-1].etag if before else None
        before.append(upload)
        condition = {"If-Match": etag} if etag and not etag.startswith("W/") else {}
        return ask(self.port, "PUT", address, body, condition, pause)

    def _by_tus(self, body: bytes, upload: Upload, pause: float) -> Answer:
        """Its server gives the address, and takes nothing for a second time."""
        length = {"Upload-Length": str(len(body))}
        created = ask(self.port, "POST", self.server.prefix, b"", {**CREATION, **length})
        address = next((one for one in created.addresses() if one.startswith("/files/")), None)
        if not created.is_stored or address is None:
            return created
        self.uploads[address] = [upload]
        return ask(self.port, "PATCH", address, body, PATCHING, pause)
