"""What pages of other origins may do from a browser: nothing, but for those that are configured.

No origin is ever reflected that is not, and none may use credentials that the browser keeps.
"""

from collections.abc import Collection
from http import HTTPStatus

from aiohttp import web

from handlers.headers.names import ORIGIN

METHODS = "GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS"
TAKEN = (
    "Authorization, Content-Digest, Content-Disposition, Content-MD5, Content-Type,"
    " Idempotency-Key, If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since,"
    " Prefer, Range, Repr-Digest, Slug, Want-Repr-Digest, Tus-Resumable, Upload-Checksum,"
    " Upload-Complete, Upload-Concat, Upload-Defer-Length, Upload-Draft-Interop-Version,"
    " Upload-Length, Upload-Metadata, Upload-Offset, X-HTTP-Method-Override, X-Request-Id,"
    " X-Requested-With"
)
EXPOSED = (
    "ETag, Location, Link, Retry-After, Content-Range, Repr-Digest, Want-Repr-Digest,"
    " Content-Disposition, Content-Location, Idempotency-Replayed, X-Request-Id, Upload-Offset,"
    " Upload-Length, Upload-Expires, Upload-Metadata, Upload-Concat, Upload-Defer-Length,"
    " Upload-Complete, Upload-Limit, Upload-Draft-Interop-Version, Tus-Resumable, Tus-Version,"
    " Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm"
)
# As long as any browser keeps it.
MAX_AGE = "7200"


def is_welcome(request: web.BaseRequest, origins: Collection[str]) -> bool:
    return request.headers.get(ORIGIN) in origins


def is_preflight(request: web.BaseRequest) -> bool:
    """The browser asks on its own, and without the credentials that will come later."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def preflight() -> web.Response:
    return web.Response(
        status=HTTPStatus.NO_CONTENT,
        headers={
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": TAKEN,
            "Access-Control-Max-Age": MAX_AGE,
        },
    )


def dress(request: web.BaseRequest, response: web.StreamResponse, origins: Collection[str]) -> None:
    """With origins configured every answer depends on who asks, also that to another one."""
    if not origins:
        return
    headers = response.headers
    headers.add("Vary", "Origin")
    if not is_welcome(request, origins):
        return
    headers["Access-Control-Allow-Origin"] = request.headers[ORIGIN]
    if is_preflight(request):
        return
    headers["Access-Control-Expose-Headers"] = EXPOSED
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
