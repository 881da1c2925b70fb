"""The contract of the doors as one OpenAPI 3.1 document, made from `operations` and `schemas`."""

import functools
from collections.abc import Iterable
from typing import Final

from handlers.descriptions import Json
from handlers.operation import FIELDS, FORM, HTML, TEXT, Answer, Operation
from handlers.operations import ANY, OPERATIONS, UNSAFE
from handlers.problem_types import TYPES
from handlers.schemas import SCHEMAS, Schema, any_of, choice, each, members, ref, text, whole
from uploads.files import Order
from uploads.policy import SameContent, SameFile, SameName

PROBLEM_JSON = "application/problem+json"
VERSION = "1"
DESCRIPTION = (
    "Every upload is compared with what is there: by name, by content and by version. A collision"
    " is refused with a link to what it met, and with the requests that settle it. The same tree is"
    " at /dav/ for WebDAV clients (RFC 4918), and at /remote.php/ for those of Nextcloud, which"
    " OpenAPI has no words for."
)

ID: Final = text(minLength=1)
NAMES: Final = text(minLength=1, examples=["report.pdf", "Übersicht.txt"])
GOAL: Final = text(examples=["archive/report.pdf"])
FLAG: Final = choice("true", "false", "", "yes", "no", "1", "0")

# name -> where it stands, its schema, what it means. A query parameter that shares its name with
# one elsewhere begins with `query-` here.
_PARAMETERS: Final[dict[str, tuple[str, Schema, str]]] = {
    "path": (
        "path",
        NAMES,
        "Names from the top folder down, percent-encoded, / between.",
    ),
    "id": ("path", ID, "The last part of the address that a problem gave as `upload`."),
    "slug": ("path", choice(*TYPES), "The last part of a problem's `type`."),
    "name": ("path", ID, "The name of a file of the pages."),
    "ocs": ("path", choice("v1.php", "v2.php"), "In which version of OCS the client asks."),
    "versions": ("query", text(), "The history instead of the bytes. Its value does not matter."),
    "version": ("query", whole(least=1), "This version instead of the current one."),
    "before": ("query", whole(), "History: only changes with a lower number."),
    "limit": (
        "query",
        {"type": "integer", "minimum": 1, "maximum": 1000, "default": 200},
        "The most entries of a page.",
    ),
    "since": (
        "query",
        text(pattern=r"^([0-9]+(\.[A-Za-z0-9_-]*)?|now)$", default="0"),
        'The number of the last change that is known, "now", or `next` of the page before.',
    ),
    "wait": ("query", whole(), "Seconds to wait for a change where there is none."),
    "Last-Event-ID": ("header", text(), "As `since`, for server-sent events; goes before it."),
    "sort": ("query", choice(*Order), "The order of the files. Folders stand before them."),
    "desc": ("query", FLAG, "The other way round."),
    "after": ("query", text(), "Goes on after a page, as its `next` says."),
    "reservation": ("query", text(), "The id of the reservation under which the name is kept."),
    "recursive": ("query", FLAG, "A folder with all that is in it."),
    "move": ("query", GOAL, "The path to move to."),
    "entry": ("query", text(), "The name of something in the folder. May be repeated."),
    "next": ("query", text(), "The page to go to once signed in."),
    "copy": ("query", GOAL, "The path to copy to. No byte is copied."),
    "restore": ("query", whole(least=1), "The number of the version or deletion to restore."),
    "same-file": ("query", choice(*SameFile), "What to do if the file holds these very bytes."),
    "same-name": ("query", choice(*SameName), "What to do if the name holds other bytes."),
    "same-content": ("query", choice(*SameContent), "What to do if another name holds them."),
    "action": (
        "query",
        choice("replace", "store", "link", "discard"),
        "What to do. May stand in a form, too.",
    ),
    "query-path": ("query", text(), "The path to store at, as the resolution gave it."),
    "query-if_match": ("query", text(), "The ETag that the resolution gave, where no header can."),
    "If-Match": ("header", text(), "Only if this is the current ETag, or * if there is any."),
    "If-None-Match": ("header", text(), "Only if this is not the current ETag; *: if none is."),
    "If-Modified-Since": ("header", text(), "An HTTP date. Prefer If-None-Match."),
    "If-Unmodified-Since": ("header", text(), "An HTTP date. Prefer If-Match."),
    "If-Range": ("header", text(), "The range only if this is the current ETag, else all."),
    "Range": ("header", text(), "The parts wanted: bytes=0-99"),
    "Want-Repr-Digest": ("header", text(), "Asks for Repr-Digest in the answer."),
    "Prefer": ("header", text(), "Policy words: same-name=version, same-content=link ..."),
    "Repr-Digest": (
        "header",
        text(),
        "sha-256=:...:, sha-512=:...: or blake3=:...: of the file, verified.",
    ),
    "Content-Digest": ("header", text(), "The same for the body, which is the file."),
    "Content-MD5": ("header", text(), "MD5 of the body in base64, verified."),
    "Idempotency-Key": (
        "header",
        text(minLength=1, examples=['"8e03978e-40d5-43dd-bc93-6894a57f9324"']),
        "One random string for each request. The request is carried out once: sent again with this"
        " key it gets its first answer, for as long as the server is set to keep it (a day).",
    ),
    "query-folder": ("query", text(), "The folder below which the name is meant."),
    "Tus-Resumable": ("header", choice("1.0.0"), "The version of tus that you speak."),
    "X-HTTP-Method-Override": (
        "header",
        choice("PATCH", "DELETE", "HEAD"),
        "With Tus-Resumable: which method is meant, where only POST can be sent.",
    ),
    "Upload-Length": ("header", whole(), "How many bytes the upload has in all."),
    "Upload-Defer-Length": ("header", choice("1"), "The length will be said with a later piece."),
    "Upload-Metadata": (
        "header",
        text(examples=["filename cmVwb3J0LnBkZg=="]),
        "Keys with values in base64: filename, relativePath, folder, filetype, mtime, digest.",
    ),
    "Upload-Concat": ("header", text(), "partial; or final; and the addresses of what to join."),
    "Upload-Checksum": ("header", text(), "Of this piece: sha1 and its digest in base64."),
    "Upload-Offset": ("header", whole(), "Where this piece begins: how much has come already."),
    "Upload-Complete": ("header", choice("?0", "?1"), "Whether the upload ends with this request."),
    "Upload-Draft-Interop-Version": (
        "header",
        choice("6", "8"),
        "Which version of the draft of resumable uploads you speak.",
    ),
    "Slug": ("header", text(), "The name for a file that is posted."),
    "Content-Disposition": ("header", text(), 'The same: attachment; filename="report.pdf"'),
}

_HEADERS: Final = {
    "Allow": "The methods that the address takes.",
    "Content-Disposition": "The name of the file, and whether to show or to save it.",
    "Content-Location": "The file that the upload became.",
    "Content-Range": "Which bytes of how many.",
    "DAV": "The classes of WebDAV that are spoken.",
    "ETag": "The current version. Send it in If-Match to change the file.",
    "Idempotency-Replayed": "?1: the answer is that of an earlier try of the same request.",
    "Last-Modified": "When the version was stored.",
    "Link": "rel duplicate, edit, predecessor-version, next or describedby.",
    "Location": "Where it is.",
    "MS-Author-Via": "DAV, for Windows.",
    "Repr-Digest": "Digests of the whole file, where they were wanted and are known.",
    "Retry-After": "Seconds until another try makes sense.",
    "Tus-Checksum-Algorithm": "What Upload-Checksum may be of.",
    "Tus-Extension": "What of tus is spoken.",
    "Tus-Max-Size": "The largest file that is taken, if there is a limit.",
    "Tus-Resumable": "The version of tus that this answer speaks.",
    "Tus-Version": "The versions of tus that are spoken.",
    "Upload-Complete": "Whether this is the answer to all of the upload.",
    "Upload-Limit": "What is taken, and how long the upload is kept.",
    "Upload-Expires": "When it is given up if nothing more comes.",
    "Upload-Length": "How many bytes it has in all, if that is known.",
    "Upload-Metadata": "What was said of it at its beginning.",
    "Upload-Offset": "How much of it has come, and is safe.",
    "X-Request-Id": "Names the request in the log and in the problem.",
}

_FORM: Final = members(
    {"file": each(text("One or more files.", contentMediaType="application/octet-stream"))},
    {
        name: text()
        for name in (
            "same_file", "same_name", "same_content", "if_match", "if_none_match", "folder",
            "reservation",
        )
    },
    "A field speaks for the files that come after it.",
)  # fmt: skip


@functools.cache
def document() -> dict[str, Json]:
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        path = paths.setdefault(operation.address, {})
        if isinstance(path, dict):
            path[operation.method.lower()] = _operation(operation)
    refusals = {key for operation in OPERATIONS for key in _refusals(operation).values()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "noclobber", "version": VERSION, "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{}, {"basic": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "parameters": {name: _parameter(name) for name in _PARAMETERS},
            "responses": {key: _refusal(key) for key in sorted(refusals)},
            "headers": {name: _header(meaning) for name, meaning in _HEADERS.items()},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def problems_of(operation: Operation) -> tuple[str, ...]:
    """All types that the operation can answer with, in the order of the table of problems."""
    named = {*ANY, *operation.problems, *(() if operation.is_safe else UNSAFE)}
    return tuple(slug for slug in TYPES if slug in named)


def _operation(operation: Operation) -> dict[str, Json]:
    described: Schema = {"description": operation.description} if operation.description else {}
    body: Schema = {"requestBody": _body(operation)} if operation.body else {}
    return {
        "operationId": f"{operation.method} {operation.address}",
        "summary": operation.summary,
        **described,
        "parameters": [{"$ref": f"#/components/parameters/{n}"} for n in operation.takes],
        **body,
        "responses": {
            **{str(answer.status): _answer(answer) for answer in operation.answers},
            **{
                status: {"$ref": f"#/components/responses/{key}"}
                for status, key in _refusals(operation).items()
            },
        },
        "x-problems": list(problems_of(operation)),
    }


def _answer(answer: Answer) -> Json:
    found: Schema = {
        "description": answer.meaning,
        "headers": _header_refs((*answer.headers, "X-Request-Id")),
    }
    if answer.content:
        found["content"] = {
            media_type: {"schema": any_of(*map(ref, names))} if names else {}
            for media_type, names in answer.content
        }
    return found


def _refusals(operation: Operation) -> dict[str, str]:
    """By status, the key of the answer that lists which problems it can be."""
    by_status: dict[str, list[str]] = {}
    for slug in problems_of(operation):
        for status in {TYPES[slug].among(one).status for one in operation.dialects}:
            by_status.setdefault(str(status), []).append(slug)
    ending = "-without-body" if operation.method == "HEAD" else ""
    return {status: ".".join(slugs) + ending for status, slugs in sorted(by_status.items())}


def _refusal(key: str) -> Json:
    """One answer for all operations that can refuse with the same problems and status."""
    slugs = key.removesuffix("-without-body").split(".")
    found: Schema = {
        "description": "; ".join(f"{slug}: {TYPES[slug].title}" for slug in slugs),
        "headers": _header_refs(
            ("Link", "ETag", "Retry-After", "Idempotency-Replayed", "X-Request-Id")
        ),
    }
    if not key.endswith("-without-body"):
        types = choice(*(TYPES[slug].href for slug in slugs))
        problem: Schema = {"allOf": [ref("Problem"), {"properties": {"type": types}}]}
        found["content"] = {PROBLEM_JSON: {"schema": problem}, HTML: {}, TEXT: {}}
    return found


def _body(operation: Operation) -> Json:
    schemas: dict[str, Json] = {FORM: {"schema": _FORM}, FIELDS: {"schema": _fields(operation)}}
    content: Schema = {}
    for taken in operation.body:
        media_type, _, name = taken.partition(":")
        content[media_type] = {"schema": ref(name)} if name else schemas.get(media_type, {})
    return {"content": content}


def _fields(operation: Operation) -> Schema:
    """A form can say what else stands in the query, as text."""
    spelled = (_spelled(name) for name in operation.takes if _PARAMETERS[name][0] == "query")
    return members({}, {name: text() for name in spelled})


def _spelled(name: str) -> str:
    return name.removeprefix("query-")


def _parameter(name: str) -> Json:
    place, schema, meaning = _PARAMETERS[name]
    found: Schema = {
        "name": _spelled(name), "in": place, "description": meaning, "schema": schema
    }  # fmt: skip
    return {**found, "required": True} if place == "path" else found


def _header(meaning: str) -> Json:
    return {"description": meaning, "schema": text()}


def _header_refs(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in dict.fromkeys(names)}
