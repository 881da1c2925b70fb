"""/browse/: the tree as a page for people."""

from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from handlers import asking, listings
from handlers.identity import principal_of
from handlers.parts import Parts
from uploads.files import Folder

BROWSE = "/browse/"


@dataclass(frozen=True, slots=True)
class Browsing:
    parts: Parts

    async def get(self, request: web.Request) -> web.StreamResponse:
        target = asking.target(request, BROWSE, self.parts.names)
        if target.is_folder:
            fields = asking.query(request)
            return await listings.folder_page(self.parts, request, target.path, fields)
        found = await self.parts.holdings.find(principal_of(request), target.path)
        href = target.path.href_path()
        elsewhere = f"{BROWSE}{href}/" if isinstance(found, Folder) else f"/files/{href}"
        return web.Response(
            status=HTTPStatus.PERMANENT_REDIRECT,
            headers={"Location": elsewhere, "Cache-Control": "no-store"},
        )
