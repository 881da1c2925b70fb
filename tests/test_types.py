"""The table of types: what it tells, what cannot hide from it, and that it is whole."""

import functools
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from handlers.serving import PASSIVE_TYPES
from storage import sniffing
from storage.upkeep import doctor
from tests import heads, heads_of_text
from tests.heads import windows

TABLE = Path(sniffing.__file__).with_name("types.magic")
UNKNOWN = "application/octet-stream"
BINARY = [*heads.PICTURES, *heads.SOUND, *heads.FILM, *heads.DOCUMENTS, *heads.ARCHIVES]
REST = [
    *heads_of_text.TEXTS,
    *heads_of_text.FONTS,
    *heads_of_text.DATA,
    *heads_of_text.NOTHING,
]
PROGRAMS = [*heads_of_text.PROGRAMS, *heads_of_text.SCRIPTS]
ALL = [*BINARY, *REST, *PROGRAMS, *heads_of_text.MARKUP]

# What is a page or a program by its first bytes, and marks that stand later in other formats.
FIRST = [
    (b"<p >", "text/html"),
    (b"\n<p>", "text/html"),
    (b"#!/bin/sh\n", "text/x-shellscript"),
    (b"MZ", "application/x-dosexec"),
    (b"\x7fELF", "application/x-executable"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
]
LATER = [
    *[(4, mark) for mark in (b"ftypavif", b"ftypisom", b"moov", b"mdat", b"wide", b"free")],
    *[(2, b"-lh5-"), (34, b"LP"), (36, b"acsp"), (60, b"BOOKMOBI"), (64, b"\x7f\x10\xda\xbe")],
    (128, b"DICM"),
]


Tell = Callable[[bytes], str]


@pytest.fixture(scope="module")
def tell() -> Tell:
    return functools.partial(sniffing._tell, sniffing._load())


@pytest.mark.parametrize(
    ("head", "media_type"), ALL, ids=[f"{kind} {head[:20]!r}" for head, kind in ALL]
)
def test_the_first_bytes_say_what_it_is(tell: Tell, head: bytes, media_type: str) -> None:
    assert tell(head) == media_type


def test_every_type_of_the_table_is_told_of_something() -> None:
    named = set(re.findall(r"^!:mime\t(\S+)$", TABLE.read_text("utf-8"), re.MULTILINE))
    assert named - {media_type for _, media_type in ALL} == set()


@pytest.mark.parametrize(
    "head", [pytest.param(head, id=f"{kind} {head[:20]!r}") for head, kind in ALL]
)
def test_a_head_cut_short_is_shown_as_nothing_else(tell: Tell, head: bytes) -> None:
    harmless = {tell(head), "text/plain"}
    told = {tell(head[:size]) for size in range(1, min(len(head), 80))}
    assert (told - harmless) & PASSIVE_TYPES == set()


@pytest.mark.parametrize("before", [b"\1", b"\7\7\0"])
def test_what_does_not_stand_in_its_place_does_not_count(tell: Tell, before: bytes) -> None:
    found = [
        (head[:20], media_type)
        for head, media_type in ALL
        if media_type not in (UNKNOWN, "text/plain")
        if tell(before + head) not in (UNKNOWN, "text/plain")
    ]
    assert found == []


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (first.ljust(offset) + mark + bytes(600), media_type)
        for first, media_type in FIRST
        for offset, mark in LATER
        if len(first) <= offset
    ],
)
def test_no_page_and_no_program_hides_behind_a_later_mark(
    tell: Tell, head: bytes, media_type: str
) -> None:
    assert tell(head) == media_type


def test_a_script_behind_the_header_of_a_picture_is_a_picture(tell: Tell) -> None:
    assert tell(b"GIF89a=1;/*<script>alert(1)</script>*/") == "image/gif"


def test_an_office_file_with_a_program_inside_is_an_office_file(tell: Tell) -> None:
    head = heads.zipped("word/vbaProject.bin") + windows(b"PE\0\0")
    assert tell(head).endswith("wordprocessingml.document")


def test_what_is_left_out_for_bytes_that_are_no_text_tells_the_same(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    random, asked = Random(9), set()
    for head, _ in ALL:
        at = random.randrange(len(head) + 1)
        asked |= {head, head + b"\0", b"\0" + head, head[:at] + b"\0" + head[at:]}
    for size in (1, 9, 99, 999, 8192):
        wide = "päge, näme\n".encode("utf-16-le") * size
        for mark in (b"", b"\0", b"\xff\xfe", b"\0\0\xfe\xff", b"+/v8", b"{", b"\x4c\x00"):
            asked |= {mark + random.randbytes(size), mark + wide}
    quick = {head: tell(head) for head in asked}
    # Every head begins with nothing, so that none is taken for what is no text.
    monkeypatch.setattr(sniffing, "_MARKS", (b"",))

    assert {head: tell(head) for head in asked} == quick
    assert {"text/plain", "text/html", "image/png", UNKNOWN} <= set(quick.values())


def test_random_bytes_are_shown_as_nothing(tell: Tell) -> None:
    random = Random(7)
    told = {tell(random.randbytes(random.randint(1, 4000))) for _ in range(3000)}
    assert told & PASSIVE_TYPES <= {"text/plain"}


@dataclass(slots=True)
class Entry:
    """A test at the first byte, with all that stands below it."""

    line: int
    test: str
    types: int = 0
    uses: list[str] = field(default_factory=list)


def _entries() -> list[Entry]:
    entries: list[Entry] = []
    for number, line in enumerate(TABLE.read_text("utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("!:mime\t"):
            entries[-1].types += 1
        elif re.match(r"\d", line):
            entries.append(Entry(number, line))
        elif used := re.search(r"\tuse\t(\S+)$", line):
            entries[-1].uses.append(used[1])
        else:
            assert line.startswith((">", "!:strength\t"))
    return entries


def test_every_test_of_the_table_leads_to_a_type() -> None:
    entries = _entries()
    named = {name[1]: one for one in entries if (name := re.match(r"0\tname\t(\S+)", one.test))}
    used = {name for one in entries for name in one.uses}
    assert used == set(named)
    assert len(entries) > 200
    for entry in entries:
        ways = [named[name] for name in entry.uses]
        assert entry.types or any(way.types or way.uses for way in ways), entry


def test_the_table_costs_little_for_files_of_no_type() -> None:
    assert "regex" not in re.sub(r"^#.*$", "", TABLE.read_text("utf-8"), flags=re.MULTILINE)
    searching = [one.test for one in _entries() if "\tsearch" in one.test]
    assert [test for test in searching if "\tsearch/1/" not in test] == []


def test_libmagic_reads_the_table_without_a_warning(capfd: pytest.CaptureFixture[str]) -> None:
    sniffing._load()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("text", [None, "", "0\tstring\n!:mime\tx\n", "0\tnonsense\ta\tb\n"])
async def test_a_table_that_is_missing_or_broken_shows_at_the_start(
    text: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = tmp_path / "types.magic"
    if text is not None:
        table.write_text(text)
    monkeypatch.setattr(sniffing, "_TABLE", table)
    sniffer = sniffing.MagicSniffer(5.0)
    with caplog.at_level(logging.ERROR):
        sniffing.MagicSniffer(5.0).close()
    assert "types.magic" in caplog.text
    assert await sniffer.media_type(heads.PICTURES[0][0]) == UNKNOWN
    assert doctor._libmagic().level is doctor.Level.WARN
    sniffer.close()


def test_the_doctor_finds_the_table_that_is_there() -> None:
    assert doctor._libmagic().level is doctor.Level.OK
