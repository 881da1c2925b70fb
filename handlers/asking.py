"""What a request to `/files/...` asks: its path, its query, and its headers as an Arrival."""

from typing import Final, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web

from handlers import bodies
from handlers.headers import conditions, digests, hosts, idempotency, structured
from handlers.headers.digests import MalformedDigest
from handlers.headers.names import (
    CONTENT_DIGEST,
    CONTENT_ENCODING,
    CONTENT_MD5,
    CONTENT_RANGE,
    CONTENT_TYPE,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE,
    PREFER,
    REPR_DIGEST,
    TRAILER,
    TRANSFER_ENCODING,
    UPLOAD_COMPLETE,
    UPLOAD_INCOMPLETE,
)
from handlers.headers.part_headers import readable
from handlers.identity import principal_of
from handlers.parts import Parts
from handlers.problems import Refusal, of_type
from uploads import names
from uploads.attempts import Attempt
from uploads.conditions import Condition
from uploads.failures import MalformedRequest, TooLarge
from uploads.names import Path
from uploads.policy import NO_WISHES, SameContent, SameFile, SameName, Wishes
from uploads.settling import Arrival
from uploads.values import value

MOST_FIELDS = 50
NO_FILE_IS_LARGER: Final = 1 << 62

Word = TypeVar("Word", SameFile, SameName, SameContent)


@value
class Target:
    """The path as the client spelled it; `is_folder`: it ended with a slash."""

    path: Path
    is_folder: bool


def target(request: web.Request, prefix: str, limits: names.Limits) -> Target:
    """From the raw request line: what frameworks decode or normalise, we judge."""
    raw = request.raw_path
    if "#" in raw:
        raise MalformedRequest("The address holds a raw #; write it as %23.")
    rest = hosts.split(raw)[1].partition("?")[0].removeprefix(prefix)
    is_folder = not rest or rest.endswith("/")
    text = rest.removesuffix("/")
    if "%" in text or not text.isascii():
        text = names.decode(text.encode("utf-8", "surrogateescape"))
    return Target(named_path(text, limits), is_folder)


def named_path(text: str, limits: names.Limits) -> Path:
    """A path as it stands in a query, a form field or an address; empty is the root."""
    return names.parse(text, limits) if text else Path(())


def query(request: web.Request) -> dict[str, str]:
    asked = request.raw_path.partition("?")[2]
    if not asked:
        return {}
    try:
        pairs = parse_qsl(
            asked,
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise MalformedRequest("The query of the address cannot be read.") from None
    return dict(pairs)


def refuse_versions(fields: dict[str, str]) -> None:
    """Who names a version in what changes something would find another one deleted, or copied."""
    for name in ("version", "versions"):
        if name in fields:
            raise MalformedRequest(
                f'"{name}" is for reading only. An earlier version comes back by POST with restore'
                " and its number; what is replaced, deleted, moved or copied is the current one."
            )


async def form_fields(request: web.Request, parts: Parts) -> dict[str, str]:
    """The fields of a form without files (application/x-www-form-urlencoded)."""
    most = parts.http.field_bytes
    body = await bodies.small_body(request, parts.rules.limits, most)
    if body is None:
        raise MalformedRequest(
            f"The form is longer than {most:,} bytes. Files go as multipart/form-data."
        )
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise MalformedRequest("The form cannot be read.") from None
    return dict(pairs)


def number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):  # noqa: PLR2004 - fits 64 bits
        raise MalformedRequest(f'"{name}" takes a number, not "{text}".')
    return int(text)


def content_length(request: web.Request) -> int | None:
    """:raises TooLarge: beyond what any file can have."""
    size = request.content_length
    if size is not None and size >= NO_FILE_IS_LARGER:
        raise _no_file("Content-Length")
    return size


def length(request: web.Request, name: str) -> int | None:
    """How many bytes a header of this name says. :raises TooLarge: as above."""
    text = request.headers.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise MalformedRequest(f'{name} takes a number, not "{readable(text)}".')
    if len(text) > len(str(NO_FILE_IS_LARGER)) or int(text) >= NO_FILE_IS_LARGER:
        raise _no_file(name)
    return int(text)


def _no_file(name: str) -> TooLarge:
    return TooLarge(f"No file is that large. Check the {name} that you send.")


def flag(fields: dict[str, str], name: str) -> bool:
    """`?recursive`, `?recursive=true` and the like."""
    value = fields.get(name, "false").lower()
    if value not in {"", "true", "false", "1", "0", "yes", "no"}:
        raise MalformedRequest(f'"{name}" takes true or false, not "{value}".')
    return value in {"", "true", "1", "yes"}


def condition(request: web.Request) -> Condition:
    headers, lines = request.headers, request.headers.getall
    return conditions.condition(
        lines(IF_MATCH, []), lines(IF_NONE_MATCH, []), headers.get(IF_UNMODIFIED_SINCE)
    )


def wishes(request: web.Request, fields: dict[str, str]) -> Wishes:
    """Policy words from `Prefer`, overridden by the query or form field of the same name."""
    lines = request.headers.getall(PREFER, [])
    if not lines and not fields:
        return NO_WISHES
    preferred = conditions.preferences(lines)
    words = {**preferred, **{name.replace("_", "-"): value for name, value in fields.items()}}
    # A preference that is not understood is ignored (RFC 7240); a field is a mistake to be told.
    strict = {name.replace("_", "-") for name in fields}
    return Wishes(
        same_file=_word(SameFile, words, "same-file", strict),
        same_name=_word(SameName, words, "same-name", strict),
        same_content=_word(SameContent, words, "same-content", strict),
    )


def _word(kind: type[Word], words: dict[str, str], name: str, strict: set[str]) -> Word | None:
    value = words.get(name)
    if value is None:
        return None
    try:
        return kind(value)
    except ValueError:
        if name in strict:
            known = ", ".join(kind)
            raise MalformedRequest(f'"{name}" takes one of {known}, not "{value}".') from None
        return None


def attempt(request: web.Request, target: str) -> Attempt | None:
    """Where its sender has given it a key. `target` tells requests of one method apart."""
    key = idempotency.key(request.headers.getall(IDEMPOTENCY_KEY, []))
    return None if key is None else Attempt(key, request.method, target)


def refuse_unreadable_body(request: web.Request) -> None:
    """What would store something else than the file that was meant."""
    if CONTENT_RANGE in request.headers:
        raise Refusal(of_type("partial-put", "Content-Range is not taken with an upload."))
    if TRAILER in request.headers:
        _refuse_late_digest(request)
    encodings = request.headers.getall(CONTENT_ENCODING, [])
    if encodings and not conditions.is_identity(encodings):
        raise Refusal(
            of_type(
                "encoding-refused",
                f"The body is encoded as {', '.join(encodings)}.",
                Accept_Encoding="identity",
            )
        )


def _refuse_late_digest(request: web.Request) -> None:
    """Trailers are read by nobody here, and who declares a digest wants it verified."""
    announced = ",".join(request.headers.getall(TRAILER)).lower().split(",")
    for name in (REPR_DIGEST, CONTENT_DIGEST, CONTENT_MD5):
        if name.lower() in {one.strip(" \t") for one in announced}:
            raise MalformedDigest(
                f"{name} is announced for the trailer of the body, which is not read here. Send it"
                " among the headers, or leave it out and compare what the answer says."
            )


def _declared(request: web.Request) -> dict[str, bytes]:
    """Of the whole file: what is said of the content of a piece is said of no more than that."""
    lines = request.headers.getall
    whole = lines(REPR_DIGEST, [])
    if is_piece(request):
        return digests.declared(whole, [], [])
    return digests.declared(whole, lines(CONTENT_DIGEST, []), lines(CONTENT_MD5, []))


def refuse_piece(request: web.Request) -> None:
    """A part of a file that would be stored as if it were all of it, because nobody here goes on
    with it: the draft is not spoken, or not in this version.
    """
    if is_piece(request):
        raise Refusal(
            of_type(
                "partial-put",
                "Its headers do not say that this is the whole file (Upload-Complete: ?1), and here"
                " is nothing that would go on with it: send all of it, or in pieces by tus at"
                " /uploads/.",
            )
        )


def is_piece(request: web.Request) -> bool:
    """Also by the name that older drafts have for it, and where nobody knows what was meant."""
    headers = request.headers
    if UPLOAD_COMPLETE in headers:
        return structured.boolean(headers[UPLOAD_COMPLETE]) is not True
    if UPLOAD_INCOMPLETE in headers:
        return structured.boolean(headers[UPLOAD_INCOMPLETE]) is not False
    return False


def arrival(request: web.Request, path: Path, fields: dict[str, str]) -> Arrival:
    refuse_unreadable_body(request)
    headers = request.headers
    size = content_length(request)
    if size is None and TRANSFER_ENCODING not in headers:
        # RFC 9112 section 6.3: there is no body, as from curl -X PUT.
        size = 0
    return Arrival(
        door="plain",
        path=path,
        principal=principal_of(request),
        condition=condition(request),
        wishes=wishes(request, fields),
        size=size,
        declared=_declared(request),
        claimed_type=readable(headers.get(CONTENT_TYPE, "")) or None,
        reservation=fields.get("reservation"),
        attempt=attempt(request, str(path)),
    )
