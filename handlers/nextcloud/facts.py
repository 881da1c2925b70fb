"""What these clients ask before they sync: is it a server of theirs, what can it, who am I."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from handlers.descriptions import Json
from handlers.headers.checksums import ALGORITHMS
from handlers.nextcloud import people
from handlers.parts import Parts
from handlers.rendering import json_response
from handlers.webdav import owncloud

# Of the server whose dialect is spoken; clients refuse to work with what is too old for them.
MAJOR: Final = 28
VERSION: Final = f"{MAJOR}.0.0"
PRODUCT: Final = "noclobber"
# Seconds between two looks for changes.
POLLED: Final = 30
NOT_KEPT: Final = {"Cache-Control": "no-store"}
NO_CONTENT: Final = 204
# OCS says in the body, too, that all is well, and each of its versions with another number.
FINE: Final = {"v1.php": 100, "v2.php": 200}

CAPABILITIES: Final[dict[str, Json]] = {
    "core": {"pollinterval": POLLED, "webdav-root": "remote.php/webdav"},
    "dav": {"chunking": "1.0"},
    "files": {"bigfilechunking": True, "undelete": False, "versioning": False},
    "checksums": {"supportedTypes": list(ALGORITHMS), "preferredUploadType": "SHA256"},
    # Else a conflicted copy stays on the one machine where it was made.
    "uploadConflictFiles": True,
}


@dataclass(frozen=True, slots=True)
class Facts:
    parts: Parts

    async def status(self, request: web.Request) -> web.Response:  # noqa: ARG002
        found: dict[str, Json] = {
            "installed": True,
            "maintenance": False,
            "needsDbUpgrade": False,
            "version": f"{VERSION}.0",
            "versionstring": VERSION,
            "edition": "",
            "productname": PRODUCT,
            "extendedSupport": False,
        }
        return json_response(found, headers=NOT_KEPT)

    async def reached(self, request: web.Request) -> web.Response:  # noqa: ARG002
        """That nobody in between has answered, as networks do that want one to sign in."""
        return web.Response(status=NO_CONTENT, headers=NOT_KEPT)

    async def capabilities(self, request: web.Request) -> web.Response:
        """To who has signed in: a client that is told of them before offers a sign-in by browser,
        which is not here, and asks for name and password else.
        """
        people.signed_in(self.parts, request)
        version: dict[str, Json] = {
            "major": MAJOR,
            "minor": 0,
            "micro": 0,
            "string": VERSION,
            "edition": "",
            "extendedSupport": False,
        }
        return _told(request, {"version": version, "capabilities": CAPABILITIES})

    async def user(self, request: web.Request) -> web.Response:
        principal = people.signed_in(self.parts, request)
        name = people.name_of(principal)
        share = await self.parts.describing.share(principal)
        used, left = share.used if share else 0, owncloud.left(share)
        total = left if left < 0 else used + left
        quota: dict[str, Json] = {"free": left, "used": used, "total": total, "quota": total}
        return _told(
            request, {"id": name, "display-name": name, "displayname": name, "quota": quota}
        )


def _told(request: web.Request, data: dict[str, Json]) -> web.Response:
    code = FINE[request.match_info["ocs"]]
    meta: dict[str, Json] = {"status": "ok", "statuscode": code, "message": "OK"}
    return json_response({"ocs": {"meta": meta, "data": data}}, headers=NOT_KEPT)
