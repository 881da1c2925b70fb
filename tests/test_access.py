"""Rights per folder: who may what where, and the reach that the index searches in."""

from hypothesis import given
from hypothesis import strategies as st

from uploads.access import ALL_RIGHTS, ANONYMOUS, Access, Grant, Principal, Right, Scope
from uploads.names import Path

ANN = Principal("user:ann", frozenset({"user:ann", "users", "anonymous"}))
BOB = Principal("user:bob", frozenset({"user:bob", "users", "anonymous"}))


def grant(folder: str, who: str, *rights: Right) -> Grant:
    return Grant(path(folder), frozenset({who}), frozenset(rights) or ALL_RIGHTS)


def path(text: str) -> Path:
    return Path(tuple(part for part in text.split("/") if part))


def test_without_a_grant_nobody_may_anything() -> None:
    access = Access([])

    assert not any(access.may(ANN, right, path("a")) for right in Right)


def test_a_folder_with_grants_of_its_own_is_ruled_by_those_alone() -> None:
    access = Access([grant("", "users"), grant("private", "user:ann", Right.READ)])

    assert access.may(BOB, Right.READ, path("other/x"))
    assert not access.may(BOB, Right.READ, path("private/x"))
    assert access.may(ANN, Right.READ, path("private/x"))
    assert not access.may(ANN, Right.CREATE, path("private/x"))


def test_what_anonymous_may_do_everybody_may_signed_in_or_not() -> None:
    access = Access([grant("", "users"), grant("inbox", "anonymous", Right.CREATE)])

    assert access.may(ANONYMOUS, Right.CREATE, path("inbox/x"))
    assert access.may(BOB, Right.CREATE, path("inbox/x"))
    assert not access.may(BOB, Right.READ, path("inbox/x"))


def test_another_spelling_of_a_folder_is_the_same_folder() -> None:
    access = Access([grant("", "users"), grant("Private", "user:ann")])

    assert not access.may(BOB, Right.READ, path("pRIVATE/x"))


def test_a_name_that_merely_begins_like_a_folder_is_not_in_it() -> None:
    access = Access([grant("", "users"), grant("private", "user:ann")])

    assert access.may(BOB, Right.READ, path("private-not/x"))
    assert access.may(BOB, Right.READ, path("private0"))


def test_a_token_never_reaches_beyond_its_scope() -> None:
    access = Access([grant("", "users")])
    scope = Scope(path("inbox"), frozenset({Right.CREATE}))
    token = Principal("user:ann", ANN.groups, scope)

    assert access.may(token, Right.CREATE, path("inbox/x"))
    assert not access.may(token, Right.READ, path("inbox/x"))
    assert not access.may(token, Right.CREATE, path("inboxes/x"))
    assert not access.may(token, Right.CREATE, path("x"))


def test_what_takes_a_whole_folder_needs_the_right_in_every_part_of_it() -> None:
    access = Access([grant("", "users"), grant("team/secret", "user:ann")])

    assert access.may_all_below(ANN, Right.DELETE, path("team"))
    assert not access.may_all_below(BOB, Right.DELETE, path("team"))
    assert access.may_any(BOB, path("team"))
    assert not access.may_any(BOB, path("team/secret"))


FOLDERS = ["", "a", "a/b", "a-", "a0", "b", "a/b/c", "b/a", "aa"]
PLACES = [*FOLDERS, "a/x", "a/b/x", "a-/x", "a!/x", "b/a/x", "zz/x", "a/b!", "A/B/x"]


@given(
    st.lists(st.tuples(st.sampled_from(FOLDERS), st.sampled_from(["user:ann", "user:bob"]))),
    st.sampled_from([None, *FOLDERS]),
)
def test_the_reach_holds_exactly_the_places_where_the_right_is_held(
    granted: list[tuple[str, str]], scope: str | None
) -> None:
    access = Access([grant(folder, who, Right.READ) for folder, who in granted])
    narrowed = None if scope is None else Scope(path(scope), ALL_RIGHTS)
    asker = Principal(ANN.name, ANN.groups, narrowed)

    reach = access.reach(asker, Right.READ)

    for place in map(path, PLACES):
        assert reach.holds(place.folded) == access.may(asker, Right.READ, place), place
