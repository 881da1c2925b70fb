"""Small trees to ask and to change: files by their names, whatever index holds them."""

import hashlib
from typing import Any

from storage.memory.shelves import MemoryStaged
from uploads.access import Reach
from uploads.collisions import AtName
from uploads.files import Content, Event, Folder, Incoming, Stamp, StoredFile, Upload
from uploads.names import Path
from uploads.policy import Policies, Policy
from uploads.ports import Index, Turn

EVERYWHERE = Reach((("", None),))
EXACT = Path(("exact",))
POLICIES = Policies(Policy(), {EXACT: Policy(exact_names=True)})


def path(text: str) -> Path:
    return Path(tuple(text.split("/"))) if text else Path(())


def staged(data: bytes, media_type: str = "text/plain", **digests: bytes) -> MemoryStaged:
    content = Content(f"sha256:{hashlib.sha256(data).hexdigest()}", len(data), media_type)
    return MemoryStaged(content, data, digests)


def content(data: bytes) -> Content:
    return staged(data).content


def store(
    turn: Turn, name: str, data: bytes = b"", at: float = 1.0, by: str = "ann", **said: Any
) -> StoredFile:
    bytes_ = staged(data or name.encode())
    turn.keep(bytes_)
    return turn.store(path(name), bytes_.content, Stamp(by, at, **said))


async def stored(index: Index, *names: str, at: float = 1.0) -> list[StoredFile]:
    return await index.write(lambda turn: [store(turn, name, at=at) for name in names])


async def at(index: Index, name: str) -> AtName:
    return await index.read(lambda view: view.at(path(name)))


async def folder(index: Index, name: str) -> Folder | None:
    return await index.read(lambda view: view.folder(path(name)))


async def events_of(index: Index, name: str) -> list[Event]:
    return await index.read(lambda view: view.history(path(name), None, 9))


def shown(entries: tuple[StoredFile | Folder, ...]) -> list[str]:
    return [str(entry.path) for entry in entries]


def incoming(
    id_: str, size: int | None = 100, offset: int = 0, by: str = "ann", expires: float = 9.0
) -> Incoming:
    return Incoming(id_, by, path("a/b.txt"), size, offset, 1.0, expires, '{"said": true}')


def upload(id_: str, data: bytes, by: str = "ann", expires: float = 9.0) -> Upload:
    return Upload(id_, path("a/b.txt"), content(data), by, 1.0, expires, "NameTaken", 0.5, "x/y")
