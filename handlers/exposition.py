"""Counters and histograms, and how they are written: the Prometheus text format 0.0.4.

Knows numbers and labels only; what is measured stands in `metrics`.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Counter:
    """Only ever rises. One number per combination of label values."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    values: dict[tuple[str, ...], float] = field(default_factory=dict)

    def add(self, *values: str, amount: float = 1) -> None:
        self.values[values] = self.values.get(values, 0) + amount

    def lines(self) -> Iterator[str]:
        yield from _heading(self.name, "counter", self.meaning)
        if not self.labels:
            yield f"{self.name} {_number(self.values.get((), 0))}"
        for values, value in sorted(self.values.items() if self.labels else ()):
            pairs = zip(self.labels, values, strict=True)
            yield f"{self.name}{_labels(dict(pairs))} {_number(value)}"


@dataclass(slots=True)
class Histogram:
    """How often a number was at most each bound. `counts` has one place more: for above all."""

    name: str
    meaning: str
    bounds: Sequence[float]
    counts: list[int] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def lines(self) -> Iterator[str]:
        yield from _heading(self.name, "histogram", self.meaning)
        rising = list(accumulate(self.counts))
        for bound, count in zip((*self.bounds, math.inf), rising, strict=True):
            yield f"{self.name}_bucket{_labels({'le': _number(bound)})} {count}"
        yield f"{self.name}_sum {_number(self.total)}"
        yield f"{self.name}_count {rising[-1]}"


def gauge_lines(name: str, meaning: str, value: float) -> Iterator[str]:
    yield from _heading(name, "gauge", meaning)
    yield f"{name} {_number(value)}"


def _heading(name: str, kind: str, meaning: str) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
