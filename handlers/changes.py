"""/changes: the feed, as pages of JSON that can be waited for, or as server-sent events."""

import base64
import binascii
import json
from contextlib import nullcontext
from dataclasses import dataclass

from aiohttp import web

from handlers import asking, listings
from handlers.descriptions import Json, file_href, folder_href, moment, version_members
from handlers.gate import GATE
from handlers.headers import negotiation
from handlers.identity import principal_of
from handlers.parts import Parts
from handlers.rendering import json_response
from uploads.failures import Failure, MalformedRequest
from uploads.feed import FeedPage, Line, Position
from uploads.names import Path

JSON, EVENTS = "application/json", "text/event-stream"
# So often a silent stream says that it lives, and it is looked whether anybody still waits.
PULSE = 15.0
NOT_KEPT = {"Cache-Control": "no-store", "Vary": "Accept"}
# For proxies that gather an answer before they hand it on.
UNBUFFERED = {"X-Accel-Buffering": "no"}
RETRY = b"retry: 2000\n\n"
ALIVE = b":\n\n"


@dataclass(frozen=True, slots=True)
class Changes:
    parts: Parts

    async def get(self, request: web.Request) -> web.StreamResponse:
        fields = asking.query(request)
        since = position(fields.get("since", "0"))
        limit = listings.limit(fields, listings.MOST_ENTRIES)
        if negotiation.prefers(request.headers.get("Accept"), (JSON, EVENTS)) == EVENTS:
            if "Last-Event-ID" in request.headers:
                since = position(request.headers["Last-Event-ID"])
            return await self._stream(request, since, limit)
        wait = float(asking.number(fields.get("wait") or "0", "wait"))
        if request.method == "HEAD":
            wait = 0.0
        page = await self._page(request, since, limit, min(wait, self.parts.http.feed_wait))
        lines: list[Json] = [_members(line) for line in page.lines]
        members: dict[str, Json] = {"changes": lines, "next": position_text(page.position)}
        return json_response({**members, "more": page.more}, headers=NOT_KEPT)

    async def _page(
        self, request: web.Request, since: Position | None, limit: int, wait: float
    ) -> FeedPage:
        feed, principal = self.parts.feed, principal_of(request)
        with feed.bell.place(principal) if wait else nullcontext():
            while True:
                page = await feed.follow(principal, since, limit, min(wait, PULSE))
                request.app[GATE].check_still(request)
                since, wait = page.position, wait - PULSE
                if page.lines or wait <= 0 or feed.bell.closed or request.transport is None:
                    return page

    async def _stream(
        self, request: web.Request, since: Position | None, limit: int
    ) -> web.StreamResponse:
        feed, principal = self.parts.feed, principal_of(request)
        with feed.bell.place(principal):
            # Before the answer begins, so that a refusal is one.
            page = await feed.page(principal, since, limit)
            stream = web.StreamResponse(headers={**NOT_KEPT, **UNBUFFERED})
            stream.content_type = EVENTS
            await stream.prepare(request)
            if request.method != "HEAD":
                await stream.write(RETRY)
                await self._follow(request, stream, page, limit)
        await stream.write_eof()
        return stream

    async def _follow(
        self, request: web.Request, stream: web.StreamResponse, page: FeedPage, limit: int
    ) -> None:
        """Until the client is gone, the server stops, or the client may follow no more."""
        feed, before = self.parts.feed, None
        while True:
            await stream.write(_events(page, before))
            before = page.position
            if feed.bell.closed:
                return
            try:
                page = await feed.follow(principal_of(request), before, limit, PULSE)
                request.app[GATE].check_still(request)
            except Failure:
                return


def position(text: str) -> Position | None:
    """None: now."""
    if text == "now":
        return None
    number, dot, packed = text.partition(".")
    try:
        return Position(asking.number(number, "since"), bool(dot), _unpacked(packed))
    except (MalformedRequest, ValueError, binascii.Error):
        raise MalformedRequest(
            '"since" takes the number of a change, "now", or what "next" or the id of an event'
            " said."
        ) from None


def position_text(position: Position) -> str:
    """A number; in the midst of a folder, with the place in it, which is for us to read."""
    if not position.within:
        return str(position.number)
    place = str(position.after).encode() if position.after else b""
    return f"{position.number}.{base64.urlsafe_b64encode(place).decode().rstrip('=')}"


def _unpacked(packed: str) -> Path | None:
    padded = packed + "=" * (-len(packed) % 4)
    text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    return Path(tuple(text.split("/"))) if text else None


def _members(line: Line) -> dict[str, Json]:
    href = folder_href if line.is_folder else file_href
    members: dict[str, Json] = {
        "change": line.number,
        "kind": line.kind.value,
        "at": moment(line.at),
        "type": "folder" if line.is_folder else "file",
        "href": href(line.path),
    }
    if line.source is not None:
        members["from"] = href(line.source)
    if line.part_of is not None:
        members["part_of"] = folder_href(line.part_of)
    return members | (version_members(line.version) if line.version else {})


def _events(page: FeedPage, before: Position | None) -> bytes:
    """Each line with the position after it. Without lines the position alone, which the client
    keeps for its next request; and where nothing has moved, a sign of life.
    """
    found, last = bytearray(), before
    for line in page.lines:
        if line.position is not None:
            found += f"id: {position_text(line.position)}\n".encode()
            last = line.position
        found += b"data: " + json.dumps(_members(line)).encode() + b"\n\n"
    if last != page.position:
        found += f"id: {position_text(page.position)}\n\n".encode()
    return bytes(found) or ALIVE
