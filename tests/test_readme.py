"""The README's transcript, run as a newcomer would and compared character for character."""

import re
import subprocess
from pathlib import Path

from tests.running import ROOT, running

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
MARK = "-- the next command --"


def steps(block: str) -> list[tuple[str, str]]:
    """Each command with what it prints."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def test_the_start_line_is_the_one_that_the_readme_shows(tmp_path: Path) -> None:
    (command, printed) = steps(BLOCKS[0])[0]
    assert command == "make serve"

    with running(tmp_path / "data") as program:
        line = program.start_line

    shown = line.replace(str(program.port), "8080").replace(str(tmp_path / "data"), "./data")
    assert shown == printed


def test_the_transcript_prints_what_the_readme_shows(tmp_path: Path) -> None:
    expected = steps(BLOCKS[1])
    script = "\n".join(f"{command}\necho '{MARK}'" for command, _ in expected)
    here = tmp_path / "here"
    here.mkdir()

    with running(tmp_path / "data") as program:
        done = subprocess.run(
            ["bash", "-c", script.replace("localhost:8080", f"127.0.0.1:{program.port}")],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )

    printed = done.stdout.split(MARK + "\n")[:-1]
    assert list(zip((command for command, _ in expected), printed, strict=True)) == expected
