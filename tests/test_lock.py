"""One process owns a data folder, whatever became of the one before."""

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storage import lock

HOLD = "import sys, pathlib; from storage.lock import own; own(pathlib.Path(sys.argv[1])); print('mine', flush=True); sys.stdin.read()"


def holder(folder: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "mine\n"
    return process


def test_a_second_process_is_told_at_once_who_has_the_folder_and_what_to_do(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        begun = time.monotonic()
        with pytest.raises(lock.NotOwned) as refused:
            lock.own(tmp_path)
        assert time.monotonic() - begun < 1
        assert f"process {process.pid}" in str(refused.value)
        assert "--data" in str(refused.value)
        process.kill()
        assert process.stdin is not None
        process.stdin.close()


def test_who_removes_the_file_of_the_lock_lets_nobody_in(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        (tmp_path / lock.NAME).unlink()
        with pytest.raises(lock.NotOwned, match="in use by another process"):
            lock.own(tmp_path)
        assert not (tmp_path / lock.NAME).exists()
        process.kill()


def test_who_was_here_before_the_folder_itself_was_locked_is_seen(tmp_path: Path) -> None:
    with (tmp_path / lock.NAME).open("w") as earlier:
        fcntl.flock(earlier, fcntl.LOCK_EX)
        earlier.write("77 1\n")
        earlier.flush()
        with pytest.raises(lock.NotOwned, match="in use by process 77"):
            lock.own(tmp_path)
    with lock.own(tmp_path) as owned:
        owned.untidy = False


def test_a_store_whose_lock_was_removed_may_hold_what_a_crash_left(tmp_path: Path) -> None:
    with lock.own(tmp_path) as owned:
        assert not owned.untidy
        (tmp_path / lock.INDEX).write_bytes(b"rows")
    (tmp_path / lock.NAME).unlink()
    with lock.own(tmp_path) as owned:
        assert owned.untidy


def test_a_lock_that_a_killed_process_left_behind_blocks_nobody(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.kill()
        process.wait()
        assert (tmp_path / lock.NAME).read_text().startswith(f"{process.pid} ")
        with lock.own(tmp_path):
            assert (tmp_path / lock.NAME).read_text().startswith(f"{os.getpid()} ")


def test_a_released_folder_can_be_owned_again(tmp_path: Path) -> None:
    lock.own(tmp_path).release()
    lock.own(tmp_path).release()


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / lock.NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        lock.own(tmp_path)
    assert (tmp_path / "elsewhere").read_text() == "precious"


def test_this_folder_is_on_a_local_file_system(tmp_path: Path) -> None:
    assert lock.file_system(tmp_path)
    assert lock.file_system(Path("/proc")) == "proc"


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse", "ceph"])
def test_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    mounts = tmp_path / "mountinfo"
    point = str(tmp_path.resolve()).replace(" ", "\\040")
    mounts.write_text(
        "1 0 8:1 / / rw shared:1 - ext4 /dev/root rw\n"
        f"2 1 0:99 / {point} rw,noexec shared:9 master:1 - {kind} server:/export rw\n"
    )
    monkeypatch.setattr(lock, "MOUNTS", mounts)
    inside = tmp_path / "data"
    inside.mkdir()
    # The test cannot mount one, so the device number is that of the real file system.
    device = inside.stat().st_dev
    mounts.write_text(mounts.read_text().replace("0:99", f"{os.major(device)}:{os.minor(device)}"))
    with pytest.raises(lock.NotOwned, match=f"network file system .{kind}."):
        lock.own(inside)
    assert not (inside / lock.NAME).exists()


def test_local_file_systems_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mountinfo"
    device = tmp_path.stat().st_dev
    for kind in ("ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "fuseblk"):
        mounts.write_text(f"1 0 {os.major(device)}:{os.minor(device)} / / rw - {kind} x rw\n")
        monkeypatch.setattr(lock, "MOUNTS", mounts)
        lock.require_local(tmp_path)


def test_a_system_without_a_list_of_mounts_is_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "MOUNTS", tmp_path / "none")
    lock.require_local(tmp_path)


def test_what_a_crash_left_behind_is_older_than_who_comes_after_it(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / "lock").write_text("1 1\n")
        left = tmp_path / f"{number}"
        left.touch()
        # Who has asked for a time is given a finer one by some kernels.
        placed = left.stat().st_ctime
        with lock.own(tmp_path) as owned:
            assert placed < owned.since
            owned.untidy = False


def test_a_clock_that_stands_still_keeps_nobody_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lock").write_text("1 1\n")
    # What is not written has no new time, as on a file system whose clock does not go on.
    monkeypatch.setattr(lock, "_sign", lambda _: None)
    monkeypatch.setattr(lock, "_LONGEST_STEP", 0.1)
    with lock.own(tmp_path) as owned:
        assert owned.untidy
        owned.untidy = False
