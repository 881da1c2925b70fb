"""Sessions that a token has begun, as the password in the form: its owner sees and ends them."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path as DiskPath

import pytest
from aiohttp import ClientResponse, ClientSession, DummyCookieJar

from handlers.parts import HttpSettings
from handlers.sessions import Bounds
from storage import accounts
from storage.accounts import FileAccounts
from tests.doors import House, opened
from uploads.access import Right, Scope
from uploads.names import Path

PASSWORD, OTHER = "correct horse", "another horse"
FEW = 3
OWN = {"Sec-Fetch-Site": "same-origin"}
TO_READ = Scope(Path(()), frozenset({Right.READ, Right.LIST}))


@pytest.fixture
def data(tmp_path: DiskPath) -> DiskPath:
    accounts.add_user(tmp_path, "ann", PASSWORD)
    return tmp_path


@pytest.fixture
def known(data: DiskPath) -> Iterator[FileAccounts]:
    served = FileAccounts(data)
    yield served
    served.close()


@asynccontextmanager
async def served(known: FileAccounts) -> AsyncIterator[House]:
    http = HttpSettings(sessions=Bounds(each=FEW))
    async with opened(http=http, accounts=known) as house:
        yield house


class Browser:
    def __init__(self, house: House, cookie: str = "") -> None:
        self.url = house.client.make_url("/session")
        self.cookie = cookie

    async def asked(self, **fields: str) -> ClientResponse:
        headers = OWN | {"Cookie": self.cookie}
        async with (
            ClientSession(cookie_jar=DummyCookieJar()) as session,
            session.post(self.url, data=fields, headers=headers) as answer,
        ):
            await answer.read()
            self.cookie = answer.headers.get("Set-Cookie", self.cookie).partition(";")[0]
            return answer

    async def read(self, accept: str) -> str:
        headers = {"Cookie": self.cookie, "Accept": accept}
        async with (
            ClientSession(cookie_jar=DummyCookieJar()) as session,
            session.get(self.url, headers=headers) as answer,
        ):
            return await answer.text()

    async def is_signed_in(self) -> bool:
        return '"ann"' in await self.read("application/json")

    async def told(self) -> list[str]:
        """The sessions on the page of the account."""
        page = await self.read("text/html")
        return re.findall(r'name="end" value="([0-9a-f]{16})"', page)


async def signed_in(house: House, shown: str) -> Browser:
    browser = Browser(house)
    assert (await browser.asked(user="ann", password=shown)).status == 200
    return browser


@pytest.mark.parametrize("scope", [None, TO_READ])
async def test_the_owner_of_a_token_sees_the_sessions_that_it_has_begun_and_ends_them(
    known: FileAccounts, data: DiskPath, scope: Scope | None
) -> None:
    token = accounts.add_token(data, "ci", "ann", scope=scope)
    async with served(known) as house:
        ann, first, second = [await signed_in(house, one) for one in (PASSWORD, token, token)]
        told = await ann.told()
        assert len(told) == 3
        assert (await ann.asked(end=told[1], password=PASSWORD)).status == 200
        assert [await one.is_signed_in() for one in (first, second)] == [True, False]
        assert (await ann.asked(end="others", password=PASSWORD)).status == 200
        assert [await one.is_signed_in() for one in (ann, first)] == [True, False]


async def test_another_password_ends_them_and_the_token_goes_on(
    known: FileAccounts, data: DiskPath
) -> None:
    token = accounts.add_token(data, "ci", "ann")
    async with served(known) as house:
        ann, by_token = await signed_in(house, PASSWORD), await signed_in(house, token)
        assert (await ann.asked(new_password=OTHER, password=PASSWORD)).status == 200
        assert [await one.is_signed_in() for one in (ann, by_token)] == [True, False]
        by_token = await signed_in(house, token)
        accounts.set_password(data, "ann", PASSWORD)
        assert not await by_token.is_signed_in()
        assert known.by_token(token) is not None


async def test_one_of_a_revoked_token_counts_no_more(known: FileAccounts, data: DiskPath) -> None:
    token = accounts.add_token(data, "ci", "ann")
    async with served(known) as house:
        ann, by_token = await signed_in(house, PASSWORD), await signed_in(house, token)
        accounts.revoke_token(data, "ci")
        assert len(await ann.told()) == 1
        assert not await by_token.is_signed_in()


async def test_a_token_drives_out_no_session_but_its_own(
    known: FileAccounts, data: DiskPath
) -> None:
    token, other = (accounts.add_token(data, name, "ann") for name in ("ci", "laptop"))
    async with served(known) as house:
        ann, of_other = await signed_in(house, PASSWORD), await signed_in(house, other)
        many = [await signed_in(house, token) for _ in range(FEW + 1)]
        assert [await one.is_signed_in() for one in many] == [False, *[True] * FEW]
        assert await ann.is_signed_in()
        assert await of_other.is_signed_in()


async def test_a_token_that_may_less_than_its_owner_neither_sees_nor_ends_the_sessions_of_others(
    known: FileAccounts, data: DiskPath
) -> None:
    token = accounts.add_token(data, "ci", "ann", scope=TO_READ)
    async with served(known) as house:
        ann, by_token = await signed_in(house, PASSWORD), await signed_in(house, token)
        assert len(await by_token.told()) == 1
        of_ann = (await ann.told())[0]
        assert (await by_token.asked(end=of_ann, password=PASSWORD)).status == 404
        assert (await by_token.asked(end="others", password=PASSWORD)).status == 200
        assert await ann.is_signed_in()
