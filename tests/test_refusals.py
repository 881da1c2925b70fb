"""What headers and bodies are refused for, and how a refusal reaches its sender."""

import asyncio
import base64
import hashlib

import pytest

from handlers.parts import HttpSettings
from tests.doors import got, opened, sent
from tests.wire import Wire, message, put
from uploads.access import FOR_USERS
from uploads.rules import Limits


@pytest.mark.parametrize(
    ("headers", "status", "problem"),
    [
        ({"If-Match": '"9-aaaaaaaaaaaaaaaa"'}, 412, "stale-version"),
        ({"If-Match": "*"}, 412, "stale-version"),
        ({"If-Match": "abc"}, 400, "malformed-condition"),
        ({"If-None-Match": "abc"}, 400, "malformed-condition"),
        ({"Repr-Digest": "sha-256=:AAAA:"}, 400, "wrong-digest"),
        ({"Repr-Digest": "crc32c=:AAAAAA==:"}, 400, "wrong-digest"),
        ({"Trailer": "Repr-Digest"}, 400, "wrong-digest"),
        ({"Trailer": "Expires, content-digest"}, 400, "wrong-digest"),
        ({"Content-Range": "bytes 0-1/5"}, 400, "partial-put"),
        ({"Content-Encoding": "gzip"}, 415, "encoding-refused"),
        ({"Expect": "the-impossible"}, 417, "expectation-failed"),
        ({"Host": "evil.example"}, 421, "wrong-host"),
        ({"Sec-Fetch-Site": "cross-site"}, 403, "cross-site"),
        ({"Origin": "http://evil.example"}, 403, "cross-site"),
        ({"Origin": "null"}, 403, "cross-site"),
        ({"Authorization": "Bearer wrong"}, 401, "not-identified"),
        ({"Authorization": "Digest x"}, 400, "malformed-request"),
    ],
)
async def test_what_the_headers_decide_is_refused_and_nothing_is_stored(
    headers: dict[str, str], status: int, problem: str
) -> None:
    async with opened() as house:
        async with house.client.put("/files/a.txt", data=b"12", headers=headers) as response:
            said = await response.json(content_type=None)

        assert (response.status, said["type"]) == (status, f"/problems/{problem}")
        assert said["status"] == status
        assert (await got(house, "a.txt"))[0] == 404


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("text/plain", "text/plain"),
        ("text/plain, application/json", "application/problem+json"),
        ("text/plain;q=0.1, application/json", "application/problem+json"),
        ("application/json;q=0.1, text/plain", "text/plain"),
        ("application/json, text/plain, */*", "application/problem+json"),
    ],
)
async def test_who_asks_for_json_gets_a_problem_as_json_unless_text_is_preferred(
    accept: str, form: str
) -> None:
    async with (
        opened() as house,
        house.client.get("/files/a", headers={"Accept": accept}) as response,
    ):
        assert (response.status, response.content_type) == (404, form)


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
async def test_a_declared_digest_is_verified_and_then_known_before_the_body(
    algorithm: str,
) -> None:
    async with opened() as house:
        digest = base64.b64encode(hashlib.new(algorithm.replace("-", ""), b"one").digest())
        declared = {"Repr_Digest": f"{algorithm}=:{digest.decode()}:"}
        wrong, said = await sent(house, "a.txt", b"two", **declared)
        right, _ = await sent(house, "a.txt", b"one", **declared)

        assert (wrong.status, said["type"]) == (400, "/problems/wrong-digest")
        assert "Want-Repr-Digest" in wrong.headers
        assert right.status == 201
        wire = await Wire.connect(house.client.port or 0)
        head = put(
            "/files/b.txt",
            b"",
            {
                "Content-Length": "3",
                "Expect": "100-continue",
                "Repr-Digest": declared["Repr_Digest"],
            },
        )
        answer = await wire.ask(head)
        await wire.close()
        assert (answer.status, answer.json["type"]) == (409, "/problems/content-known")


async def test_a_body_that_is_refused_from_its_headers_is_never_invited() -> None:
    async with opened() as house:
        await sent(house, "a.txt", b"one")
        wire = await Wire.connect(house.client.port or 0)
        await wire.send(
            put("/files/a.txt", b"", {"Content-Length": "9000000", "Expect": "100-continue"})
        )
        first_line = await wire.reader.readline()
        await wire.close()

        assert first_line == b"HTTP/1.1 409 Conflict\r\n"


async def test_a_body_that_may_come_is_invited() -> None:
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        await wire.send(put("/files/a.txt", b"", {"Content-Length": "3", "Expect": "100-continue"}))
        assert await wire.reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        await wire.reader.readline()
        answer = await wire.ask(b"one")
        await wire.close()

        assert answer.status == 201


async def test_a_large_refused_body_without_expect_is_answered_and_not_reset() -> None:
    async with opened(http=HttpSettings(drain_bytes=1 << 20)) as house:
        await sent(house, "a.txt", b"one")
        wire = await Wire.connect(house.client.port or 0)
        await wire.send(put("/files/a.txt", b"", {"Content-Length": str(1 << 30)}))
        await wire.send(bytes(200_000))
        answer = await wire.answer()
        rest = await wire.reader.read()
        await wire.close()

        assert (answer.status, answer.headers["connection"]) == (409, "close")
        assert rest == b""


async def test_what_follows_a_refused_body_is_never_taken_for_a_request() -> None:
    async with opened() as house:
        await sent(house, "a.txt", b"one")
        hidden = message("DELETE", "/files/a.txt")
        wire = await Wire.connect(house.client.port or 0)
        answer = await wire.ask(put("/files/a.txt", hidden, {"If-Match": '"0-0"'}))
        again = await wire.ask(message("GET", "/files/a.txt"))
        await wire.close()

        assert (answer.status, again.status, again.body) == (412, 200, b"one")


async def test_a_body_that_ends_early_leaves_nothing() -> None:
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        await wire.send(put("/files/a.txt", b"", {"Content-Length": "100"}))
        await wire.send(b"only some")
        await wire.close()
        while house.parts.receiver.admission.under_way:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)

        assert (await got(house, "a.txt"))[0] == 404


async def test_a_body_that_stands_still_is_ended() -> None:
    async with opened(limits=Limits(body_idle=0.2)) as house:
        wire = await Wire.connect(house.client.port or 0)
        answer = await wire.ask(put("/files/a.txt", b"", {"Content-Length": "100"}))
        await wire.close()

        assert (answer.status, answer.json["type"]) == (408, "/problems/body-stalled")
        assert answer.headers["connection"] == "close"


async def test_a_body_that_drips_is_ended() -> None:
    async with opened(limits=Limits(body_rate=1000, body_rate_grace=0.2)) as house:
        wire = await Wire.connect(house.client.port or 0)
        await wire.send(put("/files/a.txt", b"", {"Content-Length": "100"}))
        reading = asyncio.ensure_future(wire.answer())
        while not reading.done():
            await wire.send(b".")
            await asyncio.wait([reading], timeout=0.05)
        await wire.close()

        assert reading.result().status == 408


async def test_too_large_is_refused_by_length_and_by_count() -> None:
    async with opened(limits=Limits(file_size=10)) as house:
        exact, _ = await sent(house, "exact", b"1234567890")
        longer, said = await sent(house, "longer", b"12345678901")
        chunked = message("PUT", "/files/chunked", b"", {"Transfer-Encoding": "chunked"})
        chunked = chunked.replace(b"Content-Length: 0\r\n", b"") + b"b\r\n12345678901\r\n0\r\n\r\n"
        wire = await Wire.connect(house.client.port or 0)
        counted = await wire.ask(chunked)
        await wire.close()

        assert exact.status == 201
        assert (longer.status, said["type"]) == (413, "/problems/too-large")
        assert (counted.status, counted.json["type"]) == (413, "/problems/too-large")


async def test_a_quota_counts_every_version_that_is_kept() -> None:
    async with opened(limits=Limits(quota_bytes=10)) as house:
        _, first = await sent(house, "a", b"12345")
        second, _ = await sent(house, "a", b"54321", If_Match=first["etag"])
        third, said = await sent(house, "b", b"1")

        assert second.status == 200
        assert (third.status, said["type"]) == (507, "/problems/over-quota")
        async with house.client.get("/problems/over-quota") as page:
            assert (
                "Deleting gives room only when the old versions are forgotten" in await page.text()
            )


async def test_who_is_over_the_quota_by_what_waits_for_a_decision_is_told_so() -> None:
    async with opened(limits=Limits(quota_bytes=10)) as house:
        await sent(house, "a", b"12")
        _, parked = await sent(house, "a", b"12345")
        over, said = await sent(house, "b", b"4321")
        assert (over.status, "waits for a decision" in said["detail"]) == (507, True)
        assert said["next"].startswith("Discard what waits for your decision (GET /uploads/")
        async with house.client.delete(parked["upload"]["href"]) as response:
            assert response.status == 204
        assert (await sent(house, "b", b"4321"))[0].status == 201


async def test_the_reserve_of_free_space_is_kept() -> None:
    async with opened(limits=Limits(free_space=1 << 60)) as house:
        response, said = await sent(house, "a", b"1")

        assert (response.status, said["type"]) == (507, "/problems/disk-full")
        assert (said["retryable"], response.headers["Retry-After"]) == (True, "60")


async def test_names_that_cannot_be_are_refused_with_their_rule() -> None:
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        for raw, status, rule in (
            ("/files/../etc/passwd", 422, "dot-segment"),
            ("/files/%2e%2e/x", 422, "dot-segment"),
            ("/files/a%2fb", 422, "separator"),
            ("/files/a%5cb", 422, "separator"),
            ("/files/%252e%252e/x", 422, "encoded-twice"),
            ("/files/a%00b", 422, "control-character"),
            ("/files/a%E2%80%AEb", 422, "bidi-control"),
            ("/files/CON.txt", 422, "reserved-on-windows"),
            ("/files/" + "a" * 256, 422, "name-too-long"),
            ("/files/a//b", 422, "empty"),
            ("/files/a%zz", 422, "bad-escape"),
            ("/files/a%ff", 422, "not-utf-8"),
        ):
            answer = await wire.ask(put(raw, b"x"))
            assert (answer.status, answer.json["rule"]) == (status, rule), raw
        await wire.close()


async def test_unknown_methods_and_addresses_have_their_problems() -> None:
    async with opened() as house:
        for method, path, status in (
            ("PATCH", "/files/a", 405),
            ("POST", "/health/live", 405),
            ("BREW", "/files/a", 501),
            ("GET", "/nowhere", 404),
        ):
            async with house.client.request(method, path) as response:
                assert response.status == status, (method, path)
                assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "address", "status", "onward"),
    [
        ("PROPFIND", "/", 501, "WebDAV is at /dav/."),
        ("PROPFIND", "/files/", 501, "WebDAV is at /dav/."),
        ("LOCK", "/files/a", 501, "WebDAV is at /dav/."),
        ("BREW", "/files/a", 501, "Use one of those in the documentation."),
        ("PUT", "/a", 404, "Files are under /files/."),
        ("GET", "/metrics", 404, "Files are under /files/."),
    ],
)
async def test_who_knocks_beside_a_door_is_told_where_it_is(
    method: str, address: str, status: int, onward: str
) -> None:
    async with opened(http=HttpSettings(metrics="off")) as house:
        async with house.client.request(method, address) as response:
            said = await response.json(content_type=None)

        assert (response.status, said["next"]) == (status, onward)


async def test_a_version_that_is_not_there_is_told_as_one_of_a_file_that_is() -> None:
    async with opened() as house:
        await sent(house, "r1", b"one")
        told = []
        for address in ("/files/r1?version=99", "/files/r2?version=99"):
            async with house.client.get(address) as response:
                assert response.status == 404
                told.append((await response.json(content_type=None))["detail"])

        assert told == [
            '"r1" has no version 99 that you may know of.',
            'There is nothing at "r2" that you may know of.',
        ]


async def test_who_may_not_look_in_and_who_knows_no_password_are_told_what_opens() -> None:
    async with opened(FOR_USERS) as house:
        told = []
        for headers in ({}, {"Authorization": "Basic " + base64.b64encode(b"ann:no").decode()}):
            async with house.client.get("/files/", headers=headers) as response:
                assert response.status == 401
                told.append((await response.json(content_type=None))["detail"])

        assert told[0] == "Sign in to see this folder."
        assert told[1].endswith("With a second factor, programs need a token.")
