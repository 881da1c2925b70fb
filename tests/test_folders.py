"""Plain folders outside the data folder: what is found in one, and how another is filled."""

import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from storage.disk import posix
from storage.exchange.folders import (
    COMING,
    Found,
    FoundFile,
    FoundFolder,
    LeftOut,
    SourceChanged,
    Target,
    found_in,
    opened,
)


async def of(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    with posix.folder(tmp_path) as descriptor:
        yield descriptor


def test_folders_come_before_their_contents_in_the_order_of_names(
    tmp_path: Path, root: int
) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "d").write_bytes(b"12")
    (tmp_path / "a").write_bytes(b"1")

    assert list(found_in(root)) == [
        FoundFile(("a",), 1),
        FoundFolder(("b",)),
        FoundFolder(("b", "c")),
        FoundFile(("b", "c", "d"), 2),
    ]


def test_what_is_no_file_is_named_with_what_it_is(tmp_path: Path, root: int) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))

    found: list[Found] = list(found_in(root))

    assert found == [
        LeftOut(("link",), "is a symbolic link, which is not followed"),
        LeftOut(("pipe",), "is a named pipe, not a file"),
        LeftOut(("socket",), "is a socket, not a file"),
    ]


def test_a_deep_tree_is_walked(tmp_path: Path, root: int) -> None:
    depth = 500
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)

    assert sum(isinstance(found, FoundFolder) for found in found_in(root)) == depth


def test_a_file_that_became_a_link_or_a_pipe_is_not_read(tmp_path: Path, root: int) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OSError, match="symbolic"), opened(root, ("link",)):
        pass
    with pytest.raises(SourceChanged), opened(root, ("pipe",)):
        pass


def test_a_tree_deeper_than_any_path_is_walked_no_further(root: int) -> None:
    name, depth = "d" * 255, 20
    here = os.dup(root)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)

    *folders, last = found_in(root)

    assert len(folders) == 17
    assert last == LeftOut((name,) * 17, "cannot be listed: File name too long")


def test_a_folder_that_is_swapped_for_a_link_is_neither_listed_nor_read(
    tmp_path: Path, root: int
) -> None:
    (tmp_path / "source" / "deep").mkdir(parents=True)
    (tmp_path / "source" / "deep" / "key").write_bytes(b"mine")
    (tmp_path / "secret" / "deep").mkdir(parents=True)
    (tmp_path / "secret" / "deep" / "key").write_bytes(b"theirs")
    walk = found_in(root)
    while next(walk) != FoundFolder(("source", "deep")):
        pass

    (tmp_path / "source").rename(tmp_path / "was")
    (tmp_path / "source").symlink_to("secret")

    assert next(walk) == LeftOut(("source", "deep"), "cannot be listed: Not a directory")
    with pytest.raises(NotADirectoryError), opened(root, ("source", "deep", "key")):
        pass


async def test_a_file_that_changes_while_it_is_read_is_not_taken_for_whole(
    tmp_path: Path, root: int
) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)

    with opened(root, ("a",)) as source:
        pieces = source.pieces(lambda _: None)
        assert await anext(pieces) == b"x" * 10
        (tmp_path / "a").write_bytes(b"y" * 10)
        os.utime(tmp_path / "a", (1, 1))
        with pytest.raises(SourceChanged):
            await anext(pieces)


def test_only_an_empty_folder_is_filled(tmp_path: Path) -> None:
    Target(tmp_path / "new" / "deep").sync()
    (tmp_path / "file").touch()

    with pytest.raises(FileExistsError):
        Target(tmp_path)
    with pytest.raises(FileExistsError):
        Target(tmp_path / "file")


async def test_a_file_has_no_name_of_its_own_until_all_of_it_is_there(tmp_path: Path) -> None:
    async def looking() -> AsyncIterator[bytes]:
        for _ in range(2):
            assert not (tmp_path / "out" / "folder" / "file").exists()
            (coming,) = (one for one in (tmp_path / "out").iterdir() if one.is_file())
            assert COMING.fullmatch(coming.name)
            yield b"half"

    target = Target(tmp_path / "out")
    target.make_folder(("folder",), 1e9)
    await target.write(("folder", "file"), looking(), 1e9)

    assert [one.name for one in (tmp_path / "out").iterdir()] == ["folder"]
    assert (tmp_path / "out" / "folder" / "file").read_bytes() == b"halfhalf"
    assert (tmp_path / "out" / "folder" / "file").stat().st_nlink == 1


async def test_a_file_is_written_whole_with_its_time_or_not_at_all(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise OSError(5, "Input/output error")

    target = Target(tmp_path / "out")
    await target.write(("whole",), of(b"a", b"b"), 1e9)
    with pytest.raises(OSError, match="Input/output"):
        await target.write(("half",), broken(), 1e9)
    with pytest.raises(FileExistsError):
        await target.write(("whole",), of(b"other"), 1e9)

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["whole"]
    assert (tmp_path / "out" / "whole").read_bytes() == b"ab"
    assert (tmp_path / "out" / "whole").stat().st_mtime == 1e9
