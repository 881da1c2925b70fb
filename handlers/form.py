"""POST multipart/form-data to a folder: the door for browsers without JavaScript and `curl -F`.

Each file is judged and settled on its own while the next is still on its way. A field speaks for
the files that come after it. A file that is refused does not stop the others; a form that breaks
off says what of it was stored.
"""

import re
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from aiohttp import web
from multipart import parse_options_header  # type: ignore[import-untyped]

from handlers import asking, bodies, form_answers
from handlers.form_answers import Refused, Result, Stored
from handlers.form_body import FormBody, Part
from handlers.headers import conditions, part_headers
from handlers.headers.conditions import MalformedCondition
from handlers.headers.digests import MalformedDigest
from handlers.headers.names import CONTENT_DIGEST, CONTENT_MD5, REPR_DIGEST
from handlers.headers.part_headers import Heading
from handlers.identity import principal_of
from handlers.parts import Parts
from handlers.problems import Problem, Refusal, of_bad_name, of_failure, of_malformed, of_outcome
from handlers.rendering import request_id
from uploads import names
from uploads.access import Principal, Right
from uploads.attempts import Attempt
from uploads.collisions import Accepted
from uploads.failures import Failure, KeyReused, MalformedRequest, NotIdentified
from uploads.names import BadName, Path
from uploads.settling import Arrival
from uploads.spelling import Rule

OTHER_PARTS = 100
BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
POLICY_WORDS = frozenset({"same_file", "same_name", "same_content"})
FIELDS = POLICY_WORDS | {"if_match", "if_none_match", "folder", "reservation"}


@dataclass(slots=True)
class Filling:
    """A form on its way in: what its fields have said so far, and what became of its files.

    `asked`: what the address says, where the fields say nothing.
    """

    request: web.Request
    principal: Principal
    folder: Path
    target: Path
    fields: dict[str, str]
    asked: dict[str, str]
    attempt: Attempt | None
    files_before: int | None = None
    results: list[Result] = field(default_factory=list)
    field_bytes: int = 0
    unheard: str = ""

    async def hear(self, part: Part, most: int, limits: names.Limits) -> None:
        name = part.heading.field.lower().replace("-", "_")
        value = bytearray()
        async for piece in part:
            self.field_bytes += len(piece)
            if self.field_bytes > most:
                raise MalformedRequest(f"The fields of the form hold more than {most:,} bytes.")
            value += piece
        if name not in FIELDS:
            return
        try:
            text = value.decode()
        except UnicodeDecodeError:
            raise MalformedRequest(f'The field "{name}" is not UTF-8.') from None
        # An option that was left alone comes as an empty field: the address speaks for it.
        self.fields.pop(name, None)
        if text:
            self.unheard = name
        if text := text or self.asked.get(name, ""):
            self.fields[name] = text
        if name == "folder":
            self.target = _below(self.folder, text, limits)

    def arrival(self, heading: Heading, limits: names.Limits) -> Arrival:
        """May raise a BadName, for the name of this one file."""
        words = {name: self.fields[name] for name in POLICY_WORDS & self.fields.keys()}
        return Arrival(
            door="form",
            path=self._path(heading.filename or "", limits),
            principal=self.principal,
            condition=conditions.condition(
                self._lines("If-Match"),
                self._lines("If-None-Match"),
                self.request.headers.get("If-Unmodified-Since"),
            ),
            wishes=asking.wishes(self.request, words),
            declared=heading.declared(),
            claimed_type=heading.media_type,
            may_rename=True,
            reservation=self.fields.get("reservation"),
            attempt=self._attempt(),
        )

    def demand_place(self) -> None:
        """For one file more than there are."""
        if len(self.results) == self.files_before:
            raise KeyReused(
                f"The form that was sent with this Idempotency-Key had {self.files_before} files."
                " Send the others with a key of their own."
            )

    def _attempt(self) -> Attempt | None:
        """Of the next file: each has a first answer of its own, written with it, so that a form
        which broke off goes on where it did when it is sent again.
        """
        return replace(self.attempt, part=len(self.results) + 1) if self.attempt else None

    def _path(self, filename: str, limits: names.Limits) -> Path:
        """A folder chosen in a browser sends the paths within it as names (`dir/sub/f.txt`)."""
        if part_headers.readable(filename) != filename:
            raise BadName(Rule.NOT_UTF8, filename, "The name is not UTF-8; encode it so.")
        return names.parse("/".join((*self.target.parts, filename)), limits)

    def _lines(self, header: str) -> list[str]:
        name = header.lower().replace("-", "_")
        if name in self.fields:
            return [self.fields[name]]
        return self.request.headers.getall(header, [])


@dataclass(frozen=True, slots=True)
class Forms:
    parts: Parts

    async def post(self, request: web.Request, folder: Path) -> web.StreamResponse:
        asking.refuse_unreadable_body(request)
        asking.refuse_piece(request)
        _refuse_digest(request)
        principal = principal_of(request)
        self._demand_some_right(principal, folder)
        query = {name.replace("-", "_"): text for name, text in asking.query(request).items()}
        said = {name: text for name, text in query.items() if name in FIELDS and text}
        target = _below(folder, said.get("folder", ""), self.parts.names)
        attempt = asking.attempt(request, str(folder))
        filling = Filling(request, principal, folder, target, dict(said), said, attempt)
        most = self.parts.http.files_per_form + OTHER_PARTS
        boundary = _boundary(request)
        with self.parts.receiver.flights.hold(principal, attempt):
            filling.files_before = await self.parts.receiver.files_before(principal, attempt)
            async with aclosing(bodies.pieces(request, self.parts.rules.limits)) as pieces:
                body = FormBody(pieces, boundary, most)
                try:
                    await self._fill(filling, body)
                    files = len(filling.results)
                    await self.parts.receiver.end_form(principal, attempt, files)
                except (Failure, Refusal, BadName, MalformedCondition) as broken:
                    raise _with_results(broken, filling) from broken
        return await form_answers.answer(self.parts, request, filling.target, filling.results)

    async def _fill(self, filling: Filling, body: FormBody) -> None:
        async for part in body.parts():
            if part.heading.filename is None:
                await filling.hear(part, self.parts.http.field_bytes, self.parts.names)
                continue
            if len(filling.results) == self.parts.http.files_per_form:
                most = self.parts.http.files_per_form
                raise MalformedRequest(f"One form takes {most} files. Send the rest in another.")
            result = await self._take(filling, body, part)
            if result is not None:
                filling.results.append(result)
                filling.unheard = ""
        if not filling.results:
            raise MalformedRequest("There is no file in the form. Choose at least one.")
        if filling.unheard:
            raise MalformedRequest(
                f'The field "{filling.unheard}" came after the files and was not heard.'
                " A field speaks for the files that come after it."
            )

    async def _take(self, filling: Filling, body: FormBody, part: Part) -> Result | None:
        """One file; None for a file input that was left empty."""
        sent = part.heading.filename or ""
        name = part_headers.readable(sent)
        if not sent:
            return await self._nameless(part)
        filling.demand_place()
        try:
            part.heading.check_encoding()
            arrival = filling.arrival(part.heading, self.parts.names)
            outcome = await self.parts.receiver.receive(arrival, part.flow())
        except (NotIdentified, KeyReused):
            # About the request rather than the file: whoever asks is to sign in, or to send
            # the form that was sent under this key.
            raise
        except (Failure, BadName, Refusal, MalformedDigest) as refused:
            if body.broken is not None:
                raise
            return Refused(name, _problem(refused))
        rules, whose = self.parts.rules, arrival.principal
        if not isinstance(outcome.verdict, Accepted):
            may_replace = rules.may(whose, Right.REPLACE, outcome.path)
            return Refused(name, of_outcome(outcome, outcome.verdict, may_replace=may_replace))
        seen = rules.may(whose, Right.READ, outcome.path)
        return Stored(name, outcome, seen=seen)

    async def _nameless(self, part: Part) -> Result | None:
        if await anext(part, None) is None:
            return None
        return Refused("", of_failure(MalformedRequest("A file of the form has no name.")))

    def _demand_some_right(self, principal: Principal, folder: Path) -> None:
        """Before the body is invited. What each file needs is judged file by file."""
        rules = self.parts.rules
        if not rules.access.may_any(principal, folder):
            rules.deny(principal, Right.CREATE, folder)


def _below(folder: Path, text: str, limits: names.Limits) -> Path:
    """The folder that the field `folder` names, seen from the one that the form was sent to."""
    below = text.removesuffix("/")
    return names.parse("/".join((*folder.parts, below)), limits) if below else folder


def _boundary(request: web.Request) -> str:
    """RFC 2046 section 5.1.1."""
    _, parameters = parse_options_header(request.headers.get("Content-Type", ""))
    boundary: str = parameters.get("boundary", "")
    if BOUNDARY.fullmatch(boundary) is None:
        raise MalformedRequest("The Content-Type of a form needs a boundary of 1 to 70 characters.")
    return boundary


def _refuse_digest(request: web.Request) -> None:
    """It is of all bytes of the form, and verified of none of its files."""
    if any(name in request.headers for name in (REPR_DIGEST, CONTENT_DIGEST, CONTENT_MD5)):
        raise MalformedDigest(
            "The digest of a whole form is not checked. Declare that of each file among the"
            " headers of its part."
        )


def _problem(
    refused: Failure | BadName | Refusal | MalformedCondition | MalformedDigest,
) -> Problem:
    match refused:
        case Refusal():
            return refused.problem
        case BadName():
            return of_bad_name(refused)
        case MalformedCondition() | MalformedDigest():
            return of_malformed(refused)
        case Failure():
            return of_failure(refused)


def _with_results(
    broken: Failure | BadName | Refusal | MalformedCondition, filling: Filling
) -> Refusal:
    """The problem of the form as a whole, with what its files have come to before."""
    problem = _problem(broken)
    if not filling.results:
        return Refusal(problem)
    stored = sum(isinstance(one, Stored) for one in filling.results)
    said = f" Before that, {stored} of its files were stored." if stored else ""
    members = form_answers.members(filling.results, request_id(filling.request))
    return Refusal(
        replace(problem, detail=problem.detail + said, extra={**problem.extra, **members})
    )
