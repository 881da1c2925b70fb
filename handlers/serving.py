"""Sending stored bytes: conditional, in ranges, by a thread, and so that no browser runs them."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from handlers import asking, bodies, descriptions, sending
from handlers.headers import conditions, digests, dispositions, ranges
from handlers.headers.names import (
    IF_MODIFIED_SINCE,
    RANGE,
    WANT_REPR_DIGEST,
)
from handlers.problems import Refusal, of_outcome, of_type
from uploads.collisions import Stale
from uploads.conditions import Current
from uploads.files import StoredFile
from uploads.foretelling import identity
from uploads.ports import Reading
from uploads.resting import BytesReading
from uploads.settling import Outcome

# Shown in place by browsers; nothing that can carry a script (HTML, SVG, XML, PDF) is among them.
PASSIVE_TYPES: Final = frozenset(
    {"text/plain", "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"}
    | {"audio/mpeg", "audio/ogg", "audio/flac", "video/mp4", "video/webm"}
)
READ_AT_ONCE = 64 << 10
FULL, PARTIAL, NOT_MODIFIED = 200, 206, 304


@lru_cache(256)
def safe_headers(media_type: str, name: str) -> CIMultiDictProxy[str]:
    """For whatever somebody uploaded, to be copied. The type is our word, never theirs."""
    passive = media_type in PASSIVE_TYPES
    shown = f"{media_type}; charset=utf-8" if media_type == "text/plain" else media_type
    said = {
        "Content-Type": shown if passive else "application/octet-stream",
        "Content-Disposition": dispositions.for_download(name, inline=passive),
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "Cache-Control": "private, no-cache",
        "Accept-Ranges": "bytes",
    }
    return CIMultiDictProxy(CIMultiDict(said))


async def serve(
    request: web.Request,
    file: StoredFile,
    reading: Reading,
    known: Mapping[str, bytes],
    dated: float | None = None,
) -> web.StreamResponse:
    """GET or HEAD of one version, in the order of RFC 9110 section 13.2.2. Closes the reading.

    `dated`: what its owner calls the time of its last change, where the door tells of that. It may
    be that of other versions, too, or lie before theirs, so that it serves as no condition.
    """
    stored = file.version.stored
    told = stored if dated is None else dated
    try:
        headers = safe_headers(file.content.media_type, file.path.name).copy()
        headers["ETag"] = file.etag
        headers["Last-Modified"] = descriptions.http_date(told)
        if WANT_REPR_DIGEST in request.headers and (digested := _digests(request, file, known)):
            headers["Repr-Digest"] = digests.header(digested)
        if _unchanged(request, file, by_date=int(told) == int(stored)):
            return web.Response(status=NOT_MODIFIED, headers=headers)
        if isinstance(reading, BytesReading) and _is_for_all(request):
            return web.Response(body=reading.data, headers=headers)
        return await _body(request, file, reading, headers)
    finally:
        reading.close()


def _digests(
    request: web.Request, file: StoredFile, known: Mapping[str, bytes]
) -> Mapping[str, bytes]:
    """What was declared of it; and its identity to those who ask for that, as others may not know
    what to do with an algorithm that is in no registry.
    """
    name, value = identity(file.content)
    wanted = digests.is_wanted(name, request.headers.getall(WANT_REPR_DIGEST, []))
    return {**known, name: value} if wanted else known


def _unchanged(request: web.Request, file: StoredFile, *, by_date: bool) -> bool:
    """True for a 304; a failed If-Match or If-Unmodified-Since is a refusal."""
    condition, stored = asking.condition(request), file.version.stored
    if not by_date:
        condition = replace(condition, unmodified_since=None)
    if not condition.rests_on(Current(file.etag, stored)):
        stale = Stale(file)
        raise Refusal(of_outcome(Outcome(stale, file.path), stale))
    if condition.if_none_match is not None:
        return not condition.if_none_match_holds(file.etag)
    asked = request.headers.get(IF_MODIFIED_SINCE) if by_date else None
    return asked is not None and conditions.modified_after(asked, stored) is False


def _is_for_all(request: web.Request) -> bool:
    """As most are: for the bytes, and not for some of them."""
    return request.method == "GET" and RANGE not in request.headers


async def _body(
    request: web.Request, file: StoredFile, reading: Reading, headers: CIMultiDict[str]
) -> web.StreamResponse:
    wanted = _wanted(request, file, reading.size)
    if isinstance(wanted, ranges.Whole):
        return await _send(request, reading, 0, reading.size, FULL, headers)
    if isinstance(wanted, ranges.Unsatisfiable):
        raise Refusal(
            of_type(
                "no-such-range",
                f'"{file.path}" has {reading.size:,} bytes.',
                Content_Range=f"bytes */{reading.size}",
            )
        )
    if len(wanted) == 1:
        (span,) = wanted
        headers["Content-Range"] = span.content_range(reading.size)
        return await _send(request, reading, span.start, span.length, PARTIAL, headers)
    return await _send_parts(request, reading, wanted, headers)


def _wanted(
    request: web.Request, file: StoredFile, size: int
) -> ranges.Whole | ranges.Unsatisfiable | list[ranges.Span]:
    asked = request.headers.get(RANGE)
    if asked is None or request.method != "GET":
        return ranges.Whole()
    if_range = request.headers.get("If-Range")
    if if_range is not None and not conditions.if_range_holds(if_range, file.etag):
        return ranges.Whole()
    return ranges.parse_range(asked, size)


async def _send(
    request: web.Request,
    reading: Reading,
    start: int,
    count: int,
    status: int,
    headers: CIMultiDict[str],
) -> web.StreamResponse:
    is_head = request.method == "HEAD"
    if not is_head and (reading.fileno() is None or count <= READ_AT_ONCE):
        body = await reading.read(start, count)
        return web.Response(body=body, status=status, headers=headers)
    stream = web.StreamResponse(status=status, headers=headers)
    stream.content_length = count
    await stream.prepare(request)
    if not is_head:
        await _send_span(request, stream, reading, start, count)
    await stream.write_eof()
    return stream


async def _send_span(
    request: web.Request, stream: web.StreamResponse, reading: Reading, start: int, count: int
) -> None:
    """By a thread where the bytes are in a file and go out as they are, else in pieces."""
    descriptor, transport = reading.fileno(), request.transport
    if transport is None:
        raise ConnectionResetError
    if descriptor is not None and transport.get_extra_info("sslcontext") is None:
        await request.writer.drain()
        patience = request[bodies.LENDER].send_idle
        await sending.send_file(transport, descriptor, start, count, patience)
        return
    async for piece in reading.pieces(start, count):
        await stream.write(piece)


async def _send_parts(
    request: web.Request, reading: Reading, spans: list[ranges.Span], headers: CIMultiDict[str]
) -> web.StreamResponse:
    """multipart/byteranges, RFC 9110 section 14.6."""
    boundary = secrets.token_hex(16)
    type_ = headers["Content-Type"]
    heads = [
        f"\r\n--{boundary}\r\nContent-Type: {type_}\r\n"
        f"Content-Range: {span.content_range(reading.size)}\r\n\r\n".encode()
        for span in spans
    ]
    end = f"\r\n--{boundary}--\r\n".encode()
    headers["Content-Type"] = f"multipart/byteranges; boundary={boundary}"
    stream = web.StreamResponse(status=PARTIAL, headers=headers)
    stream.content_length = sum(map(len, heads)) + sum(s.length for s in spans) + len(end)
    await stream.prepare(request)
    for head, span in zip(heads, spans, strict=True):
        await stream.write(head)
        await _send_span(request, stream, reading, span.start, span.length)
    await stream.write(end)
    await stream.write_eof()
    return stream
