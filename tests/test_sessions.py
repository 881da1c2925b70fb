"""Signing in on the page: a cookie that counts only for requests of our own pages."""

from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import make_mocked_request

from handlers.problem_types import TYPES
from handlers.sessions import IDLE, LONGEST, Sessions
from storage.memory.shelves import MemoryAccounts
from tests.doors import House, opened, sent
from uploads.access import ALL_RIGHTS, Grant, Principal
from uploads.names import Path

FOR_USERS = Grant(Path(()), frozenset({"users"}), ALL_RIGHTS)
OWN = {"Sec-Fetch-Site": "same-origin"}
SECRET = "secret"
HTML = {"Accept": "text/html"}


async def sign_in(house: House, password: str = SECRET, **headers: str) -> ClientResponse:
    fields = {"user": "ann", "password": password, "next": "/browse/a/"}
    return await house.client.post(
        "/session", data=fields, headers=OWN | headers, allow_redirects=False
    )


def origin(house: House, scheme: str = "http") -> dict[str, str]:
    return {"Origin": f"{scheme}://{house.client.host}:{house.client.port}"}


async def test_who_signs_in_is_known_until_they_sign_out() -> None:
    async with opened([FOR_USERS]) as house:
        assert (await house.client.get("/files/")).status == 401
        answer = await sign_in(house)
        assert (await answer.json()) == {"user": "ann", "users": True}
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert (await house.client.get("/files/")).status == 200
        left = await house.client.post("/session", data={"sign_out": "1"}, headers=OWN)
        assert left.status == 401
        assert (await house.client.get("/files/")).status == 401


async def test_a_form_leads_on_to_the_page_that_was_wanted_and_to_no_other_server() -> None:
    async with opened([FOR_USERS]) as house:
        answer = await sign_in(house, **HTML)
        assert (answer.status, answer.headers["Location"]) == (303, "/browse/a/")
        for wanted in ("//evil.example/", "https://evil.example/", "/browse/\\..", "/docs"):
            fields = {"user": "ann", "password": "secret", "next": wanted}
            led = await house.client.post(
                "/session", data=fields, headers=OWN | HTML, allow_redirects=False
            )
            assert led.headers["Location"] == "/browse/"


async def test_over_https_the_cookie_is_bound_to_this_host() -> None:
    async with opened([FOR_USERS]) as house:
        fields = {"user": "ann", "password": "secret"}
        secure = origin(house, "https")
        answer = await house.client.post("/session", data=fields, headers=secure)
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-noclobber=")
        assert {"Secure", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


async def test_a_wrong_password_is_told_on_the_form_and_slowed_down() -> None:
    async with opened([FOR_USERS]) as house:
        answer = await sign_in(house, "wrong", **HTML)
        assert answer.status == 401
        assert 'role="alert"' in await answer.text()
        assert "Set-Cookie" not in answer.headers
        for _ in range(9):
            await sign_in(house, "wrong")
        assert (await sign_in(house)).status == TYPES["too-many-guesses"].status


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_a_cookie_changes_nothing_but_from_a_page_of_ours(headers: dict[str, str]) -> None:
    async with opened([FOR_USERS]) as house:
        await sign_in(house)
        async with house.client.put("/files/a.txt", data=b"a", headers=headers) as answer:
            problem: Any = await answer.json(content_type=None)
            assert problem["type"] == "/problems/cross-site"
        async with house.client.put("/files/a.txt", data=b"a", headers=OWN) as answer:
            assert answer.status == 201
        async with house.client.put("/files/b.txt", data=b"b", headers=origin(house)) as answer:
            assert answer.status == 201


async def test_another_password_ends_the_sessions_of_the_old_one() -> None:
    async with opened([FOR_USERS]) as house:
        await sign_in(house)
        house.parts.accounts.passwords["ann"] = "another"  # type: ignore[attr-defined]
        assert (await house.client.get("/files/")).status == 401


async def test_a_browser_is_not_made_to_ask_in_a_window_of_its_own() -> None:
    async with opened([FOR_USERS]) as house:
        for headers, basic in (({}, True), (HTML, False), ({"Sec-Fetch-Mode": "cors"}, False)):
            answer = await house.client.get("/files/", headers=headers)
            assert ("Basic" in answer.headers["WWW-Authenticate"]) is basic
        answer = await house.client.get("/browse/", headers=HTML)
        assert answer.status == 401
        assert 'action="/session"' in await answer.text()


async def test_credentials_of_a_request_count_more_than_its_cookie() -> None:
    async with opened([FOR_USERS]) as house:
        await sign_in(house)
        response, _ = await sent(house, "a.txt", b"a", Authorization="Bearer token")
        assert response.status == 201
        response, _ = await sent(house, "b.txt", b"b", Authorization="Bearer nothing")
        assert response.status == 401


def test_a_session_ends_when_it_was_not_used_for_half_a_day_and_after_a_week() -> None:
    now = [0.0]
    kept = Sessions(MemoryAccounts({"ann": "secret"}), clock=lambda: now[0])
    secret = kept.begin(Principal("ann"))
    request = make_mocked_request("GET", "/", headers={"Cookie": f"x=y; noclobber={secret}"})
    for _ in range(14):
        now[0] += IDLE - 1
        known = kept.principal(request)
        assert (known is not None) is (now[0] < LONGEST)
    idle = kept.begin(Principal("ann"))
    request = make_mocked_request("GET", "/", headers={"Cookie": f"noclobber={idle}"})
    assert kept.principal(request) is not None
    now[0] += IDLE
    assert kept.principal(request) is None
