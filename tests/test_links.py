"""Folders that are named by a link, as systemd makes them, or a machine with a second disk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT, START_LINE, Program, running
from tests.test_commands import plant
from tests.test_server import ask, register, run

BIG = os.urandom(100_000)


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """As with `DynamicUser=yes` and `StateDirectory=` of systemd: data -> private/data."""
    (tmp_path / "private" / "data").mkdir(parents=True)
    (tmp_path / "data").symlink_to("private/data")
    return tmp_path / "data"


def test_a_data_folder_that_a_link_leads_to_is_served_and_kept(
    tmp_path: Path, linked: Path
) -> None:
    register(tmp_path, "ann")
    with running(linked) as program:
        assert f"(data in {tmp_path / 'private' / 'data'};" in program.start_line
    assert run("user", "remove", "ann", "--data", "data", cwd=tmp_path).returncode == 0
    with running(linked) as program:
        assert ask(program, "PUT", "/files/big", BIG)[0] == 201
    for command in ("gc", "verify --scrub", "verify --repair", "export out", "doctor"):
        said = run(*command.split(), "--data", "data", cwd=tmp_path)
        assert (said.returncode, said.stderr) == (0, ""), command
    assert (tmp_path / "out" / "big").read_bytes() == BIG
    assert linked.is_symlink()


def test_the_configuration_may_name_a_link(tmp_path: Path, linked: Path) -> None:
    (tmp_path / "config.toml").write_text('[data]\nfolder = "data"\n')
    with subprocess.Popen(
        [sys.executable, str(ROOT / "server.py"), "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = START_LINE.search(line)
        assert found
        assert ask(Program(process, int(found[1]), line), "PUT", "/files/big", BIG)[0] == 201
        process.terminate()
    assert process.returncode == 0
    assert (linked / "index.sqlite").is_file()


def test_a_link_above_the_data_folder_leads_to_it_as_well(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "srv").symlink_to("var")
    with running(tmp_path / "srv" / "data") as program:
        assert ask(program, "PUT", "/files/big", BIG)[0] == 201


def test_a_backup_disk_may_be_a_link_and_so_may_what_comes_in_and_goes_out(
    tmp_path: Path,
) -> None:
    plant(tmp_path / "source", {"big": BIG})
    for name, there in (("come", "source"), ("disk", "mnt"), ("out", "written")):
        (tmp_path / there).mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(there)
    for command in (
        "import come --data data",
        "backup disk --data data",
        "restore disk --data again",
        "verify --scrub --data again",
        "export out --data again",
    ):
        said = run(*command.split(), cwd=tmp_path)
        assert (said.returncode, said.stderr) == (0, ""), command
    assert (tmp_path / "written" / "big").read_bytes() == BIG


@pytest.mark.parametrize("leads", ["nowhere", "data"])
@pytest.mark.parametrize("command", ["serve --port 0", "user add ann", "verify", "doctor"])
def test_a_link_that_leads_nowhere_is_refused_in_words(
    tmp_path: Path, command: str, leads: str
) -> None:
    """An empty store in place of a disk that is not mounted would look like a loss."""
    (tmp_path / "data").symlink_to(leads)
    for data in ("data", "data/below"):
        said = run(*command.split(), "--data", data, cwd=tmp_path)
        assert (said.returncode, said.stdout) == (1, "")
        assert said.stderr == (
            f'noclobber: "data" is a symbolic link to "{leads}", which leads nowhere.'
            " Is a disk not mounted?\n"
        )
    assert [one.name for one in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("command", ["import", "export", "backup", "restore"])
def test_a_linked_folder_besides_the_data_folder_has_to_lead_somewhere_as_well(
    tmp_path: Path, command: str
) -> None:
    run("import", str(plant(tmp_path / "source", {"a": b"a"})), "--data", "data", cwd=tmp_path)
    (tmp_path / "link").symlink_to("nowhere")
    data = "again" if command == "restore" else "data"
    said = run(command, "link", "--data", data, cwd=tmp_path)
    assert said.returncode == 1
    assert '"link" is a symbolic link to "nowhere", which leads nowhere.' in said.stderr
    assert not (tmp_path / "nowhere").exists()


def test_a_link_within_the_data_folder_is_followed_by_nobody(tmp_path: Path) -> None:
    with running(tmp_path / "data") as program:
        assert ask(program, "PUT", "/files/big", BIG)[0] == 201
        (blob,) = (tmp_path / "data" / "blobs").glob("*/*")
        blob.parent.rename(tmp_path / "elsewhere")
        blob.parent.symlink_to(tmp_path / "elsewhere")
        assert ask(program, "GET", "/files/big")[0] == 503
