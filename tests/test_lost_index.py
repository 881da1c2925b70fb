"""An index that is gone, empty, or does not say any more what it names: nothing begins anew over
bytes, and none are removed because an index does not know them.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storage.sqlite import connecting, founding
from storage.upkeep.backup import backup
from tests.test_commands import plant
from tests.test_server import run
from uploads.failures import Unavailable

BIG = b"bytes that lie in a file of their own" * 1000
LEFT_BY_A_CRASH = "1 1\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    plant(tmp_path / "source", {"a": BIG, "b": BIG + b"!"})
    run("import", "source", "--data", "data", cwd=tmp_path)
    return tmp_path / "data"


def execute(data: Path, statement: str) -> None:
    with closing(sqlite3.connect(data / "index.sqlite")) as index:
        index.execute(statement)
        index.commit()


def removed(data: Path) -> None:
    (data / "index.sqlite").unlink()


def emptied(data: Path) -> None:
    (data / "index.sqlite").write_bytes(b"")


def made_anew(data: Path) -> None:
    """By a start that went no further."""
    fresh = data.parent / "fresh"
    fresh.mkdir()
    connecting.writer(fresh).close()
    shutil.copy(fresh / "index.sqlite", data / "index.sqlite")


def blobs(data: Path) -> set[str]:
    return {path.name for path in (data / "blobs").glob("*/*")}


def commands(data: Path, *commands: str) -> Iterator[tuple[str, str]]:
    """What each says that is refused; a crash came before it, and no bytes go."""
    before = blobs(data)
    for command in commands:
        (data / "lock").write_text(LEFT_BY_A_CRASH)
        said = run(*command.split(), "--data", "data", cwd=data.parent)
        assert said.returncode == 1, command
        assert blobs(data) == before, command
        yield command, said.stdout + said.stderr
    assert len(before) == 2


def test_no_command_begins_anew_where_bytes_are_without_their_index(
    tmp_path: Path, data: Path
) -> None:
    emptied(data)
    for command, said in commands(
        data, "serve --port 0", "gc", "verify --repair", "import source", "backup copy"
    ):
        assert f'The index of "{tmp_path}/data" is gone or empty' in said, command
        assert "Bring the index back, or restore the backup" in said


@pytest.mark.parametrize("lost", [removed, emptied, made_anew])
def test_an_index_is_not_made_over_bytes_nor_is_the_log_beside_it_dropped(
    data: Path, lost: Callable[[Path], None]
) -> None:
    lost(data)
    log = data / "index.sqlite-wal"
    if lost is not made_anew:
        log.write_bytes(b"what was written last")
    with pytest.raises(Unavailable, match="is gone or empty"):
        founding.digest_algorithm(data, "blake3")
    assert lost is made_anew or log.read_bytes() == b"what was written last"
    shutil.rmtree(data / "blobs")
    assert founding.digest_algorithm(data, "sha256") == "sha256"


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (
            "DELETE FROM meta WHERE name = 'digest'",
            "it does not say any more of which algorithm its digests are",
        ),
        (
            "UPDATE meta SET value = 'sha256' WHERE name = 'digest'",
            "it says that its digests are of sha256, and has blake3:",
        ),
    ],
)
def test_no_bytes_are_taken_for_unnamed_because_the_index_names_them_otherwise(
    tmp_path: Path, data: Path, damage: str, what: str
) -> None:
    copy = tmp_path / "copy"
    backup(data, copy)
    execute(data, damage)

    for command, said in commands(data, "gc", "verify --repair", "backup copy"):
        assert what in said or command == "backup copy"
    assert blobs(copy) == blobs(data)
    with pytest.raises(Unavailable, match=what):
        founding.digest_algorithm(data, "blake3")
