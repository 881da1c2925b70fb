"""The If header: how it is read, and that it holds exactly when a plain model says so."""

import contextlib
from dataclasses import dataclass
from pathlib import Path as DiskPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.headers.conditions import MalformedCondition
from handlers.webdav import if_header
from storage.memory.shelves import MemoryAccounts, MemoryBlobs, MemoryIndex
from tests.filling import opened
from tests.test_scale import counted
from tests.trees import POLICIES, path, store
from uploads.access import ALL_RIGHTS, ANONYMOUS, ANONYMOUS_NAME, Access, Grant
from uploads.failures import Locked, MalformedRequest
from uploads.guarding import Guard
from uploads.locks import Lock, State, States, Submitted
from uploads.names import Path
from uploads.ports import Turn
from uploads.rules import Limits, Rules

HERE = path("here")
T1, T2 = "urn:uuid:1", "DAV:no-lock"


def place(url: str) -> Path | None:
    return path(url.removeprefix("/dav/")) if url.startswith("/dav/") else None


@pytest.mark.parametrize(
    ("value", "lists"),
    [
        (f"(<{T1}>)", [(HERE, [(T1, False, False)])]),
        (f'(<{T1}> ["e"])', [(HERE, [(T1, False, False), ('"e"', True, False)])]),
        (
            f'(Not <{T2}>)(NOT [W/"e"])',
            [(HERE, [(T2, False, True)]), (HERE, [('W/"e"', True, True)])],
        ),
        (
            f'</dav/a> (<{T1}>) (["e"]) <http://x/b>\t(Not <{T1}>)',
            [
                (path("a"), [(T1, False, False)]),
                (path("a"), [('"e"', True, False)]),
                (None, [(T1, False, True)]),
            ],
        ),
        ('(["a) ] ("])', [(HERE, [('"a) ] ("', True, False)])]),
    ],
)
def test_lists_are_read_as_they_are_written(
    value: str, lists: list[tuple[Path | None, list[tuple[str, bool, bool]]]]
) -> None:
    expected = Submitted(
        tuple(States(one, tuple(State(*state) for state in states)) for one, states in lists)
    )
    assert if_header.submitted(value, HERE, place) == expected


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "()", "(", ")", "<a>", "<a> <b> (<c>)", "(<a>", "(<a>))", "(Not)", "(Not Not <a>)"),
        *('("e")', "(e)", "([e])", "(<a>) x", "(<a b>)", "(<a>) </dav/a> (<b>)", "(Notx <a>)"),
        "(<a>)" * 1001,
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_never_ignored(value: str) -> None:
    with pytest.raises(MalformedCondition):
        if_header.submitted(value, HERE, place)


@given(st.text(alphabet='()<>[]"NotW/ a-', max_size=30))
def test_no_text_makes_it_fail_otherwise(value: str) -> None:
    with contextlib.suppress(MalformedCondition):
        assert if_header.submitted(value, HERE, place).lists


def test_the_other_headers_take_what_the_standard_says() -> None:
    assert if_header.depth(None, "0", "infinity") == "infinity"
    assert if_header.depth("Infinity", "0", "infinity") == "infinity"
    assert if_header.overwrite(None)
    assert not if_header.overwrite(" f")
    assert if_header.timeout("Infinite, Second-4100000000") == 4100000000.0
    assert if_header.timeout("Infinite") is if_header.timeout("Second-") is None
    assert if_header.lock_token(" <urn:uuid:1> ") == "urn:uuid:1"
    for wrong in (lambda: if_header.depth("2", "0"), lambda: if_header.overwrite("x")):
        with pytest.raises(MalformedRequest):
            wrong()


PLACES = ("", "a", "a/b", "a/b/c", "d", "nowhere")
ETAGS = ('"gone"', "current")
TOKENS = ("urn:uuid:1", "urn:uuid:2", "DAV:no-lock")


@dataclass(frozen=True)
class Wish:
    """A lock to be put there, whoever may want it."""

    token: str
    place: str
    deep: bool
    mine: bool
    live: bool

    def covers(self, other: str) -> bool:
        within = self.place in {"", other} or other.startswith(self.place + "/")
        return self.live and within and (self.deep or other == self.place)


LOCKS = st.builds(
    Wish, st.sampled_from(TOKENS[:2]), st.sampled_from(PLACES[:5]),
    st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
STATES = st.builds(
    lambda text, negated: (text, negated), st.sampled_from(TOKENS + ETAGS), st.booleans()
)
LISTS = st.lists(
    st.tuples(st.sampled_from((*PLACES, None)), st.lists(STATES, min_size=1, max_size=3)),
    max_size=3,
)


def rules() -> Rules:
    grant = Grant(Path(()), frozenset({ANONYMOUS_NAME}), ALL_RIGHTS)
    return Rules(
        Access([grant]), POLICIES, Limits(), MemoryAccounts({}, {}, {}), clock=lambda: 10.0
    )


@settings(max_examples=300)
@given(st.lists(LOCKS, max_size=3, unique_by=lambda one: one.token), LISTS)
async def test_an_if_and_the_locks_judge_as_a_plain_model_does(
    locks: list[Wish],
    lists: list[tuple[str | None, list[tuple[str, bool]]]],
) -> None:
    index = MemoryIndex(POLICIES.keys, MemoryBlobs())

    def work(turn: Turn) -> None:
        etags = {name: store(turn, name).etag for name in ("a/b/c", "d")}
        for one in locks:
            by = "anonymous" if one.mine else "other"
            expires = 11.0 if one.live else 9.0
            turn.lock(Lock(one.token, path(one.place), by, True, one.deep, "", expires))  # noqa: FBT003

        def real(place: str | None, text: str) -> str:
            return etags.get(place or "", '"none"') if text == "current" else text

        submitted = Submitted(
            tuple(
                States(
                    None if place is None else path(place),
                    tuple(
                        State(real(place, text), text in ETAGS, negated) for text, negated in states
                    ),
                )
                for place, states in lists
            )
        )

        def true(place: str | None, text: str, *, negated: bool) -> bool:
            if place is None:
                has = False
            elif text in ETAGS:
                has = text == "current" and place in etags
            else:
                has = any(one.token == text and one.covers(place) for one in locks)
            return has != negated

        holds = not lists or any(
            all(true(place, text, negated=negated) for text, negated in states)
            for place, states in lists
        )
        guard = Guard(rules(), turn, ANONYMOUS, submitted)
        assert guard.holds() == holds

        shown = {text for _, states in lists for text, _ in states}

        def open_to_me(among: list[Wish]) -> bool:
            return not among or any(one.mine and one.token in shown for one in among)

        for place in ("a/b/c", "a", "d"):
            covering = [one for one in locks if one.covers(place)]
            assert _lets(guard, place, removes=False) == open_to_me(covering)
            parent = place.rpartition("/")[0]
            above = [one for one in locks if one.covers(parent)]
            inside = [one for one in locks if one.live and one.place.startswith(place + "/")]
            expected = all(map(open_to_me, (covering, above, *([one] for one in inside))))
            assert _lets(guard, place, removes=True) == expected
        for new, folder in (("a/new", "a"), ("x/y/z", "")):
            covering = [one for one in locks if one.covers(folder)]
            assert _lets(guard, new, removes=False) == open_to_me(covering)

    await index.write(work)


async def test_an_if_of_many_states_asks_no_more_of_the_index_than_one_of_one(
    tmp_path: DiskPath,
) -> None:
    place = path("/".join("abcdefgh"))
    index, blobs = await opened(tmp_path)

    def work(turn: Turn) -> None:
        turn.lock(Lock("urn:uuid:1", path("a"), "ann", True, True, "", 1e12))  # noqa: FBT003
        counts = []
        for number in (1, 300):
            states = [
                State(text, text.startswith('"'), False, since)  # noqa: FBT003
                for text, since in (("urn:uuid:2", None), ('"gone"', None), ("x", 10**6))
            ]
            submitted = Submitted(tuple(States(place, (one,)) for one in states * number))
            guard = Guard(rules(), turn, ANONYMOUS, submitted)
            counts.append(counted(turn, lambda guard=guard: not guard.holds()))  # type: ignore[misc]
        assert 0 < counts[1] <= counts[0]

    await index.write(work)
    await index.close()
    await blobs.close()


def _lets(guard: Guard, place: str, *, removes: bool) -> bool:
    try:
        (guard.check_removed if removes else guard.check_stored)(path(place))
    except Locked:
        return False
    return True
