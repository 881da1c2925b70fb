"""The WebDAV door: conditions, what is refused, and what becomes of it then."""

import asyncio

import pytest

from handlers.parts import HttpSettings
from tests.davs import LOCK, ask, find, setting
from tests.doors import got, opened
from tests.wire import Wire
from uploads.policy import Policy

STRICT = HttpSettings(dav_strict=True)
ANN = "Basic YW5uOnNlY3JldA=="


async def test_conditions_are_honoured() -> None:
    async with opened() as house:
        first = await ask(house, "PUT", "a.txt", b"one")
        await ask(house, "PUT", "a.txt", b"two")
        etag = first.headers["ETag"]
        for headers in (
            {"If_Match": etag},
            {"If_None_Match": "*"},
            {"If": f"([{etag}])"},
            {"If": f"</dav/other.txt> ([{etag}])"},
        ):
            refused = await ask(house, "PUT", "a.txt", b"three", **headers)
            assert (refused.status, refused.refusal) == (412, "stale-version"), headers
            assert (await ask(house, "DELETE", "a.txt", **headers)).status in {409, 412}
        assert await got(house, "a.txt") == (200, b"two")
        broken = await ask(house, "PUT", "a.txt", b"three", If="(no list")
        assert (broken.status, broken.refusal) == (400, "malformed-condition")


async def test_who_loses_is_told_where_the_bytes_wait_and_settles_it_without_sending_them() -> None:
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"one")
        refused = await ask(house, "PUT", "A.txt", b"another")
        href = refused.xml.findtext("{urn:noclobber}upload/{DAV:}href") or ""
        assert href.startswith("/uploads/")
        assert f"They are at {href}." in refused.text
        async with house.client.get(href) as waiting:
            ways = (await waiting.json())["resolutions"]
        way = next(one for one in ways if one["action"] == "replace")
        headers = way.get("headers", {})
        async with house.client.request(way["method"], way["href"], headers=headers) as done:
            assert done.status in {200, 201}
        assert await got(house, "a.txt") == (200, b"another")


async def test_an_if_is_honoured_by_what_only_reads_too() -> None:
    async with opened() as house:
        etag = (await ask(house, "PUT", "a.txt", b"one")).headers["ETag"]
        for method, path, status in (("GET", "a.txt", 200), ("PROPFIND", "a.txt", 207)):
            assert (await ask(house, method, path, If=f"([{etag}])")).status == status
            refused = await ask(house, method, path, If='(["gone"])')
            assert (refused.status, refused.refusal) == (412, "stale-version")
            assert (await ask(house, method, path, If="(broken")).status == 400
        assert (await ask(house, "HEAD", "a.txt", If="(<DAV:no-lock>)")).status == 412
        assert (await ask(house, "GET", "nothing", If="(Not <DAV:no-lock>)")).status == 404


async def test_who_wants_it_strict_gets_412_and_keeps_what_was_there() -> None:
    async with opened(http=STRICT) as house:
        first = await ask(house, "PUT", "a.txt", b"one")
        refused = await ask(house, "PUT", "a.txt", b"two")
        matched = await ask(house, "PUT", "a.txt", b"three", If_Match=first.headers["ETag"])

        assert (refused.status, refused.refusal) == (412, "name-taken")
        assert matched.status == 204


async def test_an_if_is_a_condition_where_every_write_needs_one() -> None:
    async with opened(policy=Policy(require_conditions=True)) as house:
        first = await ask(house, "PUT", "a.txt", b"one", If_None_Match="*")
        etag = first.headers["ETag"]
        bare = await ask(house, "PUT", "a.txt", b"two")
        assert (bare.status, bare.refusal) == (412, "condition-required")
        assert (await ask(house, "PUT", "a.txt", b"two", If=f"([{etag}])")).status == 204
        assert (await ask(house, "DELETE", "a.txt", If="(Not <DAV:no-lock>)")).status == 204


async def test_a_deletion_right_after_a_refused_put_is_refused_once() -> None:
    async with opened(http=STRICT) as house:
        await ask(house, "PUT", "a.txt", b"one")
        await ask(house, "PUT", "a.txt", b"two")
        refused = await ask(house, "DELETE", "a.txt")
        other = await ask(house, "DELETE", "a.txt", Authorization=ANN)

        assert (refused.status, refused.refusal) == (409, "after-refusal")
        assert other.status == 204


async def test_a_deletion_while_a_put_hangs_is_refused_as_one_after_it() -> None:
    """To its client a PUT has failed as soon as the line is cut, which nobody tells the server."""
    async with opened() as house:
        assert house.client.port is not None
        await ask(house, "PUT", "a.txt", b"one")
        wire = await Wire.connect(house.client.port)
        await wire.send(
            b"PUT /dav/a.txt HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 6\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        async with asyncio.timeout(20):
            assert b" 100 " in await wire.reader.readuntil(b"\r\n\r\n")
        refused = await ask(house, "DELETE", "a.txt")
        assert (refused.status, refused.refusal) == (409, "after-refusal")
        assert await got(house, "a.txt") == (200, b"one")
        await wire.send(b"second")
        async with asyncio.timeout(20):
            assert b" 204 " in await wire.reader.readuntil(b"\r\n\r\n")
        await wire.close()
        assert (await ask(house, "DELETE", "a.txt")).status == 204


async def test_who_deletes_a_second_time_or_with_an_etag_means_it() -> None:
    async with opened(http=STRICT) as house:
        for name, headers in (("a", {}), ("b", {"If_Match": "*"})):
            await ask(house, "PUT", name, b"one " + name.encode())
            await ask(house, "PUT", name, b"two")
            if not headers:
                assert (await ask(house, "DELETE", name)).status == 409
            assert (await ask(house, "DELETE", name, **headers)).status == 204


@pytest.mark.parametrize("method", ["DELETE", "MOVE", "COPY"])
async def test_what_is_meant_for_a_folder_is_not_done_to_a_file_that_took_its_place(
    method: str,
) -> None:
    """rclone removes a folder that it found empty by its address, with a slash at the end."""
    async with opened() as house:
        await ask(house, "MKCOL", "a")
        await ask(house, "DELETE", "a")
        await ask(house, "PUT", "a", b"theirs")
        answer = await ask(house, method, "a/", Destination="/dav/b/")
        assert (answer.status, answer.refusal) == (404, "not-there")
        assert (await ask(house, "GET", "a")).text == "theirs"
        assert (await ask(house, "GET", "b")).status == 404
        await ask(house, "DELETE", "a")
        await ask(house, "MKCOL", "a")
        done = await ask(house, method, "a/", Destination="/dav/b/")
        assert done.status == (204 if method == "DELETE" else 201)


LONG_AGO = "Sat, 01 Jan 2000 00:00:00 GMT"
UPDATE = f'<D:propertyupdate xmlns:D="DAV:" xmlns:x="urn:x">{setting("<x:a>1</x:a>")}'
NOT_TRUE = [
    ("PUT", "a", {"If_Unmodified_Since": LONG_AGO}),
    ("DELETE", "a", {"If_None_Match": "*"}),
    ("DELETE", "a", {"If_Unmodified_Since": LONG_AGO}),
    ("DELETE", "folder", {"If_None_Match": "*"}),
    ("COPY", "a", {"If_None_Match": "*", "Destination": "/dav/b"}),
    ("MOVE", "a", {"If_None_Match": "*", "Destination": "/dav/b"}),
    ("MOVE", "folder", {"If_Unmodified_Since": LONG_AGO, "Destination": "/dav/b"}),
    ("MKCOL", "b", {"If_Match": '"x"'}),
    ("PROPPATCH", "a", {"If_Match": '"x"'}),
    ("PROPPATCH", "a", {"If_Unmodified_Since": LONG_AGO}),
    ("LOCK", "a", {"If_Match": '"x"'}),
    ("LOCK", "a", {"If_None_Match": "*"}),
    ("LOCK", "b", {"If_Match": "*"}),
    ("GET", "folder", {"If_Match": '"x"'}),
]


@pytest.mark.parametrize(("method", "path", "headers"), NOT_TRUE)
async def test_no_method_passes_over_a_condition_that_is_not_true(
    method: str, path: str, headers: dict[str, str]
) -> None:
    bodies = {
        "PUT": "two",
        "PROPPATCH": f"{UPDATE}</D:propertyupdate>",
        "LOCK": LOCK.format(scope="exclusive", owner="me"),
    }
    async with opened() as house:
        await ask(house, "PUT", "a", b"one")
        await ask(house, "MKCOL", "folder")
        refused = await ask(house, method, path, bodies.get(method), **headers)

        assert (refused.status, refused.refusal) == (412, "stale-version")
        assert await got(house, "a") == (200, b"one")
        assert (await ask(house, "GET", "folder")).status == 200
        assert (await ask(house, "GET", "b")).status == 404
        found = await find(house, "a", '<a xmlns="urn:x"/>', "lockdiscovery")
        kept = found.properties("/dav/a")
        assert kept["{urn:x}a"][0] == 404
        assert not [*kept["{DAV:}lockdiscovery"][1]]
        assert (await ask(house, "PUT", "a", b"three", If_None_Match='"x"')).status == 204


async def test_a_lock_is_not_kept_longer_under_a_condition_that_is_not_true() -> None:
    async with opened() as house:
        await ask(house, "PUT", "a", b"one")
        locked = await ask(house, "LOCK", "a", LOCK.format(scope="exclusive", owner="me"))
        token = f"({locked.headers['Lock-Token']})"
        assert (await ask(house, "LOCK", "a", If=token, If_Match='"x"')).status == 412
        assert (await ask(house, "LOCK", "a", If=token, If_Match="*")).status == 200
