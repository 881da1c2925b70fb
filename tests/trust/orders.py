"""What must come before what, in the system calls of a whole run. Pure: a trace in, breaches out.

Bytes before names, names before rows, rows before answers; and rows before bytes go.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from tests.tracing import Call

WRITES = frozenset({"write", "pwrite64", "writev", "ftruncate"})
SYNCS = frozenset({"fsync", "fdatasync"})
CHANGING = frozenset(
    {"PUT", "POST", "DELETE", "PATCH", "MKCOL", "COPY", "MOVE", "PROPPATCH", "LOCK", "UNLOCK"}
)
OF_FILE = re.compile(r"(\d+)<(/[^>]*)>(\(deleted\))?")
OF_SOCKET = re.compile(r"(\d+<(?:socket|TCP)[^>]*>), ")
LINKED = re.compile(
    r'(?:"/proc/self/fd/(\d+)"|"([^"]*/arriving/[^"]*)"), \d+<(/[^>]*/blobs/[0-9a-f]{2})>'
)
REMOVED = re.compile(r'<(/[^>]*/blobs/[0-9a-f]{2})>, "([0-9a-f]{64})"')
# Frame header: page, then how many pages there are after a commit, else nothing.
FRAME = re.compile(r"[.]*, 24, ")
REQUEST = re.compile(r', "([A-Z]+) (/[^ "]*)')
ANSWER = re.compile(r'"HTTP/1\.1 (\d{3}.*)', re.DOTALL)
REPLAYED, STORED = "Idempotency-Replayed", "Content-Location"
ESCAPED = re.compile(r"\\([0-7]{1,3}|.)|(.)", re.DOTALL)
NAMED = {"n": 10, "t": 9, "r": 13, "v": 11, "f": 12, "a": 7, "b": 8}


@dataclass
class Request:
    method: str
    path: str
    heard: int


@dataclass
class Run:
    """`judged`: how many answers to changes, links and removals were."""

    breaches: list[str] = field(default_factory=list)
    judged: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("2xx", "link", "gone"), 0)
    )


# Is this the answer to a change, which must be on the disk before it is told?
IsOfChange = Callable[[Request, str], bool]


def is_of_change(request: Request, answer: str) -> bool:
    """Where nobody asks for what is there already, and nothing is said twice."""
    return request.method in CHANGING


def makes_anew(request: Request, answer: str) -> bool:
    """201 alone: what changed nothing may be answered otherwise without a commit. The last bytes
    of a form follow all that it has to say: it may be committed before they come.
    """
    made = answer.startswith("201") and REPLAYED not in answer
    return made and request.method in CHANGING - {"POST"}


def judged(calls: Iterable[Call], is_told: IsOfChange = is_of_change) -> Run:
    run = Run()
    ordered = sorted(calls, key=lambda call: call.began)
    run.breaches += [*_bytes_before_names(ordered, run)]
    run.breaches += [*_names_before_rows(ordered)]
    run.breaches += [*_rows_before_answers(ordered, run, is_told)]
    run.breaches += [*_rows_before_bytes_go(ordered, run)]
    return run


def _bytes_before_names(calls: list[Call], run: Run) -> Iterator[str]:
    paths: dict[str, str] = {}
    written: dict[str, int] = {}
    synced: dict[str, tuple[int, int]] = {}
    for call in calls:
        found = OF_FILE.match(call.arguments)
        if found and call.name in WRITES | SYNCS:
            paths[found[1]] = found[2]
            if call.name in WRITES:
                written[found[2]] = call.ended
            elif call.result == "0":
                synced[found[2]] = (call.began, call.ended)
        link = LINKED.search(call.arguments) if call.name == "linkat" else None
        if link:
            run.judged["link"] += 1
            path = link[2] or paths.get(link[1], "")
            began, ended = synced.get(path, (-1, -1))
            if not written.get(path, 0) <= began or not 0 <= ended <= call.began:
                yield f"linked before it was synced: {path}, {call}"


def _names_before_rows(calls: list[Call]) -> Iterator[str]:
    """A thread that links syncs the folder, then commits."""
    waiting: dict[tuple[str, str], Call] = {}
    for call in calls:
        if call.name == "linkat" and (link := LINKED.search(call.arguments)):
            waiting[call.thread, link[3]] = call
        elif call.name in SYNCS and call.result == "0" and (file := OF_FILE.match(call.arguments)):
            waiting.pop((call.thread, file[2]), None)
        elif _is_commit(call):
            for thread, folder in list(waiting):
                if thread == call.thread:
                    yield f"committed before {folder} was synced: {waiting.pop((thread, folder))}"


def _rows_before_answers(calls: list[Call], run: Run, is_told: IsOfChange) -> Iterator[str]:
    asked: dict[str, Request] = {}
    commits = [call for call in calls if _is_commit(call)]
    synced = [call for call in calls if call.name in SYNCS and call.result == "0"]
    of_log = [call for call in synced if "index.sqlite-wal>" in call.arguments]
    for call in calls:
        socket = OF_SOCKET.match(call.arguments)
        if socket is None:
            continue
        if call.name.startswith("recv") and not call.result.startswith(("-", "0")):
            request = REQUEST.search(call.arguments)
            if request:
                asked[socket[1]] = Request(request[1], request[2], call.ended)
            elif socket[1] in asked:
                asked[socket[1]].heard = call.ended
        answer = ANSWER.search(call.arguments) if call.name.startswith("send") else None
        if answer and socket[1] in asked and answer[1].startswith("2"):
            request_ = asked[socket[1]]
            if is_told(request_, answer[1]):
                run.judged["2xx"] += 1
                # What changes once it has been heard is committed, and synced, by now.
                first = _first_after(request_.heard, commits) or call
                sync = _first_after(first.ended, of_log)
                if sync is None or sync.ended >= call.began:
                    yield f"answered before it was committed: {request_}, {call}"
            # A whole one is judged as a file: its bytes before its name, or within its row.
            if request_.method == "PATCH" and STORED not in answer[1]:
                yield from _unanswerable_piece(calls, request_, call)


def _first_after(end: int, calls: list[Call]) -> Call | None:
    """One thread makes them all, so the first that begins is the first that ends."""
    at = bisect_right(calls, end, key=lambda call: call.began)
    return calls[at] if at < len(calls) else None


def _unanswerable_piece(calls: list[Call], request: Request, answer: Call) -> Iterator[str]:
    place = f"/arriving/{request.path.rpartition('/')[2]}>"
    pieces = [one for one in calls if one.ended < answer.began and place in one.arguments]
    written = [one for one in pieces if one.name in WRITES]
    kept = [one for one in pieces if one.name in SYNCS]
    if written and not any(one.began > written[-1].ended for one in kept):
        yield f"answered before its piece was synced: {request}, {answer}"


def _rows_before_bytes_go(calls: list[Call], run: Run) -> Iterator[str]:
    committed: Call | None = None
    for call in calls:
        if _is_commit(call):
            committed = call
        elif call.name in SYNCS and "index.sqlite-wal>" in call.arguments and call.result == "0":
            committed = None
        elif call.name == "unlinkat" and REMOVED.search(call.arguments):
            run.judged["gone"] += 1
            if committed is not None:
                yield f"removed before it was forgotten for good: {call}"


def _is_commit(call: Call) -> bool:
    if call.name != "pwrite64":
        return False
    path, _, rest = call.arguments.partition(', "')
    data, _, more = rest.rpartition('"')
    is_frame = path.endswith("index.sqlite-wal>") and FRAME.match(more)
    return bool(is_frame) and any(_unescaped(data)[4:8])


def _unescaped(text: str) -> bytes:
    return bytes(
        (int(code, 8) if code[0] in "01234567" else NAMED.get(code, ord(code)))
        if code
        else ord(plain)
        for code, plain in ESCAPED.findall(text)
    )
