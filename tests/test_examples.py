"""The examples of the HTTP page, run in their order as a reader would, their answers compared.

`...` in a document stands for what is different each time, or too long to be shown.
"""

import re
import subprocess
from pathlib import Path

from tests.running import ROOT, running
from tests.test_readme import MARK, steps

PAGE = (ROOT / "docs" / "http-api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


def fits(printed: str, shown: str) -> bool:
    pattern = ".*".join(map(re.escape, shown.rstrip("\n").split("...")))
    return re.fullmatch(pattern, printed.rstrip("\n"), re.DOTALL) is not None


def test_an_ellipsis_stands_for_what_is_left_out_and_nothing_else_does() -> None:
    assert fits('{"a": 1, "b": 2}\n', '{"a": 1, ...}\n')
    assert not fits('{"a": 2, "b": 2}\n', '{"a": 1, ...}\n')
    assert not fits("said something\n", "")


def test_every_example_of_the_http_page_prints_what_is_shown(tmp_path: Path) -> None:
    expected = [step for block in BLOCKS for step in steps(block)]
    assert len(expected) >= 10
    script = "\n".join(f"{command}\necho '{MARK}'" for command, _ in expected)

    with running(tmp_path / "data") as program:
        done = subprocess.run(
            ["bash", "-c", script.replace("127.0.0.1:8080", f"127.0.0.1:{program.port}")],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )

    answers = done.stdout.split(MARK + "\n")[:-1]
    for (command, shown), printed in zip(expected, answers, strict=True):
        assert fits(printed, shown), f"$ {command}\n{printed}"
