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


@given(
    st.lists(
        st.tuples(
            st.sampled_from(FOLDERS),
            st.sampled_from(["user:ann", "user:bob"]),
            st.sampled_from([Right.READ, Right.LIST]),
        )
    ),
    st.sampled_from([None, *FOLDERS]),
    st.sampled_from([ALL_RIGHTS, frozenset({Right.LIST})]),
)
def test_what_is_remembered_of_somebody_is_what_each_place_says(
    granted: list[tuple[str, str, Right]], scope: str | None, narrowed: frozenset[Right]
) -> None:
    access = Access([grant(*one) for one in granted])
    scoped = None if scope is None else Scope(path(scope), narrowed)
    asker = Principal(ANN.name, ANN.groups, scoped)
    named = {"", *(folder for folder, _, _ in granted)}

    def some(place: str) -> bool:
        return any(access.may(asker, right, path(place)) for right in Right)

    def within(folders: set[str], place: str) -> list[str]:
        return [each for each in folders if not place or f"{each}/".startswith(f"{place}/")]

    for place in (one for one in PLACES if one == one.casefold()):
        here, looks = path(place), (Right.LIST, Right.READ)
        for right in Right:
            everywhere = all(access.may(asker, right, path(each)) for each in within(named, place))
            expected = access.may(asker, right, here) and everywhere
            assert access.may_all_below(asker, right, here) == expected, (place, right)
        assert access.may_any(asker, here) == any(map(some, [place, *within(named, place)])), place
        doors = any(map(some, within({*named, *([] if scope is None else [scope])}, place)))
        looking = any(access.may(asker, right, here) for right in looks)
        assert access.may_see(asker, here) == (looking or doors), place
        lists = access.may(asker, Right.LIST, here)
        assert access.sight(asker).folder(here) == (lists or doors), place


def test_what_depends_on_all_grants_is_worked_out_once_for_each_asker() -> None:
    """Every request asks for it, and many changes of the feed for each of those that follow."""

    class Counted(Access):
        looked = 0

        def _ruling(self, folded: str) -> list[Grant]:
            self.looked += 1
            return super()._ruling(folded)

    access = Counted([grant("", "users"), *(grant(f"f{n}", "user:bob") for n in range(100))])

    def ask() -> int:
        access.looked = 0
        for right in Right:
            access.reach(ANN, right)
            access.may_all_below(ANN, right, path("x"))
        assert access.sight(ANN).folder(path("x"))
        assert access.may_any(ANN, path("x"))
        assert not access.may_see(ANN, path("f7"))
        return access.looked

    ask()
    assert ask() < 20
