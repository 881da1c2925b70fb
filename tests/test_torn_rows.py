"""Rows of an index that do not agree with each other, of which SQLite finds all well."""

import sqlite3
import unicodedata
from contextlib import closing
from pathlib import Path

import pytest

from storage.upkeep.verify import Fault, verify
from tests.shelves import blob, shelves
from tests.test_commands import plant
from tests.test_server import run
from tests.test_verify import BIG, OTHER, SMALL, execute, flip, names_kept
from uploads.files import Content

PARKED = (
    "INSERT INTO uploads VALUES ('1', 'ann', 'parked', 1, 0.0, 9e9, 'p', NULL, NULL);"
    "UPDATE uploads SET content = 64"
)
NO_RULES = "INSERT INTO meta VALUES ('names', '[\"" + unicodedata.unidata_version + "\", 7]')"  # noqa: S608 - our words


@pytest.fixture(name="stored")
async def _stored(tmp_path: Path) -> Content:
    async with shelves(tmp_path) as store:
        await store.store("outer/inner/small", SMALL)
        await store.store("other", OTHER)
        return await store.store("big", BIG)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (
            "UPDATE nodes SET parent = 9999 WHERE name IN ('big', 'other')",
            "big, other: no folder leads to it",
        ),
        (
            "UPDATE nodes SET parent = (SELECT id FROM nodes WHERE name = 'inner')"
            " WHERE name = 'outer'",
            "no folder leads to it",
        ),
        ("UPDATE nodes SET gone = 1.0 WHERE name = 'outer'", "small: no folder leads to it"),
        ("UPDATE nodes SET is_folder = 1 WHERE name = 'big'", "big: it is neither a file nor a"),
        ("UPDATE nodes SET content = NULL WHERE name = 'big'", "big: it is neither a file nor a"),
        (
            "UPDATE nodes SET content = (SELECT content FROM nodes WHERE name = 'small')"
            " WHERE name = 'big'",
            "big: its version is not there, or has another content",
        ),
        ("UPDATE nodes SET number = number + 50 WHERE name = 'big'", "big: its version is not"),
        (
            "DELETE FROM versions WHERE node = (SELECT id FROM nodes WHERE name = 'big')",
            "big: its version is not there, or has another content",
        ),
        (
            "UPDATE versions SET content = content + 64"
            " WHERE node = (SELECT id FROM nodes WHERE name = 'big')",
            "big: a version of it has a content that is not there",
        ),
        (PARKED, "parked: what is parked for it is not there"),
        ("UPDATE contents SET size = 6 WHERE size = 5", "more or fewer than its size"),
        ("UPDATE changes SET kind = 'createD' WHERE number = 1", "1: the change of this number"),
        ("UPDATE versions SET kind = 'createD' WHERE number = 2", "2: the change of this number"),
        (
            "INSERT INTO meta VALUES ('names', '[[\"\", false]')",
            "the rules for names that it is kept by cannot be understood",
        ),
        (
            NO_RULES,
            "the rules for names that it is kept by cannot be understood",
        ),
    ],
)
async def test_rows_that_do_not_agree_are_told_and_nothing_is_mended(
    stored: Content, tmp_path: Path, damage: str, told: str
) -> None:
    assert verify(tmp_path).agrees
    execute(tmp_path, *damage.split(";"), "UPDATE usage SET bytes = 1 WHERE principal = 'ann'")
    leftover = tmp_path / "blobs" / "ab" / ("ab" + "0" * 62)
    leftover.write_bytes(b"x")

    report = verify(tmp_path, repair=True)

    assert {finding.fault for finding in report.findings} == {Fault.INDEX}
    assert told in " ".join(finding.text for finding in report.findings)
    assert all("Restore the backup" in finding.text for finding in report.findings)
    assert not report.agrees
    assert leftover.exists()
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as index:
        assert index.execute("SELECT bytes FROM usage WHERE principal = 'ann'").fetchall() == [(1,)]


async def test_bytes_that_are_lost_or_damaged_are_told_beside_it(
    stored: Content, tmp_path: Path
) -> None:
    execute(tmp_path, "UPDATE nodes SET parent = 9999 WHERE name = 'other'")
    flip(blob(tmp_path, stored), 17)
    report = verify(tmp_path, scrub=True, repair=True)
    assert [finding.fault for finding in report.findings] == [Fault.INDEX, Fault.DAMAGED]
    assert blob(tmp_path, stored).exists(), "nothing is set aside"


async def test_what_was_deleted_moved_restored_and_forgotten_leaves_rows_that_agree(
    tmp_path: Path,
) -> None:
    await names_kept(tmp_path)
    async with shelves(tmp_path) as store:
        await store.delete("Photos")
        await store.store("Photos/One", OTHER)
        await store.delete("three", 5.0)
        await store.index.write(lambda turn: turn.forget_versions(9.0, 99))
        await store.index.write(lambda turn: turn.forget_contents(99))
    assert [f.text for f in verify(tmp_path).findings if f.fault is Fault.INDEX] == []


@pytest.mark.parametrize("where", ["a table", "a name"])
def test_text_that_is_none_is_told_in_words(tmp_path: Path, where: str) -> None:
    data = tmp_path / "data"
    plant(tmp_path / "source", {"big": BIG, "other": OTHER})
    run("import", "source", "--data", "data", cwd=tmp_path)
    if where == "a name":
        execute(data, "UPDATE nodes SET name = CAST(x'626967ff' AS TEXT) WHERE name = 'big'")
    else:
        index = bytearray((data / "index.sqlite").read_bytes())
        index[index.index(b"idx_contents_digest") + 2] ^= 0x80
        (data / "index.sqlite").write_bytes(index)

    (finding,) = verify(data, repair=True).findings
    assert "The index is damaged (it holds text that is not UTF-8)" in finding.text
    said = run("export", "out", "--data", "data", cwd=tmp_path)
    assert said.returncode == 1
    assert "Traceback" not in said.stderr
    assert "index" in said.stderr
