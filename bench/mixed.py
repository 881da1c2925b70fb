"""A small PUT alone, and while a large one comes in: how long the slowest in a hundred takes.

    make bench ARGS=mixed
    make bench ARGS="mixed --only noclobber --connections 8"

Server and clients have a processor each. The two measurements follow each other in every round;
the medians are shown, and of the ratios. Prints a table in Markdown.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.peers.running import Running, running
from bench.peers.servers import ROOT, SERVERS, Server

PEERS = ROOT / "bench" / "peers"
LARGE = 4 << 30
CLIENTS = ["taskset", "--cpu-list", "1"]
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure small PUTs beside a large one.")
    parser.add_argument("--only", default="nginx,copyparty,noclobber", help="names of servers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--disk", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    subprocess.run([str(ROOT / "setup.sh"), "peers"], check=True)
    servers = [server for server in SERVERS if server.name in arguments.only.split(",")]
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as source:
        for _ in range(LARGE >> 24):
            source.write(os.urandom(1 << 24))
        source.flush()
        print(f"{time.strftime('%Y-%m-%d')}; {arguments.connections} connections.\n")
        print(
            "| server | 99 % alone, ms | beside a PUT of 4 GiB, ms | ratio |\n|---|---:|---:|---:|"
        )
        for server in servers:
            rounds = [_round(server, Path(source.name), arguments) for _ in range(arguments.rounds)]
            alone, beside = (statistics.median(times) for times in zip(*rounds, strict=True))
            ratio = statistics.median(busy / idle for idle, busy in rounds)
            print(f"| {server.name} | {alone:.1f} | {beside:.1f} | {ratio:.2f} |")


def _round(server: Server, source: Path, arguments: argparse.Namespace) -> tuple[float, float]:
    with running(server, arguments.disk, "0") as one:
        _small(server, one, arguments)
        alone = _small(server, one, arguments)
        with _large(server, one, source):
            return alone, _small(server, one, arguments)


def _small(server: Server, one: Running, arguments: argparse.Namespace) -> float:
    """The time within which 99 of 100 small PUTs were answered."""
    command = [*CLIENTS, "wrk", "-t1", f"-c{arguments.connections}", f"-d{arguments.seconds}"]
    command += ["--latency", "-s", str(PEERS / "small.lua"), f"http://127.0.0.1:{one.place.port}"]
    command += ["--", server.prefix, str(time.time_ns() % 10**9), "put"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"99%\s+([\d.]+)([a-z]+)", said)
    if found is None or "Non-2xx" in said:
        raise SystemExit(f"{server.name} did not do what was asked:\n{said}")
    return float(found[1]) * MILLISECONDS[found[2]]


@contextmanager
def _large(server: Server, one: Running, source: Path) -> Iterator[None]:
    """One large PUT after the other, under other names, until the block ends."""
    command = [sys.executable, str(PEERS / "client.py"), "put", "--port", str(one.place.port)]
    command += ["--source", str(source), "--path", f"{server.prefix}large-"]
    again = 'n=0; while :; do n=$((n+1)); "$@$n" || exit; done'
    client = subprocess.Popen([*CLIENTS, "sh", "-c", again, "sh", *command], process_group=0)
    try:
        yield
        if client.poll() is not None:
            raise SystemExit(f"{server.name} did not take the large file.")
    finally:
        os.killpg(client.pid, 15)
        client.wait()


if __name__ == "__main__":
    main()
