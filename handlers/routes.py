"""All addresses on one screen."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from handlers.archives import ARCHIVE, Archives
from handlers.browsing import BROWSE, Browsing
from handlers.changes import Changes
from handlers.contract import Contract
from handlers.form import Forms
from handlers.gate import Handler
from handlers.health import Health
from handlers.nextcloud.chunks import Chunks
from handlers.nextcloud.facts import Facts
from handlers.nextcloud.files import OLD as OLD_DAV
from handlers.nextcloud.files import Files
from handlers.parked import Parked
from handlers.parts import Parts
from handlers.pieces import Pieces
from handlers.plain import Plain
from handlers.posting import Posting
from handlers.preflight import Preflighting
from handlers.resumable import Resumable
from handlers.signing import SESSION, Signing
from handlers.tus import Tus
from handlers.webdav.methods import WebDav
from handlers.webdav.mount import Mount

PLAIN = "/files/"
# With every character there is, so that a line feed in a name is judged as part of the name.
FILES = PLAIN + "{path:(?s:.*)}"
DAV = "/dav/"
OCS = "/ocs/{ocs:v[12]\\.php}/cloud/"
MOUNTED = "{path:(?s:.*)}"
NEXTCLOUD = "/remote.php/dav/files/{user:[^/]*}"
CHUNKS, PIECE = "/remote.php/dav/uploads/{user}/{upload}", "/{piece:[^/]*}"


@dataclass(frozen=True, slots=True)
class Doors:
    plain: Plain
    forms: Forms
    parked: Parked
    changes: Changes
    preflighting: Preflighting
    health: Health
    contract: Contract


def add(app: web.Application, doors: Doors) -> None:
    plain, parked, changes = doors.plain, doors.parked, doors.changes
    health, contract = doors.health, doors.contract
    posting = Posting(plain.parts, plain, doors.forms)
    tus = Tus(plain.parts)
    pieces = Pieces(plain.parts, tus, Resumable(plain.parts), parked)
    # fmt: off
    table = [
        ("GET",     "/",                       contract.home),
        ("GET",     FILES,                     plain.get),
        ("PUT",     FILES,                     plain.put),
        ("DELETE",  FILES,                     plain.delete),
        ("OPTIONS", FILES,                     plain.options),
        ("POST",    FILES,                     posting.post),
        ("GET",     "/uploads/",               parked.list),
        ("OPTIONS", "/uploads/",               tus.options),
        ("POST",    "/uploads/",               tus.create),
        ("GET",     "/uploads/{id}",           pieces.get),
        ("OPTIONS", "/uploads/{id}",           tus.options),
        ("PATCH",   "/uploads/{id}",           pieces.patch),
        ("POST",    "/uploads/{id}",           pieces.post),
        ("DELETE",  "/uploads/{id}",           pieces.delete),
        ("GET",     "/uploads/{id}/content",   parked.content),
        ("GET",     "/changes",                changes.get),
        ("POST",    "/preflight",              doors.preflighting.post),
        ("GET",     "/problems/",              contract.problem_types),
        ("GET",     "/problems/{slug}",        contract.problem_type),
        ("GET",     "/openapi.json",           contract.openapi),
        ("GET",     "/docs",                   contract.docs),
        ("GET",     "/health/live",            health.live),
        ("GET",     "/health/ready",           health.ready),
        ("GET",     "/metrics",                health.metrics),
        *_page(plain.parts, contract),
        *_sync(plain.parts),
    ]
    # fmt: on
    for method, address, handler in table:
        if method == "GET":
            app.router.add_get(address, handler)
        else:
            app.router.add_route(method, address, handler)


def _page(parts: Parts, contract: Contract) -> list[tuple[str, str, Handler]]:
    """For the page, and what it offers."""
    browsing, signing, archives = Browsing(parts), Signing(parts), Archives(parts)
    # fmt: off
    return [
        ("GET",     BROWSE,                    browsing.get),
        ("GET",     BROWSE + MOUNTED,          browsing.get),
        ("GET",     ARCHIVE,                   archives.get),
        ("POST",    ARCHIVE,                   archives.post),
        ("GET",     ARCHIVE + MOUNTED,         archives.get),
        ("POST",    ARCHIVE + MOUNTED,         archives.post),
        ("GET",     SESSION,                   signing.get),
        ("POST",    SESSION,                   signing.post),
        ("GET",     "/static/page/{name}",     contract.built),
        ("GET",     "/static/{name}",          contract.static),
    ]
    # fmt: on


def _sync(parts: Parts) -> list[tuple[str, str, Handler]]:
    """For clients that sync or mount the tree."""
    webdav, files, facts = WebDav(parts, Mount(DAV, parts.names)), Files(parts), Facts(parts)
    chunks = Chunks(parts, files)
    # fmt: off
    return [
        ("OPTIONS", "/",                       webdav.discover),
        ("*",       DAV[:-1],                  webdav.answer),
        ("*",       DAV + MOUNTED,             webdav.answer),
        ("*",       OLD_DAV[:-1],              files.answer_old),
        ("*",       OLD_DAV + MOUNTED,         files.answer_old),
        ("*",       NEXTCLOUD,                 files.answer),
        ("*",       NEXTCLOUD + "/" + MOUNTED, files.answer),
        ("*",       CHUNKS,                    chunks.answer),
        ("*",       CHUNKS + PIECE,            chunks.answer),
        ("GET",     "/status.php",             facts.status),
        ("GET",     "/index.php/204",          facts.reached),
        ("GET",     OCS + "capabilities",      facts.capabilities),
        ("GET",     OCS + "user",              facts.user),
    ]
    # fmt: on


def shortcut(app: web.Application) -> Callable[[web.Request], Handler | None]:
    """The handlers of files, which nearly every request is for, found by how their address begins:
    anything may follow, so that the router would find the same.
    """
    found = {
        route.method: route.handler
        for route in app.router.routes()
        if route.resource is not None and route.resource.canonical == PLAIN + "{path}"
    }

    def handler(request: web.Request) -> Handler | None:
        return found.get(request.method) if request.raw_path.startswith(PLAIN) else None

    return handler
