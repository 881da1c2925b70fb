"""Resumable Uploads for HTTP (a draft of the IETF, interop 6 and 8): PUT and POST that can go on."""

import asyncio
import base64
import hashlib
import os
from typing import Any

import pytest

from handlers.parts import HttpSettings
from tests.doors import House, got, opened, sent
from tests.wire import Answer, Wire, message
from uploads.access import ANONYMOUS_NAME, Grant, Right
from uploads.names import Path
from uploads.rules import Limits

DRAFT = HttpSettings(draft_uploads=True)
LARGE = 3 << 20
PIECE = {"Content-Type": "application/partial-upload"}
AGE = {"6": "expires", "8": "max-age"}
DROP_BOX = Grant(Path(()), frozenset({ANONYMOUS_NAME}), frozenset({Right.CREATE}))


@pytest.fixture
def body() -> bytes:
    return os.urandom(LARGE)


@pytest.fixture(params=["6", "8"])
def version(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"Upload-Draft-Interop-Version": request.param}


def digest(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


async def interim(wire: Wire) -> dict[str, str]:
    """The headers of an answer that is not the last one."""
    head = (await wire.reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.rstrip("\r\n").split("\r\n")
    assert first == "HTTP/1.1 104 Upload Resumption Supported"
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


async def ask(house: House, method: str, href: str, body: Any = b"", **headers: Any) -> Answer:
    wire = await Wire.connect(house.client.port or 0)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sending = asyncio.create_task(wire.send(message(method, href, body, named)))
    if method == "HEAD":
        head = (await wire.reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.rstrip("\r\n").split("\r\n")
        fields = (line.partition(": ") for line in lines)
        answer = Answer(int(first.split()[1]), {n.lower(): v for n, _, v in fields}, b"")
    else:
        answer = await wire.answer()
    await asyncio.wait({sending})
    await wire.close()
    return answer


async def begun(
    house: House, path: str, version: dict[str, str], body: Any = b"", **headers: Any
) -> str:
    named = {"Upload-Complete": "?0", **headers}
    answer = await ask(house, "PUT", f"/files/{path}", body, **version, **named)
    assert answer.status == 201, answer.body
    assert answer.headers["upload-complete"] == "?0"
    return answer.headers["location"]


async def append(
    house: House, href: str, offset: int, body: bytes, version: dict[str, str], **headers: Any
) -> Answer:
    named = {**PIECE, "Upload-Offset": str(offset), "Upload-Complete": "?0", **headers}
    return await ask(house, "PATCH", href, body, **version, **named)


async def test_a_put_that_broke_off_goes_on(body: bytes, version: dict[str, str]) -> None:
    async with opened(http=DRAFT) as house:
        wire = await Wire.connect(house.client.port or 0)
        whole = message("PUT", "/files/a.bin", body, {**version, "Upload-Complete": "?1"})
        await wire.send(whole[: LARGE // 2])
        told = await interim(wire)
        await wire.close()
        assert told["upload-draft-interop-version"] == version["Upload-Draft-Interop-Version"]
        href = told["location"]
        answering = house.client.server.runner.answering  # type: ignore[union-attr]
        while answering.busy():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)

        head = await ask(house, "HEAD", href, **version)
        assert head.status == 204
        assert head.headers["upload-complete"] == "?0"
        assert head.headers["upload-length"] == str(LARGE)
        assert head.headers["cache-control"] == "no-store"
        age = AGE[version["Upload-Draft-Interop-Version"]]
        assert f"{age}=" in head.headers["upload-limit"]
        offset = int(head.headers["upload-offset"])
        assert 0 < offset < LARGE

        done = await append(
            house, href, offset, body[offset:], version, **{"Upload-Complete": "?1"}
        )
        assert (done.status, done.headers["upload-complete"]) == (201, "?1")
        assert done.headers["location"] == "/files/a.bin"
        assert done.json["size"] == LARGE
        assert await got(house, "a.bin") == (200, body)
        after = await ask(house, "HEAD", href, **version)
        assert after.headers["upload-complete"] == "?1"


async def test_a_put_that_did_not_break_off_is_answered_as_ever(
    body: bytes, version: dict[str, str]
) -> None:
    async with opened(http=DRAFT) as house:
        answer = await ask(
            house, "PUT", "/files/a.bin", body, **version, **{"Upload-Complete": "?1"}
        )
        assert (answer.status, answer.headers["upload-complete"]) == (201, "?1")
        assert answer.headers["location"] == "/files/a.bin"
        assert await got(house, "a.bin") == (200, body)


async def test_a_file_comes_in_pieces(body: bytes, version: dict[str, str]) -> None:
    async with opened(http=DRAFT) as house:
        href = await begun(house, "a.bin", version, body[:1000])
        middle = await append(house, href, 1000, body[1000:], version)
        assert (middle.status, middle.headers["upload-complete"]) == (204, "?0")
        head = await ask(house, "HEAD", href, **version)
        assert head.headers["upload-complete"] == "?0"
        assert head.headers["upload-offset"] == str(LARGE)
        assert (await got(house, "a.bin"))[0] == 404
        done = await append(house, href, LARGE, b"", version, **{"Upload-Complete": "?1"})
        assert (done.status, done.headers["upload-complete"]) == (201, "?1")
        assert await got(house, "a.bin") == (200, body)


async def test_what_has_its_whole_length_is_complete_whatever_its_sender_says(
    body: bytes, version: dict[str, str]
) -> None:
    """tus-js-client says of the last piece of a stream that more will come, and then stops."""
    async with opened(http=DRAFT) as house:
        href = await begun(house, "a.bin", version, body[:1000], **{"Upload-Length": str(LARGE)})
        done = await append(house, href, 1000, body[1000:], version)
        assert (done.status, done.headers["upload-complete"]) == (201, "?1")
        assert await got(house, "a.bin") == (200, body)
        again = await append(house, href, LARGE, b"", version, **{"Upload-Complete": "?1"})
        assert (again.status, again.headers["upload-complete"]) == (204, "?1")


async def test_a_posted_file_takes_its_name_from_slug(version: dict[str, str]) -> None:
    async with opened(http=DRAFT) as house:
        made = await ask(
            house, "POST", "/files/in/", Slug="a.bin", **version, **{"Upload-Complete": "?0"}
        )
        assert made.status == 201
        done = await append(
            house, made.headers["location"], 0, b"abc", version, **{"Upload-Complete": "?1"}
        )
        assert done.headers["location"] == "/files/in/a.bin"


async def test_a_wrong_offset_names_the_right_one(version: dict[str, str]) -> None:
    async with opened(http=DRAFT) as house:
        href = await begun(house, "a.bin", version, b"12345")
        answer = await append(house, href, 7, b"x", version)
        assert (answer.status, answer.headers["upload-complete"]) == (409, "?0")
        assert answer.headers["upload-offset"] == "5"
        assert answer.json["expected-offset"] == 5
        assert answer.json["provided-offset"] == 7


@pytest.mark.parametrize(
    ("headers", "brought"),
    [
        ({"Upload-Length": "9"}, b""),
        ({"Upload-Length": "10", "Upload-Complete": "?1"}, b"1234"),
        ({"Upload-Complete": "?1"}, b"1234"),
        ({}, b"123456"),
    ],
)
async def test_lengths_that_differ_are_refused(
    version: dict[str, str], headers: dict[str, str], brought: bytes
) -> None:
    async with opened(http=DRAFT) as house:
        href = await begun(house, "a.bin", version, b"12345", **{"Upload-Length": "10"})
        answer = await append(house, href, 5, brought, version, **headers)
        assert (answer.status, answer.json["type"]) == (400, "/problems/wrong-length")
        head = await ask(house, "HEAD", href, **version)
        assert head.headers["upload-offset"] == "5"


async def test_a_beginning_that_says_two_lengths_is_refused(
    body: bytes, version: dict[str, str]
) -> None:
    async with opened(http=DRAFT) as house:
        said = {"Upload-Complete": "?1", "Upload-Length": "7"}
        answer = await ask(house, "PUT", "/files/a.bin", body, **version, **said)
        assert (answer.status, answer.json["type"]) == (400, "/problems/wrong-length")


async def test_a_collision_is_refused_at_once_and_at_the_end(
    body: bytes, version: dict[str, str]
) -> None:
    async with opened(http=DRAFT) as house:
        href = await begun(house, "a.bin", version, body[:1000])
        await sent(house, "a.bin", b"somebody was faster")
        early = await ask(
            house, "PUT", "/files/a.bin", body, **version, **{"Upload-Complete": "?1"}
        )
        assert (early.status, early.headers["upload-complete"]) == (409, "?1")
        late = await append(house, href, 1000, body[1000:], version, **{"Upload-Complete": "?1"})
        assert (late.status, late.headers["upload-complete"]) == (409, "?1")
        assert late.json["upload"]["href"] == href
        head = await ask(house, "HEAD", href, **version)
        assert (head.status, head.headers["upload-complete"]) == (410, "?1")


async def test_the_condition_of_the_beginning_is_kept(version: dict[str, str]) -> None:
    async with opened(http=DRAFT) as house:
        href = await begun(house, "a.bin", version, **{"If-None-Match": "*"})
        await sent(house, "a.bin", b"somebody was faster")
        late = await append(house, href, 0, b"x", version, **{"Upload-Complete": "?1"})
        assert (late.status, late.json["type"]) == (412, "/problems/stale-version")


async def test_digests_of_a_piece_and_of_all_of_it(version: dict[str, str]) -> None:
    async with opened(http=DRAFT) as house:
        said = {"Repr-Digest": digest(b"onetwo"), "Content-Digest": digest(b"one")}
        href = await begun(house, "a.bin", version, b"one", **said)
        wrong = await append(house, href, 3, b"twO", version, **{"Content-Digest": digest(b"two")})
        assert (wrong.status, wrong.json["type"]) == (400, "/problems/wrong-digest")
        head = await ask(house, "HEAD", href, **version)
        assert head.headers["upload-offset"] == "3"
        done = await append(
            house, href, 3, b"two", version,
            **{"Content-Digest": digest(b"two"), "Upload-Complete": "?1"},
        )  # fmt: skip
        assert done.status == 201
        other = await begun(house, "b.bin", version, **{"Repr-Digest": digest(b"other")})
        refused = await append(house, other, 0, b"bytes", version, **{"Upload-Complete": "?1"})
        assert (refused.status, refused.json["type"]) == (400, "/problems/wrong-digest")


async def test_an_upload_can_be_given_up(version: dict[str, str]) -> None:
    async with opened(http=DRAFT) as house:
        href = await begun(house, "a.bin", version, b"12345")
        assert (await ask(house, "DELETE", href, **version)).status == 204
        assert (await ask(house, "HEAD", href, **version)).status == 404
        assert (await append(house, href, 5, b"x", version)).status == 404


async def test_a_drop_box_tells_nothing(body: bytes, version: dict[str, str]) -> None:
    async with opened(grants=[DROP_BOX], http=DRAFT) as house:
        answer = await ask(
            house, "PUT", "/files/a.bin", body, **version, **{"Upload-Complete": "?1"}
        )
        assert answer.json == {"received": True, "size": LARGE}
        assert not {"etag", "location"} & set(answer.headers)


async def test_the_limits_are_told(version: dict[str, str]) -> None:
    async with opened(http=DRAFT, limits=Limits(file_size=1 << 20)) as house:
        async with house.client.options("/files/a.bin") as answer:
            assert answer.headers["Upload-Limit"].startswith("max-size=1048576, min-size=")
        large = await ask(
            house, "PUT", "/files/a", **version,
            **{"Upload-Complete": "?0", "Upload-Length": "1048577"},
        )  # fmt: skip
        assert (large.status, large.headers["upload-complete"]) == (413, "?1")


@pytest.mark.parametrize("offset", [None, "-1", "x", "1" * 16])
async def test_a_piece_that_does_not_say_where_it_begins_is_refused(
    version: dict[str, str], offset: str | None
) -> None:
    async with opened(http=DRAFT) as house:
        href = await begun(house, "a.bin", version)
        headers: dict[str, Any] = {**version, **PIECE, "Upload-Complete": "?0"}
        if offset is not None:
            headers["Upload-Offset"] = offset
        answer = await ask(house, "PATCH", href, b"x", **headers)
        assert (answer.status, answer.json["type"]) == (400, "/problems/malformed-request")
        kind = await append(house, href, 0, b"x", version, **{"Content-Type": "text/plain"})
        assert (kind.status, kind.json["type"]) == (415, "/problems/not-a-piece")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (HttpSettings(), {"Upload-Draft-Interop-Version": "8"}),
        (DRAFT, {"Upload-Draft-Interop-Version": "5"}),
        (DRAFT, {}),
    ],
)
async def test_who_does_not_speak_it_gets_no_104_and_no_part_is_taken_for_the_whole(
    body: bytes, settings: HttpSettings, said: dict[str, str]
) -> None:
    async with opened(http=settings) as house:
        wire = await Wire.connect(house.client.port or 0)
        whole = message("PUT", "/files/a.bin", body, {**said, "Upload-Complete": "?1"})
        sending = asyncio.create_task(wire.send(whole))
        assert (await wire.reader.readline()).startswith(b"HTTP/1.1 201")
        await asyncio.wait({sending})
        await wire.close()
        part = await ask(house, "PUT", "/files/b.bin", b"part", **said, **{"Upload-Complete": "?0"})
        assert (part.status, part.json["type"]) == (400, "/problems/partial-put")
        assert (await got(house, "b.bin"))[0] == 404


async def test_what_its_sender_will_repeat_under_a_key_is_repeated_and_does_not_go_on(
    body: bytes, version: dict[str, str]
) -> None:
    said = {**version, "Upload-Complete": "?1", "Idempotency-Key": '"one"'}
    async with opened(http=DRAFT) as house:
        first = await ask(house, "PUT", "/files/a.bin", body, **said)
        again = await ask(house, "PUT", "/files/a.bin", body, **said)
        assert (first.status, again.status) == (201, 201)
        assert "upload-complete" not in first.headers
        assert again.headers["idempotency-replayed"] == "?1"


async def test_a_short_file_is_simply_stored(version: dict[str, str]) -> None:
    async with opened(http=DRAFT) as house:
        wire = await Wire.connect(house.client.port or 0)
        said = {**version, "Upload-Complete": "?1"}
        await wire.send(message("PUT", "/files/a", b"short", said))
        assert (await wire.reader.readline()).startswith(b"HTTP/1.1 201")
        await wire.close()


@pytest.mark.parametrize("draft", [True, False])
@pytest.mark.parametrize(
    "said",
    [
        {"Upload-Incomplete": "?1", "Upload-Draft-Interop-Version": "3"},
        {"Upload-Incomplete": "1", "Upload-Draft-Interop-Version": "3"},
        {"Upload-Complete": "0", "Upload-Draft-Interop-Version": "6"},
        {"Upload-Complete": "false"},
    ],
)
async def test_a_part_is_not_stored_by_the_words_of_older_drafts_nor_by_ones_that_nobody_knows(
    said: dict[str, str],
    draft: bool,  # noqa: FBT001
) -> None:
    async with opened(http=HttpSettings(draft_uploads=draft)) as house:
        for method, href, slug in (("PUT", "/files/a.bin", {}), ("POST", "/files/", {"Slug": "b"})):
            refused = await ask(house, method, href, b"part", **said, **slug)
            assert (refused.status, refused.json["type"]) == (400, "/problems/partial-put")
        assert (await got(house, "a.bin"))[0] == 404
        whole = await ask(house, "PUT", "/files/a.bin", b"all", **{"Upload-Incomplete": "?0"})
        assert whole.status == 201


@pytest.mark.parametrize("length", ["3", "5"])
async def test_what_comes_at_once_and_is_not_as_long_as_was_said_is_not_stored(
    length: str, version: dict[str, str]
) -> None:
    async with opened(http=DRAFT) as house:
        said = {**version, "Upload-Complete": "?1", "Upload-Length": length}
        refused = await ask(house, "PUT", "/files/a.bin", b"four", **said)
        assert (refused.status, refused.json["type"]) == (400, "/problems/wrong-length")
        chunked = {**said, "Transfer-Encoding": "chunked", "Idempotency-Key": '"one"'}
        head = "".join(f"{name}: {value}\r\n" for name, value in chunked.items())
        wire = await Wire.connect(house.client.port or 0)
        body = "4\r\nfour\r\n0\r\n\r\n"
        answer = await wire.ask(
            f"PUT /files/a.bin HTTP/1.1\r\nHost: localhost\r\n{head}\r\n{body}".encode()
        )
        await wire.close()
        assert answer.status == 400
        assert (await got(house, "a.bin"))[0] == 404
        said["Upload-Length"] = "4"
        assert (await ask(house, "PUT", "/files/a.bin", b"four", **said)).status == 201
