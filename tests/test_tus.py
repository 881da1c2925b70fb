"""tus 1.0: files that come in pieces, and what becomes of them at their end."""

import base64
import hashlib
import os

import pytest
from blake3 import blake3

from tests.doors import House, got, opened, sent
from tests.tussing import PIECE, VERSION, Client, metadata
from uploads.access import ALL_RIGHTS, ANONYMOUS_NAME, Grant, Right
from uploads.names import Path
from uploads.rules import Limits

DROP_BOX = Grant(Path(()), frozenset({ANONYMOUS_NAME}), frozenset({Right.CREATE}))
SIZES = (1, 100, 1024, 100_000, 3 << 20)
TOKEN = {"Authorization": "Bearer token"}


@pytest.fixture
def body() -> bytes:
    return os.urandom(200_000)


@pytest.mark.parametrize("size", SIZES)
async def test_a_file_comes_in_pieces(size: int) -> None:
    body = os.urandom(size)
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a/b.bin", size)
        at = 0
        for end in (size // 3, size // 2, size):
            answer = await tus.patch(href, at, body[at:end])
            assert (answer.status, answer.offset) == (204, end)
            assert answer.headers["tus-resumable"] == "1.0.0"
            at = end
        assert answer.headers["content-location"] == "/files/a/b.bin"
        async with house.client.get("/files/a/b.bin") as stored:
            assert await stored.read() == body
            assert answer.headers["etag"] == stored.headers["ETag"]


async def test_how_far_it_has_come_is_told(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", len(body))
        assert (await tus.head(href)).offset == 0
        sent = await tus.patch(href, 0, body[:70_000])
        head = await tus.head(href)
        assert head.status == 200
        assert head.offset == sent.offset == 70_000
        assert head.headers["upload-length"] == str(len(body))
        assert head.headers["cache-control"] == "no-store"
        assert head.headers["upload-metadata"] == metadata(filename="a.bin")
        assert "GMT" in head.headers["upload-expires"]
        assert "GMT" in sent.headers["upload-expires"]


async def test_whoever_missed_the_last_answer_learns_that_it_is_done(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", len(body))
        await tus.patch(href, 0, body)
        head = await tus.head(href)
        assert (head.status, head.offset) == (200, len(body))
        assert (await tus.patch(href, len(body))).status == 204
        assert (await tus.patch(href, 5, b"x")).status == 409
        assert (await tus.ask("DELETE", href)).status == 204
        assert (await tus.head(href)).status == 404
        assert (await got(house, "a.bin"))[0] == 200


async def test_the_first_piece_may_come_with_the_creation(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        part = await tus.create("a.bin", len(body), body[:1000])
        assert (part.status, part.offset) == (201, 1000)
        whole = await tus.create("b.bin", 5, b"whole")
        assert (whole.status, whole.offset) == (201, 5)
        assert whole.headers["content-location"] == "/files/b.bin"
        assert await got(house, "b.bin") == (200, b"whole")
        assert (await tus.patch(part.location, 1000, body[1000:])).status == 204
        assert await got(house, "a.bin") == (200, body)


async def test_an_empty_file_is_done_when_it_is_created() -> None:
    async with opened() as house:
        tus = Client(house)
        answer = await tus.create("empty", 0)
        assert (answer.status, answer.offset) == (201, 0)
        assert await got(house, "empty") == (200, b"")
        assert (await tus.head(answer.location)).offset == 0


async def test_the_length_may_be_told_later_and_once(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", None, Upload_Defer_Length="1")
        await tus.patch(href, 0, body[:1000])
        head = await tus.head(href)
        assert head.headers["upload-defer-length"] == "1"
        assert "upload-length" not in head.headers
        told = await tus.patch(href, 1000, body[1000:2000], Upload_Length=str(len(body)))
        assert (told.status, told.offset) == (204, 2000)
        again = await tus.patch(href, 2000, b"x", Upload_Length="2001")
        assert (again.status, again.problem) == (400, "wrong-length")
        assert (await tus.patch(href, 2000, body[2000:])).status == 204
        assert await got(house, "a.bin") == (200, body)


async def test_the_length_may_be_told_when_all_is_here(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", None, Upload_Defer_Length="1")
        await tus.patch(href, 0, body)
        short = await tus.patch(href, len(body), Upload_Length="7")
        assert (short.status, short.problem) == (400, "wrong-length")
        done = await tus.patch(href, len(body), Upload_Length=str(len(body)))
        assert done.headers["content-location"] == "/files/a.bin"
        assert await got(house, "a.bin") == (200, body)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512", "blake3"])
async def test_a_piece_with_a_wrong_checksum_is_dropped(body: bytes, algorithm: str) -> None:
    def checksum(data: bytes) -> str:
        digest = (
            blake3(data).digest()
            if algorithm == "blake3"
            else hashlib.new(algorithm, data).digest()
        )
        return f"{algorithm} {base64.b64encode(digest).decode()}"

    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", len(body))
        first = await tus.patch(href, 0, body[:50_000], Upload_Checksum=checksum(body[:50_000]))
        assert first.status == 204
        wrong = await tus.patch(href, 50_000, body[:100_000], Upload_Checksum=checksum(b""))
        assert (wrong.status, wrong.problem) == (460, "wrong-digest")
        assert wrong.body["status"] == 460
        assert (await tus.head(href)).offset == 50_000
        rest = body[50_000:]
        assert (await tus.patch(href, 50_000, rest, Upload_Checksum=checksum(rest))).status == 204
        assert await got(house, "a.bin") == (200, body)


async def test_what_the_server_can_do_is_told() -> None:
    async with opened(limits=Limits(file_size=12345)) as house:
        for address in ("/uploads/", "/uploads/any"):
            async with house.client.options(address) as answer:
                assert answer.status == 204
                assert answer.headers["Tus-Version"] == "1.0.0"
                assert answer.headers["Tus-Max-Size"] == "12345"
                assert "sha1" in answer.headers["Tus-Checksum-Algorithm"].split(",")
                assert set(answer.headers["Tus-Extension"].split(",")) == {
                    "creation", "creation-with-upload", "creation-defer-length", "expiration",
                    "checksum", "termination", "concatenation",
                }  # fmt: skip


@pytest.mark.parametrize("version", [None, "0.2.2"])
async def test_another_version_is_refused(version: str | None) -> None:
    async with opened() as house:
        headers = {"Upload-Length": "1", "Upload-Metadata": metadata(filename="a")}
        if version is not None:
            headers["Tus-Resumable"] = version
        async with house.client.post("/uploads/", headers=headers) as answer:
            assert (answer.status, answer.headers["Tus-Version"]) == (412, "1.0.0")
            assert (await answer.json(content_type=None))["type"] == "/problems/tus-version"


async def test_an_upload_can_be_given_up(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        for headers in (VERSION, {}):
            href = await tus.begun("a.bin", len(body))
            await tus.patch(href, 0, body[:100_000])
            async with house.client.delete(href, headers=headers) as answer:
                assert answer.status == 204
            assert (await tus.head(href)).status == 404
            assert (await tus.patch(href, 100_000, b"x")).status == 404
        assert await house.parts.resuming._unfinished.all() == []


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"filename": "a.txt"}, "a.txt"),
        ({"name": "a.txt", "type": "text/plain", "relativePath": "null"}, "a.txt"),
        ({"relativePath": "dir/sub/a.txt", "name": "a.txt"}, "dir/sub/a.txt"),
        ({"relativePath": "/dir/a.txt", "filename": "a.txt"}, "dir/a.txt"),
        ({"folder": "/in/box/", "filename": "a.txt"}, "in/box/a.txt"),
        ({"folder": "in", "relativePath": "dir/a.txt"}, "in/dir/a.txt"),
        ({"path": "x/y.txt", "filename": "a.txt"}, "x/y.txt"),
        ({"filename": "Übersicht (1).txt"}, "Übersicht (1).txt"),
    ],
)
async def test_the_metadata_say_where_the_file_goes(said: dict[str, str], path: str) -> None:
    async with opened() as house:
        tus = Client(house)
        answer = await tus.create(None, 3, b"abc", Upload_Metadata=metadata(**said))
        assert answer.status == 201, answer.body
        assert await got(house, path) == (200, b"abc")


async def test_a_folder_may_stand_in_the_address() -> None:
    async with opened() as house:
        headers = {**PIECE, "Upload-Length": "3", "Upload-Metadata": metadata(filename="a.txt")}
        answer = await Client(house).ask("POST", "/uploads/?folder=in/box", b"abc", headers)
        assert answer.headers["content-location"] == "/files/in/box/a.txt"


async def test_the_media_type_is_that_of_the_bytes_and_the_time_that_of_the_client() -> None:
    said = metadata(filename="a.txt", filetype="image/png", lastModified="1700000000500")
    async with opened() as house:
        tus = Client(house)
        await tus.create(None, 11, b"plain text\n", Upload_Metadata=said)
        async with house.client.get("/files/") as answer:
            (entry,) = (await answer.json())["entries"]
        assert entry["media_type"] == "text/plain"
        assert entry["modified"] == "2023-11-14T22:13:20.500+00:00"


@pytest.mark.parametrize(
    "said",
    ["filename", "filename !!", "a YQ==,a Yg==", "fil\u00e9 YQ==", "filename YQ==,,,x y z", ""],
)
async def test_metadata_that_cannot_be_read_or_name_nothing_are_refused(said: str) -> None:
    async with opened() as house:
        answer = await Client(house).create(None, 1, Upload_Metadata=said)
        assert (answer.status, answer.problem) == (400, "malformed-request")


@pytest.mark.parametrize("name", ["../up.txt", "a/../b", "con", "a\x00b", "a//b", ".."])
async def test_a_name_that_cannot_be_is_refused_before_a_byte(name: str) -> None:
    async with opened() as house:
        answer = await Client(house).create(name, 1)
        assert (answer.status, answer.problem) == (422, "bad-name")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upload-Length": "-1"},
        {"Upload-Length": "1e3"},
        {"Upload-Length": "5", "Upload-Defer-Length": "1"},
        {"Upload-Defer-Length": "2"},
        {"Upload-Length": "5", "Upload-Concat": "half"},
        {"Upload-Concat": "final;"},
        {"Upload-Concat": "final;/uploads/x", "Upload-Length": "5"},
    ],
)
async def test_lengths_that_lie_are_refused(headers: dict[str, str]) -> None:
    async with opened() as house:
        said = {"Upload-Metadata": metadata(filename="a")}
        answer = await Client(house).ask("POST", "/uploads/", None, {**said, **headers})
        assert (answer.status, answer.problem) == (400, "malformed-request")


async def test_a_length_beyond_the_limit_is_refused_before_a_byte() -> None:
    async with opened(limits=Limits(file_size=1000)) as house:
        tus = Client(house)
        for size in (1001, 1 << 63, 10**40):
            answer = await tus.create("a", size)
            assert (answer.status, answer.problem) == (413, "too-large")
        href = await tus.begun("a", None, Upload_Defer_Length="1")
        told = await tus.patch(href, 0, b"x", Upload_Length="1001")
        assert (told.status, told.problem) == (413, "too-large")
        grown = await tus.patch(href, 0, b"x" * 1001)
        assert (grown.status, grown.problem) == (413, "too-large")


async def test_pieces_that_lie_are_refused_and_change_nothing(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", len(body))
        await tus.patch(href, 0, body[:1000])
        for offset in (0, 999, 1001, len(body)):
            answer = await tus.patch(href, offset, b"x")
            assert (answer.status, answer.problem) == (409, "wrong-offset")
            assert answer.body["expected-offset"] == 1000
        long = await tus.patch(href, 1000, body)
        assert (long.status, long.problem) == (400, "wrong-length")
        kind = await tus.ask("PATCH", href, b"x", {"Upload-Offset": "1000"})
        assert (kind.status, kind.problem) == (415, "not-a-piece")
        for offset in ("", "-1", "x", "1" * 5000):
            answer = await tus.ask("PATCH", href, b"x", {**PIECE, "Upload-Offset": offset})
            assert answer.status in {400, 413}
        assert (await tus.ask("PATCH", href, b"x", PIECE)).status == 400
        assert (await tus.patch(href, 1000, b"x", Upload_Checksum="crc AAAA")).status == 400
        assert (await tus.patch("/uploads/nothing", 0, b"x")).status == 404
        assert (await tus.head(href)).offset == 1000


async def chunks(body: bytes) -> object:
    for at in range(0, len(body), 1000):
        yield body[at : at + 1000]


async def test_more_than_was_announced_is_dropped_also_where_nobody_said_how_much(
    body: bytes,
) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", len(body))
        answer = await tus.patch(href, 0, chunks(body + b"!"))
        assert (answer.status, answer.problem) == (400, "wrong-length")
        assert (await tus.head(href)).offset == 0
        assert (await tus.patch(href, 0, chunks(body))).status == 204
        assert await got(house, "a.bin") == (200, body)


async def test_nobody_else_learns_that_there_is_an_upload(body: bytes) -> None:
    everybody = Grant(Path(()), frozenset({ANONYMOUS_NAME, "users"}), ALL_RIGHTS)
    async with opened(grants=[everybody]) as house:
        mine, other = Client(house, TOKEN), Client(house)
        href = await mine.begun("a.bin", len(body))
        for answer in (
            await other.head(href),
            await other.patch(href, 0, b"x"),
            await other.ask("DELETE", href),
        ):
            assert answer.status == 404
        assert (await mine.patch(href, 0, body)).status == 204


async def test_only_who_may_upload_may_begin(body: bytes) -> None:
    reading = Grant(Path(()), frozenset({ANONYMOUS_NAME}), frozenset({Right.READ, Right.LIST}))
    async with opened(grants=[reading]) as house:
        tus = Client(house)
        assert (await tus.create("a", 5)).status == 401
        assert (await tus.create(None, 5, Upload_Concat="partial")).status == 401


async def test_a_drop_box_takes_pieces_and_tells_nothing(body: bytes) -> None:
    async with opened(grants=[DROP_BOX]) as house:
        tus = Client(house)
        await tus.create("a.bin", 3, b"abc")
        href = await tus.begun("b.bin", len(body))
        done = await tus.patch(href, 0, body)
        assert (done.status, done.offset) == (204, len(body))
        assert not {"etag", "content-location", "link"} & set(done.headers)
        same = await tus.create("c.bin", 3, b"abc")
        assert same.status == 201
        taken = await tus.create("a.bin", 4)
        assert (taken.status, taken.problem) == (422, "name-taken")
        assert "existing" not in taken.body


async def test_parts_are_joined(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        parts = []
        for at in range(0, len(body), 70_000):
            piece = body[at : at + 70_000]
            href = await tus.begun(None, len(piece), Upload_Concat="partial")
            assert (await tus.patch(href, 0, piece)).offset == len(piece)
            head = await tus.head(href)
            assert (head.offset, head.headers["upload-concat"]) == (len(piece), "partial")
            parts.append(href)
        assert (await got(house, ""))[0] == 200
        concat = "final;" + " ".join(parts)
        done = await tus.create("a.bin", None, Upload_Concat=concat)
        assert (done.status, done.offset) == (201, len(body))
        assert done.headers["content-location"] == "/files/a.bin"
        assert await got(house, "a.bin") == (200, body)
        head = await tus.head(done.location)
        assert (head.offset, head.headers["upload-concat"]) == (len(body), concat)
        assert [(await tus.head(part)).status for part in parts] == [404] * len(parts)
        assert await house.parts.resuming._unfinished.all() == []
        assert (
            await house.parts.resuming._index.read(lambda view: view.arriving("anonymous"))
        ).files == 0


async def test_what_is_not_whole_or_no_part_is_not_joined(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        half = await tus.begun(None, 10, Upload_Concat="partial")
        await tus.patch(half, 0, b"12345")
        own = await tus.begun("own", 5)
        for href in (half, own):
            answer = await tus.create("a.bin", None, Upload_Concat=f"final;{href}")
            assert (answer.status, answer.problem) == (400, "malformed-request")
        gone = await tus.create("a.bin", None, Upload_Concat="final;/uploads/none")
        assert gone.status == 404
        assert (await tus.head(half)).offset == 5


async def test_a_joined_file_that_collides_is_refused_and_its_parts_stay(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        await sent(house, "a.bin", b"something else")
        part = (await tus.create(None, 5, b"12345", Upload_Concat="partial")).location
        early = await tus.create("a.bin", None, Upload_Concat=f"final;{part}")
        assert (early.status, early.problem) == (422, "name-taken")
        assert (await tus.create("b.bin", None, Upload_Concat=f"final;{part}")).status == 201


async def test_joining_fits_a_quota_that_the_parts_fill_already(body: bytes) -> None:
    limits = Limits(quota_bytes=150_000)
    async with opened(limits=limits) as house:
        tus = Client(house)
        parts = []
        for at in (0, 50_000):
            piece = body[at : at + 50_000]
            made = await tus.create(None, 50_000, piece, Upload_Concat="partial")
            parts.append(made.location)
        done = await tus.create("a.bin", None, Upload_Concat="final;" + " ".join(parts))
        assert done.status == 201, done.body
        assert await got(house, "a.bin") == (200, body[:100_000])


async def nothing_is_left(house: House) -> bool:
    return await house.parts.resuming._unfinished.all() == []
