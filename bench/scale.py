"""A thousand files and a million: what the same question, change and start cost.

    make bench ARGS=scale
    .venv/bin/python bench/scale.py --files 1000000

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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.filling import BIG, big_name, fill, opened
from tests.questions import QUESTIONS, TIMES, WORKS, Filled
from tests.running import start
from tests.wire import Wire, ask, message, put

FEW = 1_000
MANY = 1_000_000
STARTS = 5
Timings = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the index at 1,000 files and at many.")
    parser.add_argument("--files", type=int, default=MANY)
    parser.add_argument("--data", type=Path, help="where to fill (default: a temporary folder)")
    arguments = parser.parse_args()
    with _folder(arguments.data) as folder:
        places = [folder / "few", folder / "many"]
        counts = [FEW, arguments.files]
        found = [asyncio.run(measure(*one)) for one in zip(places, counts, strict=True)]
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


async def measure(data: Path, count: int) -> Timings:
    await asyncio.to_thread(data.mkdir)
    index, blobs = await opened(data)
    began = time.perf_counter()
    await fill(index, count, lambda done: _tell(done, count))
    filled = time.perf_counter() - began
    store = Filled(index, count)
    found = {**await _questions(store), **await _works(store)}
    await index.close()
    await blobs.close()
    size = (data / "index.sqlite").stat().st_size
    return {**found, "index size, MB": size / 1e6, "filling it, s": filled}


def _tell(done: int, count: int) -> None:
    print(f"\r{done:,} of {count:,} files", end="\n" if done >= count else "", file=sys.stderr)


async def _questions(store: Filled) -> Timings:
    found: Timings = {}
    for question in QUESTIONS:
        times = [
            await store.index.read(
                lambda view, ask=question: _timed(lambda: ask(store, view))  # type: ignore[misc]
            )
            for _ in range(TIMES)
        ]
        found[_name(question)] = statistics.median(times)
    return found


async def _works(store: Filled) -> Timings:
    """In the turn alone; the commit with its sync costs what the disk takes."""
    found: Timings = {}
    for work in WORKS:
        times = [
            await store.index.write(
                lambda turn, work=work, number=number: _timed(  # type: ignore[misc]
                    lambda: work(store, turn, number)
                )
            )
            for number in range(TIMES)
        ]
        found[_name(work)] = statistics.median(times)
    return found


def _name(asked: Callable[..., object]) -> str:
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
