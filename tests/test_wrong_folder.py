"""Commands in a folder that is not the one that was meant, or not ours to write in."""

import os
from pathlib import Path

import pytest

from program import commandline
from tests.shelves import NOBODY, give_away
from tests.test_commands import plant
from tests.test_server import run


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_command_writes_nothing_into_the_folder_of_another_user(tmp_path: Path) -> None:
    data = tmp_path / "data"
    plant(tmp_path / "source", {"a": os.urandom(100_000)})
    run("import", "source", "--data", "data", cwd=tmp_path)
    run("backup", "copy", "--data", "data", cwd=tmp_path)
    (data / "copying.lock").unlink()
    give_away(data)
    empty = tmp_path / "empty"
    empty.mkdir()
    os.chown(empty, 54321, -1)

    def refused(*words: str) -> str:
        said = run(*words, cwd=tmp_path)
        assert (said.returncode, said.stdout) == (1, ""), words
        return said.stderr

    for words in (["serve", "--port", "0"], ["token", "add", "x"], ["import", "source"]):
        assert refused(*words, "--data", "data") == (
            "noclobber: The data folder data belongs to the user nobody. Run the command as that"
            " user: sudo -u nobody ... (of a service: see docs/operating.md)\n"
        )
    assert "sudo -u '#54321' ..." in refused("restore", "copy", "--data", "empty")
    assert list(empty.iterdir()) == []
    for reading in (["verify", "--scrub"], ["backup", "other"]):
        assert run(*reading, "--data", "data", cwd=tmp_path).returncode == 0, reading
    assert {place.stat().st_uid for place in (data, *data.rglob("*"))} == {NOBODY}
    assert (data / "copying.lock").exists()


@pytest.mark.parametrize(
    ("command", "writes"),
    [
        ("serve", True),
        ("user add ann", True),
        ("user list", False),
        ("token revoke x", True),
        ("token list", False),
        ("import source", True),
        ("export out", True),
        ("verify --scrub", False),
        ("verify --repair", True),
        ("gc", True),
        ("backup copy", False),
        ("restore copy", True),
        ("doctor", False),
    ],
)
def test_only_what_reads_may_be_asked_of_the_folder_of_another_user(
    command: str, writes: bool
) -> None:
    assert commandline.writes(commandline.read(command.split())) == writes


def test_whoever_registers_somebody_is_told_where_and_that_nothing_is_stored_there(
    tmp_path: Path,
) -> None:
    def told(*words: str) -> str:
        done = run(*words, "--data", "data", cwd=tmp_path, entered="long enough")
        return done.stdout + done.stderr

    unfamiliar = f"in {tmp_path}/data. (There was no store here yet: is it the right folder?)\n"

    assert told("user", "add", "ann", "--password-stdin") == f"ann is registered {unfamiliar}"
    assert told("token", "add", "ci", "--user", "ann").endswith(f"It is known {unfamiliar}")
    run("import", str(plant(tmp_path / "source", {"a": b"a"})), "--data", "data", cwd=tmp_path)
    assert told("user", "add", "bob", "--password-stdin") == (
        f"bob is registered in {tmp_path}/data.\n"
    )
    assert told("token", "add", "cd", "--user", "ann").endswith(f"known in {tmp_path}/data.\n")
