"""rclone against a server that runs, and trees of files with odd names for it."""

import json
import os
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.running import Program

ODD = (
    *("a b", "\u00fcn\u00ef", "\u65e5\u672c", "100%", "semi;colon", "amp&er", "hash#tag", "plus+"),
    *("it's", "q=1", "[br]", "{cu}", "~tilde", "pict\U0001f600", "comma,", "at@x", "$dollar"),
    *("!bang", "(par)", "caret^", "back`tick", "%41", "e\u0301t\u00e9", "l" * 190),
)
ENDINGS = (".txt", ".txt~", "~", "", ".tar.gz", ".\u0442\u0435\u043a\u0441\u0442")
# Of whoever asks, as nobody is registered.
ADDRESSES = {"nextcloud": "/remote.php/dav/files/anonymous"}
COPIED = ("Copied (new)", "Copied (replaced existing)")


def _environment(server: Program, vendor: str) -> dict[str, str]:
    return {
        **os.environ,
        "RCLONE_CONFIG": "/dev/null",
        "RCLONE_CONFIG_DAV_TYPE": "webdav",
        "RCLONE_CONFIG_DAV_URL": server.url + ADDRESSES.get(vendor, "/dav/"),
        "RCLONE_CONFIG_DAV_VENDOR": vendor,
    }


def rclone(
    server: Program, *words: str, vendor: str = "other"
) -> "subprocess.CompletedProcess[str]":
    """Once, so that what is refused is seen."""
    return subprocess.run(
        ["rclone", *words, "--retries", "1", "--low-level-retries", "1"],
        env=_environment(server, vendor),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@dataclass(frozen=True)
class Told:
    """What a run said. `copied`: the files of which it was told that they arrived."""

    code: int
    said: str
    copied: list[str]


def watched(
    server: Program,
    *words: str,
    vendor: str,
    after: int = 0,
    disturb: Callable[[], None] | None = None,
) -> Told:
    """With its own retries; `disturb` is called once, when that many files were copied."""
    process = subprocess.Popen(
        ["rclone", *words, "-v", "--use-json-log"],
        env=_environment(server, vendor),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said, copied = [], []
    with process:
        for line in process.stderr:
            said.append(line)
            # bisync begins with a line of another form.
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("msg") in COPIED:
                copied.append(event["object"])
            if disturb is not None and len(copied) >= after:
                disturb()
                disturb = None
    assert disturb is None, "it was over before it could be disturbed"
    return Told(process.returncode, "".join(said), copied)


def make_tree(root: Path, files: int) -> None:
    chance = random.Random(5)
    for number in range(files):
        folders = [f"{chance.choice(ODD)}{chance.randrange(3)}" for _ in range(number % 3)]
        name = f"{chance.choice(ODD)} {number}{chance.choice(ENDINGS)}"
        path = root.joinpath(*folders, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.choice((0, 1, 100, 5_000, 70_000))))
        moment = chance.randrange(10**9, 17 * 10**8)
        os.utime(path, (moment, moment))


def files_in(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files_in(root)}
