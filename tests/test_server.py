"""The program as it is started: addresses, one owner per data folder, its end, its log."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import server
from program.settings import Data, Settings
from tests.running import ROOT, Program, running, start
from uploads.events import Event

QUICK = {"NOCLOBBER_SERVER_GRACE": "1 s"}
WITHIN = 20.0


def run(*arguments: str, cwd: Path, entered: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "server.py"), *arguments],
        cwd=cwd,
        input=entered,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )


def ask(
    program: Program, method: str, target: str, body: bytes = b"", **headers: str
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=WITHIN)
    with contextlib.closing(connection):
        connection.request(
            method, target, body, {name.replace("_", "-"): text for name, text in headers.items()}
        )
        answer = connection.getresponse()
        return answer.status, answer.read()


def eventually(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


@contextlib.contextmanager
def half_an_upload(program: Program, target: str) -> Iterator[socket.socket]:
    """Ten bytes are declared and five sent, and the server is known to wait for the others."""
    with socket.create_connection(("127.0.0.1", program.port), timeout=WITHIN) as wire:
        wire.sendall(f"PUT {target} HTTP/1.1\r\nHost: localhost\r\n".encode())
        wire.sendall(b"Content-Length: 10\r\n\r\n12345")
        eventually(lambda: b"noclobber_uploads_in_flight 1" in ask(program, "GET", "/metrics")[1])
        yield wire


def register(folder: Path, name: str) -> None:
    words = ("user", "add", name, "--password-stdin", "--data", "data")
    assert run(*words, cwd=folder, entered="long enough").returncode == 0


def takes_connections(program: Program) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", program.port), timeout=WITHIN).close()
        return True
    return False


def test_the_start_ends_with_one_line_that_says_where(tmp_path: Path) -> None:
    program = start(tmp_path / "data")

    status, _ = ask(program, "GET", "/health/ready")
    program.process.send_signal(signal.SIGINT)
    rest, _ = program.process.communicate(timeout=WITHIN)

    assert status == 200
    assert rest == ""
    assert program.process.returncode == 0


def test_without_a_command_it_serves(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "server.py"), "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    process.terminate()

    assert line.startswith("noclobber is ready at http://127.0.0.1:")
    assert line.endswith("/  (data in ./data; stop with Ctrl-C)\n")
    assert process.communicate(timeout=WITHIN)[0] == ""
    assert process.returncode == 0


def test_a_second_start_on_the_same_folder_names_who_has_it_and_stops(tmp_path: Path) -> None:
    with running(tmp_path / "data") as program:
        second = run("serve", "--data", "data", "--port", "0", cwd=tmp_path)

        assert second.returncode == 1
        assert f"process {program.pid}" in second.stderr
        assert "Traceback" not in second.stderr
        assert second.stdout == ""
        assert ask(program, "GET", "/health/ready")[0] == 200


def test_what_a_killed_server_leaves_behind_blocks_nobody(tmp_path: Path) -> None:
    first = start(tmp_path / "data")
    assert ask(first, "PUT", "/files/a", b"kept")[0] == 201
    first.kill()

    with running(tmp_path / "data") as second:
        assert ask(second, "GET", "/files/a") == (200, b"kept")


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_upload_in_flight_is_finished_before_the_end(tmp_path: Path, told: int) -> None:
    program = start(tmp_path / "data")
    with half_an_upload(program, "/files/a") as wire:
        program.process.send_signal(told)
        eventually(lambda: not takes_connections(program))
        wire.sendall(b"67890")
        answer = wire.recv(4096)
    program.process.communicate(timeout=WITHIN)

    assert (answer[:12], program.process.returncode) == (b"HTTP/1.1 201", 0)
    with running(tmp_path / "data") as again:
        assert ask(again, "GET", "/files/a") == (200, b"1234567890")


def test_who_stays_connected_is_refused_in_words_while_others_finish(tmp_path: Path) -> None:
    program = start(tmp_path / "data")
    kept = http.client.HTTPConnection("127.0.0.1", program.port, timeout=WITHIN)
    with contextlib.closing(kept), half_an_upload(program, "/files/a") as wire:
        kept.request("GET", "/files/")
        assert kept.getresponse().read()
        program.process.send_signal(signal.SIGTERM)
        eventually(lambda: not takes_connections(program))
        kept.request("GET", "/files/")
        refused = kept.getresponse()
        said = json.loads(refused.read())
        wire.sendall(b"67890")
        answer = wire.recv(4096)
    program.process.communicate(timeout=WITHIN)

    assert (refused.status, said["type"]) == (503, "/problems/unavailable")
    assert refused.headers["Connection"] == "close"
    assert answer.startswith(b"HTTP/1.1 201")
    assert program.process.returncode == 0


def test_what_cannot_be_read_is_a_line_in_the_log_and_no_trace(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(tmp_path / "data", log=log, env={"NOCLOBBER_LOG_FORMAT": "json"}) as program:
        before = log.read_text()
        assert ask(program, "BREW", "/files/a")[0] == 501
        assert ask(program, "GET", "/files/a", Header="x" * 100_000)[0] == 431
        lines = log.read_text().removeprefix(before).splitlines()

    said = [json.loads(line) for line in lines]
    assert [(one["message"], one["status"]) for one in said] == [
        ("refused unread", 501),
        ("refused unread", 431),
    ]
    assert "trace" not in said[0] | said[1]


def test_an_upload_that_never_ends_is_given_up_after_the_grace_time(tmp_path: Path) -> None:
    program = start(tmp_path / "data", env=QUICK)
    with half_an_upload(program, "/files/a"):
        began = time.monotonic()
        assert program.stop() == 0
        assert 0.9 < time.monotonic() - began < 10

    with running(tmp_path / "data") as again:
        assert ask(again, "GET", "/files/a")[0] == 404


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    program = start(tmp_path / "data")
    with half_an_upload(program, "/files/a"):
        program.process.send_signal(signal.SIGTERM)
        eventually(lambda: not takes_connections(program))
        program.process.send_signal(signal.SIGTERM)
        program.process.communicate(timeout=5)

    assert program.process.returncode == 1


def test_others_are_let_in_only_when_somebody_has_said_so(tmp_path: Path) -> None:
    refused = run("serve", "--data", "data", "--host", "0.0.0.0", "--port", "0", cwd=tmp_path)

    assert refused.returncode == 1
    assert "user add" in refused.stderr
    assert "[[access]]" in refused.stderr

    grant = '[{folder = "/", who = ["anonymous"], rights = ["create"]}]'
    with running(
        tmp_path / "data", "--host", "0.0.0.0", env={"NOCLOBBER_ACCESS": grant}
    ) as program:
        assert ask(program, "PUT", "/files/a", b"a")[0] == 201
        assert ask(program, "GET", "/files/a")[0] == 401

    register(tmp_path, "ann")
    with running(tmp_path / "data", "--host", "0.0.0.0") as program:
        assert ask(program, "PUT", "/files/b", b"b")[0] == 401


def test_the_first_user_shuts_strangers_out_while_it_runs(tmp_path: Path) -> None:
    with running(tmp_path / "data") as program:
        before, _ = ask(program, "PUT", "/files/a", b"a")
        register(tmp_path, "ann")
        stranger, _ = ask(program, "PUT", "/files/b", b"b")
        ann, _ = ask(program, "PUT", "/files/b", b"b", Authorization="Basic YW5uOmxvbmcgZW5vdWdo")

    assert (before, stranger, ann) == (201, 401, 201)


def test_behind_a_proxy_it_neither_starts_without_a_user_nor_opens_when_the_last_one_goes(
    tmp_path: Path,
) -> None:
    (tmp_path / "config.toml").write_text('[server]\ntrusted_proxies = ["127.0.0.1/32"]\n')

    refused = run("serve", "--data", "data", "--port", "0", cwd=tmp_path)
    register(tmp_path, "ann")
    with running(tmp_path / "data") as program:
        removed = run("user", "remove", "ann", "--data", "data", cwd=tmp_path)
        status, _ = ask(program, "PUT", "/files/a", b"a", X_Forwarded_For="198.51.100.1")

    assert refused.returncode == 1
    assert "through a proxy" in refused.stderr
    assert "last user" not in removed.stdout
    assert status == 401


def test_whoever_removes_the_last_user_is_told_that_everybody_may_do_everything(
    tmp_path: Path,
) -> None:
    register(tmp_path, "ann")
    register(tmp_path, "bob")

    first = run("user", "remove", "ann", "--data", "data", cwd=tmp_path).stdout
    last = run("user", "remove", "bob", "--data", "data", cwd=tmp_path).stdout

    assert first == "ann is removed, with all tokens. The files stay.\n"
    assert last.splitlines()[1:] == [
        "bob was the last user: from now on whoever reaches this server may do everything."
    ]


def test_a_port_that_is_taken_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = run("serve", "--data", "data", "--port", str(port), cwd=tmp_path)

    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert f"127.0.0.1 port {port}: Address already in use." in refused.stderr


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[srver]\nport = 1", "did you mean server"),
        ("[limits]\ndepth = 0", "limits.depth"),
        ("[server", "is not TOML"),
        ('[server]\ngrace = "soon"', "server.grace"),
    ],
)
def test_a_wrong_configuration_stops_the_start_with_a_sentence(
    tmp_path: Path, written: str, said: str
) -> None:
    (tmp_path / "config.toml").write_text(written)

    refused = run("--data", "data", "--port", "0", cwd=tmp_path)

    assert refused.returncode == 2
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "data").exists()


def test_who_connects_and_says_nothing_is_hung_up_on(tmp_path: Path) -> None:
    quick = {"NOCLOBBER_LIMITS_HEADER_TIME": "0.4 s"}
    with (
        running(tmp_path / "data", env=quick) as program,
        socket.create_connection(("127.0.0.1", program.port), timeout=WITHIN) as silent,
        socket.create_connection(("127.0.0.1", program.port), timeout=WITHIN) as slow,
        socket.create_connection(("127.0.0.1", program.port), timeout=WITHIN) as proper,
    ):
        slow.sendall(b"GET / HTTP/1.1\r\nHost: lo")
        proper.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert proper.recv(4096).startswith(b"HTTP/1.1 200")
        assert silent.recv(1) == b""
        assert slow.recv(1) == b""
        proper.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert proper.recv(4096).startswith(b"HTTP/1.1 200")


def test_the_log_is_json_where_wanted_and_no_request_breaks_a_line(tmp_path: Path) -> None:
    with running(tmp_path / "data", env={"NOCLOBBER_LOG_FORMAT": "json"}) as program:
        ask(program, "GET", "/files/a%0Ab%1B%5B31m%E2%80%AEx", Authorization="Bearer nct_secret")
    lines = Path(f"{tmp_path / 'data'}.log").read_text().splitlines()
    records = [json.loads(line) for line in lines]

    assert any(record.get("status") == 401 for record in records)
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert "nct_secret" not in "".join(lines)


def test_plain_lines_hide_nothing_either(tmp_path: Path) -> None:
    with running(tmp_path / "data") as program:
        ask(program, "GET", "/files/a%0Ab%1B%5B31m%E2%80%AEx")
    lines = Path(f"{tmp_path / 'data'}.log").read_text().splitlines()

    found = [line for line in lines if "GET" in line]
    assert len(found) == 1
    assert found[0].isprintable()


def test_without_a_line_per_request_none_is_left_of_uploads_deletions_and_refusals(
    tmp_path: Path,
) -> None:
    with running(tmp_path / "data", env={"NOCLOBBER_LOG_REQUESTS": "false"}) as program:
        log = Path(f"{tmp_path / 'data'}.log")
        before = log.read_text()
        asked = [("PUT", "a"), ("PUT", "a"), ("DELETE", "a"), ("GET", "a"), ("BREW", "a")]
        found = [ask(program, method, f"/files/{name}", b"one")[0] for method, name in asked]
        assert found == [201, 409, 200, 404, 501]
        assert log.read_text() == before


def test_systemd_is_told_that_it_is_ready_and_that_it_stops(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(WITHIN)
        with running(tmp_path / "data", env={"NOTIFY_SOCKET": str(tmp_path / "notify")}) as program:
            assert manager.recv(100) == f"READY=1\nMAINPID={program.pid}".encode()
        assert manager.recv(100) == b"STOPPING=1"


def test_garbage_is_collected_while_it_runs(tmp_path: Path) -> None:
    often = {"NOCLOBBER_DATA_COLLECT_EVERY": "1 s", "NOCLOBBER_DATA_KEEP_VERSIONS": "0 s"}
    with running(tmp_path / "data", env=often) as program:
        ask(program, "PUT", "/files/a", os.urandom(100_000))
        assert ask(program, "PUT", "/files/a", os.urandom(100_000), If_Match="*")[0] == 200
        eventually(lambda: len(list((tmp_path / "data" / "blobs").glob("*/*"))) == 1)


async def test_the_collector_outlives_what_nobody_expected(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    often = replace(Settings(), data=Data(folder=str(tmp_path), collect_every=0.01))
    again = asyncio.Event()

    def publish(_: Event) -> None:
        if "will be later" in caplog.text:
            again.set()
        else:
            raise ZeroDivisionError

    async with server._opened(often, server._tell_nobody) as store, asyncio.timeout(WITHIN):
        collector = asyncio.create_task(server._collect_always(often, store, publish))
        await again.wait()
        collector.cancel()


def test_what_was_made_for_the_start_is_not_looked_through_for_cycles_again() -> None:
    look = "import gc; from program import listening; listening.look_for_cycles_seldom()"
    tell = "print(len(gc.get_objects()) < 100 < gc.get_freeze_count(), gc.get_threshold()[0])"
    said = subprocess.run(
        [sys.executable, "-c", f"{look}; {tell}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout.split() == ["True", "20000"]


def test_the_data_folder_is_private(tmp_path: Path) -> None:
    with running(tmp_path / "data") as program:
        ask(program, "PUT", "/files/a", os.urandom(100_000))
        for found in (tmp_path / "data", *(tmp_path / "data").rglob("*")):
            assert found.stat().st_mode & 0o077 == 0, found
