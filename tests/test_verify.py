"""What is found where index and bytes disagree, and what repair does."""

import os
import sqlite3
import stat
import tempfile
from pathlib import Path

import pytest

from storage import roster
from storage.sqlite import rekeying
from storage.upkeep.verify import Fault, Pace, Report, verify
from tests.shelves import PLAIN, blob, give_away, powerless, shelves
from uploads.collisions import FileHere
from uploads.failures import Damaged
from uploads.files import Content
from uploads.names import Path as TreePath

BIG = b"bytes that lie in a file of their own" * 1000
OTHER = b"other bytes that lie in a file of their own" * 1000
SMALL = b"small"


@pytest.fixture
async def stored(tmp_path: Path) -> tuple[Content, Content, Content]:
    async with shelves(tmp_path) as store:
        return (
            await store.store("reports/big.txt", BIG),
            await store.store("other", OTHER),
            await store.store("small", SMALL),
        )


def faults(report: Report) -> list[tuple[Fault, str]]:
    return [(finding.fault, finding.subject) for finding in report.findings]


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


def execute(data: Path, *statements: str) -> None:
    connection = sqlite3.connect(data / "index.sqlite")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("scrub", ["", "scrub"])
async def test_a_sound_store_agrees(
    stored: tuple[Content, ...], tmp_path: Path, scrub: str
) -> None:
    told: list[tuple[int, int]] = []
    report = verify(tmp_path, scrub=bool(scrub), tell=lambda done, of: told.append((done, of)))
    total = len(BIG) + len(OTHER) + len(SMALL)
    assert report == Report(3, total, ())
    assert report.agrees
    assert told[-1] == (total, total)


async def test_a_store_that_has_never_heard_of_uploads_in_pieces_is_verified(
    stored: tuple[Content, ...], tmp_path: Path
) -> None:
    """As an earlier version left it."""
    execute(tmp_path, "DROP TABLE arriving")
    assert verify(tmp_path, scrub=True).agrees


async def test_a_store_is_verified_beside_its_server(tmp_path: Path) -> None:
    async with shelves(tmp_path) as store:
        await store.store("big", BIG)
        assert verify(tmp_path, scrub=True).agrees
        content = await store.store("small", SMALL)
        assert verify(tmp_path).contents == 2
        assert await store.read(content) == SMALL


async def test_missing_bytes_are_told_by_the_name_of_their_file(
    stored: tuple[Content, ...], tmp_path: Path
) -> None:
    blob(tmp_path, stored[0]).unlink()
    report = verify(tmp_path)
    assert faults(report) == [(Fault.MISSING, stored[0].digest)]
    assert "reports/big.txt: its bytes are missing" in report.findings[0].text
    assert not report.agrees


async def test_a_wrong_size_is_found_at_once_and_a_flipped_bit_by_scrubbing(
    stored: tuple[Content, ...], tmp_path: Path
) -> None:
    flip(blob(tmp_path, stored[0]), 17)
    assert verify(tmp_path).agrees
    assert faults(verify(tmp_path, scrub=True)) == [(Fault.DAMAGED, stored[0].digest)]
    blob(tmp_path, stored[0]).write_bytes(BIG[:-1])
    assert faults(verify(tmp_path)) == [(Fault.DAMAGED, stored[0].digest)]


async def test_damaged_small_contents_are_found_by_scrubbing(
    stored: tuple[Content, ...], tmp_path: Path
) -> None:
    execute(tmp_path, "UPDATE small SET bytes = x'0000000000'")
    assert faults(verify(tmp_path, scrub=True)) == [(Fault.DAMAGED, stored[2].digest)]


async def test_repair_sets_damaged_bytes_aside_so_that_the_same_content_heals(
    stored: tuple[Content, ...], tmp_path: Path
) -> None:
    flip(blob(tmp_path, stored[0]), 17)
    verify(tmp_path, scrub=True, repair=True)
    assert (tmp_path / "damaged" / stored[0].hex).exists()
    assert faults(verify(tmp_path)) == [(Fault.MISSING, stored[0].digest)]
    async with shelves(tmp_path) as store:
        await store.store("again", BIG)
        assert await store.read(stored[0]) == BIG
    assert verify(tmp_path, scrub=True).agrees


async def test_leftovers_are_removed_by_repair_and_strangers_are_only_reported(
    stored: tuple[Content, ...], tmp_path: Path
) -> None:
    leftover = tmp_path / "blobs" / "ab" / ("ab" + "0" * 62)
    half_placed = tmp_path / "blobs" / "cd" / ("cd" + "0" * 62 + "." + "1" * 16)
    stranger = tmp_path / "blobs" / "ef" / "holiday.jpg"
    for path in (leftover, half_placed, stranger):
        path.write_bytes(b"x")
    assert faults(verify(tmp_path)) == [(Fault.FOREIGN, "holiday.jpg")], "young ones may be new"
    report = verify(tmp_path, repair=True)
    assert [(finding.subject, finding.mended) for finding in report.findings] == [
        (leftover.name, True),
        (half_placed.name, True),
        (stranger.name, False),
    ]
    assert not leftover.exists()
    assert not half_placed.exists()
    assert stranger.exists()
    stranger.unlink()
    assert verify(tmp_path).agrees


async def test_wrong_counts_are_found_and_mended(
    stored: tuple[Content, ...], tmp_path: Path
) -> None:
    execute(
        tmp_path,
        "UPDATE usage SET bytes = 1",
        "INSERT INTO usage VALUES ('bob', 5, 1)",
        "UPDATE contents SET refs = 0 WHERE size = 5",
    )
    expected = [(Fault.COUNT, stored[2].digest), (Fault.USAGE, "ann"), (Fault.USAGE, "bob")]
    assert faults(verify(tmp_path)) == expected
    assert faults(verify(tmp_path, repair=True)) == expected
    assert verify(tmp_path).agrees


async def names_kept(data: Path) -> None:
    """A store that has recorded by which rules it finds its files."""
    list(rekeying.follow(data, PLAIN.keys, PLAIN.name_rules()))
    async with shelves(data) as store:
        for name in ("Photos/One", "Photos/Two", "three"):
            await store.store(name, BIG)
            await store.delete(name)
            await store.store(name, BIG)


async def test_a_file_that_its_name_does_not_find_is_told_and_found_after_a_repair(
    tmp_path: Path,
) -> None:
    await names_kept(tmp_path)
    assert verify(tmp_path).agrees
    execute(tmp_path, "UPDATE nodes SET key = name WHERE name IN ('One', 'Two')")

    (finding,) = verify(tmp_path).findings

    assert finding.fault is Fault.NAMES
    assert finding.text == (
        "Photos/One, Photos/Two: the index does not find this by its name;"
        " --repair has the next start mend it"
    )
    repaired = verify(tmp_path, repair=True)
    assert repaired.agrees
    assert repaired.findings[0].text.endswith("the next start mends it")
    assert verify(tmp_path).findings == ()
    list(rekeying.follow(tmp_path, PLAIN.keys, PLAIN.name_rules()))
    assert verify(tmp_path).findings == ()
    async with shelves(tmp_path) as store:
        one = await store.index.read(lambda view: view.at(TreePath(("Photos", "One"))))
    assert isinstance(one, FileHere)


@pytest.mark.parametrize("another_key", ["", "y"])
async def test_a_name_that_was_given_away_meanwhile_is_no_matter_for_a_repair(
    tmp_path: Path, another_key: str
) -> None:
    """Whether the second file of this name has its own key, or a wrong one, too."""
    await names_kept(tmp_path)
    execute(tmp_path, "UPDATE nodes SET key = 'x' WHERE name = 'One'")
    async with shelves(tmp_path) as store:
        await store.store("Photos/One", OTHER)
    execute(tmp_path, f"UPDATE nodes SET key = key || '{another_key}' WHERE name = 'One'")  # noqa: S608 - our words
    found = verify(tmp_path, repair=True)
    assert not found.agrees
    assert "two would be one name now, so restore it from a backup" in found.findings[0].text
    assert list(rekeying.follow(tmp_path, PLAIN.keys, PLAIN.name_rules())) == []


async def test_a_damaged_index_is_told(stored: tuple[Content, ...], tmp_path: Path) -> None:
    index = tmp_path / "index.sqlite"
    data = bytearray(index.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    index.write_bytes(data)
    assert [finding.fault for finding in verify(tmp_path).findings][:1] == [Fault.INDEX]


@pytest.mark.parametrize(("rate", "least", "most"), [(1_000_000, 0.3, 5.0), (None, 0.0, 0.3)])
def test_a_scrub_reads_no_more_in_a_second_than_it_may(
    monkeypatch: pytest.MonkeyPatch, rate: float | None, least: float, most: float
) -> None:
    now = 100.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr("storage.upkeep.verify.time.monotonic", lambda: now)
    monkeypatch.setattr("storage.upkeep.verify.time.sleep", sleep)
    pace = Pace(rate)
    for _ in range(4):
        pace.after(100_000)
    assert least <= now - 100.0 <= most


async def test_what_we_may_not_open_is_not_called_damaged_and_stays_where_it_is() -> None:
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        async with shelves(data) as store:
            content = await store.store("big", BIG)
        blob(data, content).chmod(0)
        give_away(data)
        with powerless():
            report = verify(data, scrub=True, repair=True)

        assert faults(report) == [(Fault.CLOSED, content.digest)]
        assert report.findings[0].text == (
            "big: its bytes cannot be opened: Permission denied;"
            " run it as the user who owns the folder"
        )
        assert blob(data, content).exists()


async def test_a_roster_that_cannot_be_understood_or_read_is_told(
    stored: tuple[Content, Content, Content], tmp_path: Path
) -> None:
    place = tmp_path / roster.NAME
    place.write_bytes(b"half of it")
    report = verify(tmp_path)
    assert faults(report) == [(Fault.ACCOUNTS, roster.NAME)]
    assert "Bring it back from a backup" in report.findings[0].text
    place.unlink()
    place.mkdir()
    assert faults(verify(tmp_path)) == [(Fault.ACCOUNTS, roster.NAME)]


async def test_a_hard_link_elsewhere_is_judged_as_the_server_does_and_ended_by_repair(
    stored: tuple[Content, ...], tmp_path: Path
) -> None:
    """As `cp -al` of the data folder makes of every file."""
    place, snapshot = blob(tmp_path, stored[0]), tmp_path / "snapshot"
    os.link(place, snapshot)
    (finding,) = verify(tmp_path).findings
    assert finding.fault is Fault.SHARED
    assert finding.text == (
        "reports/big.txt: its bytes have another name on the disk (a hard link), so they are not"
        " served; --repair copies them to a file of their own"
    )
    async with shelves(tmp_path) as store:
        with pytest.raises(Damaged):
            await store.read(stored[0])

    repaired = verify(tmp_path, repair=True)

    assert [(one.fault, one.mended) for one in repaired.findings] == [(Fault.SHARED, True)]
    assert not place.samefile(snapshot)
    assert stat.S_IMODE(place.stat().st_mode) == 0o400
    assert verify(tmp_path, scrub=True).findings == ()
    async with shelves(tmp_path) as store:
        assert await store.read(stored[0]) == BIG


async def test_damaged_bytes_with_another_name_take_no_place(
    stored: tuple[Content, ...], tmp_path: Path
) -> None:
    place = blob(tmp_path, stored[0])
    flip(place, 17)
    os.link(place, tmp_path / "snapshot")
    assert faults(verify(tmp_path, repair=True)) == [(Fault.DAMAGED, stored[0].digest)]
    assert (tmp_path / "damaged" / stored[0].hex).exists()
    assert list(place.parent.iterdir()) == []


@pytest.mark.parametrize("folder", ["arriving", "staging"])
async def test_what_has_just_come_in_may_have_the_name_of_before(
    stored: tuple[Content, ...], tmp_path: Path, folder: str
) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    os.link(blob(tmp_path, stored[0]), tmp_path / folder / "1")
    assert verify(tmp_path).findings == ()


@pytest.mark.parametrize("there", ["a file", "a link"])
async def test_what_is_no_folder_of_bytes_is_told_as_such(
    stored: tuple[Content, ...], tmp_path: Path, there: str
) -> None:
    fan = blob(tmp_path, stored[0]).parent
    fan.rename(tmp_path / "elsewhere")
    if there == "a file":
        fan.touch()
    else:
        fan.symlink_to(tmp_path / "elsewhere")
    told = next(one for one in verify(tmp_path, repair=True).findings if one.fault is Fault.CLOSED)
    assert f"blobs/{fan.name}; this is no folder, or a link to one; put the folder" in told.text
    with pytest.raises(NotADirectoryError, match="this is no folder") as refused:
        async with shelves(tmp_path):
            pass
    assert refused.value.filename == str(fan)
