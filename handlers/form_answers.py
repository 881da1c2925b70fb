"""What became of the files of a form, as JSON for scripts and as pages for people.

One file gets its own status and body, as if it had been put. Several are answered with 200 and a
status per file (201 when every one is new), because the form as a whole was carried out: no single
status fits files that were stored and files that were not. 207 says that for WebDAV, in XML.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from handlers import answers
from handlers.browser import pages, previews
from handlers.descriptions import Json, folder_href
from handlers.headers import negotiation
from handlers.identity import principal_of
from handlers.parts import Parts
from handlers.problems import REPLAYED, Problem, Refusal
from handlers.rendering import json_response, page_response, request_id
from uploads.collisions import Link, Rename, Replace, Unchanged
from uploads.names import Path
from uploads.settling import Outcome

NOT_KEPT = {"Cache-Control": "no-store", "Vary": "Accept"}


@dataclass(frozen=True, slots=True)
class Stored:
    """`seen`: the sender may read what is stored, and so be told where."""

    name: str
    outcome: Outcome
    seen: bool

    @property
    def status(self) -> int:
        return answers.status(self.outcome)

    @property
    def replayed(self) -> bool:
        return self.outcome.replayed


@dataclass(frozen=True, slots=True)
class Refused:
    name: str
    problem: Problem

    @property
    def status(self) -> int:
        return self.problem.status

    @property
    def replayed(self) -> bool:
        return REPLAYED.items() <= self.problem.headers.items()


Result = Stored | Refused


async def answer(
    parts: Parts, request: web.Request, folder: Path, results: Sequence[Result]
) -> web.StreamResponse:
    if negotiation.wants_html(request.headers.get("Accept")):
        return await _page(parts, request, folder, results)
    if len(results) == 1:
        return _single(results[0])
    created = all(one.status == HTTPStatus.CREATED for one in results)
    status = HTTPStatus.CREATED if created else HTTPStatus.OK
    return json_response(members(results, request_id(request)), status, _headers(results))


def _headers(results: Sequence[Result]) -> dict[str, str]:
    return {**NOT_KEPT, **(REPLAYED if all(one.replayed for one in results) else {})}


def members(results: Sequence[Result], request_id: str) -> dict[str, Json]:
    found: list[Json] = [
        {"name": one.name, "status": one.status, **_members(one, request_id)} for one in results
    ]
    return {"results": found}


def _members(result: Result, request_id: str) -> dict[str, Json]:
    match result:
        case Stored(_, outcome, seen):
            return answers.stored_members(outcome, seen=seen)
        case Refused(_, problem):
            return problem.members(request_id)


def _single(result: Result) -> web.StreamResponse:
    match result:
        case Stored(_, outcome, seen):
            return answers.stored(outcome, seen=seen)
        case Refused(_, problem):
            raise Refusal(problem)


async def _page(
    parts: Parts, request: web.Request, folder: Path, results: Sequence[Result]
) -> web.StreamResponse:
    refused = [one for one in results if isinstance(one, Refused)]
    if not refused:
        address = f"{folder_href(folder)}?stored={len(results)}"
        return web.Response(
            status=HTTPStatus.SEE_OTHER, headers={"Location": address, **_headers(results)}
        )
    principal = principal_of(request)
    if len(results) == 1:
        problem = refused[0].problem
        return await conflict_page(parts, request, problem, problem.status)
    shown = [
        pages.Refused(one.name, one.problem, await previews.sides(parts, principal, one.problem))
        for one in refused
    ]
    stored = [_shown(one) for one in results if isinstance(one, Stored)]
    html = pages.results(folder, stored, shown, request_id(request))
    return page_response(html, refused[0].status, _headers(results))


async def conflict_page(
    parts: Parts, request: web.Request, problem: Problem, status: int
) -> web.Response:
    """A problem with a glance at both files; it may be what was asked for rather than an answer."""
    sides = await previews.sides(parts, principal_of(request), problem)
    html = pages.problem(problem, request_id(request), sides)
    is_answer = status == problem.status
    return page_response(html, status, problem.all_headers() if is_answer else NOT_KEPT)


def _shown(result: Stored) -> pages.Stored:
    file = result.outcome.file
    if file is None or not result.seen:
        return pages.Stored(result.name, None, "received")
    return pages.Stored(result.name, file, _note(result.outcome))


def _note(outcome: Outcome) -> str:
    match outcome.verdict:
        case Rename():
            return "under the next free name"
        case Replace():
            return "replaced; the old version is kept"
        case Unchanged():
            return "was there already"
        case Link():
            return "as one more name of a content that was there"
        case _:
            return ""
