"""Whose guesses count together: whoever has a whole network has not its number of guesses."""

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.identity import subscriber
from handlers.parts import HttpSettings
from storage import accounts
from storage.accounts import FileAccounts
from tests.doors import opened
from tests.wire import ask, message

FAILURES, SUBSCRIBERS = 3, 16
PASSWORD = "correct horse"
# More than may wait for their password to be looked at.
MANY = 40


@pytest.fixture
def known(tmp_path: Path) -> Iterator[FileAccounts]:
    accounts.add_user(tmp_path, "ann", PASSWORD)
    served = FileAccounts(tmp_path)
    yield served
    served.close()


@pytest.mark.parametrize(
    ("address", "together"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        ("unknown", "unknown"),
    ],
)
def test_a_network_of_ipv6_counts_as_one(address: str, together: str) -> None:
    assert subscriber(address) == together


async def test_another_address_of_the_same_network_gives_no_more_guesses() -> None:
    http = HttpSettings(login_failures=FAILURES, trusted_proxies=frozenset({"127.0.0.1/32"}))
    async with opened(http=http) as house:
        statuses = []
        for number in range(FAILURES + 2):
            headers = {
                "Authorization": f"Bearer wrong-{number}",
                "X-Forwarded-For": f"2001:db8::{number + 1:x}",
            }
            answer = await ask(house.client.port or 0, message("GET", "/files/", b"", headers))
            statuses.append(answer.status)
        assert statuses == [401] * FAILURES + [429] * 2
        elsewhere = {"Authorization": "Bearer wrong", "X-Forwarded-For": "2001:db8:0:1::1"}
        other = await ask(house.client.port or 0, message("GET", "/files/", b"", elsewhere))
        assert other.status == 401


async def test_one_who_has_many_networks_has_not_the_guesses_of_all_of_them() -> None:
    http = HttpSettings(login_failures=FAILURES, trusted_proxies=frozenset({"127.0.0.1/32"}))
    async with opened(http=http) as house:

        async def guessed(address: str) -> int:
            headers = {"Authorization": "Bearer wrong", "X-Forwarded-For": address}
            return (
                await ask(house.client.port or 0, message("GET", "/files/", b"", headers))
            ).status

        for number in range(SUBSCRIBERS):
            address = f"2001:db8:1:{number:x}::1"
            assert [await guessed(address) for _ in range(FAILURES)] == [401] * FAILURES
        assert await guessed("2001:db8:1:ffff::1") == 429
        assert await guessed("2001:db8:2::1") == 401


async def test_guesses_from_many_networks_of_one_site_at_once_hold_up_nobody_elsewhere(
    known: FileAccounts,
) -> None:
    trusting = HttpSettings(trusted_proxies=frozenset({"127.0.0.1/32"}))
    async with opened(http=trusting, accounts=known) as house:

        async def tried(password: str, address: str) -> int:
            shown = base64.b64encode(f"ann:{password}".encode()).decode()
            headers = {"Authorization": f"Basic {shown}", "X-Forwarded-For": address}
            return (
                await ask(house.client.port or 0, message("GET", "/files/", b"", headers))
            ).status

        guesses = [
            asyncio.create_task(tried(f"{number}", f"2001:db8:1:{number:x}::1"))
            for number in range(MANY)
        ]
        await asyncio.wait(guesses, return_when=asyncio.FIRST_COMPLETED)
        assert await tried(PASSWORD, "192.0.2.1") == 200
        assert not all(guess.done() for guess in guesses)
        assert await asyncio.gather(*guesses) == [401] * MANY
