"""Was there an order? Histories of requests on names, and the search for one that explains them.

A history is linearizable when each answered request can be given one moment between its sending
and its answer, so that one after the other they do what a single file would do. A request whose
answer never came may have happened at any time after its sending, or never. Names are independent
of each other, so each has a search of its own (after Wing and Gong, 1993, and Lowe, 2017).

`python -m tests.trust.histories FILE` judges a history that was kept.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeAlias

Kind = Literal["read", "create", "replace", "delete", "restore"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands at a name: the bytes, by digest, and the change that put them there.

    `change` is None where the answer that would have told it never came.
    """

    digest: str
    change: int | None

    @classmethod
    def told(cls, etag: str) -> "Standing":
        change, _, digest = etag.strip('"').partition("-")
        return cls(digest, int(change))

    def agrees(self, other: "Standing | None") -> bool:
        if other is None or self.digest != other.digest:
            return False
        return self.change == other.change or None in {self.change, other.change}


@dataclass(frozen=True, slots=True)
class Request:
    """One request and what came of it.

    `expects` is the condition that was sent (None: that nothing is there), `gives` the digest that
    it would put there. `done` is None when no answer came; `seen` is what the answer said stands
    there: after it where it was carried out, and instead of it where it was refused.
    """

    name: str
    kind: Kind
    sent: float
    answered: float | None
    expects: Standing | None
    gives: str | None
    done: bool | None
    seen: Standing | None


State: TypeAlias = Standing | None


def after(state: State, request: Request) -> tuple[bool, State]:
    """Could this request have happened here, and what stands there then?"""
    if request.kind == "read":
        return _same(request.seen, state), request.seen
    if request.done is None:
        gives = None if request.gives is None else Standing(request.gives, None)
        return _same(request.expects, state), gives
    if not request.done:
        rightly = not _same(request.expects, request.seen)
        return rightly and _same(request.seen, state), request.seen
    return _same(request.expects, state), request.seen


def _same(one: State, other: State) -> bool:
    return other is None if one is None else one.agrees(other)


def explained(requests: Iterable[Request]) -> bool:
    """Is there an order for these requests on one name?"""
    return _Search(list(requests)).run()


class _Search:
    """Depth first over a list of sendings and answers in time, from which an order is taken out.

    A position in the list is `2 * i` for the sending of request `i`, `2 * i + 1` for its answer.
    What was tried (which requests, leaving what) is remembered, so that no dead end is walked twice.
    """

    def __init__(self, requests: list[Request]) -> None:
        self._requests = requests
        moments = [(one.sent, 2 * i) for i, one in enumerate(requests)]
        moments += [
            (one.answered, 2 * i + 1) for i, one in enumerate(requests) if one.answered is not None
        ]
        order = [-1, *(position for _, position in sorted(moments)), -2]
        self._next = dict(pairwise(order))
        self._before = {later: earlier for earlier, later in pairwise(order)}
        self._unanswered = {2 * i for i, one in enumerate(requests) if one.answered is None}
        self._left = len(requests) - len(self._unanswered)

    def run(self) -> bool:
        state: State = None
        taken, tried = 0, set[tuple[int, State]]()
        path: list[tuple[int, State]] = []
        at = self._next[-1]
        while self._left:
            if at >= 0 and not at % 2:
                possible, then = after(state, self._requests[at // 2])
                now = (taken | 1 << (at // 2), then)
                if possible and now not in tried:
                    tried.add(now)
                    path.append((at, state))
                    taken, state = now
                    self._take(at)
                    at = self._next[-1]
                else:
                    at = self._next[at]
                continue
            if not path:
                return False
            at, state = path.pop()
            taken &= ~(1 << (at // 2))
            self._put_back(at)
            at = self._next[at]
        return True

    def _take(self, sending: int) -> None:
        for position in self._parts(sending):
            earlier, later = self._before[position], self._next[position]
            self._next[earlier], self._before[later] = later, earlier
        self._left -= sending not in self._unanswered

    def _put_back(self, sending: int) -> None:
        for position in reversed(self._parts(sending)):
            earlier, later = self._before[position], self._next[position]
            self._next[earlier] = self._before[later] = position
        self._left += sending not in self._unanswered

    def _parts(self, sending: int) -> tuple[int, ...]:
        return (sending,) if sending in self._unanswered else (sending, sending + 1)


def unexplained(history: Iterable[Request]) -> list[str]:
    """The names whose requests no order explains."""
    names: dict[str, list[Request]] = defaultdict(list)
    for request in history:
        names[request.name].append(request)
    return [name for name, requests in names.items() if not explained(requests)]


def out_of_order(history: Iterable[Request]) -> list[tuple[Request, Request]]:
    """Pairs of changes of which the later, sent after the earlier was answered, has the lower number.

    Over all names: the number of changes is one order for the whole store.
    """
    changes = [one for one in history if one.done and one.kind in {"create", "replace", "restore"}]
    wrong, highest = [], None
    answered = sorted(changes, key=_moment)
    waiting = 0
    for later in sorted(changes, key=lambda one: one.sent):
        while waiting < len(answered) and _moment(answered[waiting]) < later.sent:
            if highest is None or _number(answered[waiting]) > _number(highest):
                highest = answered[waiting]
            waiting += 1
        if highest is not None and _number(highest) > _number(later):
            wrong.append((highest, later))
    return wrong


def _moment(request: Request) -> float:
    assert request.answered is not None
    return request.answered


def _number(request: Request) -> int:
    assert request.seen is not None
    assert request.seen.change is not None
    return request.seen.change


def keep(history: Iterable[Request], file: Path) -> None:
    file.write_text("".join(json.dumps(asdict(request)) + "\n" for request in history))


def kept(file: Path) -> list[Request]:
    history = []
    for line in file.read_text().splitlines():
        members = json.loads(line)
        for standing in ("expects", "seen"):
            members[standing] = members[standing] and Standing(**members[standing])
        history.append(Request(**members))
    return history


if __name__ == "__main__":
    told = kept(Path(sys.argv[1]))
    names, pairs = unexplained(told), out_of_order(told)
    print(f"{len(told)} requests; {len(names)} names without an order, {len(pairs)} out of order")  # noqa: T201
    sys.exit(bool(names or pairs))
