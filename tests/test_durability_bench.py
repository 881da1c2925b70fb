"""The judge of `bench/durability`: it catches a server that says what is not so, and blames no other."""

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.durability import measure
from bench.durability.contestants import STORING
from bench.durability.endings import Kills, PowerCuts
from bench.durability.judging import Tally
from bench.durability.load import Heard, Upload
from bench.durability.races import Races, Ring
from bench.peers.running import running
from bench.peers.servers import Place, Server

ROUNDS = 3
PROCESSORS = "0-1023"
NOCLOBBER = next(one for one in STORING if one.name == "noclobber")
CUTS = PowerCuts("xfs", seconds=2.0, states=4, seed=1)
Raced = Callable[[Ring, int, int], Races]


def liar(name: str) -> Server:
    program = str(Path(__file__).parent / "liar.py")

    def command(place: Place) -> list[str]:
        return [sys.executable, program, str(place.port), str(place.served), name]

    return Server(name, "no", "no", command)


UNSYNCED, UNWRITTEN = liar("Unsynced"), liar("Unwritten")


def test_a_race_in_which_all_are_told_that_they_won_is_counted_with_what_is_gone(
    tmp_path: Path,
) -> None:
    with running(UNWRITTEN, tmp_path, PROCESSORS) as one:
        found = Ring(UNWRITTEN, one.place.port, random.Random(1)).plain(ROUNDS, 3)
    assert (found.with_several, found.lost, found.settled) == (ROUNDS, 2 * ROUNDS, 0)


def test_a_condition_that_is_ignored_is_seen(tmp_path: Path) -> None:
    with running(UNSYNCED, tmp_path, PROCESSORS) as one:
        assert not Ring(UNSYNCED, one.place.port, random.Random(1)).conditions().is_free


@pytest.mark.parametrize("race", [Ring.plain, Ring.if_none_match, Ring.if_match])
def test_a_race_of_ours_has_one_winner_and_all_losers_settle_by_link(
    tmp_path: Path, race: Raced
) -> None:
    with running(NOCLOBBER, tmp_path, PROCESSORS) as one:
        found = race(Ring(NOCLOBBER, one.place.port, random.Random(1)), ROUNDS, 3)
    assert (found.with_several, found.with_none, found.lost, found.mixed) == (0, 0, 0, 0)
    assert (found.refused, found.settled) == (2 * ROUNDS, 2 * ROUNDS)


def test_uploads_that_were_not_written_when_a_server_is_killed_are_lost(tmp_path: Path) -> None:
    found = Kills(1, 1, tmp_path).of(UNWRITTEN, PROCESSORS)
    assert found.lost == found.missing == found.checked > 0


def test_ours_loses_nothing_when_it_is_killed(tmp_path: Path) -> None:
    found = Kills(1, 1, tmp_path).of(NOCLOBBER, PROCESSORS)
    assert (found.lost, found.half, found.silent) == (0, 0, 0)
    assert found.checked > 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_uploads_that_were_not_synced_are_lost_in_a_power_cut() -> None:
    found = CUTS.of(UNSYNCED, PROCESSORS)
    assert 0 < found.lost < found.checked, "files of before are there"
    assert (found.states, found.silent, found.unreadable) == (4, 0, 0)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ours_loses_nothing_in_a_power_cut() -> None:
    found = CUTS.of(NOCLOBBER, PROCESSORS)
    assert (found.lost, found.half, found.silent, found.unreadable) == (0, 0, 0, 0)
    assert found.checked > 0


FIRST, SECOND, THIRD = (
    Upload("first", 1, Heard(2, 10.0)),
    Upload("second", 3, Heard(4, 20.0)),
    Upload("third", 5, None),
)


@pytest.mark.parametrize(
    ("entries", "there", "expected"),
    [
        (0, "anything", Tally(states=1)),
        (1, None, Tally(states=1)),
        (1, "first", Tally(states=1)),
        (1, "a part", Tally(states=1, half=1)),
        (2, "first", Tally(states=1, checked=1)),
        (2, None, Tally(states=1, checked=1, missing=1)),
        (3, "second", Tally(states=1, checked=1)),
        (3, None, Tally(states=1, checked=1, missing=1, gone=1)),
        (3, "a part", Tally(states=1, checked=1, altered=1, gone=1)),
        (4, "first", Tally(states=1, checked=1, older=1)),
        (5, "third", Tally(states=1, checked=1)),
    ],
)
def test_what_is_there_is_judged_by_what_was_told_by_then(
    entries: int, there: str | None, expected: Tally
) -> None:
    found = Tally()
    found.judge({"/a": [FIRST, SECOND, THIRD]}, entries, lambda _: there)
    assert found == expected


def test_what_was_told_longest_ago_of_what_is_lost_is_remembered() -> None:
    found = Tally()
    found.judge({"/a": [FIRST], "/b": [SECOND]}, 4, {"/b": "second"}.get)
    assert found.oldest == 10.0


def test_power_cuts_without_the_right_to_mount_are_refused_with_a_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit):
        measure.main(["--works", "cuts"])
    told = capsys.readouterr().err
    assert "need root, /dev/fuse and loop devices" in told
    assert "--works races,kills" in told
