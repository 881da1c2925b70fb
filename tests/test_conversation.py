"""How requests of one connection follow each other, and that none of them goes astray."""

import asyncio
import re

import pytest
from aiohttp import web, web_protocol
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser
from aiohttp.test_utils import make_mocked_request

from handlers import conversation, protocol
from handlers.parts import HttpSettings
from tests.doors import opened, sent
from tests.wire import Wire, message, put

ADDRESSES = (
    "",
    "a",
    "a/b",
    "a/",
    "?q",
    "a?x=/y",
    "a%2Fb",
    "%66",
    "a%0Ab",
    "//",
    "../x",
    "a#b",
    "{path}",
)
METHODS = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST", "PATCH", "PROPFIND")


async def parsed(method: str, target: str) -> web.Request:
    loop = asyncio.get_running_loop()
    parser = HttpRequestParser(BaseProtocol(loop), loop, 1 << 16)
    ((read, payload),), *_ = parser.feed_data(message(method, target))
    like = make_mocked_request(method, "/")
    return web.Request(read, payload, like.protocol, like.writer, like.task, loop)


@pytest.mark.parametrize("method", METHODS)
async def test_the_shortcut_finds_what_the_router_finds(method: str) -> None:
    async with opened() as house:
        made = house.client.server.app  # type: ignore[attr-defined]
        for begin in ("/files/", "/files", "/uploads/", "http://localhost/files/"):
            for address in ADDRESSES:
                target = begin + address
                request = await parsed(method, target)
                found = made[protocol.SHORTCUT](request)
                routed = await made.router.resolve(request)

                is_quick = target.startswith("/files/") and routed.http_exception is None
                assert found == (routed.handler if is_quick else None)


ASKED = {
    "a file": message("GET", "/files/a"),
    "its head": message("HEAD", "/files/a"),
    "a part of it": message("GET", "/files/a", b"", {"Range": "bytes=1-2"}),
    "two parts": message("GET", "/files/a", b"", {"Range": "bytes=0-0,2-2"}),
    "what is not there": message("GET", "/files/none"),
    "no method": message("BREW", "/files/none"),
    "an empty file": message("GET", "/files/empty"),
    "a listing": message("GET", "/files/"),
    "a page": message("GET", "/files/", b"", {"Accept": "text/html"}),
    "what can be asked": message("OPTIONS", "/files/a"),
    "a name that is taken": put("/files/a", b"two"),
    "the last of a connection": message("GET", "/files/a", b"", {"Connection": "close"}),
    "an old version": message("GET", "/files/a").replace(b"HTTP/1.1", b"HTTP/1.0"),
    "from another origin": message("GET", "/files/a", b"", {"Origin": "https://app.example"}),
}
# Of each answer its own: the time, ids and the version that a change made.
OF_ITS_OWN = re.compile(rb"(?i)\d\d:\d\d:\d\d|[0-9a-f]{16}|uploads/[\w-]{32}|\d\d:\d\d\.\d+")


@pytest.mark.parametrize("case", ASKED)
async def test_what_is_written_at_once_is_what_aiohttp_would_write(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    welcome = HttpSettings(cors_origins=frozenset({"https://app.example"}))
    async with opened(http=welcome) as house:
        await sent(house, "a", b"one")
        await sent(house, "empty", b"")
        found = []
        for _ in range(2):
            wire = await Wire.connect(house.client.port or 0)
            await wire.send(ASKED[case])
            wire.writer.write_eof()
            found.append(OF_ITS_OWN.sub(b"-", await wire.reader.read()))
            await wire.close()
            monkeypatch.setattr(conversation, "is_plain", lambda *_: False)

        heads = [sorted(one.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")) for one in found]
        assert heads[0] == heads[1]
        assert found[0].partition(b"\r\n\r\n")[2] == found[1].partition(b"\r\n\r\n")[2]


async def test_what_comes_together_is_answered_in_its_order() -> None:
    async with opened() as house:
        many = 3 * web_protocol.MAX_MSG_QUEUE_SIZE
        wire = await Wire.connect(house.client.port or 0)
        asked = [put(f"/files/{one}", b"%d" % one) for one in range(many)]
        asked += [message("GET", f"/files/{one}") for one in range(many)]
        await wire.send(b"".join(asked))
        answers = [await wire.answer() for _ in asked]
        await wire.close()

        assert [one.status for one in answers] == [201] * many + [200] * many
        assert [one.body for one in answers[many:]] == [b"%d" % one for one in range(many)]


async def test_who_asks_for_many_things_at_once_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered: list[str] = []
    write = conversation.Conversation._write

    def noted(
        self: conversation.Conversation, response: web.Response, request: web.BaseRequest
    ) -> None:
        answered.append(request.path)
        write(self, response, request)

    async with opened() as house:
        for name in ("many", "one"):
            await sent(house, name, name.encode())
        wires = [await Wire.connect(house.client.port or 0) for _ in range(2)]
        monkeypatch.setattr(conversation.Conversation, "_write", noted)
        asked = {"/files/many": 3 * web_protocol.MAX_MSG_QUEUE_SIZE, "/files/one": 1}
        for wire, (name, count) in zip(wires, asked.items(), strict=True):
            wire.writer.write(message("GET", name) * count)
        for wire, (name, count) in zip(wires, asked.items(), strict=True):
            assert [(await wire.answer()).status for _ in range(count)] == [200] * count, name
            await wire.close()

        assert answered.index("/files/one") < 5


async def test_a_body_that_nobody_reads_is_passed_over_before_the_next_request() -> None:
    async with opened() as house:
        await sent(house, "a", b"one")
        wire = await Wire.connect(house.client.port or 0)
        await wire.send(message("GET", "/files/a", b"x" * 100_000) + message("GET", "/files/a"))
        answers = [await wire.answer(), await wire.answer()]
        await wire.close()

        assert [one.body for one in answers] == [b"one", b"one"]


async def test_a_connection_that_asks_nothing_more_is_hung_up_on() -> None:
    async with opened(keep_alive=0.2) as house:
        wire = await Wire.connect(house.client.port or 0)
        assert (await wire.ask(message("GET", "/health/live"))).status == 200
        assert await wire.reader.read() == b""
        await wire.close()
