"""Wrong versions of our own code, from `wrong.toml`, and whether the test that has to notice does."""

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("wrong.toml")
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", ".*_cache", ".hypothesis", "__pycache__", "node_modules", "data", "dist"
)
CAUGHT, PASSED = 1, 0
WITHIN = 600.0


class Moved(Exception):
    """The code is no longer what the table says."""


@dataclass(frozen=True)
class Wrong:
    """In `path`, what is `before` becomes `after`: `test` has to notice."""

    name: str
    path: str
    before: str
    after: str
    test: str

    def applied(self) -> str:
        """The whole wrong file. :raises Moved: there is not exactly one place for it."""
        text = (ROOT / self.path).read_text(encoding="utf-8")
        if (found := text.count(self.before)) != 1:
            raise Moved(f"{self.name}: {self.path} has its place {found} times, not once")
        return text.replace(self.before, self.after)

    def faults(self, folder: Path) -> list[str]:
        """Why it was not caught. In a copy of the tree, which is left as it was."""
        copy = folder / f"tree {os.getpid()}"
        if not copy.exists():
            shutil.copytree(ROOT, copy, ignore=LEFT_OUT, symlinks=True)
        place = copy / self.path
        right = place.read_text(encoding="utf-8")
        try:
            _write(place, self.applied())
            return self._judged(copy)
        finally:
            _write(place, right)

    def _judged(self, copy: Path) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", self.test],
            cwd=copy,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )
        if done.returncode == CAUGHT:
            return []
        if done.returncode == PASSED:
            return [f"{self.test} does not notice"]
        return [f"{self.test} cannot be run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"]


def _write(place: Path, text: str) -> None:
    """Python tells a changed file by its second and its size: what was compiled of it goes, too."""
    place.write_text(text, encoding="utf-8")
    for compiled in (place.parent / "__pycache__").glob(f"{place.stem}.*.pyc"):
        compiled.unlink()


def table() -> list[Wrong]:
    return [Wrong(**row) for row in tomllib.loads(TABLE.read_text(encoding="utf-8"))["wrong"]]
