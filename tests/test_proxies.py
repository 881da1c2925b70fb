"""Whose address counts when proxies stand between, and that nobody can choose his own."""

import ipaddress
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.headers.proxies import Proxies
from handlers.parts import HttpSettings
from tests.doors import House, opened

TRUSTED = Proxies.of(("10.0.0.0/8", "192.0.2.7/32", "2001:db8:1::/48", "::ffff:172.16.0.0/108"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.1.2.3", [], "10.1.2.3"),
        ("10.1.2.3", ["198.51.100.1"], "198.51.100.1"),
        ("192.0.2.7", ["198.51.100.1"], "198.51.100.1"),
        ("192.0.2.8", ["198.51.100.1"], "192.0.2.8"),
        ("10.1.2.3", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["6.6.6.6, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.1.2.3", ["10.4.4.4, 10.9.9.9"], "10.4.4.4"),
        ("10.1.2.3", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.1.2.3", ["[2001:DB8:2:0::1]:4711"], "2001:db8:2::1"),
        ("10.1.2.3", ["[2001:db8:2::1]"], "2001:db8:2::1"),
        ("10.1.2.3", ["2001:db8:2::1"], "2001:db8:2::1"),
        ("::ffff:10.1.2.3", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("::ffff:203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("172.16.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("2001:db8:1::5", ["198.51.100.1"], "198.51.100.1"),
        ("2001:db8:2::5", ["198.51.100.1"], "2001:db8:2::5"),
        ("10.1.2.3", ["198.51.100.1, unknown"], "10.1.2.3"),
        ("10.1.2.3", ["198.51.100.1, unknown, 10.9.9.9"], "10.9.9.9"),
        ("10.1.2.3", [""], "10.1.2.3"),
        ("10.1.2.3", [",,,"], "10.1.2.3"),
        ("10.1.2.3", ["198.51.100.1.5"], "10.1.2.3"),
        ("10.1.2.3", ["fe80::1%eth0"], "10.1.2.3"),
        ("10.1.2.3", ["\x1b[2J"], "10.1.2.3"),
        ("", ["198.51.100.1"], ""),
        ("/run/noclobber.sock", ["198.51.100.1"], "/run/noclobber.sock"),
    ],
)
def test_the_last_address_that_is_no_proxy_of_ours_counts(
    peer: str, forwarded: list[str], client: str
) -> None:
    assert TRUSTED.client(peer, forwarded) == client


@given(st.lists(st.text()))
def test_whatever_a_proxy_forwards_an_address_comes_out(forwarded: list[str]) -> None:
    ipaddress.ip_address(TRUSTED.client("10.1.2.3", forwarded))


@given(st.lists(st.text()))
def test_nobody_whom_we_do_not_trust_changes_his_address(forwarded: list[str]) -> None:
    assert TRUSTED.client("203.0.113.9", forwarded) == "203.0.113.9"


async def guess(house: House, forwarded: str) -> int:
    headers = {
        "Authorization": "Basic " + b64encode(b"ann:wrong").decode(),
        "X-Forwarded-For": forwarded,
    }
    async with house.client.get("/files/", headers=headers) as answer:
        return answer.status


async def test_guesses_count_for_the_client_and_not_for_the_proxy() -> None:
    http = HttpSettings(trusted_proxies=frozenset({"127.0.0.0/8"}), login_failures=2)
    async with opened(http=http) as house:
        assert [await guess(house, "198.51.100.1") for _ in range(3)] == [401, 401, 429]
        assert await guess(house, "6.6.6.6, ::ffff:198.51.100.1") == 429
        assert await guess(house, "198.51.100.2") == 401


async def test_who_is_not_trusted_gets_no_more_guesses_by_naming_others() -> None:
    async with opened(http=HttpSettings(login_failures=2)) as house:
        assert [await guess(house, f"198.51.100.{n}") for n in range(3)] == [401, 401, 429]


@pytest.mark.parametrize("trusted", [frozenset[str](), frozenset({"127.0.0.0/8"})])
async def test_no_other_forwarded_header_changes_an_answer(trusted: frozenset[str]) -> None:
    named = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "X-Original-URL": "/files/other",
        "Forwarded": "for=6.6.6.6;host=evil.example;proto=https",
    }
    async with opened(http=HttpSettings(trusted_proxies=trusted)) as house:
        for name in ("a", "b"):
            url = f"/files/{name}"
            async with house.client.put(
                url, data=name.encode(), headers=named if name == "b" else {}
            ) as answer:
                assert answer.status == 201
                assert answer.headers["Location"] == url
        async with (
            house.client.get("/files/", headers={"X-Real-IP": "6.6.6.6", **named}) as one,
            house.client.get("/files/") as other,
        ):
            assert await one.read() == await other.read()
            assert "evil" not in str(one.headers)
