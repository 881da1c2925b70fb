"""Import and export over a real store: what is told of each file, and what is left as it was."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path as DiskPath

import pytest

import server
from handlers.parts import Parts
from program import houserules
from program.settings import Data, Limits, Settings
from storage.disk import posix
from storage.exchange.carrying import Export, Import, NotTaken, NotWritten, Taken
from storage.exchange.folders import Source, Target
from uploads.collisions import Create, Link, Unchanged
from uploads.failures import DiskFull
from uploads.files import Folder, StoredFile
from uploads.holdings import Held
from uploads.names import Path
from uploads.policy import SameContent, Wishes

REFUSE = Wishes()
LINK = Wishes(same_content=SameContent.LINK)


@asynccontextmanager
async def store(tmp_path: DiskPath, **limits: int) -> AsyncIterator[Parts]:
    settings = Settings(
        data=replace(Data(), folder=str(tmp_path / "data")), limits=replace(Limits(), **limits)
    )
    rules = houserules.rules_for_operator(settings)
    async with server._opened(settings, server._tell_nobody) as opened:
        yield server._parts(settings, opened, rules, server._tell_nobody, server._bell(settings))


def tell_nobody(count: int) -> None:
    """Nobody waits."""


async def take_in(
    parts: Parts,
    folder: DiskPath,
    wishes: Wishes = REFUSE,
    into: str = "",
    at_once: int = 16,
    report: Callable[[int], None] = tell_nobody,
) -> list[Taken | NotTaken]:
    told: list[Taken | NotTaken] = []
    with posix.folder(folder) as root:
        importing = Import(
            root=root,
            into=Path(tuple(filter(None, into.split("/")))),
            principal=houserules.OPERATOR,
            wishes=wishes,
            limits=parts.names,
            receiver=parts.receiver,
            tree=parts.tree,
        )
        await importing.run(at_once, told.append, report)
    return told


def plant(folder: DiskPath, /, **files: bytes) -> DiskPath:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def refusals(told: list[Taken | NotTaken]) -> dict[str, str]:
    return {one.names[-1]: one.why for one in told if isinstance(one, NotTaken)}


async def test_each_collision_is_told_with_what_it_collided_with(tmp_path: DiskPath) -> None:
    async with store(tmp_path) as parts:
        there = plant(tmp_path / "there", readme=b"one", twin=b"two", block=b"three")
        (there / "folder").mkdir()
        await take_in(parts, there)

        come = plant(tmp_path / "come", README=b"x", copy=b"two", folder=b"y", twin=b"four")
        (come / "block").mkdir()
        (come / "block" / "below").write_bytes(b"z")
        told = await take_in(parts, come)

        assert refusals(told) == {
            "README": 'has a name that equals that of the file "readme" (case)',
            "block": 'meets the file "block": one name cannot be both a file and a folder',
            "below": 'meets the file "block": one name cannot be both a file and a folder',
            "copy": 'has the same bytes as "twin"',
            "folder": 'meets the folder "folder": one name cannot be both a file and a folder',
            "twin": 'holds other bytes than the file "twin", which has this name already',
        }
        found = await parts.holdings.find(houserules.OPERATOR, Path(("twin",)))
        assert isinstance(found, Held)
        assert found.file.content.size == 3


async def test_a_second_run_finds_everything_there_already(tmp_path: DiskPath) -> None:
    source = plant(tmp_path / "source", a=b"a", b=os.urandom(100_000), empty=b"")
    async with store(tmp_path) as parts:
        first, second = await take_in(parts, source), await take_in(parts, source)

    for told, verdict in ((first, Create), (second, Unchanged)):
        assert [type(one.outcome.verdict) for one in told if isinstance(one, Taken)] == [
            verdict
        ] * 3


async def test_copies_within_one_folder_are_told_or_linked_as_wanted(tmp_path: DiskPath) -> None:
    source = plant(tmp_path / "source", a=b"same", b=b"same")
    async with store(tmp_path) as parts:
        told = await take_in(parts, source)
        assert refusals(told) == {"b": 'has the same bytes as "a"'}

        linked = await take_in(parts, source, LINK)
        assert isinstance(linked[1], Taken)
        assert isinstance(linked[1].outcome.verdict, Link)


async def test_of_two_that_collide_the_first_by_name_is_taken_however_long_it_is(
    tmp_path: DiskPath,
) -> None:
    long = os.urandom(5_000_000)
    source = plant(tmp_path / "source", A=long, B=b"twin", C=b"twin", a=b"short")
    (source / "D").write_bytes(b"in the way")
    (source / "d").mkdir()
    (source / "d" / "below").write_bytes(b"below")
    for number in range(3):
        async with store(plant(tmp_path / f"{number}")) as parts:
            told = await take_in(parts, source)

        assert ["/".join(one.names) for one in told] == ["A", "B", "C", "D", "a", "d", "d/below"]
        assert sorted(refusals(told)) == ["C", "a", "below", "d"]


async def test_a_full_disk_ends_the_import(tmp_path: DiskPath) -> None:
    source = plant(tmp_path / "source", a=b"a", b=b"b", c=b"c")
    async with store(tmp_path, free_space=2**60) as parts:
        with pytest.raises(DiskFull):
            await take_in(parts, source)


async def test_who_changed_a_file_when_is_kept(tmp_path: DiskPath) -> None:
    source = plant(tmp_path / "source", a=b"a")
    os.utime(source / "a", (1e9, 1e9))
    async with store(tmp_path) as parts:
        await take_in(parts, source, into="old/things")
        found = await parts.holdings.find(houserules.OPERATOR, Path(("old", "things", "a")))

    assert isinstance(found, Held)
    assert found.file.version.modified == 1e9
    assert found.file.version.by == "operator"


@pytest.mark.parametrize(("seconds", "kept"), [(10**14, None), (-1, None), (10**9, 1e9)])
def test_a_time_that_no_date_can_name_is_not_taken_for_one(
    seconds: int, kept: float | None
) -> None:
    status = os.stat_result((0o100644, 1, 1, 1, 0, 0, 5, seconds, seconds, seconds))
    assert Source(-1, status).modified == kept


async def test_a_file_over_the_limit_is_told_and_nothing_of_it_stays(tmp_path: DiskPath) -> None:
    source = plant(tmp_path / "source", big=b"12345", small=b"1")
    async with store(tmp_path, file_size=4) as parts:
        told = await take_in(parts, source)

    assert list(refusals(told)) == ["big"]
    assert "too large" in refusals(told)["big"]
    assert len(told) == 2


async def test_a_file_that_grows_while_it_is_read_is_told(tmp_path: DiskPath) -> None:
    source = plant(tmp_path / "source", a=b"a" * 3_000_000)

    def grow(_: int) -> None:
        with (source / "a").open("ab") as more:
            more.write(b"!")

    async with store(tmp_path) as parts:
        told = await take_in(parts, source, at_once=1, report=grow)

    assert refusals(told) == {"a": "was written to while it was read; import it again"}


async def test_nothing_is_taken_in_from_where_a_swapped_folder_leads(tmp_path: DiskPath) -> None:
    """Root imports what somebody else may write in."""
    source = plant(tmp_path / "source")
    plant(source / "z", a=b"a" * 3_000_000, shadow=b"mine")
    plant(tmp_path / "etc", shadow=b"root's")

    def swap(_: int) -> None:
        if not (source / "z").is_symlink():
            (source / "z").rename(tmp_path / "was")
            (source / "z").symlink_to(tmp_path / "etc")

    async with store(tmp_path) as parts:
        told = await take_in(parts, source, at_once=1, report=swap)

    assert refusals(told) == {"shadow": "cannot be read: Not a directory"}
    assert len(told) == 2


async def test_a_file_that_cannot_be_read_does_not_end_the_import(tmp_path: DiskPath) -> None:
    source = plant(tmp_path / "source", a=b"a", z=b"z")
    async with store(tmp_path) as parts:
        importing = take_in(parts, source)
        (source / "a").unlink()
        (source / "a").symlink_to("z")
        told = await importing

    assert refusals(told) == {"a": "is a symbolic link, which is not followed"}
    assert len(told) == 2


async def test_an_export_goes_on_after_what_the_other_disk_refuses(tmp_path: DiskPath) -> None:
    source = plant(tmp_path / "source", a=b"a", b=b"b", c=b"c")
    target = Target(tmp_path / "out")
    told: list[StoredFile | NotWritten] = []
    moved = 0

    def report(count: int) -> None:
        nonlocal moved
        moved += count

    async with store(tmp_path) as parts:
        await take_in(parts, source)
        exporting = Export(parts.holdings, houserules.OPERATOR, target)
        assert await exporting.total() == 3
        # As on a disk that ignores case, where two names of ours are one.
        (tmp_path / "out" / "b").write_bytes(b"first")
        await exporting.run(4, told.append, report)

    refused = [one for one in told if isinstance(one, NotWritten)]
    assert refused == [NotWritten(Path(("b",)), "it cannot be written there: File exists")]
    assert (tmp_path / "out" / "b").read_bytes() == b"first"
    assert (tmp_path / "out" / "c").read_bytes() == b"c"
    assert moved == 2


async def test_folders_are_exported_with_the_time_of_their_last_change(tmp_path: DiskPath) -> None:
    source = plant(tmp_path / "source")
    plant(source / "folder", a=b"a", b=b"b")
    async with store(tmp_path) as parts:
        await take_in(parts, source)
        exporting = Export(parts.holdings, houserules.OPERATOR, Target(tmp_path / "out"))
        await exporting.run(4, lambda _: None, lambda _: None)
        there = await parts.holdings.find(houserules.OPERATOR, Path(("folder",)))

    assert isinstance(there, Folder)
    assert abs((tmp_path / "out" / "folder").stat().st_mtime - there.modified) < 1e-3
