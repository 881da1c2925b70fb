"""Our own code with a fault put in: a named test has to notice. `make trust` does all of them."""

import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.trust.wrong import ROOT, Wrong, table

AT_LEAST = 40
SOME = 3


def test_every_wrong_version_has_its_place_and_its_test() -> None:
    every = table()
    assert len(every) >= AT_LEAST
    assert Counter(wrong.name for wrong in every).most_common(1)[0][1] == 1
    for wrong in every:
        assert wrong.applied() != (ROOT / wrong.path).read_text(encoding="utf-8"), wrong.name
        file, _, name = wrong.test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), wrong.name


def _some() -> list[Wrong]:
    """Others every day, the same all day long."""
    return random.Random(datetime.now(UTC).date().toordinal()).sample(table(), SOME)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("wrong", _some(), ids=lambda wrong: wrong.name)
def test_a_wrong_version_is_noticed(wrong: Wrong, tmp_path: Path) -> None:
    assert wrong.faults(tmp_path) == []
