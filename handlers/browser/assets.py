"""The parts of the pages: read once, and served so that a browser asks for each only once.

The style sheet and the icon are sources. The script and its style are built (`page/`); where that
was not done, or failed, the pages are without them, and complete.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from handlers.headers import negotiation
from uploads.failures import NotThere

PREFIX = "/static/"
BUILT_PREFIX = PREFIX + "page/"
FOREVER = "public, max-age=31536000, immutable"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
# A worker obeys the policy of its own script: hashing may compile what came with it, and no more.
SCRIPT_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
NOTHING_ALLOWED = "default-src 'none'; frame-ancestors 'none'"
# Written beside each part by the build, the shortest first.
CODINGS = {"br": ".br", "gzip": ".gz"}


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


@dataclass(frozen=True, slots=True)
class Built:
    """What the build made: the addresses to link to, and each part by its name, compressed too."""

    script: str
    style: str
    parts: dict[str, bytes]


def read_built(folder: Path) -> Built | None:
    """None where nothing has been built. The names hold a hash of what they name."""
    manifest = folder / "manifest.json"
    if not manifest.exists():
        return None
    named = json.loads(manifest.read_bytes())
    parts = {path.name: path.read_bytes() for path in folder.iterdir() if path != manifest}
    return Built(BUILT_PREFIX + named["script"], BUILT_PREFIX + named["style"], parts)


FOLDER: Final = Path(__file__).parent / "static"
ASSETS: Final = {
    path.name: Asset(path.name, path.read_bytes()) for path in FOLDER.iterdir() if path.is_file()
}
BUILT: Final = read_built(FOLDER / "page")


async def serve(request: web.Request) -> web.Response:
    """GET `/static/{name}`."""
    asset = ASSETS.get(request.match_info["name"])
    if asset is None:
        raise NotThere("There is no such part of a page.")
    kept = FOREVER if request.query_string == asset.digest else "no-cache"
    return _response(asset.name, asset.body, kept)


async def serve_built(request: web.Request) -> web.Response:
    """GET `/static/page/{name}`, in the shortest coding that the browser takes."""
    name = request.match_info["name"]
    parts = {} if BUILT is None else BUILT.parts
    if name not in parts or Path(name).suffix not in TYPES:
        raise NotThere("There is no such part of a page.")
    accepted = negotiation.codings(request.headers.get("Accept-Encoding"))
    for coding, suffix in CODINGS.items():
        if coding in accepted and name + suffix in parts:
            response = _response(name, parts[name + suffix], FOREVER)
            response.headers["Content-Encoding"] = coding
            break
    else:
        response = _response(name, parts[name], FOREVER)
    response.headers["Vary"] = "Accept-Encoding"
    return response


def _response(name: str, body: bytes, kept: str) -> web.Response:
    suffix = Path(name).suffix
    return web.Response(
        body=body,
        headers={
            "Content-Type": TYPES[suffix],
            "Cache-Control": kept,
            "Content-Security-Policy": SCRIPT_POLICY if suffix == ".js" else NOTHING_ALLOWED,
            "X-Content-Type-Options": "nosniff",
        },
    )
