"""HTTP itself, as bytes on a socket: what never becomes a request is answered in our language, too.

The first tests fail when aiohttp changes where we reach into it.
"""

import inspect
import logging
import re
from typing import Any

import pytest
from aiohttp import web, web_protocol
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, StreamWriter
from aiohttp.http_writer import _serialize_headers
from multidict import CIMultiDict

from handlers import protocol
from handlers.parts import HttpSettings
from handlers.problem_types import TYPES
from tests.doors import House, opened, sent
from tests.wire import Wire, ask, message, put

OURS = {
    "server": "noclobber",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "connection": "close",
    "content-type": "application/problem+json",
}
HOST = b"Host: localhost\r\n"


def test_aiohttp_has_what_we_reach_for() -> None:
    private = {"_current_request", "_manager", "_messages", "_read_bufsize", "_request_count"}
    talking = {"_waiter", "_task_handler", "_force_close", "_close", "_msg_queue_resume_size"}
    ending = {"_keepalive", "_keepalive_handle", "_keepalive_timeout", "_lingering_time"}
    ending |= {"_next_keepalive_close_time", "_request_handler", "_request_factory"}
    assert private | talking | ending <= set(web.RequestHandler.__slots__)
    assert hasattr(HttpRequestParser, "message_consumed")
    answered = web.Response(body=b"x")
    assert (answered._keep_alive, answered._eof_sent, answered.prepared) == (None, False, False)
    head = _serialize_headers("HTTP/1.1 200 OK", CIMultiDict({"A": "b"}))
    assert head == b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n"
    assert {"status", "exc", "message"} <= set(web_protocol._ErrInfo.__slots__)
    assert hasattr(web.RequestHandler, "connection_lost")
    assert web_protocol.ERROR._replace(method="X").method == "X"
    assert protocol.UNREAD.version == (1, 1)
    assert {"_parser", "_buffer_paused"} <= set(BaseProtocol.__slots__)
    assert hasattr(BaseProtocol, "_pause_reading_for_buffer")
    assert hasattr(BaseProtocol, "_resume_reading_for_buffer")
    assert web_protocol.MAX_MSG_QUEUE_SIZE > 0


def test_aiohttp_calls_us_as_we_expect() -> None:
    called: dict[Any, list[str]] = {
        web.RequestHandler.handle_error: ["self", "request", "status", "exc", "message"],
        web.RequestHandler._make_error_handler: ["self", "err_info"],
        web.Server._make_request: ["self", "message", "payload", "protocol", "writer", "task"],
        web.Server.__call__: ["self"],
        web.AppRunner._make_server: ["self"],
        web.RequestHandler.start: ["self"],
        web.RequestHandler._handle_request: ["self", "request", "start_time", "request_handler"],
        web.RequestHandler._process_keepalive: ["self"],
        web.RequestHandler._resume_reading_if_drained: ["self"],
        web.RequestHandler.finish_response: ["self", "request", "resp", "start_time"],
        web.Request._prepare_hook: ["self", "response"],
        StreamWriter._writelines: ["self", "chunks"],
    }
    for function, names in called.items():
        assert list(inspect.signature(function).parameters) == names
    options = inspect.signature(web.Server.__init__).parameters
    assert {"handler", "request_factory", "handler_cancellation", "loop", "kwargs"} <= set(options)


async def test_our_server_stands_in_the_runner_of_aiohttp() -> None:
    async with opened() as house:
        runner = house.client.server.runner
        assert isinstance(runner, protocol.Runner)
        wire = await Wire.connect(house.client.port or 0)
        await wire.ask(message("GET", "/health/live"))
        connections = runner.answering.connections
        assert [type(one) for one in connections] == [protocol.Connection]
        assert (runner.answering.busy(), runner.answering.silent()) == ([], [])
        await wire.close()


async def raw(house: House, data: bytes) -> bytes:
    """All that comes back until the server ends it."""
    wire = await Wire.connect(house.client.port or 0)
    await wire.send(data)
    found = await wire.reader.read()
    await wire.close()
    return found


UNREADABLE = {
    "a method nobody knows": (b"BREW /files/a HTTP/1.1\r\n" + HOST + b"\r\n", "unknown-method"),
    "a method in lower case": (b"get /files/a HTTP/1.1\r\n" + HOST + b"\r\n", "unknown-method"),
    "a method with more to it": (b"GETX /files/a HTTP/1.1\r\n" + HOST + b"\r\n", "unknown-method"),
    "a method that is known elsewhere": (b"SOURCE /a HTTP/1.1\r\n" + HOST + b"\r\n", "unknown-method"),
    "no word as method": (b"G@T / HTTP/1.1\r\n" + HOST + b"\r\n", "malformed-request"),
    "another protocol": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "malformed-request"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "malformed-request"),
    "a version to come": (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", "malformed-request"),
    "a raw byte in the path": (b"GET /files/\xff HTTP/1.1\r\n" + HOST + b"\r\n", "malformed-request"),
    "a relative path": (b"GET files/a HTTP/1.1\r\n" + HOST + b"\r\n", "malformed-request"),
    "a bad name of a header": (b"GET / HTTP/1.1\r\n" + HOST + b"X Y: 1\r\n\r\n", "malformed-request"),
    "a folded header": (b"GET / HTTP/1.1\r\n" + HOST + b"X: 1\r\n 2\r\n\r\n", "malformed-request"),
    "a control character": (b"GET / HTTP/1.1\r\n" + HOST + b"X: \x00\r\n\r\n", "malformed-request"),
    "two lengths": (b"PUT /files/a HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", "malformed-request"),
    "a length with a sign": (b"PUT /files/a HTTP/1.1\r\n" + HOST + b"Content-Length: +1\r\n\r\nx", "malformed-request"),
    "length and chunks": (b"PUT /files/a HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "malformed-request"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", "malformed-request"),
    "two hosts": (b"GET / HTTP/1.1\r\n" + HOST + b"Host: localhost\r\n\r\n", "malformed-request"),
    "a long header": (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 9000 + b"\r\n\r\n", "headers-too-large"),
    "a long name of a header": (b"GET / HTTP/1.1\r\n" + HOST + b"x" * 9000 + b": 1\r\n\r\n", "headers-too-large"),
    "a long address": (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", "headers-too-large"),
    "many headers": (b"GET / HTTP/1.1\r\n" + HOST + b"X: 1\r\n" * 200 + b"\r\n", "headers-too-large"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNREADABLE)
async def test_what_cannot_be_read_is_refused_in_our_language(
    case: str, caplog: pytest.LogCaptureFixture
) -> None:
    data, slug = UNREADABLE[case]
    caplog.set_level(logging.INFO)
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        answer = await wire.ask(data)
        assert await wire.reader.read() == b""
        await wire.close()

        assert (answer.json["type"], answer.status) == (f"/problems/{slug}", TYPES[slug].status)
        assert answer.json["status"] == answer.status
        assert {name: answer.headers.get(name) for name in OURS} == OURS
        assert answer.json["instance"].endswith(answer.headers["x-request-id"])
        assert "aiohttp" not in str(answer)
        assert "Traceback" not in str(answer)
        counted = re.findall(r"noclobber_requests_total\{.*\} (\d+)", house.metrics.render())
        assert counted == ["1"]

    records = [one for one in caplog.records if not one.name.startswith("asyncio")]
    assert [one.name for one in records] == ["noclobber.access"]
    assert records[0].exc_info is None
    assert "\n" not in records[0].getMessage()
    assert answer.headers["x-request-id"] in str(records[0].__dict__)


async def test_who_leaves_a_space_in_an_address_is_told_how_it_is_written() -> None:
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        answer = await wire.ask(b"GET /files/a b.txt HTTP/1.1\r\n" + HOST + b"\r\n")
        await wire.close()
        assert (answer.status, answer.json["type"]) == (400, "/problems/malformed-request")
        assert "Write a space in the address as %20." in answer.json["detail"]


async def test_what_follows_a_request_that_cannot_be_read_is_never_carried_out() -> None:
    async with opened() as house:
        await sent(house, "a", b"one")
        found = await raw(house, b"BREW /x HTTP/1.1\r\n\r\n" + message("DELETE", "/files/a"))

        assert found.count(b"HTTP/1.1 ") == 1
        assert (await ask(house.client.port or 0, message("GET", "/files/a"))).body == b"one"


async def test_who_is_still_sending_gets_to_see_why_it_could_not_be_read() -> None:
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        await wire.send(b"BREW /files/a HTTP/1.1\r\n" + HOST + b"Content-Length: 4000000\r\n\r\n")
        answer = await wire.answer()
        for _ in range(40):
            await wire.send(bytes(100_000))
        assert await wire.reader.read() == b""
        await wire.close()

        assert answer.status == 501


async def test_a_mistake_outside_of_the_gate_is_told_as_ours(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(request: web.Request) -> None:
        raise RuntimeError("the secret of the house")

    async with opened() as house:
        monkeypatch.setattr(web.BaseRequest, "raw_path", property(broken))
        answer = await ask(house.client.port or 0, message("GET", "/"))

        assert (answer.status, answer.json["type"]) == (500, "/problems/internal")
        assert {name: answer.headers.get(name) for name in OURS} == OURS
        assert "secret" not in str(answer)
        assert "the secret of the house" in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/nowhere", 404),
        ("PATCH", "/files/a", 405),
        ("PUT", "/health/live", 405),
        ("QUERY", "/files/a", 405),
        ("PROPFIND", "/files/a", 501),
        ("CONNECT", "localhost:80", 404),
        ("OPTIONS", "*", 204),
        ("POST", "/uploads/none", 415),
    ],
)
async def test_no_body_is_invited_where_none_can_go(method: str, path: str, status: int) -> None:
    async with opened() as house:
        head = {"Content-Length": "9000000", "Expect": "100-continue"}
        wire = await Wire.connect(house.client.port or 0)
        await wire.send(message(method, path, b"", head))
        first = await wire.reader.readline()
        await wire.close()

        assert b" 100 " not in first
        if status != 415:
            assert first.startswith(f"HTTP/1.1 {status} ".encode())


async def test_http_1_0_is_never_sent_an_interim_answer() -> None:
    async with opened() as house:
        data = put("/files/a", b"one", {"Expect": "100-continue"})
        found = await raw(house, data.replace(b"HTTP/1.1", b"HTTP/1.0"))

        assert found.startswith(b"HTTP/1.0 201 ")
        assert b" 100 " not in found


async def test_http_1_0_needs_no_host_and_is_closed() -> None:
    async with opened() as house:
        found = await raw(house, b"GET /health/live HTTP/1.0\r\n\r\n")

        assert found.startswith(b"HTTP/1.0 200 ")
        assert found.endswith(b'{"status": "alive"}\n')
        assert b"chunked" not in found


@pytest.mark.parametrize("other", ["h2c", "websocket"])
async def test_what_follows_a_wish_for_another_protocol_is_answered_or_known_not_to_be(
    other: str,
) -> None:
    wish = b"Connection: Upgrade\r\nUpgrade: " + other.encode() + b"\r\n"
    async with opened() as house:
        found = await raw(
            house,
            b"GET /health/live HTTP/1.1\r\n" + HOST + wish + b"\r\n"
            b"GET /problems/none HTTP/1.1\r\n" + HOST + b"\r\n",
        )

        assert found.count(b"HTTP/1.1 ") == 1
        assert found.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nConnection: close\r\n" in found


async def test_what_has_no_body_has_none() -> None:
    async with opened() as house:
        _, stored = await sent(house, "a", b"one")
        close = {"Connection": "close"}
        for data, status, length in (
            (message("HEAD", "/files/a", b"", close), 200, b"content-length: 3"),
            (message("HEAD", "/files/none", b"", close), 404, b"content-length: "),
            (message("HEAD", "/nowhere", b"", close), 404, b"content-length: "),
            (message("HEAD", "/files/", b"", close), 200, b""),
            (message("GET", "/files/a", b"", {"If-None-Match": stored["etag"], **close}), 304, b""),
            (message("OPTIONS", "/files/a", b"", close), 204, b""),
        ):
            head, _, body = (await raw(house, data)).partition(b"\r\n\r\n")
            assert head.startswith(f"HTTP/1.1 {status} ".encode())
            assert body == b""
            assert length in head.lower()
            assert (status != 204) or (b"content-length" not in head.lower())


async def test_the_server_as_such_says_what_it_takes() -> None:
    async with opened() as house:
        answer = await ask(house.client.port or 0, message("OPTIONS", "*"))

        assert (answer.status, answer.body) == (204, b"")
        assert {"GET", "PUT", "DELETE"} <= set(answer.headers["allow"].split(", "))
        assert answer.headers["server"] == "noclobber"


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("http://localhost/files/a", "localhost", 200),
        ("http://localhost:8080/files/a?x=http://y/", "localhost", 200),
        ("HTTP://LOCALHOST/files/a", "localhost", 200),
        ("https://files.example/files/a", "localhost", 200),
        ("http://127.0.0.1/files/a", "evil.example", 200),
        ("http://evil.example/files/a", "localhost", 421),
        ("http://user@localhost/files/a", "localhost", 400),
        ("/files/a", "localhost", 200),
        ("/files/a", "LocalHost:8080", 200),
        ("/files/a", "localhost:", 200),
        ("/files/a", "127.0.0.1:8080", 200),
        ("/files/a", "[::1]", 200),
        ("/files/a", "[::1]:8080", 200),
        ("/files/a", "[2001:db8::1]:8080", 200),
        ("/files/a", "files.example", 200),
        ("/files/a", "files.example:443", 200),
        ("/files/a", "files.example.evil.example", 421),
        ("/files/a", "evil.example", 421),
        ("/files/a", "evil.example:127.0.0.1", 400),
        ("/files/a", "localhost@evil.example", 400),
        ("/files/a", "localhost/evil.example", 400),
        ("/files/a", "localhost:x", 400),
        ("/files/a", "::1", 400),
        ("/files/a", "[::1", 400),
        ("/files/a", "[127.0.0.1]", 421),
        ("/files/a", "0x7f.1", 421),
        ("/files/a", "localhost, evil.example", 400),
        ("/files/a", "", 400),
    ],
)
async def test_the_host_that_is_asked_is_ours_or_refused(
    target: str, host: str, status: int
) -> None:
    async with opened(http=HttpSettings(hosts=frozenset({"files.example"}))) as house:
        await sent(house, "a", b"one")
        answer = await ask(house.client.port or 0, message("GET", target, b"", {"Host": host}))

        assert answer.status == status
        assert "evil" not in str({**answer.headers, "link": ""})


async def test_a_page_of_another_host_does_not_pass_by_an_absolute_address() -> None:
    async with opened() as house:
        headers = {"Host": "evil.example", "Origin": "http://evil.example"}
        data = message("PUT", "http://localhost/files/a", b"x", headers)
        answer = await ask(house.client.port or 0, data)

        assert (answer.status, answer.json["type"]) == (403, "/problems/cross-site")


async def test_what_asks_a_stopping_server_is_refused_and_the_connection_ends() -> None:
    async with opened() as house:
        kept = await Wire.connect(house.client.port or 0)
        uploading = await Wire.connect(house.client.port or 0)
        assert (await kept.ask(message("GET", "/files/"))).status == 200
        await uploading.send(
            put("/files/a", b"", {"Content-Length": "3", "Expect": "100-continue"})
        )
        assert await uploading.reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        await uploading.reader.readline()
        house.health.stop()

        refused = await kept.ask(put("/files/b", b"two"))
        finished = await uploading.ask(b"one")

        assert (refused.status, refused.json["type"]) == (503, "/problems/unavailable")
        assert "retry-after" in refused.headers
        assert finished.status == 201
        for wire, answer in ((kept, refused), (uploading, finished)):
            assert answer.headers["connection"] == "close"
            assert await wire.reader.read() == b""
            await wire.close()
