"""What is left of an export that is killed, and of one to a disk that knows no links."""

import asyncio
import errno
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from storage.exchange.folders import Target
from tests.trust.calls import CHANGES, GO_ON, Call, Ended, Fail, Fate, Kill, Voice, watched

FILES = {"a": b"a" * 3000, "b": b"b" * 3000}


@dataclass
class Judge:
    """Kills before a call by its number; where there are no links, as on FAT, says so."""

    folder: Path
    last: int | None = None
    links: bool = True
    names: frozenset[str] = CHANGES
    seen: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, call: Call) -> Fate:
        if not call.changes or not call.place.startswith(str(self.folder)):
            return GO_ON
        if len(self.seen) == self.last:
            return Kill()
        self.seen.append((call.name, call.place))
        return GO_ON if self.links or call.name.removesuffix("at") != "link" else Fail(errno.EPERM)


async def halves(content: bytes) -> AsyncIterator[bytes]:
    yield content[:1000]
    yield content[1000:]


def export(folder: Path, judge: Judge) -> Ended:
    async def fill() -> None:
        target = Target(folder)
        for name, content in FILES.items():
            await target.write((name,), halves(content), 1e9)
        target.sync()

    def work(_: Voice) -> None:
        asyncio.run(fill())

    return watched(work, judge)


def test_an_exported_file_is_synced_before_it_has_its_name_and_its_folder_after(
    tmp_path: Path,
) -> None:
    judge = Judge(tmp_path / "out")
    assert export(tmp_path / "out", judge).code == 0
    one = ["openat", "write", "write", "fsync", "link", "unlink"]
    names = [name.removesuffix("at") if name == "linkat" else name for name, _ in judge.seen]
    assert names == ["mkdir", *one, *one, "fsync"]


def test_whenever_an_export_is_killed_each_name_has_all_its_bytes_or_is_not_there(
    tmp_path: Path,
) -> None:
    for links in (True, False):
        last, code = 0, -9
        while code == -9:
            folder = tmp_path / f"{links} {last}"
            code = export(folder, Judge(folder, last, links)).code
            there = {one.name: one.read_bytes() for one in folder.glob("*") if one.name in FILES}
            assert there.items() <= FILES.items()
            if not there and code == -9:
                # The next begins in the same folder, and nothing of the first is left.
                assert export(folder, Judge(folder)).code == 0
                there = {one.name: one.read_bytes() for one in folder.iterdir()}
                assert there == FILES
            last += 1
        assert {one.name: one.read_bytes() for one in folder.iterdir()} == FILES


async def test_where_there_are_no_links_a_name_that_is_taken_stays_what_it_is(
    tmp_path: Path,
) -> None:
    async def racing() -> AsyncIterator[bytes]:
        """As on a disk that ignores case: the other of the two names was first."""
        yield b"second"
        (tmp_path / "out" / "a").write_bytes(b"first")

    async def fill() -> None:
        target = Target(tmp_path / "out")
        try:
            await target.write(("a",), racing(), 1e9)
        except FileExistsError:
            return
        raise AssertionError

    def work(_: Voice) -> None:
        asyncio.run(fill())

    ended = watched(work, Judge(tmp_path / "out", links=False))
    assert (ended.code, ended.said) == (0, [])
    assert {one.name: one.read_bytes() for one in (tmp_path / "out").iterdir()} == {"a": b"first"}
