"""/session: signing in and out on the page, and what people can do to their account; forms, so that
all of it works without script.
"""

from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from handlers import asking, sessions
from handlers.browser import pages
from handlers.descriptions import Json
from handlers.gate import GATE
from handlers.headers import negotiation
from handlers.identity import Shown, principal_of
from handlers.parts import Parts
from handlers.problems import Refusal, of_failure
from handlers.rendering import json_response, page_response
from uploads.access import Principal
from uploads.failures import MalformedRequest, NotIdentified, NotThere, TooManyGuesses

SESSION = "/session"
BROWSE = "/browse/"
PAGES = (BROWSE, "/files/", "/uploads/")
NOT_KEPT = {"Cache-Control": "no-store", "Vary": "Accept"}
WRONG = "not-identified"
OTHERS = "others"
# Fields that ask for more than to come or to go.
OF_ACCOUNT = frozenset({"new_password", "end"})


@dataclass(frozen=True, slots=True)
class Signing:
    parts: Parts

    async def get(self, request: web.Request) -> web.StreamResponse:
        principal = principal_of(request)
        if negotiation.wants_html(request.headers.get("Accept")):
            return page_response(self._page(request))
        return json_response(self._members(principal), headers=NOT_KEPT)

    async def post(self, request: web.Request) -> web.StreamResponse:
        fields = await asking.form_fields(request, self.parts)
        if "sign_out" in fields:
            return self._sign_out(request)
        if fields.keys() & OF_ACCOUNT:
            return await self._of_account(request, fields)
        return await self._sign_in(request, fields)

    def _sign_out(self, request: web.Request) -> web.StreamResponse:
        request.app[GATE].sessions.end(request)
        response = _see(BROWSE)
        response.headers["Clear-Site-Data"] = '"cache"'
        sessions.forget(response)
        return response

    async def _of_account(self, request: web.Request, fields: dict[str, str]) -> web.StreamResponse:
        """What touches the account itself is for who knows its password, and not for who found
        the browser open.
        """
        principal, gate = principal_of(request), request.app[GATE]
        if principal.is_anonymous:
            raise NotIdentified("Sign in first.")
        if "password" not in fields:
            raise MalformedRequest('This takes the present password in the field "password".')
        try:
            proved = await gate.identity.prove(principal, _shown(fields), gate.address(request))
            if "new_password" in fields:
                return await self._change(request, proved, fields["new_password"])
            return self._end(request, principal, fields["end"])
        except (Refusal, MalformedRequest, NotThere, TooManyGuesses) as refused:
            if not _wants_html(request):
                raise
            problem = refused.problem if isinstance(refused, Refusal) else of_failure(refused)
            return page_response(self._page(request, wrong=problem.detail), problem.status)

    async def _change(
        self, request: web.Request, proved: Principal, fresh: str
    ) -> web.StreamResponse:
        """Ends all sessions of the user, as they rest on the old password; this one goes on."""
        principal = await self.parts.accounts.set_password(proved, fresh)
        request.app[GATE].sessions.end(request)
        return self._began(request, principal, SESSION)

    def _end(self, request: web.Request, principal: Principal, which: str) -> web.StreamResponse:
        kept = request.app[GATE].sessions
        others = [one.id for one in kept.of(principal, request) if not one.is_this]
        for id_ in others if which == OTHERS else [which]:
            if not kept.end_of(principal, id_):
                raise NotThere("This session has ended already.")
        return _see(SESSION) if _wants_html(request) else self._answer(principal)

    async def _sign_in(self, request: web.Request, fields: dict[str, str]) -> web.StreamResponse:
        gate, onward = request.app[GATE], _onward(fields.get("next", ""))
        if not fields.get("user") or "password" not in fields:
            raise MalformedRequest('Signing in takes the fields "user" and "password".')
        try:
            principal = await gate.identity.sign_in(
                fields["user"], _shown(fields), gate.address(request)
            )
        except Refusal as refused:
            if refused.problem.type.slug != WRONG or not _wants_html(request):
                raise
            html = pages.session("", onward, any_users=True, wrong=refused.problem.detail)
            return page_response(html, refused.problem.status)
        gate.sessions.end(request)
        return self._began(request, principal, onward)

    def _began(self, request: web.Request, principal: Principal, onward: str) -> web.Response:
        gate = request.app[GATE]
        response = _see(onward) if _wants_html(request) else self._answer(principal)
        secret = gate.sessions.begin(principal, gate.address(request))
        sessions.keep(response, secret, secure=gate.sessions.is_secure(request))
        return response

    def _page(self, request: web.Request, *, wrong: str = "") -> str:
        principal = principal_of(request)
        onward = _onward(asking.query(request).get("next", ""))
        any_users = self.parts.accounts.any_users()
        own = [] if principal.is_anonymous else request.app[GATE].sessions.of(principal, request)
        return pages.session(_user_of(principal), onward, own, any_users=any_users, wrong=wrong)

    def _answer(self, principal: Principal) -> web.Response:
        return json_response(self._members(principal), headers=NOT_KEPT)

    def _members(self, principal: Principal) -> dict[str, Json]:
        return {
            "user": _user_of(principal) or None,
            "users": self.parts.accounts.any_users(),
        }


def _shown(fields: dict[str, str]) -> Shown:
    """People write codes with a gap."""
    return Shown(fields["password"], "".join(fields.get("code", "").split()))


def _user_of(principal: Principal) -> str:
    return "" if principal.is_anonymous else principal.name.removeprefix("user:")


def _wants_html(request: web.Request) -> bool:
    return negotiation.wants_html(request.headers.get("Accept"))


def _see(href: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": href, **NOT_KEPT})


def _onward(wanted: str) -> str:
    """A page of ours: no address that another server may stand behind, or that no header holds."""
    is_ours = wanted.startswith(PAGES) and wanted.isprintable() and "\\" not in wanted
    return wanted if is_ours else BROWSE
