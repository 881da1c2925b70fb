"""Who may ask what: a row for each method of each address and each state of what is there.

`needs` are the rights without which a request is refused; None: nobody may, whatever the rights.
Pure: holds requests, sends none.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.davs import LOCK
from tests.tussing import metadata
from uploads.access import ALL_RIGHTS, Principal, Right, Scope
from uploads.names import Path

LIST, READ, CREATE, REPLACE, DELETE = Right
NONE: frozenset[Right] = frozenset()
ANYBODY = NONE
# Whoever has signed in.
KNOWN = "known"
# Whoever may store something, new or over something.
STORING = "storing"
PLACE = "f"
MOUNTS = {
    "/dav/": "/dav/",
    "/remote.php/webdav/": "/remote.php/webdav/",
    "/remote.php/dav/files/{user}/": "/remote.php/dav/files/{me}/",
}
FIELDS = {"Content-Type": "application/x-www-form-urlencoded"}
TUS = {"Tus-Resumable": "1.0.0"}
OVERRIDE = "X-HTTP-Method-Override"
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
FIND = '<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'
SYNC = (
    '<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level>'
    "<D:prop><D:getetag/></D:prop></D:sync-collection>"
)
SET = (
    '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x xmlns="urn:x">y</x></D:prop></D:set>'
    "</D:propertyupdate>"
)
TAKE = LOCK.format(scope="exclusive", owner="x")


@dataclass(frozen=True)
class Row:
    """`target` and `headers` are filled in with `c`, the folder of the case, and what was prepared."""

    method: str
    address: str
    state: str
    target: str
    needs: frozenset[Right] | str | None
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.method} {self.address}, {self.state}"


# What each user may in the folder of the cases.
USERS: dict[str, frozenset[Right]] = {
    "outsider": NONE,
    "lister": frozenset({LIST}),
    "reader": frozenset({LIST, READ}),
    "dropper": frozenset({CREATE}),
    "adder": frozenset({LIST, READ, CREATE}),
    "replacer": frozenset({READ, REPLACE}),
    "deleter": frozenset({READ, DELETE}),
    "editor": ALL_RIGHTS,
}
# Tokens of the editor: what they are narrowed to, and what is left.
TOKENS: dict[str, tuple[Scope, frozenset[Right]]] = {
    "token to read": (Scope(Path((PLACE,)), frozenset({READ})), frozenset({READ})),
    "token for elsewhere": (Scope(Path(("elsewhere",)), ALL_RIGHTS), NONE),
}
STRANGER = "stranger"
RIGHTS = {STRANGER: NONE, **USERS, **{name: left for name, (_, left) in TOKENS.items()}}


def user(name: str, scope: Scope | None = None) -> Principal:
    return Principal(f"user:{name}", frozenset({f"user:{name}", "users", "anonymous"}), scope)


def these(*rights: Right) -> frozenset[Right]:
    return frozenset(rights)


def _reading() -> Iterator[Row]:
    file, folder, there = "/files/{path}", "/files/{path}/", "/files/f/{c}/file"
    for method in ("GET", "HEAD"):
        yield Row(method, file, "a file", there, these(READ))
        yield Row(method, file, "an earlier version", there + "?version={version}", these(READ))
        yield Row(method, file, "its history", there + "?versions", these(READ))
        yield Row(method, file, "nothing", "/files/f/{c}/none", None)
        yield Row(method, folder, "a folder", "/files/f/{c}/", these(LIST))
        yield Row(method, folder, "nothing", "/files/f/{c}/none/", None)
        yield Row(method, "/files/", "what lies outside", "/files/", None)
        yield Row(method, "/uploads/{id}", "of somebody else", "{parked}", None)
        yield Row(method, "/uploads/{id}", "of nobody", "/uploads/none", None)
        yield Row(method, "/uploads/{id}/content", "of somebody else", "{parked}/content", None)
        yield Row(method, "/static/page/{name}", "what was not built", "/static/page/none", None)
        yield Row(method, "/browse/{path}", "a folder", "/browse/f/{c}/", these(LIST))
        yield Row(method, "/browse/{path}", "nothing", "/browse/f/{c}/none/", None)
        yield Row(method, "/browse/", "what lies outside", "/browse/", None)
        yield Row(method, "/session", "who it is", "/session", ANYBODY)
        yield Row(method, "/uploads/", "ones own", "/uploads/", ANYBODY)
        yield Row(method, "/changes", "the tree", "/changes?since=0", these(LIST))
    yield Row("HEAD", "/uploads/{id}", "arriving for somebody else", "{arriving}", None, None, TUS)


def _taking_along() -> Iterator[Row]:
    """A folder as one file; what of it may not be read is left out."""
    address, folder = "/archive/{path}", "/archive/f/{c}/"
    for method in ("GET", "HEAD"):
        yield Row(method, address, "a folder", folder, these(LIST))
        yield Row(method, address, "a file in it", folder + "?entry=file", these(READ))
        yield Row(method, address, "nothing", folder + "?entry=none", None)
        yield Row(method, "/archive/", "what lies outside", "/archive/", None)
    yield Row("POST", address, "a folder", folder, these(LIST), "", FIELDS)
    yield Row("POST", address, "a file in it", folder, these(READ), "entry=file", FIELDS)
    yield Row("POST", address, "nothing", folder, None, "entry=none", FIELDS)
    yield Row("POST", "/archive/", "what lies outside", "/archive/", None, "", FIELDS)
    yield Row("POST", "/session", "signing out", "/session", ANYBODY, "sign_out=1", FIELDS)
    ending = "end=others&password="
    yield Row("POST", "/session", "ending others", "/session", KNOWN, ending + "unknown", FIELDS)
    yield Row("POST", "/session", "by a token", "/session", None, ending + "{me}", FIELDS)
    changing = "new_password=long-enough&password="
    yield Row(
        "POST", "/session", "a password by a token", "/session", None, changing + "{me}", FIELDS
    )


def _writing() -> Iterator[Row]:
    file, folder = "/files/{path}", "/files/{path}/"
    there, free = "/files/f/{c}/file", "/files/f/{c}/free"
    over = {"If-Match": "*"}
    yield Row("PUT", file, "a free name", free, these(CREATE), "new {c}")
    yield Row("PUT", file, "a free name in a free folder", free + "/x", these(CREATE), "new {c}")
    yield Row("PUT", file, "a file, on purpose", there, these(REPLACE), "new {c}", over)
    yield Row("PUT", file, "a file, without saying so", there, None, "new {c}")
    yield Row("PUT", folder, "a free name", free + "/", these(CREATE))
    yield Row("DELETE", file, "a file", there, these(DELETE))
    yield Row("DELETE", file, "nothing", free, None)
    yield Row("DELETE", folder, "a folder", "/files/f/{c}/sub/?recursive=true", these(DELETE))
    for address, source, takes in (
        (file, there, (READ, CREATE)),
        (folder, "/files/f/{c}/sub/", (READ, LIST, CREATE)),
    ):
        move, copy = these(*takes, DELETE), these(*takes)
        yield Row("POST", address, "to be moved", source + "?recursive=true&move=f/{c}/free", move)
        yield Row("POST", address, "to be copied", source + "?copy=f/{c}/free", copy)
        yield Row("POST", address, "to be moved out", source + "?move=out-{c}", None)
        yield Row("POST", address, "to be copied out", source + "?copy=out-{c}", None)
    back = these(READ, REPLACE)
    yield Row("POST", file, "an earlier version", there + "?restore={version}", back, None, over)
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    filled = '--b\r\nContent-Disposition: form-data; name="file"; filename="free"\r\n\r\nnew {c}\r\n--b--\r\n'
    yield Row("POST", folder, "a form", "/files/f/{c}/", these(CREATE), filled, form)
    yield Row(
        "POST", folder, "a named body", "/files/f/{c}/", these(CREATE), "new {c}", {"Slug": "free"}
    )
    yield Row("POST", "/files/", "a form", "/files/", None, filled, form)
    yield Row("PUT", "/files/", "the top", "/files/", None)
    yield Row("DELETE", "/files/", "the top", "/files/?recursive=true", None)


def _asking() -> Iterator[Row]:
    items = json.dumps({"items": [{"path": "f/{c}/free", "size": 1}]}).replace("{c}", "%c%")
    as_json = {"Content-Type": "application/json"}
    yield Row("POST", "/preflight", "a list", "/preflight", these(CREATE), items, as_json)
    named = {**TUS, "Upload-Length": "3", "Upload-Metadata": metadata(filename="f/free")}
    yield Row("POST", "/uploads/", "a free name", "/uploads/", these(CREATE), None, named)
    for method, body, said in (
        ("PATCH", "abc", PIECE),
        ("DELETE", None, TUS),
        ("POST", "abc", {**PIECE, OVERRIDE: "PATCH"}),
        ("POST", None, {**TUS, OVERRIDE: "DELETE"}),
        ("POST", None, {**TUS, OVERRIDE: "HEAD"}),
        ("POST", "action=discard", {"Content-Type": "application/x-www-form-urlencoded"}),
    ):
        for state in ("parked", "arriving"):
            row = Row(
                method,
                "/uploads/{id}",
                f"{state} for somebody else",
                f"{{{state}}}",
                None,
                body,
                said,
            )
            yield row
    for address, target in (
        ("/files/{path}", "/files/f/{c}/file"),
        ("/files/{path}/", "/files/f/{c}/"),
        ("/files/", "/files/"),
        ("/uploads/", "/uploads/"),
        ("/uploads/{id}", "{parked}"),
    ):
        yield Row("OPTIONS", address, "whatever is there", target, ANYBODY)


def _open_to_all() -> Iterator[Row]:
    yield Row("OPTIONS", "/", "the top of the server", "/", ANYBODY)
    for method in ("GET", "HEAD"):
        for address, target in (
            ("/", "/"),
            ("/problems/", "/problems/"),
            ("/problems/{slug}", "/problems/name-taken"),
            ("/openapi.json", "/openapi.json"),
            ("/docs", "/docs"),
            ("/static/{name}", "/static/style.css"),
            ("/health/live", "/health/live"),
            ("/health/ready", "/health/ready"),
            ("/metrics", "/metrics"),
        ):
            yield Row(method, address, "open to all on this machine", target, ANYBODY)


def _webdav(dav: str, mount: str) -> Iterator[Row]:
    there, free = mount + "f/{c}/file", mount + "f/{c}/free"
    # Clients that ask here first have to be asked who they are at once.
    asked = KNOWN if dav == "/remote.php/webdav/" else ANYBODY
    yield Row("OPTIONS", dav, "whatever is there", there, asked)
    for method in ("GET", "HEAD"):
        yield Row(method, dav, "a file", there, these(READ))
        yield Row(method, dav, "nothing", free, None)
    yield Row("PUT", dav, "a free name", free, these(CREATE), "new {c}")
    yield Row("PUT", dav, "a file", there, these(REPLACE), "new {c}")
    yield Row("DELETE", dav, "a file", there, these(DELETE))
    yield Row("DELETE", dav, "a folder", mount + "f/{c}/sub/", these(DELETE))
    yield Row("MKCOL", dav, "a free name", free, these(CREATE))
    near, far = {"Destination": free}, {"Destination": mount + "out-{c}"}
    onto = {"Destination": there}
    yield Row("MOVE", dav, "to a free name", there, these(READ, DELETE, CREATE), None, near)
    yield Row("COPY", dav, "to a free name", there, these(READ, CREATE), None, near)
    yield Row("MOVE", dav, "out", there, None, None, far)
    yield Row("COPY", dav, "out", there, None, None, far)
    inner = mount + "f/{c}/sub/inner"
    yield Row("COPY", dav, "over a file", inner, these(READ, REPLACE), None, onto)
    yield Row("MOVE", dav, "over a file", inner, these(READ, DELETE, REPLACE), None, onto)
    yield Row("PROPFIND", dav, "a file", there, these(READ), FIND, {"Depth": "0"})
    yield Row("PROPFIND", dav, "a folder", mount + "f/{c}/", these(LIST), FIND, {"Depth": "1"})
    yield Row("PROPPATCH", dav, "a file", there, these(REPLACE), SET)
    if dav != "/dav/":
        yield Row(
            "PATCH", dav, "a checksum", there, these(READ), None, {"X-Recalculate-Hash": "SHA1"}
        )
    yield Row("REPORT", dav, "a folder", mount + "f/{c}/", these(LIST), SYNC)
    yield Row("LOCK", dav, "a file", there, these(REPLACE), TAKE)
    yield Row("LOCK", dav, "a free name", free, these(CREATE, REPLACE), TAKE)
    token = {"Lock-Token": "<urn:uuid:00000000-0000-0000-0000-000000000000>"}
    yield Row("UNLOCK", dav, "a lock of nobody", there, None, None, token)
    kept, own = mount + "f/{c}/kept", {"Lock-Token": "<{lock}>"}
    yield Row("UNLOCK", dav, "a lock of ones own", kept, STORING, None, own)
    yield Row("LOCK", dav, "ones own again", kept, STORING, None, {"If": "(<{lock}>)"})
    yield Row("POST", dav, "a member", mount + "f/{c}/", these(CREATE), "new {c}")


def _nextcloud() -> Iterator[Row]:
    mine, theirs = "/remote.php/dav/uploads/{me}/", "/remote.php/dav/uploads/admin/"
    upload, piece = "/remote.php/dav/uploads/{user}/{upload}", "/{piece}"
    goal = {"Destination": "/remote.php/dav/files/{me}/f/{c}/free"}
    yield Row("MKCOL", upload, "ones own", mine + "{c}", STORING, None, goal)
    for method in ("MKCOL", "PROPFIND", "DELETE"):
        yield Row(method, upload, "of somebody else", theirs + "{c}", None, None, goal)
    for method, name in (("PUT", "/1"), ("DELETE", "/1"), ("MOVE", "/.file")):
        yield Row(
            method, upload + piece, "of somebody else", theirs + "{c}" + name, None, "x", goal
        )
    for method in ("GET", "HEAD"):
        for address, target in (
            ("/status.php", "/status.php"),
            ("/index.php/204", "/index.php/204"),
        ):
            yield Row(method, address, "open to all", target, ANYBODY)
        user = Row(method, "/ocs/{ocs}/cloud/user", "who I am", "/ocs/v1.php/cloud/user", KNOWN)
        yield user
        capabilities = "/ocs/v1.php/cloud/capabilities"
        yield Row(method, "/ocs/{ocs}/cloud/capabilities", "what it can", capabilities, KNOWN)


ROWS = (*_reading(), *_taking_along(), *_writing(), *_asking(), *_open_to_all(), *_nextcloud())
ROWS += tuple(row for address, mount in MOUNTS.items() for row in _webdav(address, mount))
