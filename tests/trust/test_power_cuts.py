"""The power goes at any moment, on ext4, XFS and btrfs: what was acknowledged is there.

A sample of the states that such a disk can be left in; `make trust` does all of them.
"""

import pytest

from tests.trust.cutting import Survey
from tests.trust.spreading import SEED, all_of

STATES = {"ext4": 400, "xfs": 300, "btrfs": 300}


@pytest.mark.timeout(600)
def test_after_a_power_cut_at_any_moment_all_that_was_acknowledged_is_there() -> None:
    surveys = [Survey(kind, SEED, states) for kind, states in STATES.items()]
    assert [str(broken) for broken in all_of(surveys, Survey.faults)] == []
