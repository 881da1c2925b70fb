"""A store copied beside its server, and brought back."""

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from storage import accounts, lock, roster
from storage.upkeep.backup import backup, restore
from storage.upkeep.collecting import Keep, collect
from storage.upkeep.verify import verify
from tests.mounts import fill, small_disk
from tests.rootless import bound_by_modes
from tests.shelves import blob, shelves
from tests.test_server import run
from tests.trees import incoming
from uploads.failures import MalformedRequest, NotThere, Unavailable

ROOT = Path(__file__).parent.parent
RUN = "import sys; from pathlib import Path; from storage.upkeep import backup; print(getattr(backup, sys.argv[1])(*map(Path, sys.argv[2:])))"
BIG = b"bytes that lie in a file of their own" * 1000


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backup"


async def test_a_store_comes_back_from_its_backup_byte_for_byte(
    data: Path, target: Path, tmp_path: Path
) -> None:
    async with shelves(data) as store:
        big = await store.store("a/big", BIG)
        small = await store.store("small", b"small")
        accounts.add_user(data, "ann", "correct horse")
        copied = await asyncio.to_thread(backup, data, target)
        await store.store("later", BIG + b"later")
    assert (copied.contents, copied.new, copied.bytes, copied.damaged) == (2, 1, len(BIG), ())
    assert verify(target, scrub=True).agrees
    restored = tmp_path / "restored"
    assert restore(target, restored).new == 1
    assert verify(restored, scrub=True).agrees
    assert list(accounts.list_users(restored)) == ["ann"]
    assert blob(restored, big).stat().st_mode & 0o777 == 0o400
    async with shelves(restored) as store:
        assert await store.read(big) == BIG
        assert await store.read(small) == b"small"


async def test_what_has_not_arrived_whole_is_left_out(
    data: Path, target: Path, tmp_path: Path
) -> None:
    """Its bytes are not copied, so nobody may be told that they are there."""
    arriving = incoming("half", 100, 60)
    async with shelves(data) as store:
        await store.store("a/big", BIG)
        await store.index.write(lambda turn: turn.expect(arriving))
        await asyncio.to_thread(backup, data, target)
        assert verify(data, scrub=True).agrees
        assert await store.index.read(lambda view: view.incoming("half")) == arriving
    assert verify(target, scrub=True).agrees
    restore(target, tmp_path / "restored")
    async with shelves(tmp_path / "restored") as store:
        assert await store.index.read(lambda view: view.incoming("half")) is None
        assert (await store.index.read(lambda view: view.arriving("ann"))).files == 0


async def test_a_second_backup_copies_only_what_is_new_and_drops_what_is_gone(
    data: Path, target: Path
) -> None:
    async with shelves(data) as store:
        first = await store.store("a", BIG)
        await store.store("b", BIG + b"b")
        backup(data, target)
        third = await store.store("c", BIG + b"c")
        await store.delete("a")
        await collect(store.index, store.blobs, data, 1e9, Keep(0.0))
        copied = backup(data, target)
    assert (copied.contents, copied.new) == (2, 1)
    assert not blob(target, first).exists()
    assert blob(target, third).read_bytes() == BIG + b"c"
    assert verify(target, scrub=True).agrees


async def test_a_backup_under_load_is_some_moment_of_the_store(data: Path, target: Path) -> None:
    async with shelves(data) as store:

        async def load(who: int) -> None:
            for at in range(20):
                await store.store(f"{who}/{at}", BIG + bytes([who, at]))
                if at % 3 == 2:
                    await store.delete(f"{who}/{at - 1}")
                    await collect(store.index, store.blobs, data, 1e9, Keep(0.0))

        async def copy() -> None:
            for _ in range(5):
                assert (await asyncio.to_thread(backup, data, target)).damaged == ()
                assert (await asyncio.to_thread(verify, target, scrub=True)).agrees

        await asyncio.gather(copy(), *(load(who) for who in range(4)))


async def test_damaged_bytes_are_not_copied_but_told(data: Path, target: Path) -> None:
    async with shelves(data) as store:
        content = await store.store("a/big", BIG)
        lost = await store.store("lost", BIG + b"lost")
    path = blob(data, content)
    path.chmod(0o600)
    path.write_bytes(b"X" + BIG[1:])
    blob(data, lost).unlink()
    copied = backup(data, target)
    assert copied.damaged == (
        "a/big: its bytes have another digest; not copied",
        "lost: its bytes are missing; not copied",
    )
    assert not blob(target, content).exists()


async def test_bytes_with_another_name_are_copied_and_told_and_no_fault_of_a_backup(
    data: Path, target: Path, tmp_path: Path
) -> None:
    """A snapshot of hard links is whole, and a store of which one was made serves none of them."""
    async with shelves(data) as store:
        content = await store.store("big", BIG)
    (tmp_path / "snapshot").hardlink_to(blob(data, content))
    assert (backup(data, target).damaged, backup(data, tmp_path / "other").shared) == ((), 1)
    (tmp_path / "rotated").hardlink_to(blob(target, content))
    assert restore(target, tmp_path / "restored").new == 1
    assert verify(tmp_path / "restored", scrub=True).findings == ()
    said = run("backup", "third", "--data", str(data), cwd=tmp_path)
    assert said.returncode == 1
    assert "1 of them have another name on the disk (a hard link)" in said.stdout


async def test_a_small_content_that_is_damaged_is_told_on_the_way_to_a_backup_and_back(
    data: Path, target: Path, tmp_path: Path
) -> None:
    async with shelves(data) as store:
        await store.store("note", b"as it was")
    rot(data, b"as it wes")
    told = ("note: its bytes have another digest; copied as they are",)
    assert backup(data, target).damaged == told
    assert restore(target, tmp_path / "restored").damaged == told


async def test_of_a_small_content_that_was_damaged_later_the_good_bytes_stay_in_the_backup(
    data: Path, target: Path, tmp_path: Path
) -> None:
    async with shelves(data) as store:
        content = await store.store("note", b"as it was")
    backup(data, target)
    rot(data, b"as it wes")
    told = ("note: its bytes have another digest; those of the earlier backup are kept",)
    assert backup(data, target).damaged == told
    assert backup(data, target).damaged == told
    assert restore(target, tmp_path / "restored").damaged == ()
    async with shelves(tmp_path / "restored") as store:
        assert await store.read(content) == b"as it was"


def rot(data: Path, to: bytes) -> None:
    with contextlib.closing(sqlite3.connect(data / "index.sqlite")) as index:
        index.execute("UPDATE small SET bytes = ?", (to,))
        index.commit()


async def test_bytes_that_the_disk_does_not_give_back_are_told_and_the_rest_is_copied(
    data: Path, target: Path
) -> None:
    async with shelves(data) as store:
        bad = await store.store("bad", BIG)
        good = await store.store("good", BIG + b"good")
    faults = ("-P", str(blob(data, bad)), "-e", "trace=read", "-e", "inject=read:error=EIO")
    command = ["strace", "-qq", "-o", "/dev/null", *faults, *program("backup", data, target)]
    said = await asyncio.to_thread(subprocess.check_output, command, cwd=ROOT, text=True)
    assert "bad: its bytes are damaged: they cannot be read: Input/output error" in said
    assert not blob(target, bad).exists()
    assert blob(target, good).read_bytes() == BIG + b"good"


def test_a_roster_that_is_damaged_takes_the_place_of_no_earlier_one_and_keeps_everybody_out(
    data: Path, target: Path, tmp_path: Path
) -> None:
    asyncio.run(filled(data))
    (data / roster.NAME).write_bytes(b"half of it")
    told = f"{roster.NAME}: it cannot be understood; "
    assert backup(data, tmp_path / "first").damaged == (told + "copied as it is",)
    assert (tmp_path / "first" / roster.NAME).read_bytes() == b"half of it"
    (data / roster.NAME).unlink()
    accounts.add_user(data, "ann", "correct horse")
    backup(data, target)
    (data / roster.NAME).write_bytes(b"half of it")
    assert backup(data, target).damaged == (told + "the one of the earlier backup is kept",)
    assert list(accounts.list_users(target)) == ["ann"]


def test_users_that_a_store_has_no_more_are_in_no_later_backup(data: Path, target: Path) -> None:
    asyncio.run(filled(data))
    accounts.add_user(data, "ann", "correct horse")
    backup(data, target)
    (data / roster.NAME).unlink()
    backup(data, target)
    assert not (target / roster.NAME).exists()


async def filled(data: Path) -> None:
    async with shelves(data) as store:
        await store.store("a", BIG)


def test_a_backup_is_not_mixed_with_other_things(data: Path, target: Path) -> None:
    asyncio.run(filled(data))
    target.mkdir()
    (target / "holiday.jpg").touch()
    with pytest.raises(MalformedRequest, match="other things"):
        backup(data, target)
    with pytest.raises(MalformedRequest, match="inside the data folder"):
        backup(data, data / "backup")
    with pytest.raises(NotThere, match="no store"):
        backup(target, data / "elsewhere")


def killed(call: str, which: int, what: str, source: Path, target: Path) -> None:
    injected = ("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={which}")
    command = ["strace", "-qq", "-o", "/dev/null", *injected, *program(what, source, target)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -9


def program(what: str, source: Path, target: Path) -> list[str]:
    return [sys.executable, "-B", "-c", RUN, what, str(source), str(target)]


@pytest.mark.parametrize(
    ("call", "which", "left"),
    [
        ("unlink", 1, "index.sqlite.coming-journal"),
        ("rename", 2, f".{roster.NAME}."),
        ("rename", 3, "index.sqlite.coming"),
    ],
)
def test_a_backup_that_was_killed_keeps_none_out_and_leaves_nothing(
    data: Path, target: Path, call: str, which: int, left: str
) -> None:
    asyncio.run(filled(data))
    accounts.add_user(data, "ann", "correct horse")
    killed(call, which, "backup", data, target)
    assert any(found.name.startswith(left) for found in target.iterdir())
    backup(data, target)
    names = {found.name for found in target.iterdir()}
    assert names == {"index.sqlite", "blobs", roster.NAME, lock.NAME}
    assert verify(target, scrub=True).agrees


@pytest.mark.parametrize(("call", "which"), [("unlink", 1), *(("rename", at) for at in (1, 2, 3))])
def test_a_restore_that_was_killed_is_gone_on_with(
    data: Path, target: Path, tmp_path: Path, call: str, which: int
) -> None:
    asyncio.run(filled(data))
    accounts.add_user(data, "ann", "correct horse")
    backup(data, target)
    restored = tmp_path / "restored"
    killed(call, which, "restore", target, restored)
    killed("unlink", 1, "restore", target, restored)
    restore(target, restored)
    assert {found.name for found in restored.iterdir()} == {"index.sqlite", "blobs", roster.NAME}
    assert list(accounts.list_users(restored)) == ["ann"]
    assert verify(restored, scrub=True).agrees


def test_a_restore_for_which_there_was_no_room_is_gone_on_with(
    data: Path, target: Path, tmp_path: Path
) -> None:
    asyncio.run(filled(data))
    backup(data, target)
    with small_disk(tmp_path / "disk", 1 << 20, 1000) as disk:
        filler = fill(disk, leave=len(BIG))
        for _ in range(2):
            with pytest.raises((OSError, sqlite3.Error)):
                restore(target, disk / "restored")
        filler.unlink()
        restore(target, disk / "restored")
        assert verify(disk / "restored", scrub=True).agrees


def test_bytes_whose_index_is_lost_are_not_what_a_restore_has_left(
    data: Path, target: Path
) -> None:
    asyncio.run(filled(data))
    backup(data, target)
    lost = data.with_name("lost")
    lost.mkdir()
    (data / "blobs").rename(lost / "blobs")
    before = sorted(lost.rglob("*"))
    with pytest.raises(MalformedRequest, match="not empty"):
        restore(target, lost)
    assert sorted(lost.rglob("*")) == before


def test_a_store_is_backed_up_to_the_root_of_a_new_disk_and_restored_there(
    data: Path, target: Path, tmp_path: Path
) -> None:
    asyncio.run(filled(data))
    for root in (target, tmp_path / "restored"):
        (root / "lost+found").mkdir(parents=True)
    backup(data, target)
    restore(target, tmp_path / "restored")
    assert verify(tmp_path / "restored", scrub=True).agrees


def test_a_store_and_its_backup_lie_below_folders_that_may_be_entered_and_not_read(
    tmp_path: Path,
) -> None:
    closed = tmp_path / "closed"
    for each in ("data", "backup", "restored"):
        (closed / each / "within").mkdir(parents=True)
        (closed / each).chmod(0o311)
    with bound_by_modes():
        asyncio.run(filled(closed / "data" / "within"))
        backup(closed / "data" / "within", closed / "backup" / "within")
        restore(closed / "backup" / "within", closed / "restored" / "within")
        assert verify(closed / "restored" / "within", scrub=True).agrees


def test_a_link_may_lead_to_the_folder_of_a_backup(data: Path, target: Path) -> None:
    asyncio.run(filled(data))
    target.mkdir()
    link = target.with_name("link")
    link.symlink_to(target)
    for new in (1, 0):
        assert backup(data, link).new == new
    assert verify(target, scrub=True).agrees


def test_the_folders_of_bytes_that_are_there_already_are_synced_too(
    data: Path, target: Path
) -> None:
    """Whoever put them there may have been killed before."""
    asyncio.run(filled(data))
    backup(data, target)
    trace = target.with_name("trace")
    tracing = ["strace", "-qq", "-y", "-e", "trace=fsync", "-o", str(trace)]
    subprocess.run([*tracing, *program("backup", data, target)], cwd=ROOT, check=True)
    (folder,) = {found.parent for found in (target / "blobs").glob("??/*")}
    for place in (folder, target / "blobs", target):
        assert f"<{place}>" in trace.read_text()


def test_of_two_backups_into_one_folder_the_second_is_refused_in_words(
    data: Path, target: Path
) -> None:
    asyncio.run(filled(data))
    begun, over = threading.Event(), threading.Event()

    def wait(_: int, __: int) -> None:
        begun.set()
        over.wait()

    first = threading.Thread(target=backup, args=(data, target, wait))
    first.start()
    try:
        assert begun.wait(10)
        with pytest.raises(Unavailable, match="another backup into it may be under way"):
            backup(data, target)
    finally:
        over.set()
        first.join()
    assert verify(target, scrub=True).agrees
    assert backup(data, target).new == 0


async def test_a_backup_may_lie_in_a_folder_whose_name_is_not_utf8(
    data: Path, tmp_path: Path
) -> None:
    async with shelves(data) as store:
        await store.store("a", b"a")
    target = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    assert backup(data, target).contents == 1
    assert verify(target).agrees


def test_nothing_is_restored_over_something(data: Path, target: Path) -> None:
    asyncio.run(filled(data))
    backup(data, target)
    before = sorted(data.rglob("*"))
    with pytest.raises(MalformedRequest, match="not empty"):
        restore(target, data)
    assert sorted(data.rglob("*")) == before
