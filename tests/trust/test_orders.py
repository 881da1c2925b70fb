"""Over a whole run: every 2xx of a change came after its syncs, every name after its bytes."""

import asyncio
import base64
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import Program, running
from tests.tracing import ORDERED, Call, read, traced
from tests.trust.orders import judged
from tests.trust.tracks import Module
from tests.wire import Answer, Wire, form, message

HEAD = b"\xff\xd8\xff\xe0"
LARGE, SMALL, LONG = 60_000, 300, 2_000_000
CLIENTS, EACH = 6, 8
ENVIRONMENT = {
    "NOCLOBBER_LIMITS_FREE_SPACE": "0",
    "NOCLOBBER_DATA_KEEP_VERSIONS": "0s",
    "NOCLOBBER_DATA_COLLECT_EVERY": "1s",
}
TUS: dict[str, Any] = {"Tus-Resumable": "1.0.0"}
LOCKED = (
    b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
    b"<D:locktype><D:write/></D:locktype></D:lockinfo>"
)
NOTED = (
    b'<D:propertyupdate xmlns:D="DAV:" xmlns:x="urn:x"><D:set><D:prop><x:n>1</x:n></D:prop>'
    b"</D:set></D:propertyupdate>"
)


@pytest.fixture(name="program")
def _program(tmp_path: Path) -> Iterator[Program]:
    with running(tmp_path / "data", env=ENVIRONMENT) as program:
        yield program


def body(label: str, size: int) -> bytes:
    return HEAD + random.Random(label).randbytes(size)


async def said(
    wire: Wire, status: int, method: str, path: str, data: bytes = b"", **headers: str
) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await wire.ask(message(method, path, data, named))
    assert answer.status == status, f"{method} {path} -> {answer}"
    return answer


@pytest.mark.timeout(120)
async def test_every_change_of_a_whole_run_is_answered_after_its_syncs(
    program: Program, tmp_path: Path
) -> None:
    with traced(program.pid, ORDERED, tmp_path / "trace"):
        wire = await Wire.connect(program.port)
        for part in (files, conflicts, pieces, webdav):
            await part(wire)
        await wire.close()
        await asyncio.gather(*(client(program, number) for number in range(CLIENTS)))
        await until_collected(tmp_path / "data", body("collected", LARGE))
    run = judged(read(tmp_path / "trace"))
    assert run.breaches == []
    assert run.judged["2xx"] >= CLIENTS * EACH * 2
    assert run.judged["link"] >= CLIENTS * EACH / 2
    assert run.judged["gone"] >= 1


@pytest.mark.timeout(120)
def test_the_servers_of_other_tests_are_judged_as_well() -> None:
    runs = Module("tests/test_lost_bytes.py").runs()
    assert [run.breaches for run in runs] == [[]] * len(runs)
    assert sum(run.judged["link"] for run in runs) >= len(runs) >= 1
    assert sum(run.judged["2xx"] for run in runs) >= 1


async def files(wire: Wire) -> None:
    made = await said(wire, 201, "PUT", "/files/a.jpg", body("a", LARGE))
    await said(wire, 201, "PUT", "/files/b.jpg", body("b", SMALL))
    await said(wire, 201, "PUT", "/files/a2.jpg", body("a", LARGE), Prefer="same-content=link")
    await said(wire, 201, "PUT", "/files/long.jpg", body("long", LONG))
    await said(wire, 200, "PUT", "/files/a.jpg", body("c", LARGE), If_Match=made.json["etag"])
    await said(wire, 201, "POST", "/files/a2.jpg?move=moved.jpg")
    await said(wire, 201, "POST", "/files/moved.jpg?copy=copied.jpg")
    answer = await wire.ask(form("/files/", "form.jpg", body("form", LARGE)))
    assert answer.status == 201, answer
    await said(wire, 201, "PUT", "/files/gone.jpg", body("collected", LARGE))
    await said(wire, 200, "DELETE", "/files/gone.jpg")
    await said(wire, 200, "DELETE", "/files/b.jpg")


async def conflicts(wire: Wire) -> None:
    await said(wire, 201, "PUT", "/files/taken.jpg", body("taken", SMALL))
    refused = await said(wire, 409, "PUT", "/files/taken.jpg", body("other", LARGE))
    replacing = next(one for one in refused.json["resolutions"] if "replace" in one["href"])
    await said(wire, 200, "POST", replacing["href"], data=b"", **replacing.get("headers", {}))
    refused = await said(wire, 409, "PUT", "/files/taken.jpg", body("third", LARGE))
    await said(wire, 204, "DELETE", refused.json["upload"]["href"])


async def pieces(wire: Wire) -> None:
    data = body("pieces", LARGE)
    name = base64.b64encode(b"pieces.jpg").decode()
    begun = await said(
        wire,
        201,
        "POST",
        "/uploads/",
        **TUS,
        Upload_Length=str(len(data)),
        Upload_Metadata=f"filename {name}",
    )
    for start, end in ((0, 20_000), (20_000, 40_000), (40_000, len(data))):
        told: dict[str, Any] = {
            "Upload_Offset": str(start),
            "Content_Type": "application/offset+octet-stream",
        }
        await said(wire, 204, "PATCH", begun.headers["location"], data[start:end], **TUS, **told)


async def webdav(wire: Wire) -> None:
    await said(wire, 201, "MKCOL", "/dav/folder")
    await said(wire, 201, "PUT", "/dav/folder/d.jpg", body("d", LARGE))
    await said(wire, 204, "PUT", "/dav/folder/d.jpg", body("d two", SMALL))
    await said(wire, 201, "COPY", "/dav/folder/d.jpg", Destination="/dav/folder/e.jpg")
    await said(wire, 201, "MOVE", "/dav/folder/e.jpg", Destination="/dav/folder/f.jpg")
    await said(wire, 207, "PROPPATCH", "/dav/folder/f.jpg", NOTED)
    locked = await said(wire, 200, "LOCK", "/dav/folder/f.jpg", LOCKED)
    await said(wire, 204, "UNLOCK", "/dav/folder/f.jpg", Lock_Token=locked.headers["lock-token"])
    await said(wire, 204, "DELETE", "/dav/folder/f.jpg")


async def client(program: Program, number: int) -> None:
    wire = await Wire.connect(program.port)
    for one in range(EACH):
        size = (SMALL, LARGE)[(number + one) % 2]
        made = await said(
            wire, 201, "PUT", f"/files/{number}/{one}.jpg", body(f"{number} {one}", size)
        )
        again = body(f"{number} {one} again", LARGE)
        etag = made.json["etag"]
        await said(wire, 200, "PUT", f"/files/{number}/{one}.jpg", again, If_Match=etag)
        if one % 3 == 0:
            await said(wire, 200, "DELETE", f"/files/{number}/{one}.jpg")
    await wire.close()


async def until_collected(data: Path, gone: bytes) -> None:
    def remains() -> bool:
        return any(
            blob.stat().st_size == len(gone) and blob.read_bytes() == gone for blob in blobs()
        )

    def blobs() -> Iterator[Path]:
        return (data / "blobs").glob("*/*")

    async with asyncio.timeout(30):
        while await asyncio.to_thread(remains):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.1)


def call(number: int, name: str, arguments: str, thread: str = "1") -> Call:
    return Call(name, arguments, "0", number, number, thread)


BLOB, FOLDER, LOG = "9</data/blobs/#7>(deleted)", "8</data/blobs/ab>", "7</data/index.sqlite-wal>"
SOCKET = "5<socket:[1]>"
LINK = f'AT_FDCWD<>, "/proc/self/fd/9", {FOLDER}, "ab", AT_SYMLINK_FOLLOW'
COMMIT = rf'{LOG}, "\0\0\0\6\0\0\0\7\1\2"..., 24, 32'
WHOLE = [
    ("recvfrom", f'{SOCKET}, "PUT /files/a HTTP/1.1"..., 100, 0, NULL, NULL'),
    ("write", f'{BLOB}, "bytes"..., 5'),
    ("fsync", BLOB),
    ("linkat", LINK),
    ("fsync", FOLDER),
    ("pwrite64", COMMIT),
    ("fdatasync", LOG),
    ("sendto", f'{SOCKET}, "HTTP/1.1 201 Created"..., 595, 0, NULL, 0'),
]


def breaches(steps: list[tuple[str, str]]) -> list[str]:
    calls = [call(number, *step) for number, step in enumerate(steps)]
    # What came in is one byte or more.
    calls[0] = Call(calls[0].name, calls[0].arguments, "100", 0, 0, "1")
    return judged(calls).breaches


def test_a_run_in_its_order_breaches_nothing() -> None:
    assert breaches(WHOLE) == []


@pytest.mark.parametrize(
    ("missing", "told"),
    [(2, "linked before"), (4, "committed before"), (5, "answered before"), (6, "answered before")],
)
def test_a_step_that_is_missing_is_told(missing: int, told: str) -> None:
    found = breaches(WHOLE[:missing] + WHOLE[missing + 1 :])
    assert [breach.startswith(told) for breach in found] == [True]


@pytest.mark.parametrize("first", [1, 2, 3, 4, 5, 6])
def test_a_step_that_comes_too_late_is_told(first: int) -> None:
    steps = list(WHOLE)
    steps[first], steps[first + 1] = steps[first + 1], steps[first]
    assert breaches(steps) != []


def test_bytes_that_go_before_their_row_is_gone_for_good_are_told() -> None:
    removal = ("unlinkat", f'{FOLDER}, "{"ab" * 32}", 0')
    assert breaches([*WHOLE[:6], removal, *WHOLE[6:]]) != []
    assert breaches([*WHOLE[:7], removal, *WHOLE[7:]]) == []
