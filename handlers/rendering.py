"""Problem -> response: JSON, a page or text, by `Accept`. Also the request id that all show."""

import json
import random

from aiohttp import web

from handlers.browser import pages
from handlers.descriptions import Json
from handlers.headers import negotiation
from handlers.problems import Problem

REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)

IN_JSON = {"Content-Type": "application/json"}
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)
# Of a page with our script: no text becomes script or markup in it, even by a mistake of ours.
SCRIPTED_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self';"
    " style-src 'self'; img-src 'self' blob:; media-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none';"
    " require-trusted-types-for 'script'; trusted-types noclobber"
)
PAGE_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "Vary": "Accept",
    "Cache-Control": "no-store",
}


# An id is no secret, and asking the system for random bits costs every request.
_chance = random.Random()  # noqa: S311 - see above


def request_id(request: web.Request) -> str:
    """Made by us, 64 random bits: it stands in the log and in the problem."""
    known = request.get(REQUEST_ID)
    if known is None:
        known = request[REQUEST_ID] = f"{_chance.getrandbits(64):016x}"
    return known


def json_response(
    members: Json, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    body = json.dumps(members).encode() + b"\n"
    return web.Response(body=body, status=status, headers={**IN_JSON, **(headers or {})})


def page_response(
    html: str, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    return _text(html, status, "text/html", {**(headers or {}), **PAGE_HEADERS})


def scripted_page_response(html: str, headers: dict[str, str] | None = None) -> web.Response:
    """A page that the script takes over."""
    response = page_response(html, headers=headers)
    response.headers["Content-Security-Policy"] = SCRIPTED_POLICY
    return response


def _text(text: str, status: int, content_type: str, headers: dict[str, str]) -> web.Response:
    """What a header said may be quoted in it, and need not have been UTF-8."""
    return web.Response(
        body=text.encode("utf-8", "replace"),
        status=status,
        headers=headers,
        content_type=content_type,
        charset="utf-8",
    )


def problem_response(request: web.Request, problem: Problem) -> web.Response:
    headers = problem.all_headers()
    accept = request.headers.get("Accept")
    if negotiation.wants_html(accept):
        if problem.type.slug == "not-identified":
            html = pages.session("", request.raw_path, any_users=True, wrong=problem.detail)
        else:
            html = pages.problem(problem, request_id(request))
        return page_response(html, problem.status, headers)
    headers["Vary"] = "Accept"
    if negotiation.prefers(accept, (*negotiation.JSON_FORMS, "text/plain")) == "text/plain":
        text = f"{problem.status} {problem.type.title}\n{problem.detail}\n{problem.next}\n"
        return _text(text, problem.status, "text/plain", headers)
    document = json.dumps(problem.members(request_id(request)), indent=2, ensure_ascii=True)
    return web.Response(
        body=document.encode() + b"\n",
        status=problem.status,
        headers=headers,
        content_type="application/problem+json",
    )
