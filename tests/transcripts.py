"""Commands that a document shows with what they print, run in their order against a server."""

import re
import subprocess
from pathlib import Path

from tests.running import ROOT, running

MARK = "-- the next command --"


def blocks(document: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(r"^```console\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def steps(block: str) -> list[tuple[str, str]]:
    """Each command with what is shown of its answer."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def printed(commands: list[str], folder: Path, address: str) -> list[str]:
    """What each of them really prints; `address` is the one that the document has in its place."""
    here = folder / "here"
    here.mkdir()
    script = "\n".join(f"{command}\necho '{MARK}'" for command in commands)
    with running(folder / "data") as program:
        done = subprocess.run(
            ["bash", "-c", script.replace(address, f"127.0.0.1:{program.port}")],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    return done.stdout.split(MARK + "\n")[:-1]
