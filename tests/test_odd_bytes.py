"""Bytes that are not UTF-8, in every place of a request that an answer or the index may repeat."""

import json

from tests import wire
from tests.doors import House, got, opened, sent
from tests.forms import field, file, post
from tests.wire import Answer

ODD = b"\xff"


async def asked(house: House, request: bytes) -> Answer:
    port = house.client.port
    assert port is not None
    return await wire.ask(port, request)


def put(path: str, *lines: bytes) -> bytes:
    head = [b"PUT /files/%s HTTP/1.1" % path.encode(), b"Content-Length: 1", *lines, b"", b"x"]
    return b"\r\n".join(head)


HEADERS = {
    b"Host: \xff": 421,
    b"Host: localhost\r\nExpect: \xff": 417,
    b"Host: localhost\r\nContent-Encoding: \xff": 415,
    b"Host: localhost\r\nAuthorization: Basic \xff": 400,
    b"Host: localhost\r\nAuthorization: Bearer \xff": 401,
    b"Host: localhost\r\nIf-Match: \xff": 400,
    b"Host: localhost\r\nRepr-Digest: \xff=:AA==:": 400,
    b"Host: localhost\r\nContent-Type: \xff": 409,
}


async def test_a_header_that_is_not_utf_8_is_answered_in_every_form() -> None:
    async with opened() as house:
        await sent(house, "odd", b"one", Content_Type="a/b")
        for header, status in HEADERS.items():
            for accept in (b"text/html", b"text/plain", b"*/*"):
                answer = await asked(house, put("odd", header, b"Accept: " + accept))
                assert answer.status == status, (header, accept)
                answer.body.decode()


async def test_a_file_may_claim_a_type_that_is_not_utf_8() -> None:
    async with opened() as house:
        answer = await asked(house, put("odd", b"Host: localhost", b"Content-Type: " + ODD))
        assert answer.status == 201


async def test_a_file_of_a_form_may_claim_any_type() -> None:
    async with opened() as house:
        odd = file("a", b"one").replace(b"application/octet-stream", ODD)
        status, _, _ = await post(house, odd)
        assert status == 201
        assert (await got(house, "a"))[1] == b"one"


async def test_a_goal_that_is_not_utf_8_is_refused_and_never_changed() -> None:
    async with opened() as house:
        await sent(house, "a", b"one")
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        async with house.client.post("/files/a", data=b"move=b%FF", headers=form) as answer:
            assert answer.status == 400
        assert (await got(house, "a"))[1] == b"one"
        async with house.client.get("/files/") as listing:
            said = json.loads(await listing.text())
            assert [entry["name"] for entry in said["entries"]] == ["a"]


async def test_a_field_that_is_not_utf_8_is_refused() -> None:
    async with opened() as house:
        odd = field("folder", "x").replace(b"\r\n\r\nx", b"\r\n\r\n" + ODD)
        status, _, _ = await post(house, odd, file("a", b"one"))
        assert status == 400
