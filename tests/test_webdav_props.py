"""PROPFIND and PROPPATCH: what is told of a resource, and what clients keep with it."""

import asyncio
import hashlib
import select
import socket

import pytest

from handlers.parts import HttpSettings
from handlers.webdav import props
from tests.davs import Answer, ask, find, patch, removing, setting
from tests.doors import opened, sent
from uploads.files import Content, Stamp
from uploads.names import Path
from uploads.ports import Turn
from uploads.rules import Limits

X = '<x:colour xmlns:x="urn:x">{}</x:colour>'
COLOUR = "{urn:x}colour"
ANN = {"Authorization": "Basic YW5uOnNlY3JldA=="}


async def test_what_follows_from_a_file_is_told() -> None:
    async with opened() as house:
        put = await ask(house, "PUT", "a&b.txt", b"plain text", X_OC_Mtime="981173106")
        answer = await find(house, "a%26b.txt")
        told = {name: one for name, (_, one) in answer.properties("/dav/a&b.txt").items()}

        assert answer.status == 207
        assert told["{DAV:}getetag"].text == put.headers["ETag"]
        assert told["{DAV:}getcontentlength"].text == "10"
        assert told["{DAV:}getcontenttype"].text == "text/plain"
        assert told["{DAV:}getlastmodified"].text == "Sat, 03 Feb 2001 04:05:06 GMT"
        assert told["{DAV:}displayname"].text == "a&b.txt"
        assert len(told["{DAV:}resourcetype"]) == 0
        assert len(told["{DAV:}supportedlock"]) == 2
        assert (told["{DAV:}creationdate"].text or "").startswith("20")
        assert "{DAV:}quota-used-bytes" not in told


async def test_a_folder_is_a_collection_and_tells_of_the_share_to_who_asks() -> None:
    async with opened(limits=Limits(quota_bytes=1000)) as house:
        names = ("resourcetype", "quota-used-bytes", "quota-available-bytes", "add-member")
        async with house.client.put("/files/a/b.txt", data=b"1234", headers=ANN) as stored:
            assert stored.status == 201
        told = (await find(house, "a", *names, **ANN)).properties("/dav/a/")

        assert [one.tag for one in told["{DAV:}resourcetype"][1]] == ["{DAV:}collection"]
        assert told["{DAV:}quota-used-bytes"][1].text == "4"
        assert told["{DAV:}quota-available-bytes"][1].text == "996"
        assert told["{DAV:}add-member"][1].findtext("{DAV:}href") == "/dav/a/"
        missing = (await find(house, "a", "getcontentlength", "<nope xmlns='y'/>")).properties(
            "/dav/a/"
        )
        assert {name: status for name, (status, _) in missing.items()} == {
            "{DAV:}getcontentlength": 404,
            "{y}nope": 404,
        }


async def test_without_a_quota_nobody_is_told_how_much_room_there_is() -> None:
    async with opened() as house:
        names = ("quota-used-bytes", "quota-available-bytes")
        told = (await find(house, "", *names, **ANN)).properties("/dav/")
        assert told["{DAV:}quota-used-bytes"][1].text == "0"
        assert told["{DAV:}quota-available-bytes"][0] == 404


async def test_depth_says_how_much_is_listed_and_infinity_is_what_is_meant_without() -> None:
    async with opened() as house:
        for path in ("a/b/c.txt", "a/d.txt", "e.txt"):
            await sent(house, path, path.encode())
        everything = ["/dav/a/", "/dav/a/b/", "/dav/a/d.txt", "/dav/a/b/c.txt"]
        for depth, hrefs in (
            ("0", ["/dav/a/"]),
            ("1", ["/dav/a/", "/dav/a/b/", "/dav/a/d.txt"]),
            ("infinity", everything),
        ):
            assert (await find(house, "a", "getetag", depth=depth)).hrefs == hrefs
        assert (await ask(house, "PROPFIND", "a/")).hrefs == everything
        assert (await find(house, "e.txt", depth="1")).hrefs == ["/dav/e.txt"]
        assert (await find(house, "a", depth="2")).status == 400
        assert (await find(house, "nothing")).status == 404


async def test_a_folder_comes_whole_and_only_what_is_below_it_may_be_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(props, "AT_ONCE", 2)
    monkeypatch.setattr(props, "MOST_LISTED", 3)
    members = [f"/dav/{name}" for name in ("f/", "a", "b", "c", "d", "e")]
    async with opened() as house:
        for name in ("a", "b", "c", "d", "e", "f/g"):
            await sent(house, name, name.encode())
        whole = await find(house, "", "displayname", depth="1")
        assert whole.hrefs == ["/dav/", *members]
        assert " 507 " not in whole.text
        cut = await find(house, "", "displayname", depth="infinity")
        assert cut.hrefs == ["/dav/", *members[:4], "/dav/"]
        assert " 507 " in cut.text


async def test_names_alone_and_everything_with_more_can_be_asked_for() -> None:
    async with opened() as house:
        await ask(house, "MKCOL", "a")
        await patch(house, "a", setting(X.format("red")))
        names = '<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>'
        more = (
            '<D:propfind xmlns:D="DAV:"><D:allprop/>'
            "<D:include><D:quota-used-bytes/></D:include></D:propfind>"
        )
        flat = {"Depth": "0", **ANN}
        named = (await ask(house, "PROPFIND", "a", names, **flat)).properties("/dav/a/")
        told = (await ask(house, "PROPFIND", "a", more, **flat)).properties("/dav/a/")

        assert all(not one.text and not len(one) for _, one in named.values())
        assert {COLOUR, "{DAV:}getetag", "{DAV:}quota-used-bytes"} <= set(named)
        assert told["{DAV:}quota-used-bytes"][1].text == "0"
        assert told[COLOUR][1].text == "red"


async def test_what_clients_set_is_kept_as_it_came_and_goes_with_the_file() -> None:
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"one")
        value = (
            '<x:p a="1" x:b="&lt;2&quot;">t<y xmlns="">&amp;\U0001f600</y><z xmlns="urn:z"/></x:p>'
        )
        update = setting(f'<x:p xml:lang="en">{value}</x:p>') + setting("<x:q/>")
        assert (await patch(house, "a.txt", update)).status == 207
        await ask(house, "COPY", "a.txt", Destination="/dav/b.txt")
        await ask(house, "MOVE", "a.txt", Destination="/dav/c.txt")
        await ask(house, "PUT", "c.txt", b"two")
        for place in ("b.txt", "c.txt"):
            answer = await find(house, place, '<p xmlns="urn:x"/>', '<q xmlns="urn:x"/>')
            told = answer.properties(f"/dav/{place}")
            kept = told["{urn:x}p"][1]
            assert kept.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
            assert kept[0].attrib == {"a": "1", "{urn:x}b": '<2"'}
            assert [(one.tag, one.text) for one in kept[0]] == [
                ("y", "&\U0001f600"), ("{urn:z}z", None)]  # fmt: skip
            assert told["{urn:x}q"][0] == 200
        await ask(house, "PUT", "a.txt", b"new")
        assert COLOUR not in (await find(house, "a.txt")).properties("/dav/a.txt")


async def test_a_request_is_done_as_a_whole_or_not_at_all() -> None:
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"one")
        await patch(house, "a.txt", setting(X.format("red")))
        answer = await patch(
            house, "a.txt", setting(X.format("blue") + "<D:getetag>mine</D:getetag>")
        )
        told = answer.properties("/dav/a.txt")
        assert (told[COLOUR][0], told["{DAV:}getetag"][0]) == (424, 403)
        assert answer.xml.find(".//{DAV:}cannot-modify-protected-property") is not None
        kept = (await find(house, "a.txt")).properties("/dav/a.txt")
        assert kept[COLOUR][1].text == "red"


async def test_no_more_properties_are_looked_for_at_each_file_than_a_client_needs() -> None:
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"one")
        asked = [f'<p{number} xmlns="x"/>' for number in range(201)]
        assert (await find(house, "a.txt", *asked[:200])).status == 207
        long = [f'<{"p" * 900}{number} xmlns="x"/>' for number in range(20)]
        for names in (asked, long, [f'<p xmlns="{"u" * 1001}"/>']):
            refused = await find(house, "a.txt", *names)
            assert (refused.status, refused.refusal) == (400, "malformed-request")


async def test_steps_are_done_in_their_order() -> None:
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"one")
        red, blue = setting(X.format("red")), setting(X.format("blue"))
        for update, colour in (
            (red + blue, "blue"),
            (blue + removing(X.format("")) + red, "red"),
            (red + removing(X.format("")), None),
        ):
            assert (await patch(house, "a.txt", update)).status == 207
            told = (await find(house, "a.txt")).properties("/dav/a.txt")
            assert (told[COLOUR][1].text if COLOUR in told else None) == colour


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("<D:getlastmodified>", "Sat, 03 Feb 2001 04:05:06 GMT"),
        ("<D:getlastmodified>", "2001-02-03T04:05:06Z"),
        ("<D:lastmodified>", "981173106"),
        ('<Win32LastModifiedTime xmlns="urn:schemas-microsoft-com:">',
         "Sat, 03 Feb 2001 04:05:06 GMT"),
    ],
)  # fmt: skip
async def test_the_time_can_be_set_and_is_no_new_version(name: str, value: str) -> None:
    async with opened() as house:
        put = await ask(house, "PUT", "a.txt", b"one")
        closing = name.partition(" ")[0].strip("<>")
        assert (await patch(house, "a.txt", setting(f"{name}{value}</{closing}>"))).status == 207
        told = (await find(house, "a.txt")).properties("/dav/a.txt")
        assert told["{DAV:}getlastmodified"][1].text == "Sat, 03 Feb 2001 04:05:06 GMT"
        assert told["{DAV:}getetag"][1].text == put.headers["ETag"]
        wrong = await patch(house, "a.txt", setting(f"{name}yesterday</{closing}>"))
        assert {status for status, _ in wrong.properties("/dav/a.txt").values()} == {403}


async def test_a_time_can_come_with_the_checksum_that_is_kept_and_with_no_other() -> None:
    """rclone sends both to servers that lose the one with the other, or else the whole file."""
    async with opened() as house:
        kept = f"SHA1:{hashlib.sha1(b'one', usedforsecurity=False).hexdigest()}"
        made = await ask(house, "PUT", "a.txt", b"one", OC_Checksum=kept)
        seconds = '<lastmodified xmlns="DAV:">981173106</lastmodified>'
        sums = '<o:checksums xmlns:o="http://owncloud.org/ns"><o:checksum>{}</o:checksum></o:checksums>'
        for said, statuses in ((kept, {200}), (f"SHA1:{'0' * 40}", {403, 424}), ("?", {403, 424})):
            answer = await patch(house, "a.txt", setting(seconds + sums.format(said)))
            told = answer.properties("/dav/a.txt")
            assert {status for status, _ in told.values()} == statuses, said
        removed = await patch(house, "a.txt", removing(sums.format("")))
        assert removed.properties("/dav/a.txt").popitem()[1][0] == 403
        read = await ask(house, "GET", "a.txt")
        assert read.headers["Last-Modified"] == "Sat, 03 Feb 2001 04:05:06 GMT"
        assert (read.headers["ETag"], read.headers["OC-Checksum"]) == (made.headers["ETag"], kept)


async def test_properties_are_kept_from_who_does_not_show_the_lock_and_under_an_if() -> None:
    async with opened() as house:
        put = await ask(house, "PUT", "a.txt", b"one")
        stale = await patch(house, "a.txt", setting(X.format("red")), If='(["no"])')
        fresh = await patch(
            house, "a.txt", setting(X.format("red")), If=f"([{put.headers['ETag']}])"
        )
        assert (stale.status, fresh.status) == (412, 207)


async def test_what_is_kept_with_a_file_is_bounded() -> None:
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"one")
        many = "".join(f"<x:p{number}/>" for number in range(501))
        refused = await patch(house, "a.txt", setting(many))
        assert (refused.status, refused.refusal) == (507, "over-quota")
        assert "{urn:x}p1" not in (await find(house, "a.txt")).properties("/dav/a.txt")
        for name in ("p", "q"):
            half = await patch(house, "a.txt", setting(f"<x:{name}>{'r' * 40_000}</x:{name}>"))
        assert (half.status, half.refusal) == (507, "over-quota")
        large = await patch(house, "a.txt", setting(X.format("r" * 70_000)))
        assert (large.status, large.refusal) == (413, "too-large")


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
    '<D:propfind xmlns:D="DAV:"><D:prop><D:a>&b;</D:a></D:prop></D:propfind>'
)
OUTSIDE = (
    '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a>&a;</a></D:prop></D:set></D:propertyupdate>'
)


@pytest.mark.parametrize(
    "body",
    [
        BOMB,
        OUTSIDE,
        '<!DOCTYPE x SYSTEM "http://example/x.dtd"><x/>',
        "<D:propfind xmlns:D='DAV:'><D:prop><a:b/></D:prop></D:propfind>",
        "<D:propfind xmlns:D='DAV:'><D:prop xmlns:a=''><a:b/></D:prop></D:propfind>",
        "<D:propfind xmlns:D='DAV:'>",
        "<a/><b/>",
        "no xml",
        "<a>&undefined;</a>",
        "<a>" * 60 + "</a>" * 60,
        "<a>" + "<b/>" * 6000 + "</a>",
        "<?xml version='1.0' encoding='no-such'?><a/>",
        "<propfind/>",
        "<D:propfind xmlns:D='DAV:'/>",
        "<D:propfind xmlns:D='DAV:'><D:allprop/><D:propname/></D:propfind>",
    ],
)
@pytest.mark.parametrize("method", ["PROPFIND", "PROPPATCH", "LOCK"])
async def test_xml_that_could_do_harm_or_says_nothing_is_refused(method: str, body: str) -> None:
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"one")
        answer = await ask(house, method, "a.txt", body, Depth="0")
        assert (answer.status, answer.refusal) == (400, "malformed-request")


async def test_a_folder_that_goes_away_while_a_list_is_told_ends_no_list() -> None:
    async with opened() as house:
        for name in ("gone", "stays"):
            await sent(house, f"top/{name}/x.txt", name.encode())
        _, said = await sent(house, "top/file", b"one")
        content = Content(said["digest"], said["size"])

        def work(turn: Turn) -> None:
            for number in range(8000):
                place = Path(("top", "stays", f"{number:04}{'x' * 240}"))
                turn.store(place, content, Stamp("ann", 1.0))

        await house.parts.holdings.index.write(work)
        headers = {"Depth": "infinity"}
        async with house.client.request("PROPFIND", "/dav/top/", headers=headers) as answer:
            told = await answer.content.readuntil(b"</D:response>\n")
            assert (await ask(house, "DELETE", "top/gone")).status == 204
            told += await answer.read()
        listed = Answer(answer.status, answer.headers, told.decode())
        assert len([href for href in listed.hrefs if "/stays/" in href]) == 8002
        assert "/dav/top/gone/x.txt" not in listed.hrefs


async def test_a_reader_who_takes_nothing_is_hung_up_on() -> None:
    async with opened(http=HttpSettings(send_idle=0.3)) as house:
        _, said = await sent(house, "a/first", b"one")
        content = Content(said["digest"], said["size"])

        def work(turn: Turn) -> None:
            for number in range(8000):
                turn.store(Path(("a", f"{number:04}{'x' * 240}")), content, Stamp("ann", 1.0))

        await house.parts.holdings.index.write(work)
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", house.client.port))
        request = b"PROPFIND /dav/a/ HTTP/1.1\r\nHost: 127.0.0.1\r\nDepth: 1\r\n\r\n"
        reader.sendall(request)
        # Nothing is asked for: only an end that comes without being read is seen.
        ended = select.poll()
        ended.register(reader, 0)
        assert await asyncio.to_thread(ended.poll, 30_000)
        reader.close()
