"""What aiohttp does by itself, made to speak our language.

With `conversation` the one place that knows its inner parts: what its parser refuses never reaches
a handler, its own answer to `Expect` comes before one, and how far a connection is stands in
private fields.
Knows no file, no name and no rule.
"""

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, cast

from aiohttp import web, web_protocol
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpRequestParser, HttpVersion10, HttpVersion11, RawRequestMessage
from aiohttp.http_exceptions import (
    BadHttpMethod,
    BadStatusLine,
    InvalidURLError,
    LineTooLong,
)
from aiohttp.streams import StreamReader

from handlers import bodies, sending
from handlers.conversation import Conversation
from handlers.gate import GATE, NETWORK, SURPLUS, UNSPOKEN, Gate, Handler
from handlers.headers.names import EXPECT
from handlers.lending import Loan
from handlers.problems import Problem, of_type, of_unknown_method

SPOKEN = (HttpVersion11, HttpVersion10)
# Stands in for a request that could not be read; answered in the version that we speak.
UNREAD = web_protocol.ERROR._replace(version=HttpVersion11)
# The parser quotes the line that it refuses; a word of RFC 9110 section 5.6.2 is a method at least.
METHOD = re.compile(r"b'([!#$%&*+.^_`|~0-9A-Za-z-]+) ")
# Until the program says otherwise.
UNBOUNDED = 1 << 30
# Among so many of those who have been silent for the longest, one that can go is looked for.
LOOKED_AT = 512
TOO_MANY_HEADERS = "Too many headers received"

# Finds the handler of a request where the router need not look for it.
Shortcut = Callable[[web.Request], Handler | None]
SHORTCUT: web.AppKey[Shortcut] = web.AppKey("shortcut")


class Request(web.Request):
    """Its answer is dressed by the gate, whatever the answer is and whoever made it."""

    # Of what is noted with a request most is not there, and a mapping would raise it to know that.
    def get(self, key: Any, default: Any = None) -> Any:  # noqa: ANN401 - as aiohttp has it
        return self._state.get(key, default)

    def __contains__(self, key: object) -> bool:
        return key in self._state

    # It would look each time whether the key is one.
    def __setitem__(self, key: Any, value: Any) -> None:  # noqa: ANN401 - as above
        self._state[key] = value

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        cast("Connection", self.protocol).gate.dress(self, response)


class Connection(Conversation):
    """One client. A request that cannot be read is answered by the gate, then nothing more is."""

    __slots__ = ("_gone", "_patience", "gate", "is_surplus", "network")

    def __init__(
        self,
        server: "Server",
        gate: Gate,
        loop: asyncio.AbstractEventLoop,
        **options: Any,  # noqa: ANN401 - as aiohttp takes them
    ) -> None:
        super().__init__(server, loop=loop, **options)
        self.gate = gate
        self._gone = asyncio.Event()
        self._patience: asyncio.TimerHandle | None = None
        # From where; empty for a proxy, which is as many as it speaks for.
        self.network = ""
        self.is_surplus = False

    @property
    def send_idle(self) -> float:
        return self.gate.http.send_idle

    @property
    def is_idle(self) -> bool:
        """No request is under way or waits to be."""
        return self._current_request is None and not self._messages

    @property
    def is_silent(self) -> bool:
        """Not one request has come."""
        return self._request_count == 0

    def lines_of_all(self, request: web.BaseRequest, response: web.Response) -> bytes:
        return self.gate.lines(cast("web.Request", request), response)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.network = self.gate.network(transport.get_extra_info("peername"))
        if isinstance(self._manager, Server):
            self._manager.make_room(self)
        # So that writing is paused just while anything waits to be sent, and so is watched.
        cast("asyncio.Transport", transport).set_write_buffer_limits(0)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_progress()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_waiting()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._stop_waiting()
        self._gone.set()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 0,  # noqa: ARG002 - the table of problems knows it
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - in words that are not ours
    ) -> web.StreamResponse:
        """What escaped from outside the gate. A half-sent answer cannot become another one."""
        if request.writer.output_size > 0:
            raise ConnectionError("a part of an answer has been sent")
        return self.gate.refuse_broken(cast("web.Request", request), exc)

    def _make_error_handler(
        self,
        err_info: Any,  # noqa: ANN401 - a private type
    ) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            reason = " ".join(str(err_info.message).split())
            problem = self._problem(err_info.exc)
            response = self.gate.refuse_unread(cast("web.Request", request), problem, reason)
            await response.prepare(request)
            await response.write_eof()
            await self._hear_out()
            return response

        return answer

    def _problem(self, broken: BaseException) -> Problem:
        text = str(getattr(broken, "message", ""))
        if isinstance(broken, LineTooLong) or text == TOO_MANY_HEADERS:
            return of_type(
                "headers-too-large",
                f"The address and each header may have {self.max_field_size:,} bytes,"
                f" and there may be {self.max_headers} headers.",
            )
        if isinstance(broken, InvalidURLError):
            return of_type(
                "malformed-request",
                "The address holds a character that has to be percent-encoded.",
            )
        method = METHOD.search(text) if isinstance(broken, BadHttpMethod) else None
        if method is not None:
            return of_unknown_method(method[1])
        if isinstance(broken, BadStatusLine) and not isinstance(broken, BadHttpMethod):
            return of_type(
                "malformed-request",
                "The first line of a request is a method, an address and HTTP/1.1, with one space"
                " between them. Write a space in the address as %20.",
            )
        what = text.partition("\n")[0].partition(":")[0].rstrip(".")
        return of_type("malformed-request", f"This is not well-formed HTTP/1.1: {what}.")

    def _await_progress(self) -> None:
        if self.transport is not None:
            left = sending.untaken(self.transport)
            self._patience = self._loop.call_later(self.send_idle, self._hang_up_unless_taken, left)

    def _hang_up_unless_taken(self, left: int) -> None:
        """A reader who takes nothing would hold its connection for ever, even a closing one."""
        if self.transport is None:
            return
        if sending.untaken(self.transport) >= left:
            sending.hang_up(self.transport)
        else:
            self._await_progress()

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def lend(self, left: int) -> Loan | None:
        """Implements `bodies.Lender`: nothing is read by us until it is taken back."""
        if self.transport is None or self.transport.get_extra_info("sslcontext") is not None:
            return None
        own = self.transport.get_extra_info("socket")
        if own is None or self.transport.is_closing():
            return None
        try:
            ours = own.dup()
        except OSError:
            # Too much is open for one more.
            return None
        self._pause_reading_for_buffer()
        return Loan(ours, left)

    def take_back(self, loan: Loan) -> None:
        """The parser knows nothing of what was drawn: after a whole body a new one takes over."""
        loan.close()
        if loan.left == 0 and self._current_request is not None and self._parser is not None:
            self._parser = self._new_parser()
            self._current_request.content.feed_eof()
        self._resume_reading_for_buffer()

    def _new_parser(self) -> HttpRequestParser:
        return HttpRequestParser(
            self,
            self._loop,
            self._read_bufsize,
            max_line_size=self.max_line_size,
            max_field_size=self.max_field_size,
            max_headers=self.max_headers,
            payload_exception=web.RequestPayloadError,
            auto_decompress=False,
            max_msg_queue_size=web_protocol.MAX_MSG_QUEUE_SIZE,
        )

    async def _hear_out(self) -> None:
        """Reads on for a while, as in `bodies.answer_early`; from now on nothing is understood."""
        self.close()
        if self.transport is None or not self.transport.can_write_eof():
            return
        self.transport.write_eof()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.gate.http.drain_time):
                await self._gone.wait()


class Server(web.Server):
    """Makes our connections, and requests that aiohttp answers no `Expect` of.

    `room`: how many connections there may be. Past it the one that has asked nothing for the
    longest makes way, so that those who only connect keep nobody out. `each`: from one address.
    Past it one of the same address makes way; where all are busy, the new one is told so.
    """

    def __init__(self, made: web.Server, gate: Gate, shortcut: Shortcut) -> None:
        super().__init__(
            self._answer,
            request_factory=self._request,
            handler_cancellation=made.handler_cancellation,
            loop=made._loop,  # noqa: SLF001
            **made._kwargs,  # noqa: SLF001
        )
        self._routed = made.request_handler
        self._gate = gate
        self._shortcut = shortcut
        self.room = self.each = UNBOUNDED
        # By when they last asked something, or came.
        self._by_last_word: dict[Connection, None] = {}
        self._by_network: dict[str, dict[Connection, None]] = {}

    def __call__(self) -> Connection:
        return Connection(self, self._gate, self._loop, **self._kwargs)

    def bound(self, room: int, each: int) -> None:
        """However much one address may have, it leaves a part of the room to the others."""
        self.room, self.each = room, min(each, room * 3 // 4)

    def make_room(self, newcomer: Connection) -> None:
        self._by_last_word[newcomer] = None
        if newcomer.network:
            self._find_place(newcomer)
        if len(self._by_last_word) <= self.room:
            return
        for one in tuple(itertools.islice(self._by_last_word, LOOKED_AT)):
            if one.is_idle:
                self._dismiss(one)
                return
            # A request is under way: it is as good as new, so that the next search is short.
            self._note_word(one)
        self._dismiss(newcomer)

    def _find_place(self, newcomer: Connection) -> None:
        """Among those from where it comes."""
        own = self._by_network.setdefault(newcomer.network, {})
        own[newcomer] = None
        if len(own) <= self.each:
            return
        for one in itertools.islice(own, LOOKED_AT):
            if one.is_idle and one is not newcomer:
                self._dismiss(one)
                break
        newcomer.is_surplus = len(own) > self.each
        # Beside those who wait to be told so there must be an end, too.
        if len(own) > 2 * self.each:
            self._dismiss(newcomer)

    def _dismiss(self, connection: Connection) -> None:
        self._forget(connection)
        connection.force_close()

    def _forget(self, connection: Connection) -> None:
        self._by_last_word.pop(connection, None)
        own = self._by_network.get(connection.network)
        if own is not None:
            own.pop(connection, None)
            if not own:
                del self._by_network[connection.network]

    def _note_word(self, connection: Connection) -> None:
        if self._by_last_word.pop(connection, self) is None:
            self._by_last_word[connection] = None

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        if isinstance(handler, Connection):
            self._forget(handler)
        super().connection_lost(handler, exc)

    def busy(self) -> list[Connection]:
        return [one for one in self._ours() if not one.is_idle]

    def silent(self) -> list[Connection]:
        return [one for one in self._ours() if one.is_silent]

    async def hang_up_on_silence(self, header_time: float) -> None:
        """Ends connections whose first request is not there in time; aiohttp times only others."""
        known: set[Connection] = set()
        while True:
            await asyncio.sleep(header_time / 2)
            silent = set(self.silent())
            for connection in silent & known:
                connection.force_close()
            known = silent

    def _ours(self) -> list[Connection]:
        return [one for one in self.connections if isinstance(one, Connection)]

    def _answer(self, request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        asked = cast("Request", request)
        return self._gate.answer(asked, self._shortcut(asked) or self._routed)

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        if message is web_protocol.ERROR:
            message = UNREAD
        version, expected = message.version, message.headers.get(EXPECT)
        if version not in SPOKEN:
            message = message._replace(version=HttpVersion11, should_close=True)
        if message.upgrade:
            # What came with it the parser takes for the other protocol, and throws away: who sent
            # it shall know that there will be no answer.
            message = message._replace(should_close=True)
        if expected is not None:
            headers = message.headers.copy()
            del headers["Expect"]
            message = message._replace(headers=type(message.headers)(headers))
        asking = cast("Connection", protocol)
        noted: dict[web.RequestKey[Any] | str, Any] = {
            bodies.LENDER: asking,
            NETWORK: asking.network,
        }
        request = Request(message, payload, protocol, writer, task, self._loop, state=noted)
        if version not in SPOKEN:
            request[UNSPOKEN] = f"HTTP/{version.major}.{version.minor}"
        if expected is not None:
            request[bodies.EXPECTED] = expected
        self._note_word(asking)
        if asking.is_surplus:
            request[SURPLUS] = True
        return request


class Runner(web.AppRunner):
    """aiohttp's runner, with our server in it."""

    __slots__ = ()

    async def _make_server(self) -> Server:
        return Server(await super()._make_server(), self.app[GATE], self.app[SHORTCUT])

    @property
    def answering(self) -> Server:
        if not isinstance(self.server, Server):
            raise TypeError("the runner has not been set up")
        return self.server
