"""For how long it is remembered that an upload was refused, and to whom."""

import pytest

from tests.trees import path
from uploads.access import ANONYMOUS, Principal
from uploads.refused import REMEMBERED, SECONDS, RefusedUploads

ANN = Principal("ann")
HERE = path("a/b.txt")


def test_a_refusal_is_remembered_once_for_its_principal_and_name_only() -> None:
    refused = RefusedUploads()
    refused.note(ANN, HERE)
    assert not refused.take(ANONYMOUS, HERE)
    assert not refused.take(ANN, path("a/c.txt"))
    assert refused.take(ANN, path("A/B.txt"))
    assert not refused.take(ANN, HERE)


def test_of_two_strangers_one_does_not_use_up_what_protects_from_the_other() -> None:
    refused = RefusedUploads()
    one, other = Principal(network="192.0.2.1"), Principal(network="192.0.2.2")
    refused.note(one, HERE)
    assert not refused.take(other, HERE)
    assert refused.take(one, HERE)


def test_after_a_while_it_is_forgotten() -> None:
    now = [0.0]
    refused = RefusedUploads(lambda: now[0])
    for waited, remembered in ((SECONDS - 1, True), (SECONDS, False)):
        refused.note(ANN, HERE)
        now[0] += waited
        assert refused.take(ANN, HERE) == remembered


def test_what_is_under_way_counts_as_refused_until_it_is_stored() -> None:
    now = [0.0]
    refused = RefusedUploads(lambda: now[0])
    with refused.until_stored(ANN, HERE):
        now[0] += 10 * SECONDS
        assert refused.take(ANN, HERE)
        assert not refused.take(ANN, HERE)
    with refused.until_stored(ANN, HERE):
        pass
    assert not refused.take(ANN, HERE)
    with pytest.raises(ValueError, match="cut off"), refused.until_stored(ANN, HERE):
        raise ValueError("cut off")
    now[0] += SECONDS - 1
    assert refused.take(ANN, HERE)


def test_of_many_the_oldest_are_forgotten() -> None:
    refused = RefusedUploads()
    for number in range(REMEMBERED + 1):
        refused.note(ANN, path(f"{number}"))
    assert not refused.take(ANN, path("0"))
    assert refused.take(ANN, path("1"))
    assert refused.take(ANN, path(f"{REMEMBERED}"))
