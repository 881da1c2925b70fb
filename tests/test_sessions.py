"""Signing in on the page: a cookie that counts only for requests of our own pages."""

import re
from pathlib import Path as DiskPath
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, DummyCookieJar
from aiohttp.test_utils import make_mocked_request
from aiohttp.web import Request

import server
from handlers.parts import HttpSettings
from handlers.problem_types import TYPES
from handlers.sessions import Bounds, Sessions
from program import settings
from storage.memory.shelves import MemoryAccounts
from tests.doors import House, opened, sent
from uploads.access import ALL_RIGHTS, Grant, Principal
from uploads.names import Path

FOR_USERS = Grant(Path(()), frozenset({"users"}), ALL_RIGHTS)
OWN = {"Sec-Fetch-Site": "same-origin"}
SECRET = "secret"
ANN, BOB = (Principal(name, frozenset({name}), proof=SECRET) for name in ("ann", "bob"))
HTML = {"Accept": "text/html"}
ANN_SIGNS_IN = {"user": "ann", "password": SECRET}
BASIC = "Basic YW5uOnNlY3JldA=="


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
        ours = ("/files/a/report.pdf?versions", "/uploads/", "/browse/%2F/")
        others = ("//evil.example/", "https://evil.example/", "/browse/\\..", "/files", "/docs")
        unwritten = ("/files/\0", "/browse/\x7f", "/browse/\r\nSet-Cookie: a=b", "/files/\u2028")
        for wanted, there in [(one, one) for one in ours] + [
            (one, "/browse/") for one in others + unwritten
        ]:
            fields = {"user": "ann", "password": "secret", "next": wanted}
            led = await house.client.post(
                "/session", data=fields, headers=OWN | HTML, allow_redirects=False
            )
            assert led.headers["Location"] == there


async def test_over_https_the_cookie_is_bound_to_this_host() -> None:
    async with opened([FOR_USERS]) as house:
        fields = {"user": "ann", "password": "secret"}
        secure = origin(house, "https")
        answer = await house.client.post("/session", data=fields, headers=secure)
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-noclobber=")
        assert {"Secure", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


async def test_over_https_a_cookie_that_a_neighbour_may_have_planted_does_not_count() -> None:
    trusting = HttpSettings(trusted_proxies=frozenset({"127.0.0.1/32"}))
    for http, forwarded in ((None, 200), (trusting, 401)):
        async with opened([FOR_USERS], http=http) as house:
            cookie = (await sign_in(house)).headers["Set-Cookie"].partition(";")[0]
            house.client.session.cookie_jar.clear()
            by_https = origin(house, "https")
            for name, status in ((cookie, 401), (f"__Host-{cookie}", 201)):
                headers = {"Cookie": name, **by_https}
                async with house.client.put("/files/a", data=b"a", headers=headers) as answer:
                    assert answer.status == status, name
            headers = {"Cookie": cookie, "X-Forwarded-Proto": "https"}
            async with house.client.get("/files/", headers=headers) as answer:
                assert answer.status == forwarded
            headers["X-Forwarded-Proto"] = "https, http"
            async with house.client.get("/files/", headers=headers) as answer:
                assert answer.status == 200


@pytest.mark.parametrize("space", ["\u2000", "\u00a0", "\u1680", "\u3000", "\x1f", "\x85"])
def test_a_name_with_white_space_before_it_is_not_the_bound_cookie(space: str) -> None:
    """Browsers hold for bound what begins with `__Host-`; they strip spaces and tabs before it."""
    kept = Sessions(MemoryAccounts({"ann": "secret", "bob": "secret"}))
    ours, planted = (kept.begin(one, "192.0.2.1") for one in (ANN, BOB))

    def who(cookie: str) -> Principal | None:
        headers = {"Cookie": cookie, "Origin": "https://files.example"}
        return kept.principal(make_mocked_request("GET", "/", headers=headers))

    assert who(f"{space}__Host-noclobber={planted}") is None
    for cookie in (f"__Host-noclobber={ours}; ", f" \t__Host-noclobber={ours}\t;"):
        known = who(f"{cookie}{space}__Host-noclobber={planted}")
        assert known is not None
        assert known.name == "ann"


def test_of_two_cookies_of_one_name_none_counts() -> None:
    """RFC 6265 sections 4.2.2 and 5.4: a planted one comes first by a longer path, or last as the
    younger.
    """
    kept = Sessions(MemoryAccounts({"ann": "secret", "bob": "secret"}))
    ours, planted = (kept.begin(one, "192.0.2.1") for one in (ANN, BOB))
    for name in ("noclobber", "__Host-noclobber"):
        for one, other in ((ours, planted), (planted, ours)):
            cookie = f"{name}={one}; {name}={other}"
            assert (
                kept.principal(make_mocked_request("GET", "/", headers={"Cookie": cookie})) is None
            )
    assert kept.principal(asking(ours)) is not None


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


BOUNDS = Bounds(idle=100.0, longest=1000.0, each=3)


def asking(secret: str) -> Request:
    return make_mocked_request("GET", "/", headers={"Cookie": f"x=y; noclobber={secret}"})


def test_a_session_ends_when_it_was_not_used_for_its_time_and_when_it_is_too_old() -> None:
    now = [0.0]
    kept = Sessions(MemoryAccounts({"ann": "secret"}), BOUNDS, clock=lambda: now[0])
    secret = kept.begin(ANN, "192.0.2.1")
    for _ in range(14):
        now[0] += BOUNDS.idle - 1
        known = kept.principal(asking(secret))
        assert (known is not None) is (now[0] < BOUNDS.longest)
    idle = kept.begin(ANN, "192.0.2.1")
    assert kept.principal(asking(idle)) is not None
    now[0] += BOUNDS.idle
    assert kept.of(ANN, asking(idle)) == []
    assert kept.principal(asking(idle)) is None


def test_one_more_session_than_a_user_may_have_ends_the_one_that_was_used_least_lately() -> None:
    kept = Sessions(MemoryAccounts({"ann": "secret", "bob": "secret"}), BOUNDS)
    of_bob = kept.begin(BOB, "192.0.2.2")
    secrets = [kept.begin(ANN, "192.0.2.1") for _ in range(BOUNDS.each)]
    assert kept.principal(asking(secrets[0])) is not None
    secrets.append(kept.begin(ANN, "192.0.2.1"))
    known = [kept.principal(asking(one)) is not None for one in secrets]
    assert known == [True, False, True, True]
    assert kept.principal(asking(of_bob)) is not None


def test_a_user_may_have_as_many_sessions_as_is_set_however_many_that_are() -> None:
    kept = Sessions(MemoryAccounts({"ann": "secret"}))
    secrets = [kept.begin(ANN, "192.0.2.1") for _ in range(kept.bounds.each)]
    assert all(kept.principal(asking(one)) is not None for one in secrets)
    kept.begin(ANN, "192.0.2.1")
    assert [kept.principal(asking(one)) is not None for one in secrets].count(False) == 1


def test_the_settings_bound_the_sessions(tmp_path: DiskPath) -> None:
    text = """[limits]
    session_idle = "10 min"
    session_longest = "1 hour"
    sessions_per_user = 2
    """
    (tmp_path / "some.toml").write_text(text)
    loaded = settings.load(tmp_path / "some.toml")
    assert server._http(loaded).sessions == Bounds(600.0, 3600.0, 2)


async def another_browser(house: House, password: str = SECRET) -> tuple[ClientResponse, str]:
    """Signed in with cookies of its own. Returns them as it would send them."""
    async with ClientSession(cookie_jar=DummyCookieJar()) as other:
        fields = {"user": "ann", "password": password}
        async with other.post(
            house.client.make_url("/session"), data=fields, headers=OWN
        ) as answer:
            await answer.read()
            return answer, answer.headers.get("Set-Cookie", "").partition(";")[0]


async def reads(house: House, cookie: str) -> int:
    async with ClientSession(cookie_jar=DummyCookieJar()) as other:
        url = house.client.make_url("/files/")
        async with other.get(url, headers={"Cookie": cookie}) as answer:
            return answer.status


async def asked_of_the_account(house: House, **fields: str) -> ClientResponse:
    return await house.client.post("/session", data=fields, headers=OWN, allow_redirects=False)


async def test_people_see_where_they_are_signed_in_and_end_what_they_do_not_want() -> None:
    async with opened([FOR_USERS]) as house:
        await sign_in(house)
        cookies = [(await another_browser(house))[1] for _ in range(3)]
        page = await (await house.client.get("/session", headers=HTML)).text()
        found = re.findall(r'name="end" value="([0-9a-f]{16})">([^<]*<bdi>[^<]*</bdi>[^<]*)', page)
        assert len(found) == 4
        assert [": this one" in told for _, told in found] == [True, False, False, False]
        assert "from <bdi>127.0.0.1</bdi>" in found[1][1]
        for secret in cookies:
            assert secret.partition("=")[2] not in page
        assert (await asked_of_the_account(house, end=found[1][0])).status == 400
        assert (await asked_of_the_account(house, end=found[1][0], password="no")).status == 401
        assert [await reads(house, one) for one in cookies] == [200] * 3
        ended = await asked_of_the_account(house, end=found[1][0], password=SECRET)
        assert ended.status == 200
        assert [await reads(house, one) for one in cookies] == [200, 200, 401]
        again = await asked_of_the_account(house, end=found[1][0], password=SECRET)
        assert again.status == 404
        await asked_of_the_account(house, end="others", password=SECRET)
        assert [await reads(house, one) for one in cookies] == [401] * 3
        assert (await house.client.get("/files/")).status == 200


async def test_people_change_their_password_by_the_one_that_they_have() -> None:
    async with opened([FOR_USERS]) as house:
        fresh = "another long one"
        assert (
            await asked_of_the_account(house, new_password=fresh, password=SECRET)
        ).status == 401
        await sign_in(house)
        _, cookie = await another_browser(house)
        assert (await asked_of_the_account(house, new_password=fresh)).status == 400
        assert (await asked_of_the_account(house, new_password=fresh, password="no")).status == 401
        # A token is no password: who holds one, narrowed as it may be, must not take the account.
        assert (
            await asked_of_the_account(house, new_password=fresh, password="token")
        ).status == 401
        assert (
            await asked_of_the_account(house, new_password="short", password=SECRET)
        ).status == 400
        assert await reads(house, cookie) == 200
        changed = await asked_of_the_account(house, new_password=fresh, password=SECRET)
        assert changed.status == 200
        assert (await house.client.get("/files/")).status == 200
        assert await reads(house, cookie) == 401
        assert (await another_browser(house))[0].status == 401
        assert (await another_browser(house, fresh))[0].status == 200


async def test_what_is_wrong_with_a_new_password_is_told_on_the_page_of_the_account() -> None:
    async with opened([FOR_USERS]) as house:
        await sign_in(house)
        for fields, told in (
            ({"new_password": "short", "password": SECRET}, "too short"),
            (
                {"new_password": "another long one", "password": "no"},
                "Name, password or code is wrong.",
            ),
        ):
            answer = await house.client.post("/session", data=fields, headers=OWN | HTML)
            assert answer.status in {400, 401}
            page = await answer.text()
            assert told in re.findall(r'role="alert">([^<]*)', page)[0]
            assert "You are signed in as" in page


async def test_nobody_guesses_a_password_at_the_account_more_often_than_elsewhere() -> None:
    async with opened([FOR_USERS], http=HttpSettings(login_failures=3)) as house:
        await sign_in(house)
        tries = [await asked_of_the_account(house, end="others", password=f"{n}") for n in range(4)]
        assert [one.status for one in tries] == [401, 401, 401, 429]


async def test_a_password_can_be_pasted_and_filled_in_by_a_program() -> None:
    async with opened([FOR_USERS]) as house:
        signing_in = await (await house.client.get("/session", headers=HTML)).text()
        await sign_in(house)
        account = await (await house.client.get("/session", headers=HTML)).text()
        fields = re.findall(r"<input [^>]*>", signing_in + account)
        secret = [one for one in fields if 'type="password"' in one]
        assert len(secret) == 4
        for one in secret:
            kinds = re.findall(r'autocomplete="([a-z-]+)"', one)
            assert kinds in (["current-password"], ["new-password"])
            assert not re.search(r" on[a-z]+=|readonly|disabled|maxlength=\"(?!1024)", one)
        assert sum('autocomplete="username"' in one for one in fields) == 2
        # No script is on these pages that could keep anything out, and the policy lets none in.
        assert "<script" not in account.replace('<script type="module" src="/static/page/', "")


async def test_signing_out_is_on_the_page_of_who_is_signed_in_and_clears_what_was_kept() -> None:
    async with opened([FOR_USERS]) as house:
        await sign_in(house)
        page = await (await house.client.get("/session", headers=HTML)).text()
        assert 'name="sign_out"' in page
        left = await asked_of_the_account(house, sign_out="1")
        assert left.headers["Clear-Site-Data"] == '"cache"'
        assert "Max-Age=0" in left.headers["Set-Cookie"]


async def test_with_a_second_factor_the_page_asks_for_a_code_and_the_password_alone_opens_nothing() -> (
    None
):
    async with opened([FOR_USERS]) as house:
        house.parts.accounts.codes["ann"] = "123456"  # type: ignore[attr-defined]
        for fields in ({}, {"code": ""}, {"code": "123457"}):
            answer = await house.client.post("/session", data=ANN_SIGNS_IN | fields, headers=OWN)
            assert answer.status == 401
        assert (await sent(house, "a", b"a", Authorization=BASIC))[0].status == 401
        # As people write it.
        signs_in = ANN_SIGNS_IN | {"code": " 123 456 "}
        assert (await house.client.post("/session", data=signs_in, headers=OWN)).status == 200
        assert (await asked_of_the_account(house, end="others", password=SECRET)).status == 401
        ended = await asked_of_the_account(house, end="others", password=SECRET, code="123456")
        assert ended.status == 200
        # A program has a token for that.
        assert (await sent(house, "a", b"a", Authorization="Bearer token"))[0].status == 201
