"""What macOS Finder and Windows Explorer send, from their documentation, replayed in its order."""

from tests.davs import LOCK, ask, find, patch, setting
from tests.doors import got, opened

FINDER_LOCK = (
    '<?xml version="1.0" encoding="utf-8"?>\n<D:lockinfo xmlns:D="DAV:">\n'
    "<D:lockscope><D:exclusive/></D:lockscope>\n<D:locktype><D:write/></D:locktype>\n"
    "<D:owner>\n<D:href>http://www.apple.com/webdav_fs/</D:href>\n</D:owner>\n</D:lockinfo>\n"
)


async def test_finder_stores_a_file_with_its_companion() -> None:
    """An empty file first, then its lock, then the bytes under the lock; `._` files beside it."""
    async with opened() as house:
        options = await ask(house, "OPTIONS", "")
        assert "2" in options.headers["DAV"]
        names = ("getlastmodified", "getcontentlength", "creationdate", "resourcetype")
        assert (await find(house, "", *names, depth="0")).status == 207
        assert (await find(house, "report.pages")).status == 404
        assert (await find(house, "._report.pages")).status == 404
        for name in ("report.pages", "._report.pages"):
            assert (await ask(house, "PUT", name, b"")).status == 201
            locked = await ask(house, "LOCK", name, FINDER_LOCK, Depth="0", Timeout="Second-600")
            token = locked.headers["Lock-Token"]
            assert locked.status == 200
            under = {"If": f"({token})"}
            body = b"Mac OS X        " if name.startswith("._") else b"text" * 100
            assert (await ask(house, "PUT", name, body, **under)).status == 204
            assert (await ask(house, "LOCK", name, **under, Timeout="Second-600")).status == 200
            assert (await find(house, name, "getcontentlength")).status == 207
            assert (await ask(house, "UNLOCK", name, Lock_Token=token)).status == 204
        quota = await find(house, "", "quota-available-bytes", "quota-used-bytes")
        assert "200 OK" in quota.text


async def test_windows_asks_the_top_of_the_server_first() -> None:
    async with opened() as house, house.client.options("/") as told:
        assert (told.status, told.headers["MS-Author-Via"]) == (200, "DAV")
        assert "2" in told.headers["DAV"]


async def test_windows_stores_a_file_and_sets_its_times() -> None:
    async with opened() as house:
        assert "DAV" in (await ask(house, "OPTIONS", "")).headers["MS-Author-Via"]
        assert (await ask(house, "PROPFIND", "", Depth="0")).status == 207
        assert (await ask(house, "PROPFIND", "", Depth="1")).status == 207
        assert (await ask(house, "PUT", "New.docx", b"")).status == 201
        body = LOCK.format(scope="exclusive", owner="<D:href>PC\\ann</D:href>")
        locked = await ask(house, "LOCK", "New.docx", body, Timeout="Second-3600")
        token = locked.headers["Lock-Token"]
        times = (
            "".join(
                f"<Z:{name}>Sat, 03 Feb 2001 04:05:06 GMT</Z:{name}>"
                for name in ("Win32CreationTime", "Win32LastAccessTime", "Win32LastModifiedTime")
            )
            + "<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes>"
        )
        update = setting(times).replace("<D:set>", '<D:set xmlns:Z="urn:schemas-microsoft-com:">')
        under = {"If": f"({token})"}
        assert (await ask(house, "HEAD", "New.docx")).status == 200
        assert (await ask(house, "PUT", "New.docx", b"words", **under)).status == 204
        assert "HTTP/1.1 200 OK" in (await patch(house, "New.docx", update, **under)).text
        assert (await ask(house, "UNLOCK", "New.docx", Lock_Token=token)).status == 204
        told = (await find(house, "New.docx")).properties("/dav/New.docx")
        assert told["{DAV:}getlastmodified"][1].text == "Sat, 03 Feb 2001 04:05:06 GMT"
        kept = told["{urn:schemas-microsoft-com:}Win32FileAttributes"][1].text
        assert kept == "00000020"


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
