"""The power goes at any moment, on ext4, XFS and btrfs: what was acknowledged is there.

A sample of the states that such a disk can be left in; `make trust` does all of them.
"""

import pytest

from storage.disk import posix
from storage.sqlite import connecting
from tests.trust.cutting import Survey
from tests.trust.spreading import SEED, all_of

STATES = {"ext4": 400, "xfs": 300, "btrfs": 300}


@pytest.mark.timeout(1800)
def test_after_a_power_cut_at_any_moment_all_that_was_acknowledged_is_there() -> None:
    surveys = [Survey(kind, SEED, states) for kind, states in STATES.items()]
    assert [str(broken) for broken in all_of(surveys, Survey.faults)] == []


@pytest.mark.timeout(300)
def test_the_harness_sees_files_that_are_not_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A harness that finds nothing is only worth something if there is nothing to find."""
    monkeypatch.setattr(posix, "sync", lambda _: None)
    assert any("damaged" in fault for fault in Survey("ext4", SEED, 15).faults())


@pytest.mark.timeout(300)
def test_the_harness_sees_commits_that_are_not_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connecting.WRITER, "synchronous", "off")
    # Where not even the first commit is left, no index is begun anew over the bytes.
    seen = ("was told", "does not start again")
    faults = Survey("ext4", SEED, 15).faults()
    assert any(word in fault for fault in faults for word in seen)
