"""A bit of the index that has flipped in what it finds by: no bytes go because it overlooks them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage.upkeep.backup import backup
from storage.upkeep.collecting import Keep, collect, sweep
from storage.upkeep.verify import Fault, verify
from tests.shelves import blob, shelves
from tests.test_verify import BIG, OTHER, SMALL, execute
from uploads.failures import Unavailable
from uploads.files import Content

LATER = 2**40
PAGE = 4096
LEAF_OF_AN_INDEX = 0x0A


@pytest.fixture
async def big(tmp_path: Path) -> Content:
    async with shelves(tmp_path / "data") as store:
        await store.store("other", OTHER)
        await store.store("small", SMALL)
        return await store.store("big", BIG)


@pytest.fixture
def data(big: Content, tmp_path: Path) -> Path:
    """The row of the content is whole, and what finds it by its digest is not."""
    index = tmp_path / "data" / "index.sqlite"
    found = bytearray(index.read_bytes())
    at = -1
    while (at := found.find(big.digest.encode(), at + 1)) >= 0:
        if found[at // PAGE * PAGE] == LEAF_OF_AN_INDEX:
            found[at + 20] ^= 1
            index.write_bytes(found)
            return tmp_path / "data"
    raise LookupError


async def test_the_collector_removes_nothing_that_the_index_overlooks(
    big: Content, data: Path
) -> None:
    async with shelves(data) as store:
        with pytest.raises(Unavailable, match=f"damaged: it does not find {big.digest}"):
            await sweep(store.index, store.blobs, data, before=LATER)
        assert await store.read(big) == BIG


async def test_nor_does_it_where_the_same_content_came_in_again_and_is_forgotten(
    big: Content, data: Path
) -> None:
    async with shelves(data) as store:
        again = await store.store("again", BIG)
        await store.delete("again")
        assert again == big
        with pytest.raises(Unavailable, match="Nothing was removed"):
            await collect(store.index, store.blobs, data, LATER, Keep(0.0))
        assert await store.read(big) == BIG


async def test_what_is_named_is_not_forgotten_because_an_index_says_that_nothing_names_it(
    big: Content, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    execute(
        data,
        "DROP INDEX contents_unnamed",
        "CREATE INDEX contents_unnamed ON contents (id) WHERE refs = 1",
        "PRAGMA writable_schema = on",
        "UPDATE sqlite_master SET sql = replace(sql, 'refs = 1', 'refs = 0')"
        " WHERE name = 'contents_unnamed'",
    )
    async with shelves(data) as store:
        collected = await collect(store.index, store.blobs, data, LATER, Keep(0.0))
        assert collected is not None
        assert collected.contents == 0
        assert await store.read(big) == BIG


async def test_repair_looks_through_the_index_first_and_mends_nothing_where_it_is_damaged(
    big: Content, data: Path
) -> None:
    execute(data, "UPDATE contents SET refs = 7 WHERE size = 5")
    report = verify(data, repair=True)
    assert {finding.fault for finding in report.findings} == {Fault.INDEX}
    assert not report.agrees
    assert blob(data, big).read_bytes() == BIG
    with closing(sqlite3.connect(data / "index.sqlite")) as index:
        (refs,) = index.execute("SELECT refs FROM contents WHERE size = 5").fetchone()
    assert refs == 7


async def test_bytes_that_the_index_overlooks_are_no_leftovers(big: Content, data: Path) -> None:
    """Without looking through all of it, which takes long."""
    place = blob(data, big)
    (finding,) = verify(data).findings
    assert finding.fault is Fault.INDEX
    assert f"it does not find {big.digest}, which it has" in finding.text
    place.unlink()
    assert [finding.fault for finding in verify(data).findings] == [Fault.MISSING]


async def test_a_backup_is_not_made_of_an_index_that_overlooks_something(
    data: Path, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable, match="The index is damaged, so nothing was copied"):
        backup(data, tmp_path / "copy")
