"""How the requests of one connection follow each other, in fewer steps than aiohttp takes.

Knows aiohttp's inner parts, as `protocol` does, and nothing of what is asked.
"""

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import Any, TypeGuard, cast

from aiohttp import web, web_protocol
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import HttpVersion11, StreamWriter
from aiohttp.http_writer import _serialize_headers as serialized
from aiohttp.streams import StreamReader

from handlers.headers.names import CONTENT_LENGTH, CONTENT_TYPE

# Of an enumeration it would be asked for each time, which takes as long as all else in `is_plain`.
FINAL = int(HTTPStatus.OK)
END_OF_LINE = b"\r\n"
WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
WITHOUT_BODY_METHODS = frozenset({"HEAD", "CONNECT"})


def is_plain(response: web.StreamResponse, request: web.BaseRequest) -> TypeGuard[web.Response]:
    """Bytes that are all here, in an answer that needs nothing but a head before them: as nearly
    every answer is.
    """
    if (
        type(response) is not web.Response
        or response.prepared
        or CONTENT_LENGTH in response.headers
    ):
        return False
    body, status = response.body, response.status
    return (
        isinstance(body, bytes)
        and body != b""
        and status >= FINAL
        and status not in WITHOUT_BODY
        and request.method not in WITHOUT_BODY_METHODS
        and request.version == HttpVersion11
        and not (response.chunked or response.compression)
    )


class Conversation(web.RequestHandler):
    """All requests of a connection are answered in its one task. aiohttp makes a task for each, so
    that it may have context variables of its own, of which we have none.
    """

    __slots__ = ()

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001, FBT002 - as it is
        """Asked for after each short body, when as a rule nothing was paused."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def lines_of_all(self, request: web.BaseRequest, response: web.Response) -> bytes:
        """What stands in the head of every answer, as it is written."""
        raise NotImplementedError

    async def start(self) -> None:
        goes_on = True
        while goes_on and not self._force_close:
            if not self._messages:
                self._waiter = self._loop.create_future()
                try:
                    await self._waiter
                finally:
                    self._waiter = None
            message, payload = self._messages.popleft()
            self._take_more()
            goes_on = await self._answered(message, payload)
            if self._messages:
                # An answer may need nothing that is waited for, and the others have a turn, too.
                await asyncio.sleep(0)
        if not self._force_close:
            self._task_handler = None
            if self.transport is not None:
                self.transport.close()

    def _take_more(self) -> None:
        """One request less is waiting, so that those behind it may be read."""
        if self._parser is not None:
            self._parser.message_consumed()
        if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
            self._resume_reading_if_drained()

    async def _answered(
        self,
        message: Any,  # noqa: ANN401 - a request, or a private type
        payload: StreamReader,
    ) -> bool:
        """Whether the connection goes on afterwards."""
        try:
            if not await self._handled(message, payload):
                return False
            if not payload.is_eof():
                await self._pass_over(payload)
        except ConnectionError:
            return False
        except asyncio.CancelledError:
            self.force_close()
            raise
        except Exception as error:  # noqa: BLE001 - nobody else is left who could tell of it
            self.log_exception("a connection failed", exc_info=error)
            self.force_close()
        goes_on = self._keepalive and not self._close and not self._force_close
        if goes_on:
            self._time_silence()
        return goes_on

    async def _handled(
        self,
        message: Any,  # noqa: ANN401 - as above
        payload: StreamReader,
    ) -> bool:
        """Whether there was still somebody who took the answer.

        :raises ConnectionError: there was not.
        """
        handler, task = self._request_handler, self._task_handler or asyncio.current_task()
        if handler is None or self._request_factory is None or task is None:
            return False
        if isinstance(message, web_protocol._ErrInfo):  # noqa: SLF001 - what the queue holds
            handler, message = self._make_error_handler(message), web_protocol.ERROR
        writer = StreamWriter(self, self._loop)
        request = self._request_factory(message, payload, self, writer, task)
        self._request_in_progress, self._current_request = True, request
        try:
            try:
                response = await handler(request)
            except Exception as error:  # noqa: BLE001 - what the gate let pass
                response = self.handle_error(request, exc=error)
            finally:
                self._current_request = None
            is_gone = False
            if self._upgraded or not is_plain(response, request):
                response, is_gone = await self.finish_response(request, response, None)
            else:
                self._write(response, request)
                if self._paused:
                    await writer.drain()
        finally:
            self._request_in_progress = False
            if self._handler_waiter is not None:
                self._handler_waiter.set_result(None)
        self._keepalive = bool(response.keep_alive)
        return not is_gone

    def _write(self, response: web.Response, request: web.BaseRequest) -> None:
        """Head and body at once. aiohttp, which asks at each step what kind of answer it is, and
        looks at each character of what is always the same, writes the same.
        """
        body, headers = cast("bytes", response.body), response.headers
        headers.setdefault(CONTENT_TYPE, "application/octet-stream")
        if response.keep_alive is None:
            response._keep_alive = request.keep_alive  # noqa: SLF001 - as its own way of writing does
        if not response.keep_alive:
            headers["Connection"] = "close"
        lines = self.lines_of_all(request, response)
        head = serialized(f"HTTP/1.1 {response.status} {response.reason}", headers)
        response._eof_sent = True  # noqa: SLF001
        date, length = rfc822_formatted_time().encode(), len(body)
        end = b"%bDate: %b\r\nContent-Length: %d\r\n\r\n" % (lines, date, length)
        writer = cast("StreamWriter", request.writer)
        writer._writelines((head.removesuffix(END_OF_LINE), end, body))  # noqa: SLF001

    async def _pass_over(self, payload: StreamReader) -> None:
        """What nobody has read of a body, as the next request stands behind it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._lingering_time):
                while not payload.is_eof() and not self._force_close:
                    await payload.readany()
        if not payload.is_eof() and not self._force_close:
            self.close()

    def _time_silence(self) -> None:
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(
                self._next_keepalive_close_time, self._process_keepalive
            )
