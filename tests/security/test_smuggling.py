"""Where one request ends and the next begins: read alike by both parsers of aiohttp, nginx and haproxy.

What a proxy sends on it marks with a number of its own. Whatever the server carries out has to have
such a mark, and none twice: it has then seen as many requests as the proxy has.
"""

import asyncio
import json
import re
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.running import Program, running
from tests.security.smuggling import CASES, Case, Fate

END = b"GET /files/end-%04d HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
STATUS = re.compile(rb"HTTP/1\.[01] ([2-5]\d\d) ")
AT_ONCE = 16
PATIENCE = 1.0
PARSERS = {"C": {}, "Python": {"AIOHTTP_NO_EXTENSIONS": "1"}}


@dataclass(frozen=True)
class Told:
    """`ended`: the server closed the connection."""

    statuses: list[int]
    ended: bool


async def tell(port: int, number: int, case: Case) -> Told:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found, ended = b"", False
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(PATIENCE):
            writer.write(case.numbered(number) + END % number)
            while piece := await reader.read(1 << 16):
                found += piece
            ended = True
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return Told([int(status) for status in STATUS.findall(found)], ended)


async def tell_all(port: int) -> list[Told]:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, case: Case) -> Told:
        async with places:
            return await tell(port, number, case)

    return await asyncio.gather(*(one(number, case) for number, case in enumerate(CASES)))


def lines(log: Path) -> list[dict[str, object]]:
    said = [json.loads(line) for line in log.read_text().splitlines()]
    return [line for line in said if line["log"] == "noclobber.access"]


def carried_out(log: Path) -> Counter[str]:
    return Counter(str(line["path"]) for line in lines(log) if "path" in line)


@contextmanager
def serving(tmp_path: Path, parser: str, **settings: str) -> Iterator[tuple[Program, Path]]:
    log = tmp_path / "log"
    env = {"NOCLOBBER_LOG_FORMAT": "json", **PARSERS[parser], **settings}
    with running(tmp_path / "data", env=env, log=log) as program:
        yield program, log


def judged(number: int, case: Case, told: Told, paths: Counter[str]) -> str | None:
    """What is wrong with the outcome, if anything."""
    hidden, end = paths[f"/files/hidden-{number:04}"], paths[f"/files/end-{number:04}"]
    refused = hidden == 0 and end == 0 and told.statuses[:1] >= [400] and len(told.statuses) <= 1
    # A body that is still awaited has swallowed all that follows.
    one = hidden == 0 and (end == 1 or not told.ended)
    two = (hidden, end) == (1, 1)
    fine = {
        Fate.REFUSED: refused,
        Fate.ONE: one and end == 1,
        Fate.TWO: two,
        Fate.REFUSED_OR_ONE: refused or one,
        Fate.REFUSED_OR_TWO: refused or two,
        Fate.LAST: (hidden, end) == (0, 0) and told.ended and len(told.statuses) == 1,
    }[case.fate]
    return None if fine else f"{case.name}: {case.fate.value}, but {told}, {hidden=} {end=}"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("parser", PARSERS)
async def test_each_request_ends_where_the_standard_says_or_is_refused(
    tmp_path: Path, parser: str
) -> None:
    with serving(tmp_path, parser) as (program, log):
        told = await tell_all(program.port)
    paths = carried_out(log)
    faults = [judged(number, case, told[number], paths) for number, case in enumerate(CASES)]
    wrong = [fault for fault in faults if fault]
    assert not wrong, "\n".join(wrong)
    assert len(CASES) >= 200


NGINX = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log {folder}/errors;
events {{}}
http {{
    log_format marks "$request_id $upstream_status";
    access_log {folder}/marks marks;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream back {{ server 127.0.0.1:{back}; keepalive 4; }}
    server {{
        listen 127.0.0.1:{front};
        location / {{
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host localhost;
            proxy_request_buffering {buffering};
            proxy_pass http://back/files/front-$request_id$request_uri;
        }}
    }}
}}
"""
HAPROXY = """
global
    log stdout format raw local0
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
    timeout http-keep-alive 5s
    log global
    log-format "%ID %s %ST"
    unique-id-format front%rt
    option http-keep-alive
    http-reuse always
frontend front
    bind 127.0.0.1:{front}
    http-request set-path /files/front-%[unique-id]%[path]
    http-request set-header Host localhost
    default_backend back
backend back
    server noclobber 127.0.0.1:{back}
"""
MARKED = re.compile(r"/files/front-([0-9a-zA-Z]+)/")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


@contextmanager
def fronted(command: list[str], port: int, output: Path) -> Iterator[None]:
    with output.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 20
        while True:
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < deadline, output.read_text()
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.02)
        yield
    finally:
        # Both end softly, each in its own language: what is under way comes to its line in the log.
        process.send_signal(signal.SIGUSR1 if "haproxy" in command[0] else signal.SIGQUIT)
        process.wait(20)


def found(program: str) -> str:
    """Debian puts servers where only root looks."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    assert path, f"{program} is missing: ./setup.sh programs"
    return path


def sent_on(folder: Path, proxy: str) -> dict[str, int]:
    """The mark of each request that the proxy has sent on, and how it was answered."""
    if proxy == "haproxy":
        said = [line.split() for line in (folder / "output").read_text().splitlines()]
        return {words[0]: int(words[2]) for words in said if words[1:2] == ["noclobber"]}
    said = [line.split() for line in (folder / "marks").read_text().splitlines()]
    return {words[0]: int(words[1]) for words in said if words[1:] != ["-"]}


def nginx(folder: Path, back: int, front: int, buffering: str) -> list[str]:
    settings = folder / "nginx.conf"
    settings.write_text(NGINX.format(folder=folder, back=back, front=front, buffering=buffering))
    return [found("nginx"), "-p", str(folder), "-c", str(settings), "-e", str(folder / "errors")]


def haproxy(folder: Path, back: int, front: int) -> list[str]:
    settings = folder / "haproxy.cfg"
    settings.write_text(HAPROXY.format(back=back, front=front))
    return [found("haproxy"), "-db", "-f", str(settings)]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("proxy", ["nginx", "nginx, unbuffered", "haproxy"])
async def test_a_proxy_and_the_server_count_the_same_requests(
    tmp_path: Path, proxy: str, parser: str
) -> None:
    front = free_port()
    with serving(tmp_path, parser) as (program, log):
        if proxy == "haproxy":
            command = haproxy(tmp_path, program.port, front)
        else:
            buffering = "off" if proxy.endswith("unbuffered") else "on"
            command = nginx(tmp_path, program.port, front, buffering)
        with fronted(command, front, tmp_path / "output"):
            await tell_all(front)
    asked = sent_on(tmp_path, proxy)
    paths = carried_out(log)
    marks = [mark[1] for path in paths.elements() if (mark := MARKED.match(path))]
    assert [path for path in paths if not MARKED.match(path)] == []
    assert len(set(marks)) == len(marks) > 200
    assert set(marks) <= set(asked)
    # What the proxy takes for a request and the server cannot read is one to both, and ends there.
    unread = [line for line in lines(log) if "path" not in line]
    refused = {mark: status for mark, status in asked.items() if mark not in marks}
    assert len(unread) <= len(refused)
    assert set(refused.values()) <= {400, 413, 431, 501}
