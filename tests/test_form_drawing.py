"""Large parts of a form are drawn by a thread, which finds their end wherever it is cut."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from handlers.bodies import BodyTap, Progress
from handlers.form_body import FormBody, PartTap
from handlers.lending import Loan
from tests.doors import got, opened
from tests.wire import Wire, message
from uploads.failures import BodyTooShort
from uploads.rules import Limits

BORDER = "border"
DELIMITER = b"\r\n--border"
MANY = 3 << 20


def part(name: str, content: bytes, filename: str | None = None, headers: str = "") -> bytes:
    shown = f'; filename="{filename}"' if filename else ""
    said = f'Content-Disposition: form-data; name="{name}"{shown}\r\n{headers}'
    head = f"--{BORDER}\r\n{said}\r\n"
    return head.encode() + content + b"\r\n"


async def post(wire: Wire, *parts: bytes) -> tuple[int, dict[str, Any]]:
    body = b"".join(parts) + f"--{BORDER}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={BORDER}"}
    answer = await wire.ask(message("POST", "/files/", body, kind))
    return answer.status, answer.json


def almost() -> bytes:
    """Full of what looks like the beginning of a delimiter, up to its last character."""
    starts = b"".join(DELIMITER[:end] + b"." for end in range(len(DELIMITER)))
    return (starts * (MANY // len(starts) + 1))[:MANY] + DELIMITER[:-1]


async def test_large_and_small_parts_follow_one_another() -> None:
    contents = {
        "first": os.urandom(MANY),
        "small": b"between",
        "second": almost(),
        "third": b"\r" * MANY,
        "empty": b"",
        "last": os.urandom(MANY + 1),
    }
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        status, _ = await post(
            wire,
            *(part("file", content, name) for name, content in contents.items()),
        )
        assert status == 201
        assert (await wire.ask(message("GET", "/health/live"))).status == 200
        await wire.close()
        for name, content in contents.items():
            assert await got(house, name) == (200, content), name


@pytest.mark.parametrize("size", [10, MANY])
@pytest.mark.parametrize(("more", "status"), [(0, 201), (1, 400), (-1, 400)])
async def test_a_part_may_say_how_long_it_is_and_is_refused_where_it_is_not(
    size: int, more: int, status: int
) -> None:
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        content, said = os.urandom(size), f"Content-Length: {size + more}\r\n"
        answer, _ = await post(
            wire, part("file", content, "one", said), part("file", b"next", "two")
        )
        await wire.close()
        assert answer == status
        assert (await got(house, "one"))[0] == (200 if status == 201 else 404)


async def test_a_refused_large_part_is_passed_over() -> None:
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        first, second = os.urandom(MANY), os.urandom(MANY)
        assert (await post(wire, part("file", first, "taken")))[0] == 201
        status, said = await post(
            wire, part("file", second, "a\0b"), part("file", second[::-1], "next")
        )
        await wire.close()
        assert (status, [one["status"] for one in said["results"]]) == (200, [422, 201])
        assert await got(house, "taken") == (200, first)
        assert await got(house, "next") == (200, second[::-1])


async def test_a_part_that_becomes_too_large_is_given_up_and_the_next_one_taken() -> None:
    async with opened(limits=Limits(file_size=2 << 20)) as house:
        wire = await Wire.connect(house.client.port or 0)
        length = f"Content-Length: {MANY}\r\n"
        status, said = await post(
            wire, part("file", os.urandom(MANY), "large", length), part("file", b"fits", "small")
        )
        await wire.close()
        assert (status, [one["status"] for one in said["results"]]) == (200, [413, 201])
        assert await got(house, "small") == (200, b"fits")


async def test_a_form_that_ends_within_a_large_part_says_so() -> None:
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        body = part("file", os.urandom(MANY), "one")
        kind = {"Content-Type": f"multipart/form-data; boundary={BORDER}"}
        answer = await wire.ask(message("POST", "/files/", body, kind))
        await wire.close()
        assert answer.status == 400
        assert "closing boundary" in answer.json["detail"]
        assert (await got(house, "one"))[0] == 404


async def nothing() -> AsyncIterator[bytes | BodyTap]:
    for piece in list[bytes]():
        yield piece


def drawn(tap: PartTap, theirs: socket.socket, pieces: list[bytes]) -> bytes:
    """Each piece is drawn before the next is sent."""
    found, buffer = bytearray(), bytearray(4096)
    for piece in pieces:
        theirs.sendall(piece)
        count = tap.draw(buffer)
        found += buffer[:count]
    return bytes(found)


@pytest.mark.parametrize("content", [b"", b"x", b"\r", b"\r\n--borde", b"a\r\n--bordea\r\n"])
async def test_a_delimiter_is_found_wherever_it_is_cut(content: bytes) -> None:
    whole = content + DELIMITER + b"--\r\n"
    for first in range(1, len(whole) - 1):
        for held in range(min(first, 4)):
            ours, theirs = socket.socketpair()
            ours.settimeout(0)
            with ours, theirs:
                loan = Loan(ours.dup(), len(whole) - held)
                form = FormBody(nothing(), BORDER, 1)
                tap = PartTap(form, BodyTap(loan, Progress(Limits())), DELIMITER, whole[:held])
                pieces = [whole[held:first], whole[first:]]
                assert drawn(tap, theirs, [one for one in pieces if one]) == content
                assert tap.ended
                rest = tap.rest + await asyncio.to_thread(_remaining, loan)
                assert rest == DELIMITER + b"--\r\n"
                loan.close()


def _remaining(loan: Loan) -> bytes:
    buffer = bytearray(4096)
    return bytes(buffer[: loan.draw(buffer, 0)]) if loan.left else b""


async def test_a_part_without_an_end_breaks_the_form() -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    with ours, theirs:
        loan = Loan(ours.dup(), 5)
        form = FormBody(nothing(), BORDER, 1)
        tap = PartTap(form, BodyTap(loan, Progress(Limits())), DELIMITER, b"")
        theirs.sendall(b"12345")
        with pytest.raises(BodyTooShort, match="closing boundary"):
            tap.draw(bytearray(64))
        assert form.broken is not None
        loan.close()
