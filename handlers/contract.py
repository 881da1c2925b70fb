"""What the server says of itself: the contract, the types of problems, the parts of its pages."""

import json

from aiohttp import web

from handlers import openapi
from handlers.browser import assets, pages
from handlers.browsing import BROWSE
from handlers.descriptions import Json
from handlers.headers import negotiation
from handlers.problem_types import TYPES, ProblemType
from handlers.rendering import json_response, page_response
from uploads.failures import NotThere

KEPT_AN_HOUR = {"Cache-Control": "public, max-age=3600", "Vary": "Accept"}
SEE_OTHER = 303


class Contract:
    def __init__(self) -> None:
        self._document = json.dumps(openapi.document(), indent=1).encode() + b"\n"
        self._page = pages.docs(openapi.document())

    async def home(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return web.Response(status=SEE_OTHER, headers={"Location": BROWSE})

    async def openapi(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return web.Response(
            body=self._document, content_type="application/json", headers=KEPT_AN_HOUR
        )

    async def docs(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return page_response(self._page)

    async def problem_types(self, request: web.Request) -> web.Response:
        if _wants_html(request):
            return page_response(pages.problem_types())
        types: list[Json] = [_members(type_) for type_ in TYPES.values()]
        return json_response({"types": types}, headers=KEPT_AN_HOUR)

    async def problem_type(self, request: web.Request) -> web.Response:
        type_ = TYPES.get(request.match_info["slug"])
        if type_ is None:
            raise NotThere("There is no such type of problem. All of them are at /problems/.")
        if _wants_html(request):
            return page_response(pages.problem_type(type_))
        return json_response(_members(type_), headers=KEPT_AN_HOUR)

    async def built(self, request: web.Request) -> web.Response:
        return await assets.serve_built(request)

    async def static(self, request: web.Request) -> web.Response:
        return await assets.serve(request)


def _members(type_: ProblemType) -> dict[str, Json]:
    return {
        "type": type_.href,
        "title": type_.title,
        "status": type_.status,
        "meaning": type_.meaning,
        "advice": type_.advice,
    }


def _wants_html(request: web.Request) -> bool:
    return negotiation.wants_html(request.headers.get("Accept"))
