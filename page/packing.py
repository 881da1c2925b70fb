"""A step of setuptools: the wheel holds the built page. Loaded by its path, so not a package."""

import subprocess
import sys
from pathlib import Path

from setuptools.command.build_py import build_py


class WithPage(build_py):
    def run(self) -> None:
        build = [sys.executable, "-m", "page.building", "build"]
        subprocess.run(build, cwd=Path(__file__).resolve().parent.parent, check=True)
        super().run()
