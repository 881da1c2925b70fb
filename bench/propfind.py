"""A folder of fifty thousand files listed by PROPFIND, beside other servers of WebDAV.

    make bench ARGS=propfind
    make bench ARGS="propfind --files 5000 --only noclobber"

Asked for all properties, as Windows does, and for the few that rclone wants. Server and client have
a processor each; each server lists a folder with the same names, which is filled before it starts.
The first answer is not counted. Prints a table in Markdown.
"""

import argparse
import asyncio
import os
import platform
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.peers.running import Running, running
from bench.peers.servers import ROOT, SERVERS, Place, Server
from tests.filling import BIG, fill_folder, picture, staged

OURS = "noclobber"
PEERS = ("WsgiDAV", "rclone serve webdav")
MIB = 1 << 20
PIECE = 1 << 18
RESPONSE = re.compile(rb"</(?:[A-Za-z0-9]+:)?response>")
FEW = (
    '<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:"><d:prop><d:displayname/>'
    "<d:getlastmodified/><d:getcontentlength/><d:resourcetype/><d:getetag/></d:prop></d:propfind>"
)
BODIES = {"all": "", "five": FEW}


@dataclass(frozen=True)
class Listed:
    """In seconds; `answer` is what came."""

    first: float
    whole: float
    cpu: float
    answer: bytes


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure PROPFIND of a large folder.")
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join((OURS, *PEERS)), help="names of servers")
    parser.add_argument("--server-cpus", default="0")
    parser.add_argument("--client-cpu", type=int, default=1)
    parser.add_argument("--disk", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    subprocess.run([str(ROOT / "setup.sh"), "peers"], check=True)
    os.sched_setaffinity(0, {arguments.client_cpu})
    names = arguments.only.split(",")
    servers = [server for server in SERVERS if server.name in names]
    _print_heading(arguments)
    for server in servers:
        for asked, body in BODIES.items():
            with _filled(server, arguments) as one:
                _ask(one, server, body, "0")
                rest = one.peak_bytes()
                _listed(one, server, body, arguments.files)
                rounds = [
                    _listed(one, server, body, arguments.files) for _ in range(arguments.rounds)
                ]
                peak = one.peak_bytes()
            print(_row(server.name, asked, rounds, (rest, peak)), flush=True)


@contextmanager
def _filled(server: Server, arguments: argparse.Namespace) -> Iterator[Running]:
    """Filled while nobody listens, as it is not what is measured."""

    def command(place: Place) -> list[str]:
        if server.name == OURS:
            asyncio.run(fill_folder(place.served, arguments.files))
        else:
            folder = place.served / BIG.name
            folder.mkdir()
            for number in range(arguments.files):
                (folder / picture(number)).write_bytes(bytes(staged(str(number)).data))
        return server.command(place)

    with running(replace(server, command=command), arguments.disk, arguments.server_cpus) as one:
        yield one


def _listed(one: Running, server: Server, body: str, files: int) -> Listed:
    listed = _ask(one, server, body, "1")
    found = len(RESPONSE.findall(listed.answer))
    # Chunks of HTTP may cut a few of them in two.
    if found < files * 0.99:
        raise SystemExit(f"{server.name} listed {found} of {files}.")
    return listed


def _ask(one: Running, server: Server, body: str, depth: str) -> Listed:
    prefix = "/dav/" if server.name == OURS else server.prefix
    head = (
        f"PROPFIND {prefix}{BIG.name}/ HTTP/1.1\r\nHost: 127.0.0.1:{one.place.port}\r\n"
        f"Depth: {depth}\r\n"
        f"Content-Type: application/xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    before = one.cpu_seconds()
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", one.place.port)) as connection:
        connection.sendall((head + body).encode())
        pieces = [connection.recv(PIECE)]
        first = time.perf_counter() - began
        while piece := connection.recv(PIECE):
            pieces.append(piece)
    whole = time.perf_counter() - began
    answer = b"".join(pieces)
    if not answer.startswith(b"HTTP/1.1 207"):
        raise SystemExit(f"{server.name} said:\n{answer[:500]!r}")
    return Listed(first, whole, one.cpu_seconds() - before, answer)


def _print_heading(arguments: argparse.Namespace) -> None:
    load = os.getloadavg()[0]
    print(
        f"{time.strftime('%Y-%m-%d')}, Linux {platform.release()}, Python"
        f" {platform.python_version()}, load {load:.1f} at the start; {arguments.files:,} files,"
        f" {arguments.rounds} rounds.\n"
    )
    print(
        "| server | properties | first byte, ms | all, ms | CPU, ms | answer, MiB | at rest, MiB |"
        " peak, MiB |"
        "\n|---|---|---:|---:|---:|---:|---:|---:|"
    )


def _row(name: str, asked: str, rounds: list[Listed], memory: tuple[int, int]) -> str:
    first, whole, cpu = (
        statistics.median(getattr(one, field) for one in rounds) * 1000
        for field in ("first", "whole", "cpu")
    )
    size = len(rounds[0].answer) / MIB
    rest, peak = (bytes_ / MIB for bytes_ in memory)
    return (
        f"| {name} | {asked} | {first:,.0f} | {whole:,.0f} | {cpu:,.0f} | {size:.1f} |"
        f" {rest:.0f} | {peak:.0f} |"
    )


if __name__ == "__main__":
    main()
