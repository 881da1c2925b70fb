"""The judge of `bench/durability`: it catches a server that says what is not so, and blames no other."""

import random
import sys
from pathlib import Path

import pytest

from bench.durability.races import Ring
from bench.peers.running import running
from bench.peers.servers import SERVERS, Place, Server

ROUNDS = 5
PROCESSORS = "0-1023"
NOCLOBBER = next(one for one in SERVERS if one.name == "noclobber")


def _liar(place: Place) -> list[str]:
    return [
        sys.executable,
        str(Path(__file__).parent / "liar.py"),
        str(place.port),
        str(place.served),
    ]


LIAR = Server("liar", "no", "no", _liar)


def test_a_race_in_which_all_are_told_that_they_won_is_counted_with_what_is_gone(
    tmp_path: Path,
) -> None:
    with running(LIAR, tmp_path, PROCESSORS) as one:
        found = Ring(LIAR, one.place.port, random.Random(1)).plain(ROUNDS, at_once=3)
    assert (found.with_several, found.lost, found.settled) == (ROUNDS, 2 * ROUNDS, 0)


def test_a_condition_that_is_ignored_is_seen(tmp_path: Path) -> None:
    with running(LIAR, tmp_path, PROCESSORS) as one:
        assert not Ring(LIAR, one.place.port, random.Random(1)).conditions().is_free


@pytest.mark.parametrize("race", [Ring.plain, Ring.if_none_match, Ring.if_match])
def test_a_race_of_ours_has_one_winner_and_all_losers_settle_by_link(
    tmp_path: Path, race: object
) -> None:
    assert callable(race)
    with running(NOCLOBBER, tmp_path, PROCESSORS) as one:
        found = race(Ring(NOCLOBBER, one.place.port, random.Random(1)), ROUNDS, 3)
    assert (found.with_several, found.with_none, found.lost, found.mixed) == (0, 0, 0, 0)
    assert (found.refused, found.settled) == (2 * ROUNDS, 2 * ROUNDS)
