"""The examples of the documents, run in their order as a reader would, their answers compared.

`...` in a document stands for what is different each time, or too long to be shown.
"""

import re
from pathlib import Path

import pytest

from tests.transcripts import blocks, printed, steps


def fits(answer: str, shown: str) -> bool:
    pattern = ".*".join(map(re.escape, shown.rstrip("\n").split("...")))
    return re.fullmatch(pattern, answer.rstrip("\n"), re.DOTALL) is not None


def test_an_ellipsis_stands_for_what_is_left_out_and_nothing_else_does() -> None:
    assert fits('{"a": 1, "b": 2}\n', '{"a": 1, ...}\n')
    assert not fits('{"a": 2, "b": 2}\n', '{"a": 1, ...}\n')
    assert not fits("said something\n", "")


@pytest.mark.parametrize("document", ["docs/http-api.md", "docs/scripts.md"])
def test_every_example_prints_what_is_shown(document: str, tmp_path: Path) -> None:
    expected = [step for block in blocks(document) for step in steps(block)]
    assert len(expected) >= 10

    answers = printed([command for command, _ in expected], tmp_path, "127.0.0.1:8080")

    for (command, shown), answer in zip(expected, answers, strict=True):
        assert fits(answer, shown), f"$ {command}\n{answer}"
