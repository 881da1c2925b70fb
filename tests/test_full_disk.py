"""A disk that is full or read-only: nothing is lost, reads go on, and it recovers by itself."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.upkeep.backup import backup
from storage.upkeep.verify import verify
from tests.mounts import fill, free, frozen, read_only, small_disk
from tests.running import ROOT, Program, running
from tests.wire import Answer, ask, message, put

HEAD = b"\xff\xd8\xff\xe0"
MIB = 1 << 20
DISK = 24 * MIB
FILES = 1000
RESERVE = 8 * MIB
PAGE = 4096
INDEX_FILES = ("index.sqlite", "index.sqlite-wal", "index.sqlite-shm")


def body(number: int, size: int) -> bytes:
    return (HEAD + f"{number};".encode()).ljust(size, bytes([number % 256]))


def small(number: int) -> bytes:
    return body(number, 12_000)


def large(number: int) -> bytes:
    return body(number, MIB)


@pytest.fixture(name="disk")
def _disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", DISK, FILES) as disk:
        yield disk


@pytest.fixture(name="reserved")
def _reserved(disk: Path, tmp_path: Path) -> Iterator[Program]:
    with serving(disk, tmp_path, reserve=RESERVE) as program:
        yield program


@pytest.fixture(name="unreserved")
def _unreserved(disk: Path, tmp_path: Path) -> Iterator[Program]:
    with serving(disk, tmp_path, reserve=0) as program:
        yield program


@contextmanager
def serving(disk: Path, logs: Path, reserve: int) -> Iterator[Program]:
    data = disk / "data"
    data.mkdir()
    env = {"NOCLOBBER_LIMITS_FREE_SPACE": str(reserve)}
    with running(data, env=env, log=logs / "log") as program:
        yield program


async def get(program: Program, path: str) -> Answer:
    return await ask(program.port, message("GET", path))


async def upload(program: Program, path: str, data: bytes) -> Answer:
    return await ask(program.port, put(path, data))


async def test_at_the_reserve_uploads_are_refused_and_all_else_goes_on(
    reserved: Program, disk: Path
) -> None:
    kept = await upload(reserved, "/files/kept.jpg", large(1))
    gone = await upload(reserved, "/files/gone.jpg", small(2))
    assert (kept.status, gone.status) == (201, 201)
    assert (await get(reserved, "/health/ready")).status == 200

    filler = fill(disk, leave=RESERVE + MIB // 2)
    fits = await upload(reserved, "/files/fits.jpg", small(3))
    too_much = await upload(reserved, "/files/too-much.jpg", large(4))
    filler = fill(disk, leave=RESERVE // 2)
    refused = [
        await upload(reserved, "/files/large.jpg", large(5)),
        await upload(reserved, "/files/small.jpg", small(6)),
        await ask(reserved.port, chunked("/files/unknown.jpg", large(7))),
    ]

    assert (fits.status, too_much.status) == (201, 507)
    for answer in refused:
        assert answer.status == 507
        assert answer.json["type"] == "/problems/disk-full"
    assert (await get(reserved, "/health/ready")).status == 503
    assert (await get(reserved, "/health/live")).status == 200
    assert (await get(reserved, "/files/kept.jpg")).body == large(1)
    assert (await ask(reserved.port, message("DELETE", "/files/gone.jpg"))).status == 200
    moved = await ask(reserved.port, message("POST", "/files/kept.jpg?move=moved.jpg"))
    assert moved.status == 201
    for name in ("too-much", "large", "small", "unknown"):
        assert (await get(reserved, f"/files/{name}.jpg")).status == 404

    filler.unlink()
    assert (await get(reserved, "/health/ready")).status == 200
    assert (await upload(reserved, "/files/large.jpg", large(5))).status == 201
    assert (await get(reserved, "/files/moved.jpg")).body == large(1)


def chunked(path: str, data: bytes) -> bytes:
    head = f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return head + f"{len(data):x}\r\n".encode() + data + b"\r\n0\r\n\r\n"


async def test_a_disk_that_fills_up_under_uploads_loses_nothing_and_recovers(
    unreserved: Program, disk: Path
) -> None:
    told: dict[str, tuple[int, bytes]] = {}

    async def client(which: int) -> None:
        for number in range(which, 400, 8):
            data = large(number) if number % 5 == 0 else small(number)
            answer = await upload(unreserved, f"/files/{number}.jpg", data)
            told[f"/files/{number}.jpg"] = (answer.status, data)

    fill(disk, leave=10 * MIB)
    await asyncio.gather(*(client(which) for which in range(8)))

    assert {status for status, _ in told.values()} == {201, 507}
    assert free(disk) < MIB
    await still_there(unreserved, told)
    (disk / "filler").unlink()
    assert (await get(unreserved, "/health/ready")).status == 200
    for number in (1001, 1005):
        data = large(number) if number % 5 == 0 else small(number)
        answer = await upload(unreserved, f"/files/{number}.jpg", data)
        assert answer.status == 201
        told[f"/files/{number}.jpg"] = (201, data)
    await still_there(unreserved, told)
    assert unreserved.stop() == 0
    assert verify(disk / "data", scrub=True).findings == ()


async def test_when_not_even_the_index_can_grow_changes_are_refused_whole(
    unreserved: Program, disk: Path
) -> None:
    told: dict[str, tuple[int, bytes]] = {}

    async def tiny(number: int) -> int:
        data = body(number, 40)
        answer = await upload(unreserved, f"/files/{number}.jpg", data)
        told[f"/files/{number}.jpg"] = (answer.status, data)
        return answer.status

    for number in range(20):
        assert await tiny(number) == 201
    # More than the body needs and less than the index does: only its commit can find out.
    fill(disk, leave=PAGE)
    found = {await tiny(number) for number in range(20, 320)}
    deleted = await ask(unreserved.port, message("DELETE", "/files/0.jpg"))

    assert {507} <= found <= {201, 507}
    assert deleted.status in {200, 507}
    assert (await get(unreserved, "/files/0.jpg")).status == (404 if deleted.status == 200 else 200)
    del told["/files/0.jpg"]
    await still_there(unreserved, told)
    assert (await get(unreserved, "/health/ready")).status == 503
    (disk / "filler").unlink()
    assert (await upload(unreserved, "/files/after.jpg", large(7))).status == 201
    assert await tiny(1000) == 201
    await still_there(unreserved, told)
    assert unreserved.stop() == 0
    assert verify(disk / "data", scrub=True).findings == ()


async def test_a_disk_that_can_hold_no_more_files_takes_what_needs_none(
    unreserved: Program, disk: Path
) -> None:
    """There is room by every count of bytes: only the file system itself knows that it is full."""
    fillers = disk / "fillers"
    fillers.mkdir()
    for number in range(os.statvfs(disk).f_ffree):
        (fillers / str(number)).touch()
    assert free(disk) > 10 * MIB

    refused = await upload(unreserved, "/files/large.jpg", large(1))
    assert refused.status == 507
    assert refused.json["type"] == "/problems/disk-full"
    assert (await get(unreserved, "/files/large.jpg")).status == 404
    assert (await upload(unreserved, "/files/small.jpg", small(2))).status == 201

    (fillers / "0").unlink()
    assert (await upload(unreserved, "/files/large.jpg", large(1))).status == 201
    assert (await get(unreserved, "/files/large.jpg")).body == large(1)


async def still_there(program: Program, told: dict[str, tuple[int, bytes]]) -> None:
    for path, (status, data) in told.items():
        answer = await get(program, path)
        if status == 201:
            assert answer.body == data, path
        else:
            assert answer.status == 404, path


async def test_a_disk_that_turns_read_only_refuses_changes_and_recovers_by_itself(
    unreserved: Program, disk: Path
) -> None:
    data = disk / "data"
    made = await upload(unreserved, "/files/kept.jpg", large(1))
    assert made.status == 201
    assert (await upload(unreserved, "/files/kept-small.jpg", small(2))).status == 201

    with read_only(data, unreserved.pid, [data / name for name in INDEX_FILES]):
        for _ in range(3):
            refused = [
                await upload(unreserved, "/files/large.jpg", large(3)),
                await upload(unreserved, "/files/small.jpg", small(4)),
                await ask(unreserved.port, message("DELETE", "/files/kept.jpg")),
                await ask(
                    unreserved.port,
                    put("/files/kept.jpg", small(5), {"If-Match": made.json["etag"]}),
                ),
            ]
            for answer in refused:
                assert answer.status == 503, answer
                assert answer.headers["retry-after"]
            assert (await get(unreserved, "/health/ready")).status == 503
            assert (await get(unreserved, "/health/live")).status == 200
            assert (await get(unreserved, "/files/kept.jpg")).body == large(1)
            assert (await get(unreserved, "/files/kept-small.jpg")).body == small(2)
            listed = await ask(
                unreserved.port, message("GET", "/files/", b"", {"Accept": "application/json"})
            )
            assert listed.status == 200
            assert b"large.jpg" not in listed.body

    assert (await get(unreserved, "/health/ready")).status == 200
    assert (await upload(unreserved, "/files/large.jpg", large(3))).status == 201
    assert (await upload(unreserved, "/files/small.jpg", small(4))).status == 201
    assert (await ask(unreserved.port, message("DELETE", "/files/kept.jpg"))).status == 200
    assert unreserved.stop() == 0
    assert verify(data, scrub=True).findings == ()


async def test_a_store_on_a_read_only_disk_is_verified_and_not_called_damaged(
    unreserved: Program, disk: Path
) -> None:
    data = disk / "data"
    assert (await upload(unreserved, "/files/large.jpg", large(1))).status == 201
    assert unreserved.stop() == 0
    with frozen(data):
        report = verify(data, scrub=True)
    assert report.findings == ()
    assert report.contents == 1


async def test_an_index_that_cannot_be_opened_is_not_called_damaged(
    unreserved: Program, disk: Path
) -> None:
    """After a crash the log must be read with the index, and that needs a file more."""
    data = disk / "data"
    assert (await upload(unreserved, "/files/large.jpg", large(1))).status == 201
    unreserved.kill()
    (data / "index.sqlite-shm").unlink()
    with frozen(data):
        findings = verify(data).findings
    assert all("damaged" not in finding.text for finding in findings)
    assert verify(data, scrub=True).findings == ()


@pytest.mark.parametrize("before", [False, True])
async def test_a_store_on_a_read_only_disk_is_backed_up_beside_its_server_and_after(
    unreserved: Program, disk: Path, tmp_path: Path, *, before: bool
) -> None:
    """`before`: whether there was a backup before the disk became so."""
    data, target = disk / "data", tmp_path / "backup"
    assert (await upload(unreserved, "/files/large.jpg", large(1))).status == 201
    if before:
        assert (await asyncio.to_thread(backup, data, target)).contents == 1
    assert (await upload(unreserved, "/files/small.jpg", small(2))).status == 201
    with read_only(data, unreserved.pid, [data / name for name in INDEX_FILES]):
        assert (await asyncio.to_thread(backup, data, target)).contents == 2
    unreserved.kill()
    with frozen(data):
        assert backup(data, target).contents == 2
    assert verify(target, scrub=True).findings == ()


def said(*words: str) -> tuple[int, str]:
    program = [sys.executable, str(ROOT / "server.py"), *words]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


def test_on_a_read_only_disk_it_says_which_folder_and_what_to_do(
    unreserved: Program, disk: Path
) -> None:
    data = disk / "data"
    assert unreserved.stop() == 0
    (data / "lock").unlink()
    with frozen(data):
        for command in ("gc", "serve"):
            assert said(command, "--data", str(data)) == (
                1,
                f"noclobber: {data / 'lock'}: Read-only file system. See why (the kernel's log), and"
                " mount it for writing; verify and backup read it as it is.\n",
            )


def test_a_backup_for_which_there_is_no_room_blames_no_index(disk: Path, tmp_path: Path) -> None:
    with running(tmp_path / "data"):
        fill(disk, 2 * PAGE)
        assert said("backup", str(disk / "copy"), "--data", str(tmp_path / "data")) == (
            1,
            "noclobber: The disk is full on which an index is written. Make room, and run it"
            " again.\n",
        )
