"""/session: signing in and out on the page; a form, so that it works without script."""

import base64
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from handlers import asking, sessions
from handlers.browser import pages
from handlers.descriptions import Json
from handlers.gate import GATE
from handlers.headers import negotiation
from handlers.identity import principal_of
from handlers.parts import Parts
from handlers.problems import Refusal
from handlers.rendering import json_response, page_response
from uploads.access import Principal
from uploads.failures import MalformedRequest

SESSION = "/session"
BROWSE = "/browse/"
NOT_KEPT = {"Cache-Control": "no-store", "Vary": "Accept"}
WRONG = "not-identified"


@dataclass(frozen=True, slots=True)
class Signing:
    parts: Parts

    async def get(self, request: web.Request) -> web.StreamResponse:
        principal = principal_of(request)
        if negotiation.wants_html(request.headers.get("Accept")):
            onward = _onward(asking.query(request).get("next", ""))
            any_users = self.parts.accounts.any_users()
            return page_response(pages.session(principal, onward, any_users=any_users))
        return json_response(self._members(principal), headers=NOT_KEPT)

    async def post(self, request: web.Request) -> web.StreamResponse:
        fields = await asking.form_fields(request, self.parts)
        if "sign_out" in fields:
            request.app[GATE].sessions.end(request)
            response = _see(BROWSE)
            sessions.forget(response)
            return response
        return await self._sign_in(request, fields)

    async def _sign_in(self, request: web.Request, fields: dict[str, str]) -> web.StreamResponse:
        gate, onward = request.app[GATE], _onward(fields.get("next", ""))
        if not fields.get("user") or "password" not in fields:
            raise MalformedRequest('Signing in takes the fields "user" and "password".')
        pair = f"{fields['user']}:{fields['password']}".encode()
        basic = f"Basic {base64.b64encode(pair).decode()}"
        try:
            principal = await gate.identity.identify([basic], gate.address(request))
        except Refusal as refused:
            if refused.problem.type.slug != WRONG or not _wants_html(request):
                raise
            html = pages.sign_in(onward, "This name and password are not known here.")
            return page_response(html, refused.problem.status)
        gate.sessions.end(request)
        response = _see(onward) if _wants_html(request) else self._answer(principal)
        is_secure = request.headers.get("Origin", "").lower().startswith("https://")
        sessions.keep(response, gate.sessions.begin(principal), secure=is_secure)
        return response

    def _answer(self, principal: Principal) -> web.Response:
        return json_response(self._members(principal), headers=NOT_KEPT)

    def _members(self, principal: Principal) -> dict[str, Json]:
        return {
            "user": None if principal.is_anonymous else principal.name.removeprefix("user:"),
            "users": self.parts.accounts.any_users(),
        }


def _wants_html(request: web.Request) -> bool:
    return negotiation.wants_html(request.headers.get("Accept"))


def _see(href: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": href, **NOT_KEPT})


def _onward(wanted: str) -> str:
    """A page of ours, and no address that another server could stand behind."""
    is_ours = wanted.startswith(BROWSE) and not set(wanted) & set("\\\r\n\t")
    return wanted if is_ours else BROWSE
