"""/uploads/: what a conflict has parked, as it stands now, and the requests that settle it."""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from aiohttp import web

from handlers import answers, asking, serving
from handlers.browser import pages, previews
from handlers.descriptions import (
    UPLOADS,
    Json,
    folder_href,
    resolution_members,
    upload_members,
)
from handlers.form_answers import NOT_KEPT, conflict_page
from handlers.headers import conditions, negotiation
from handlers.identity import principal_of
from handlers.parts import Parts
from handlers.problems import Problem, Refusal, of_outcome, of_type
from handlers.rendering import json_response, page_response, request_id
from uploads.access import Right
from uploads.collisions import Accepted
from uploads.failures import MalformedRequest
from uploads.files import StoredFile, Upload, Version
from uploads.names import Path
from uploads.settling import Outcome, ReplaceIt, StoreAs

ACTIONS = ("replace", "store", "link", "discard")
MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class Parked:
    parts: Parts

    async def list(self, request: web.Request) -> web.StreamResponse:
        principal = principal_of(request)
        after = asking.query(request).get("after")
        found = await self.parts.parking.all_of(principal, after, MOST_LISTED)
        following: str | None = None
        if len(found) == MOST_LISTED:
            following = f"{UPLOADS}?{urlencode({'after': found[-1].id})}"
        if _wants_html(request):
            return page_response(pages.uploads(principal, found, following))
        listed: list[Json] = [upload_members(upload) for upload in found]
        return json_response({"uploads": listed, "next": following}, headers=NOT_KEPT)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Judged afresh. The status is that of looking, not that of the upload it tells of."""
        outcome = await self.parts.parking.look(_id(request), principal_of(request))
        upload = _upload(outcome)
        problem = self._problem(request, outcome)
        if not _wants_html(request):
            return json_response(
                _members(upload, outcome, problem, request_id(request)), headers=NOT_KEPT
            )
        if problem is not None:
            return await conflict_page(self.parts, request, problem, HTTPStatus.OK)
        preview = await previews.of_upload(self.parts, principal_of(request), upload)
        return page_response(pages.waiting(upload, outcome.resolutions, preview))

    async def content(self, request: web.Request) -> web.StreamResponse:
        upload, reading = await self.parts.parking.open(_id(request), principal_of(request))
        return await serving.serve(request, _as_file(upload), reading, {})

    async def post(self, request: web.Request) -> web.StreamResponse:
        fields = asking.query(request)
        if request.content_type == "application/x-www-form-urlencoded":
            fields |= await asking.form_fields(request, self.parts)
        action = fields.get("action", "")
        if action not in ACTIONS:
            raise MalformedRequest(f'"action" takes one of {", ".join(ACTIONS)}, not "{action}".')
        if action == "discard":
            return await self._discard(request)
        path = self._path(fields)
        # Both store under a free name. Whoever asks has been told of the file with this content.
        wanted = ReplaceIt(path, _etag(request, fields)) if action == "replace" else StoreAs(path)
        attempt = asking.attempt(request, request.path)
        outcome = await self.parts.parking.resolve(
            _id(request), principal_of(request), wanted, attempt
        )
        return await self._answer(request, outcome)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        await self.parts.parking.discard(_id(request), principal_of(request))
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=NOT_KEPT)

    async def _answer(self, request: web.Request, outcome: Outcome) -> web.StreamResponse:
        problem = self._problem(request, outcome)
        if problem is None:
            if _wants_html(request):
                return _see(f"{folder_href(outcome.path.parent)}?stored=1")
            rules = self.parts.rules
            return answers.stored(
                outcome, seen=rules.may(principal_of(request), Right.READ, outcome.path)
            )
        if _wants_html(request):
            return await conflict_page(self.parts, request, problem, problem.status)
        raise Refusal(problem)

    def _problem(self, request: web.Request, outcome: Outcome) -> Problem | None:
        if isinstance(outcome.verdict, Accepted):
            return None
        may_replace = self.parts.rules.may(principal_of(request), Right.REPLACE, outcome.path)
        return of_outcome(outcome, outcome.verdict, may_replace=may_replace)

    async def _discard(self, request: web.Request) -> web.StreamResponse:
        if not _wants_html(request):
            return await self.delete(request)
        upload = await self.parts.parking.discard(_id(request), principal_of(request))
        return _see(folder_href(upload.path.parent))

    def _path(self, fields: dict[str, str]) -> Path:
        if not fields.get("path"):
            raise MalformedRequest('Say in "path" where it shall be stored.')
        return asking.named_path(fields["path"], self.parts.names)


def _id(request: web.Request) -> str:
    return request.match_info["id"]


def _wants_html(request: web.Request) -> bool:
    return negotiation.wants_html(request.headers.get("Accept"))


def _see(href: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": href, **NOT_KEPT})


def _etag(request: web.Request, fields: dict[str, str]) -> str:
    """The version that whoever asks has seen: the header's word before the field's."""
    lines = request.headers.getall("If-Match", [])
    if not lines and fields.get("if_match"):
        lines = [fields["if_match"]]
    tags = conditions.condition(lines, []).if_match
    if tags is None:
        raise Refusal(
            of_type("condition-required", "Say in If-Match which version shall be replaced.")
        )
    if len(tags.strong) != 1 or tags.weak or tags.any:
        raise MalformedRequest("If-Match takes the one ETag of the version to be replaced here.")
    return next(iter(tags.strong))


def _upload(outcome: Outcome) -> Upload:
    if outcome.parked is None:
        msg = f"a parked upload without its bytes: {outcome}"
        raise ValueError(msg)
    return outcome.parked


def _members(
    upload: Upload, outcome: Outcome, problem: Problem | None, request_id: str
) -> dict[str, Json]:
    resolutions: list[Json] = [resolution_members(upload, one) for one in outcome.resolutions]
    return {
        **upload_members(upload),
        "problem": None if problem is None else problem.members(request_id),
        "resolutions": resolutions,
    }


def _as_file(upload: Upload) -> StoredFile:
    """Served under the same precautions as what is stored; 0 is the number of no version."""
    modified = upload.created if upload.modified is None else upload.modified
    version = Version(0, upload.content, upload.created, modified, upload.principal)
    return StoredFile(upload.path, version)
