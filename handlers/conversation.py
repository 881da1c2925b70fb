"""How the requests of one connection follow each other, in fewer steps than aiohttp takes.

Knows aiohttp's inner parts, as `protocol` does, and nothing of what is asked.
"""

import asyncio
from contextlib import suppress
from typing import Any

from aiohttp import web, web_protocol
from aiohttp.http import StreamWriter
from aiohttp.streams import StreamReader


class Conversation(web.RequestHandler):
    """All requests of a connection are answered in its one task. aiohttp makes a task for each, so
    that it may have context variables of its own, of which we have none.
    """

    __slots__ = ()

    async def start(self) -> None:
        goes_on = True
        while goes_on and not self._force_close:
            if not self._messages:
                await self._until_asked()
            message, payload = self._messages.popleft()
            self._take_more()
            goes_on = await self._answered(message, payload)
        if not self._force_close:
            self._task_handler = None
            if self.transport is not None:
                self.transport.close()

    async def _until_asked(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

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
        """Whether there was still somebody who took the answer."""
        handler, task = self._request_handler, self._task_handler or asyncio.current_task()
        if handler is None or self._request_factory is None or task is None:
            return False
        if isinstance(message, web_protocol._ErrInfo):  # noqa: SLF001 - what the queue holds
            handler, message = self._make_error_handler(message), web_protocol.ERROR
        writer = StreamWriter(self, self._loop)
        request = self._request_factory(message, payload, self, writer, task)
        response, is_gone = await self._handle_request(request, None, handler)
        self._keepalive = bool(response.keep_alive)
        return not is_gone

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
