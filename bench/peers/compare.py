"""noclobber beside other servers: the same work for each in turn, round by round.

    make bench ARGS="peers"
    make bench ARGS="peers --works put,small-put --only nginx,noclobber --server-cpus 0,1"

The client has a processor of its own; the server has one, or all (`--server-cpus 0,1`). Each
measurement starts a server on a fresh folder. A ratio is taken to nginx in the same round, and the
median of the rounds is shown: this machine may be twice as fast in one minute as in the next.
Prints tables in Markdown.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from bench.peers.running import Running, running
from bench.peers.servers import BASELINE, CEILING, ROOT, SERVERS, Server

HERE = Path(__file__).resolve().parent
MEMORY = Path("/dev/shm")  # noqa: S108 - the file system in memory is meant
CONNECTIONS = 64
SMALL = 10 << 10
ALONE = "(dd with fdatasync)"


@dataclass(frozen=True)
class Figure:
    """`rate` in MiB/s for one large file, in requests a second for many small ones."""

    rate: float
    cpu: float
    peak: int
    slowest: float | None = None


@dataclass(frozen=True)
class Options:
    size: int
    seconds: int
    client_cpu: str
    source: Path


Measure = Callable[[Server, Running, Options], Figure]


@dataclass(frozen=True)
class Work:
    title: str
    measure: Measure
    in_memory: bool
    can: Callable[[Server], bool] = lambda _: True
    alone: Callable[[Options, Path], Figure] | None = None


def _large(kind: str) -> Measure:
    def measure(server: Server, running: Running, options: Options) -> Figure:
        if kind == "get":
            _transfer(server.put, server, running, options)
        before = running.cpu_seconds()
        work = server.put if kind == "put" else kind
        seconds = _transfer(work, server, running, options)
        cpu = running.cpu_seconds() - before
        gib = options.size / (1 << 30)
        return Figure(gib * 1024 / seconds, cpu / gib, running.peak_bytes())

    return measure


def _transfer(kind: str, server: Server, running: Running, options: Options) -> float:
    prefix = server.form if kind == "form" and server.form else server.prefix
    command = [sys.executable, str(HERE / "client.py"), kind]
    command += ["--port", str(running.place.port), "--path", f"{prefix}large"]
    command += ["--source", str(options.source), "--field", server.form_field]
    command += ["--fields", json.dumps(server.form_fields)]
    said = _client(command, options)
    return float(json.loads(said)["seconds"])


def _small(kind: str) -> Measure:
    def measure(server: Server, running: Running, options: Options) -> Figure:
        if kind == "get":
            _put_one(server, running, options)
        before = running.cpu_seconds()
        address = f"http://127.0.0.1:{running.place.port}"
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{options.seconds}", "--latency"]
        command += ["-s", str(HERE / "small.lua"), address, "--"]
        said = _client([*command, server.prefix, str(time.time_ns() % 10**9), kind], options)
        # Apache closes connections now and then; wrk opens new ones and counts only answers.
        if "Non-2xx" in said:
            raise SystemExit(f"{server.name} did not do what was asked:\n{said}")
        count = int(_found(r"(\d+) requests in", said))
        rate = float(_found(r"Requests/sec:\s+([\d.]+)", said))
        slowest = _milliseconds(_found(r"99%\s+([\d.]+[a-z]+)", said))
        cpu = (running.cpu_seconds() - before) / count * 1e6
        return Figure(rate, cpu, running.peak_bytes(), slowest)

    return measure


def _put_one(server: Server, running: Running, options: Options) -> None:
    with tempfile.NamedTemporaryFile() as small:
        small.write(os.urandom(SMALL))
        small.flush()
        command = [sys.executable, str(HERE / "client.py"), "put", "--source", small.name]
        command += ["--port", str(running.place.port), "--path", f"{server.prefix}small"]
        _client(command, options)


def _client(command: list[str], options: Options) -> str:
    pinned = ["taskset", "--cpu-list", options.client_cpu, *command]
    done = subprocess.run(pinned, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise SystemExit(f"No {pattern!r} in:\n{text}")
    return match[1]


def _milliseconds(text: str) -> float:
    number, unit = _found(r"([\d.]+)", text), text.lstrip("0123456789.")
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def _disk_alone(options: Options, folder: Path) -> Figure:
    with tempfile.NamedTemporaryFile(dir=folder) as target:
        command = ["dd", f"if={options.source}", f"of={target.name}", "bs=1M", "conv=fdatasync"]
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - began
    return Figure((options.size >> 20) / seconds, 0.0, 0)


def _takes_puts(server: Server) -> bool:
    return server.put == "put"


def _gives_files(server: Server) -> bool:
    return _takes_puts(server) and server.name != CEILING


def _takes_forms(server: Server) -> bool:
    return server.form is not None or server.name in (BASELINE, CEILING)


WORKS = {
    "put": Work("PUT of one large file, in memory (tmpfs)", _large("put"), in_memory=True),
    "put-disk": Work(
        "PUT of one large file, on disk", _large("put"), in_memory=False, alone=_disk_alone
    ),
    "form": Work(
        "Form POST of one large file, in memory (nginx: PUT)",
        _large("form"),
        in_memory=True,
        can=_takes_forms,
    ),
    "get": Work(
        "GET of one large file, in memory", _large("get"), in_memory=True, can=_gives_files
    ),
    "small-put": Work(
        "PUT of 10 KiB, 64 connections, on disk", _small("put"), in_memory=False, can=_takes_puts
    ),
    "small-get": Work(
        "GET of 10 KiB, 64 connections, on disk", _small("get"), in_memory=False, can=_gives_files
    ),
}


def main() -> None:
    arguments = read_arguments(list(WORKS), WORKS)
    servers = [one for one in SERVERS if not arguments.only or one.name in arguments.only]
    compare(servers, arguments)


def compare(servers: list[Server], arguments: argparse.Namespace) -> None:
    subprocess.run([str(ROOT / "setup.sh"), "peers"], check=True)
    with tempfile.NamedTemporaryFile(dir=MEMORY) as source:
        for _ in range(arguments.size >> 20):
            source.write(os.urandom(1 << 20))
        source.flush()
        options = Options(
            arguments.size, arguments.seconds, arguments.client_cpu, Path(source.name)
        )
        _print_heading(arguments)
        for name in arguments.works:
            work = WORKS[name]
            able = [server for server in servers if work.can(server)]
            rounds = [_round(work, able, options, arguments) for _ in range(arguments.rounds)]
            _print_table(work, able, rounds)


def _round(
    work: Work, servers: Iterable[Server], options: Options, arguments: argparse.Namespace
) -> dict[str, Figure]:
    figures = {}
    for server in servers:
        folder = MEMORY if work.in_memory else arguments.disk
        with running(server, folder, arguments.server_cpus) as one:
            _warm(options.size if work.in_memory else 0)
            measure = work.measure
            if server.form is None and work is WORKS["form"]:
                measure = WORKS["put"].measure
            figures[server.name] = measure(server, one, options)
            print(f"{work.title}: {server.name} {figures[server.name]}", file=sys.stderr)
    if work.alone is not None:
        figures[ALONE] = work.alone(options, arguments.disk)
    return figures


def _warm(size: int) -> None:
    """A virtual machine gets its memory from the host at the first touch, which is slow."""
    with tempfile.TemporaryFile(dir=MEMORY) as file:
        for _ in range(5 * size >> 21):
            file.write(bytes(1 << 20))
    os.sync()


def _print_heading(arguments: argparse.Namespace) -> None:
    cpu = _found(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    print(
        f"{time.strftime('%Y-%m-%d')}, Linux {platform.release()}, {os.cpu_count()} x {cpu},"
        f" Python {platform.python_version()}; server on {arguments.server_cpus}, client on"
        f" {arguments.client_cpu}; {arguments.rounds} rounds; large files of"
        f" {arguments.size >> 20} MiB, small ones for {arguments.seconds} s."
    )


def _print_table(work: Work, servers: list[Server], rounds: list[dict[str, Figure]]) -> None:
    small = rounds[0][servers[0].name].slowest is not None
    unit, cpu = ("requests/s", "CPU us each") if small else ("MiB/s", "CPU s/GiB")
    last = " 99 % within, ms |" if small else ""
    print(f"\n### {work.title}\n")
    print(f"| server | x nginx | {unit} | {cpu} | peak MiB | hashes | syncs |{last}")
    print("|---|---:|---:|---:|---:|---|---|" + ("---:|" if small else ""))
    for server in servers:
        print(_row(server.name, [server.hashes, server.syncs], rounds))
    if work.alone is not None:
        print(_row(ALONE, ["no", "yes"], rounds))


def _row(name: str, promises: list[str], rounds: list[dict[str, Figure]]) -> str:
    figures = [one[name] for one in rounds]
    ratio = "-"
    if BASELINE in rounds[0]:
        against = [one[name].rate / one[BASELINE].rate for one in rounds]
        ratio = f"{statistics.median(against):.2f}"
    rate = statistics.median(figure.rate for figure in figures)
    cpu = statistics.median(figure.cpu for figure in figures)
    peak = max(figure.peak for figure in figures) >> 20
    cells = [name, ratio, f"{rate:,.0f}", f"{cpu:.3g}", str(peak), *promises]
    slowest = [figure.slowest for figure in figures if figure.slowest is not None]
    if slowest:
        cells.append(f"{statistics.median(slowest):.1f}")
    return f"| {' | '.join(cells)} |"


def read_arguments(works: list[str], known: Collection[str]) -> argparse.Namespace:
    """`works` are done where none of the `known` ones are named."""
    parser = argparse.ArgumentParser(description="Measure noclobber beside other servers.")
    words = lambda text: text.split(",")  # noqa: E731
    parser.add_argument("--works", type=words, default=works, help=", ".join(known))
    parser.add_argument("--only", type=words, default=[], help="names of servers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=1 << 30, help="of a large file, in bytes")
    parser.add_argument("--seconds", type=int, default=5, help="of small requests")
    parser.add_argument("--server-cpus", default="0")
    parser.add_argument("--client-cpu", default="1")
    parser.add_argument("--disk", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.works if name not in known]:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(known)}")
    return arguments


if __name__ == "__main__":
    main()
