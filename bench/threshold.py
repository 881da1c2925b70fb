"""Contents of some sizes in the index, and in files of their own: from where on are files faster?

    make bench ARGS=threshold
    make bench ARGS="threshold --sizes 8,16,32 --rounds 5 --connections 8"

PUTs of new contents, round by round; server and client have a processor each. The medians are
shown, and of the ratios within a round. Prints a table in Markdown.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.peers.running import Running, running
from bench.peers.servers import ROOT, SERVERS, Place, Server

LUA = ROOT / "bench" / "peers" / "small.lua"
KIB = 1 << 10
SETTING = "NOCLOBBER_DATA_INLINE_BELOW"


@dataclass(frozen=True)
class Figure:
    rate: float
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Find the size below which the index is faster.")
    parser.add_argument("--sizes", default="1,4,10,16,32,64,128,256", help="in KiB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--disk", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    subprocess.run([str(ROOT / "setup.sh"), "peers"], check=True)
    print(f"{time.strftime('%Y-%m-%d')}; {arguments.connections} connections.\n")
    print("| KiB | index, PUTs/s | CPU us | files, PUTs/s | CPU us | files / index |")
    print("|---:|---:|---:|---:|---:|---:|")
    for size in map(int, arguments.sizes.split(",")):
        rounds = [
            [_measured(below, size * KIB, arguments) for below in ("1 MiB", "0 B")]
            for _ in range(arguments.rounds)
        ]
        within, beside = ([one[place] for one in rounds] for place in (0, 1))
        ratio = statistics.median(files.rate / index.rate for index, files in rounds)
        print(f"| {size} | {_cells(within)} | {_cells(beside)} | {ratio:.2f} |", flush=True)


def _cells(figures: list[Figure]) -> str:
    rate = statistics.median(one.rate for one in figures)
    return f"{rate:,.0f} | {statistics.median(one.cpu for one in figures):.0f}"


def _measured(below: str, size: int, arguments: argparse.Namespace) -> Figure:
    with running(_keeping_in_the_index(below), arguments.disk, "0") as one:
        before = one.cpu_seconds()
        said = _put(one, size, arguments)
        count = float(_found(r"(\d+) requests in", said))
        cpu = (one.cpu_seconds() - before) / count * 1e6
        return Figure(float(_found(r"Requests/sec:\s+([\d.]+)", said)), cpu)


def _keeping_in_the_index(below: str) -> Server:
    ours = next(server for server in SERVERS if server.name == "noclobber")

    def command(place: Place) -> list[str]:
        return ["env", f"{SETTING}={below}", *ours.command(place)]

    return replace(ours, command=command)


def _put(one: Running, size: int, arguments: argparse.Namespace) -> str:
    command = ["taskset", "--cpu-list", "1", "wrk", "-t1", f"-c{arguments.connections}"]
    command += [f"-d{arguments.seconds}", "-s", str(LUA), f"http://127.0.0.1:{one.place.port}"]
    command += ["--", "/files/", str(time.time_ns() % 10**9), "put", str(size)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in said:
        raise SystemExit(f"The server did not do what was asked:\n{said}")
    return said


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise SystemExit(f"No {pattern!r} in:\n{text}")
    return match[1]


if __name__ == "__main__":
    main()
