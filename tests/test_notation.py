"""Answers as text: what is read is what was written, whatever it was."""

from typing import get_args

import pytest

from tests.trees import path, upload
from uploads import notation
from uploads.collisions import (
    AlreadyStored,
    ConditionRequired,
    ContentKnown,
    Create,
    Link,
    NameEquivalent,
    NameTaken,
    NotEmpty,
    Rename,
    Replace,
    Stale,
    TypeClash,
    Unchanged,
    Verdict,
)
from uploads.files import Content, Folder, StoredFile, Version
from uploads.names import Equivalence
from uploads.settling import (
    Answer,
    Begun,
    Discard,
    Filled,
    LinkIt,
    Outcome,
    Placed,
    Removed,
    ReplaceIt,
    Resolution,
    StoreAs,
)

CONTENT = Content("blake3:00", 3, "text/plain")
FILE = StoredFile(path("a/Übersicht.txt"), Version(7, CONTENT, 1.5, 0.25, "ann", None))
FOLDER = Folder(path("a"), 7, 1.5)
VERDICTS: list[Verdict] = [
    AlreadyStored(FILE),
    ConditionRequired(None),
    ContentKnown(FILE),
    Create(),
    Link(FILE),
    NameEquivalent(FOLDER, path("A"), Equivalence.CASE),
    NameTaken(FILE),
    NotEmpty(FOLDER),
    Rename(),
    Replace(FILE),
    Stale(FILE, identical=True),
    TypeClash(FOLDER),
    Unchanged(FILE),
]
RESOLUTIONS: tuple[Resolution, ...] = (
    Discard(),
    LinkIt(path("b"), path("a")),
    ReplaceIt(path("b"), '"7-00"'),
    StoreAs(path("b (2)")),
)
ANSWERS: list[Answer] = [
    *(
        Outcome(verdict, path("b"), FILE, FILE, upload("1", b"parked"), RESOLUTIONS)
        for verdict in VERDICTS
    ),
    Placed(FILE),
    Placed(FOLDER),
    Removed(path("b"), 8),
    Begun("id"),
    Filled(2),
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_every_answer_is_read_as_it_was_written(answer: Answer) -> None:
    found = notation.read(notation.written(answer))
    assert found == answer
    assert notation.written(found) == notation.written(answer)


def test_no_verdict_and_no_resolution_is_left_out() -> None:
    assert {type(one) for one in VERDICTS} == set(get_args(Verdict))
    assert {type(one) for one in RESOLUTIONS} == set(get_args(Resolution))
    assert {type(one) for one in ANSWERS} == set(get_args(Answer))


def test_the_media_type_of_a_content_is_kept_though_it_does_not_count() -> None:
    assert notation.read(notation.written(CONTENT)).media_type == "text/plain"
