"""kill -9 before a call, a call that fails: what was acknowledged is there, and it goes on.

A sample of both; `make trust` does all of them.
"""

import errno
import random
from collections.abc import Iterator
from itertools import islice

import pytest

from tests.trust.disturbing import DEEPEST, HALF, Failing, Killed, Prepared
from tests.trust.spreading import SEED, all_of, in_memory

KILLS, FAILURES = 500, 300


@pytest.fixture(scope="module", name="prepared")
def _prepared() -> Iterator[Prepared]:
    with in_memory() as folder:
        yield Prepared.in_folder(folder)


@pytest.mark.timeout(1200)
def test_after_kill_9_before_any_call_all_that_was_acknowledged_is_there(
    prepared: Prepared,
) -> None:
    chance = random.Random(SEED)
    cases = chance.sample(list(prepared.kills(chance)), KILLS)
    assert {len(case.again) for case in cases} == set(range(DEEPEST))
    assert {case.scenario for case in cases} == set(prepared.ledgers)
    assert [str(broken) for broken in all_of(cases, prepared.faults)] == []


@pytest.mark.timeout(1200)
def test_whatever_call_fails_nothing_is_acknowledged_that_is_not_durable(
    prepared: Prepared,
) -> None:
    cases = list(islice(prepared.some_failures(random.Random(SEED)), FAILURES))
    assert [str(broken) for broken in all_of(cases, prepared.faults)] == []


FOUND = [
    # The bytes of a settled upload could not be removed, and its sender was told of a failure.
    Failing("finish", "unlink", 1, errno.EIO, lasts=True),
    # How much room there is could not be told, and the upload ended without words.
    Failing("create", "statfs", 1, errno.EIO),
    Failing("settle", "statfs", 1, errno.EIO, lasts=True),
    # Pieces that were to be joined could not be read, and the upload ended without words.
    Failing("number", "openat", 61, errno.ENOSPC, lasts=True),
    Failing("number", "pread64", 83, errno.EIO, lasts=True),
]


@pytest.mark.parametrize("failing", FOUND, ids=repr)
def test_what_was_found_once_stays_mended(prepared: Prepared, failing: Failing) -> None:
    assert prepared.faults(failing) == []


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_write_that_takes_half_is_gone_on_with(prepared: Prepared, number: int) -> None:
    assert prepared.faults(Failing("create", "write", number, HALF)) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["fsync", "fdatasync"])
def test_a_sync_that_failed_is_never_taken_for_done(prepared: Prepared, name: str) -> None:
    """What it should have written is gone at the next start."""
    syncs = prepared.calls["delete"][name]
    cases = [Failing("delete", name, number, errno.EIO) for number in range(1, syncs + 1)]
    assert [str(broken) for broken in all_of(cases, prepared.faults)] == []


@pytest.mark.timeout(300)
def test_killed_around_the_removal_of_bytes_it_leaves_no_row_without_them(
    prepared: Prepared,
) -> None:
    changes = prepared.changes["collect"]
    removals = [number for number, name in enumerate(changes, 1) if name == "unlinkat"]
    assert removals
    near = {number + more for number in removals for more in (1, 2, 4, 8)}
    cases = [Killed("collect", at) for at in sorted(near)]
    assert [str(broken) for broken in all_of(cases, prepared.faults)] == []
