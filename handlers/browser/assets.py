"""The style sheet and the icon: read once, and served so that a browser asks for each only once."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from uploads.failures import NotThere

PREFIX = "/static/"
FOREVER = "public, max-age=31536000, immutable"
TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    name: str
    body: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()[:16]

    @property
    def href(self) -> str:
        """Another content has another address, so that a kept copy is never out of date."""
        return f"{PREFIX}{self.name}?{self.digest}"


FOLDER: Final = Path(__file__).parent / "static"
ASSETS: Final = {path.name: Asset(path.name, path.read_bytes()) for path in FOLDER.iterdir()}


async def serve(request: web.Request) -> web.Response:
    """GET `/static/{name}`."""
    asset = ASSETS.get(request.match_info["name"])
    if asset is None:
        raise NotThere("There is no such part of a page.")
    return web.Response(
        body=asset.body,
        headers={
            "Content-Type": TYPES[Path(asset.name).suffix],
            "Cache-Control": FOREVER if request.query_string == asset.digest else "no-cache",
            "Content-Security-Policy": "default-src 'none'",
            "X-Content-Type-Options": "nosniff",
        },
    )
