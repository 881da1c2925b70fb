"""Are the numbers right, and does every Prometheus server understand how they are written?"""

import math
import re
from typing import NamedTuple

import pytest

from handlers.exposition import Counter, Histogram
from handlers.metrics import GAUGES, Metrics
from uploads.events import Collected, Committed, Degraded, Settled, Synced

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
HELP = re.compile(rf"# HELP ({NAME}) (.+)")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge|histogram)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")


class Sample(NamedTuple):
    name: str
    labels: dict[str, str]
    value: float


class Family(NamedTuple):
    kind: str
    samples: list[Sample]


def read_labels(text: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = LABEL.match(text, at)
        assert found, text
        assert found[1] not in labels
        labels[found[1]] = found[2]
        at = found.end()
    return labels


def read_exposition(text: str) -> dict[str, Family]:
    """Strict: one HELP, one TYPE, then the samples of that family and nothing else."""
    assert text.endswith("\n")
    assert "\r" not in text
    families: dict[str, Family] = {}
    lines = iter(text.removesuffix("\n").split("\n"))
    name, kind = "", ""
    for line in lines:
        if line.startswith("#"):
            described, typed = HELP.fullmatch(line), TYPE.fullmatch(next(lines))
            assert described, line
            assert typed, line
            name, kind = typed[1], typed[2]
            assert described[1] == name
            assert name not in families, f"{name} stands twice"
            families[name] = Family(kind, [])
            continue
        found = SAMPLE.fullmatch(line)
        assert found, line
        endings = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        assert found[1] in {name + ending for ending in endings}, line
        families[name].samples.append(
            Sample(found[1], read_labels(found[2] or ""), float(found[3]))
        )
    for family in families.values():
        check_histogram(family)
    return families


def check_histogram(family: Family) -> None:
    if family.kind != "histogram":
        assert len({tuple(sample.labels.items()) for sample in family.samples}) == len(
            family.samples
        )
        return
    buckets = [s for s in family.samples if s.name.endswith("_bucket")]
    bounds = [float(sample.labels["le"]) for sample in buckets]
    assert bounds == sorted(set(bounds))
    assert bounds[-1] == math.inf
    counts = [sample.value for sample in buckets]
    assert counts == sorted(counts)
    (total,) = (s.value for s in family.samples if s.name.endswith("_count"))
    assert counts[-1] == total


def value(metrics: Metrics, name: str, **labels: str) -> float:
    family = re.sub("_(bucket|sum|count)$", "", name)
    for sample in read_exposition(metrics.render())[family].samples:
        if sample.name == name and sample.labels == labels:
            return sample.value
    return 0


def test_a_server_that_has_done_nothing_already_has_well_formed_metrics() -> None:
    families = read_exposition(Metrics().render())
    assert families["noclobber_degraded"].samples[0].value == 0
    assert families["noclobber_received_bytes_total"].samples[0].value == 0
    assert families["process_resident_memory_bytes"].samples[0].value > 1 << 20
    assert families["process_open_fds"].samples[0].value > 2


def test_requests_are_counted_by_method_and_class_of_status() -> None:
    metrics = Metrics()
    for status in (200, 201, 409):
        metrics.count_request("PUT", status, 0.004)
    assert value(metrics, "noclobber_requests_total", method="PUT", status="2xx") == 2
    assert value(metrics, "noclobber_requests_total", method="PUT", status="4xx") == 1
    assert value(metrics, "noclobber_request_seconds_count") == 3
    assert value(metrics, "noclobber_request_seconds_bucket", le="0.001") == 0
    assert value(metrics, "noclobber_request_seconds_bucket", le="0.005") == 3
    assert value(metrics, "noclobber_request_seconds_sum") == pytest.approx(0.012)


def test_invented_methods_share_one_line() -> None:
    metrics = Metrics()
    for number in range(1000):
        metrics.count_request(f'X{number}"\n', 501, 0.0)
    assert value(metrics, "noclobber_requests_total", method="other", status="5xx") == 1000
    assert len(read_exposition(metrics.render())["noclobber_requests_total"].samples) == 1


@pytest.mark.parametrize(
    ("event", "kind", "outcome"),
    [
        (Settled("plain", "NameTaken", 5, early=True, parked=False), "name-taken", "early"),
        (Settled("plain", "NameTaken", 5, early=False, parked=True), "name-taken", "parked"),
        (
            Settled("form", "AlreadyStored", 5, early=False, parked=False),
            "already-stored",
            "refused",
        ),
        (Settled("plain", "Replace", 5, early=False, parked=False), "replace", "settled"),
        (Settled("resolution", "Create", 0, early=False, parked=False), "create", "settled"),
        (Settled("resolution", "Stale", 0, early=False, parked=False), "stale", "refused"),
    ],
)
def test_a_collision_is_counted_by_kind_door_and_outcome(
    event: Settled, kind: str, outcome: str
) -> None:
    metrics = Metrics()
    metrics.publish(event)
    labels = {"kind": kind, "door": event.door, "outcome": outcome}
    assert value(metrics, "noclobber_collisions_total", **labels) == 1
    assert len(read_exposition(metrics.render())["noclobber_collisions_total"].samples) == 1


def test_a_new_file_is_no_collision() -> None:
    metrics = Metrics()
    metrics.publish(Settled("plain", "Create", 5, early=False, parked=False))
    assert read_exposition(metrics.render())["noclobber_collisions_total"].samples == []
    assert value(metrics, "noclobber_uploads_total", door="plain", verdict="create") == 1


def test_bytes_are_counted_when_they_came_and_not_when_they_were_refused_before() -> None:
    metrics = Metrics()
    metrics.publish(Settled("plain", "NameTaken", 1000, early=True, parked=False))
    metrics.publish(Settled("plain", "NameTaken", 100, early=False, parked=True))
    metrics.publish(Settled("plain", "Create", 10, early=False, parked=False))
    assert value(metrics, "noclobber_received_bytes_total") == 110


def test_commits_and_syncs_have_their_times_and_batches() -> None:
    metrics = Metrics()
    metrics.publish(Committed(turns=3, seconds=0.004))
    metrics.publish(Committed(turns=999, seconds=60.0))
    metrics.publish(Synced(seconds=0.001))
    assert value(metrics, "noclobber_commit_turns_bucket", le="4") == 1
    assert value(metrics, "noclobber_commit_turns_sum") == 1002
    assert value(metrics, "noclobber_commit_seconds_bucket", le="10") == 1
    assert value(metrics, "noclobber_commit_seconds_bucket", le="+Inf") == 2
    assert value(metrics, "noclobber_sync_seconds_bucket", le="0.001") == 1


def test_degraded_rises_and_falls() -> None:
    metrics = Metrics()
    metrics.publish(Degraded("the disk answers with errors"))
    assert value(metrics, "noclobber_degraded") == 1
    metrics.publish(Degraded(None))
    assert value(metrics, "noclobber_degraded") == 0


def test_collected_garbage_is_counted_by_what_it_was() -> None:
    metrics = Metrics()
    metrics.publish(Collected(versions=3, uploads=2, contents=1, bytes=4096))
    assert value(metrics, "noclobber_collected_total", what="versions") == 3
    assert value(metrics, "noclobber_collected_total", what="contents") == 1
    assert value(metrics, "noclobber_collected_bytes_total") == 4096


def test_a_gauge_is_read_when_asked_for_and_left_out_when_it_has_nothing_to_say() -> None:
    metrics = Metrics()
    flying: list[float | None] = [7]
    metrics.measure("noclobber_uploads_in_flight", lambda: flying[0])
    assert value(metrics, "noclobber_uploads_in_flight") == 7
    flying[0] = None
    assert "noclobber_uploads_in_flight" not in read_exposition(metrics.render())


def test_a_gauge_that_nobody_documented_is_refused() -> None:
    with pytest.raises(ValueError, match="noclobber_surprise"):
        Metrics().measure("noclobber_surprise", lambda: 1)


def test_names_are_exactly_what_is_rendered() -> None:
    metrics = Metrics()
    for name in GAUGES:
        metrics.measure(name, lambda: 1)
    assert set(read_exposition(metrics.render())) == metrics.names()


def test_whatever_stands_in_a_label_is_escaped() -> None:
    counter = Counter("a_total", "Something.", ("what",))
    counter.add('back\\slash "quoted"\nnext', amount=1.5)
    families = read_exposition("\n".join(counter.lines()) + "\n")
    assert families["a_total"].samples[0].labels == {"what": r"back\\slash \"quoted\"\nnext"}
    assert families["a_total"].samples[0].value == 1.5


def test_a_value_on_a_bound_belongs_to_it() -> None:
    histogram = Histogram("h", "Something.", (1, 2))
    for seen in (1, 2, 3):
        histogram.observe(seen)
    assert histogram.counts == [1, 1, 1]
