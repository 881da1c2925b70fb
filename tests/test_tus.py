"""tus 1.0: files that come in pieces, and what becomes of them at their end."""

import base64
import hashlib
import os
from collections.abc import AsyncIterator

import pytest
from blake3 import blake3

from tests.doors import got, opened
from tests.tussing import PIECE, VERSION, Client, metadata
from uploads.access import ANONYMOUS_NAME, Grant, Right
from uploads.names import Path
from uploads.rules import Limits

DROP_BOX = Grant(Path(()), frozenset({ANONYMOUS_NAME}), frozenset({Right.CREATE}))
SIZES = (1, 100, 1024, 100_000, 3 << 20)


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


async def test_who_looks_at_an_upload_that_is_coming_in_is_not_told_that_it_is_gone() -> None:
    async with opened() as house:
        href = await Client(house).begun("a.bin", 9)
        async with house.client.get(href) as answer:
            said = await answer.json(content_type=None)
        assert (answer.status, said["type"]) == (404, "/problems/not-there")
        assert "or not all of it has come. How far it has come is told by HEAD" in said["detail"]


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


async def test_metadata_in_two_lines_are_told_again_as_one() -> None:
    first, second = metadata(filename="a.txt"), metadata(filetype="text/plain")
    lines = [*VERSION.items(), ("Upload-Length", "3")]
    lines += [("Upload-Metadata", first), ("Upload-Metadata", second)]
    async with opened() as house:
        async with house.client.post("/uploads/", headers=lines) as answer:
            assert answer.status == 201
            href = answer.headers["Location"]
        head = await Client(house).head(href)
        assert head.headers["upload-metadata"] == f"{first},{second}"


async def test_a_claimed_type_that_is_no_text_does_not_keep_the_file_from_being_stored() -> None:
    said = f"{metadata(filename='a.bin')},filetype {base64.b64encode(bytes([255, 254])).decode()}"
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun(None, 3, Upload_Metadata=said)
        assert (await tus.patch(href, 0, b"abc")).status == 204
        assert await got(house, "a.bin") == (200, b"abc")


async def test_who_can_only_post_names_the_method_that_is_meant(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", len(body))
        piece = {**PIECE, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
        assert (await tus.ask("POST", href, body[:1000], piece)).offset == 1000
        head = await tus.ask("POST", href, None, {"X-HTTP-Method-Override": "HEAD"})
        assert (head.status, head.offset) == (200, 1000)
        other = await tus.ask("POST", href, None, {"X-HTTP-Method-Override": "PUT"})
        assert (other.status, other.problem) == (400, "malformed-request")
        async with house.client.post(href, headers={"X-HTTP-Method-Override": "DELETE"}) as answer:
            assert answer.status == 400, "without tus it is what it says it is"
        gone = await tus.ask("POST", href, None, {"X-HTTP-Method-Override": "DELETE"})
        assert gone.status == 204
        assert (await tus.head(href)).status == 404


async def test_the_media_type_is_that_of_the_bytes_and_the_time_that_of_the_client() -> None:
    said = metadata(filename="a.txt", filetype="image/png", lastModified="1700000000500")
    async with opened() as house:
        tus = Client(house)
        await tus.create(None, 11, b"plain text\n", Upload_Metadata=said)
        async with house.client.get("/files/") as answer:
            (entry,) = (await answer.json())["entries"]
        assert entry["media_type"] == "text/plain"
        assert entry["modified"] == "2023-11-14T22:13:20.500+00:00"


async def test_a_drop_box_takes_pieces_and_tells_nothing(body: bytes) -> None:
    async with opened(grants=[DROP_BOX]) as house:
        tus = Client(house)
        await tus.create("a.bin", 3, b"abc")
        href = await tus.begun("b.bin", len(body))
        done = await tus.patch(href, 0, body)
        assert (done.status, done.offset) == (204, len(body))
        head = await tus.head(href)
        assert head.offset == len(body)
        for told in (done, head):
            assert not {"etag", "content-location", "link"} & set(told.headers)
        same = await tus.create("c.bin", 3, b"abc")
        assert same.status == 201
        taken = await tus.create("a.bin", 4)
        assert (taken.status, taken.problem) == (422, "name-taken")
        assert "existing" not in taken.body


async def test_more_than_all_of_it_is_refused_after_its_end_as_well() -> None:
    async with opened() as house:
        tus = Client(house)
        href = (await tus.create("a.bin", 3, b"abc")).location

        async def chunked(*pieces: bytes) -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        refused = await tus.patch(href, 3, chunked(b"more"))
        assert (refused.status, refused.problem) == (400, "wrong-length")
        assert (await tus.patch(href, 3, chunked())).status == 204
        assert await got(house, "a.bin") == (200, b"abc")
