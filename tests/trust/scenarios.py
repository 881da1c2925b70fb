"""What the server is doing when something breaks: each written once, and used by every method.

`prepare` is undisturbed, `act` is what gets disturbed. What they do is told by the house.
"""

import asyncio
import functools
import os
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path as Folder

from sqlite_utils import Database

from storage.disk.hashing import Hasher
from storage.sqlite import writer
from storage.sqlite.connecting import NAME
from storage.sqlite.migrations import migrations
from tests.trust.calls import Ended, Judge, Voice, apart, watched
from tests.trust.house import (
    ACCEPT,
    CANNOT_START,
    LARGE,
    LINK,
    LONG,
    SMALL,
    VERSION,
    House,
    body,
    digest,
    only,
    opened,
    together,
)
from tests.trust.ledger import Ledger
from tests.trust.spreading import in_memory
from uploads.files import StoredFile
from uploads.names import Path

Act = Callable[[House], Awaitable[None]]
ENDS_WITHIN = 60.0
REHEARSED = ("replace", "restore", "finish", "number", "settle", "collect")


async def _nothing(house: House) -> None:
    pass


@dataclass(frozen=True)
class Scenario:
    """`stays_open`: what was prepared ends by a crash, so that a log is left to recover.
    `often`: commits until the index is checkpointed. `older`: the schema before this migration.
    `fresh`: there is no store yet.
    """

    name: str
    act: Act
    prepare: Act = _nothing
    stays_open: bool = False
    keep_versions: float = 1e9
    often: int = writer.COMMITS_PER_CHECKPOINT
    older: str | None = None
    fresh: bool = False

    def prepared(self, data: Folder) -> Ledger:
        """Fills the folder; what was acknowledged there is in the ledger."""
        ledger = self.begun(data)
        if self.is_prepared:
            ledger.hear(self.prepare_apart(data, lambda: 0).said)
        return ledger

    @property
    def is_prepared(self) -> bool:
        return not self.fresh and self.older is None

    def begun(self, data: Folder) -> Ledger:
        """The folder, with what an earlier version left there."""
        ledger = Ledger()
        data.mkdir(mode=0o700)
        if self.older is not None:
            _make_older(data, self.older, ledger)
        return ledger

    def prepare_apart(self, data: Folder, clock: Callable[[], int]) -> Ended:
        ended = apart(lambda voice: asyncio.run(self._prepare(data, voice)), ENDS_WITHIN, clock)
        assert ended.code == 0, ended
        return ended

    def act_apart(self, data: Folder, clock: Callable[[], int]) -> Ended:
        ended = apart(lambda voice: asyncio.run(self._act(data, voice)), ENDS_WITHIN, clock)
        assert ended.code == 0, ended
        return ended

    def run(self, data: Folder, judge: Judge) -> Ended:
        return watched(lambda voice: asyncio.run(self._act(data, voice)), judge, ENDS_WITHIN)

    async def _prepare(self, data: Folder, voice: Voice) -> None:
        around = opened(data, voice)
        house = await around.__aenter__()
        await self.prepare(house)
        if not self.stays_open:
            await around.__aexit__(None, None, None)

    async def _act(self, data: Folder, voice: Voice) -> None:
        writer.COMMITS_PER_CHECKPOINT = self.often
        try:
            async with opened(data, voice, self.keep_versions) as house:
                voice.say("open")
                await self.act(house)
                voice.say("acted")
                voice.say("afterwards", [await _is_stored(house, number) for number in (1, 2)])
        except CANNOT_START as error:
            voice.say("unopened", repr(error))


async def _is_stored(house: House, number: int) -> bool:
    """Afterwards, by the same process: has it come through?"""
    name = f"afterwards {number}"
    return isinstance(await house.put(name, body(name, LARGE)), StoredFile)


class Unheard(Voice):
    def __init__(self) -> None:
        pass

    def say(self, *words: object) -> None:
        pass


@functools.cache
def rehearsed() -> None:
    """What every scenario reads, compiles and makes ready is there in all that is forked later."""
    with in_memory() as folder:
        for name in REHEARSED:
            data = folder / name
            SCENARIOS[name].begun(data)
            asyncio.run(SCENARIOS[name]._prepare(data, Unheard()))
            asyncio.run(SCENARIOS[name]._act(data, Unheard()))


@functools.cache
def _within(source: Folder) -> tuple[tuple[tuple[str, int], ...], tuple[str, ...]]:
    """Folders with their modes, and files. What is copied stays as it is."""
    found = sorted(source.rglob("*"))
    folders = [path for path in found if path.is_dir()]
    return (
        tuple((str(path.relative_to(source)), path.stat().st_mode & 0o777) for path in folders),
        tuple(str(path.relative_to(source)) for path in found if not path.is_dir()),
    )


def copied(source: Folder, target: Folder) -> Folder:
    """Many times the same: most of it are folders for blobs, and empty."""
    if target.exists():
        shutil.rmtree(target)
    folders, files = _within(source)
    target.mkdir(mode=0o700)
    for name, mode in folders:
        os.mkdir(f"{target}/{name}", mode)  # noqa: PTH102 - a thousand paths would take longer
    for name in files:
        shutil.copy2(f"{source}/{name}", f"{target}/{name}", follow_symlinks=False)
    return target


def remove(copy: Folder, source: Folder) -> None:
    for name, _ in reversed(_within(source)[0]):
        with suppress(OSError):
            os.rmdir(f"{copy}/{name}")  # noqa: PTH106 - see above
    shutil.rmtree(copy)


def _make_older(data: Folder, before: str, ledger: Ledger) -> None:
    """A store as an earlier version left it, with one file."""
    small = body("old", SMALL)
    with closing(sqlite3.connect(data / NAME, isolation_level=None)) as connection:
        database = Database(connection, execute_plugins=False)
        database.execute("PRAGMA journal_mode = wal")
        migrations.apply(database, stop_before=before)
        identity = _blake3(small)
        for sql, values in (
            ("INSERT INTO meta VALUES ('digest', 'blake3')", ()),
            (
                "INSERT INTO contents (id, digest, size, media_type, made) VALUES (1, ?, ?, ?, 0.0)",
                (identity, SMALL, "application/octet-stream"),
            ),
            ("INSERT INTO small VALUES (1, ?)", (small,)),
            (
                "INSERT INTO changes (kind, node, path, at, by) VALUES ('created', 2, 'old', 0, 'x')",
                (),
            ),
            (
                "INSERT INTO nodes (id, parent, name, key, folded, is_folder, number, modified,"
                " content) VALUES (2, 1, 'old', 'old', 'old', 0, 1, 0.0, 1)",
                (),
            ),
            ("INSERT INTO versions VALUES (2, 1, 'created', 1, 0, 'x', 0, NULL, 'x', NULL)", ()),
        ):
            database.execute(sql, values)
    ledger.stands["old"] = (digest(small), 1)
    ledger.versions["old:1"] = digest(small)
    ledger.sent.add(digest(small))
    ledger.highest = 1


def _blake3(data: bytes) -> str:
    hasher = Hasher("blake3", ())
    hasher.update(data)
    return hasher.digest()


async def create(house: House) -> None:
    await house.put("a", body("a", LARGE))
    await together(
        house.put("b", body("b", SMALL)),
        house.put("c/d", body("d", LONG)),
        house.put("c/e", body("e", LARGE)),
    )


async def same_file(house: House) -> None:
    await house.put("a", body("a", LARGE))
    await house.put("a", body("a", LARGE), wishes=ACCEPT)
    await house.put("b", body("b", SMALL))


async def same_content(house: House) -> None:
    await together(
        house.put("a2", body("a", LARGE), wishes=LINK),
        house.put("b2", body("b", SMALL), wishes=LINK),
        house.put("a3", body("a", LARGE), wishes=LINK),
    )


async def twins(house: House) -> None:
    """The same new bytes under several names at once: one has them placed, the others find them."""
    await together(
        *(house.put(f"twin{number}", body("twin", LARGE), wishes=LINK) for number in range(4))
    )


async def etag_of(house: House, name: str) -> str:
    files = await house.store.index.read(lambda view: view.files_below(Path(()), None, 1000))
    return next(file.etag for file in files if "/".join(file.path.parts) == name)


async def replace(house: House) -> None:
    first = only(await etag_of(house, "a"))
    await together(
        house.put("a", body("a one", LARGE), first), house.put("a", body("a two", SMALL), first)
    )
    await house.put("b", body("b again", LARGE), wishes=VERSION)


async def delete(house: House) -> None:
    await house.delete("a", only(await etag_of(house, "a")))
    await together(house.delete("b"), house.put("a", body("a anew", LARGE)))


async def with_past(house: House) -> None:
    await create(house)
    await house.put("a", body("a again", LARGE), wishes=VERSION)
    await house.delete("b")


async def restore(house: House) -> None:
    await house.restore("a", body("a", LARGE), only(await etag_of(house, "a")))
    await house.delete("c/d")
    await house.restore("b", body("b", SMALL))


async def move(house: House) -> None:
    await house.move("a", "moved/a", body("a", LARGE))
    await house.put("a", body("a anew", SMALL))


async def resume(house: House) -> None:
    data = body("resumed", LONG)
    id_ = await house.begin("resumed", data)
    for start, end in ((0, 70_000), (70_000, 140_000)):
        if id_:
            await house.append(id_, "resumed", data, start, end)


async def finish(house: House) -> None:
    for name, size, first in (("large", LARGE, 100), ("small", SMALL, 100), ("whole", LONG, 0)):
        data = body(name, size)
        id_ = await house.begin(name, data)
        if id_ and first:
            await house.append(id_, name, data, 0, first)
        if id_:
            await house.append(id_, name, data, first, size)


async def number(house: House) -> None:
    await house.number("numbered", body("numbered", LONG), (70_000, 140_000, LONG))
    await house.number("small pieces", body("pieces", LARGE), (1000, 2000, LARGE))


async def settle(house: House) -> None:
    data = body("a other", LARGE)
    waiting = await house.put("a", data)
    if isinstance(waiting, str):
        await house.replace_by(waiting, "a", await etag_of(house, "a"), data)
    small = body("b other", SMALL)
    waiting = await house.put("b", small)
    if isinstance(waiting, str):
        await house.store_as(waiting, "b (1)", small)


async def collect(house: House) -> None:
    await house.collect()
    await together(house.collect(), house.put("a2", body("a", LARGE), wishes=LINK))
    await house.put("b2", body("b", SMALL), wishes=LINK)


async def many(house: House) -> None:
    await together(
        *(house.put(f"m{number}", body(f"m{number}", 200 + 900 * number)) for number in range(12))
    )
    file = await house.put("last", body("last", LARGE))
    if isinstance(file, StoredFile):
        await house.delete("last", only(file.etag))


async def look(house: House) -> None:
    await house.collect()
    await house.put("after", body("after", LARGE))


SCENARIOS = {
    one.name: one
    for one in (
        Scenario("first start", create, fresh=True),
        Scenario("create", create, same_file),
        Scenario("same file", same_file, create),
        Scenario("same content", same_content, create),
        Scenario("twins", twins),
        Scenario("replace", replace, create),
        Scenario("delete", delete, create),
        Scenario("restore", restore, with_past),
        Scenario("move", move, create),
        Scenario("resume", resume),
        Scenario("finish", finish, create),
        Scenario("number", number, create),
        Scenario("settle", settle, create),
        Scenario("collect", collect, with_past, keep_versions=0.0),
        Scenario("checkpoint", many, create, often=2),
        Scenario("recover", look, with_past, stays_open=True),
        Scenario("migrate", look, older="arriving"),
    )
}
