"""What `decide` says in every situation, asked of the rules themselves."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from handlers.problems import of_outcome
from uploads.collisions import (
    Accepted,
    AtName,
    Claim,
    Create,
    FileAbove,
    FileHere,
    FolderHere,
    Link,
    Lookalike,
    Nothing,
    Rename,
    Replace,
    Unchanged,
    Verdict,
    decide,
)
from uploads.conditions import Condition, Tags
from uploads.files import Content, Folder, StoredFile, Version
from uploads.names import Equivalence, Path
from uploads.policy import Policy, SameContent, SameFile, SameName
from uploads.settling import Outcome

SENT: Final = Content("blake3:" + "1" * 64, 1)
OTHER: Final = Content("blake3:" + "2" * 64, 1)
WANTED: Final = Path(("a.txt",))
ANY: Final = Tags(any=True)


def _file(name: str, content: Content) -> StoredFile:
    return StoredFile(Path((name,)), Version(1, content, 0.0, 0.0, "ann"))


CURRENT: Final = _file("a.txt", OTHER)
SAME: Final = _file("a.txt", SENT)
TWIN: Final = _file("b.txt", SENT)

# what is there -> what stands at the name, a twin of the content, may the sender see it
SITUATIONS: Final[Mapping[str, tuple[AtName, StoredFile | None, bool]]] = {
    "nothing": (Nothing(), None, True),
    "nothing, but the content under another name": (Nothing(), TWIN, True),
    "the same bytes": (FileHere(SAME), None, True),
    "other bytes": (FileHere(CURRENT), None, True),
    "other bytes, and the content under another name": (FileHere(CURRENT), TWIN, True),
    "a file that the sender may not read": (FileHere(SAME), None, False),
    "a name that counts as the same": (
        Lookalike(_file("A.txt", OTHER), WANTED, Equivalence.CASE),
        None,
        True,
    ),
    "a folder": (FolderHere(Folder(WANTED, 1, 0.0)), None, True),
    "a file where a folder is needed": (FileAbove(CURRENT), None, True),
}

CONDITIONS: Final = (
    ("no condition", Condition()),
    ("`If-None-Match: *`", Condition(if_none_match=ANY)),
    ("`If-Match`, current", Condition(if_match=Tags(strong=frozenset({CURRENT.etag, SAME.etag})))),
    ("`If-Match`, another", Condition(if_match=Tags(strong=frozenset({'"9-0"'})))),
    ("`If-Unmodified-Since`, past", Condition(unmodified_since=-1)),
)


def rows() -> Iterator[tuple[str, ...]]:
    """One for every policy that makes a difference."""
    for situation in SITUATIONS:
        found = list(_tree(situation, "", Policy(), _axes()))
        for words, answers in found:
            yield (situation, words or ("any other" if len(found) > 1 else "any"), *answers)


def policies() -> list[Policy]:
    found = [Policy()]
    for name, values in _axes():
        found = [_with(policy, name, value) for policy in found for value in values]
    return found


def _axes() -> list[tuple[str, tuple[object, ...]]]:
    """Asked in this order, so that a word that cannot matter any more is not mentioned."""
    return [
        ("require_conditions", (False, True)),
        ("same_file", tuple(SameFile)),
        ("same_name", tuple(SameName)),
        ("same_content", tuple(SameContent)),
    ]


def _with(policy: Policy, name: str, value: object) -> Policy:
    return replace(policy, **{name: value})  # type: ignore[arg-type]


def _tree(
    situation: str, words: str, policy: Policy, axes: list[tuple[str, tuple[object, ...]]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    if not axes:
        yield words, _answers(situation, policy)
        return
    (name, values), *further = axes
    branches = [_with(policy, name, value) for value in values]
    leaves = [dict(_leaves(situation, branch, further)) for branch in branches]
    if all(leaf == leaves[0] for leaf in leaves):
        yield from _tree(situation, words, policy, further)
        return
    for value, branch in zip(values, branches, strict=True):
        word = f"`{name}` {str(value).lower()}" if value is not False else ""
        yield from _tree(situation, ", ".join(filter(None, (words, word))), branch, further)


def _leaves(
    situation: str, policy: Policy, axes: list[tuple[str, tuple[object, ...]]]
) -> Iterator[tuple[tuple[object, ...], tuple[str, ...]]]:
    if not axes:
        yield (), _answers(situation, policy)
        return
    (name, values), *further = axes
    for value in values:
        for path, answers in _leaves(situation, _with(policy, name, value), further):
            yield (value, *path), answers


def _answers(situation: str, policy: Policy) -> tuple[str, ...]:
    at, twin, _ = SITUATIONS[situation]
    return tuple(
        _said(decide(claim(situation, condition), at, twin, policy)) for _, condition in CONDITIONS
    )


def claim(situation: str, condition: Condition) -> Claim:
    _, _, sees = SITUATIONS[situation]
    return Claim(WANTED, SENT, condition, sees)


def _said(verdict: Verdict) -> str:
    match verdict:
        case Create():
            return "201"
        case Link():
            return "201, a second name"
        case Rename():
            return "201, under a free name"
        case Replace():
            return "200, replaced"
        case Unchanged():
            return "200, nothing written"
        case _ if not isinstance(verdict, Accepted):
            problem = of_outcome(Outcome(verdict, WANTED), verdict)
            return f"{problem.status} `{problem.type.slug}`"
        case _:
            raise ValueError(verdict)
