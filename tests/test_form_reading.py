"""Reading a form: broken, hostile, huge or in single bytes."""

import asyncio
import contextlib
import tracemalloc
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.form_body import FormBody
from handlers.headers.part_headers import heading
from tests.doors import opened
from tests.forms import BORDER, TYPE, field, file, form, post, read
from tests.wire import Wire
from uploads.failures import BodyTooShort, MalformedRequest


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ("Content-Transfer-Encoding: base64\r\n", 400),
        ("Content-Transfer-Encoding: quoted-printable\r\n", 400),
        ("Content-Encoding: gzip\r\n", 415),
        ("Content-Transfer-Encoding: binary\r\n", 201),
        ("X-Anything: at all\r\n", 201),
    ],
)
async def test_an_encoded_part_is_refused_rather_than_stored_as_something_else(
    extra: str, status: int
) -> None:
    async with opened() as house:
        assert (await post(house, file("a", b"eA==", extra=extra)))[0] == status


async def test_a_form_within_a_form_is_refused() -> None:
    async with opened() as house:
        nested = file("a", b"--x--").replace(b"application/octet-stream", b"multipart/mixed")
        assert (await post(house, nested))[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing of a form",
        b"x" * 600_000,
        form(file("a", b"1"))[:-10],
        file("a", b"1")[:-20],
        b"--" + BORDER.encode() + b"\r\n\r\n\r\n",
        form(file("a", b"1").replace(b"form-data", b"attachment")),
        form(file("a", b"1").replace(b'name="file"; ', b"")),
        form(file("a", b"1").replace(b"filename=", b"filename*=UTF-8''")),
        form(file('a"b', b"1")),
        form(file("a", b"1", extra="".join(f"X-{n}: y\r\n" for n in range(20)))),
        form(file("a" * 40_000, b"1")),
        form(*[field(f"f{n}", "") for n in range(500)]),
        form() + b"x" * 600_000,
    ],
)
async def test_what_is_no_form_is_a_problem_and_stores_nothing(body: bytes) -> None:
    async with opened() as house:
        answer = await house.client.post("/files/", data=body, headers=TYPE)
        assert answer.status == 400
        assert "next" in await answer.json(content_type=None)
        listing = await house.client.get("/files/")
        assert (await listing.json())["entries"] == []


@pytest.mark.parametrize(
    "boundary", ["", "; boundary=", '; boundary="a\u00e9"', f"; boundary={'x' * 71}"]
)
async def test_a_boundary_that_cannot_be_is_refused(boundary: str) -> None:
    async with opened() as house:
        sent = {"Content-Type": f"multipart/form-data{boundary}"}
        answer = await house.client.post("/files/", data=form(file("a", b"1")), headers=sent)
        assert answer.status == 400


async def test_a_form_that_breaks_off_says_what_was_stored_before() -> None:
    async with opened() as house:
        body = file("a", b"1") + file("b", b"2" * 100)[:-50]
        answer = await house.client.post("/files/", data=body, headers=TYPE)
        said = await answer.json(content_type=None)
        assert (answer.status, said["type"]) == (400, "/problems/body-too-short")
        assert [(one["name"], one["status"]) for one in said["results"]] == [("a", 201)]
        assert await read(house, "a") == b"1"
        assert await read(house, "b") is None


async def test_a_form_in_single_bytes_is_the_same_form() -> None:
    async with opened() as house:
        body = form(field("same_name", "rename"), file("a", b"\r\n--border\r\n--"), file("b", b"2"))
        head = f"POST /files/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: {TYPE['Content-Type']}"
        wire = await Wire.connect(house.client.port or 0)
        await wire.send(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        for at in range(len(body)):
            await wire.send(body[at : at + 1])
            await asyncio.sleep(0)
        assert (await wire.answer()).status == 201
        assert await read(house, "a") == b"\r\n--border\r\n--"
        wire.writer.close()


@pytest.mark.parametrize("begun", [b"", form(file("a", b"1"))])
async def test_what_belongs_to_no_part_is_not_read_without_end(begun: bytes) -> None:
    read = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal read
        if begun:
            yield begun
        while True:
            read += 64 << 10
            yield bytes(64 << 10)

    with pytest.raises(MalformedRequest, match="belongs to no part"):
        async for _ in FormBody(pieces(), BORDER, 10).parts():
            pass
    assert read <= 512 << 10


async def test_memory_does_not_grow_with_the_file() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield file("big", b"")[:-2]
        for _ in range(200):
            yield bytes(256 << 10)
        yield b"\r\n" + form()

    tracemalloc.start()
    try:
        received = 0
        async for part in FormBody(pieces(), BORDER, 10).parts():
            async for piece in part:
                received += len(piece)
        assert received == 200 * (256 << 10)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_disposition_that_is_ambiguous_is_refused() -> None:
    for value in (
        'form-data; name="a"; filename="b\\"c"',
        'form-data; name="a"; name="b"',
        'form-data; name="a"; filename="b"; filename="c"',
        'form-data; name="a" filename="b"',
        'form-datax; name="a"',
        "form-data; name=a; filename=b c",
        "",
    ):
        with pytest.raises(MalformedRequest):
            heading([("Content-Disposition", value)])


def test_a_backslash_is_no_escape() -> None:
    found = heading([("Content-Disposition", 'form-data; name="a"; filename="b\\"')])
    assert found.filename == "b\\"


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from([b"\r\n", b"--", BORDER.encode(), b"--\r\n", b'filename="', b"\0",
                              b"Content-Disposition: form-data; name=", b'"x"', b"; ", b"\xff"])
             | st.binary(max_size=8), max_size=40),
    st.integers(1, 50),
)  # fmt: skip
def test_no_bytes_make_the_parser_fail_in_a_way_of_its_own(parts: list[bytes], step: int) -> None:
    body = b"--" + BORDER.encode() + b"\r\n" + b"".join(parts)

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), step):
            yield body[at : at + step]

    async def everything() -> None:
        async for part in FormBody(pieces(), BORDER, 10).parts():
            async for _ in part:
                pass

    with contextlib.suppress(MalformedRequest, BodyTooShort):
        asyncio.run(everything())


@pytest.mark.parametrize(
    ("plain", "extended", "name"),
    [
        ("=?utf-8?B?w6kudHh0?=", "utf-8''%C3%A9.txt", "é.txt"),
        ("=?UTF-8?b?w6kudHh0?=", "UTF-8''%C3%A9.txt", "é.txt"),
        ("=?utf-8?B?w6kudHh0?=", "utf-8''e.txt", "=?utf-8?B?w6kudHh0?="),
        ("=?utf-8?B?w6k?=", "utf-8''%C3%A9", "=?utf-8?B?w6k?="),
        ("a b.txt", "utf-8''other.txt", "a b.txt"),
    ],
)
def test_a_name_that_dotnet_writes_in_two_ways_is_the_one_that_both_say(
    plain: str, extended: str, name: str
) -> None:
    value = f'form-data; name=file; filename="{plain}"; filename*={extended}'
    assert heading([("Content-Disposition", value)]).filename == name


def test_a_word_of_mail_alone_is_a_name_like_any_other() -> None:
    value = 'form-data; name=file; filename="=?utf-8?B?w6kudHh0?="'
    assert heading([("Content-Disposition", value)]).filename == "=?utf-8?B?w6kudHh0?="


async def test_a_form_by_another_boundary_is_told_so() -> None:
    async with opened() as house:
        sent = {"Content-Type": "multipart/form-data; boundary=another"}
        answer = await house.client.post("/files/", data=form(file("a", b"1")), headers=sent)
        said = await answer.json(content_type=None)
        assert (answer.status, said["type"]) == (400, "/problems/malformed-request")
        assert "the boundary that Content-Type names" in said["detail"]


async def test_a_form_of_too_many_parts_is_told_how_many_are_taken() -> None:
    async with opened() as house:
        many = [field("any", "")] * 10_000
        status, said, _ = await post(house, *many, file("a", b"1"))
        assert (status, said["type"]) == (400, "/problems/malformed-request")
        assert "A form takes 200 fields and files." in said["detail"]
