"""Problem -> the XML that WebDAV clients read: `D:error`, with the message that they show."""

from aiohttp import web

from handlers import rendering
from handlers.descriptions import upload_href
from handlers.problems import Problem
from handlers.webdav import xml
from handlers.webdav.mount import Mount

XML_TYPE = "application/xml"
SABRE = "http://sabredav.org/ns"
OURS = "urn:noclobber"
# RFC 4918 section 16 and RFC 4331 section 6: the condition that was not met, where it has a name.
CONDITIONS = {
    "locked": "lock-token-submitted",
    "not-that-lock": "lock-token-matches-request-uri",
    "over-quota": "quota-not-exceeded",
    "disk-full": "sufficient-disk-space",
    "protected-property": "cannot-modify-protected-property",
    "changes-forgotten": "valid-sync-token",
    "too-much-to-list": "number-of-matches-within-limits",
}
TAKING = "no-conflicting-lock"


def response(mount: Mount, request: web.Request, problem: Problem) -> web.Response:
    message = xml.escape(f"{problem.detail} {problem.next}{_kept_at(problem)}")
    body = (
        f'{xml.HEAD}<D:error xmlns:D="{xml.DAV}" xmlns:s="{SABRE}">'
        f"{condition(mount, request, problem)}{_upload(problem)}"
        f"<s:exception>{problem.type.slug}</s:exception><s:message>{message}</s:message>"
        f"<s:request-id>{rendering.request_id(request)}</s:request-id></D:error>\n"
    )
    return web.Response(
        body=body.encode("utf-8", "replace"),
        status=problem.status,
        headers=problem.all_headers(),
        content_type=XML_TYPE,
        charset="utf-8",
    )


def _kept_at(problem: Problem) -> str:
    """The resolutions themselves are JSON or a page, which these clients do not show."""
    return f" They are at {upload_href(problem.parked)}." if problem.parked else ""


def _upload(problem: Problem) -> str:
    if problem.parked is None:
        return ""
    href = f"<D:href>{xml.escape(upload_href(problem.parked))}</D:href>"
    return xml.element((OURS, "upload"), href)


def condition(mount: Mount, request: web.Request, problem: Problem) -> str:
    slug = problem.type.slug
    if slug not in CONDITIONS:
        return ""
    takes = slug == "locked" and request.method == "LOCK"
    if slug != "locked" or problem.target is None:
        return xml.empty((xml.DAV, TAKING if takes else CONDITIONS[slug]))
    href = mount.path_href(problem.target)
    return conflicting(href) if takes else _of_place(CONDITIONS[slug], href)


def conflicting(href: str) -> str:
    """Who wants a lock is kept out by the one of this place."""
    return _of_place(TAKING, href)


def _of_place(condition: str, href: str) -> str:
    return xml.element((xml.DAV, condition), f"<D:href>{xml.escape(href)}</D:href>")
