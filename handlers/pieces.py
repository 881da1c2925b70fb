"""/uploads/{id}: one address for what arrives in pieces and for what a conflict has parked.

Which dialect a request speaks is in its headers.
"""

from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from handlers.dialects import DIALECT
from handlers.form_answers import NOT_KEPT
from handlers.identity import principal_of
from handlers.parked import Parked
from handlers.parts import Parts
from handlers.tus import RESUMABLE, SPOKEN, Tus
from uploads.failures import ArrivedAlready, NotThere


@dataclass(frozen=True, slots=True)
class Pieces:
    parts: Parts
    tus: Tus
    parked: Parked

    async def get(self, request: web.Request) -> web.StreamResponse:
        if request.method == "HEAD" and RESUMABLE in request.headers:
            return await self.tus.head(request)
        return await self.parked.get(request)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Gives it up, however far it has come; no dialect needs to be spoken for that."""
        if RESUMABLE in request.headers:
            request[DIALECT] = SPOKEN
        try:
            await self.parts.resuming.cancel(request.match_info["id"], principal_of(request))
        except (NotThere, ArrivedAlready):
            return await self.parked.delete(request)
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=NOT_KEPT)
