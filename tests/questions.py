"""What is asked of an index day by day, and the claims and changes: to be counted or timed.

Each is for an index that `filling` has filled, of whatever size.
"""

from collections.abc import Callable
from dataclasses import dataclass

from storage.cursors import Cursor
from storage.disk.staging import StagedBytes
from storage.memory.shelves import MemoryAccounts
from storage.sqlite.index import SqliteIndex
from tests.filling import BIG, BUSY, SECRET, STAMP, TWIN, big_name, staged
from uploads.access import ANONYMOUS, ANONYMOUS_NAME, Access, Grant, Right
from uploads.collisions import Create, FileHere, NameTaken, Replace
from uploads.conditions import Condition, Tags
from uploads.files import Listing
from uploads.names import Path
from uploads.policy import Policies, Policy
from uploads.ports import Turn, View
from uploads.rules import Limits, Rules
from uploads.settling import Arrival, Outcome, Settling

# Works are numbered below this, so that each can be done so often.
TIMES = 30
PAGE = 50

EVERYBODY = Grant(Path(()), frozenset({ANONYMOUS_NAME}), frozenset(Right))
ANN_ALONE = Grant(SECRET, frozenset({"user:ann"}), frozenset(Right))
ACCESS = Access([EVERYBODY, ANN_ALONE])
RULES = Rules(ACCESS, Policies(Policy(), {}), Limits(), MemoryAccounts({}, {}, {}))


@dataclass(frozen=True)
class Filled:
    index: SqliteIndex
    count: int

    @property
    def in_big(self) -> int:
        return self.count // 10


Question = Callable[[Filled, View], None]
Work = Callable[[Filled, Turn, int], None]


def settled(turn: Turn, path: Path, held: StagedBytes, *, replace: bool = False) -> Outcome:
    condition = Condition(if_match=Tags(any=True)) if replace else Condition()
    arrival = Arrival("plain", path, ANONYMOUS, condition)
    return Settling(RULES).settle(turn, arrival, held, STAMP.at)


def claim_of_a_new_content(_: Filled, turn: Turn, number: int) -> None:
    outcome = settled(turn, BIG.child(f"new-{number}.jpg"), staged(f"new {number}"))
    assert isinstance(outcome.verdict, Create)


def claim_of_a_content_that_ten_thousand_others_hold(_: Filled, turn: Turn, number: int) -> None:
    path = BIG.child(f"twin-{number}.jpg")
    outcome = settled(turn, path, TWIN)
    assert isinstance(outcome.verdict, Create)
    # Out of sight again, or the next would collide with it.
    turn.delete(path, STAMP)


def claim_of_a_taken_name(store: Filled, turn: Turn, number: int) -> None:
    taken = BIG.child(big_name(store.in_big - 1))
    outcome = settled(turn, taken, staged(f"other {number}"))
    assert isinstance(outcome.verdict, NameTaken)
    assert outcome.parked


def replacement(_: Filled, turn: Turn, number: int) -> None:
    outcome = settled(turn, BUSY, staged(f"one more {number}"), replace=True)
    assert isinstance(outcome.verdict, Replace)


def restoration(_: Filled, turn: Turn, number: int) -> None:
    earlier = turn.history(BUSY, None, 3)[-1]
    restored = turn.restore(BUSY, earlier.number, STAMP)
    assert restored.version.number > earlier.number


def deletion(_: Filled, turn: Turn, number: int) -> None:
    assert turn.delete(BIG.child(big_name(number)), STAMP)


def move(_: Filled, turn: Turn, number: int) -> None:
    target = BIG.child(f"moved-{number}.jpg")
    assert turn.move(BIG.child(big_name(TIMES + number)), target, STAMP).path == target


def lookup(store: Filled, view: View) -> None:
    assert isinstance(view.at(BIG.child(big_name(store.in_big - 1))), FileHere)


def first_page(_: Filled, view: View) -> None:
    assert len(view.page(BIG, Listing(limit=PAGE)).entries) == PAGE


def last_page(store: Filled, view: View) -> None:
    last = big_name(store.in_big - PAGE - 1)
    after = Cursor(is_folder=False, value=last, key=last).text(Listing())
    assert len(view.page(BIG, Listing(limit=PAGE, after=after)).entries) >= PAGE


def page_of_a_walk(store: Filled, view: View) -> None:
    after = BIG.child(big_name(store.in_big - PAGE))
    assert len(view.files_below(Path(()), after, 20)) == 20


def same_content_out_of_reach(_: Filled, view: View) -> None:
    reach = RULES.reach(ANONYMOUS)
    assert view.same_content(TWIN.content, reach, BIG.child("x.jpg")) is None


def same_content_in_reach(_: Filled, view: View) -> None:
    everywhere = Access([EVERYBODY]).reach(ANONYMOUS, Right.READ)
    assert view.same_content(TWIN.content, everywhere, BIG.child("x.jpg"))


def size_in_reach(_: Filled, view: View) -> None:
    everywhere = Access([EVERYBODY]).reach(ANONYMOUS, Right.READ)
    assert view.any_of_size(TWIN.content.size, everywhere)


def size_out_of_reach(_: Filled, view: View) -> None:
    assert not view.any_of_size(TWIN.content.size, RULES.reach(ANONYMOUS))


def history(_: Filled, view: View) -> None:
    assert len(view.history(BUSY, None, 10)) == 10


def page_of_changes(store: Filled, view: View) -> None:
    assert len(view.changes(store.count // 2, PAGE)) == PAGE
    assert view.span().last >= store.count


def usage(store: Filled, view: View) -> None:
    assert view.usage(STAMP.by).files >= store.count


QUESTIONS: list[Question] = [
    lookup,
    first_page,
    last_page,
    page_of_a_walk,
    same_content_out_of_reach,
    same_content_in_reach,
    size_in_reach,
    size_out_of_reach,
    history,
    page_of_changes,
    usage,
]
WORKS: list[Work] = [
    claim_of_a_new_content,
    claim_of_a_content_that_ten_thousand_others_hold,
    claim_of_a_taken_name,
    replacement,
    restoration,
    deletion,
    move,
]
