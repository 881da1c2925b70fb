"""tus 1.0 at /uploads/: the door for clients that send a file in pieces and go on after a break.

Core, creation, creation-with-upload, creation-defer-length, expiration, checksum, termination and
concatenation. https://tus.io/protocols/resumable-upload
"""

from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from aiohttp import web

from handlers import answers, asking, bodies
from handlers.descriptions import UPLOADS, file_href, http_date
from handlers.dialects import DIALECT, Dialect
from handlers.headers import digests, metadata
from handlers.headers.names import IDEMPOTENCY_KEY
from handlers.headers.part_headers import readable
from handlers.identity import principal_of
from handlers.parts import Parts
from handlers.plain import upload_refusal
from handlers.problem_types import AT_TUS
from handlers.problems import REPLAYED, Refusal, of_type
from uploads import terms
from uploads.access import Right
from uploads.failures import BodyStalled, BodyTooShort, Failure, MalformedRequest
from uploads.files import Incoming
from uploads.names import Path
from uploads.portions import Portion
from uploads.seats import to_the_end
from uploads.settling import Arrival, Outcome

VERSION: Final = "1.0.0"
RESUMABLE: Final = "Tus-Resumable"
OVERRIDE: Final = "X-HTTP-Method-Override"
PIECE: Final = "application/offset+octet-stream"
EXTENSIONS: Final = (
    "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination,"
    "concatenation"
)
SPOKEN: Final = Dialect(AT_TUS, {RESUMABLE: VERSION})
METHODS: Final = "GET, HEAD, OPTIONS, POST"
METHODS_OF_ONE: Final = "GET, HEAD, OPTIONS, POST, PATCH, DELETE"
CONCAT: Final = "Upload-Concat"
FINAL: Final = "final;"
MOST_PARTS: Final = 1000
NOT_KEPT: Final = {"Cache-Control": "no-store"}
BROKEN_AT_ONCE: Final = (
    "The body broke off, or stood still, before the answer that says where the upload goes on."
    " Nothing of it is kept: begin it anew. With an Idempotency-Key it goes on."
)


@dataclass(frozen=True, slots=True)
class Tus:
    parts: Parts

    async def options(self, request: web.Request) -> web.StreamResponse:
        request[DIALECT] = SPOKEN
        headers = {
            "Allow": METHODS_OF_ONE if "id" in request.match_info else METHODS,
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Checksum-Algorithm": ",".join(metadata.ALGORITHMS),
            **NOT_KEPT,
        }
        most = self.parts.rules.limits.file_size
        if most is not None:
            headers["Tus-Max-Size"] = str(most)
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)

    async def create(self, request: web.Request) -> web.StreamResponse:
        _speak(request)
        asking.refuse_unreadable_body(request)
        concat = request.headers.get(CONCAT)
        if concat is not None and concat.startswith(FINAL):
            return await self._join(request, concat)
        if concat not in {None, "partial"}:
            raise MalformedRequest('Upload-Concat takes "partial", or "final;" and what to join.')
        size = _declared_size(request)
        portion = _portion(request, 0, size)
        resuming = self.parts.resuming
        if concat is None:
            attempt = asking.attempt(request, UPLOADS)
            begun = await resuming.create(self._arrival(request, size), attempt)
            if isinstance(begun, Outcome):
                raise self._refusal(request, begun)
        else:
            begun = await resuming.create_part(self._of_a_part(request, size))
        # Of one that is created again something may have come already.
        sends = request.content_type == PIECE and begun.offset == 0
        if not sends and not (size == 0 and concat is None):
            return self._created(request, begun.id, begun)
        ended = await self._take_in_first(request, begun.id, portion)
        return self._created(request, begun.id, ended)

    async def head(self, request: web.Request) -> web.StreamResponse:
        _speak(request)
        incoming = await self.parts.resuming.look(_id(request), principal_of(request))
        headers = {**self._how_far(request, incoming), **terms.echo(incoming)}
        if incoming.size is None:
            headers["Upload-Defer-Length"] = "1"
        else:
            headers["Upload-Length"] = str(incoming.size)
        return web.Response(status=HTTPStatus.OK, headers=headers)

    async def patch(self, request: web.Request) -> web.StreamResponse:
        _speak(request)
        asking.refuse_unreadable_body(request)
        await self._refuse_joined(request)
        if request.content_type != PIECE:
            raise Refusal(of_type("not-a-piece", f"The Content-Type of a piece is {PIECE}."))
        offset = asking.length(request, "Upload-Offset")
        if offset is None:
            raise MalformedRequest("Upload-Offset is missing: where does this piece begin?")
        portion = _portion(request, offset, asking.length(request, "Upload-Length"))
        ended = await self._take_in(request, _id(request), portion)
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=self._told(request, ended))

    async def _refuse_joined(self, request: web.Request) -> None:
        """Tus 1.0, concatenation: 403 to PATCH requests against a final upload."""
        found = await self.parts.resuming.arrivals.find(_id(request), principal_of(request))
        if terms.echo(found).get(CONCAT, "").startswith(FINAL):
            detail = "This upload was joined of parts, and takes no more pieces."
            refused = of_type("not-allowed", detail)
            raise Refusal(replace(refused, next="There is nothing to do: all of it is here."))

    async def _take_in(
        self, request: web.Request, id_: str, portion: Portion
    ) -> Incoming | Outcome:
        principal = principal_of(request)
        async with aclosing(bodies.pieces(request, self.parts.rules.limits)) as body:
            ended = await self.parts.resuming.append(id_, principal, portion, body)
        if isinstance(ended, Outcome) and not ended.accepted:
            raise self._refusal(request, ended)
        return ended

    async def _take_in_first(
        self, request: web.Request, id_: str, portion: Portion
    ) -> Incoming | Outcome:
        """With the creation. Where that is refused its sender has been told no address, and without
        a key finds it never more: it would only take up room.
        """
        try:
            return await self._take_in(request, id_, portion)
        except BaseException as broken:
            if IDEMPOTENCY_KEY in request.headers and CONCAT not in request.headers:
                raise
            with suppress(Failure):
                await to_the_end(self.parts.resuming.cancel(id_, principal_of(request)))
            if isinstance(broken, BodyTooShort | BodyStalled):
                raise type(broken)(BROKEN_AT_ONCE) from broken
            raise

    async def _join(self, request: web.Request, concat: str) -> web.StreamResponse:
        if "Upload-Length" in request.headers or "Upload-Defer-Length" in request.headers:
            raise MalformedRequest("What is joined of parts has their length: do not say any.")
        hrefs = concat.removeprefix(FINAL).split()
        if not 0 < len(hrefs) <= MOST_PARTS:
            raise MalformedRequest(f"Upload-Concat takes from one to {MOST_PARTS} parts.")
        ids = [href.rstrip("/").rpartition("/")[2] for href in hrefs]
        arrival = self._arrival(request, None)
        id_, ended = await self.parts.resuming.join(arrival, ids)
        if isinstance(ended, Outcome) and not ended.accepted:
            raise self._refusal(request, ended)
        return self._created(request, id_, ended)

    def _refusal(self, request: web.Request, outcome: Outcome) -> Refusal:
        return upload_refusal(self.parts.rules, principal_of(request), outcome)

    def _arrival(self, request: web.Request, size: int | None) -> Arrival:
        said, fields = _metadata(request), asking.query(request)
        text = metadata.place({**fields, **said})
        if text is None:
            raise MalformedRequest(
                "Say in Upload-Metadata how the file is called: filename, and its name in base64."
            )
        path = asking.named_path(text, self.parts.names)
        if not path.parts:
            raise MalformedRequest("The name of the file in Upload-Metadata is empty.")
        return Arrival(
            door="tus",
            path=path,
            principal=principal_of(request),
            condition=asking.condition(request),
            wishes=asking.wishes(request, _policy_words(fields)),
            size=size,
            declared=digests.declared(
                [*request.headers.getall("Repr-Digest", []), *_digest(said)], [], []
            ),
            modified=metadata.modified(said),
            claimed_type=readable(said.get("filetype") or said.get("type") or "") or None,
            may_rename=True,
            reservation=fields.get("reservation"),
            echo=_echo(request),
        )

    def _of_a_part(self, request: web.Request, size: int | None) -> Arrival:
        return Arrival(
            door="tus",
            path=Path(()),
            principal=principal_of(request),
            size=size,
            echo=_echo(request),
        )

    def _created(
        self, request: web.Request, id_: str, ended: Incoming | Outcome
    ) -> web.StreamResponse:
        headers = {"Location": UPLOADS + id_, **self._told(request, ended)}
        if isinstance(ended, Incoming) and ended.replayed:
            headers |= REPLAYED
        return web.Response(status=HTTPStatus.CREATED, headers=headers)

    def _told(self, request: web.Request, ended: Incoming | Outcome) -> dict[str, str]:
        """How far it has come. Where it is stored: as which file, to whoever may know."""
        if isinstance(ended, Incoming):
            return self._how_far(request, ended)
        file = answers.stored_file(ended)
        headers = {"Upload-Offset": str(file.content.size), **NOT_KEPT}
        if not self.parts.rules.may(principal_of(request), Right.READ, file.path):
            return headers
        # With Content-Location the ETag is that of the file there (RFC 9110 section 8.7).
        return {**headers, "Content-Location": file_href(file.path), **answers.facts(ended)}

    def _how_far(self, request: web.Request, incoming: Incoming) -> dict[str, str]:
        """Whoever lost the last answer is told which file it became. What has its name by now may
        be another version, so that no ETag is told.
        """
        headers = {
            "Upload-Offset": str(incoming.resumes_at),
            "Upload-Expires": http_date(incoming.expires),
            **NOT_KEPT,
        }
        is_stored = incoming.number is not None
        if is_stored and self.parts.rules.may(principal_of(request), Right.READ, incoming.path):
            headers["Content-Location"] = file_href(incoming.path)
        return headers


def _speak(request: web.Request) -> None:
    request[DIALECT] = SPOKEN
    version = request.headers.get(RESUMABLE)
    if version != VERSION:
        said = "None was named." if version is None else f"{readable(version)} was named."
        detail = f"tus {VERSION} is spoken here. {said}"
        raise Refusal(of_type("tus-version", detail, Tus_Version=VERSION))


def _declared_size(request: web.Request) -> int | None:
    size, deferred = (
        asking.length(request, "Upload-Length"),
        request.headers.get("Upload-Defer-Length"),
    )
    if deferred not in {None, "1"}:
        raise MalformedRequest("Upload-Defer-Length takes 1, or is left out.")
    if (size is None) == (deferred is None):
        raise MalformedRequest(
            "Say in Upload-Length how long the upload is, or with Upload-Defer-Length: 1 that you"
            " will say so later."
        )
    return size


def _portion(request: web.Request, offset: int, size: int | None) -> Portion:
    return Portion(
        offset,
        brings=request.content_length,
        size=size,
        declared=metadata.checksum(request.headers.get("Upload-Checksum")),
    )


def _metadata(request: web.Request) -> dict[str, str]:
    return metadata.parsed(_lines(request, "Upload-Metadata"))


def _echo(request: web.Request) -> dict[str, str]:
    """Tus wants to hear these again, as they came; of several lines it hears one."""
    said = {
        "Upload-Metadata": _lines(request, "Upload-Metadata"),
        CONCAT: request.headers.get(CONCAT, ""),
    }
    return {name: value for name, value in said.items() if value}


def _lines(request: web.Request, name: str) -> str:
    return ",".join(request.headers.getall(name, []))


def _digest(said: Mapping[str, str]) -> list[str]:
    return [said["digest"]] if "digest" in said else []


def _policy_words(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name not in metadata.PLACES}


def _id(request: web.Request) -> str:
    return request.match_info["id"]
