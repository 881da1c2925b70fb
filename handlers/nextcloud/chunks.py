"""/remote.php/dav/uploads/<user>/<upload>/: files in numbered pieces, as Nextcloud has them.

MKCOL begins an upload, PUT brings pieces, PROPFIND tells which are here, and MOVE of `.file` makes
a file of them, under the conditions that it names. Knows no rule.
"""

import re
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from aiohttp import web

from handlers import asking, bodies
from handlers.descriptions import http_date
from handlers.nextcloud import people
from handlers.nextcloud.files import Files
from handlers.parts import Parts
from handlers.problems import Refusal, of_type
from handlers.webdav import if_header, multistatus, xml
from handlers.webdav.methods import WebDav
from handlers.webdav.props import asked_in, read
from handlers.webdav.xml import DAV
from uploads.access import Principal
from uploads.chunking import Chunk, Chunking
from uploads.conditions import Tags
from uploads.failures import MalformedRequest, NotThere
from uploads.settling import Arrival

WHOLE: Final = ".file"
TOTAL: Final = "OC-Total-Length"
NUMBER: Final = re.compile(r"([0-9]{1,18})(?:-[0-9]{1,18})?")
LONGEST_NAME: Final = 255
CREATED, NO_CONTENT = 201, 204

Method = Callable[["Asked"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Asked:
    """`piece`: the last part of the address, None where it is that of the upload itself."""

    request: web.Request
    principal: Principal
    webdav: WebDav
    upload: str
    piece: str | None


@dataclass(frozen=True, slots=True)
class Chunks:
    parts: Parts
    files: Files

    @property
    def _chunking(self) -> Chunking:
        return Chunking(self.parts.resuming, self.parts.receiver)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name, upload = request.match_info["user"], request.match_info["upload"]
        webdav = self.files.of(name)
        webdav.speak(request)
        principal = people.demand(self.parts, request, name)
        if len(upload) > LONGEST_NAME:
            raise NotThere("There is no such upload.")
        asked = Asked(request, principal, webdav, upload, request.match_info.get("piece") or None)
        methods = self._methods(asked.piece)
        method = methods.get(request.method)
        if method is None:
            raise _not_here(f"{request.method} does not work here.", methods)
        return await method(asked)

    def _methods(self, piece: str | None) -> dict[str, Method]:
        if piece is None:
            return {"MKCOL": self.begin, "PROPFIND": self.find, "DELETE": self.drop}
        if piece == WHOLE:
            return {"MOVE": self.join}
        return {"PUT": self.bring, "DELETE": self.drop_piece}

    async def begin(self, asked: Asked) -> web.StreamResponse:
        request = asked.request
        total, place = asking.length(request, TOTAL), None
        if "Destination" in request.headers:
            path = asked.webdav.mount.destination(request)
            place = Arrival("dav", path, asked.principal, size=total)
        if not await self._chunking.begin(asked.principal, asked.upload, total, place):
            detail = "This upload has begun already."
            raise _not_here(detail, self._methods(None))
        return web.Response(status=CREATED)

    async def bring(self, asked: Asked) -> web.StreamResponse:
        request = asked.request
        asking.refuse_unreadable_body(request)
        number, size = _number(asked.piece), asking.content_length(request)
        if size is None:
            raise MalformedRequest("Say in Content-Length how long this piece is.")
        async with aclosing(bodies.pieces(request, self.parts.rules.limits)) as body:
            await self._chunking.bring(
                asked.principal, asked.upload, str(asked.piece), number, size, body
            )
        return web.Response(status=CREATED)

    async def find(self, asked: Asked) -> web.StreamResponse:
        depth = if_header.depth(asked.request.headers.get("Depth"), "0", "1", if_header.INFINITE)
        wanted = asked_in(await read(self.parts, asked.request))
        chunks = await self._chunking.chunks(asked.principal, asked.upload)
        href = asked.request.raw_path.partition("?")[0].rstrip("/") + "/"
        shown = chunks if depth != "0" else ()
        parts = (_described(href + chunk.spelled, chunk, wanted.names) for chunk in shown)
        told = multistatus.listed(chain((_described(href, None, wanted.names),), parts))
        with self.parts.listings.place(asked.principal):
            return await multistatus.stream(asked.request, told)

    async def drop(self, asked: Asked) -> web.StreamResponse:
        await self._chunking.drop(asked.principal, asked.upload)
        return web.Response(status=NO_CONTENT)

    async def drop_piece(self, asked: Asked) -> web.StreamResponse:
        await self._chunking.drop_chunk(asked.principal, asked.upload, _number(asked.piece))
        return web.Response(status=NO_CONTENT)

    async def join(self, asked: Asked) -> web.StreamResponse:
        """Every condition speaks of the file that will be: nobody else has a piece to protect."""
        request, webdav = asked.request, asked.webdav
        path = webdav.mount.destination(request)
        arrival = replace(webdav.arrival(request, path), size=None, attempt=None)
        if not if_header.overwrite(request.headers.get("Overwrite")):
            condition = replace(arrival.condition, if_none_match=Tags(any=True))
            arrival = replace(arrival, condition=condition)
        with self.files.refused.until_stored(asked.principal, path):
            outcome = await self._chunking.join(
                arrival, asked.upload, asking.length(request, TOTAL)
            )
            return webdav.stored(outcome, arrival)


def _number(piece: str | None) -> int:
    found = NUMBER.fullmatch(piece or "")
    if found is None:
        raise MalformedRequest("The pieces of an upload are called by their numbers.")
    return int(found[1])


def _described(href: str, chunk: Chunk | None, names: tuple[xml.Name, ...] | None) -> str:
    """Of the upload itself, where there is no chunk."""
    known = {(DAV, "resourcetype"): "<D:collection/>"}
    if chunk is not None:
        known = {
            (DAV, "resourcetype"): "",
            (DAV, "getcontentlength"): str(chunk.size),
            (DAV, "getlastmodified"): http_date(chunk.moment),
        }
    wanted = tuple(known) if names is None else names
    groups: dict[str | None, list[str]] = {}
    for name in wanted:
        if name in known:
            groups.setdefault(None, []).append(xml.element(name, known[name]))
        else:
            groups.setdefault("not-there", []).append(xml.empty(name))
    return multistatus.response(href, multistatus.propstats(groups))


def _not_here(detail: str, methods: dict[str, Method]) -> Refusal:
    return Refusal(of_type("method-not-allowed", detail, Allow=", ".join(methods)))
