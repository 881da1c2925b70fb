"""Ten thousand files and ten million: what the same question, change and start cost.

    make bench ARGS=scale
    .venv/bin/python bench/scale.py --files 1000000      a tenth, in a tenth of the time

Prints a table in Markdown; docs/performance.md holds one. The folder is removed at the end.
"""

import argparse
import asyncio
import platform
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from storage.sqlite.turn import SqliteTurn
from tests.filling import BIG, big_name, fill, opened
from tests.questions import QUESTIONS, TIMES, WORKS, Filled, Question, Work
from tests.running import start
from tests.wire import Wire, ask, message, put
from uploads.ports import Turn

FEW = 10_000
MANY = 10_000_000
STARTS = 5
FILLING_KIB = 4 << 20
Timings = dict[str, float]
Timed = Callable[[Filled, int], Awaitable[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=f"Measure the index at {FEW:,} files and at many.")
    parser.add_argument("--files", type=int, default=MANY)
    parser.add_argument("--data", type=Path, help="where to fill (default: a temporary folder)")
    arguments = parser.parse_args()
    with _folder(arguments.data) as folder:
        places = [folder / "few", folder / "many"]
        counts = [FEW, arguments.files]
        found = asyncio.run(measure(dict(zip(places, counts, strict=True))))
        few, many = [
            {**index, **served} for index, served in zip(found, started(places), strict=True)
        ]
    show(few, many, arguments.files)


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="noclobber-scale-", dir=given))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


async def measure(places: dict[Path, int]) -> list[Timings]:
    """Each question and change by turns, so that what else the machine does meets both alike."""
    stores: list[Filled] = []
    found: list[Timings] = []
    async with AsyncExitStack() as closing:
        for data, count in places.items():
            store, spent = await _filled(data, count, closing)
            stores.append(store)
            found.append({"filling it, s": spent})
        for question in QUESTIONS:
            await _by_turns(stores, found, _name(question), partial(_time_question, question))
        for work in WORKS:
            await _by_turns(stores, found, _name(work), partial(_time_work, work))
    for data, one in zip(places, found, strict=True):
        one["index size, MB"] = (data / "index.sqlite").stat().st_size / 1e6
    return found


async def _filled(data: Path, count: int, closing: AsyncExitStack) -> tuple[Filled, float]:
    await asyncio.to_thread(data.mkdir)
    index, blobs = await opened(data)
    began = time.perf_counter()
    await index.write(_take_much_memory)
    await fill(index, count, lambda done: _tell(done, count))
    spent = time.perf_counter() - began
    await index.close()
    await blobs.close()
    index, blobs = await opened(data)
    closing.push_async_callback(blobs.close)
    closing.push_async_callback(index.close)
    return Filled(index, count), spent


def _take_much_memory(turn: Turn) -> None:
    """Of this connection, until it is closed: filling alone is not what is measured."""
    if not isinstance(turn, SqliteTurn):
        raise TypeError(turn)
    turn._connection.execute(f"PRAGMA cache_size = -{FILLING_KIB}")  # noqa: SLF001 - see above


def _tell(done: int, count: int) -> None:
    if done % (count // 100) == 0:
        print(f"\r{done:,} of {count:,} files", end="\n" if done >= count else "", file=sys.stderr)


async def _by_turns(stores: list[Filled], found: list[Timings], name: str, time_it: Timed) -> None:
    times: list[list[float]] = [[] for _ in stores]
    for number in range(TIMES):
        for store, of_one in zip(stores, times, strict=True):
            of_one.append(await time_it(store, number))
    for of_one, one in zip(times, found, strict=True):
        one[name] = statistics.median(of_one)


async def _time_question(question: Question, store: Filled, _: int) -> float:
    return await store.index.read(lambda view: _timed(lambda: question(store, view)))


async def _time_work(work: Work, store: Filled, number: int) -> float:
    """In the turn alone; the commit with its sync costs what the disk takes."""
    return await store.index.write(lambda turn: _timed(lambda: work(store, turn, number)))


def _name(asked: Question | Work) -> str:
    return f"{asked.__name__.replace('_', ' ')}, ms"


def _timed(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def started(places: list[Path]) -> list[Timings]:
    """The program itself, by turns: its starts after kill -9 under writes, and its answers."""
    rounds = [[_start(data, number) for data in places] for number in range(STARTS + 1)]
    # The first start was after an orderly end.
    by_place = zip(*rounds[1:], strict=True)
    return [
        {name: statistics.median(one[name] for one in times) for name in times[0]}
        for times in by_place
    ]


def _start(data: Path, number: int) -> Timings:
    began = time.perf_counter()
    program = start(data, env={"NOCLOBBER_LIMITS_FREE_SPACE": "0"})
    spent = (time.perf_counter() - began) * 1000
    try:
        return {**asyncio.run(_served(program.port, number)), "start after kill -9, ms": spent}
    finally:
        program.kill()


async def _served(port: int, number: int) -> Timings:
    head = b"\xff\xd8\xff\xe0"
    cases = {
        "PUT of a new file over HTTP, ms": [
            put(f"/files/big/put-{number}-{one}.jpg", head + f"{number} {one}".encode())
            for one in range(TIMES)
        ],
        "GET of a file over HTTP, ms": [
            message("GET", f"/files/{BIG}/{big_name(90 - one // 2)}") for one in range(TIMES)
        ],
        "first page of a folder over HTTP, ms": [
            message("GET", "/files/big/", b"", {"Accept": "application/json"}) for _ in range(TIMES)
        ],
    }
    found: Timings = {}
    wire = await Wire.connect(port)
    for name, messages in cases.items():
        times: list[float] = []
        for sent in messages:
            began = time.perf_counter()
            answer = await wire.ask(sent)
            times.append((time.perf_counter() - began) * 1000)
            if answer.status >= 300:
                raise RuntimeError(f"{sent[:80]!r}: {answer.status}")
        found[name] = statistics.median(times)
    await wire.close()
    await ask(port, put(f"/files/last-{number}.jpg", head + bytes(number)))
    return found


def show(few: Timings, many: Timings, count: int) -> None:
    processors = platform.processor() or platform.machine()
    print(
        f"{time.strftime('%Y-%m-%d')}, {platform.system()} on {processors},"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}; medians.\n"
    )
    print(f"| what | {FEW:,} files | {count:,} files | ratio |\n|---|---:|---:|---:|")
    for name, value in few.items():
        print(f"| {name} | {value:,.3g} | {many[name]:,.3g} | {many[name] / value:.2f} |")


if __name__ == "__main__":
    main()
