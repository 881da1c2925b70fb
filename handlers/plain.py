"""GET HEAD PUT DELETE OPTIONS under /files/: the door for curl and scripts."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from aiohttp import web

from handlers import answers, asking, bodies, listings, resumable, serving
from handlers.asking import Target
from handlers.headers.names import TRANSFER_ENCODING, WANT_REPR_DIGEST
from handlers.identity import principal_of
from handlers.parts import Parts
from handlers.problems import Refusal, of_outcome
from handlers.resumable import Resumable
from uploads.access import Principal, Right
from uploads.collisions import Refused
from uploads.failures import MalformedRequest
from uploads.files import Folder
from uploads.holdings import Held
from uploads.names import Path
from uploads.rules import Rules
from uploads.settling import Arrival, Outcome, Placed

FILES = "/files/"
FILE_METHODS = "GET, HEAD, PUT, DELETE, OPTIONS, POST"

# What a door says to an outcome; it raises the refusal of one that was not accepted.
Answer = Callable[[Outcome, Arrival], web.Response]


@dataclass(frozen=True, slots=True)
class Plain:
    parts: Parts

    async def get(self, request: web.Request) -> web.StreamResponse:
        target = self._target(request)
        fields = asking.query(request)
        if target.is_folder:
            return await listings.folder(self.parts, request, target.path, fields)
        if "versions" in fields:
            return await listings.history(self.parts, request, target.path, fields)
        if "version" in fields:
            number = asking.number(fields["version"], "version")
            held = await self.parts.holdings.version(principal_of(request), target.path, number)
            return await self.serve(request, held)
        found = await self.parts.holdings.find(principal_of(request), target.path)
        if isinstance(found, Folder):
            return answers.moved_to_folder(found)
        return await self.serve(request, found)

    async def put(self, request: web.Request) -> web.StreamResponse:
        target = self._target(request)
        fields = asking.query(request)
        asking.refuse_versions(fields)
        if target.is_folder:
            return await self._put_folder(request, target.path)
        arrival = asking.arrival(request, target.path, fields)
        return await self.take_in(request, arrival)

    def take_in(self, request: web.Request, arrival: Arrival) -> Awaitable[web.StreamResponse]:
        return self.receive(request, arrival, self._stored)

    async def receive(
        self, request: web.Request, arrival: Arrival, answer: Answer
    ) -> web.StreamResponse:
        """An upload whose body is the file: judged early where that is sure, else received."""
        parts = self.parts
        if resumable.is_begun(request, parts):
            return await Resumable(parts).begin(request, arrival)
        asking.refuse_piece(request)
        arrival = resumable.whole(request, parts, arrival)
        # What would be read only to be thrown away is rather taken in and kept for a resolution.
        foresee = (
            parts.receiver.recall if self._worth_receiving(request) else parts.receiver.foresee
        )
        foreseen = await foresee(arrival)
        if foreseen is not None:
            return await bodies.answer_early(
                request,
                answer(foreseen, arrival),
                parts.http.drain_bytes,
                parts.http.drain_time,
            )
        here = bodies.all_here(request)
        if here is not None:
            return answer(await parts.receiver.receive(arrival, here), arrival)
        async with aclosing(bodies.pieces(request, parts.rules.limits)) as body:
            outcome = await parts.receiver.receive(arrival, body)
        return answer(outcome, arrival)

    def _stored(self, outcome: Outcome, arrival: Arrival) -> web.Response:
        rules = self.parts.rules
        if not outcome.accepted:
            raise upload_refusal(rules, arrival.principal, outcome)
        seen = rules.may(arrival.principal, Right.READ, outcome.path)
        return answers.stored(outcome, seen=seen)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        target = self._target(request)
        fields = asking.query(request)
        asking.refuse_versions(fields)
        recursive = asking.flag(fields, "recursive")
        found = await self.parts.tree.asked_at(folder=target.is_folder).delete(
            principal_of(request),
            target.path,
            asking.condition(request),
            recursive=recursive,
            attempt=asking.attempt(request, str(target.path)),
        )
        if isinstance(found, Outcome):
            raise refusal(found)
        return answers.removed(found)

    async def options(self, request: web.Request) -> web.StreamResponse:  # noqa: ARG002
        """Says what can be done at all; who may is judged when it is done."""
        response = answers.options(FILE_METHODS)
        if self.parts.http.draft_uploads:
            response.headers["Upload-Limit"] = resumable.limits(self.parts)
        return response

    async def _put_folder(self, request: web.Request, path: Path) -> web.StreamResponse:
        """A folder is made by its address alone: a body would be lost, so it is refused."""
        asking.refuse_unreadable_body(request)
        if request.content_length or request.headers.get(TRANSFER_ENCODING):
            raise MalformedRequest(
                f'"{path}/" is the address of a folder. Leave the slash out to store a file.'
            )
        principal = principal_of(request)
        attempt = asking.attempt(request, f"{path}/")
        made = await self.parts.tree.make_folder(
            principal, path, asking.condition(request), attempt=attempt
        )
        if isinstance(made, Outcome):
            raise _folder_refusal(made)
        asker = await self.parts.describing.asker(principal)
        return answers.placed(made, asker, seen=asker.may(Right.LIST, path))

    async def serve(
        self, request: web.Request, held: Held, dated: float | None = None
    ) -> web.StreamResponse:
        digests = {}
        if WANT_REPR_DIGEST in request.headers:
            digests = dict(await self.parts.holdings.digests(held.file))
        reading = held.reading or await self.parts.holdings.open(held.file)
        if dated is not None:
            # RFC 9110 section 8.8.2.1: a time that is still to come is told by no answer.
            dated = min(dated, self.parts.rules.clock())
        return await serving.serve(request, held.file, reading, digests, dated)

    def _worth_receiving(self, request: web.Request) -> bool:
        small = bodies.fits_drain(request, self.parts.http.drain_bytes)
        return small and not bodies.expects_continue(request)

    def _target(self, request: web.Request) -> Target:
        return asking.target(request, FILES, self.parts.names)


def refusal(outcome: Outcome, *, places: bool = False, may_replace: bool = True) -> Refusal:
    verdict: Refused = outcome.verdict  # type: ignore[assignment]
    return Refusal(of_outcome(outcome, verdict, places=places, may_replace=may_replace))


def upload_refusal(rules: Rules, principal: Principal, outcome: Outcome) -> Refusal:
    """Leads nobody to replace what they may not."""
    may_replace = rules.may(principal, Right.REPLACE, outcome.path)
    return refusal(outcome, may_replace=may_replace)


def _folder_refusal(outcome: Outcome) -> Refusal:
    """That the very folder is there already is all that whoever wanted it needs to know."""
    refused, path = refusal(outcome, places=True), outcome.path
    existing = refused.problem.existing
    if not isinstance(existing, Folder) or existing.path != path:
        return refused
    which = f'folder "{path}"' if path.parts else "top folder"
    told = replace(
        refused.problem,
        detail=f"The {which} is there already.",
        next="Nothing: the folder is there.",
    )
    return Refusal(told)


def placed_or_refused(result: Outcome | Placed, *, places: bool) -> Placed:
    if isinstance(result, Outcome):
        raise refusal(result, places=places)
    return result
