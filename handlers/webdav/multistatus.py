"""207 Multi-Status (RFC 4918 section 13), written while it is found out. Knows no property."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from functools import lru_cache
from http import HTTPStatus

from aiohttp import web

from handlers.gate import GATE
from handlers.problem_types import TYPES
from handlers.webdav import xml

MULTI_STATUS, FINE = 207, 200
BEGINNING = f'{xml.HEAD}<D:multistatus xmlns:D="{xml.DAV}">\n'
END = "</D:multistatus>\n"
# So many characters wait for a reader who is slow, whatever it has asked for.
PIECE = 128 << 10
HEADERS = {"Content-Type": "application/xml; charset=utf-8", "Cache-Control": "private, no-cache"}


@lru_cache(32)
def status_line(status: int) -> str:
    return f"<D:status>HTTP/1.1 {status} {HTTPStatus(status).phrase}</D:status>"


def propstats(groups: Mapping[str | None, Iterable[str]]) -> str:
    """By type of problem (None: there is none), the properties that it concerns."""
    return "".join(
        f"<D:propstat><D:prop>{''.join(properties)}</D:prop>"
        f"{status_line(FINE if slug is None else TYPES[slug].status)}{_why(slug)}</D:propstat>"
        for slug, properties in groups.items()
    )


def _why(slug: str | None) -> str:
    if slug != "protected-property":
        return ""
    return "<D:error><D:cannot-modify-protected-property/></D:error>"


def response(href: str, inner: str) -> str:
    return f"<D:response><D:href>{xml.escape(href)}</D:href>{inner}</D:response>\n"


def refused(href: str, slug: str, inner: str = "") -> str:
    """Of one resource, or of what is missing in the list."""
    return response(href, status_line(TYPES[slug].status) + inner)


def pieces(responses: Iterable[str]) -> Iterator[str]:
    """What follows a piece is rendered once that is taken."""
    held: list[str] = []
    length = 0
    for one in responses:
        held.append(one)
        length += len(one)
        if length >= PIECE:
            yield "".join(held)
            held, length = [], 0
    if held:
        yield "".join(held)


async def listed(responses: Iterable[str]) -> AsyncIterator[str]:
    for piece in pieces(responses):
        yield piece


async def stream(request: web.Request, parts: AsyncIterator[str]) -> web.StreamResponse:
    """What the first part raises is still an answer of its own."""
    first = await anext(parts)
    answer = web.StreamResponse(status=MULTI_STATUS, headers=HEADERS)
    await answer.prepare(request)
    await answer.write((BEGINNING + first).encode())
    async for part in parts:
        request.app[GATE].check_still(request)
        await answer.write(part.encode())
        # A reader who takes all at once makes nobody wait, and so would give nobody else a turn.
        await asyncio.sleep(0)
    await answer.write_eof(END.encode())
    return answer


def whole(responses: str) -> web.Response:
    return web.Response(
        status=MULTI_STATUS, headers=HEADERS, body=(BEGINNING + responses + END).encode()
    )
