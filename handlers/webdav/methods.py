"""The methods of WebDAV over the tree, but those that have files of their own. Knows no rule."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial

from aiohttp import web

from handlers import asking, bodies, listings
from handlers.asking import Target
from handlers.dialects import DIALECT, Dialect
from handlers.gate import METHODS
from handlers.headers import checksums, dispositions
from handlers.identity import principal_of
from handlers.parts import Parts
from handlers.plain import Plain, refusal
from handlers.problem_types import AT_WEBDAV
from handlers.problems import Refusal, of_type, of_unknown_method
from handlers.webdav import if_header, owncloud, refusals
from handlers.webdav.locks import Locks
from handlers.webdav.mount import Mount
from handlers.webdav.props import Props
from handlers.webdav.reports import Reports
from uploads.access import Principal, Right
from uploads.collisions import NameTaken, Replace, Stale, TypeClash, Unchanged
from uploads.failures import NotThere
from uploads.files import Folder
from uploads.names import BadName, Path, Rule
from uploads.policy import SameContent, SameFile, SameName, Wishes
from uploads.refused import RefusedUploads
from uploads.settling import Arrival, Outcome
from uploads.transfers import Transfer, Transferred

CREATED, NO_CONTENT = 201, 204
CLASSES = "1, 2, 3"
AT_TOP = "GET, HEAD, OPTIONS"
VERSIONS = Wishes(SameFile.ACCEPT, SameName.VERSION, SameContent.LINK)
STRICTLY = replace(VERSIONS, same_name=SameName.REFUSE)
NAMELESS = "upload"
READING = frozenset({"GET", "HEAD", "PROPFIND", "REPORT", "PATCH"})
# What no client asks for that means a file.
OF_ADDRESSES = frozenset(
    {Rule.EMPTY, Rule.DOTS, Rule.SEPARATOR, Rule.ENCODED_TWICE, Rule.BAD_ESCAPE, Rule.NOT_UTF8}
)

Method = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class WebDav:
    parts: Parts
    mount: Mount
    refused: RefusedUploads = field(default_factory=RefusedUploads)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.speak(request)
        methods = self._methods()
        method = methods.get(request.method)
        if method is not None:
            if request.method in READING:
                await self._expect(request)
            return await method(request)
        if request.method not in METHODS:
            raise Refusal(of_unknown_method(request.method))
        raise self._not_here(f"{request.method} does not work here.")

    def speak(self, request: web.Request, **headers: str) -> None:
        """Also in what is refused. The underscores of header names are dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        headers = {"DAV": CLASSES, "MS-Author-Via": "DAV", **named}
        request[DIALECT] = Dialect(AT_WEBDAV, headers, partial(refusals.response, self.mount))

    async def _expect(self, request: web.Request) -> None:
        """An `If` is for every method; where something is changed, it is judged in that turn."""
        try:
            path = self._target(request).path
        except BadName as bad:
            if bad.rule in OF_ADDRESSES:
                raise
            # Finder looks for `._.` in every folder, and goes on when it is not there.
            raise NotThere("Nothing can be here: it is no name that is taken.") from None
        if "If" in request.headers:
            submitted = self.mount.submitted(request, path)
            describing = self.parts.describing
            refused = await describing.expect(principal_of(request), path, submitted)
            if refused is not None:
                raise refusal(refused)

    def _methods(self) -> dict[str, Method]:
        props, locks = Props(self.parts, self.mount), Locks(self.parts, self.mount)
        of_owncloud = {"PATCH": self.tell_checksum} if self.mount.is_owncloud else {}
        return {
            "OPTIONS": self.options,
            "GET": self.get,
            "HEAD": self.get,
            "PUT": self.put,
            "POST": self.post,
            "DELETE": self.delete,
            "MKCOL": self.make_folder,
            "COPY": self.copy,
            "MOVE": self.move,
            "PROPFIND": props.find,
            "PROPPATCH": props.patch,
            "REPORT": Reports(self.parts, props).report,
            "LOCK": locks.lock,
            "UNLOCK": locks.unlock,
            **of_owncloud,
        }

    async def options(self, request: web.Request) -> web.StreamResponse:
        self._target(request)
        return web.Response(headers={"Allow": self._allowed(), "Accept-Ranges": "bytes"})

    async def discover(self, request: web.Request) -> web.StreamResponse:
        """Windows asks the top of a server before it takes anything of it for WebDAV."""
        self.speak(request)
        return web.Response(headers={"Allow": AT_TOP, "Cache-Control": "no-store"})

    async def get(self, request: web.Request) -> web.StreamResponse:
        target = self._target(request)
        found = await self.parts.holdings.find(principal_of(request), target.path)
        if isinstance(found, Folder):
            return await listings.folder(self.parts, request, target.path, {})
        told = checksums.written(await self.parts.holdings.digests(found.file))
        if told:
            self.speak(request, OC_Checksum=told)
        return await Plain(self.parts).serve(request, found, found.file.version.modified)

    async def tell_checksum(self, request: web.Request) -> web.StreamResponse:
        """Setting a time loses it at Nextcloud, so that rclone asks for it to be reckoned anew, and
        takes a refusal for a time that was not set. Here it is kept, if ever one was declared.
        """
        wanted = request.headers.get("X-Recalculate-Hash")
        if wanted is None:
            raise self._not_here("PATCH takes no piece of a file; it tells a checksum.")
        path, principal = self._target(request).path, principal_of(request)
        found = await self.parts.holdings.find(principal, path)
        if isinstance(found, Folder):
            raise self._not_here(f'"{path}" is a folder, which has no checksum.')
        asker = await self.parts.describing.asker(principal)
        if not asking.condition(request).holds(asker.current(found.file)):
            raise refusal(Outcome(Stale(found.file), path))
        algorithm = checksums.ALGORITHMS.get(wanted.strip().upper())
        digests = await self.parts.holdings.digests(found.file)
        told = checksums.written({key: digests[key] for key in digests if key == algorithm})
        return web.Response(status=NO_CONTENT, headers={"OC-Checksum": told} if told else {})

    async def put(self, request: web.Request) -> web.StreamResponse:
        target = self._target(request)
        if target.is_folder:
            raise self._not_here(f'"{target.path}/" is the address of a folder.')
        arrival = self.arrival(request, target.path)
        return await self._receive(request, arrival)

    async def post(self, request: web.Request) -> web.StreamResponse:
        """A new member, whose name we choose if need be (RFC 5995)."""
        target = self._target(request)
        headers = request.headers
        sent = dispositions.posted_name(headers.get("Slug"), headers.get("Content-Disposition"))
        whole = "/".join((*target.path.parts, sent or NAMELESS))
        path = asking.named_path(whole, self.parts.names)
        arrival = self.arrival(request, path)
        policy = replace(arrival.door_policy, same_name=SameName.RENAME)
        arrival = replace(arrival, door_policy=policy, may_rename=True)
        return await self._receive(request, arrival)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        target, principal = self._target(request), principal_of(request)
        condition = asking.condition(request)
        submitted = self.mount.submitted(request, target.path)
        on_purpose = condition.if_match is not None or submitted.lists
        if self.refused.take(principal, target.path) and not on_purpose:
            await self.parts.tree.expect_removal(principal, target.path, submitted)
            detail = f'Your upload to "{target.path}" is not stored; what is there is not yours.'
            raise Refusal(of_type("after-refusal", detail))
        depth = if_header.depth(request.headers.get("Depth"), "0", if_header.INFINITE)
        recursive = depth == if_header.INFINITE
        found = await self.parts.tree.asked_at(folder=target.is_folder).delete(
            principal, target.path, condition, submitted, recursive=recursive
        )
        if isinstance(found, Outcome):
            raise refusal(found)
        return web.Response(status=NO_CONTENT)

    async def make_folder(self, request: web.Request) -> web.StreamResponse:
        target = self._target(request)
        if await bodies.small_body(request, self.parts.rules.limits, 0) is None:
            raise Refusal(of_type("body-without-meaning", "MKCOL takes no body here."))
        submitted = self.mount.submitted(request, target.path)
        principal = principal_of(request)
        if not target.path.parts:
            raise self._not_here("The top folder is there already.")
        made = await self.parts.tree.make_folder(
            principal, target.path, asking.condition(request), submitted, makes_folders=False
        )
        if isinstance(made, Outcome):
            if _is_there(made):
                raise self._not_here(f'There is something at "{target.path}" already.')
            raise refusal(made)
        told = owncloud.headers(made.entry) if self._may_see(principal, target.path) else {}
        return web.Response(status=CREATED, headers=told)

    async def copy(self, request: web.Request) -> web.StreamResponse:
        wanted = self._transfer(request)
        asked = if_header.depth(request.headers.get("Depth"), "0", if_header.INFINITE)
        wanted = replace(wanted, deep=asked != "0")
        return self._transferred(wanted, await self.parts.transfers.copy(wanted))

    async def move(self, request: web.Request) -> web.StreamResponse:
        wanted = self._transfer(request)
        return self._transferred(wanted, await self.parts.transfers.move(wanted))

    def _transfer(self, request: web.Request) -> Transfer:
        target = self._target(request)
        goal = self.mount.destination(request)
        if goal == target.path:
            detail = f'"{goal}" cannot be put in the place of itself.'
            raise Refusal(of_type("not-allowed", detail))
        return Transfer(
            principal_of(request),
            target.path,
            goal,
            asking.condition(request),
            self.mount.submitted(request, target.path),
            if_header.overwrite(request.headers.get("Overwrite")),
            of_folder=target.is_folder,
        )

    def _transferred(self, wanted: Transfer, result: Outcome | Transferred) -> web.StreamResponse:
        if isinstance(result, Outcome):
            raise refusal(result)
        entry = result.placed.entry
        seen = self._may_see(wanted.principal, wanted.target)
        told = owncloud.headers(entry) if seen else {}
        if result.replaced:
            return web.Response(status=NO_CONTENT, headers=told)
        told["Location"] = self.mount.href(entry)
        return web.Response(status=CREATED, headers=told)

    def _may_see(self, principal: Principal, path: Path) -> bool:
        return self.parts.rules.may(principal, Right.READ, path)

    def arrival(self, request: web.Request, path: Path) -> Arrival:
        arrival = asking.arrival(request, path, {})
        return replace(
            arrival,
            door="dav",
            door_policy=STRICTLY if self.parts.http.dav_strict else VERSIONS,
            makes_folders=False,
            declared=checksums.declared(request.headers.get("OC-Checksum"), arrival.declared),
            submitted=self.mount.submitted(request, path),
            modified=if_header.modified(request.headers.get("X-OC-Mtime")),
        )

    async def _receive(self, request: web.Request, arrival: Arrival) -> web.StreamResponse:
        with self.refused.until_stored(arrival.principal, arrival.path):
            return await Plain(self.parts).receive(request, arrival, self.stored)

    def stored(self, outcome: Outcome, arrival: Arrival) -> web.Response:
        if not outcome.accepted:
            raise refusal(outcome)
        headers = {"Cache-Control": "no-store"}
        if arrival.modified is not None:
            headers["X-OC-MTime"] = "accepted"
        replaced = isinstance(outcome.verdict, Replace | Unchanged)
        if outcome.file is not None and self._may_see(arrival.principal, outcome.path):
            headers |= {"ETag": outcome.file.etag, **owncloud.headers(outcome.file)}
            if not replaced:
                # A name that we chose tells which ones are taken.
                headers["Location"] = self.mount.path_href(outcome.path)
        if replaced:
            return web.Response(status=NO_CONTENT, headers=headers)
        return web.Response(status=CREATED, headers=headers)

    def _target(self, request: web.Request) -> Target:
        return self.mount.target(request)

    def _not_here(self, detail: str) -> Refusal:
        return Refusal(of_type("method-not-allowed", detail, Allow=self._allowed()))

    def _allowed(self) -> str:
        return ", ".join(self._methods())


def _is_there(outcome: Outcome) -> bool:
    """Something stands at this very name; a folder is made at a free one only."""
    match outcome.verdict:
        case NameTaken():
            return True
        case TypeClash(existing):
            return existing is None or existing.path == outcome.path
        case _:
            return False
