"""Resumable Uploads for HTTP, as the IETF drafts it: PUT and POST to /files/... that can go on.

draft-ietf-httpbis-resumable-upload, in the interop versions 6 and 8. Only for who names one of
them, and only where it is switched on: until it is an RFC it may change.
"""

import math
import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from aiohttp import web

from handlers import answers, asking, bodies
from handlers.descriptions import UPLOADS
from handlers.dialects import DIALECT, Dialect
from handlers.headers import digests, structured
from handlers.identity import principal_of
from handlers.parts import Parts
from handlers.problems import Refusal, of_outcome, of_type
from uploads.access import Right
from uploads.collisions import Accepted
from uploads.failures import MalformedRequest
from uploads.files import Incoming
from uploads.portions import Portion
from uploads.settling import Arrival, Outcome

INTEROP: Final = "Upload-Draft-Interop-Version"
COMPLETE: Final = "Upload-Complete"
# What the remaining time is called, by interop version.
AGE: Final = {"6": "expires", "8": "max-age"}
PIECE: Final = "application/partial-upload"
# What is shorter is as soon sent again.
WORTH_RESUMING: Final = 64 << 10
NOT_KEPT: Final = {"Cache-Control": "no-store"}


def is_spoken(request: web.Request, parts: Parts) -> bool:
    return parts.http.draft_uploads and request.headers.get(INTEROP) in AGE


def is_begun(request: web.Request, parts: Parts) -> bool:
    """Does this PUT or POST want an upload that can go on? A whole one that is short gets none, nor
    one that its sender will repeat under a key: that is another way to the same end.
    """
    if not is_spoken(request, parts):
        return False
    complete = structured.boolean(request.headers.get(COMPLETE))
    if complete is None:
        return False
    length = request.content_length
    is_long = length is None or length >= WORTH_RESUMING
    return not complete or (is_long and "Idempotency-Key" not in request.headers)


def whole(request: web.Request, parts: Parts, arrival: Arrival) -> Arrival:
    """What comes at once has the length that is said of all of it.

    :raises WrongLength: it is said in two ways.
    """
    if COMPLETE not in request.headers or not is_spoken(request, parts):
        return arrival
    size = _portion(request, 0).size_at_beginning()
    return arrival if size is None else replace(arrival, size=size)


def limits(parts: Parts) -> str:
    most = parts.rules.limits.file_size
    least = f"min-size={WORTH_RESUMING}"
    return least if most is None else f"max-size={most}, {least}"


@dataclass(frozen=True, slots=True)
class Resumable:
    parts: Parts

    async def begin(self, request: web.Request, arrival: Arrival) -> web.StreamResponse:
        # A refusal of all of it, until there is something to go on with.
        _says(request, complete=True)
        portion = _portion(request, 0)
        size = portion.size_at_beginning()
        of_all = digests.declared(request.headers.getall("Repr-Digest", []), [], [])
        begun = await self.parts.resuming.create(
            replace(arrival, door="resumable", size=size, declared=of_all, attempt=None)
        )
        if isinstance(begun, Outcome):
            raise self._refusal(request, begun)
        place = {"Location": UPLOADS + begun.id, "Upload-Limit": self._limits(request, begun)}
        bodies.announce(request, {**place, INTEROP: request.headers[INTEROP]})
        _says(request, complete=False)
        ended = await self._take_in(request, begun.id, portion)
        if isinstance(ended, Incoming):
            headers = {**place, "Upload-Offset": str(ended.resumes_at), **NOT_KEPT}
            return web.Response(status=HTTPStatus.CREATED, headers=headers)
        return self._ended(request, ended)

    async def head(self, request: web.Request) -> web.StreamResponse:
        _says(request, complete=True)
        incoming = await self.parts.resuming.look(_id(request), principal_of(request))
        _says(request, complete=incoming.number is not None)
        headers = {
            "Upload-Offset": str(incoming.resumes_at),
            "Upload-Limit": self._limits(request, incoming),
            **NOT_KEPT,
        }
        if incoming.size is not None:
            headers["Upload-Length"] = str(incoming.size)
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)

    async def patch(self, request: web.Request) -> web.StreamResponse:
        _says(request, complete=False)
        asking.refuse_unreadable_body(request)
        if request.content_type != PIECE:
            raise Refusal(of_type("not-a-piece", f"The Content-Type of a piece is {PIECE}."))
        offset = structured.integer(request.headers.get("Upload-Offset"))
        if offset is None or structured.boolean(request.headers.get(COMPLETE)) is None:
            raise MalformedRequest(
                "A piece says in Upload-Offset where it begins, and in Upload-Complete whether it"
                " is the last one (?1) or not (?0)."
            )
        ended = await self._take_in(request, _id(request), _portion(request, offset))
        if isinstance(ended, Outcome):
            return self._ended(request, ended)
        _says(request, complete=ended.number is not None)
        headers = {
            "Upload-Offset": str(ended.resumes_at),
            "Upload-Limit": self._limits(request, ended),
            **NOT_KEPT,
        }
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)

    async def _take_in(
        self, request: web.Request, id_: str, portion: Portion
    ) -> Incoming | Outcome:
        async with aclosing(bodies.pieces(request, self.parts.rules.limits)) as body:
            ended = await self.parts.resuming.append(id_, principal_of(request), portion, body)
        if isinstance(ended, Outcome) and not ended.accepted:
            _says(request, complete=True)
            raise self._refusal(request, ended)
        return ended

    def _refusal(self, request: web.Request, outcome: Outcome) -> Refusal:
        if isinstance(outcome.verdict, Accepted):
            raise TypeError(outcome)
        may_replace = self.parts.rules.may(principal_of(request), Right.REPLACE, outcome.path)
        return Refusal(of_outcome(outcome, outcome.verdict, may_replace=may_replace))

    def _ended(self, request: web.Request, outcome: Outcome) -> web.StreamResponse:
        """What the request that began it would have been answered."""
        _says(request, complete=True)
        seen = self.parts.rules.may(principal_of(request), Right.READ, outcome.path)
        response = answers.stored(outcome, seen=seen)
        response.headers["Upload-Offset"] = str(answers.stored_file(outcome).content.size)
        return response

    def _limits(self, request: web.Request, incoming: Incoming) -> str:
        left = max(0, math.floor(incoming.expires - time.time()))
        return f"{limits(self.parts)}, {AGE[request.headers[INTEROP]]}={left}"


def _says(request: web.Request, *, complete: bool) -> None:
    """Whether an answer is about the file, or about an upload that can go on."""
    request[DIALECT] = Dialect(headers={COMPLETE: "?1" if complete else "?0"})


def _portion(request: web.Request, offset: int) -> Portion:
    lines = request.headers.getall
    return Portion(
        offset,
        brings=request.content_length,
        size=structured.integer(request.headers.get("Upload-Length")),
        is_last=structured.boolean(request.headers.get(COMPLETE)),
        declared=digests.declared([], lines("Content-Digest", []), lines("Content-MD5", [])),
    )


def _id(request: web.Request) -> str:
    return request.match_info["id"]
