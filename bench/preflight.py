"""A preflight of ten thousand items against a million files, beside PUTs one after the other.

    make bench ARGS=preflight
    .venv/bin/python bench/preflight.py --files 100000      a tenth, in a tenth of the time

Half of the items are new, a quarter stand there already, a quarter are of a content that is known.
Prints a table in Markdown; docs/performance.md holds one. The folder is removed at the end.
"""

import argparse
import asyncio
import json
import platform
import re
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.filling import BIG, big_name, fill, opened, shared
from tests.running import Program, start
from tests.wire import Wire, message, put

FILES = 1_000_000
ITEMS = 10_000

ENVIRONMENT = {"NOCLOBBER_LIMITS_FREE_SPACE": "0"}
HEAD = b"\xff\xd8\xff\xe0"


@dataclass(frozen=True)
class Found:
    """In milliseconds and MiB. `resident` is what the server held at most until then."""

    answer: float
    first: float
    median: float
    slowest: float
    puts: int
    resident: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure a preflight beside PUTs.")
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--data", type=Path, help="where to fill (default: a temporary folder)")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="noclobber-preflight-", dir=arguments.data))
    try:
        data = folder / "data"
        data.mkdir()
        asyncio.run(_filled(data, arguments.files))
        program = start(data, env=ENVIRONMENT)
        try:
            found = asyncio.run(_measured(program, arguments.files, arguments.items))
        finally:
            program.stop()
    finally:
        shutil.rmtree(folder)
    _show(found, arguments.files, arguments.items)


async def _filled(data: Path, count: int) -> None:
    index, blobs = await opened(data)
    await fill(index, count, lambda done: _tell(done, count))
    await index.close()
    await blobs.close()


def _tell(done: int, count: int) -> None:
    print(f"\r{done:,} of {count:,} files", end="\n" if done >= count else "", file=sys.stderr)


async def _measured(program: Program, files: int, items: int) -> dict[str, Found]:
    body = json.dumps({"items": _items(files, items)}).encode()
    reserving = json.dumps({"items": _items(files, items), "reserve": 5}).encode()
    # Caches are warm, and what Python imports late is there.
    await _beside(program, "warm", lambda: _preflight(program, body))
    alone = await _beside(program, "alone", lambda: asyncio.sleep(2.0, (0.0, 0.0)))
    beside = await _beside(program, "beside", lambda: _preflight(program, body))
    kept = await _beside(program, "kept", lambda: _preflight(program, reserving))
    return {
        "PUTs alone": alone,
        "beside a preflight": beside,
        "beside one that reserves": kept,
    }


def _items(files: int, count: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for number in range(count):
        match number % 4:
            case 0:
                there = big_name(number * 7 % (files // 10))
                found.append({"path": f"{BIG}/{there}", "size": 100})
            case 1:
                content = shared(number).content
                found.append(
                    {
                        "path": f"copies/{number}.jpg",
                        "size": content.size,
                        "digest": content.digest,
                        "same_content": "link",
                    }
                )
            case _:
                found.append({"path": f"new/{number // 100}/{number}.jpg", "size": 1000 + number})
    return found


async def _beside(
    program: Program, name: str, work: Callable[[], Awaitable[tuple[float, float]]]
) -> Found:
    """The work, and PUTs on another connection, one after the other, until it is done."""
    working = asyncio.ensure_future(work())
    times: list[float] = []
    wire = await Wire.connect(program.port)
    while not working.done():
        sent = put(f"/files/puts/{name}/{len(times)}.jpg", HEAD + f"{name} {len(times)}".encode())
        began = time.perf_counter()
        answer = await wire.ask(sent)
        times.append((time.perf_counter() - began) * 1000)
        if answer.status != 201:
            raise RuntimeError(answer)
    await wire.close()
    whole, first = await working
    return Found(whole, first, statistics.median(times), max(times), len(times), _resident(program))


async def _preflight(program: Program, body: bytes) -> tuple[float, float]:
    """When all of the answer was here, and when its first verdict was."""
    wire = await Wire.connect(program.port)
    began = time.perf_counter()
    await wire.send(message("POST", "/preflight", body))
    read, first = b"", 0.0
    while not read.endswith(b"0\r\n\r\n"):
        piece = await wire.reader.read(1 << 16)
        if not piece:
            raise RuntimeError("the answer broke off")
        if b'"item"' in piece and not first:
            first = (time.perf_counter() - began) * 1000
        read = read[-10:] + piece
    await wire.close()
    return (time.perf_counter() - began) * 1000, first


def _resident(program: Program) -> float:
    status = Path(f"/proc/{program.pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def _show(found: dict[str, Found], files: int, items: int) -> None:
    print(
        f"{time.strftime('%Y-%m-%d')}, {platform.system()} on {platform.machine()},"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version};"
        f" {items:,} items, {files:,} files.\n"
    )
    print(
        "| | first verdict, ms | all, ms | PUT, median ms | slowest, ms | PUTs | peak, MiB |"
        "\n|---|---:|---:|---:|---:|---:|---:|"
    )
    for name, one in found.items():
        print(
            f"| {name} | {one.first:,.0f} | {one.answer:,.0f} | {one.median:.1f} |"
            f" {one.slowest:.1f} | {one.puts} | {one.resident:.0f} |"
        )


if __name__ == "__main__":
    main()
