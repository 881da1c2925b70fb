"""Every rule of collisions, row by row: what stands there, what was asked, what is decided."""

import pytest

from uploads.collisions import (
    AlreadyStored,
    AtName,
    Claim,
    ConditionRequired,
    ContentKnown,
    Create,
    FileAbove,
    FileHere,
    FolderHere,
    Link,
    Lookalike,
    NameEquivalent,
    NameTaken,
    Nothing,
    Rename,
    Replace,
    Stale,
    TypeClash,
    Unchanged,
    Verdict,
    decide,
)
from uploads.conditions import Condition, Tags
from uploads.files import Content, Folder, StoredFile, Version
from uploads.names import Equivalence, Path
from uploads.policy import Policy, SameContent, SameFile, SameName

MINE = Content("blake3:" + "a" * 64, 10)
OTHER = Content("blake3:" + "b" * 64, 10)
HERE, ELSEWHERE = Path(("a.txt",)), Path(("twin.txt",))


def stored(path: Path, content: Content, number: int = 7) -> StoredFile:
    return StoredFile(path, Version(number, content, 1.0, 1.0, "user:ann"))


SAME, DIFFERENT = stored(HERE, MINE), stored(HERE, OTHER)
TWIN = stored(ELSEWHERE, MINE, 3)
FOLDER = Folder(HERE, 5, 1.0)
NOTHING = Nothing()

NO_CONDITION = Condition()
CURRENT = Condition(if_match=Tags(strong=frozenset({SAME.etag, DIFFERENT.etag})))
OUTDATED = Condition(if_match=Tags(strong=frozenset({'"6-bbbbbbbbbbbbbbbb"'})))
ANY_THERE = Condition(if_match=Tags(any=True))
ONLY_NEW = Condition(if_none_match=Tags(any=True))
# What stands there was stored in the second 1.
BEFORE_IT, SINCE_IT = Condition(unmodified_since=0), Condition(unmodified_since=1)
CURRENT_OF_OLD = Condition(CURRENT.if_match, unmodified_since=0)

PLAIN = Policy()
LENIENT = Policy(SameFile.ACCEPT, SameName.VERSION, SameContent.LINK)
RENAMING = Policy(same_name=SameName.RENAME)
STRICT = Policy(require_conditions=True)

# fmt: off
TABLE: list[tuple[str, AtName, StoredFile | None, Condition, Policy, Verdict]] = [
    ("a new name and new bytes",                NOTHING,             None, NO_CONDITION, PLAIN,    Create()),
    ("a new name, asked to be new",             NOTHING,             None, ONLY_NEW,     PLAIN,    Create()),
    ("a condition on what is not there",        NOTHING,             None, CURRENT,      PLAIN,    Stale(None)),
    ("If-Match * on what is not there",         NOTHING,             None, ANY_THERE,    PLAIN,    Stale(None)),
    ("a condition is required",                 NOTHING,             None, NO_CONDITION, STRICT,   ConditionRequired(None)),
    ("a required condition is given",           NOTHING,             None, ONLY_NEW,     STRICT,   Create()),
    ("bytes that stand elsewhere",              NOTHING,             TWIN, NO_CONDITION, PLAIN,    ContentKnown(TWIN)),
    ("the same, though the name is new",        NOTHING,             TWIN, ONLY_NEW,     PLAIN,    ContentKnown(TWIN)),
    ("a second name is welcome",                NOTHING,             TWIN, NO_CONDITION, LENIENT,  Link(TWIN)),
    ("the same file again",                     FileHere(SAME),      None, NO_CONDITION, PLAIN,    AlreadyStored(SAME)),
    ("the same file again, accepted",           FileHere(SAME),      None, NO_CONDITION, LENIENT,  Unchanged(SAME)),
    ("the same file, with a twin",              FileHere(SAME),      TWIN, NO_CONDITION, PLAIN,    AlreadyStored(SAME)),
    ("the same file under its ETag",            FileHere(SAME),      None, CURRENT,      PLAIN,    Unchanged(SAME)),
    ("old ETag, though the bytes are there",    FileHere(SAME),      None, OUTDATED,     PLAIN,    Stale(SAME, identical=True)),
    ("the same file where only new is asked",   FileHere(SAME),      None, ONLY_NEW,     PLAIN,    Stale(SAME, identical=True)),
    ("the same file where conditions are due",  FileHere(SAME),      None, NO_CONDITION, STRICT,   AlreadyStored(SAME)),
    ("a taken name",                            FileHere(DIFFERENT), None, NO_CONDITION, PLAIN,    NameTaken(DIFFERENT)),
    ("a taken name, and a twin",                FileHere(DIFFERENT), TWIN, NO_CONDITION, PLAIN,    NameTaken(DIFFERENT)),
    ("a taken name where versions are kept",    FileHere(DIFFERENT), None, NO_CONDITION, LENIENT,  Replace(DIFFERENT)),
    ("a taken name where a new one is found",   FileHere(DIFFERENT), None, NO_CONDITION, RENAMING, Rename()),
    ("renaming does not hide a twin",           FileHere(DIFFERENT), TWIN, NO_CONDITION, RENAMING, ContentKnown(TWIN)),
    ("a taken name where conditions are due",   FileHere(DIFFERENT), None, NO_CONDITION, STRICT,   ConditionRequired(DIFFERENT)),
    ("the overwrite flag",                      FileHere(DIFFERENT), None, CURRENT,      PLAIN,    Replace(DIFFERENT)),
    ("the overwrite flag, any version",         FileHere(DIFFERENT), None, ANY_THERE,    PLAIN,    Replace(DIFFERENT)),
    ("the overwrite flag, with a twin",         FileHere(DIFFERENT), TWIN, CURRENT,      PLAIN,    Replace(DIFFERENT)),
    ("an outdated overwrite flag",              FileHere(DIFFERENT), None, OUTDATED,     PLAIN,    Stale(DIFFERENT)),
    ("outdated, wherever versions are kept",    FileHere(DIFFERENT), None, OUTDATED,     LENIENT,  Stale(DIFFERENT)),
    ("only new is asked, something is there",   FileHere(DIFFERENT), None, ONLY_NEW,     LENIENT,  Stale(DIFFERENT)),
    ("stored after the date that was named",    FileHere(DIFFERENT), None, BEFORE_IT,    LENIENT,  Stale(DIFFERENT)),
    ("the same, with the very same bytes",      FileHere(SAME),      None, BEFORE_IT,    LENIENT,  Stale(SAME, identical=True)),
    ("not stored after the date",               FileHere(DIFFERENT), None, SINCE_IT,     LENIENT,  Replace(DIFFERENT)),
    ("a date is no overwrite flag",             FileHere(DIFFERENT), None, SINCE_IT,     PLAIN,    NameTaken(DIFFERENT)),
    ("a date is no condition that is due",      FileHere(DIFFERENT), None, SINCE_IT,     STRICT,   ConditionRequired(DIFFERENT)),
    ("a date of what is not there",             NOTHING,             None, BEFORE_IT,    PLAIN,    Create()),
    ("a current ETag says it better",           FileHere(DIFFERENT), None, CURRENT_OF_OLD, PLAIN,  Replace(DIFFERENT)),
    ("a folder has the name",                   FolderHere(FOLDER),  None, NO_CONDITION, LENIENT,  TypeClash(FOLDER)),
    ("a folder has the name, any condition",    FolderHere(FOLDER),  None, ANY_THERE,    PLAIN,    TypeClash(FOLDER)),
    ("a file where a folder is needed",         FileAbove(TWIN),     None, NO_CONDITION, LENIENT,  TypeClash(TWIN)),
    ("another spelling of the name",            Lookalike(TWIN, HERE, Equivalence.CASE), None, CURRENT, LENIENT,
                                                                                       NameEquivalent(TWIN, HERE, Equivalence.CASE)),
]
# fmt: on


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_each_row_of_the_rules_is_decided_as_written(
    row: tuple[str, AtName, StoredFile | None, Condition, Policy, Verdict],
) -> None:
    _, at_name, twin, condition, policy, expected = row

    verdict = decide(Claim(HERE, MINE, condition, sees=True), at_name, twin, policy)

    assert verdict == expected


@pytest.mark.parametrize(
    ("at_name", "expected"),
    [
        (FileHere(SAME), NameTaken(None)),
        (FileHere(DIFFERENT), NameTaken(None)),
        (FolderHere(FOLDER), TypeClash(None)),
        (FileAbove(TWIN), TypeClash(None)),
        (Lookalike(TWIN, HERE, Equivalence.CASE), NameEquivalent(None, HERE, Equivalence.CASE)),
    ],
)
def test_a_refusal_shows_nothing_of_what_the_sender_may_not_read(
    at_name: AtName, expected: Verdict
) -> None:
    verdict = decide(Claim(HERE, MINE, NO_CONDITION, sees=False), at_name, None, PLAIN)

    assert verdict == expected


def test_the_same_bytes_under_an_unreadable_name_answer_like_other_bytes() -> None:
    """Else the answer would tell a stranger that a guess of the content was right."""
    for condition in (NO_CONDITION, OUTDATED, ONLY_NEW, BEFORE_IT, SINCE_IT):
        claim = Claim(HERE, MINE, condition, sees=False)

        same = decide(claim, FileHere(SAME), None, PLAIN)
        other = decide(claim, FileHere(DIFFERENT), None, PLAIN)

        assert same == other


@pytest.mark.parametrize("policy", [PLAIN, LENIENT])
def test_no_condition_tells_which_bytes_an_unreadable_name_has_or_since_when(
    policy: Policy,
) -> None:
    """Else guesses of its ETag or time would be told from others by what is answered."""
    right, wrong = Tags(strong=frozenset({SAME.etag})), Tags(strong=frozenset({'"7-0"'}))
    for one, other in (
        (Condition(if_match=right), Condition(if_match=wrong)),
        (Condition(if_none_match=right), Condition(if_none_match=wrong)),
        (BEFORE_IT, SINCE_IT),
    ):
        told = [
            decide(Claim(HERE, MINE, condition, sees=False), FileHere(SAME), None, policy)
            for condition in (one, other)
        ]

        assert told[0] == told[1]
