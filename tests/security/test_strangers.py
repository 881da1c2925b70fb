"""Those who have not signed in are told apart by their addresses: none of them keeps the others out, and
all of them together keep no user out.

The addresses are those of this machine, of which Linux has a whole network.
"""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from storage import accounts
from tests.doors import opened
from tests.running import Program, running
from tests.security.test_floods import SOON
from tests.trust.house import in_pieces
from tests.wire import Answer, Wire, message, put
from uploads import resuming
from uploads.access import ANONYMOUS, Principal
from uploads.chunking import Chunking
from uploads.failures import TooManyUploads
from uploads.rules import Limits

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere a machine has one address of its own"
)

SECRET = "a long enough password"
ANYBODY = (
    '[{folder = "/", who = ["anonymous", "users"], rights = ["list", "read", "create", "replace"]}]'
)
KNOWN = {"Authorization": "Basic " + base64.b64encode(f"ann:{SECRET}".encode()).decode()}
TUS = {"Tus-Resumable": "1.0.0"}
BEGINNING = {**TUS, "Upload-Length": "9", "Upload-Metadata": "filename eA=="}
EACH, ALL = 4, 12
OF_STRANGERS = 9
# Long after the test.
SLOW = {"BODY_IDLE": "10 min", "BODY_RATE_GRACE": "10 min", "HEADER_TIME": "10 min"}


@asynccontextmanager
async def from_(address: str, program: Program) -> AsyncIterator[Wire]:
    wire = Wire(*await asyncio.open_connection("127.0.0.1", program.port, local_addr=(address, 0)))
    try:
        yield wire
    finally:
        await wire.close()


async def asked(address: str, program: Program, data: bytes) -> Answer:
    async with from_(address, program) as wire:
        return await wire.ask(data)


def begun(path: str) -> bytes:
    """All of an upload but its last byte."""
    return put(path, b"12", {"Content-Length": "3"})


async def under_way(program: Program, wire: Wire, path: str) -> None:
    """Only when its bytes are asked for it has a place."""
    await wire.send(put(path, b"", {"Content-Length": "3", "Expect": "100-continue"}))
    assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await wire.send(b"12")


async def hold(program: Program, stack: AsyncExitStack, address: str, count: int) -> list[Wire]:
    held = []
    for number in range(count):
        wire = await stack.enter_async_context(from_(address, program))
        await under_way(program, wire, f"/files/slow-{address}-{number}")
        held.append(wire)
    return held


def with_limits(tmp_path: Path, **limits: str) -> dict[str, str]:
    accounts.add_user(tmp_path / "data", "ann", SECRET)
    named = {f"NOCLOBBER_LIMITS_{name}": value for name, value in {**SLOW, **limits}.items()}
    return {"NOCLOBBER_ACCESS": ANYBODY, **named}


def told(answer: Answer) -> tuple[int, str, bool]:
    return answer.status, answer.json["type"], "retry-after" in answer.headers


OWN = 429, "/problems/too-many-uploads", True
FULL = 503, "/problems/unavailable", True


async def test_slow_uploads_of_one_stranger_keep_no_other_out(tmp_path: Path) -> None:
    env = with_limits(tmp_path, UPLOADS_PER_PRINCIPAL=f"{EACH}", UPLOADS_AT_ONCE=f"{ALL}")
    with running(tmp_path / "data", env=env) as program:
        async with AsyncExitStack() as stack:
            (first, *_) = await hold(program, stack, "127.0.0.2", EACH)
            assert told(await asked("127.0.0.2", program, put("/files/a", b"a"))) == OWN
            assert (await asked("127.0.0.3", program, put("/files/b", b"b"))).status == 201
            await hold(program, stack, "127.0.0.3", EACH)
            await hold(program, stack, "127.0.0.4", OF_STRANGERS - 2 * EACH)
            refused = await asked("127.0.0.5", program, put("/files/c", b"c"))
            assert told(refused) == FULL
            assert "Sign in" in refused.json["detail"]
            known = await asked("127.0.0.5", program, put("/files/d", b"d", KNOWN))
            assert known.status == 201
            assert (await first.ask(b"3")).status == 201
            assert (await asked("127.0.0.5", program, put("/files/c", b"c"))).status == 201


async def test_waiting_for_changes_and_asking_ahead_are_bounded_by_address_too(
    tmp_path: Path,
) -> None:
    env = with_limits(
        tmp_path,
        FOLLOWERS=f"{ALL}",
        FOLLOWERS_PER_PRINCIPAL=f"{EACH}",
        PREFLIGHTS_AT_ONCE=f"{ALL}",
        PREFLIGHTS_PER_PRINCIPAL=f"{EACH}",
        FEED_WAIT="10 min",
    )
    waiting = message("GET", "/changes?since=0&wait=600")
    asking = message(
        "POST", "/preflight", b"{", {"Content-Type": "application/json", "Content-Length": "9"}
    )
    whole = message("POST", "/preflight", b'{"items": []}', {"Content-Type": "application/json"})
    with running(tmp_path / "data", env=env) as program:
        async with AsyncExitStack() as stack:
            for _ in range(EACH):
                for one in (waiting, asking):
                    wire = await stack.enter_async_context(from_("127.0.0.2", program))
                    await wire.send(one)
            await eventually_refused(program, "127.0.0.2", waiting, 429)
            await eventually_refused(program, "127.0.0.2", whole, 429)
            other = await asked("127.0.0.3", program, whole)
            assert other.status == 200, other
            wire = await stack.enter_async_context(from_("127.0.0.3", program))
            await wire.send(waiting)
            answered = asyncio.ensure_future(wire.answer())
            stored = await asked("127.0.0.4", program, put("/files/a", b"a"))
            assert stored.status == 201
            assert (await answered).status == 200


async def eventually_refused(program: Program, address: str, data: bytes, status: int) -> None:
    """What was sent before may not have been read yet; a wire of its own each time takes no place
    for longer than it is looked at.
    """
    for _ in range(100):
        async with from_(address, program) as wire:
            await wire.send(data)
            answer = asyncio.ensure_future(wire.answer())
            await asyncio.wait({answer}, timeout=0.2)
            if answer.done() and answer.result().status == status:
                assert "retry-after" in answer.result().headers
                return
            answer.cancel()
    pytest.fail("never refused")


async def test_uploads_that_one_stranger_begins_leave_room_for_those_of_others(
    tmp_path: Path,
) -> None:
    env = with_limits(tmp_path, ARRIVING_FILES="8")
    beginning = message("POST", "/uploads/", b"", BEGINNING)
    with running(tmp_path / "data", env=env) as program:
        begun_ = [await asked("127.0.0.2", program, beginning) for _ in range(5)]
        assert [one.status for one in begun_] == [201] * 4 + [429]
        assert "retry-after" in begun_[-1].headers
        assert (await asked("127.0.0.3", program, beginning)).status == 201
        ended = message("DELETE", begun_[0].headers["location"], b"", TUS)
        assert (await asked("127.0.0.2", program, ended)).status == 204
        # Where all were under way it is not looked again for a second.
        for _ in range(100):
            again = await asked("127.0.0.2", program, beginning)
            if again.status == 201:
                break
            await asyncio.sleep(0.1)
        assert again.status == 201


async def test_parts_that_one_stranger_begins_leave_room_for_others_and_can_be_joined(
    tmp_path: Path,
) -> None:
    env = with_limits(tmp_path, ARRIVING_FILES="8")
    part = message(
        "POST",
        "/uploads/",
        b"x",
        {
            **TUS,
            "Upload-Length": "1",
            "Upload-Concat": "partial",
            "Content-Type": "application/offset+octet-stream",
        },
    )
    with running(tmp_path / "data", env=env) as program:
        begun_ = [await asked("127.0.0.2", program, part) for _ in range(5)]
        assert [one.status for one in begun_] == [201] * 4 + [429]
        assert (await asked("127.0.0.3", program, part)).status == 201
        parts = " ".join(one.headers["location"] for one in begun_[:4])
        final = {**BEGINNING, "Upload-Concat": f"final;{parts}"}
        del final["Upload-Length"]
        joined = await asked("127.0.0.2", program, message("POST", "/uploads/", b"", final))
        assert joined.status == 201, joined
        read = await asked("127.0.0.2", program, message("GET", "/files/x"))
        assert read.body == b"xxxx"


@pytest.mark.parametrize("what", ["pieces of one upload", "uploads in pieces"])
async def test_pieces_that_one_stranger_numbers_leave_room_for_those_of_others(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbered = what == "pieces of one upload"
    monkeypatch.setattr(resuming, "MOST_NUMBERED", 8)
    one, other = (replace(ANONYMOUS, network=network) for network in ("192.0.2.1", "192.0.2.2"))
    async with opened(limits=Limits(arriving_files=8)) as house:
        chunking = Chunking(house.parts.resuming, house.parts.receiver)

        async def many(principal: Principal, name: str) -> int:
            """How many of them there can be."""
            for number in range(20):
                try:
                    if not numbered or not number:
                        await chunking.begin(principal, f"{name} {number}", None, None)
                    if numbered:
                        body = in_pieces(b"x")
                        await chunking.bring(principal, f"{name} 0", "0", number, 1, body)
                except TooManyUploads:
                    return number
            return 20

        assert (await many(one, "one"), await many(other, "other")) == (4, 4)


async def test_a_clock_that_was_set_back_keeps_no_stranger_from_beginning_again() -> None:
    now = [1_800_000_000.0]
    stranger = replace(ANONYMOUS, network="192.0.2.1")
    async with opened(limits=Limits(arriving_files=4), clock=lambda: now[0]) as house:
        chunking = Chunking(house.parts.resuming, house.parts.receiver)
        for name in "ab":
            await chunking.begin(stranger, name, None, None)
        with pytest.raises(TooManyUploads):
            await chunking.begin(stranger, "c", None, None)
        now[0] -= 3600
        await chunking.drop(stranger, "a")
        assert await chunking.begin(stranger, "c", None, None)


async def test_a_stranger_who_ends_what_was_begun_may_begin_again_at_once(tmp_path: Path) -> None:
    env = with_limits(tmp_path, ARRIVING_FILES="2")
    with running(tmp_path / "data", env=env) as program:
        async with from_("127.0.0.2", program) as wire:
            for _ in range(20):
                begun_ = await wire.ask(message("POST", "/uploads/", b"", BEGINNING))
                assert begun_.status == 201
                ended = message("DELETE", begun_.headers["location"], b"", TUS)
                assert (await wire.ask(ended)).status == 204


async def test_busy_connections_of_one_address_keep_no_other_out_and_a_further_one_is_told(
    tmp_path: Path,
) -> None:
    env = with_limits(tmp_path, CONNECTIONS_PER_ADDRESS=f"{EACH}")
    with running(tmp_path / "data", env=env) as program:
        async with AsyncExitStack() as stack:
            (first, *_) = await hold(program, stack, "127.0.0.2", EACH)
            silent = [
                await stack.enter_async_context(from_("127.0.0.2", program))
                for _ in range(3 * EACH)
            ]
            async with asyncio.timeout(12 * SOON):
                for one in silent[:-1]:
                    assert await one.reader.read() == b""
            # Nor is the one served that took the place of another that was too many.
            assert (await silent[-1].ask(put("/files/a", b"a"))).status == 429
            async with from_("127.0.0.3", program) as wire:
                assert (await wire.ask(put("/files/b", b"b"))).status == 201
            assert (await first.ask(b"3")).status == 201


async def test_one_connection_too_many_is_answered_and_closed(tmp_path: Path) -> None:
    env = with_limits(tmp_path, CONNECTIONS_PER_ADDRESS=f"{EACH}")
    with running(tmp_path / "data", env=env) as program:
        async with AsyncExitStack() as stack:
            (first, *_) = await hold(program, stack, "127.0.0.2", EACH)
            async with from_("127.0.0.2", program) as wire:
                refused = await wire.ask(put("/files/a", b"a"))
                assert told(refused) == (429, "/problems/too-many-connections", True)
                assert refused.headers["connection"] == "close"
                assert await wire.reader.read() == b""
            assert (await first.ask(b"3")).status == 201
            # That one is idle now, and makes way.
            assert (await asked("127.0.0.2", program, put("/files/a", b"a"))).status == 201
            assert await first.reader.read() == b""


async def test_idle_connections_of_one_address_make_way_for_its_own_and_for_no_other(
    tmp_path: Path,
) -> None:
    env = with_limits(tmp_path, CONNECTIONS_PER_ADDRESS=f"{EACH}")
    with running(tmp_path / "data", env=env) as program:
        async with AsyncExitStack() as stack:
            other = await stack.enter_async_context(from_("127.0.0.3", program))
            assert (await other.ask(put("/files/b", b"b"))).status == 201
            own = []
            for number in range(2 * EACH):
                wire = await stack.enter_async_context(from_("127.0.0.2", program))
                assert (await wire.ask(put(f"/files/{number}", b"%d" % number))).status == 201
                own.append(wire)
            for wire in own[:EACH]:
                assert await wire.reader.read() == b""
            for wire in (*own[EACH:], other):
                assert (await wire.ask(message("GET", "/health/live"))).status == 200


async def test_a_trusted_proxy_is_as_many_as_it_speaks_for(tmp_path: Path) -> None:
    env = with_limits(tmp_path, CONNECTIONS_PER_ADDRESS=f"{EACH}", UPLOADS_PER_PRINCIPAL=f"{EACH}")
    env["NOCLOBBER_SERVER_TRUSTED_PROXIES"] = "127.0.0.9/32"
    with running(tmp_path / "data", env=env) as program:
        async with AsyncExitStack() as stack:
            for number in range(3 * EACH):
                wire = await stack.enter_async_context(from_("127.0.0.9", program))
                client = {"X-Forwarded-For": f"2001:db8:0:{number % 3}::{number:x}"}
                await wire.send(put(f"/files/{number}", b"12", {"Content-Length": "3", **client}))
            for network, status in ((0, 429), (1, 429), (2, 429), (3, 201)):
                client = {"X-Forwarded-For": f"2001:db8:0:{network}:ffff::1"}
                one = put(f"/files/of-{network}", b"%d" % network, client)
                async with asyncio.timeout(12 * SOON):
                    while (answer := await asked("127.0.0.9", program, one)).status != status:
                        assert answer.status == 409, answer
                        await asyncio.sleep(0.05)
            # Who is no proxy of ours does not choose what it counts as.
            await hold(program, stack, "127.0.0.2", EACH)
            for number in range(3):
                client = {"X-Forwarded-For": f"192.0.2.{number}"}
                refused = await asked("127.0.0.2", program, put("/files/x", b"x", client))
                assert refused.status == 429
                assert json.loads(refused.body)["type"] == "/problems/too-many-connections"
