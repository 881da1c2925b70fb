"""What comes while pieces are joined: until they are removed nobody else has them."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path as DiskPath
from typing import TypeVar

import pytest

from storage.clamd import Clamd
from storage.disk import unfinished
from storage.disk.unfinished import DiskUnfinished
from storage.upkeep import collecting
from tests.davs import Answer
from tests.doors import House, got, opened
from tests.nextclouds import ANN, FILES, UPLOADS, ask, begun, joined
from tests.scanners import Scanner, listening
from tests.tussing import Client
from tests.wire import Wire, message
from uploads import partnames
from uploads.access import Principal
from uploads.arrivals import Arrivals
from uploads.files import Incoming
from uploads.ports import View
from uploads.rules import Limits

T = TypeVar("T")

# What does not wait for anything is done by then.
SOON = 1.0


async def stored(house: House, path: str) -> bytes | None:
    async with house.client.get(FILES + path, headers={"Authorization": ANN}) as answer:
        return await answer.read() if answer.status == 200 else None


async def left_over(house: House, who: str) -> tuple[int, int, list[str]]:
    """Of what arrives in pieces: what counts against a share, and what has bytes."""
    resuming = house.parts.resuming
    usage = await resuming._index.read(lambda view: view.arriving(who))
    return usage.bytes, usage.files, await resuming._unfinished.all()


async def begin_meanwhile(work: Awaitable[T]) -> "asyncio.Future[T]":
    """Comes as far as it can while something else is at work."""
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=SOON)
    return task


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Set when pieces begin to be read; to be set before they are."""
    began, may = threading.Event(), threading.Event()
    real = unfinished._read

    def read(descriptor: int, size: int) -> Iterator[bytes]:
        began.set()
        assert may.wait(30)
        yield from real(descriptor, size)

    monkeypatch.setattr(unfinished, "_read", read)
    yield began, may
    may.set()


async def test_a_piece_that_is_sent_again_while_they_are_joined_comes_too_late(
    reading: tuple[threading.Event, threading.Event],
) -> None:
    began, may = reading
    async with opened() as house:
        address = await begun(house, "x", b"one" * 1000, b"two" * 1000)
        joining = asyncio.ensure_future(joined(house, address, "a.bin"))
        assert await asyncio.to_thread(began.wait, 30)
        again = await begin_meanwhile(ask(house, "PUT", f"{address}/{1:016}", b"TWO" * 1000))
        may.set()
        assert (await joining).status == 201
        assert (await again).status == 404
        assert await stored(house, "a.bin") == b"one" * 1000 + b"two" * 1000
        assert await left_over(house, "ann") == (0, 0, [])


async def test_an_upload_of_the_same_name_begins_when_what_was_joined_is_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    removing, may = asyncio.Event(), asyncio.Event()
    real = DiskUnfinished.remove

    async def remove(self: DiskUnfinished, id: str) -> None:
        removing.set()
        await may.wait()
        await real(self, id)

    async def begin_again(house: House) -> list[int]:
        made = await ask(house, "MKCOL", UPLOADS + "x")
        brought = await ask(house, "PUT", f"{UPLOADS}x/{0:016}", b"new" * 1000)
        return [made.status, brought.status]

    monkeypatch.setattr(DiskUnfinished, "remove", remove)
    async with opened() as house:
        address = await begun(house, "x", b"old" * 1000)
        joining = asyncio.ensure_future(joined(house, address, "old.bin"))
        await removing.wait()
        again = await begin_meanwhile(begin_again(house))
        may.set()
        assert (await joining).status == 201
        assert await again == [201, 201]
        assert (await joined(house, address, "new.bin")).status == 201
        assert await stored(house, "old.bin") == b"old" * 1000
        assert await stored(house, "new.bin") == b"new" * 1000


async def test_what_is_still_coming_when_the_others_are_joined_comes_too_late() -> None:
    async with opened() as house:
        address = await begun(house, "x", b"one", b"two")
        late = await Wire.connect(house.client.port or 0)
        head = {"Authorization": ANN, "Content-Length": "10"}
        await late.send(message("PUT", f"{address}/{2:016}", b"", head) + b"three")
        id_ = partnames.of_part(partnames.of_upload(Principal("ann"), "x"), 2)
        while id_ not in house.parts.resuming._seats._taken:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        assert (await joined(house, address, "a.bin", OC_Total_Length="6")).status == 201
        assert (await ask(house, "MKCOL", address)).status == 201
        await late.send(b"three")
        assert (await late.answer()).status == 404
        await late.close()
        assert await stored(house, "a.bin") == b"onetwo"
        assert (await joined(house, address, "b.bin")).refusal == "wrong-length"


async def test_an_upload_has_no_pieces_of_an_earlier_one_of_its_name_that_expired() -> None:
    now = [1_800_000_000.0]
    async with opened(limits=Limits(keep_arriving=100), clock=lambda: now[0]) as house:
        address = await begun(house, "x")
        now[0] += 40
        assert (await ask(house, "PUT", f"{address}/1", b"yesterday" * 1000)).status == 201
        now[0] += 70
        assert (await ask(house, "PROPFIND", address)).status == 404
        assert (await ask(house, "MKCOL", address)).status == 201
        assert (await ask(house, "PUT", f"{address}/0", b"today")).status == 201
        assert (await joined(house, address, "a.bin")).status == 201
        assert await stored(house, "a.bin") == b"today"
        assert await left_over(house, "ann") == (0, 0, [])


async def test_a_request_to_join_that_is_sent_again_leaves_nothing_behind(
    tmp_path: DiskPath,
) -> None:
    scanner = Scanner()
    scanner.verdicts.clear()
    async with listening(scanner, tmp_path / "clamd") as where, opened() as house:
        house.parts.receiver.scanner = Clamd(where, 60.0)
        tus = Client(house)
        made = [
            await tus.create(None, 3000, piece * 1000, Upload_Concat="partial")
            for piece in (b"one", b"two")
        ]
        concat = "final;" + " ".join(part.location for part in made)
        first = asyncio.ensure_future(tus.create("a.bin", None, Upload_Concat=concat))
        await scanner.pending.wait()
        again = await begin_meanwhile(tus.create("a.bin", None, Upload_Concat=concat))
        scanner.verdicts.set()
        assert [(await first).status, (await again).status] == [201, 404]
        assert await got(house, "a.bin") == (200, b"one" * 1000 + b"two" * 1000)
        assert await left_over(house, "anonymous") == (0, 0, [])


async def test_a_part_can_be_joined_once() -> None:
    async with opened() as house:
        tus = Client(house)
        part = (await tus.create(None, 5, b"12345", Upload_Concat="partial")).location
        twice = await tus.create("a.bin", None, Upload_Concat=f"final;{part} {part}")
        assert (twice.status, twice.problem) == (400, "malformed-request")
        assert "twice" in twice.body["detail"]
        assert (await tus.create("a.bin", None, Upload_Concat=f"final;{part}")).status == 201


async def test_what_came_again_with_another_length_while_they_were_looked_at_is_not_joined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened() as house:
        resuming = house.parts.resuming
        address = await begun(house, "x", b"one", b"two")
        real = type(resuming).join

        async def join(*arguments: object) -> object:
            brought = await ask(house, "PUT", f"{address}/{1:016}", b"three")
            assert brought.status == 201
            return await real(*arguments)  # type: ignore[arg-type]

        with monkeypatch.context() as patched:
            patched.setattr(type(resuming), "join", join)
            refused = await joined(house, address, "a.bin", OC_Total_Length="6")
        assert (refused.status, refused.refusal) == (400, "wrong-length")
        assert (await joined(house, address, "a.bin", OC_Total_Length="8")).status == 201
        assert await stored(house, "a.bin") == b"onethree"


async def test_what_begins_anew_while_it_is_swept_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    brought: list[Answer] = []
    async with opened() as house:
        resuming = house.parts.resuming
        address = await begun(house, "x")
        id_ = partnames.of_part(partnames.of_upload(Principal("ann"), "x"), 0)
        folder: DiskPath = resuming._unfinished._folder  # type: ignore[attr-defined]
        (folder / id_).write_bytes(b"left over")
        real = resuming._index.read

        async def read(question: Callable[[View], T]) -> T:
            """Another request comes between the look and what follows it."""
            found = await real(question)
            patched.undo()
            brought.append(await ask(house, "PUT", f"{address}/0", b"one" * 1000))
            return found

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(resuming._index, "read", read)
            await collecting.sweep_unfinished(resuming._index, resuming._unfinished, 0)
        assert [answer.status for answer in brought] == [201]
        assert (await joined(house, address, "a.bin")).status == 201
        assert await stored(house, "a.bin") == b"one" * 1000


async def test_the_copy_of_an_upload_that_goes_on_is_not_swept() -> None:
    """It is made of one that was linked as a blob in a turn that was taken back."""
    async with opened() as house:
        tus, resuming = Client(house), house.parts.resuming
        href = await tus.begun("a.bin", 5000)
        id_ = href.rpartition("/")[2]
        folder: DiskPath = resuming._unfinished._folder  # type: ignore[attr-defined]
        coming = folder / f"{id_}.coming"
        coming.write_bytes(b"half of it")
        assert await collecting.sweep_unfinished(resuming._index, resuming._unfinished, 0) == 0
        assert coming.exists()
        assert (await tus.ask("DELETE", href)).status == 204
        assert await collecting.sweep_unfinished(resuming._index, resuming._unfinished, 0) == 1
        assert not coming.exists()


async def test_what_is_given_up_goes_whole_whatever_happens_to_its_pieces_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed, may = asyncio.Event(), asyncio.Event()
    real = Arrivals.gathered

    async def gathered(self: Arrivals, group: str, principal: Principal) -> list[Incoming]:
        found = await real(self, group, principal)
        if not listed.is_set():
            listed.set()
            await may.wait()
        return found

    async with opened() as house:
        address = await begun(house, "x", b"one", b"two")
        with monkeypatch.context() as patched:
            patched.setattr(Arrivals, "gathered", gathered)
            dropping = asyncio.ensure_future(ask(house, "DELETE", address))
            await listed.wait()
        assert (await ask(house, "DELETE", f"{address}/{0:016}")).status == 204
        assert (await ask(house, "PUT", f"{address}/{2:016}", b"three")).status == 201
        may.set()
        assert (await dropping).status == 204
        assert (await ask(house, "PROPFIND", address)).status == 404
        usage, files, _ = await left_over(house, "ann")
        assert (usage, files) == (0, 0)
