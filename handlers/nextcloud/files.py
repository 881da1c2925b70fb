"""/remote.php/dav/files/<user>/: the one tree, under the address of whoever asks for it; and under
the old address, which names nobody.
"""

from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from handlers.nextcloud import people
from handlers.parts import Parts
from handlers.webdav.methods import WebDav
from handlers.webdav.mount import Mount
from uploads.refused import RefusedUploads

FILES: Final = "/remote.php/dav/files/"
OLD: Final = "/remote.php/webdav/"


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

    async def answer_old(self, request: web.Request) -> web.StreamResponse:
        """A client finds out here how it has to sign in."""
        webdav = self._at(OLD)
        webdav.speak(request)
        people.signed_in(self.parts, request)
        return await webdav.answer(request)

    def of(self, name: str) -> WebDav:
        return self._at(f"{FILES}{name}/")

    def _at(self, prefix: str) -> WebDav:
        return WebDav(self.parts, Mount(prefix, self.parts.names, is_owncloud=True), self.refused)
