"""Verdict or failure -> problem: which type of the table it is, its evidence and its headers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from handlers.descriptions import (
    UPLOADS,
    Json,
    entry_href,
    evidence_members,
    file_href,
    moment,
    resolution_members,
    upload_href,
)
from handlers.headers.conditions import MalformedCondition
from handlers.headers.digests import MalformedDigest
from handlers.problem_types import TYPES, ProblemType
from uploads import failures
from uploads.collisions import (
    AlreadyStored,
    ConditionRequired,
    ContentKnown,
    NameEquivalent,
    NameTaken,
    NotEmpty,
    Refused,
    Stale,
    TypeClash,
)
from uploads.files import Folder, StoredFile, Upload
from uploads.names import BadName, Path, both_spellings
from uploads.settling import Outcome, Resolution

# Methods that are known at one address alone.
OF_WEBDAV = frozenset(
    {"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT"}
)
WEBDAV_IS_AT = "WebDAV is at /dav/."
# Says that an answer is that of an earlier try of the same request.
REPLAYED: Mapping[str, str] = {"Idempotency-Replayed": "?1"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal: all that any form of the answer (JSON, page, text) is made from.

    `replaceable`: with the right condition the same request would replace what exists.
    """

    type: ProblemType
    detail: str
    next: str
    conflict: str | None = None
    target: Path | None = None
    existing: StoredFile | Folder | None = None
    parked: Upload | None = None
    resolutions: tuple[Resolution, ...] = ()
    replaceable: bool = True
    retry_after: int | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return self.type.status

    def members(self, request_id: str) -> dict[str, Json]:
        """The problem document (RFC 9457)."""
        members: dict[str, Json] = {
            "type": self.type.href,
            "title": self.type.title,
            "status": self.status,
            "detail": self.detail,
            "instance": f"urn:noclobber:request:{request_id}",
            "next": self.next,
            "retryable": self.retry_after is not None,
        }
        if self.conflict is not None:
            members["conflict"] = self.conflict
        if self.target is not None:
            members["target"] = file_href(self.target)
        if self.existing is not None:
            members["existing"] = evidence_members(self.existing)
        if self.replaceable and self._is_in_the_way(self.existing):
            members["expected"] = {"if_match": self.existing.etag}
        if self.parked is not None:
            upload = self.parked
            members["upload"] = {"href": upload_href(upload), "expires": moment(upload.expires)}
            members["resolutions"] = [resolution_members(upload, one) for one in self.resolutions]
        return {**members, **self.extra}

    def all_headers(self) -> dict[str, str]:
        """The same facts for those who read headers only."""
        headers = {"Cache-Control": "no-store", **self.headers}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self._is_in_the_way(self.existing):
            headers["ETag"] = self.existing.etag
        links = [f'<{self.type.href}>; rel="describedby"']
        if self.existing is not None and self.target is not None:
            rel = "duplicate" if self.conflict == "content" else "edit"
            links.insert(
                0, f'<{entry_href(self.existing)}>; rel="{rel}"; anchor="{file_href(self.target)}"'
            )
        return {**headers, "Link": ", ".join(links)}

    def _is_in_the_way(self, existing: StoredFile | Folder | None) -> TypeGuard[StoredFile]:
        return isinstance(existing, StoredFile) and self.conflict in {"name", "version"}


class Refusal(Exception):
    """Raised by a door to answer with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def of_type(slug: str, detail: str, **headers: str) -> Problem:
    type_ = TYPES[slug]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Problem(type_, detail, type_.advice, headers=named)


def of_address(address: str) -> Problem:
    """Nothing is ever there, or nobody is to know that something is."""
    detail = f'There is nothing at "{address}".'
    return Problem(TYPES["not-there"], detail, "Files are under /files/.")


def of_unknown_method(method: str) -> Problem:
    type_, detail = TYPES["unknown-method"], f"{method} is no method that is known here."
    return Problem(type_, detail, WEBDAV_IS_AT if method in OF_WEBDAV else type_.advice)


def of_outcome(
    outcome: Outcome, verdict: Refused, *, places: bool = False, may_replace: bool = True
) -> Problem:
    """A refused claim, with its evidence and what settles it.

    `places`: it was to move, to copy or to make a folder, which replaces nothing that has the name.
    `may_replace`: whose upload it was has the right to.
    """
    slug, conflict, existing, detail, next_ = _of_verdict(verdict, outcome.path)
    extra: dict[str, Json] = {}
    if isinstance(verdict, NameEquivalent):
        extra = {"rule": verdict.rule.value, "wanted": str(verdict.wanted)}
        if verdict.existing is not None:
            extra["taken"] = str(verdict.existing.path)
    if isinstance(verdict, Stale):
        extra = {"identical": verdict.identical}
    replaceable = not (places and isinstance(verdict, NameTaken))
    if not replaceable:
        next_ = "Choose another name, or delete what is there first."
    if not may_replace and isinstance(verdict, NameTaken | Stale) and not _holds_it(verdict):
        replaceable, next_ = False, "Choose another name: you may replace nothing here."
    if outcome.parked is not None:
        next_ += " Your bytes are kept: use one of the resolutions."
    return Problem(
        TYPES[slug],
        detail,
        next_,
        conflict=conflict,
        target=outcome.path,
        existing=existing,
        parked=outcome.parked,
        resolutions=outcome.resolutions,
        replaceable=replaceable,
        extra=extra,
        headers=REPLAYED if outcome.replayed else {},
    )


def _holds_it(verdict: NameTaken | Stale) -> bool:
    return isinstance(verdict, Stale) and verdict.identical


_Words = tuple[str, str, StoredFile | Folder | None, str, str]


def _of_verdict(verdict: Refused, path: Path) -> _Words:  # noqa: C901 - a line for each verdict
    match verdict:
        case AlreadyStored(existing):
            return ("already-stored", "name", existing,
                    f'"{path}" already holds exactly these bytes.',
                    "Nothing: the file is stored.")  # fmt: skip
        case NameTaken(None):
            return ("name-taken", "name", None, f'Another file is already called "{path}".',
                    "Choose another name.")  # fmt: skip
        case NameTaken(existing):
            return ("name-taken", "name", existing,
                    f'Another file is already called "{path}".',
                    "Choose another name, or send If-Match with the ETag of the file to replace"
                    " it.")  # fmt: skip
        case NameEquivalent(existing):
            return ("name-equivalent", "name", existing, _equivalent(verdict),
                    "Use the spelling that is there, or a name that differs in more than"
                    " that.")  # fmt: skip
        case ContentKnown(existing):
            return ("content-known", "content", existing,
                    f'The content of "{path}" is already stored as "{existing.path}".',
                    "Use that file, or send Prefer: same-content=link for a second"
                    " name.")  # fmt: skip
        case Stale(current):
            return ("stale-version", "version", current, _stale(verdict, path),
                    "Look at what is there now, then send the request again with its"
                    " ETag.")  # fmt: skip
        case ConditionRequired(current):
            wanted = "If-None-Match: *" if current is None else f"If-Match: {current.etag}"
            return ("condition-required", "version", current,
                    f'Writing to "{path}" needs a condition.',
                    f"Send the request again with {wanted}.")  # fmt: skip
        case TypeClash(existing):
            return ("type-clash", "name", existing, _clash(existing, path),
                    "Choose another name, or move what is there out of the way.")  # fmt: skip
        case NotEmpty(folder):
            return ("not-empty", "name", folder, f'The folder "{folder.path}" is not empty.',
                    "Send the request again with ?recursive=true if all of it is"
                    " meant.")  # fmt: skip


def _equivalent(verdict: NameEquivalent) -> str:
    if verdict.existing is None:
        return f'"{verdict.wanted}" counts as the same name as one that is there already.'
    both = both_spellings(str(verdict.wanted), str(verdict.existing.path))
    return f"{both} count as the same name: they differ only by {verdict.rule.value}."


def _stale(verdict: Stale, path: Path) -> str:
    current = verdict.current
    if current is None:
        return f'Your condition is not true of "{path}".'
    told = f'"{path}" is now version {current.version.number}, with the ETag {current.etag}.'
    return told + (" It holds exactly the bytes that you sent." if verdict.identical else "")


def _clash(existing: StoredFile | Folder | None, path: Path) -> str:
    match existing:
        case Folder() if not existing.path.parts:
            return "This is the top folder."
        case Folder():
            return f'"{existing.path}" is a folder.'
        case StoredFile() if existing.path == path:
            return f'"{path}" is a file.'
        case StoredFile():
            return f'"{existing.path}" is a file, so that "{path}" cannot be in it.'
        case None:
            return f'"{path}" cannot be both a file and a folder.'


_OF_FAILURE: dict[type[failures.Failure], str] = {
    failures.NotIdentified: "not-identified",
    failures.NotAllowed: "not-allowed",
    failures.NotThere: "not-there",
    failures.NoFolder: "no-folder",
    failures.Locked: "locked",
    failures.NotThatLock: "not-that-lock",
    failures.MalformedRequest: "malformed-request",
    failures.WrongDigest: "wrong-digest",
    failures.BodyTooShort: "body-too-short",
    failures.BodyStalled: "body-stalled",
    failures.TooLarge: "too-large",
    failures.TypeRefused: "type-refused",
    failures.ContentRefused: "content-refused",
    failures.OverQuota: "over-quota",
    failures.DiskFull: "disk-full",
    failures.Damaged: "damaged",
    failures.TooManyUploads: "too-many-uploads",
    failures.NameReserved: "name-reserved",
    failures.TooManyFollowers: "too-many-followers",
    failures.TooManyGuesses: "too-many-guesses",
    failures.ChangesForgotten: "changes-forgotten",
    failures.InProgress: "in-progress",
    failures.KeyReused: "key-reused",
    failures.WrongOffset: "wrong-offset",
    failures.WrongLength: "wrong-length",
    failures.TakenOver: "taken-over",
    failures.ArrivedAlready: "arrived-already",
    failures.Unavailable: "unavailable",
    failures.Unsettled: "unsettled",
}

CHALLENGES = 'Basic realm="noclobber", charset="UTF-8", Bearer realm="noclobber"'
BEARER_ONLY = 'Bearer realm="noclobber"'
WANTED_DIGESTS = "sha-512=5, sha-256=10"


def of_failure(failure: failures.Failure) -> Problem:
    type_ = TYPES[_OF_FAILURE[type(failure)]]
    headers: dict[str, str] = {}
    if type_.slug == "not-identified":
        headers["WWW-Authenticate"] = CHALLENGES
    if type_.slug == "wrong-digest":
        headers["Want-Repr-Digest"] = WANTED_DIGESTS
    extra: dict[str, Json] = {}
    if isinstance(failure, failures.ChangesForgotten):
        extra = {"follow_from": failure.follow_from}
    if isinstance(failure, failures.ContentRefused):
        extra = {"found": failure.found}
    if isinstance(failure, failures.ArrivedAlready):
        href, expires = UPLOADS + failure.upload, moment(failure.expires)
        extra = {"upload": {"href": href, "expires": expires}}
    if isinstance(failure, failures.WrongOffset):
        headers["Upload-Offset"] = str(failure.expected)
        extra = {"expected-offset": failure.expected, "provided-offset": failure.given}
    return Problem(
        type_,
        failure.message,
        type_.advice,
        target=failure.path if isinstance(failure, failures.Locked) else None,
        retry_after=failure.retry_after,
        extra=extra,
        headers=headers,
    )


def of_bad_name(bad: BadName) -> Problem:
    type_ = TYPES["bad-name"]
    extra: dict[str, Json] = {"rule": bad.rule.value, "name": bad.name}
    return Problem(type_, bad.message, type_.advice, extra=extra)


def of_malformed(malformed: MalformedCondition | MalformedDigest) -> Problem:
    if isinstance(malformed, MalformedDigest):
        return of_type("wrong-digest", str(malformed), Want_Repr_Digest=WANTED_DIGESTS)
    return of_type("malformed-condition", str(malformed))
