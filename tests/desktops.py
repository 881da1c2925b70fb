"""nextcloudcmd, the desktop client of Nextcloud without its window, against a server that runs."""

import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from storage import accounts
from tests.running import Program

NAME, PASSWORD = "ann", "a long enough password"
REQUEST = re.compile(r"info +([A-Z]+) (/.*) ([0-9]{3})  request_id=")
MARK = "/nothing-but-a-mark-"
# What it asks before it looks at a file, and what only we ask.
APART = ("/status.php", "/ocs/", MARK)
PATIENCE = 30.0


def register(data: Path) -> None:
    data.mkdir(exist_ok=True)
    accounts.add_user(data, NAME, PASSWORD)


@dataclass
class Desktop:
    """A folder that is kept the same as the server's tree, and what its client remembers of it."""

    root: Path
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root.mkdir()
        self.home = self.root.with_name(self.root.name + ".home")
        self.home.mkdir()

    def begin(self, server: "Program | Line") -> "subprocess.Popen[str]":
        words = ["--non-interactive", "-h", "-u", NAME, "-p", PASSWORD, str(self.root), server.url]
        return subprocess.Popen(
            ["nextcloudcmd", *words],
            env={
                **os.environ,
                **{f"XDG_{one}_HOME": str(self.home) for one in ("CONFIG", "CACHE", "DATA")},
                "HOME": str(self.home),
                "QT_QPA_PLATFORM": "offscreen",
                **self.settings,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def sync(self, server: "Program | Line") -> None:
        """Until it says that all is well."""
        with self.begin(server) as process:
            try:
                _, said = process.communicate(timeout=60)
            finally:
                process.kill()
        assert process.returncode == 0, said[-5000:]

    def texts(self) -> dict[str, str]:
        return {name: body.decode() for name, body in self.contents().items()}

    def contents(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and not path.name.startswith(".sync_")
        }


@dataclass
class Heard:
    """Which requests of a client the server has heard, by its log, from now on."""

    server: Program
    log: Path

    def __post_init__(self) -> None:
        self._start = self.log.stat().st_size

    def requests(self) -> list[tuple[str, str, int]]:
        """Method, path and status of each, but for what every sync begins with."""
        self._come_to_the_end()
        return [one for one in self.lines() if not one[1].startswith(APART)]

    def wait_for(self, enough: Callable[[list[tuple[str, str, int]]], bool]) -> None:
        until = time.monotonic() + PATIENCE
        while not enough(self.lines()):
            assert time.monotonic() < until, self.lines()
            time.sleep(0.002)

    def lines(self) -> list[tuple[str, str, int]]:
        with self.log.open(encoding="utf-8", errors="replace") as log:
            log.seek(self._start)
            found = [REQUEST.search(line) for line in log]
        return [(one[1], one[2], int(one[3])) for one in found if one is not None]

    def _come_to_the_end(self) -> None:
        """What was answered before this is logged before it."""
        mark = f"{MARK}{time.monotonic_ns()}"
        with suppress(ConnectionError):
            connection = HTTPConnection("127.0.0.1", self.server.port, timeout=60)
            connection.request("GET", mark)
            connection.getresponse().read()
            connection.close()
        self.wait_for(lambda lines: any(path == mark for _, path, _ in lines))


def of_content(requests: list[tuple[str, str, int]]) -> list[tuple[str, str]]:
    """Those that bring or fetch the bytes of a file, or change the tree."""
    return [(method, path) for method, path, _ in requests if method != "PROPFIND"]


@dataclass
class Line:
    """A way to the server on which the answer to the first request of a kind gets lost."""

    server: Program
    kind: bytes
    listening: socket.socket
    lost: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listening.accept()
                server = socket.create_connection(("127.0.0.1", self.server.port))
                doomed = threading.Event()
                for source, sink in ((client, server), (server, client)):
                    asks = source is client
                    hand_on = threading.Thread(
                        target=self._hand_on, args=(source, sink, doomed), kwargs={"asks": asks}
                    )
                    hand_on.start()

    def _hand_on(
        self, source: socket.socket, sink: socket.socket, doomed: threading.Event, *, asks: bool
    ) -> None:
        with suppress(OSError), source, sink:
            while data := source.recv(1 << 16):
                if asks and data.startswith(self.kind) and not self.lost:
                    doomed.set()
                    self.lost.append(data)
                if doomed.is_set() and not asks:
                    # The server has answered, so that what was asked is done.
                    break
                sink.sendall(data)
            for one in (source, sink):
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def losing(server: Program, kind: bytes) -> Iterator[Line]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        line = Line(server, kind, listening)
        threading.Thread(target=line.serve, daemon=True).start()
        try:
            yield line
        finally:
            listening.shutdown(socket.SHUT_RDWR)
