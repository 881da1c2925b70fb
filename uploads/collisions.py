"""Every rule about names, contents, versions and policy. Pure: nothing here looks or writes.

`decide` is asked twice with the same words: before the body, for what the headers already tell,
and inside the writer's turn, where its answer is final.
"""

from uploads.conditions import Condition, Current
from uploads.files import Content, Folder, StoredFile
from uploads.names import Equivalence, Path
from uploads.policy import Policy, SameContent, SameFile, SameName
from uploads.values import value

# What stands at a name when a claim asks for it.


@value
class Nothing:
    pass


@value
class FileHere:
    file: StoredFile


@value
class FolderHere:
    folder: Folder


@value
class Lookalike:
    """The name, or that of a folder above it, equals another spelling that is already there."""

    existing: StoredFile | Folder
    wanted: Path
    rule: Equivalence


@value
class FileAbove:
    """A file stands where the path needs a folder."""

    file: StoredFile


AtName = Nothing | FileHere | FolderHere | Lookalike | FileAbove


@value
class Claim:
    """A received content that asks for a name. `sees`: its sender may read what stands there."""

    path: Path
    content: Content
    condition: Condition
    sees: bool


# Verdicts that store, or find nothing to store.


@value
class Create:
    pass


@value
class Replace:
    previous: StoredFile


@value
class Rename:
    """Store under the next free name."""


@value
class Link:
    """Create a second name for a content that is already there."""

    existing: StoredFile


@value
class Unchanged:
    existing: StoredFile


# Refusals, each with its evidence. None: there is some, but the sender may not read it.


@value
class AlreadyStored:
    existing: StoredFile


@value
class NameTaken:
    existing: StoredFile | None


@value
class NameEquivalent:
    existing: StoredFile | Folder | None
    wanted: Path
    rule: Equivalence


@value
class ContentKnown:
    existing: StoredFile


@value
class Stale:
    """A condition of the request is not fulfilled. None: nothing is there, or nothing to be told.

    `identical`: what is there now are the very bytes that came. RFC 9110 section 13.1.1 would let
    us call that success, as after a lost answer; but two writers who both count from 5 to 6 send
    the same bytes too, and one of their steps would be lost. So it is refused, and said.
    """

    current: StoredFile | None
    identical: bool = False


@value
class ConditionRequired:
    current: StoredFile | None


@value
class TypeClash:
    """A file where a folder is wanted, or the other way round."""

    existing: StoredFile | Folder | None


@value
class NotEmpty:
    """A folder that still holds something, and nobody said that all of it is meant."""

    folder: Folder


Accepted = Create | Replace | Rename | Link | Unchanged
Refused = (
    AlreadyStored
    | NameTaken
    | NameEquivalent
    | ContentKnown
    | Stale
    | ConditionRequired
    | TypeClash
    | NotEmpty
)
Verdict = Accepted | Refused


def decide(
    claim: Claim, at_name: AtName, same_content: StoredFile | None, policy: Policy
) -> Verdict:
    """The rules. `same_content`: another file with these bytes, which the sender may read."""
    match at_name:
        case FolderHere(folder):
            return TypeClash(folder if claim.sees else None)
        case FileAbove(file):
            return TypeClash(file if claim.sees else None)
        case Lookalike(existing, wanted, rule):
            return NameEquivalent(existing if claim.sees else None, wanted, rule)
        case Nothing():
            return _at_free_name(claim, same_content, policy)
        case FileHere(file):
            return _at_file(claim, file, same_content, policy)


def _at_free_name(claim: Claim, same_content: StoredFile | None, policy: Policy) -> Verdict:
    if not claim.condition.holds(None):
        return Stale(None)
    if policy.require_conditions and claim.condition.if_none_match is None:
        return ConditionRequired(None)
    return _storing(Create(), same_content, policy)


def _at_file(
    claim: Claim, current: StoredFile, same_content: StoredFile | None, policy: Policy
) -> Verdict:
    same_file = claim.sees and claim.content == current.content
    shown = current if claim.sees else None
    if not claim.condition.holds(_current(current, sees=claim.sees)):
        return Stale(shown, same_file)
    if claim.condition.if_match is not None:
        # The overwrite flag: it speaks for this name, so a twin elsewhere is told of, not refused.
        return Unchanged(current) if same_file else Replace(current)
    if same_file:
        accepted = policy.same_file is SameFile.ACCEPT
        return Unchanged(current) if accepted else AlreadyStored(current)
    if policy.require_conditions and claim.condition.if_none_match is None:
        return ConditionRequired(shown)
    match policy.same_name:
        case SameName.REFUSE:
            return NameTaken(shown)
        case SameName.VERSION:
            return _storing(Replace(current), same_content, policy)
        case SameName.RENAME:
            return _storing(Rename(), same_content, policy)


def _current(file: StoredFile, *, sees: bool) -> Current:
    return Current(file.etag, file.version.stored) if sees else Current()


def _storing(
    wanted: Create | Replace | Rename, same_content: StoredFile | None, policy: Policy
) -> Verdict:
    if same_content is None:
        return wanted
    if policy.same_content is SameContent.REFUSE:
        return ContentKnown(same_content)
    return Link(same_content) if isinstance(wanted, Create) else wanted
