"""/remote.php/dav/files/<user>/: the one tree, under the address of whoever asks for it."""

from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from handlers.nextcloud import people
from handlers.parts import Parts
from handlers.webdav.methods import WebDav
from handlers.webdav.mount import Mount
from uploads.refused import RefusedUploads

FILES: Final = "/remote.php/dav/files/"


@dataclass(frozen=True, slots=True)
class Files:
    parts: Parts
    refused: RefusedUploads = field(default_factory=RefusedUploads)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["user"]
        webdav = self.of(name)
        webdav.speak(request)
        people.demand(self.parts, request, name)
        return await webdav.answer(request)

    def of(self, name: str) -> WebDav:
        return WebDav(self.parts, Mount(f"{FILES}{name}/", self.parts.names), self.refused)
