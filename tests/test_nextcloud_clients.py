"""nextcloudcmd, and rclone as it speaks to Nextcloud, against the real server."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktops import NAME, PASSWORD, Desktop, Heard, losing, of_content, register
from tests.rclones import ODD, contents, make_tree
from tests.running import ROOT, Program, running

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the programs are packages of Debian"),
    pytest.mark.slow,
    pytest.mark.timeout(180),
]

MEGABYTE = 1_000_000
CHUNKED = {f"OWNCLOUD_{one}CHUNK_SIZE": str(MEGABYTE) for one in ("", "MIN_", "MAX_")}
CHUNKS = 12
UPLOADS = "/remote.php/dav/uploads/ann/"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    register(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def server(data: Path) -> Iterator[Program]:
    with running(data) as program:
        yield program


@pytest.fixture
def desktops(tmp_path: Path) -> tuple[Desktop, Desktop]:
    return Desktop(tmp_path / "one"), Desktop(tmp_path / "two")


def heard(server: Program, data: Path) -> Heard:
    return Heard(server, Path(f"{data}.log"))


def write(desktop: Desktop, name: str, text: str) -> None:
    path = desktop.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def in_turn(server: Program, *desktops: Desktop, times: int = 2) -> None:
    for _ in range(times):
        for desktop in desktops:
            desktop.sync(server)


def test_two_that_edit_one_file_offline_both_end_with_both_texts(
    server: Program, desktops: tuple[Desktop, Desktop]
) -> None:
    one, two = desktops
    write(one, "notes.txt", "as it was")
    in_turn(server, one, two, times=1)
    write(one, "notes.txt", "changed by the first")
    write(two, "notes.txt", "changed by the second, who is later")
    in_turn(server, one, two)
    in_turn(server, one, times=1)
    assert one.texts() == two.texts()
    assert one.texts()["notes.txt"] == "changed by the first"
    (copy,) = (name for name in one.texts() if name != "notes.txt")
    assert copy.startswith("notes (conflicted copy")
    assert one.texts()[copy] == "changed by the second, who is later"


def test_two_that_make_one_file_offline_lose_neither(
    server: Program, desktops: tuple[Desktop, Desktop]
) -> None:
    one, two = desktops
    write(one, "new.txt", "of the first")
    write(two, "new.txt", "of the second, and longer")
    in_turn(server, one, two)
    in_turn(server, one, times=1)
    assert one.texts() == two.texts()
    assert sorted(one.texts().values()) == ["of the first", "of the second, and longer"]


def test_what_one_has_deleted_and_the_other_edited_is_there_with_its_edit(
    server: Program, desktops: tuple[Desktop, Desktop]
) -> None:
    one, two = desktops
    write(one, "notes.txt", "as it was")
    # Where nothing stays as it is, the client would ask whether all is meant to go.
    write(one, "other.txt", "stays")
    in_turn(server, one, two, times=1)
    (one.root / "notes.txt").unlink()
    write(two, "notes.txt", "edited meanwhile")
    in_turn(server, one, two)
    in_turn(server, one, times=1)
    assert one.texts() == two.texts()
    assert one.texts() == {"notes.txt": "edited meanwhile", "other.txt": "stays"}


def chunks_heard(server: Program, data: Path, heard: Heard) -> list[str]:
    """Which pieces were acknowledged."""
    return [
        path.rpartition("/")[2]
        for method, path, status in heard.requests()
        if method == "PUT" and path.startswith(UPLOADS) and status == 201
    ]


def acknowledged(count: int, heard: Heard) -> None:
    heard.wait_for(
        lambda lines: (
            sum(
                method == "PUT" and path.startswith(UPLOADS) and status == 201
                for method, path, status in lines
            )
            >= count
        )
    )


def test_a_large_file_goes_on_after_the_client_and_the_server_were_killed(
    data: Path, tmp_path: Path
) -> None:
    one, body = Desktop(tmp_path / "one", CHUNKED), os.urandom(CHUNKS * MEGABYTE)
    (one.root / "large.bin").write_bytes(body)
    with running(data) as server:
        log = heard(server, data)
        client = one.begin(server)
        acknowledged(3, log)
        client.kill()
        client.communicate()
        done = chunks_heard(server, data, log)
        assert len(done) < CHUNKS
        again = heard(server, data)
        client = one.begin(server)
        acknowledged(2, again)
        server.kill()
        client.communicate(timeout=60)
        lines = again.lines()
    done += [path[-2:] for method, path, status in lines if (method, status) == ("PUT", 201)]
    with running(data, "--port", str(server.port)) as server:
        last = heard(server, data)
        one.sync(server)
        done += chunks_heard(server, data, last)
        stored = Desktop(tmp_path / "two")
        stored.sync(server)
    numbers = sorted(int(one) for one in done)
    assert numbers == sorted(set(numbers)), "a finished piece was sent again"
    assert len(numbers) >= CHUNKS - 1
    assert stored.contents() == {"large.bin": body}
    assert list((data / "arriving").iterdir()) == []


@pytest.mark.parametrize("kind", [b"PUT /remote.php/dav/files", b"MOVE /remote.php/dav/uploads"])
@pytest.mark.parametrize("before", [b"", b"as it was"], ids=["new", "changed"])
def test_an_answer_that_got_lost_makes_no_conflict(
    kind: bytes, before: bytes, server: Program, tmp_path: Path
) -> None:
    one = Desktop(tmp_path / "one", CHUNKED)
    body = os.urandom(10 if kind.startswith(b"PUT") else 3 * MEGABYTE)
    if before:
        (one.root / "a.bin").write_bytes(before)
    with losing(server, b"nothing yet") as line:
        one.sync(line)
        line.kind = kind
        (one.root / "a.bin").write_bytes(body)
        client = one.begin(line)
        client.communicate(timeout=60)
        assert line.lost
        one.sync(line)
    two = Desktop(tmp_path / "two")
    two.sync(server)
    assert one.contents() == two.contents() == {"a.bin": body}


def plant(desktop: Desktop) -> None:
    """Every odd name as a folder and as a file, but those that the client never sends."""
    chance = random.Random(7)
    for number, name in enumerate(ODD):
        folder = desktop.root / "tree" / f"{name} {number % 5}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.txt").write_bytes(chance.randbytes(chance.choice((0, 10, 5000))))
    (desktop.root / "empty" / "in it").mkdir(parents=True)


def test_a_tree_of_odd_names_is_the_same_everywhere_and_then_nothing_more_is_sent(
    server: Program, data: Path, desktops: tuple[Desktop, Desktop]
) -> None:
    one, two = desktops
    plant(one)
    in_turn(server, one, two, times=1)
    assert len(one.contents()) == len(ODD)
    assert two.contents() == one.contents()
    assert (two.root / "empty" / "in it").is_dir()
    assert_times_are_equal(one, two)
    # Who has sent something looks once more into the folders that it has changed.
    in_turn(server, one, times=1)
    for desktop in desktops:
        log = heard(server, data)
        desktop.sync(server)
        # Folders of which nothing has changed are not even looked into.
        assert log.requests() == [("PROPFIND", "/remote.php/dav/files/ann/", 207)]


def assert_times_are_equal(one: Desktop, two: Desktop) -> None:
    for name in one.contents():
        moments = [int((desktop.root / name).stat().st_mtime) for desktop in (one, two)]
        assert moments[0] == moments[1], name


def test_what_is_renamed_moved_and_deleted_on_either_side_follows_and_nothing_is_sent_again(
    server: Program, data: Path, desktops: tuple[Desktop, Desktop]
) -> None:
    one, two = desktops
    # Where nothing stays as it is, the client would ask whether all is meant to go.
    for name in ("a/b/file.txt", "a/other.txt", "gone.txt", "kept.txt", "stays/x.txt", "z.txt"):
        write(one, name, f"text of {name}")
    in_turn(server, one, two, times=1)

    log = heard(server, data)
    (one.root / "a" / "b").rename(one.root / "moved")
    (one.root / "kept.txt").rename(one.root / "renamed.txt")
    (one.root / "gone.txt").unlink()
    in_turn(server, one, two, times=1)
    # A file that was renamed by itself is a new version, which the other fetches; a folder is not.
    assert sorted(of_content(log.requests())) == [
        ("DELETE", "/remote.php/dav/files/ann/gone.txt"),
        ("GET", "/remote.php/dav/files/ann/renamed.txt"),
        ("MOVE", "/remote.php/dav/files/ann/a/b"),
        ("MOVE", "/remote.php/dav/files/ann/kept.txt"),
    ]
    assert two.texts() == one.texts() == {
        "a/other.txt": "text of a/other.txt",
        "moved/file.txt": "text of a/b/file.txt",
        "renamed.txt": "text of kept.txt",
        "stays/x.txt": "text of stays/x.txt",
        "z.txt": "text of z.txt",
    }  # fmt: skip

    log = heard(server, data)
    (two.root / "a" / "other.txt").rename(two.root / "moved" / "other.txt")
    shutil.rmtree(two.root / "stays")
    write(two, "moved/file.txt", "edited in its new place")
    in_turn(server, two, one, times=1)
    assert [method for method, _ in of_content(log.requests())].count("PUT") == 1
    assert two.texts() == one.texts() == {
        "moved/file.txt": "edited in its new place",
        "moved/other.txt": "text of a/other.txt",
        "renamed.txt": "text of kept.txt",
        "z.txt": "text of z.txt",
    }  # fmt: skip
    assert not (one.root / "stays").exists()


def test_of_two_that_change_different_files_of_a_folder_each_gets_the_others(
    server: Program, desktops: tuple[Desktop, Desktop]
) -> None:
    one, two = desktops
    for number in range(3):
        write(one, f"deep/er/{number}.txt", "as it was")
    in_turn(server, one, two, times=1)
    write(one, "deep/er/0.txt", "by the first")
    write(two, "deep/er/1.txt", "by the second!")
    write(two, "deep/new.txt", "made by the second")
    in_turn(server, one, two, one, times=1)
    assert one.texts() == two.texts() == {
        "deep/er/0.txt": "by the first",
        "deep/er/1.txt": "by the second!",
        "deep/er/2.txt": "as it was",
        "deep/new.txt": "made by the second",
    }  # fmt: skip


PACKAGED = "rclone"
NEWER = str(ROOT / ".venv-clients" / "bin" / "rclone")


def rclone(program: str, server: Program, *words: str) -> str:
    """What it said."""
    hidden = subprocess.run(
        [program, "obscure", PASSWORD], capture_output=True, text=True, check=True
    )
    said = subprocess.run(
        [program, *words, "--retries", "1", "-v"],
        env={
            **os.environ,
            "RCLONE_CONFIG": "/dev/null",
            "RCLONE_CONFIG_CLOUD_TYPE": "webdav",
            "RCLONE_CONFIG_CLOUD_URL": f"{server.url}/remote.php/dav/files/{NAME}",
            "RCLONE_CONFIG_CLOUD_VENDOR": "nextcloud",
            "RCLONE_CONFIG_CLOUD_USER": NAME,
            "RCLONE_CONFIG_CLOUD_PASS": hidden.stdout.strip(),
            "RCLONE_CONFIG_CLOUD_NEXTCLOUD_CHUNK_SIZE": "1Mi",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert said.returncode == 0, said.stderr[-3000:]
    return said.stdout + said.stderr


@pytest.mark.parametrize("program", [PACKAGED, NEWER], ids=["packaged", "newer"])
def test_rclone_keeps_times_and_finds_by_their_hashes_that_all_is_the_same(
    program: str, server: Program, tmp_path: Path
) -> None:
    here, back = tmp_path / "here", tmp_path / "back"
    make_tree(here, 40)
    rclone(program, server, "copy", str(here), "cloud:tree")
    checked = rclone(program, server, "check", str(here), "cloud:tree")
    assert "0 differences found" in checked
    assert "hashes could not be checked" not in checked
    assert "nothing to transfer" in rclone(program, server, "sync", str(here), "cloud:tree")
    changed = min(path for path in here.rglob("*") if path.is_file())
    changed.write_bytes(b"changed")
    rclone(program, server, "sync", str(here), "cloud:tree")
    rclone(program, server, "copy", "cloud:tree", str(back))
    assert contents(back) == contents(here)
    for path in here.rglob("*"):
        if path.is_file():
            moment = (back / path.relative_to(here)).stat().st_mtime
            assert int(moment) == int(path.stat().st_mtime)
    rclone(program, server, "moveto", "cloud:tree", "cloud:other")
    rclone(program, server, "check", str(here), "cloud:other")
    os.utime(changed, (1_600_000_000, 1_600_000_000))
    rclone(program, server, "sync", str(here), "cloud:other", "--retries", "1")
    checked = rclone(program, server, "check", str(here), "cloud:other")
    assert "hashes could not be checked" not in checked


def test_rclone_sends_a_large_file_in_pieces_and_replaces_it_so(
    server: Program, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    for at in (1_700_000_000, 1_700_000_001):
        (tmp_path / "here" / "large.bin").write_bytes(os.urandom(4_500_000))
        # Two of one size within a second are the same to rclone.
        os.utime(tmp_path / "here" / "large.bin", (at, at))
        log = heard(server, data)
        rclone(NEWER, server, "sync", str(tmp_path / "here"), "cloud:large")
        methods = [method for method, path, _ in log.requests() if path.startswith(UPLOADS)]
        assert (methods.count("PUT"), methods.count("MOVE")) == (5, 1)
        checked = rclone(NEWER, server, "check", str(tmp_path / "here"), "cloud:large")
        assert "0 differences found" in checked
        assert "hashes could not be checked" not in checked
