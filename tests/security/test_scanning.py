"""Where a scanner is set, nothing gets a name before its verdict, whatever door it came through; and
without a verdict nothing does.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import FormData

from storage.clamd import Clamd
from storage.disk.blobs import DiskBlobs
from tests import nextclouds
from tests.doors import House, got, opened, sent
from tests.keys import digest_of
from tests.running import running
from tests.scanners import EICAR, NAME, Scanner, listening, listening_at_a_port
from tests.tussing import Client, metadata
from tests.wire import Wire, ask, message, put

LARGE = os.urandom(300_000) + EICAR + os.urandom(300_000)
CLEAN = b"nothing of that kind" * 1000
SOON, LATE = 0.3, 60.0
REFUSED = "/problems/content-refused"


@dataclass
class Place:
    house: House
    scanner: Scanner

    async def is_empty(self) -> bool:
        """No name, no bytes on the shelf, in the index, parked, or on their way."""
        blobs = self.house.parts.receiver._blobs
        assert isinstance(blobs, DiskBlobs)
        index = self.house.parts.holdings.index
        async with self.house.client.get("/files/") as answer:
            entries = (await answer.json())["entries"]
        parked = await index.read(lambda view: view.parked("anonymous").files)
        known = await index.read(lambda view: view.content_declared(digest_values(LARGE)))
        left = [*blobs.all_blobs(), *await blobs.unfinished.all()]
        return (entries, parked, known, left) == ([], 0, None, [])


def digest_values(body: bytes) -> dict[str, bytes]:
    return {"sha-256": hashlib.sha256(body).digest()}


@asynccontextmanager
async def scanned(tmp_path: Path, patience: float = LATE) -> AsyncIterator[Place]:
    scanner = Scanner()
    async with listening(scanner, tmp_path / "clamd") as where, opened() as house:
        house.parts.receiver.scanner = Clamd(where, patience)
        yield Place(house, scanner)


Answer = tuple[int, str]
Door = Callable[[House, str, bytes], Awaitable[Answer]]


async def asked(house: House, method: str, path: str, body: object, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with house.client.request(method, path, data=body, headers=named) as answer:
        return answer.status, await answer.text()


async def by_put(house: House, name: str, body: bytes) -> Answer:
    return await asked(house, "PUT", f"/files/{name}", body)


async def by_post(house: House, name: str, body: bytes) -> Answer:
    kind = "application/octet-stream"
    return await asked(house, "POST", "/files/", body, Slug=name, Content_Type=kind)


async def by_form(house: House, name: str, body: bytes) -> Answer:
    form = FormData()
    form.add_field("file", body, filename=name, content_type="application/octet-stream")
    return await asked(house, "POST", "/files/", form)


async def by_dav(house: House, name: str, body: bytes) -> Answer:
    return await asked(house, "PUT", f"/dav/{name}", body)


async def by_tus(house: House, name: str, body: bytes) -> Answer:
    client = Client(house)
    said = {"Upload-Length": str(len(body)), "Upload-Metadata": metadata(filename=name)}
    begun = await client.ask("POST", "/uploads/", None, said)
    assert begun.status == 201
    half = len(body) // 2
    first = await client.ask("PATCH", begun.location, body[:half], piece(0))
    assert first.status == 204
    last = await client.ask("PATCH", begun.location, body[half:], piece(half))
    if last.status >= 400:
        assert (await client.ask("HEAD", begun.location, None, {})).status == 404
    return last.status, str(last.body)


def piece(offset: int) -> dict[str, str]:
    return {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}


async def by_pieces(house: House, name: str, body: bytes) -> Answer:
    half = len(body) // 2
    address = await nextclouds.begun(house, f"up-{name}", body[:half], body[half:])
    target = f"{nextclouds.FILES}{name}"
    answer = await nextclouds.ask(house, "MOVE", f"{address}/.file", Destination=target)
    if answer.status >= 400:
        await nextclouds.ask(house, "DELETE", address)
    return answer.status, answer.text


DOORS: dict[str, Door] = {
    "PUT": by_put,
    "POST": by_post,
    "form": by_form,
    "WebDAV": by_dav,
    "tus": by_tus,
    "Nextcloud's pieces": by_pieces,
}


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("door", DOORS)
async def test_what_is_found_is_refused_at_every_door_and_leaves_no_byte(
    tmp_path: Path, door: str, size: str
) -> None:
    body = EICAR if size == "small" else LARGE
    async with scanned(tmp_path) as place:
        status, said = await DOORS[door](place.house, "a.com", body)
        assert status == 422, said
        assert NAME in said
        assert await place.is_empty()
        status, said = await DOORS[door](place.house, "b.txt", CLEAN)
        assert status in {200, 201, 204, 303}, said
        assert await got(place.house, "b.txt") == (200, CLEAN)
        assert place.scanner.seen == [len(body), len(CLEAN)]


async def test_the_answer_names_the_file_and_what_was_found(tmp_path: Path) -> None:
    async with scanned(tmp_path) as place:
        answer, told = await sent(place.house, "a.com", EICAR)
        assert (answer.status, told["type"], told["found"]) == (422, REFUSED, NAME)
        assert told["detail"].startswith('"a.com" was refused')


async def test_what_is_found_is_not_kept_in_a_conflict_and_replaces_nothing(
    tmp_path: Path,
) -> None:
    async with scanned(tmp_path) as place:
        stored, _ = await sent(place.house, "a.txt", CLEAN)
        refused, told = await sent(place.house, "a.txt", EICAR)
        assert (refused.status, told["type"]) == (422, REFUSED)
        etag = stored.headers["ETag"]
        refused, told = await sent(place.house, "a.txt", EICAR, If_Match=etag)
        assert (refused.status, told["type"]) == (422, REFUSED)
        assert await got(place.house, "a.txt") == (200, CLEAN)
        async with place.house.client.get("/uploads/") as answer:
            assert (await answer.json())["uploads"] == []


@pytest.mark.parametrize(
    "reply", [b"", b"stream: OK FOUND?", b"UNKNOWN COMMAND", b"\xff" * 9000, b"OK", b"ok"]
)
async def test_what_is_no_clear_verdict_is_none(tmp_path: Path, reply: bytes) -> None:
    async with scanned(tmp_path) as place:
        place.scanner.reply = reply
        answer, told = await sent(place.house, "a.txt", CLEAN)
        assert (answer.status, told["type"]) == (503, "/problems/unavailable")
        assert "Retry-After" in answer.headers
        assert str(tmp_path) not in str(told)
        assert await place.is_empty()


async def test_what_is_longer_than_the_scanner_takes_is_too_large(tmp_path: Path) -> None:
    async with scanned(tmp_path) as place:
        place.scanner.longest = 100_000
        answer, told = await sent(place.house, "large", os.urandom(1_000_000))
        assert (answer.status, told["type"]) == (413, "/problems/too-large")
        assert await place.is_empty()


async def test_a_scanner_that_hangs_is_waited_for_as_long_as_was_set(tmp_path: Path) -> None:
    async with scanned(tmp_path, SOON) as place:
        place.scanner.verdicts.clear()
        # More than are asked about at once, so that some wait for their turn.
        names = [f"{number}.txt" for number in range(20)]
        answers = await asyncio.gather(*(sent(place.house, one, one.encode()) for one in names))
        assert {answer.status for answer, _ in answers} == {503}
        assert await place.is_empty()
        place.scanner.verdicts.set()
        assert (await sent(place.house, "a.txt", CLEAN))[0].status == 201


async def test_until_the_verdict_there_is_no_such_name_and_no_such_content(tmp_path: Path) -> None:
    async with scanned(tmp_path) as place:
        house, scanner = place.house, place.scanner
        for body, statuses in ((LARGE, [422, 422]), (CLEAN, [201, 409])):
            scanner.verdicts.clear()
            scanner.pending.clear()
            uploads = [
                asyncio.ensure_future(sent(house, f"{n}.txt", body, **digest_of(body)))
                for n in range(2)
            ]
            await scanner.pending.wait()
            claim = {"Prefer": "same-content=link", **digest_of(body)}
            for number in range(5):
                refused, told = await sent(house, f"claim-{number}", b"", **claim)
                assert (refused.status, told["type"]) == (400, "/problems/wrong-digest")
            assert (await got(house, "0.txt"))[0] == 404
            assert await place.is_empty()
            scanner.verdicts.set()
            answers = await asyncio.gather(*uploads)
            assert sorted(answer.status for answer, _ in answers) == statuses
            claimed, _ = await sent(house, "claimed", b"", **claim)
            assert claimed.status == (201 if 201 in statuses else 400)


async def test_who_hangs_up_before_the_verdict_has_stored_nothing(tmp_path: Path) -> None:
    async with scanned(tmp_path) as place:
        place.scanner.verdicts.clear()
        wire = await Wire.connect(place.house.client.port or 0)
        await wire.send(put("/files/a.txt", CLEAN))
        await place.scanner.pending.wait()
        await wire.close()
        place.scanner.verdicts.set()
        assert (await sent(place.house, "b.txt", b"b"))[0].status == 201


async def test_an_upload_in_pieces_goes_on_when_the_scanner_is_there_again(tmp_path: Path) -> None:
    async with scanned(tmp_path, SOON) as place:
        client = Client(place.house)
        said = {"Upload-Length": str(len(CLEAN)), "Upload-Metadata": metadata(filename="a.txt")}
        begun = await client.ask("POST", "/uploads/", None, said)
        place.scanner.verdicts.clear()
        away = await client.ask("PATCH", begun.location, CLEAN, piece(0))
        assert away.status == 503
        assert (await got(place.house, "a.txt"))[0] == 404
        place.scanner.verdicts.set()
        at = (await client.ask("HEAD", begun.location, None, {})).offset
        assert at == len(CLEAN) - 1
        done = await client.ask("PATCH", begun.location, CLEAN[at:], piece(at))
        assert done.status == 204
        assert await got(place.house, "a.txt") == (200, CLEAN)


async def test_a_scanner_that_is_away_stops_uploads_and_nothing_else(tmp_path: Path) -> None:
    scanner, where = Scanner(), tmp_path / "clamd"
    env = {"NOCLOBBER_SCAN_CLAMD": str(where), "NOCLOBBER_SCAN_TIME": "10 s"}
    with running(tmp_path / "data", env=env) as program:
        async with listening(scanner, where):
            assert (await ask(program.port, put("/files/a", CLEAN))).status == 201
        where.unlink(missing_ok=True)
        refused = await ask(program.port, put("/files/b", b"b"))
        assert (refused.status, refused.json["type"]) == (503, "/problems/unavailable")
        assert "retry-after" in refused.headers
        assert str(where) not in refused.body.decode()
        assert (await ask(program.port, message("GET", "/files/a"))).body == CLEAN
        assert (await ask(program.port, message("GET", "/files/b"))).status == 404
        # What has no bytes holds nothing that could be found.
        assert (await ask(program.port, put("/files/empty", b""))).status == 201
        async with listening(scanner, where):
            assert (await ask(program.port, put("/files/b", b"b"))).status == 201


async def test_a_scanner_at_a_port_is_reached_by_a_server_that_is_shut_in(tmp_path: Path) -> None:
    scanner = Scanner()
    async with listening_at_a_port(scanner) as port:
        env = {"NOCLOBBER_SCAN_CLAMD": f"localhost:{port}"}
        with running(tmp_path / "data", env=env) as program:
            found = await ask(program.port, put("/files/a", LARGE))
            assert (found.status, found.json["found"]) == (422, NAME)
            assert (await ask(program.port, put("/files/a", CLEAN))).status == 201


def resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) << 10


async def test_a_large_file_is_looked_through_in_little_memory(tmp_path: Path) -> None:
    scanner, count = Scanner(), 192
    async with listening(scanner, tmp_path / "clamd") as where:
        with running(tmp_path / "data", env={"NOCLOBBER_SCAN_CLAMD": where}) as program:
            assert (await ask(program.port, put("/files/first", CLEAN))).status == 201
            before = resident(program.pid)
            wire = await Wire.connect(program.port)
            length = {"Content-Length": str(count << 20)}
            await wire.send(put("/files/large", b"", length))
            for number in range(count):
                await wire.send(b"%07d" % number + bytes((1 << 20) - 7))
            assert (await wire.answer()).status == 201
            await wire.close()
            assert resident(program.pid) - before < 48 << 20
    assert scanner.seen[-1] == count << 20
