"""LOCK and UNLOCK (RFC 4918 sections 9.10 and 9.11). Knows no rule."""

from dataclasses import dataclass

from aiohttp import web

from handlers import asking
from handlers.identity import principal_of
from handlers.parts import Parts
from handlers.plain import refusal
from handlers.webdav import if_header, multistatus, refusals, xml
from handlers.webdav.live import active_lock
from handlers.webdav.mount import Mount
from handlers.webdav.multistatus import HEADERS
from handlers.webdav.props import Props, read
from handlers.webdav.xml import DAV, Element
from uploads.failures import Locked, MalformedRequest
from uploads.locking import Wanted
from uploads.locks import Lock
from uploads.names import Path
from uploads.settling import Outcome

FINE, CREATED, NO_CONTENT = 200, 201, 204
LONGEST_OWNER = 1024


@dataclass(frozen=True, slots=True)
class Locks:
    parts: Parts
    mount: Mount

    async def lock(self, request: web.Request) -> web.StreamResponse:
        target, principal = self.mount.target(request), principal_of(request)
        submitted = self.mount.submitted(request, target.path)
        condition = asking.condition(request)
        seconds = if_header.timeout(request.headers.get("Timeout"))
        body = await read(self.parts, request)
        if not body.strip():
            kept = await self.parts.locking.refresh(
                principal, target.path, submitted, seconds, condition
            )
            if isinstance(kept, Outcome):
                raise refusal(kept)
            return await self._told(request, kept, FINE)
        depth = if_header.depth(request.headers.get("Depth"), "0", if_header.INFINITE)
        exclusive, owner = _asked(xml.parse(body))
        deep = depth == if_header.INFINITE
        wanted = Wanted(
            principal, target.path, exclusive, deep, owner, seconds, submitted, condition
        )
        try:
            taken = await self.parts.locking.lock(wanted)
        except Locked as locked:
            if not _is_below(locked.path, target.path):
                raise
            return self._of_member(target.path, locked)
        if isinstance(taken, Outcome):
            raise refusal(taken)
        answer = await self._told(request, taken.lock, CREATED if taken.made else FINE)
        answer.headers["Lock-Token"] = f"<{taken.lock.token}>"
        return answer

    def _of_member(self, folder: Path, locked: Locked) -> web.Response:
        """RFC 4918 section 9.10.3: which member it is, and that the folder is not locked for it."""
        member, top = (self.mount.path_href(path) for path in (locked.path or folder, folder))
        why = f"<D:error>{refusals.conflicting(member)}</D:error>"
        why += f"<D:responsedescription>{xml.escape(locked.message)}</D:responsedescription>"
        return multistatus.whole(
            multistatus.refused(member, "locked", why)
            + multistatus.refused(top, "failed-dependency")
        )

    async def unlock(self, request: web.Request) -> web.StreamResponse:
        target = self.mount.target(request)
        token = if_header.lock_token(request.headers.get("Lock-Token"))
        await self.parts.locking.unlock(principal_of(request), target.path, token)
        return web.Response(status=NO_CONTENT)

    async def _told(self, request: web.Request, lock: Lock, status: int) -> web.Response:
        facts = await Props(self.parts, self.mount).facts(principal_of(request))
        body = (
            f'{xml.HEAD}<D:prop xmlns:D="{DAV}"><D:lockdiscovery>{active_lock(lock, facts)}'
            "</D:lockdiscovery></D:prop>\n"
        )
        return web.Response(status=status, headers=HEADERS, body=body.encode())


def _asked(root: Element) -> tuple[bool, str]:
    """Exclusive or not, and what the client says of itself."""
    scope, kind = root.child("lockscope"), root.child("locktype")
    if root.name != (DAV, "lockinfo") or scope is None or kind is None or not kind.child("write"):
        raise MalformedRequest("LOCK takes a lockinfo with a lockscope, and write as its locktype.")
    exclusive = scope.child("exclusive") is not None
    if exclusive == (scope.child("shared") is not None):
        raise MalformedRequest("A lockscope is exclusive or shared.")
    owner = root.child("owner")
    told = owner.inner if owner else ""
    if len(told) > LONGEST_OWNER:
        raise MalformedRequest(f"An owner of a lock has at most {LONGEST_OWNER:,} characters.")
    return exclusive, told


def _is_below(path: Path | None, folder: Path) -> bool:
    depth = len(folder.parts)
    return path is not None and len(path.parts) > depth and path.parts[:depth] == folder.parts
