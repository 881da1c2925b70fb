"""Standard streams that are closed, full, or cannot show every name; run as they are."""

import asyncio
import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from program import commandline, commands, houserules
from program.console import Refused
from program.settings import Settings
from storage import accounts
from tests.running import ROOT, running


def test_it_serves_although_nobody_hears_it(tmp_path: Path) -> None:
    port = free_port()
    serve = f'exec "{sys.executable}" "{ROOT / "server.py"}" serve --port {port}'
    for streams in ("<&- >&- 2>&-", "</dev/null >/dev/full 2>/dev/full"):
        with subprocess.Popen(["/bin/sh", "-c", f"{serve} {streams}"], cwd=tmp_path) as process:
            try:
                wait_for(port)
                assert stored(port, streams) == 201
                for number in (0, 1, 2):
                    opened = Path(f"/proc/{process.pid}/fd/{number}").readlink()
                    assert opened.parent == Path("/dev")
            finally:
                process.terminate()
        assert process.returncode == 0


def test_the_start_line_names_a_folder_whose_name_is_not_utf8(tmp_path: Path) -> None:
    data = os.fsdecode(os.fsencode(tmp_path) + b"/d\xff")
    command = [sys.executable, str(ROOT / "server.py"), "serve", "--port", "0", "--data", data]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"d\xff; stop with Ctrl-C)\n" in process.stdout.readline()
        process.terminate()
    assert process.returncode == 0


def free_port() -> int:
    """Below those that are given to clients: whoever waits there for a server may meet himself."""
    while True:
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", random.randrange(20_000, 32_000)))
            return int(one.getsockname()[1])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < deadline, "it never listened"
            time.sleep(0.02)


def stored(port: int, text: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("PUT", f"/files/{len(text)}", text.encode())
        return connection.getresponse().status


def test_a_secret_that_reaches_nobody_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = houserules.name_limits(Settings())
    accounts.add_user(tmp_path, "ann", "long enough")
    with open("/dev/full", "w") as full, monkeypatch.context() as patched:  # noqa: PTH123 - a device
        patched.setattr("sys.stdout", full)
        with pytest.raises(Refused, match="so nothing was changed"):
            commands.token(commandline.read(["token", "add", "free"]), tmp_path, limits)
    with open("/dev/full", "w") as full, monkeypatch.context() as patched:  # noqa: PTH123 - a device
        patched.setattr("sys.stdout", full)
        with pytest.raises(Refused, match="so nothing was changed"):
            commands.user(commandline.read(["user", "factor", "ann"]), tmp_path, opens=False)

    assert not accounts.list_tokens(tmp_path)
    assert not accounts.list_users(tmp_path)["ann"].factor


def in_a_shell(command: str, cwd: Path, entered: bytes = b"") -> tuple[int, bytes, bytes]:
    program = f'"{sys.executable}" "{ROOT / "server.py"}"'
    done = subprocess.run(
        ["/bin/sh", "-c", f"{program} {command}"],
        cwd=cwd,
        input=entered,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        ("user list >&-", 1, b"cannot be written to standard output: Bad file descriptor. "),
        ("user list >/dev/full", 1, b"cannot be written to standard output: No space left "),
        ("user list 2>&-", 0, b""),
        ("gc --data typo 2>&-", 1, b""),
        ("gc --data typo 2>/dev/full", 1, b""),
        ("user add ann --password-stdin <&-", 1, b"The password is too short"),
        ("user add ann <&-", 1, b"There is no terminal to ask for the password"),
    ],
)
def test_a_stream_that_is_closed_or_full_is_no_trace_and_no_success(
    tmp_path: Path, command: str, code: int, told: bytes
) -> None:
    ended, _, errors = in_a_shell(command, tmp_path)
    assert ended == code
    assert told in errors
    assert errors.count(b"\n") <= 1


def test_a_password_that_is_not_utf8_is_refused_in_words(tmp_path: Path) -> None:
    code, _, errors = in_a_shell("user add ann --password-stdin", tmp_path, b"long \xff enough\n")
    assert code == 1
    assert errors.startswith(b"noclobber: The password on standard input is not UTF-8")
    assert errors.count(b"\n") == 1


def test_the_first_line_is_the_password_whatever_the_locale_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    words = "user add ann --data data --password-stdin"
    assert in_a_shell(words, tmp_path, "\ufefflang genug: ü\r\n".encode())[0] == 0

    async def may_enter() -> bool:
        known = accounts.FileAccounts(tmp_path / "data")
        try:
            return await known.by_password("ann", "lang genug: ü") is not None
        finally:
            known.close()

    assert asyncio.run(may_enter())


def test_a_name_that_a_terminal_cannot_show_ends_no_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    for number, folder in enumerate(("in", "again")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "日本").write_text(str(number), encoding="utf-8")
        code, told, errors = in_a_shell(f"import {folder} --data data", tmp_path)
    assert (code, errors) == (1, b"")
    assert told.startswith(b'"\\u65e5\\u672c" holds other bytes')
    assert b"1 not taken." in told


def test_a_terminal_that_is_closed_ends_no_server_that_was_started_with_nohup(
    tmp_path: Path,
) -> None:
    with running(tmp_path / "data", under=["nohup"]) as program:
        program.process.send_signal(signal.SIGHUP)
        assert stored(program.port, "here") == 201
