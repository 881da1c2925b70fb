"""The order of the system calls of all servers that the other tests start, module by module."""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.running import ROOT
from tests.tracing import read
from tests.trust.orders import Run, judged, makes_anew

TESTS = ROOT / "tests"
# These trace their servers themselves, and one process can be traced by one alone.
TRACING = ("tests.tracing", "tests.trust.calls", "tests.trust.house")
STARTING = ("tests.running", "tests.transcripts", "tests.page", "tests.rclones", "tests.desktops")
USAGE = 2


@dataclass(frozen=True)
class Module:
    """Of tests, by its path below the project."""

    path: str

    def faults(self) -> list[str]:
        return [breach for run in self.runs() for breach in run.breaches]

    def runs(self) -> list[Run]:
        """One for each server that it started."""
        with tempfile.TemporaryDirectory(prefix="noclobber-traces-") as folder:
            ran = self._run(Path(folder))
            # A test that fails because its server is slower than ever is no matter of order.
            assert ran.returncode < USAGE, f"it cannot be run: {ran.stdout[-500:]}"
            traces = sorted(Path(folder).glob("*.trace"))
            return [judged(read(trace), makes_anew) for trace in traces]

    def _run(self, folder: Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-o", "timeout=600", self.path],
            cwd=ROOT,
            env={**os.environ, "TRUST_TRACES": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )


def modules() -> list[Module]:
    """That start servers, and do not look at their calls themselves."""
    found = []
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if any(name in text for name in STARTING) and not any(name in text for name in TRACING):
            found.append(Module(str(path.relative_to(ROOT))))
    return found
