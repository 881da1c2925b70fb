"""What macOS Finder and Windows (Explorer, Office) send, replayed in its order.

From what is written and logged of them; neither was at hand. docs/sync.md has the page of it.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.davs import Answer, ask, find, patch, setting
from tests.doors import House, got, opened
from tests.wire import Wire
from uploads.rules import Limits

FINDER_LOCK = (
    '<?xml version="1.0" encoding="utf-8"?>\n<D:lockinfo xmlns:D="DAV:">\n'
    "<D:lockscope><D:exclusive/></D:lockscope>\n<D:locktype><D:write/></D:locktype>\n"
    "<D:owner>\n<D:href>http://www.apple.com/webdav_fs/</D:href>\n</D:owner>\n</D:lockinfo>\n"
)


LOOKED_FOR = (
    *(".metadata_never_index", ".metadata_never_index_unless_rootfs", ".Spotlight-V100", "._."),
    *(".DS_Store", "._.DS_Store", ".hidden", "mach_kernel", "Backups.backupdb", ".localized"),
)


async def chunked(house: House, path: str, pieces: tuple[bytes, ...], **headers: str) -> Answer:
    """Without a length, which is told beside it."""

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    length = {"X-Expected-Entity-Length": str(sum(map(len, pieces))), **headers}
    async with house.client.put(f"/dav/{path}", data=body(), headers=length) as answer:
        return Answer(answer.status, answer.headers, await answer.text())


async def test_finder_mounts_and_finds_nothing_of_its_own() -> None:
    async with opened(limits=Limits(quota_bytes=1 << 30)) as house:
        options = await ask(house, "OPTIONS", "")
        assert "2" in options.headers["DAV"]
        names = ("getlastmodified", "getcontentlength", "creationdate", "resourcetype")
        assert (await find(house, "", *names, depth="0")).status == 207
        quota = ("quota-available-bytes", "quota-used-bytes", "quota", "quotaused")
        told = (await find(house, "", *quota, Authorization="Basic YW5uOnNlY3JldA==")).properties(
            "/dav/"
        )
        assert [told[f"{{DAV:}}{name}"][0] for name in quota] == [200, 200, 404, 404]
        for name in LOOKED_FOR:
            assert (await find(house, name, *names)).refusal == "not-there"
        assert (await ask(house, "PROPFIND", "", Depth="1")).hrefs == ["/dav/"]


async def test_finder_stores_a_file_with_its_companion() -> None:
    """An empty file first, then its lock, then the bytes in chunks under the lock, then both times;
    `._` files beside it.
    """
    async with opened() as house:
        for name in ("report.pages", "._report.pages"):
            assert (await find(house, name)).status == 404
            assert (await ask(house, "PUT", name, b"")).status == 201
            locked = await ask(house, "LOCK", name, FINDER_LOCK, Depth="0", Timeout="Second-600")
            token = locked.headers["Lock-Token"]
            assert locked.status == 200
            under = {"If": f"({token})"}
            pieces = (b"Mac OS X        ",) if name.startswith("._") else (b"text" * 100, b"more")
            assert (await chunked(house, name, pieces, **under)).status == 204
            assert (await ask(house, "LOCK", name, **under, Timeout="Second-600")).status == 200
            told = (await find(house, name, "getcontentlength")).properties(f"/dav/{name}")
            assert told["{DAV:}getcontentlength"][1].text == str(sum(map(len, pieces)))
            assert (await ask(house, "UNLOCK", name, Lock_Token=token)).status == 204
        assert (await ask(house, "MKCOL", "untitled folder")).status == 201
        renamed = {"Destination": "/dav/papers", "Overwrite": "F"}
        assert (await ask(house, "MOVE", "untitled%20folder", **renamed)).status == 201
        for name in ("report.pages", "._report.pages"):
            assert (await ask(house, "DELETE", name)).status == 204
        assert (await ask(house, "DELETE", "._papers")).status == 404


async def test_what_finder_breaks_off_in_its_chunks_leaves_what_was_there() -> None:
    async with opened() as house:
        assert house.client.port is not None
        await ask(house, "PUT", "a.txt", b"there")
        wire = await Wire.connect(house.client.port)
        await wire.send(
            b"PUT /dav/a.txt HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
            b"X-Expected-Entity-Length: 8\r\n\r\n4\r\nhalf\r\n"
        )
        wire.writer.write_eof()
        # What it is told, if it hears it; the end of the connection in any case.
        async with asyncio.timeout(20):
            said = await wire.reader.read()
        assert said.split()[1:2] in ([], [b"400"])
        await wire.close()
        assert await got(house, "a.txt") == (200, b"there")


async def test_a_name_that_only_finder_can_see_is_refused_in_words() -> None:
    """The icon of a folder is a file whose name ends with a carriage return."""
    async with opened() as house:
        refused = await ask(house, "PUT", "Icon%0D", b"")
        assert (refused.status, refused.refusal) == (422, "bad-name")
        assert (await find(house, "Icon%0D")).refusal == "not-there"
        assert (await find(house, "a%2Fb")).status == 422


async def test_windows_asks_the_top_of_the_server_first() -> None:
    async with opened() as house, house.client.options("/") as told:
        assert (told.status, told.headers["MS-Author-Via"]) == (200, "DAV")
        assert "2" in told.headers["DAV"]


REDIRECTOR = {"User-Agent": "Microsoft-WebDAV-MiniRedir/10.0.19045", "translate": "f"}
WINDOWS_LOCK = (
    '<?xml version="1.0" encoding="utf-8" ?><D:lockinfo xmlns:D="DAV:"><D:lockscope>'
    "<D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>"
    "<D:href>PC\\ann</D:href></D:owner></D:lockinfo>"
)
TIMES = "".join(
    f"<Z:{name}>Sat, 03 Feb 2001 04:05:06 GMT</Z:{name}>"
    for name in ("Win32CreationTime", "Win32LastAccessTime", "Win32LastModifiedTime")
)
UPDATE = setting(f"{TIMES}<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes>").replace(
    "<D:set>", '<D:set xmlns:Z="urn:schemas-microsoft-com:">'
)


async def saved(house: House, name: str, body: bytes) -> None:
    """As the redirector writes a file, whatever program it is for: it sends no Depth."""
    assert (await ask(house, "PROPFIND", name, Depth="0", **REDIRECTOR)).status in {207, 404}
    assert (await ask(house, "PUT", name, b"", **REDIRECTOR)).status in {201, 204}
    locked = await ask(house, "LOCK", name, WINDOWS_LOCK, Timeout="Second-3600", **REDIRECTOR)
    assert locked.status == 200
    under = {"If": f"({locked.headers['Lock-Token']})", **REDIRECTOR}
    assert (await ask(house, "HEAD", name, **REDIRECTOR)).status == 200
    assert (await ask(house, "PUT", name, body, **under)).status == 204
    assert "HTTP/1.1 200 OK" in (await patch(house, name, UPDATE, **under)).text
    token = locked.headers["Lock-Token"]
    assert (await ask(house, "UNLOCK", name, Lock_Token=token, **REDIRECTOR)).status == 204


async def test_windows_browses_a_drive_and_finds_nothing_of_its_own() -> None:
    async with opened() as house:
        for depth in ("0", "1"):
            assert (await ask(house, "PROPFIND", "", Depth=depth, **REDIRECTOR)).hrefs == ["/dav/"]
        for name in ("desktop.ini", "folder.jpg", "Thumbs.db", "AutoRun.inf"):
            assert (await ask(house, "PROPFIND", name, Depth="0", **REDIRECTOR)).status == 404
        assert (await ask(house, "MKCOL", "New%20folder", **REDIRECTOR)).status == 201
        goal = f"http://127.0.0.1:{house.client.port}/dav/Work%20in%20progress"
        renamed = {"Destination": goal, "Overwrite": "F", **REDIRECTOR}
        assert (await ask(house, "MOVE", "New%20folder", **renamed)).status == 201


async def test_windows_stores_a_file_and_sets_its_times() -> None:
    async with opened() as house:
        await saved(house, "New.docx", b"words")
        told = (await find(house, "New.docx")).properties("/dav/New.docx")
        assert told["{DAV:}getlastmodified"][1].text == "Sat, 03 Feb 2001 04:05:06 GMT"
        assert told["{DAV:}getcontentlength"][1].text == "5"
        kept = told["{urn:schemas-microsoft-com:}Win32FileAttributes"][1].text
        assert kept == "00000020"
        assert (await ask(house, "GET", "New.docx", **REDIRECTOR)).text == "words"


@pytest.mark.parametrize("name", ["a.docx", "b%20%26%20c.xlsx"])
async def test_an_office_program_saves_through_a_drive(name: str) -> None:
    """Its own file says who works on it, the old version is moved away and deleted at last."""
    async with opened() as house:
        first = await ask(house, "PUT", name, b"one")
        owner, new, old = f"~%24{name}", "~WRD0001.tmp", "~WRL0002.tmp"
        await saved(house, owner, b"\x03Ann" + b" " * 158)
        locked = await ask(house, "LOCK", name, WINDOWS_LOCK, Timeout="Second-3600", **REDIRECTOR)
        token = locked.headers["Lock-Token"]
        assert (await ask(house, "GET", name, **REDIRECTOR)).text == "one"
        assert (await ask(house, "PUT", name, b"somebody else")).status == 423
        await saved(house, new, b"two")
        assert (await ask(house, "UNLOCK", name, Lock_Token=token, **REDIRECTOR)).status == 204
        for source, goal in ((name, old), (new, name)):
            address = f"http://127.0.0.1:{house.client.port}/dav/{goal}"
            moved = {"Destination": address, "Overwrite": "F", **REDIRECTOR}
            assert (await ask(house, "MOVE", source, **moved)).status == 201
        for gone in (old, owner):
            assert (await ask(house, "DELETE", gone, **REDIRECTOR)).status == 204
        assert await got(house, name) == (200, b"two")
        number = first.headers["ETag"].strip('"').partition("-")[0]
        assert await got(house, f"{old}?version={number}") == (200, b"one")


async def test_an_office_program_saves_beside_the_file_and_swaps_the_names() -> None:
    async with opened() as house:
        first = await ask(house, "PUT", "a.docx", b"one")
        await ask(house, "PUT", "~new.tmp", b"two")
        for source, goal in (("a.docx", "~old.tmp"), ("~new.tmp", "a.docx")):
            address = f"http://127.0.0.1:{house.client.port}/dav/{goal}"
            moved = await ask(house, "MOVE", source, Destination=address, Overwrite="F")
            assert moved.status == 201
        assert (await ask(house, "DELETE", "~old.tmp")).status == 204
        assert await got(house, "a.docx") == (200, b"two")
        number = first.headers["ETag"].strip('"').partition("-")[0]
        assert await got(house, f"~old.tmp?version={number}") == (200, b"one")
