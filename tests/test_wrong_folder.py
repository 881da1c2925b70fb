"""Commands in a folder that is not the one that was meant, or not ours to write in."""

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from program import commandline
from storage.upkeep.backup import backup, restore
from storage.upkeep.verify import verify
from tests.shelves import NOBODY, give_away, shelves
from tests.test_commands import plant
from tests.test_server import run
from uploads.failures import Unavailable


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
    ("command", "does"),
    [
        ("serve", "writes"),
        ("user add ann", "writes"),
        ("user list", "reads"),
        ("token revoke x", "writes"),
        ("token list", "reads"),
        ("import source", "writes"),
        ("export out", "writes"),
        ("verify --scrub", "reads"),
        ("verify --repair", "writes"),
        ("gc", "writes"),
        ("backup copy", "reads"),
        ("restore copy", "writes"),
        ("doctor", "reads"),
    ],
)
def test_only_what_reads_may_be_asked_of_the_folder_of_another_user(
    command: str, does: str
) -> None:
    assert commandline.writes(commandline.read(command.split())) == (does == "writes")


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


async def test_a_store_of_a_newer_program_is_neither_opened_nor_copied_nor_judged(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    async with shelves(data) as store:
        await store.store("a", b"a")
    step = "INSERT INTO _sqlite_migrations VALUES (99, 'noclobber', 'sharding', '2030-01-01')"
    with contextlib.closing(sqlite3.connect(data / "index.sqlite")) as index:
        index.execute(step)
        index.commit()

    refusal = "made by a newer noclobber. Install that one, or restore the backup"
    with pytest.raises(Unavailable, match=refusal):
        async with shelves(data):
            pass
    with pytest.raises(Unavailable, match=refusal):
        verify(data)
    with pytest.raises(Unavailable, match=refusal):
        backup(data, tmp_path / "copy")
    with pytest.raises(Unavailable, match=refusal):
        restore(data, tmp_path / "again")
