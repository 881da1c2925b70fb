"""What clients know of a store that was brought back from its backup is never taken for what is there."""

import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from storage.upkeep.backup import backup, restore
from storage.upkeep.verify import verify
from tests import wire
from tests.running import Program, running
from tests.shelves import shelves
from tests.test_server import ask

SYNC = (
    b'<D:sync-collection xmlns:D="DAV:"><D:sync-token>urn:noclobber:sync:%d</D:sync-token>'
    b"<D:sync-level>infinite</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"
)


def etag(program: Program, target: str) -> str:
    answer = asyncio.run(wire.ask(program.port, wire.message("GET", target)))
    return answer.headers["etag"]


def test_no_cursor_token_or_etag_from_before_a_restore_holds_after_it(tmp_path: Path) -> None:
    with running(tmp_path / "data") as program:
        ask(program, "PUT", "/files/d/one", b"one")
        ask(program, "PUT", "/files/quiet/one", b"quiet")
        backup(tmp_path / "data", tmp_path / "backup")
        ask(program, "PUT", "/files/d/two", b"two")
        version, folder = etag(program, "/files/d/two"), etag(program, "/files/d/")
        quiet = etag(program, "/files/quiet/")
    restore(tmp_path / "backup", tmp_path / "again")
    with running(tmp_path / "again") as program:
        assert ask(program, "PUT", "/files/d/two", b"precious")[0] == 201
        for since in range(10):
            refused = ask(program, "GET", f"/changes?since={since}")
            assert refused[0] == 410
            follow = json.loads(refused[1])["follow_from"]
            assert ask(program, "GET", f"/changes?since={follow}")[0] == 200
            token = ask(program, "REPORT", "/dav/", SYNC % since, Depth="0")
            assert (token[0], b"valid-sync-token" in token[1]) == (403, True)
        assert ask(program, "GET", "/files/quiet/", If_None_Match=quiet)[0] == 200
        assert ask(program, "GET", "/files/d/", If_None_Match=folder)[0] == 200
        assert ask(program, "DELETE", "/files/d/", If_Match=folder)[0] == 412
        assert ask(program, "DELETE", "/files/d/two", If_Match=version)[0] == 412
        assert ask(program, "GET", "/files/d/two") == (200, b"precious")
        assert ask(program, "GET", f"/changes?since={follow}")[0] == 200
    assert verify(tmp_path / "again", scrub=True).agrees


@pytest.mark.parametrize("changes", [0, 3])
async def test_one_backup_that_is_restored_twice_gives_out_no_number_twice(
    tmp_path: Path, changes: int
) -> None:
    async with shelves(tmp_path / "data") as store:
        for name in range(changes):
            await store.store(f"d/{name}", b"small")
    backup(tmp_path / "data", tmp_path / "backup")
    before = numbers(tmp_path / "backup")
    given: set[int] = set()
    for which in ("first", "second"):
        restore(tmp_path / "backup", tmp_path / which)
        versions, folders = numbers(tmp_path / which)
        assert versions == before[0]
        assert len(folders) == 1
        async with shelves(tmp_path / which) as store:
            await store.store("e", b"other")
        new = (numbers(tmp_path / which)[0] - versions) | folders
        assert len(new) == 2
        assert not given & new
        assert min(new) > 10**9
        given |= new


def numbers(data: Path) -> tuple[set[int], set[int]]:
    """Of versions, and of folders."""
    with contextlib.closing(sqlite3.connect(data / "index.sqlite")) as index:
        versions = {number for (number,) in index.execute("SELECT number FROM versions")}
        folders = index.execute("SELECT number FROM nodes WHERE is_folder = 1").fetchall()
    return versions, {number for (number,) in folders}
