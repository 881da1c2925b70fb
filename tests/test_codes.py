"""Guessing at the second factor, by who has the password already."""

from collections.abc import Iterator
from pathlib import Path as DiskPath

import pytest

from handlers.parts import HttpSettings
from storage import accounts, factors
from storage.accounts import FileAccounts
from tests.doors import opened
from tests.shops import Clock
from uploads.failures import TooManyGuesses

PASSWORD = "correct horse"
MOST = 10
OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def secret(tmp_path: DiskPath) -> str:
    accounts.add_user(tmp_path, "ann", PASSWORD)
    return accounts.set_factor(tmp_path, "ann")


@pytest.fixture
def known(secret: str, tmp_path: DiskPath, clock: Clock) -> Iterator[FileAccounts]:
    served = FileAccounts(tmp_path, clock)
    clock.now = 1e6
    yield served
    served.close()


def right(secret: str, clock: Clock) -> str:
    return factors.code(secret, factors.step(clock.now))


def wrong(secret: str, clock: Clock) -> str:
    return f"{(int(right(secret, clock)) + 1) % 1_000_000:06}"


async def test_after_ten_wrong_codes_with_the_password_the_right_one_waits_for_an_hour(
    known: FileAccounts, secret: str, tmp_path: DiskPath, clock: Clock
) -> None:
    token = accounts.add_token(tmp_path, "ci", "ann")
    for _ in range(MOST):
        assert await known.by_password("ann", PASSWORD, wrong(secret, clock)) is None
        clock.now += 60
    with pytest.raises(TooManyGuesses) as refused:
        await known.by_password("ann", PASSWORD, right(secret, clock))
    assert refused.value.retry_after == 3000
    # Whether the password is right is told by nothing else.
    assert await known.by_password("ann", PASSWORD) is None
    assert await known.by_password("ann", "another horse", right(secret, clock)) is None
    assert known.by_token(token) is not None
    clock.now += 3000
    assert await known.by_password("ann", PASSWORD, right(secret, clock)) is not None


async def test_wrong_codes_after_the_tenth_make_it_wait_for_longer(
    known: FileAccounts, secret: str, clock: Clock
) -> None:
    for _ in range(MOST * 2):
        assert await known.by_password("ann", PASSWORD, wrong(secret, clock)) is None
        clock.now += 60
    with pytest.raises(TooManyGuesses) as refused:
        await known.by_password("ann", PASSWORD, right(secret, clock))
    assert refused.value.retry_after == 3000


async def test_who_does_not_know_the_password_or_shows_no_code_keeps_nobody_out(
    known: FileAccounts, secret: str, clock: Clock
) -> None:
    for _ in range(MOST + 1):
        assert await known.by_password("ann", "a guess", wrong(secret, clock)) is None
        assert await known.by_password("ann", PASSWORD) is None
    assert await known.by_password("ann", PASSWORD, right(secret, clock)) is not None


async def test_wrong_codes_do_not_count_for_another_password(
    known: FileAccounts, secret: str, tmp_path: DiskPath, clock: Clock
) -> None:
    for _ in range(MOST):
        await known.by_password("ann", PASSWORD, wrong(secret, clock))
    accounts.set_password(tmp_path, "ann", "another horse")
    assert await known.by_password("ann", "another horse", right(secret, clock)) is not None


async def test_on_the_page_it_is_told_as_any_guessing_and_who_is_signed_in_stays(
    known: FileAccounts, secret: str, clock: Clock
) -> None:
    http = HttpSettings(login_failures=1000)
    async with opened(http=http, accounts=known) as house:

        async def asked(code: str, **fields: str) -> tuple[int, str | None]:
            data = {"password": PASSWORD, "code": code, **fields}
            async with house.client.post("/session", data=data, headers=OWN) as answer:
                return answer.status, answer.headers.get("Retry-After")

        assert await asked(right(secret, clock), user="ann") == (200, None)
        clock.now += 30
        for _ in range(MOST):
            assert await asked(wrong(secret, clock), user="ann") == (401, None)
        assert await asked(right(secret, clock), user="ann") == (429, "3600")
        assert await asked(right(secret, clock), end="others") == (429, "3600")
        data = {"password": PASSWORD, "code": right(secret, clock), "end": "others"}
        html = OWN | {"Accept": "text/html"}
        async with house.client.post("/session", data=data, headers=html) as answer:
            assert answer.status == 429
            assert "Too many wrong codes" in await answer.text()
        async with house.client.get("/session") as answer:
            assert (await answer.json())["user"] == "ann"
