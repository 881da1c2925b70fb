"""A server that runs for one measurement: started on its processors, watched, and ended."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.peers.servers import Place, Server, environment

PATIENCE = 30.0
TICKS = os.sysconf("SC_CLK_TCK")


class Silent(SystemExit):
    """A server that does not begin to answer: the end of a measurement, where nobody catches it."""


@dataclass(frozen=True)
class Running:
    place: Place
    process: subprocess.Popen[bytes]

    def cpu_seconds(self) -> float:
        """Of the server and all that it has started, ended ones included."""
        return sum(_cpu_seconds(pid) for pid in self._pids())

    def peak_bytes(self) -> int:
        return sum(_peak_bytes(pid) for pid in self._pids())

    def kill(self) -> None:
        """With all that it has started, as by kill -9."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _pids(self) -> list[int]:
        pids = [self.process.pid]
        for pid in pids:
            with suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    pids += [int(child) for child in (task / "children").read_text().split()]
        return pids


@contextmanager
def running(server: Server, folder: Path, processors: str) -> Iterator[Running]:
    """On a fresh folder, which is gone afterwards."""
    served = Path(tempfile.mkdtemp(dir=folder))
    private = Path(tempfile.mkdtemp())
    try:
        with serving(server, Place(free_port(), served, private), processors) as one:
            yield one
    finally:
        shutil.rmtree(served)
        shutil.rmtree(private)


@contextmanager
def serving(server: Server, place: Place, processors: str) -> Iterator[Running]:
    """On what is there already, and leaves it there."""
    command = ["taskset", "--cpu-list", processors, *server.command(place)]
    with (place.private / "output").open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=environment(place), start_new_session=True
        )
    try:
        _wait(place.port, process, place.private / "output")
        yield Running(place, process)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(port: int, process: subprocess.Popen[bytes], output: Path) -> None:
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise Silent(f"{process.args!r} does not answer:\n{output.read_text(errors='replace')}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def _peak_bytes(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return 0
