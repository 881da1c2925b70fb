"""davfs2: the tree as a folder of this machine, for cp, editors and rm.

These tests need root and the right to mount.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.mounts import must
from tests.rclones import contents, files_in, make_tree, rclone
from tests.running import Program, running, start
from tests.test_sync_clients import asked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="davfs2 is of Linux")

# With its buffer of 16 KiB it refuses to list folders for kernels that ask for more at once.
SETTINGS = """
ask_auth 0
buf_size 256
delay_upload 0
retry 1
max_retry 2
cache_dir {cache}
"""


@contextmanager
def mounted(program: Program, root: Path) -> Iterator[Path]:
    """With an empty cache. Unmounting waits until all is on the server."""
    folder, settings = root / "mount", root / "davfs2.conf"
    folder.mkdir(exist_ok=True)
    # It works as a user of its own, which may not look into the folders of a test.
    with TemporaryDirectory() as cache:
        shutil.chown(cache, group="davfs2")
        Path(cache).chmod(0o1775)
        settings.write_text(SETTINGS.format(cache=cache))
        settings.chmod(0o600)
        must("mount", "-t", "davfs", "-o", f"conf={settings}", f"{program.url}/dav/", str(folder))
        try:
            yield folder
        finally:
            must("umount", str(folder))


def brought(source: Path, target: Path) -> None:
    must("cp", "-r", "--preserve=timestamps", str(source), str(target))


def history(program: Program, name: str) -> list[bytes]:
    """What stood at a name, the newest first."""
    _, _, said = asked(program, "GET", f"/files/{name}?versions")
    versions = [one for one in json.loads(said)["versions"] if "href" in one]
    return [asked(program, "GET", one["href"])[2] for one in versions]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Program]:
    with running(tmp_path / "data") as program:
        yield program


def test_a_tree_is_copied_in_read_by_the_next_mount_and_removed(
    server: Program, tmp_path: Path
) -> None:
    here, back = tmp_path / "here", tmp_path / "back"
    make_tree(here, 60)
    with mounted(server, tmp_path) as mount:
        brought(here, mount / "tree")
    with mounted(server, tmp_path) as mount:
        brought(mount / "tree", back)
        assert contents(back) == contents(here)
        must("rm", "-r", str(mount / "tree"))
        assert not (mount / "tree").exists()
    assert asked(server, "GET", "/files/tree/")[0] == 404


def test_what_an_editor_writes_beside_a_file_and_renames_over_it_is_a_new_version(
    server: Program, tmp_path: Path
) -> None:
    asked(server, "PUT", "/files/notes/a.txt", b"first\n")
    with mounted(server, tmp_path) as mount:
        file, beside, backup = (mount / "notes" / name for name in ("a.txt", ".a.swp", "a.txt~"))
        must("sed", "-i", "s/first/second/", str(file))
        beside.write_bytes(b"third\n")
        file.rename(backup)
        beside.rename(file)
        backup.unlink()
        assert [path.name for path in files_in(mount / "notes")] == ["a.txt"]
        with file.open("ab") as more:
            more.write(b"and more\n")
    assert history(server, "notes/a.txt")[:2] == [b"third\nand more\n", b"third\n"]
    kept = history(server, "notes/a.txt") + history(server, "notes/a.txt~")
    assert {b"first\n", b"second\n"} <= set(kept)


def test_what_is_being_written_is_locked_until_it_is_stored(
    server: Program, tmp_path: Path
) -> None:
    with mounted(server, tmp_path) as mount, (mount / "a.txt").open("wb") as file:
        file.write(b"mine")
        assert asked(server, "PUT", "/dav/a.txt", b"theirs")[0] == 423
    assert asked(server, "GET", "/files/a.txt")[2] == b"mine"
    assert asked(server, "PUT", "/dav/a.txt", b"theirs")[0] == 204


def test_files_written_while_the_server_was_gone_are_stored_when_it_is_back(
    tmp_path: Path,
) -> None:
    here, back = tmp_path / "here", tmp_path / "back"
    make_tree(here, 20)
    changed = files_in(here)[0].relative_to(here)
    program = start(tmp_path / "data")
    try:
        with mounted(program, tmp_path) as mount:
            brought(here, mount / "tree")
            with (mount / "tree" / changed).open("wb") as file:
                file.write(b"changed while nobody listened")
                program.kill()
            program = start(tmp_path / "data", "--port", str(program.port))
        assert rclone(program, "copy", "dav:tree", str(back)).returncode == 0
    finally:
        program.stop()
    (here / changed).write_bytes(b"changed while nobody listened")
    assert contents(back) == contents(here)
