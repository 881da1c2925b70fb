"""The order of system calls of what was acknowledged: synced, linked, synced, synced, answered."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.running import Program, running
from tests.tracing import Call, read, traced
from tests.wire import Wire, ask, message, put, released_together

HEAD = b"\xff\xd8\xff\xe0"
LARGE = HEAD + bytes(1 << 20)
SMALL = HEAD + bytes(1000)
SYNCS = ("fsync", "fdatasync")
WRITES = ("write", "pwrite64", "writev")
CALLS = (*SYNCS, *WRITES, "linkat", "sendto", "sendmsg", "rename", "renameat", "unlinkat")

Step = Callable[[Call], bool]


@pytest.fixture(name="program")
def _program(tmp_path: Path) -> Iterator[Program]:
    with running(tmp_path / "data", env={"NOCLOBBER_LIMITS_FREE_SPACE": "0"}) as program:
        yield program


def sync_of_new_file(call: Call) -> bool:
    return call.name in SYNCS and "/blobs/#" in call.arguments


def write_of_new_file(call: Call) -> bool:
    return call.name in WRITES and "/blobs/#" in call.arguments


def link(call: Call) -> bool:
    return call.name == "linkat" and "/data/blobs/" in call.arguments


def sync_of_folder(call: Call) -> bool:
    is_fan = call.arguments.rpartition("/data/blobs/")[2].removesuffix(">")
    return call.name in SYNCS and len(is_fan) == 2


def write_of_log(call: Call) -> bool:
    return call.name in WRITES and "index.sqlite-wal>" in call.arguments


def sync_of_log(call: Call) -> bool:
    return call.name in SYNCS and "index.sqlite-wal>" in call.arguments


def answer(status: int) -> Step:
    def is_answer(call: Call) -> bool:
        to_socket = "<socket:" in call.arguments or "<TCP" in call.arguments
        return to_socket and f'"HTTP/1.1 {status} ' in call.arguments

    return is_answer


def only(calls: list[Call], step: Step) -> Call:
    found = [call for call in calls if step(call)]
    assert len(found) == 1, f"{step.__name__}: {found}"
    assert not found[0].result.startswith("-"), found
    return found[0]


def last(calls: list[Call], step: Step) -> Call:
    return [call for call in calls if step(call)][-1]


def assert_in_order(calls: list[Call]) -> None:
    """Each has returned before the next begins."""
    for before, after in pairwise(calls):
        assert before.ended < after.began, f"{after} began before {before} was done"


async def calls_of(program: Program, sent: bytes, status: int, trace: Path) -> list[Call]:
    with traced(program.pid, CALLS, trace):
        assert (await ask(program.port, sent)).status == status
    return read(trace)


async def test_a_large_upload_is_answered_when_file_folder_and_log_are_synced(
    program: Program, tmp_path: Path
) -> None:
    calls = await calls_of(program, put("/files/a.jpg", LARGE), 201, tmp_path / "trace")
    answered = only(calls, answer(201))
    before = [call for call in calls if call.began < answered.began]
    assert_in_order(
        [
            last(before, write_of_new_file),
            only(calls, sync_of_new_file),
            only(calls, link),
            only(calls, sync_of_folder),
            last(before, write_of_log),
            last(before, sync_of_log),
            answered,
        ]
    )


async def test_known_bytes_under_another_name_are_answered_when_their_folder_is_synced_again(
    program: Program, tmp_path: Path
) -> None:
    """Who linked them first may not have come to its sync yet."""
    assert (await ask(program.port, put("/files/a.jpg", LARGE))).status == 201
    second = put("/files/b.jpg", LARGE, {"Prefer": "same-content=link"})
    calls = await calls_of(program, second, 201, tmp_path / "trace")
    answered = only(calls, answer(201))
    before = [call for call in calls if call.began < answered.began]
    assert_in_order(
        [
            only(calls, sync_of_new_file),
            only(calls, sync_of_folder),
            last(before, write_of_log),
            last(before, sync_of_log),
            answered,
        ]
    )


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_change_of_the_index_alone_is_answered_when_the_log_is_synced(
    program: Program, tmp_path: Path, method: str
) -> None:
    sent, status = put("/files/a.jpg", SMALL), 201
    if method == "DELETE":
        assert (await ask(program.port, sent)).status == 201
        sent, status = message("DELETE", "/files/a.jpg"), 200
    calls = await calls_of(program, sent, status, tmp_path / "trace")
    answered = only(calls, answer(status))
    before = [call for call in calls if call.began < answered.began]
    assert_in_order([last(before, write_of_log), last(before, sync_of_log), answered])
    assert not any(link(call) or sync_of_new_file(call) for call in calls)


async def test_uploads_that_come_together_share_syncs(program: Program, tmp_path: Path) -> None:
    wires = await asyncio.gather(*(Wire.connect(program.port) for _ in range(32)))
    messages = [put(f"/files/{number}.jpg", SMALL + bytes([number])) for number in range(32)]
    slow = "inject=fdatasync:delay_enter=100000"
    with traced(program.pid, CALLS, tmp_path / "trace", "-e", slow):
        answers = await released_together(list(wires), messages)
    for wire in wires:
        await wire.close()

    assert {found.status for found in answers} == {201}
    calls = read(tmp_path / "trace")
    syncs = [call for call in calls if sync_of_log(call)]
    assert 1 <= len(syncs) <= 8
    for answered in (call for call in calls if answer(201)(call)):
        assert any(sync.ended < answered.began for sync in syncs)
