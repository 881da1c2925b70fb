"""kill -9 before a call, a call that fails: what was acknowledged is there, and it goes on.

A sample of both; `make trust` does all of them.
"""

import errno
import random
from collections.abc import Iterator
from itertools import islice

import pytest

from tests.trust.disturbing import DEEPEST, Failing, Prepared
from tests.trust.spreading import SEED, all_of, in_memory

KILLS, FAILURES = 500, 300


@pytest.fixture(scope="module", name="prepared")
def _prepared() -> Iterator[Prepared]:
    with in_memory() as folder:
        yield Prepared.in_folder(folder)


@pytest.mark.timeout(300)
def test_after_kill_9_before_any_call_all_that_was_acknowledged_is_there(
    prepared: Prepared,
) -> None:
    chance = random.Random(SEED)
    cases = chance.sample(list(prepared.kills(chance)), KILLS)
    assert {len(case.again) for case in cases} == set(range(DEEPEST))
    assert {case.scenario for case in cases} == set(prepared.ledgers)
    assert [str(broken) for broken in all_of(cases, prepared.faults)] == []


@pytest.mark.timeout(300)
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
]


@pytest.mark.parametrize("failing", FOUND, ids=repr)
def test_what_was_found_once_stays_mended(prepared: Prepared, failing: Failing) -> None:
    assert prepared.faults(failing) == []
