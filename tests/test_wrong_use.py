"""What the commands say to a person who mistypes; run as they are, in processes of their own."""

import ast
import asyncio
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from program import VERSION, commandline, commands, houserules, listening
from program.console import Refused
from program.settings import Server, Settings
from storage import accounts
from tests.running import ROOT
from tests.shelves import powerless, shelves


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


def test_a_mistyped_backup_leaves_no_data_folder(tmp_path: Path) -> None:
    assert said("restore", "typo", "--data", "data", cwd=tmp_path) == (
        1,
        'noclobber: There is no store in "typo". Name the folder that holds index.sqlite.\n',
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


@pytest.mark.parametrize(
    ("host", "port", "advice"),
    [
        ("nowhere.invalid", 0, "This machine has no such address."),
        ("192.0.2.1", 0, "This machine has no such address."),
        ("127.0.0.1", 80, "Ports below 1024 are for root: take a higher one and put a proxy"),
    ],
)
async def test_where_nobody_can_listen_it_says_what_to_do(
    host: str, port: int, advice: str
) -> None:
    with powerless():
        if port and may_listen(port):
            pytest.skip("here everybody may listen at every port")
    with powerless(), pytest.raises(Refused, match=advice):
        await listening.listen(asyncio.Protocol, host, port)


def may_listen(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except PermissionError:
        return False
    return True


def test_a_name_that_leads_nowhere_is_not_said_to_be_reached_by_others() -> None:
    settings = Settings(server=Server(host="nowhere.invalid"))

    class Nobody(houserules.OperatorOnly):
        def any_users(self) -> bool:
            return False

    houserules.check_address(settings, Nobody())


def test_what_is_closed_to_us_is_for_its_owner(tmp_path: Path) -> None:
    index = tmp_path / "data" / "index.sqlite"
    index.mkdir(parents=True)
    (tmp_path / "data" / "lock").touch()

    assert said("export", "out", "--data", "data", cwd=tmp_path)[1].startswith(
        "noclobber: There is no"
    )
    code, told = said("serve", "--data", "data", "--port", "0", cwd=tmp_path)
    assert (code, told) == (
        1,
        "noclobber: The index cannot be used: unable to open database file."
        " Run it as the user who owns the folder.\n",
    )


def test_a_setting_that_cannot_be_is_told_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "house.toml").write_text("[limits]\nreserve_time = '6 min'\n[srver]\n")

    code, told = said("serve", "--config", "house.toml", cwd=tmp_path)

    assert code == 2
    assert told.splitlines() == [
        "noclobber: house.toml: srver: there is no such setting; did you mean server?",
        "noclobber: house.toml: limits.reserve_time: is '6 min', but must be from 0 s to 5 min.",
    ]


def test_lists_say_who_has_a_second_factor_and_what_a_token_without_a_user_may(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ann", "bob"):
        accounts.add_user(tmp_path, name, "long enough")
    accounts.set_factor(tmp_path, "ann")
    accounts.add_token(tmp_path, "free")
    limits = houserules.name_limits(Settings())

    commands.user(commandline.read(["user", "list"]), tmp_path, opens=False)
    commands.token(commandline.read(["token", "list"]), tmp_path, limits)

    ann, bob, free = capsys.readouterr().out.splitlines()
    assert ann.endswith(", with a second factor")
    assert "factor" not in bob
    assert " no user: what [[access]] gives to token:free, since " in free


def test_the_secret_of_a_token_is_all_of_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = houserules.name_limits(Settings())
    commands.token(commandline.read(["token", "add", "free"]), tmp_path, limits)

    told = capsys.readouterr()
    assert re.fullmatch(r"nct_[\w-]+\n", told.out)
    assert told.err.startswith("This is shown once only.")


async def test_a_backup_of_small_contents_says_why_there_are_no_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with shelves(tmp_path / "data") as store:
        await store.store("a", b"a")

    commands.backup(commandline.read(["backup", str(tmp_path / "copy")]), tmp_path / "data")

    assert "(all of them are small and lie in the index)" in capsys.readouterr().out
