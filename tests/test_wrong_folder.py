"""Commands in a folder that is not the one that was meant, or not ours to write in."""

import os
from pathlib import Path

import pytest

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

    for words in (
        ["serve", "--port", "0"],
        ["user", "add", "ann", "--password-stdin"],
        ["token", "add", "x"],
        ["import", "source"],
        ["export", "out"],
        ["gc"],
        ["verify", "--repair"],
    ):
        assert refused(*words, "--data", "data") == (
            "noclobber: The data folder data belongs to the user nobody. Run the command as that"
            " user: sudo -u nobody ... (of a service: see docs/operating.md)\n"
        )
    assert "sudo -u '#54321' ..." in refused("restore", "copy", "--data", "empty")
    assert list(empty.iterdir()) == []
    for reading in (["verify", "--scrub"], ["backup", "other"], ["user", "list"]):
        assert run(*reading, "--data", "data", cwd=tmp_path).returncode == 0, reading
    assert {place.stat().st_uid for place in (data, *data.rglob("*"))} == {NOBODY}
    assert (data / "copying.lock").exists()
