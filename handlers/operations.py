"""Every operation of the doors as data: what it takes, what it answers, which refusals it knows.

The contract and the documentation are made from these tables; `routes` has the same addresses.
"""

from dataclasses import replace
from typing import Final

from handlers.nextcloud.operations import of_nextcloud
from handlers.operation import (
    ANYTHING,
    BYTES,
    EVENTS,
    FIELDS,
    FORM,
    HTML,
    JSON,
    LIST,
    PART,
    PIECE,
    TEXT,
    Answer,
    Operation,
    as_page,
    in_json,
)
from handlers.page_operations import OF_THE_PAGE
from handlers.problem_types import AT_TUS

# Refusals, by what can bring them about.
ANY: Final = (
    "malformed-request",
    "not-identified",
    "wrong-host",
    "expectation-failed",
    "too-many-connections",
    "too-many-guesses",
    "headers-too-large",
    "internal",
    "unavailable",
)
UNSAFE: Final = ("cross-site",)
PATH: Final = ("bad-name", "not-there", "not-allowed")
CONDITION: Final = ("malformed-condition", "stale-version")
WRITING: Final = ("condition-required", "locked", "unsettled", "disk-full")
OCCUPIED: Final = ("name-taken", "name-equivalent", "type-clash", "name-reserved")
COLLISION: Final = (*OCCUPIED, "already-stored", "content-known")
RECEIVING: Final = (
    "body-too-short",
    "body-stalled",
    "too-large",
    "type-refused",
    "content-refused",
    "encoding-refused",
    "partial-put",
    "wrong-digest",
    "over-quota",
    "too-many-uploads",
)
# Only at /dav/ and /remote.php/, which the contract cannot describe: OpenAPI knows no PROPFIND and
# no LOCK.
OF_WEBDAV: Final = (
    "no-folder",
    "after-refusal",
    "not-that-lock",
    "protected-property",
    "body-without-meaning",
    "failed-dependency",
    "elsewhere",
    "too-much-to-list",
)
REPEATING: Final = ("malformed-key", "in-progress", "key-reused")
UPLOADING: Final = (*REPEATING, *PATH, *CONDITION, *WRITING, *COLLISION, *RECEIVING)

LISTED: Final = ("sort", "desc", "after", "limit")
PAST: Final = ("versions", "version", "before")
READ_IF: Final = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")
WRITE_IF: Final = ("If-Match", "If-None-Match", "If-Unmodified-Since")
DIGESTS: Final = ("Repr-Digest", "Content-Digest", "Content-MD5")
WISHES: Final = ("Prefer", "same-file", "same-name", "same-content")
SERVED: Final = ("ETag", "Last-Modified", "Content-Disposition", "Repr-Digest")
AGAIN: Final = "Idempotency-Replayed"
MADE: Final = ("Location", "ETag", "Link", AGAIN)
KEY: Final = "Idempotency-Key"

# Of what comes in pieces: where it is, how far it has come and how long it is kept.
OVERRIDING: Final = ("Tus-Resumable", "X-HTTP-Method-Override")
OF_A_PIECE: Final = (
    "wrong-offset", "wrong-length", "taken-over", "arrived-already", "not-a-piece", "tus-version",
)  # fmt: skip
HOW_FAR: Final = ("Tus-Resumable", "Upload-Offset", "Upload-Expires")
DRAFT: Final = ("Upload-Draft-Interop-Version", "Upload-Complete")
RESUMED: Final = ("Upload-Complete", "Upload-Limit")
BEGUN: Final = ("wrong-length", "taken-over")
SETTLED: Final = ("Content-Location", "ETag", "Link")

TUS: Final = ("Tus-Version", "Tus-Extension", "Tus-Checksum-Algorithm", "Tus-Max-Size")

HERE: Final = "/files/{path}"
FOLDER: Final = "/files/{path}/"
ROOT: Final = "/files/"
UPLOAD: Final = "/uploads/{id}"

_STORED: Final = (
    in_json(201, "Stored under a new name.", "File", "Received", headers=MADE),
    in_json(
        200,
        "Replaced, with a link to the version before; or these very bytes were there already.",
        "File",
        "Received",
        headers=("ETag", "Link", AGAIN),
    ),
)
_SEE_OTHER: Final = Answer(303, "Done; for browsers.", headers=("Location",))
_CHANGES: Final = (
    "What to do stands in the query or in the fields of a form: `move` or `copy` with where to,"
    " or `restore` with the number of a version or deletion. Nothing that is there is replaced."
)
_RESTORED: Final = in_json(201, "Moved, copied or restored.", "File", "Folder", headers=MADE)
_ACTING: Final = (*REPEATING, *PATH, *CONDITION, *WRITING, *OCCUPIED, "not-empty", "over-quota",
                   "body-stalled", "body-too-short")  # fmt: skip


def _of_file() -> tuple[Operation, ...]:
    return (
        Operation(
            "GET", HERE, "Read a file, one of its versions, or its history",
            ("path", *PAST, "limit", *READ_IF, "Range", "If-Range", "Want-Repr-Digest"),
            (
                Answer(
                    200, "The bytes; with `versions` the history.",
                    ((ANYTHING, ()), (JSON, ("History",)), (HTML, ())), SERVED,
                ),
                Answer(206, "Parts of the bytes.", ((ANYTHING, ()),), (*SERVED, "Content-Range")),
                Answer(304, "You have it already.", headers=("ETag",)),
                Answer(308, "It is a folder.", headers=("Location",)),
            ),
            (*PATH, *CONDITION, "no-such-range", "damaged"),
        ),
        Operation(
            "PUT", HERE, "Store a file under this name, or refuse and say what is there",
            ("path", *WRITE_IF, *WISHES, *DIGESTS, *DRAFT, "Upload-Length", KEY, "reservation"),
            _STORED, (*UPLOADING, *BEGUN), (BYTES,),
            "Makes missing folders. If-Match with the current ETag replaces, If-None-Match: *"
            " creates; without either the policy of the folder decides. With Repr-Digest, no bytes"
            " and Prefer: same-content=link the content is taken from a file that the sender may"
            " read.",
        ),
        Operation(
            "DELETE", HERE, "Delete a file; it can be restored",
            ("path", *WRITE_IF, "recursive", KEY),
            (in_json(200, "Gone, and how to undo it.", "Removed", headers=(AGAIN,)),),
            (*REPEATING, *PATH, *CONDITION, *WRITING, "not-empty", "name-reserved"),
        ),
        Operation(
            "POST", HERE, "Move, copy or restore a file",
            ("path", *WRITE_IF, "move", "copy", "restore", "recursive", KEY),
            (_RESTORED, in_json(200, "As it was before.", "File", headers=MADE), _SEE_OTHER),
            _ACTING, (FIELDS,), _CHANGES,
        ),
    )  # fmt: skip


def _of_folder() -> tuple[Operation, ...]:
    return (
        Operation(
            "GET", FOLDER, "List a folder, page by page",
            ("path", *LISTED, "versions", "before", *WRITE_IF),
            (
                in_json(
                    200, "One page.", "Listing", "History", headers=("ETag", "Link"), page=True
                ),
                Answer(304, "You have it already.", headers=("ETag",)),
            ),
            (*PATH, *CONDITION),
        ),
        Operation(
            "PUT", FOLDER, "Make a folder",
            ("path", *WRITE_IF, KEY), (in_json(201, "Made.", "Folder", headers=MADE),),
            (*REPEATING, *PATH, *CONDITION, *WRITING, *OCCUPIED, "partial-put", "encoding-refused"),
        ),
        Operation(
            "DELETE", FOLDER, "Delete a folder, with all that is in it if `recursive`",
            ("path", *WRITE_IF, "recursive", KEY),
            (in_json(200, "Gone, and how to undo it.", "Removed", headers=(AGAIN,)),),
            (*REPEATING, *PATH, *CONDITION, *WRITING, "not-empty", "name-reserved"),
        ),
        Operation(
            "POST", FOLDER, "Upload into a folder; or move, copy or restore it",
            (
                "path", "Slug", "Content-Disposition", *WRITE_IF, *WISHES, *DIGESTS,
                *DRAFT, "Upload-Length", "move", "copy", "restore", "recursive", KEY,
                "reservation",
            ),
            (
                in_json(
                    201, "Every file is stored.", "File", "Folder", "Received", "Results",
                    headers=MADE, page=True,
                ),
                in_json(
                    200, "Nothing new was stored, or not all of it: see each result.",
                    "File", "Received", "Results", headers=(AGAIN,), page=True,
                ),
                _SEE_OTHER,
            ),
            (*UPLOADING, *BEGUN, "not-empty"), (FORM, FIELDS, BYTES),
            "A form uploads any number of files, each judged on its own. Any other body is one"
            " file, whose name is in Slug or Content-Disposition. " + _CHANGES,
        ),
    )  # fmt: skip


def _of_uploads() -> tuple[Operation, ...]:
    return (
        Operation(
            "GET", "/uploads/", "List your uploads that wait for a decision",
            ("after",), (in_json(200, "One page.", "Uploads", page=True),),
        ),
        Operation(
            "GET", UPLOAD, "Look at an upload that met a conflict, judged afresh",
            ("id",), (in_json(200, "What it is and what settles it.", "Waiting", page=True),),
            ("not-there",),
        ),
        Operation(
            "POST", UPLOAD, "Settle the conflict without sending the bytes again",
            ("id", "action", "query-path", "query-if_match", "If-Match", KEY, *OVERRIDING),
            (
                in_json(201, "Stored.", "File", "Received", headers=MADE),
                in_json(200, "Replaced.", "File", "Received", headers=("ETag", "Link", AGAIN)),
                Answer(204, "Discarded."),
                _SEE_OTHER,
            ),
            (*REPEATING, *PATH, *CONDITION, *WRITING, *COLLISION, *RECEIVING, *OF_A_PIECE),
            (FIELDS, PIECE),
            "By tus 1.0 also what X-HTTP-Method-Override says, as if it were the method.",
            ({}, AT_TUS),
        ),
        Operation(
            "DELETE", UPLOAD, "Discard it, also one of which not all has come",
            ("id",), (Answer(204, "Discarded."),), ("not-there", "unsettled", "disk-full"),
        ),
        Operation(
            "GET", "/uploads/{id}/content", "Read the bytes that were kept",
            ("id", *READ_IF, "Range", "If-Range"),
            (
                Answer(200, "The bytes.", ((ANYTHING, ()),)),
                Answer(206, "Parts of the bytes.", ((ANYTHING, ()),), ("Content-Range",)),
                Answer(304, "You have them already."),
            ),
            ("not-there", *CONDITION, "no-such-range", "damaged"),
        ),
    )  # fmt: skip


def _of_the_whole_tree() -> tuple[Operation, ...]:
    return (
        Operation(
            "POST", "/preflight", "Ask what uploads would come to, before any is sent",
            (),
            (in_json(200, "A verdict for each item, in order, as it is judged.", "Verdicts"),),
            ("not-allowed", "not-there", "body-stalled", "body-too-short", "too-many-uploads",
             "unsettled", "disk-full"),
            (LIST,),
            "Judged one after the other, each as if those before it had been stored where their"
            " verdict says so. With `reserve` the names of those that would be stored are kept"
            " from others for so many seconds.",
        ),
        Operation(
            "GET", "/changes", "Follow the tree: every change, in its order",
            ("since", "wait", "limit", "Last-Event-ID"),
            (
                Answer(
                    200, "A page of changes; as server-sent events where Accept prefers them.",
                    ((JSON, ("Changes",)), (EVENTS, ())),
                ),
            ),
            ("not-allowed", "not-there", "changes-forgotten", "too-many-followers"),
            description="Only what the caller may list. Whoever applies the lines in their order"
            " has the same tree.",
        ),
    )  # fmt: skip


def _of_pieces() -> tuple[Operation, ...]:
    """Tus 1.0. What a refusal that others answer with 409 is here: see `problem_types`."""
    ended = (*PATH, *CONDITION, *WRITING, *COLLISION, *RECEIVING, *OF_A_PIECE)
    return (
        Operation(
            "POST", "/uploads/", "Begin an upload in pieces, or join parts",
            (
                "Tus-Resumable", "Upload-Length", "Upload-Defer-Length", "Upload-Metadata",
                "Upload-Concat", "Upload-Checksum", "Repr-Digest", *WRITE_IF, *WISHES,
                "query-folder", "reservation", KEY,
            ),
            (Answer(201, "Begun; or stored, where nothing is missing.",
                    headers=("Location", *HOW_FAR, *SETTLED, AGAIN)),),
            (*ended, *REPEATING), (PIECE,),
            "tus 1.0: the name is in Upload-Metadata, and the first piece may be the body.",
            (AT_TUS,),
        ),
        Operation(
            "PATCH", UPLOAD, "Bring the next piece; with the last one it is stored, or refused",
            (
                "id", "Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Checksum", *DRAFT,
                "Content-Digest", "Content-MD5",
            ),
            (
                Answer(204, "It is here.", headers=(*HOW_FAR, *SETTLED, *RESUMED)),
                *_STORED,
            ),
            ended, (PIECE, PART),
            "By tus 1.0; or by the draft of the IETF, where it is switched on. That answers the"
            " last piece as the request that began the upload would have been answered.",
            (AT_TUS, {}),
        ),
    )  # fmt: skip


def _how_far(found: Operation) -> Operation:
    """HEAD asks tus how far an upload has come, where it says so."""
    answers = tuple(
        replace(
            answer,
            headers=(*HOW_FAR, *RESUMED, "Content-Location", "Upload-Length", "Upload-Metadata"),
        )
        for answer in found.answers
    )
    answers = (*answers, Answer(204, "The same, by the draft of the IETF.", (), answers[0].headers))
    problems = (*found.problems, "arrived-already", "tus-version")
    takes = (*found.takes, "Tus-Resumable", "Upload-Draft-Interop-Version")
    return replace(
        found, takes=takes, answers=answers, problems=problems, summary="How far an upload has come"
    )


def _of_the_server() -> tuple[Operation, ...]:
    return (
        Operation("GET", "/", "Go to the files", (),
                  (Answer(303, "To the page of the top folder.", headers=("Location",)),)),
        Operation("OPTIONS", "/", "Is WebDAV spoken here?", (),
                  (Answer(200, "At /dav/.", headers=("Allow", "DAV", "MS-Author-Via")),)),
        Operation("GET", "/problems/", "What can be refused, and what to do then", (),
                  (in_json(200, "All types of problems.", "ProblemTypes", page=True),)),
        Operation("GET", "/problems/{slug}", "What one type of problem means", ("slug",),
                  (in_json(200, "The type.", "ProblemType", page=True),), ("not-there",)),
        Operation("GET", "/openapi.json", "This contract", (),
                  (Answer(200, "OpenAPI 3.1.", ((JSON, ()),)),)),
        Operation("GET", "/docs", "This contract, readable", (), (as_page("A page."),)),
        Operation("GET", "/health/live", "Does the server run?", (),
                  (in_json(200, "It does.", "Status"),)),
        Operation("GET", "/health/ready", "Can it take uploads?", (),
                  (in_json(200, "It can.", "Status"),)),
        Operation("GET", "/metrics", "What it has measured, for Prometheus", (),
                  (Answer(200, "Text format 0.0.4.", ((TEXT, ()),)),), ("not-there",)),
    )  # fmt: skip


def _in_the_root(found: Operation) -> Operation:
    """The top folder has no path, and is never made, moved or deleted."""
    return replace(found, address=ROOT, takes=tuple(name for name in found.takes if name != "path"))


def _without_body(found: Operation) -> Operation:
    """RFC 9110 section 9.3.2: what GET would answer, but for the body."""
    answers = tuple(replace(answer, content=()) for answer in found.answers)
    return replace(found, method="HEAD", summary=f"{found.summary}: headers only", answers=answers)


def _asking(address: str, *headers: str) -> Operation:
    answer = Answer(204, "Allow lists the methods.", headers=("Allow", *headers))
    takes = tuple(name for name in ("path", "id") if f"{{{name}}}" in address)
    return Operation("OPTIONS", address, "What can be done here", takes, (answer,))


def _all() -> tuple[Operation, ...]:
    folder = _of_folder()
    written = (
        *_of_file(),
        *folder,
        *map(_in_the_root, folder),
        *map(_asking, (HERE, FOLDER, ROOT)),
        *_of_uploads(),
        *_of_the_whole_tree(),
        *_of_pieces(),
        *(_asking(address, *TUS) for address in ("/uploads/", UPLOAD)),
        *OF_THE_PAGE,
        *_of_the_server(),
        *of_nextcloud(),
    )
    read = {found.address: _without_body(found) for found in written if found.method == "GET"}
    read[UPLOAD] = _how_far(read[UPLOAD])
    return tuple(
        one
        for found in written
        for one in ((found, read[found.address]) if found.method == "GET" else (found,))
    )


OPERATIONS: Final = _all()
