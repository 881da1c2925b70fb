"""Whose guesses count together: whoever has a whole network has not its number of guesses."""

import pytest

from handlers.identity import subscriber
from handlers.parts import HttpSettings
from tests.doors import opened
from tests.wire import ask, message

FAILURES = 3


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
