"""If-Match, If-None-Match, their dated kin, If-Range and Prefer: the tables of RFC 9110 and 7240."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.headers import conditions
from handlers.headers.conditions import MalformedCondition
from uploads.conditions import Condition, Current, Tags

# What a header can be after aiohttp: UTF-8, and surrogates where it is none.
HEADERS = st.binary(max_size=60).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
TAGLIKE = st.text(alphabet='"W/*, \tab\\é\udcff', max_size=30)
NOW = '"12-9f86d081884c7d65"'

# fmt: off
LISTS: list[tuple[list[str], Tags | None]] = [
    ([], None),
    (["*"], Tags(any=True)), ([" * "], Tags(any=True)),
    (['"a"'], Tags(strong=frozenset({'"a"'}))), (['""'], Tags(strong=frozenset({'""'}))),
    (['W/"a"'], Tags(weak=frozenset({'"a"'}))), (['"*"'], Tags(strong=frozenset({'"*"'}))),
    (['"a", W/"b","c"'], Tags(strong=frozenset({'"a"', '"c"'}), weak=frozenset({'"b"'}))),
    (['"a"', 'W/"b"'], Tags(strong=frozenset({'"a"'}), weak=frozenset({'"b"'}))),
    ([',"a"'], Tags(strong=frozenset({'"a"'}))), ([' , ,"a",, \t,"b" , '], Tags(strong=frozenset({'"a"', '"b"'}))),
    (["", '"a"'], Tags(strong=frozenset({'"a"'}))),
    (['"a,b"'], Tags(strong=frozenset({'"a,b"'}))), (['"a\\"'], Tags(strong=frozenset({'"a\\"'}))),
    (['"é漢\udcff"'], Tags(strong=frozenset({'"é漢\udcff"'}))),
]
MALFORMED = [
    ["abc"], ['"a'], ['a"'], ['"a" "b"'], ['"a""b"'], ['w/"a"'], ['W/ "a"'], ["W/"], ['*, "a"'], ['"a", *'], ["*", "*"], ["*", '"a"'],
    ['"a b"'], ['"a\x7f"'], ['"a\x00"'], ["'a'"], ['"a", garbage'], ['"a";'], ["**"], ["\ud800"],
    # No tag at all: whoever sends that asked for protection, and would get none.
    [""], [" "], [","], ["", ""],
]
# fmt: on


@pytest.mark.parametrize(("lines", "tags"), LISTS)
def test_a_condition_is_read_by_its_grammar(lines: list[str], tags: Tags | None) -> None:
    assert conditions.condition(lines, []) == Condition(if_match=tags)
    assert conditions.condition([], lines) == Condition(if_none_match=tags)


@pytest.mark.parametrize("lines", MALFORMED)
def test_a_condition_that_cannot_be_read_is_never_ignored(lines: list[str]) -> None:
    with pytest.raises(MalformedCondition, match=r"^If-Match takes \* or ETags"):
        conditions.condition(lines, [])
    with pytest.raises(MalformedCondition, match=r"^If-None-Match takes \* or ETags") as caught:
        conditions.condition([], lines)
    str(caught.value).encode()


@given(st.lists(HEADERS | TAGLIKE, max_size=3))
def test_any_lines_are_a_condition_or_malformed(lines: list[str]) -> None:
    try:
        found = conditions.condition(lines, lines)
    except MalformedCondition as malformed:
        str(malformed).encode()
        return
    assert (found.if_match is None) is (lines == [])


# fmt: off
HOLDING: list[tuple[Tags | None, str | None, bool, bool]] = [
    # tags                                   current     If-Match  If-None-Match
    (None,                                   None,       True,     True),
    (None,                                   NOW,        True,     True),
    (Tags(any=True),                         None,       False,    True),
    (Tags(any=True),                         NOW,        True,     False),
    (Tags(strong=frozenset({NOW})),          NOW,        True,     False),
    (Tags(strong=frozenset({NOW})),          None,       False,    True),
    (Tags(strong=frozenset({'"other"'})),    NOW,        False,    True),
    (Tags(weak=frozenset({NOW})),            NOW,        False,    False),
    (Tags(strong=frozenset({NOW})),          "W/" + NOW, False,    False),
    (Tags(weak=frozenset({NOW})),            "W/" + NOW, False,    False),
    (Tags(),                                 NOW,        False,    True),
]
# fmt: on


@pytest.mark.parametrize(("tags", "current", "matches", "differs"), HOLDING)
def test_if_match_compares_strongly_and_if_none_match_weakly(
    tags: Tags | None, current: str | None, *, matches: bool, differs: bool
) -> None:
    assert Condition(if_match=tags).if_match_holds(current) is matches
    assert Condition(if_none_match=tags).if_none_match_holds(current) is differs


SECONDS = 784111777
DATES = [
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
]


@pytest.mark.parametrize("date", DATES)
def test_a_date_in_any_of_the_three_forms_compares_by_whole_seconds(date: str) -> None:
    assert conditions.modified_after(date, SECONDS - 1) is False
    assert conditions.modified_after(date, SECONDS + 0.9) is False
    assert conditions.modified_after(date, SECONDS + 1) is True


@pytest.mark.parametrize("date", DATES)
def test_if_unmodified_since_holds_to_the_second_and_where_no_tag_says_it_better(date: str) -> None:
    condition = conditions.condition([], [], date)

    assert condition == Condition(unmodified_since=SECONDS)
    assert condition.holds(Current(NOW, SECONDS + 0.9))
    assert not condition.holds(Current(NOW, SECONDS + 1))
    assert condition.holds(None)
    assert not condition.holds(Current())
    assert conditions.condition([NOW], [], date).holds(Current(NOW, SECONDS + 1))
    assert not conditions.condition([], ["*"], date).holds(Current(NOW, SECONDS))


def test_a_leap_second_is_a_date() -> None:
    assert conditions.modified_after("Sat, 31 Dec 2016 23:59:60 GMT", 1483228799) is False


def test_two_digits_of_a_year_mean_the_past_where_they_would_mean_a_far_future() -> None:
    assert conditions._whole_year(76, 2026) == 2076
    assert conditions._whole_year(77, 2026) == 1977


# fmt: off
NO_DATES = [
    None, "", "yesterday", "784111777", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 +0000", "sun, 06 nov 1994 08:49:37 gmt", "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun, 30 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 0000 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Xyz 1994 08:49:37 GMT",
    "Sun, ٠٦ Nov 1994 08:49:37 GMT", DATES[0] + ", " + DATES[0],
]
# fmt: on


@pytest.mark.parametrize("date", NO_DATES)
def test_what_is_no_date_is_ignored(date: str | None) -> None:
    assert conditions.modified_after(date, SECONDS) is None
    assert conditions.condition([], [], date).unmodified_since is None


@given(HEADERS | st.from_regex(r"[SM][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"))
def test_any_text_is_a_date_or_ignored(text: str) -> None:
    assert conditions.modified_after(text, 0) in {True, False, None}


def test_if_range_holds_for_the_strong_tag_alone() -> None:
    assert conditions.if_range_holds(NOW, NOW)
    for value in ("W/" + NOW, '"other"', "", "*", f'{NOW}, "b"', DATES[0], NOW.strip('"')):
        assert not conditions.if_range_holds(value, NOW), value
    assert not conditions.if_range_holds("W/" + NOW, "W/" + NOW)


# fmt: off
PREFERENCES: list[tuple[list[str], dict[str, str]]] = [
    ([], {}), ([""], {}), (["return=minimal"], {"return": "minimal"}), (["Return = Minimal"], {"return": "Minimal"}),
    (['return="representation"; foo="a, b"; q=1, wait=10'], {"return": "representation", "wait": "10"}),
    (["same-content=link", "same-name=version, same-file=accept"], {"same-content": "link", "same-name": "version", "same-file": "accept"}),
    (["return=minimal, return=representation"], {"return": "minimal"}), (["respond-async"], {"respond-async": ""}), (["foo="], {"foo": ""}),
    (['foo=""'], {"foo": ""}), (['foo="a,b;c"'], {"foo": "a,b;c"}), (["=x, @, é, ,same-name=rename"], {"same-name": "rename"}),
]
# fmt: on


@pytest.mark.parametrize(("lines", "found"), PREFERENCES)
def test_preferences_are_read_and_what_cannot_be_read_is_ignored(
    lines: list[str], found: dict[str, str]
) -> None:
    assert conditions.preferences(lines) == found


@given(st.lists(HEADERS | st.text(alphabet='a=",;\\ '), max_size=3))
def test_any_text_has_preferences(lines: list[str]) -> None:
    conditions.preferences(lines)


def test_only_the_identity_is_no_encoding() -> None:
    for lines in ([], [""], ["identity"], [" Identity , identity"]):
        assert conditions.is_identity(lines), lines
    for lines in (["gzip"], ["identity, gzip"], ["identity", "br"], ["x"]):
        assert not conditions.is_identity(lines), lines
