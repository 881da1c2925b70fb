"""What bytes are, when libmagic fails, and which names go with them."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import magic
import pytest

from storage.sniffing import MagicSniffer

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0"


@pytest.fixture
def sniffer() -> Iterator[MagicSniffer]:
    made = MagicSniffer(5.0)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0", "image/jpeg"),
        (b"GIF89a\1\0\1\0\0\0\0", "image/gif"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
        (b"<!DOCTYPE html><html><script>", "text/html"),
        (b"hello, world\n", "text/plain"),
        ("hello, world\n".encode("utf-16"), "text/plain"),
        (b"a,b,c\n" + b"1,2,3\n" * 20, "text/csv"),
        (b'{"a": [1, 2, 3]}', "application/json"),
        (b"#!/bin/sh\necho hello\n", "text/x-shellscript"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"PK\x05\x06" + bytes(18), "application/zip"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "application/gzip"),
        (b"", "application/octet-stream"),
        (bytes(2000), "application/octet-stream"),
    ],
)
async def test_the_bytes_say_what_they_are(
    sniffer: MagicSniffer, head: bytes, media_type: str
) -> None:
    assert await sniffer.media_type(head) == media_type


async def test_many_may_ask_at_once(sniffer: MagicSniffer) -> None:
    answers = await asyncio.gather(
        *(sniffer.media_type(PNG if n % 2 else b"hello, world") for n in range(100))
    )
    assert answers == ["text/plain", "image/png"] * 50


class Libmagic:
    """Stands in for a libmagic that hangs or breaks on what it is shown."""

    def __init__(self, *, mime: bool, magic_file: str) -> None:
        assert mime
        assert Path(magic_file).is_file()
        self.flags, self.cookie = 0, magic.magic_open(0)

    def from_buffer(self, head: bytes) -> str:
        if head == b"hang":
            Libmagic.over.wait()
        if head == b"break":
            raise OSError("broken")
        if head == b"crash":
            raise ValueError
        return "text/plain"

    over = threading.Event()


@pytest.fixture
def libmagic(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Libmagic]]:
    monkeypatch.setattr("magic.Magic", Libmagic)
    Libmagic.over = threading.Event()
    yield Libmagic
    Libmagic.over.set()


async def test_what_libmagic_breaks_on_is_unknown_and_the_next_is_told(
    libmagic: type[Libmagic], sniffer: MagicSniffer
) -> None:
    for head in (b"break", b"crash"):
        assert await sniffer.media_type(head) == "application/octet-stream"
        assert await sniffer.media_type(b"fine") == "text/plain"


async def test_what_libmagic_hangs_on_is_unknown_and_the_next_is_told_by_a_new_thread(
    libmagic: type[Libmagic],
) -> None:
    sniffer = MagicSniffer(0.05)
    assert await sniffer.media_type(b"hang") == "application/octet-stream"
    assert await sniffer.media_type(b"fine") == "text/plain"
    sniffer.close()


async def test_what_one_hangs_on_keeps_nobody_else_waiting(libmagic: type[Libmagic]) -> None:
    sniffer = MagicSniffer(30.0)
    hanging = asyncio.create_task(sniffer.media_type(b"hang"))
    await asyncio.sleep(0)
    for _ in range(5):
        assert await sniffer.media_type(b"fine") == "text/plain"
    assert not hanging.done()
    libmagic.over.set()
    assert await hanging == "text/plain"
    sniffer.close()


async def test_who_gives_up_leaves_the_thread_to_the_next(libmagic: type[Libmagic]) -> None:
    sniffer = MagicSniffer(30.0)
    before = threading.active_count()
    for _ in range(3):
        asking = asyncio.create_task(sniffer.media_type(b"fine"))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert await sniffer.media_type(b"fine") == "text/plain"
    assert threading.active_count() == before
    sniffer.close()


async def test_hanging_threads_are_bounded_in_number(libmagic: type[Libmagic]) -> None:
    before = threading.active_count()
    sniffer = MagicSniffer(0.05)
    for _ in range(10):
        assert await sniffer.media_type(b"hang") == "application/octet-stream"
    # Those that do not hang have been told to end.
    for thread in threading.enumerate():
        if thread.name == "libmagic":
            thread.join(0.2)
    assert threading.active_count() - before <= 4
    assert await sniffer.media_type(b"fine") == "application/octet-stream"
    sniffer.close()


async def test_types_are_told_again_once_what_hung_has_come_back(libmagic: type[Libmagic]) -> None:
    sniffer = MagicSniffer(0.05)
    for _ in range(4):
        assert await sniffer.media_type(b"hang") == "application/octet-stream"
    assert await sniffer.media_type(b"fine") == "application/octet-stream"
    libmagic.over.set()
    async with asyncio.timeout(10):
        while await sniffer.media_type(b"fine") != "text/plain":  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
    sniffer.close()


@pytest.mark.parametrize(
    ("media_type", "name"),
    [
        ("image/png", "a.png"),
        ("image/png", "A.PNG"),
        ("image/jpeg", "a.jpg"),
        ("image/jpeg", "a.jpeg"),
        ("text/plain", "notes.md"),
        ("text/plain", "table.csv"),
        ("text/x-c", "main.py"),
        ("text/x-script.python", "main.py"),
        ("text/plain", "data.json"),
        ("application/json", "data.json"),
        ("text/xml", "feed.xml"),
        ("image/svg+xml", "drawing.svg"),
        ("text/html", "page.htm"),
        ("application/zip", "text.docx"),
        ("application/zip", "table.ods"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "text.docx"),
        ("application/gzip", "a.tar.gz"),
        ("application/x-gzip", "a.tgz"),
        ("video/mp4", "film.m4v"),
        ("video/x-ms-asf", "film.wmv"),
        ("video/MP2T", "film.ts"),
        ("text/plain", "program.ts"),
        ("application/CDFV2", "text.doc"),
        ("application/x-dosexec", "program.exe"),
        ("application/x-pem-file", "key.pem"),
        ("application/x-pem-file", "key.txt"),
        ("text/html", "readme.md"),
        ("text/html", "feed.xml"),
        ("audio/x-wav", "sound.wav"),
        ("application/octet-stream", "anything.png"),
        ("image/png", "data.bin"),
        ("image/png", "no-extension"),
        ("text/plain", "strange.xyzzy"),
        ("text/plain", ".bashrc"),
    ],
)
def test_an_extension_fits(sniffer: MagicSniffer, media_type: str, name: str) -> None:
    assert sniffer.fits(media_type, name)


@pytest.mark.parametrize(
    ("media_type", "name"),
    [
        ("text/html", "picture.png"),
        ("text/html", "notes.txt"),
        ("image/svg+xml", "notes.txt"),
        ("image/png", "picture.jpg"),
        ("image/png", "notes.txt"),
        ("application/zip", "picture.png"),
        ("application/x-dosexec", "invoice.pdf"),
        ("application/pdf", "text.docx"),
        ("text/plain", "page.html"),
        ("text/plain", "picture.gif"),
        ("image/gif", "invoice.pdf.gif.pdf"),
    ],
)
def test_an_extension_does_not_fit(sniffer: MagicSniffer, media_type: str, name: str) -> None:
    assert not sniffer.fits(media_type, name)
