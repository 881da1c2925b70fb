"""The long run: every method to its end, or for as long as there is. `make trust ARGS="--help"`.

What it finds, and how far it has come, goes to a report line by line: a run that was ended goes on
where it was, if it is given the same report. A seed says in which order cases come.
"""

import argparse
import contextlib
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.trust.cutting import Survey
from tests.trust.disturbing import Disturbance, Prepared
from tests.trust.filesystems import KINDS
from tests.trust.spreading import SEED, in_memory, spread
from tests.trust.tracks import Module, modules
from tests.trust.wrong import Wrong, table

TOLD_EVERY = 10.0
WRITTEN_EVERY = 60.0


@dataclass(frozen=True)
class Method:
    """`around` yields all cases, in an order by the seed, and what judges one."""

    name: str
    around: Callable[[int], contextlib.AbstractContextManager["Work"]]


@dataclass(frozen=True)
class Work:
    cases: list[Any]
    faults: Callable[[Any], list[str]]


@contextlib.contextmanager
def _kills(seed: int) -> Iterator[Work]:
    with in_memory() as folder:
        prepared = Prepared.in_folder(folder)
        chance = random.Random(seed)
        cases: list[Disturbance] = list(prepared.kills(chance))
        chance.shuffle(cases)
        yield Work(cases, prepared.faults)


@contextlib.contextmanager
def _failing_calls(seed: int) -> Iterator[Work]:
    with in_memory() as folder:
        prepared = Prepared.in_folder(folder)
        yield Work(list(prepared.some_failures(random.Random(seed))), prepared.faults)


@contextlib.contextmanager
def _power_cuts(seed: int) -> Iterator[Work]:
    """Each survey records anew, so that no two are of the same order of writes."""
    surveys = [Survey(kind, seed + number, 250) for number in range(70) for kind in KINDS]
    yield Work(surveys, Survey.faults)


@contextlib.contextmanager
def _wrong_versions(seed: int) -> Iterator[Work]:
    with in_memory() as folder:
        cases = table()
        random.Random(seed).shuffle(cases)

        def faults(wrong: Wrong) -> list[str]:
            return wrong.faults(folder)

        yield Work(cases, faults)


@contextlib.contextmanager
def _orders(seed: int) -> Iterator[Work]:
    cases = modules()
    random.Random(seed).shuffle(cases)
    yield Work(cases, Module.faults)


METHODS = {
    method.name: method
    for method in (
        Method("kills", _kills),
        Method("failing-calls", _failing_calls),
        Method("power-cuts", _power_cuts),
        Method("wrong-versions", _wrong_versions),
        Method("orders", _orders),
    )
}


class Report:
    def __init__(self, path: Path) -> None:
        self.path = path
        known = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self._lines = [json.loads(line) for line in known]

    def done(self, method: str, seed: int) -> int:
        """How many cases of this order are behind us."""
        told = (one for one in self._lines if (one["method"], one["seed"]) == (method, seed))
        return max((one["done"] for one in told), default=0)

    def tell(self, **line: object) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def run(method: Method, seed: int, until: float, report: Report) -> int:
    """How many cases broke something."""
    started, broke = time.monotonic(), 0
    done = before = report.done(method.name, seed)
    told, written = 0.0, started
    with method.around(seed) as work:
        total = len(work.cases)
        ended = spread(work.cases[before:], work.faults, until)
        for done, broken in enumerate(ended, before + 1):
            if broken is not None:
                broke += 1
                print(broken, flush=True)
                report.tell(method=method.name, seed=seed, done=before, broken=str(broken))
            if time.monotonic() - told > TOLD_EVERY:
                told = time.monotonic()
                print(f"{method.name}: {done:,} of {total:,}, {broke} broken", flush=True)
            if time.monotonic() - written > WRITTEN_EVERY:
                written = time.monotonic()
                report.tell(method=method.name, seed=seed, done=done)
    seconds = round(time.monotonic() - started)
    report.tell(
        method=method.name, seed=seed, done=done, total=total, broken_in_all=broke, seconds=seconds
    )
    print(f"{method.name}: {done:,} of {total:,}, {broke} broken, seed {seed}, {seconds} s")
    return broke


def main() -> int:
    reader = argparse.ArgumentParser(prog="make trust", description=__doc__)
    reader.add_argument(
        "methods", nargs="*", help=f"of {', '.join(METHODS)}; all, if none is named"
    )
    reader.add_argument("--seed", type=int, default=SEED)
    reader.add_argument(
        "--hours", type=float, default=8.0, help="in all; each method has its share"
    )
    reader.add_argument("--report", type=Path, default=Path("trust-report.jsonl"))
    asked = reader.parse_args()
    if unknown := set(asked.methods) - METHODS.keys():
        reader.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(METHODS)}")
    methods = [METHODS[name] for name in asked.methods or METHODS]
    share, report, broke = asked.hours * 3600 / len(methods), Report(asked.report), 0
    for method in methods:
        broke += run(method, asked.seed, time.monotonic() + share, report)
    print(f"report: {asked.report}")
    return 1 if broke else 0


if __name__ == "__main__":
    sys.exit(main())
