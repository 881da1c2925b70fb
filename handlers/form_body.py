"""The parts of a multipart body while it comes in: heads, fields and files, one after the other.

At most a few pieces are in memory. A part that turns out to be large is drawn by a thread, which
looks for its end in what it has just received. Knows no rule and no answer.
"""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import TypeVar

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
)

from handlers import finding
from handlers.bodies import BodyTap
from handlers.headers import part_headers
from handlers.headers.part_headers import Heading
from uploads.failures import BodyTooShort, MalformedRequest

T = TypeVar("T")

HEADER_BYTES = 16 << 10
# What may come before the first part, after the last one, or as the headers of one.
BYTES_OUTSIDE_PARTS = 256 << 10
# Small parts are quicker on the event loop, many to a piece.
LARGE_PART = 1 << 20
ENDED_EARLY = "The form ended before its closing boundary."
NOT_ITS_BOUNDARY = (
    "No line of the body is the boundary that Content-Type names, with two dashes before it."
    " Leave that header to the program that makes the form."
)


@dataclass(frozen=True, slots=True)
class Head:
    """A part begins."""

    headers: list[tuple[str, str]]


class PartTap:
    """The rest of a part, up to its delimiter. Implements the port `Tap`.

    `rest`: what has been drawn and does not belong to the part, or may not. `taken`: how much does.
    """

    def __init__(self, form: "FormBody", tap: BodyTap, delimiter: bytes, held: bytes) -> None:
        self.rest = held
        self.taken = 0
        self.ended = False
        self._form = form
        self._tap = tap
        self._delimiter = delimiter

    async def ready(self) -> None:
        if not self._tap.ended:
            await self._form.watched(self._tap.ready())

    def draw(self, buffer: bytearray, start: int = 0) -> int:
        end = start + len(self.rest)
        buffer[start:end] = self.rest
        try:
            count = 0 if self._tap.ended else self._tap.draw(buffer, end)
            return self._cut(buffer, start, end + count)
        except BodyTooShort as broken:
            self._form.broken = broken
            raise

    def _cut(self, buffer: bytearray, start: int, end: int) -> int:
        cut = finding.find(buffer, self._delimiter, start, end)
        if cut < 0 and self._tap.ended:
            raise BodyTooShort(ENDED_EARLY)
        if cut < 0:
            # A delimiter may have come in part.
            cut = buffer.rfind(b"\r", max(start, end - len(self._delimiter) + 1), end)
            cut = end if cut < 0 else cut
        else:
            self.ended = True
        self.rest = bytes(buffer[cut:end])
        self.taken += cut - start
        return cut - start


Event = Head | bytes | PartTap | None


class Parser(PushMultipartParser):  # type: ignore[misc]
    """The package's parser, which can be told to go on behind what it has not seen of a part."""

    _buffer: bytes
    _segment: MultipartSegment

    @property
    def delimiter(self) -> bytes:
        return b"\r\n--" + bytes(self.boundary)

    @property
    def is_empty(self) -> bool:
        """No part has begun."""
        return bool(self._segment_count == 0)

    @property
    def is_full(self) -> bool:
        return bool(self._segment_count > self.max_segment_count)

    def held(self) -> bytes:
        """What it keeps back because it may be the beginning of a delimiter; now no longer."""
        held, self._buffer = self._buffer, b""
        return held

    def count(self, more: int) -> None:
        """Of the part, unseen. There are clients that say in its headers how long it is."""
        self._segment.bytes_received += more
        self._on_segment_payload(b"")


class FormBody:
    """The parts of a form, one after the other. `broken`: why no more of it can be read.

    `may_be_drawn`: whoever takes the part that comes now can draw from a tap.
    """

    def __init__(
        self, pieces: AsyncIterator[bytes | BodyTap], boundary: str, most_parts: int
    ) -> None:
        self._parser = Parser(
            boundary,
            max_header_size=HEADER_BYTES,
            max_segment_count=most_parts,
            header_charset="latin-1",
        )
        self._pieces = pieces
        self._most = most_parts
        self._tap: BodyTap | None = None
        self._rest = b""
        self._events = self._parse()
        self.broken: Exception | None = None
        self.may_be_drawn = False

    async def parts(self) -> AsyncIterator["Part"]:
        while isinstance(event := await self.next_event(), Head):
            part = Part(self, part_headers.heading(event.headers))
            yield part
            await part.throw_away()

    async def next_event(self) -> Event:
        """A part's head, then its pieces, then None; and None at the end of the form."""
        return await self.watched(anext(self._events, None))

    async def watched(self, reading: Awaitable[T]) -> T:
        try:
            return await reading
        except Exception as broken:
            self.broken = broken
            raise

    async def _parse(self) -> AsyncIterator[Event]:
        outside = inside = 0
        try:
            async for piece in self._drawn():
                outside += len(piece)
                for event in self._parser.parse(piece):
                    outside = 0
                    inside = inside + len(event) if isinstance(event, bytes) else 0
                    is_head = isinstance(event, MultipartSegment)
                    yield Head(event.headerlist) if is_head else event
                if outside > BYTES_OUTSIDE_PARTS:
                    raise MalformedRequest("The form holds too much that belongs to no part of it.")
                if inside >= LARGE_PART and self._tap is not None and self.may_be_drawn:
                    tap = PartTap(self, self._tap, self._parser.delimiter, self._parser.held())
                    yield tap
                    self._rest, inside = tap.rest, 0
                    self._parser.count(tap.taken)
        except MultipartError as error:
            raise self._unreadable(error) from error
        try:
            self._parser.close()
        except MultipartError as error:
            raise self._unended() from error

    def _unreadable(self, error: MultipartError) -> MalformedRequest:
        if self._parser.is_full:
            return MalformedRequest(
                f"A form takes {self._most:,} fields and files. Send the rest in another."
            )
        return MalformedRequest(f"The form cannot be read: {error}.")

    def _unended(self) -> MalformedRequest | BodyTooShort:
        is_empty = self._parser.is_empty
        return MalformedRequest(NOT_ITS_BOUNDARY) if is_empty else BodyTooShort(ENDED_EARLY)

    async def _drawn(self) -> AsyncIterator[bytes]:
        """What is to be parsed on the event loop."""
        async for flow in self._pieces:
            if isinstance(flow, bytes):
                yield flow
                continue
            self._tap = flow
            while self._rest or not flow.ended:
                if self._rest:
                    rest, self._rest = self._rest, b""
                    yield rest
                else:
                    await flow.ready()
                    if piece := flow.read_now():
                        yield piece


class Part:
    """One part, to be read piece by piece while it is its turn."""

    def __init__(self, form: FormBody, heading: Heading) -> None:
        self.heading = heading
        self._form = form
        self._ended = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        event = await self._next()
        if not isinstance(event, bytes):
            raise StopAsyncIteration
        return event

    async def flow(self) -> AsyncIterator[bytes | PartTap]:
        """For the receiver, which can draw from a tap what is large."""
        self._form.may_be_drawn = True
        try:
            while isinstance(event := await self._next(), bytes | PartTap):
                yield event
        finally:
            self._form.may_be_drawn = False

    async def throw_away(self) -> None:
        self._form.may_be_drawn = False
        async for _ in self:
            pass

    async def _next(self) -> Event:
        event = None if self._ended else await self._form.next_event()
        self._ended = not isinstance(event, bytes | PartTap)
        return event
