"""What the serving process cannot do even if somebody made it run what they like."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from program import sandbox
from tests.running import ROOT, START_LINE, running
from tests.wire import ask, message, put

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock is a part of Linux")

TRIED = """
import json, os, socket, sys
from pathlib import Path
from program import sandbox

data = Path(sys.argv[1])
found = sandbox.shut_in(data, int(sys.argv[4]))
outcome = {"version": found}

def tried(what, act):
    try:
        act()
    except OSError as error:
        outcome[what] = error.errno
    else:
        outcome[what] = 0

def connect(port):
    socket.create_connection(("127.0.0.1", port), 5).close()

def unnamed():
    descriptor = os.open(data, os.O_TMPFILE | os.O_RDWR, 0o600)
    with_name = os.open(data / "sub", os.O_RDONLY | os.O_DIRECTORY)
    os.link(f"/proc/self/fd/{descriptor}", "kept", dst_dir_fd=with_name)

tried("store", lambda: (data / "a").write_text("x"))
tried("make a folder", lambda: (data / "sub").mkdir())
tried("link a file without a name", unnamed)
tried("move", lambda: (data / "a").rename(data / "sub" / "a"))
tried("read shadow", lambda: Path("/etc/shadow").read_text())
tried("read a neighbour", lambda: (data.parent / "neighbour").read_text())
tried("write a neighbour", lambda: (data.parent / "neighbour").write_text("x"))
tried("write the program", lambda: (Path(sandbox.__file__).parent / "x").write_text("x"))
tried("write elsewhere", lambda: Path("/tmp/noclobber-sandbox").write_text("x"))
tried("list home", lambda: os.listdir(Path.home()))
tried("make a link", lambda: (data / "link").symlink_to("/etc/shadow"))
tried("make a pipe", lambda: os.mkfifo(data / "pipe"))
tried("run a program", lambda: os.execv("/bin/true", ["true"]))
tried("call the scanner", lambda: connect(int(sys.argv[4])))
tried("call somebody", lambda: connect(int(sys.argv[2])))
tried("signal another", lambda: os.kill(int(sys.argv[3]), 0))
print(json.dumps(outcome))
"""
DENIED = {1, 13}
FINE = ("store", "make a folder", "link a file without a name", "move", "call the scanner")


def test_a_process_that_is_shut_in_can_only_store(tmp_path: Path) -> None:
    found = sandbox.version()
    assert found > 0, "this kernel has no Landlock"
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "neighbour").write_text("mine")
    with running(tmp_path / "another") as program, socket.create_server(("127.0.0.1", 0)) as one:
        ports = str(program.port), str(one.getsockname()[1])
        ran = subprocess.run(
            [sys.executable, "-c", TRIED, str(data), ports[0], str(os.getpid()), ports[1]],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    outcome = json.loads(ran.stdout)
    assert outcome.pop("version") == found
    assert {what: outcome.pop(what) for what in FINE} == dict.fromkeys(FINE, 0)
    if found < sandbox.WITH_NETWORK:
        outcome.pop("call somebody")
    if found < sandbox.WITH_SCOPES:
        outcome.pop("signal another")
    allowed = {what: number for what, number in outcome.items() if number not in DENIED}
    assert allowed == {}
    assert (tmp_path / "neighbour").read_text() == "mine"


def unprivileged(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    return "NoNewPrivs:\t1" in status


@pytest.mark.parametrize(("wanted", "shut_in"), [("true", True), ("false", False)])
async def test_the_server_is_shut_in_unless_told_otherwise_and_serves_as_ever(
    tmp_path: Path,
    wanted: str,
    shut_in: bool,  # noqa: FBT001 - what is expected
) -> None:
    env = {"NOCLOBBER_SERVER_SANDBOX": wanted}
    with running(tmp_path / "data", env=env) as program:
        assert START_LINE.search(program.start_line)
        assert unprivileged(program.pid) is shut_in
        for body in (b"small", b"large" * 100_000):
            path = f"/files/{len(body)}"
            assert (await ask(program.port, put(path, body))).status == 201
            assert (await ask(program.port, message("GET", path))).body == body
        assert (await ask(program.port, message("GET", "/health/ready"))).status == 200
        assert (await ask(program.port, message("GET", "/metrics"))).status == 200
        page = await ask(program.port, message("GET", "/files/", b"", {"Accept": "text/html"}))
        assert page.headers["content-type"].startswith("text/html")
