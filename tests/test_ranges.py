"""Range, by the table of RFC 9110 section 14."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.headers.ranges import Span, Unsatisfiable, Whole, parse_range

HUGE = "9" * 10_000

# fmt: off
RANGES: list[tuple[str, int, Whole | Unsatisfiable | list[Span]]] = [
    ("bytes=0-499", 10_000, [Span(0, 500)]), ("bytes=500-999", 10_000, [Span(500, 500)]), ("bytes=-500", 10_000, [Span(9500, 500)]),
    ("bytes=9500-", 10_000, [Span(9500, 500)]), ("bytes=0-0,-1", 10_000, [Span(0, 1), Span(9999, 1)]), ("bytes= 0-999, 4500-5499, -1000", 10_000, [Span(0, 1000), Span(4500, 1000), Span(9000, 1000)]),
    ("bytes=0-", 10, [Span(0, 10)]), ("bytes=0-9", 10, [Span(0, 10)]), ("bytes=0-10", 10, [Span(0, 10)]), ("BYTES=0-1", 10, [Span(0, 2)]), ("bytes=-20", 10, [Span(0, 10)]),
    ("bytes=9-9", 10, [Span(9, 1)]), (f"bytes=5-{HUGE}", 10, [Span(5, 5)]), (f"bytes=-{HUGE}", 10, [Span(0, 10)]), ("bytes=007-8", 10, [Span(7, 2)]),
    ("bytes=,0-1,,3-4,", 10, [Span(0, 2), Span(3, 2)]), ("bytes=5-6,0-1", 10, [Span(5, 2), Span(0, 2)]), ("bytes=0-1,50-60", 10, [Span(0, 2)]),
    ("bytes=10-", 10, Unsatisfiable()), ("bytes=10-20", 10, Unsatisfiable()), ("bytes=-0", 10, Unsatisfiable()), (f"bytes={HUGE}-", 10, Unsatisfiable()), ("bytes=10-,20-30", 10, Unsatisfiable()),
    ("bytes=0-", 0, Unsatisfiable()), ("bytes=0-0", 0, Unsatisfiable()), ("bytes=-0", 0, Unsatisfiable()), ("bytes=-5", 0, Whole()),
    ("items=0-1", 10, Whole()), ("bytes", 10, Whole()), ("bytes=", 10, Whole()), ("bytes=abc", 10, Whole()), ("bytes=-", 10, Whole()), ("bytes=1-0", 10, Whole()), ("bytes=0-1,x", 10, Whole()),
    ("bytes=0--1", 10, Whole()), ("bytes=+0-1", 10, Whole()), ("bytes=0-1;2", 10, Whole()), ("bytes=\u0660-\u0661", 10, Whole()), ("bytes=0x0-1", 10, Whole()), ("bytes=0 -1", 10, Whole()), ("", 10, Whole()),
    ("bytes=0-5,3-8", 10, Whole()), ("bytes=0-,0-,0-", 10, Whole()), ("bytes=" + ",".join(f"{at}-{at}" for at in range(0, 34, 2)), 100, Whole()),
]
# fmt: on


@pytest.mark.parametrize(("value", "size", "wanted"), RANGES)
def test_a_range_is_read_by_the_table(
    value: str, size: int, wanted: Whole | Unsatisfiable | list[Span]
) -> None:
    assert parse_range(value, size) == wanted


def test_sixteen_ranges_are_heeded() -> None:
    value = "bytes=" + ",".join(f"{at}-{at}" for at in range(0, 32, 2))
    assert parse_range(value, 100) == [Span(at, 1) for at in range(0, 32, 2)]


def test_a_span_says_where_it_lies() -> None:
    assert Span(500, 500).content_range(10_000) == "bytes 500-999/10000"


def test_ten_thousand_ranges_cost_nothing() -> None:
    began = time.perf_counter()
    assert parse_range("bytes=" + "0-," * 10_000, 10) == Whole()
    assert time.perf_counter() - began < 0.1


@given(st.text(alphabet="0123456789-, =bytes") | st.text(), st.integers(0, 100))
def test_spans_lie_within_the_file_and_cost_no_more_than_it(value: str, size: int) -> None:
    for text in (value, "bytes=" + value):
        found = parse_range(text, size)
        if isinstance(found, list):
            assert found
            assert all(0 <= one.start < one.start + one.length <= size for one in found)
            assert sum(one.length for one in found) <= size
