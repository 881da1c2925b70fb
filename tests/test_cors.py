"""Pages of other origins: those that are configured may, all others get nothing."""

import pytest

from handlers.parts import HttpSettings
from tests.doors import ANN, ROOT, opened, sent
from uploads.access import ALL_RIGHTS, Grant

FRIEND = "https://app.example"
HTTP = HttpSettings(cors_origins=frozenset({FRIEND}), hosts=frozenset({"files.example"}))
ASKING = {
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "if-match, authorization, repr-digest",
}
FOR_ANN = Grant(ROOT, frozenset({ANN.name}), ALL_RIGHTS)
STRANGERS = [
    "null",
    "https://evil.example",
    "https://app.example.evil.example",
    "https://evilapp.example",
    "http://app.example",
    "https://app.example:444",
    "https://APP.example",
    "https://app.example/",
    "https://app.example, https://evil.example",
    "*",
    "",
]


async def test_a_configured_origin_is_told_before_it_signs_in_what_it_may_send() -> None:
    async with opened(http=HTTP, grants=(FOR_ANN,)) as house:
        for path in ("/files/a.txt", "/files/", "/uploads/x", "/nowhere"):
            async with house.client.options(path, headers={"Origin": FRIEND, **ASKING}) as answer:
                headers = answer.headers
                assert (answer.status, await answer.read()) == (204, b"")
                assert headers["Access-Control-Allow-Origin"] == FRIEND
                assert "PUT" in headers["Access-Control-Allow-Methods"].split(", ")
                allowed = headers["Access-Control-Allow-Headers"].lower().split(", ")
                asked = ASKING["Access-Control-Request-Headers"].split(", ")
                assert set(asked) <= set(allowed)
                assert int(headers["Access-Control-Max-Age"]) > 0
                assert "Access-Control-Allow-Credentials" not in headers
                assert "Origin" in headers.getall("Vary")


@pytest.mark.parametrize("origin", STRANGERS)
async def test_no_other_origin_is_reflected(origin: str) -> None:
    async with opened(http=HTTP) as house:
        await sent(house, "a.txt", b"one")
        for method, more in (("OPTIONS", ASKING), ("OPTIONS", {}), ("GET", {}), ("PUT", {})):
            headers = {"Origin": origin, **more}
            async with house.client.request(method, "/files/a.txt", headers=headers) as answer:
                found = [name for name in answer.headers if name.lower().startswith("access-")]
                assert found == [], method
                assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
                # So that a cache does not hand it to the origin that may.
                assert "Origin" in answer.headers.getall("Vary")
                assert answer.status == (403 if method == "PUT" else answer.status)


async def test_a_configured_origin_reads_answers_and_refusals_with_their_headers() -> None:
    async with opened(http=HTTP) as house:
        for method, path, status in (
            ("PUT", "/files/a.txt", 201),
            ("PUT", "/files/a.txt", 409),
            ("GET", "/files/a.txt", 200),
            ("GET", "/files/none", 404),
            ("PATCH", "/files/a.txt", 405),
        ):
            headers = {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"}
            async with house.client.request(method, path, headers=headers, data=b"x") as answer:
                assert answer.status == status
                assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
                assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
                exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
                assert {
                    *("ETag", "Location", "Link", "Retry-After", "Content-Range", "Repr-Digest"),
                    *("Upload-Offset", "Upload-Length", "Upload-Expires", "Tus-Resumable"),
                } <= set(exposed)


async def test_a_preflight_for_a_host_that_is_not_ours_is_refused() -> None:
    headers = {"Origin": FRIEND, "Host": "evil.example", **ASKING}
    async with (
        opened(http=HTTP) as house,
        house.client.options("/files/a", headers=headers) as answer,
    ):
        assert answer.status == 421


async def test_without_configured_origins_nothing_is_said_of_origins() -> None:
    async with opened() as house:
        headers = {"Origin": FRIEND, **ASKING}
        async with house.client.options("/files/a.txt", headers=headers) as answer:
            assert (answer.status, "Allow" in answer.headers) == (204, True)
            assert [name for name in answer.headers if name.lower().startswith("access-")] == []
            assert "Origin" not in answer.headers.get("Vary", "")
