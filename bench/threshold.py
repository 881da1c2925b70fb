"""Up to which size a content belongs into the index: PUTs of each size, in it and in a file.

    make bench ARGS=threshold

Server and client have a processor each; the two ways follow each other in every round, and the
medians are shown, and of the ratios. Prints a table in Markdown.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.peers.running import running
from bench.peers.servers import ROOT, SERVERS

SIZES = (4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10)
IN_INDEX, IN_FILE = "1 MiB", "1 B"
SETTING = "NOCLOBBER_DATA_INLINE_BELOW"
OURS = next(server for server in SERVERS if server.name == "noclobber")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure contents in the index and in files.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--disk", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    subprocess.run([str(ROOT / "setup.sh"), "peers"], check=True)
    print(f"{time.strftime('%Y-%m-%d')}; 64 connections, PUTs a second.\n")
    print("| size, KiB | in the index | in a file | ratio |\n|---:|---:|---:|---:|")
    for size in SIZES:
        rounds = [
            [_rate(size, where, arguments) for where in (IN_INDEX, IN_FILE)]
            for _ in range(arguments.rounds)
        ]
        index, file = (statistics.median(rates) for rates in zip(*rounds, strict=True))
        ratio = statistics.median(one / other for one, other in rounds)
        print(f"| {size >> 10} | {index:,.0f} | {file:,.0f} | {ratio:.2f} |", flush=True)


def _rate(size: int, where: str, arguments: argparse.Namespace) -> float:
    os.environ[SETTING] = where
    with running(replace(OURS, name=where), arguments.disk, "0") as one:
        command = ["taskset", "--cpu-list", "1", "wrk", "-t1", "-c64", f"-d{arguments.seconds}"]
        command += ["-s", str(ROOT / "bench" / "peers" / "small.lua")]
        command += [f"http://127.0.0.1:{one.place.port}", "--"]
        command += [OURS.prefix, str(time.time_ns() % 10**9), "put", str(size)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if found is None or "Non-2xx" in said:
        raise SystemExit(f"It did not do what was asked:\n{said}")
    return float(found[1])


if __name__ == "__main__":
    main()
