"""What `setup.sh` makes of an environment that it finds, in a folder of its own."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.running import ROOT

# Stands for a Python that makes environments: what it makes writes down what it is asked.
MAKER = """\
#!/bin/sh
[ "$1" = -m ] || exit 0
mkdir -p .venv/bin
printf '#!/bin/sh\\necho "$@" >> asked\\n' > .venv/bin/python
chmod +x .venv/bin/python
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "setup.sh", tmp_path)
    (tmp_path / "some.lock").touch()
    maker = tmp_path / "programs" / "python3.14"
    maker.parent.mkdir()
    maker.write_text(MAKER)
    maker.chmod(0o700)
    return tmp_path


def set_up(tree: Path) -> str:
    done = subprocess.run(
        ["./setup.sh", "packages", "some.lock"],
        cwd=tree,
        env={"PATH": f"{tree / 'programs'}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("came", ["nothing", "half"])
def test_an_environment_whose_making_was_interrupted_is_made_anew(tree: Path, came: str) -> None:
    """Of pip nothing had come, or half: its list of files is what it writes last."""
    venv.create(tree / ".venv", symlinks=True, with_pip=False)
    if came == "half":
        (packages,) = (tree / ".venv").glob("lib/*/site-packages")
        for name in ("pip/__init__.py", "pip/__main__.py", "pip-1.0.dist-info/METADATA"):
            (packages / name).parent.mkdir(exist_ok=True)
            (packages / name).write_text("Name: pip\n" if name.endswith("METADATA") else "")

    assert "making .venv" in set_up(tree)
    assert (tree / "asked").read_text().endswith("--require-hashes -r some.lock\n")


def test_an_environment_that_is_whole_is_kept(tree: Path) -> None:
    (tree / ".venv").symlink_to(Path(sys.prefix))

    assert "making .venv" not in set_up(tree)
    assert (tree / ".venv").is_symlink()
