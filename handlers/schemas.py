"""What our JSON looks like, as JSON Schema 2020-12: the schemas of the contract.

A test validates real answers against them. Clients ignore members that they do not know.
"""

from typing import Final

from handlers.descriptions import Json
from handlers.problem_types import TYPES
from uploads.access import Right
from uploads.files import Kind
from uploads.policy import SameContent, SameFile, SameName

Schema = dict[str, Json]


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str = "", **rules: Json) -> Schema:
    described: Schema = {"description": description} if description else {}
    return {"type": "string", **described, **rules}


# Of what is left of a quota.
NO_QUOTA = "In bytes; -3: there is no quota; -2: not told to a token for one folder."


def whole(description: str = "", least: int = 0) -> Schema:
    described: Schema = {"description": description} if description else {}
    return {"type": "integer", "minimum": least, **described}


def choice(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


def choice_of(*numbers: int) -> Schema:
    return {"type": "integer", "enum": list(numbers)}


def each(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def any_of(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def members(required: Schema, optional: Schema | None = None, description: str = "") -> Schema:
    described: Schema = {"description": description} if description else {}
    return {
        "type": "object",
        **described,
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


LEAST_STATUS: Final = min(type_.status for type_ in TYPES.values())
HREF: Final = text("Relative to the server, ready to be requested.", pattern="^/")
MOMENT: Final = text("RFC 3339, in UTC.", format="date-time")
ETAG: Final = text(
    "Strong. Send it in If-Match.", pattern='^"[0-9]+-([0-9a-f]{16}|([0-9a-f]{8}-)?folder)"$'
)
FILE_ETAG: Final = text("Strong. Send it in If-Match.", pattern='^"[0-9]+-[0-9a-f]{16}"$')
DIGEST: Final = text("The identity of the content.", pattern="^(blake3|sha256):[0-9a-f]{64}$")
NEXT: Final[Schema] = {"type": ["string", "null"], "description": "The next page, or null."}
MEDIA_TYPE: Final = text("Judged by the bytes, not by what the sender said.")
NUMBER: Final = whole("The number of the change that made this version.", 1)

_CONTENT: Final[Schema] = {"size": whole(), "digest": DIGEST, "media_type": MEDIA_TYPE}
_FILE: Final[Schema] = {
    "href": HREF,
    "etag": FILE_ETAG,
    "version": NUMBER,
    **_CONTENT,
    "modified": MOMENT,
}
_FOLDER: Final[Schema] = {"href": HREF, "etag": ETAG}
# To those alone from whom nothing below it is hidden.
_DATED: Final[Schema] = {"modified": MOMENT}

_UPLOAD: Final[Schema] = {
    "href": HREF,
    "expires": MOMENT,
    "name": text(),
    "target": HREF,
    **_CONTENT,
}

_RESOLUTION: Final = members(
    {
        "action": choice("replace", "store", "link", "discard"),
        "method": choice("POST"),
        "href": HREF,
        "headers": {"type": "object", "additionalProperties": text()},
    },
    description="A complete request that settles a parked upload. Send it as it stands.",
)

_PROBLEM: Final = members(
    {
        "type": choice(*(type_.href for type_ in TYPES.values())),
        "title": text("The type in words."),
        "status": whole("The status of the answer.", LEAST_STATUS),
        "detail": text("What happened, to which thing."),
        "instance": text("Names this request in the log.", pattern="^urn:noclobber:request:"),
        "next": text("What to do now."),
        "retryable": {"type": "boolean", "description": "The same request may succeed later."},
    },
    {
        "conflict": choice("name", "content", "version"),
        "target": HREF,
        "existing": any_of(ref("File"), members({"href": HREF})),
        "identical": {"type": "boolean", "description": "The bytes are those of `existing`."},
        "expected": members({"if_match": FILE_ETAG}),
        "upload": members({"href": HREF, "expires": MOMENT}),
        "resolutions": each(ref("Resolution")),
        "rule": text("Which rule about names decided."),
        "name": text("The name that cannot be."),
        "found": text("What the scanner calls what is in the bytes."),
        "wanted": text("The spelling that was sent."),
        "taken": text("The spelling that is there."),
        "results": each(ref("Result")),
        "follow_from": whole("The number to follow from, once the tree has been listed anew."),
        "expected-offset": whole("Where the upload goes on."),
        "provided-offset": whole("Where the request said that it does."),
    },
    "Every refusal (RFC 9457). It tells nothing that the caller may not read.",
)


VERDICTS: Final = choice("create", "replace", "rename", "link", "unchanged", *TYPES)
EARLIER: Final = whole("The item before it that would stand in its way.")
_HINTS: Final[Schema] = {
    "earlier": EARLIER,
    "same_size": {"const": True, "description": "A file that you can read has this size."},
}
_VERDICT: Final[Schema] = {
    "item": whole("The how-manieth item, from 0."),
    "path": text(),
    "verdict": VERDICTS,
    "sure": {"type": "boolean", "description": "It does not depend on bytes yet unknown."},
    "may_be": each(VERDICTS),
}


def _ocs(data: Schema, description: str) -> Schema:
    """As clients of Nextcloud want it: what there is to say, in an envelope."""
    meta = members({"status": choice("ok"), "statuscode": choice_of(100, 200), "message": text()})
    return members({"ocs": members({"meta": meta, "data": data})}, description=description)


_SERVER_VERSION: Final = members(
    {
        **{name: whole() for name in ("major", "minor", "micro")},
        "string": text(),
        "edition": text(),
        "extendedSupport": {"type": "boolean"},
    }
)


def _result(name: str) -> Schema:
    return {"allOf": [members({"name": text(), "status": whole(least=200)}), ref(name)]}


SCHEMAS: Final[Schema] = {
    "File": members(_FILE),
    "Folder": members(_FOLDER, _DATED),
    "FileEntry": members({"name": text(), "type": choice("file"), **_FILE}),
    "FolderEntry": members({"name": text(), "type": choice("folder"), **_FOLDER}, _DATED),
    "Listing": members(
        {
            **_FOLDER,
            "may": each(choice(*Right)),
            "entries": each(any_of(ref("FileEntry"), ref("FolderEntry"))),
            "next": NEXT,
        },
        _DATED,
        "One page of a folder: folders first, then files.",
    ),
    "Session": members(
        {"user": {"type": ["string", "null"]}, "users": {"type": "boolean"}},
        description="Who is signed in, null where nobody is; and whether anybody could.",
    ),
    "Change": members(
        {"version": NUMBER, "kind": choice(*Kind), "at": MOMENT, "by": text()},
        {"href": HREF, "etag": FILE_ETAG, **_CONTENT, "modified": MOMENT},
        "One line of a history. A deletion has no content, so no href to one.",
    ),
    "History": members(
        {"href": HREF, "versions": each(ref("Change")), "next": NEXT},
        description="All that ever stood under one name, newest first.",
    ),
    "FeedLine": members(
        {
            "change": NUMBER,
            "kind": choice(*Kind),
            "at": MOMENT,
            "type": choice("file", "folder"),
            "href": HREF,
        },
        {
            "from": HREF,
            "part_of": HREF,
            "etag": FILE_ETAG,
            "version": NUMBER,
            **_CONTENT,
            "modified": MOMENT,
        },
        "What a change did. Nothing is left at or below `from`. `part_of` is the folder that"
        " brought the entry with it.",
    ),
    "Changes": members(
        {
            "changes": each(ref("FeedLine")),
            "next": text("Send it as `since`.", pattern=r"^[0-9]+(\.[A-Za-z0-9_-]*)?$"),
            "more": {"type": "boolean", "description": "There is more to be read at once."},
        },
        description="One page of the feed.",
    ),
    "Preflight": members(
        {"items": each(ref("PreflightItem"))},
        {"reserve": {"type": "number", "minimum": 0, "description": "Seconds."}},
        "Uploads as they would be sent, in that order.",
    ),
    "PreflightItem": members(
        {"path": text("As in an address, but not encoded."), "size": whole("In bytes.")},
        {
            "digest": text("algorithm:hex, as answers give it; or sha-256, sha-512."),
            "if_match": text("As the header."),
            "if_none_match": text("As the header."),
            "same_file": choice(*SameFile),
            "same_name": choice(*SameName),
            "same_content": choice(*SameContent),
            "post": {"type": "boolean", "description": "By POST, which may rename."},
        },
    ),
    "AcceptedItem": members(
        {**_VERDICT, "status": choice_of(200, 201)},
        {
            **_HINTS,
            "existing": ref("File"),
            "stored_as": text("The free name."),
            "reserved": {"type": "boolean", "description": "Its name is kept for you."},
        },
        "An upload that would be stored, or has been.",
    ),
    "RefusedItem": {
        "allOf": [members(_VERDICT, _HINTS), ref("Problem")],
        "description": "An upload that would be refused, and how.",
    },
    "Verdicts": members(
        {
            "reservation": any_of(
                members({"id": text(minLength=1), "expires": MOMENT}), {"type": "null"}
            ),
            "algorithm": choice("blake3", "sha256"),
            "verdicts": each(any_of(ref("AcceptedItem"), ref("RefusedItem"))),
        },
        description="One verdict for each item.",
    ),
    "Received": members(
        {"received": {"const": True}, "size": whole()},
        description="All that is said to someone who may create but not read.",
    ),
    "Removed": members(
        {
            "deleted": text("The path that is gone."),
            "change": whole("The number of the deletion.", 1),
            "undo": members({"method": choice("POST"), "href": HREF}),
        },
        description="What was deleted, with the request that takes it back.",
    ),
    "Upload": members(_UPLOAD),
    "Uploads": members({"uploads": each(ref("Upload")), "next": NEXT}),
    "Waiting": members(
        {
            **_UPLOAD,
            "problem": any_of(ref("Problem"), {"type": "null"}),
            "resolutions": each(ref("Resolution")),
        },
        description="A parked upload. `problem` is null where nothing stands in its way now.",
    ),
    "Resolution": _RESOLUTION,
    "Problem": _PROBLEM,
    "Result": any_of(*(_result(name) for name in ("File", "Received", "Problem"))),
    "Results": members(
        {"results": each(ref("Result"))},
        description="What became of each file of a form, each with a status of its own.",
    ),
    "ProblemType": members(
        {
            "type": HREF,
            "title": text(),
            "status": whole(least=LEAST_STATUS),
            "meaning": text(),
            "advice": text(),
        }
    ),
    "ProblemTypes": members({"types": each(ref("ProblemType"))}),
    "Status": members({"status": choice("alive", "ready")}),
    "NextcloudStatus": members(
        {
            **{name: {"type": "boolean"} for name in ("installed", "maintenance")},
            **{name: {"type": "boolean"} for name in ("needsDbUpgrade", "extendedSupport")},
            **{name: text() for name in ("version", "versionstring", "edition", "productname")},
        },
        description="The version is that of the dialect which is spoken.",
    ),
    "Capabilities": _ocs(
        members({"version": _SERVER_VERSION, "capabilities": {"type": "object"}}),
        "What of the dialect is spoken.",
    ),
    "CloudUser": _ocs(
        members(
            {
                **{name: text() for name in ("id", "display-name", "displayname")},
                "quota": members(
                    {
                        "used": whole(),
                        **{name: whole(NO_QUOTA, -3) for name in ("free", "total", "quota")},
                    }
                ),
            }
        ),
        "Who asks. `id` is the user in addresses below /remote.php/dav/.",
    ),
}
