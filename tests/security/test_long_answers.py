"""Answers that take long end with what let their asker in: a session, a password, a token."""

import asyncio
import io
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import ClientPayloadError, ClientResponse

from handlers import changes
from handlers.parts import HttpSettings
from handlers.sessions import Bounds
from storage.memory.shelves import MemoryAccounts
from tests.doors import FOR_ANYBODY, House, opened, sent
from tests.test_changes import narrow
from tests.test_sessions import FOR_USERS, OWN, SECRET, another_browser
from tests.wire import message
from uploads import archiving
from uploads.access import Principal
from uploads.failures import NotIdentified
from uploads.names import Path

AS_ANN = {"Authorization": "Bearer token"}
EVENTS = {"Accept": "text/event-stream"}
END_OF_ARCHIVE = b"PK\x05\x06"
PROPERTY = (
    '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x xmlns="urn:x">'
    f"{'x' * 60_000}</x></D:prop></D:set></D:propertyupdate>"
)
SOON = 20

End = Callable[[House, dict[str, str]], Awaitable[None]]


async def signed_in(house: House) -> dict[str, str]:
    _, cookie = await another_browser(house)
    return {"Cookie": cookie}


async def signs_out(house: House, who: dict[str, str]) -> None:
    await house.client.post("/session", data={"sign_out": "1"}, headers={**OWN, **who})


async def is_ended_elsewhere(house: House, who: dict[str, str]) -> None:
    elsewhere = await signed_in(house)
    assert elsewhere != who
    fields = {"end": "others", "password": SECRET}
    await house.client.post("/session", data=fields, headers={**OWN, **elsewhere})


async def gets_another_password(house: House, who: dict[str, str]) -> None:
    accounts = house.parts.accounts
    assert isinstance(accounts, MemoryAccounts)
    accounts.passwords["ann"] = "another"


async def followed(house: House) -> None:
    while not house.parts.feed.bell.listeners:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)


async def taken(answer: ClientResponse) -> tuple[bytes, bool]:
    """What comes until the end, and whether that is one."""
    found = bytearray()
    try:
        async for piece in answer.content.iter_chunked(1 << 20):
            found += piece
    except ClientPayloadError:
        return bytes(found), False
    return bytes(found), True


ENDS = [signs_out, is_ended_elsewhere, gets_another_password]


@pytest.mark.parametrize("ends", ENDS)
async def test_a_stream_tells_nothing_any_more_when_its_session_has_ended(ends: End) -> None:
    async with opened([FOR_USERS]) as house, asyncio.timeout(SOON):
        who = await signed_in(house)
        async with house.client.get("/changes?since=now", headers={**EVENTS, **who}) as stream:
            await sent(house, "before", b"1", **AS_ANN)
            assert b"before" in await stream.content.readuntil(b"}\n\n")
            await ends(house, who)
            await sent(house, "secret", b"2", **AS_ANN)
            assert b"secret" not in await stream.read()
        async with house.client.get("/changes", headers={**EVENTS, **who}) as stream:
            assert stream.status == 401


@pytest.mark.parametrize("bounds", [Bounds(idle=0.5), Bounds(longest=0.5)])
async def test_a_stream_makes_no_session_last_longer(
    bounds: Bounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "PULSE", 0.05)
    async with (
        opened([FOR_USERS], http=HttpSettings(sessions=bounds)) as house,
        asyncio.timeout(SOON),
    ):
        who = await signed_in(house)
        async with house.client.get("/changes?since=now", headers={**EVENTS, **who}) as stream:
            assert stream.status == 200
            assert b":\n\n" in await stream.read()


@pytest.mark.parametrize("ends", ENDS)
async def test_who_waits_for_a_change_is_told_of_none_when_the_session_has_ended(ends: End) -> None:
    async with (
        opened([FOR_USERS], http=HttpSettings(feed_wait=600.0)) as house,
        asyncio.timeout(SOON),
    ):
        who = await signed_in(house)
        waiting = asyncio.create_task(
            house.client.get("/changes?since=now&wait=600", headers=who).__aenter__()
        )
        await followed(house)
        await ends(house, who)
        await sent(house, "secret", b"1", **AS_ANN)
        answer = await waiting
        assert answer.status == 401
        assert "secret" not in await answer.text()


async def test_a_stream_by_a_token_ends_with_what_the_token_rests_on() -> None:
    async with (
        asyncio.timeout(SOON),
        opened([FOR_USERS]) as house,
        house.client.get("/changes?since=now", headers={**EVENTS, **AS_ANN}) as stream,
    ):
        await followed(house)
        await gets_another_password(house, AS_ANN)
        await sent(house, "secret", b"1", **AS_ANN)
        assert b"secret" not in await stream.read()


@pytest.mark.parametrize("ends", ENDS)
async def test_an_archive_that_is_taken_slowly_breaks_off_when_its_session_has_ended(
    ends: End,
) -> None:
    async with opened([FOR_USERS]) as house, asyncio.timeout(SOON * 3):
        for number in range(16):
            await sent(
                house, f"big/{number}.bin", io.BytesIO(bytes([number]) * (4 << 20)), **AS_ANN
            )
        who = await signed_in(house)
        async with house.client.get("/archive/big/", headers=who) as answer:
            await answer.content.readexactly(1000)
            await ends(house, who)
            found, is_whole = await taken(answer)
        assert not is_whole
        assert len(found) < 15 * (4 << 20)
        assert END_OF_ARCHIVE not in found


async def test_what_is_stored_while_an_archive_is_taken_is_for_who_is_still_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archiving, "READ_AT_ONCE", 2)
    async with opened([FOR_ANYBODY]) as house:
        for name in "abc":
            await sent(house, f"top/{name}", name.encode())
        ann = await house.parts.accounts.by_password("ann", SECRET)
        assert isinstance(ann, Principal)
        (top,) = await archiving.chosen(house.parts.holdings, ann, Path(("top",)), [])
        found = archiving.within(house.parts.holdings, ann, top)
        for name in ("top", "a", "b"):
            assert (await anext(found)).path.name == name
        await gets_another_password(house, AS_ANN)
        with pytest.raises(NotIdentified):
            await anext(found)


@pytest.mark.parametrize("ends", ENDS)
async def test_a_list_that_is_taken_slowly_breaks_off_when_its_session_has_ended(ends: End) -> None:
    async with opened([FOR_USERS]) as house, asyncio.timeout(SOON * 3):
        for number in range(200):
            await sent(house, f"many/{number}", b"%d" % number, **AS_ANN)
            address = f"/dav/many/{number}"
            async with house.client.request(
                "PROPPATCH", address, data=PROPERTY, headers=AS_ANN
            ) as kept:
                assert kept.status == 207
        who = await signed_in(house)
        asked = message("PROPFIND", "/dav/many/", headers={**OWN, **who, "Depth": "1"})
        with narrow(house.client.port or 0) as client:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(client, asked)
            found = await loop.sock_recv(client, 4096)
            assert b" 207 " in found
            await ends(house, who)
            while piece := await loop.sock_recv(client, 1 << 20):
                found += piece
        assert b"</D:multistatus>" not in found
