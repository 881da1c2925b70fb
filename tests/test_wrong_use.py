"""What the commands say to a person who mistypes; run as they are, in processes of their own."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from program import VERSION
from tests.running import ROOT


def said(*words: str, cwd: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "server.py"), *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("command", ["verify", "gc", "backup copy", "export out"])
def test_a_mistyped_data_folder_does_not_become_an_empty_store(
    tmp_path: Path, command: str
) -> None:
    assert said(*command.split(), "--data", "typo", cwd=tmp_path) == (
        1,
        'noclobber: There is no store in "typo". Name its folder with --data.\n',
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["user remove ann", "token revoke laptop"])
def test_what_only_takes_away_makes_no_data_folder(tmp_path: Path, command: str) -> None:
    assert said(*command.split(), "--data", "typo", cwd=tmp_path) == (
        1,
        'noclobber: There is no data folder "typo". Name it with --data.\n',
    )
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_is_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    for command in ("serve", "import ."):
        assert said(*command.split(), "--data", "notes.txt", cwd=tmp_path) == (
            1,
            'noclobber: "notes.txt" is not a folder. Name another with --data.\n',
        )


def test_an_empty_list_says_how_it_is_filled(tmp_path: Path) -> None:
    assert said("user", "list", cwd=tmp_path) == (
        0,
        "No user is registered. To register one: noclobber user add NAME\n",
    )
    assert "noclobber token add NAME" in said("token", "list", cwd=tmp_path)[1]


def test_an_interpreter_without_the_packages_says_which_one_has_them(tmp_path: Path) -> None:
    done = without_packages(tmp_path, str(ROOT / "server.py"), "--help")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ("The packages are missing. Run make serve, or use .venv/bin/python.\n")


def test_an_old_python_is_told_which_one_is_needed(tmp_path: Path) -> None:
    program = ROOT / "server.py"
    older = (
        "import runpy, sys; sys.version_info = (3, 9, 2); sys.version = '3.9.2 (default)';"
        f" runpy.run_path({str(program)!r}, run_name='__main__')"
    )

    ast.parse(program.read_text(), feature_version=(3, 9))
    assert without_packages(tmp_path, "-c", older).stderr == (
        "noclobber needs Python 3.11 or later, and this is 3.9.2.\n"
    )


def without_packages(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-S", *words], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_program_tells_its_version(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert said("--version", cwd=tmp_path) == (0, f"noclobber {VERSION}\n")
    assert project["version"] == VERSION


def test_help_for_help_is_the_help(tmp_path: Path) -> None:
    assert said("help", "help", cwd=tmp_path) == said("--help", cwd=tmp_path)
