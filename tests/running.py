"""The real program in a process of its own, for tests that race it, kill it or measure it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import tracing

ROOT = Path(__file__).resolve().parent.parent
START_LINE = re.compile(r"http://[^ ]+?:(\d+)/")
START_WITHIN = 30.0
# A folder for the system calls of every server that is started here: `tests/trust/tracks.py`.
TRACES = os.environ.get("TRUST_TRACES")


@dataclass
class Program:
    process: subprocess.Popen[str]
    port: int
    start_line: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._close()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self._close()
        return code

    def _close(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()


def launch(
    data: Path,
    *options: str,
    env: dict[str, str] | None = None,
    log: Path | None = None,
    under: Sequence[str] = (),
) -> "subprocess.Popen[str]":
    """Returns at once. What it logs goes to `<data>.log` unless told. `under`: a command that runs it."""
    log = log or Path(f"{data}.log")
    if TRACES and not under:
        under = tracing.command(Path(TRACES))
    with log.open("ab") as logged:
        serve = [str(ROOT / "server.py"), "serve", "--data", str(data), "--port", "0"]
        return subprocess.Popen(
            [*under, sys.executable, *serve, *options],
            stdout=subprocess.PIPE,
            stderr=logged,
            text=True,
            cwd=data.parent,
            env={**os.environ, **(env or {})},
        )


def start(
    data: Path,
    *options: str,
    env: dict[str, str] | None = None,
    log: Path | None = None,
    under: Sequence[str] = (),
) -> Program:
    """Returns once the start line is out."""
    log = log or Path(f"{data}.log")
    process = launch(data, *options, env=env, log=log, under=under)
    began = time.monotonic()
    assert process.stdout is not None
    for line in process.stdout:
        if found := START_LINE.search(line):
            return Program(process, int(found[1]), line)
        if time.monotonic() - began > START_WITHIN:
            break
    process.kill()
    process.wait()
    process.stdout.close()
    raise AssertionError(f"no start line; the log says:\n{log.read_text()}")


@contextmanager
def running(
    data: Path,
    *options: str,
    env: dict[str, str] | None = None,
    log: Path | None = None,
    under: Sequence[str] = (),
) -> Iterator[Program]:
    program = start(data, *options, env=env, log=log, under=under)
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.stop()
        program._close()
