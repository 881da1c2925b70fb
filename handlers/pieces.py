"""/uploads/{id}: one address for what arrives in pieces and for what a conflict has parked.

Which dialect a request speaks is in its headers.
"""

from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from handlers import resumable
from handlers.dialects import DIALECT
from handlers.form_answers import NOT_KEPT
from handlers.identity import principal_of
from handlers.parked import Parked
from handlers.parts import Parts
from handlers.resumable import Resumable
from handlers.tus import OVERRIDE, RESUMABLE, SPOKEN, Tus
from uploads.failures import ArrivedAlready, MalformedRequest, NotThere


@dataclass(frozen=True, slots=True)
class Pieces:
    parts: Parts
    tus: Tus
    resumable: Resumable
    parked: Parked

    async def get(self, request: web.Request) -> web.StreamResponse:
        if request.method == "HEAD" and RESUMABLE in request.headers:
            return await self.tus.head(request)
        if request.method == "HEAD" and resumable.is_spoken(request, self.parts):
            return await self.resumable.head(request)
        return await self.parked.get(request)

    async def patch(self, request: web.Request) -> web.StreamResponse:
        if RESUMABLE not in request.headers and resumable.is_spoken(request, self.parts):
            return await self.resumable.patch(request)
        return await self.tus.patch(request)

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Tus 1.0: some can send no other method, and name the one that they mean."""
        meant = request.headers.get(OVERRIDE) if RESUMABLE in request.headers else None
        match meant:
            case None | "POST":
                return await self.parked.post(request)
            case "PATCH":
                return await self.patch(request)
            case "DELETE":
                return await self.delete(request)
            case "HEAD":
                return await self.tus.head(request)
            case _:
                raise MalformedRequest(f"{OVERRIDE} takes PATCH, DELETE or HEAD here.")

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Gives it up, however far it has come; no dialect needs to be spoken for that."""
        if RESUMABLE in request.headers:
            request[DIALECT] = SPOKEN
        try:
            await self.parts.resuming.cancel(request.match_info["id"], principal_of(request))
        except (NotThere, ArrivedAlready):
            return await self.parked.delete(request)
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=NOT_KEPT)
