"""/changes behind a real socket: pages, waiting, server-sent events, and what is refused."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse

from handlers import changes
from handlers.changes import position
from handlers.parts import HttpSettings
from tests.doors import FOLLOWERS, FOLLOWERS_EACH, FOR_ANYBODY, House, opened, sent
from tests.followers import Copy
from tests.test_openapi import ask
from uploads.access import ALL_RIGHTS, ANONYMOUS_NAME, Grant, Right
from uploads.failures import MalformedRequest
from uploads.feed import Position
from uploads.names import Path

AS_ANN = {"Authorization": "Bearer token"}
EVENTS = {"Accept": "text/event-stream"}
FOR_ANN = Grant(Path(("ann",)), frozenset({"user:ann"}), ALL_RIGHTS)
SOON = 20


async def page(house: House, query: str = "since=0", **headers: str) -> dict[str, Any]:
    async with house.client.get(f"/changes?{query}", headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = await answer.json()
        return found


async def act(house: House, method: str, address: str, **headers: str) -> None:
    async with house.client.request(method, address, headers=headers) as answer:
        assert answer.status < 300, await answer.text()


def take(copy: Copy, line: dict[str, Any]) -> None:
    """As docs/http-api.md says it."""
    names = {name: line[name].strip("/") for name in ("href", "from") if name in line}
    copy.take(
        names["href"],
        deleted=line["kind"] == "deleted",
        folder=line["type"] == "folder",
        source=names.get("from"),
        has=line.get("etag"),
    )


async def test_the_feed_tells_all_that_happens_as_the_contract_describes_it() -> None:
    async with opened() as house:
        _, made = await sent(house, "a/ä b.txt", b"one")
        await sent(house, "a/ä b.txt", b"two", If_Match=made["etag"])
        await act(house, "POST", "/files/a/%C3%A4%20b.txt?move=a/c.txt")
        await act(house, "DELETE", "/files/a/?recursive")
        await act(house, "POST", "/files/a/?restore=4")
        await act(house, "POST", "/files/a/?move=b&recursive")
        found = await ask(house, "GET", "/changes", "/changes")
        lines = [(one["change"], one["kind"], one["href"]) for one in found["changes"]]
        assert lines == [
            (1, "created", "/files/a/%C3%A4%20b.txt"),
            (2, "replaced", "/files/a/%C3%A4%20b.txt"),
            (3, "moved", "/files/a/c.txt"),
            (4, "deleted", "/files/a/"),
            (5, "restored", "/files/a/"),
            (6, "moved", "/files/b/"),
            (6, "moved", "/files/b/c.txt"),
        ]
        assert found["changes"][2]["from"] == "/files/a/%C3%A4%20b.txt"
        assert found["changes"][5]["from"] == "/files/a/"
        last = found["changes"][6]
        assert last["part_of"] == "/files/b/"
        async with house.client.get(last["href"]) as there:
            assert there.headers["ETag"] == last["etag"]
        assert (found["next"], found["more"]) == ("6", False)
        await ask(house, "HEAD", "/changes?wait=60", "/changes")
        assert await page(house, "since=now") == {"changes": [], "next": "6", "more": False}


async def test_pages_of_one_line_lead_through_a_folder_that_was_moved() -> None:
    async with opened() as house:
        for name in ("x", "y/z", "ü"):
            await sent(house, f"a/{name}", name.encode())
        await act(house, "POST", "/files/a/?move=b&recursive")
        copy, since, seen = Copy(), "3", []
        while True:
            found = await page(house, f"since={since}&limit=1")
            for line in found["changes"]:
                take(copy, line)
                seen.append(line["href"])
            since = found["next"]
            if not found["more"]:
                break
        assert since == "4"
        assert seen == [f"/files/b/{name}" for name in ("", "x", "y/", "y/z", "%C3%BC")]
        assert copy.folders == {"files", "files/b", "files/b/y"}


async def test_two_followers_with_different_rights_each_see_their_own_tree() -> None:
    async with opened(grants=[FOR_ANYBODY, FOR_ANN]) as house:
        await sent(house, "ann/secret", b"1", **AS_ANN)
        await sent(house, "open", b"2")
        await act(house, "POST", "/files/ann/secret?move=told", **AS_ANN)
        await act(house, "POST", "/files/open?move=ann/taken", **AS_ANN)
        mine, theirs = await page(house, **AS_ANN), await page(house)
        assert [(one["kind"], one["href"]) for one in mine["changes"]] == [
            ("created", "/files/ann/secret"),
            ("created", "/files/open"),
            ("moved", "/files/told"),
            ("moved", "/files/ann/taken"),
        ]
        assert [(one["change"], one["kind"], one["href"]) for one in theirs["changes"]] == [
            (2, "created", "/files/open"),
            (3, "created", "/files/told"),
            (4, "deleted", "/files/open"),
        ]
        assert "secret" not in json.dumps(theirs)
        assert "taken" not in json.dumps(theirs)


async def test_who_waits_is_woken_by_the_next_change() -> None:
    async with opened(http=HttpSettings(feed_wait=600.0)) as house:
        waiting = asyncio.create_task(page(house, "since=now&wait=600"))
        async with asyncio.timeout(SOON):
            while not house.parts.feed.bell.listeners:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
            await sent(house, "a", b"1")
            found = await waiting
        assert [one["href"] for one in found["changes"]] == ["/files/a"]


async def test_who_waits_for_what_is_not_theirs_waits_on() -> None:
    async with opened(grants=[FOR_ANYBODY, FOR_ANN], http=HttpSettings(feed_wait=600.0)) as house:
        await sent(house, "ann/a", b"0", **AS_ANN)
        now = (await page(house, "since=now"))["next"]
        waiting = asyncio.create_task(page(house, f"since={now}&wait=600"))
        async with asyncio.timeout(SOON):
            while not house.parts.feed.bell.listeners:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
            for number in range(5):
                await sent(house, f"ann/{number}", bytes([number]), **AS_ANN)
            assert not waiting.done()
            await sent(house, "mine", b"1")
            found = await waiting
        assert [one["href"] for one in found["changes"]] == ["/files/mine"]


async def test_nobody_waits_longer_than_is_set() -> None:
    async with opened(http=HttpSettings(feed_wait=0.1)) as house, asyncio.timeout(SOON):
        await sent(house, "a", b"1")
        assert await page(house, "since=1&wait=600") == {"changes": [], "next": "1", "more": False}


async def test_when_the_server_stops_nobody_waits_any_more() -> None:
    async with opened(http=HttpSettings(feed_wait=600.0)) as house, asyncio.timeout(SOON):
        await sent(house, "a", b"1")
        waiting = asyncio.create_task(page(house, "since=now&wait=600"))
        async with house.client.get("/changes?since=now", headers=EVENTS) as stream:
            while house.parts.feed.bell.listeners < 2:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
            house.parts.feed.bell.close()
            assert (await waiting)["next"] == "1"
            assert (await stream.read()).endswith(b"\n\n")
        assert house.parts.feed.bell.listeners == 0


async def test_a_number_of_waiting_requests_is_bounded_for_one_and_for_all() -> None:
    async with (
        opened(grants=[FOR_ANYBODY, FOR_ANN], http=HttpSettings(feed_wait=600.0)) as house,
        asyncio.timeout(SOON),
    ):
        bell = house.parts.feed.bell

        async def refused(wanted: int, **headers: str) -> str:
            while bell.listeners < wanted:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
            found = await ask(
                house, "GET", "/changes?wait=600&since=now", "/changes", headers=headers
            )
            return str(found["type"])

        waiting = [asyncio.create_task(page(house, "since=now&wait=600")) for _ in range(3)]
        assert await refused(FOLLOWERS_EACH) == "/problems/too-many-followers"
        assert (await page(house))["changes"] == []
        waiting += [
            asyncio.create_task(page(house, "since=now&wait=600", **AS_ANN)) for _ in range(3)
        ]
        assert await refused(FOLLOWERS, **AS_ANN) == "/problems/unavailable"
        bell.close()
        await asyncio.gather(*waiting)


async def test_what_is_not_kept_any_more_is_gone_with_the_number_to_go_on_from() -> None:
    async with opened() as house:
        for number in range(3):
            await sent(house, f"a{number}", bytes([number]))
        await house.parts.feed.index.write(lambda turn: turn.forget_changes(9e9, 2))
        for headers in ({}, EVENTS):
            found = await ask(house, "GET", "/changes?since=1", "/changes", headers=headers)
            assert (found["type"], found["follow_from"]) == ("/problems/changes-forgotten", 3)
        assert len((await page(house, "since=2"))["changes"]) == 1
        found = await ask(house, "GET", "/changes?since=4", "/changes")
        assert found["status"] == 410


async def test_who_may_list_nothing_is_refused_in_words() -> None:
    drop = Grant(Path(()), frozenset({ANONYMOUS_NAME}), frozenset({Right.CREATE}))
    async with opened(grants=[drop]) as house:
        for headers in ({}, EVENTS):
            found = await ask(house, "GET", "/changes", "/changes", headers=headers)
            assert found["status"] == 401
        found = await ask(house, "GET", "/changes", "/changes", headers=AS_ANN)
        assert found["status"] in {403, 404}


@pytest.mark.parametrize("text", ["", "-1", "x", "1.!", "1.ü", "1.a", "9" * 30, "1.gICA"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(MalformedRequest):
        position(text)


@pytest.mark.parametrize(
    "one",
    [
        Position(7),
        Position(7, within=True),
        Position(7, within=True, after=Path(("a", "ü", "x y"))),
    ],
)
def test_a_position_is_read_as_it_was_written(one: Position) -> None:
    assert position(changes.position_text(one)) == one


async def events(stream: ClientResponse, wanted: int) -> list[tuple[str, Any]]:
    """The next events that have data, each with the id that holds after it."""
    found: list[tuple[str, Any]] = []
    id_ = ""
    while len(found) < wanted:
        line = (await stream.content.readline()).decode().rstrip("\n")
        if line.startswith("id: "):
            id_ = line[4:]
        elif line.startswith("data: "):
            found.append((id_, json.loads(line[6:])))
    return found


async def test_a_stream_tells_what_was_and_goes_on_with_what_comes() -> None:
    async with opened() as house, asyncio.timeout(SOON):
        await sent(house, "a", b"1")
        async with house.client.get("/changes", headers=EVENTS) as stream:
            assert stream.headers["Content-Type"] == "text/event-stream"
            assert stream.headers["Cache-Control"] == "no-store"
            ((id_, first),) = await events(stream, 1)
            assert (id_, first["href"]) == ("1", "/files/a")
            await sent(house, "b", b"2")
            ((id_, second),) = await events(stream, 1)
            assert (id_, second["href"]) == ("2", "/files/b")
        resumed = {**EVENTS, "Last-Event-ID": "1"}
        async with house.client.get("/changes?since=0", headers=resumed) as stream:
            assert (await events(stream, 1))[0][1] == second


async def test_a_silent_stream_says_that_it_lives_and_passes_over_what_is_not_for_its_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(changes, "PULSE", 0.05)
    async with opened(grants=[FOR_ANYBODY, FOR_ANN]) as house, asyncio.timeout(SOON):
        await sent(house, "a", b"1")
        async with house.client.get("/changes?since=now", headers=EVENTS) as stream:
            assert await stream.content.readuntil(b"\n\n") == b"retry: 2000\n\n"
            assert await stream.content.readuntil(b"\n\n") == b"id: 1\n\n"
            assert await stream.content.readuntil(b"\n\n") == b":\n\n"
            await sent(house, "ann/secret", b"2", **AS_ANN)
            while (said := await stream.content.readuntil(b"\n\n")) == b":\n\n":
                pass
            assert said == b"id: 2\n\n"
        while house.parts.feed.bell.listeners:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)


async def test_a_stream_ends_when_its_reader_may_follow_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(changes, "PULSE", 0.05)
    async with opened(grants=[FOR_ANYBODY, FOR_ANN]) as house, asyncio.timeout(SOON):
        headers = {**EVENTS, **AS_ANN}
        async with house.client.get("/changes", headers=headers) as stream:
            house.parts.accounts.passwords.clear()  # type: ignore[attr-defined]
            await stream.read()


@contextmanager
def narrow(port: int) -> Iterator[socket.socket]:
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.connect(("127.0.0.1", port))
        made.settimeout(0)
        yield made


async def test_a_reader_who_takes_nothing_of_its_stream_is_hung_up_on() -> None:
    """The server keeps no more for it than one page, and not for ever."""
    async with opened(http=HttpSettings(send_idle=0.3)) as house, asyncio.timeout(SOON * 3):
        name = "n" * 200
        for number in range(40):
            await sent(house, f"{name}/{name}/{number}", bytes([number]))
        loop = asyncio.get_running_loop()
        with narrow(house.client.port or 0) as client:
            asked = b"GET /changes HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
            await loop.sock_sendall(client, asked)
            while not house.parts.feed.bell.listeners:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
            goal = 0
            while house.parts.feed.bell.listeners:
                goal += 1
                for number in range(20):
                    address = f"/files/{name}/{name}/{number}?move={name}/{name}/{number}-{goal}"
                    await house.client.post(address)
                    back = f"/files/{name}/{name}/{number}-{goal}?move={name}/{name}/{number}"
                    await house.client.post(back)
