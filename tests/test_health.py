"""Is the server well, does it say so to the right ones, and nothing more than that?"""

import threading
from typing import Any

import pytest

from handlers import health
from handlers.parts import HttpSettings
from program import houserules, log
from storage.memory.shelves import MemoryBlobs, MemoryIndex, MemorySniffer
from tests.doors import ROOT, House, opened
from uploads.access import ANONYMOUS, Access
from uploads.events import Degraded
from uploads.failures import DiskFull
from uploads.policy import Policies, Policy
from uploads.receiving import Receiver
from uploads.rules import Limits, Rules

ANN = {"Authorization": "Bearer token"}


async def get(
    house: House, address: str, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], Any]:
    async with house.client.get(address, headers=headers) as answer:
        is_json = answer.content_type.endswith("json")
        body = await (answer.json(content_type=None) if is_json else answer.text())
        return answer.status, dict(answer.headers), body


async def test_a_running_server_is_alive_and_ready_and_says_nothing_else() -> None:
    async with opened() as house:
        for address, word in (("/health/live", "alive"), ("/health/ready", "ready")):
            status, headers, body = await get(house, address)
            assert (status, body) == (200, {"status": word})
            assert headers["Cache-Control"] == "no-store"


async def test_a_degraded_server_is_alive_but_not_ready_until_it_writes_again() -> None:
    async with opened() as house:
        house.metrics.publish(Degraded("EIO on /srv/data/blobs"))
        status, headers, body = await get(house, "/health/ready")
        assert status == 503
        assert headers["Retry-After"]
        assert body["type"] == "/problems/unavailable"
        assert body["retryable"] is True
        assert "/srv" not in str(body)
        assert (await get(house, "/health/live"))[0] == 200
        house.metrics.publish(Degraded(None))
        assert (await get(house, "/health/ready"))[0] == 200


async def test_a_full_disk_is_not_ready() -> None:
    async with opened(limits=Limits(free_space=1 << 62)) as house:
        status, _, body = await get(house, "/health/ready")
        assert status == 503
        assert "disk is nearly full" in body["detail"]


async def test_a_stopping_server_is_not_ready_but_still_alive() -> None:
    async with opened() as house:
        house.health.stop()
        status, _, body = await get(house, "/health/ready")
        assert status == 503
        assert "stopping" in body["detail"]
        assert (await get(house, "/health/live"))[0] == 200


async def test_the_metrics_are_shown_to_this_machine() -> None:
    async with opened() as house:
        status, headers, body = await get(house, "/metrics")
        assert status == 200
        assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "noclobber_uploads_in_flight 0\n" in body


@pytest.mark.parametrize(
    "header",
    ["Forwarded", "Via", "X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Host", "X-Real-IP"],
)
async def test_what_a_proxy_on_this_machine_forwards_is_not_this_machine(header: str) -> None:
    async with opened() as house:
        assert (await get(house, "/metrics", {header: "127.0.0.1"}))[0] == 404


async def test_the_metrics_can_be_for_users_only() -> None:
    async with opened(http=HttpSettings(metrics="users")) as house:
        assert (await get(house, "/metrics"))[0] == 404
        assert (await get(house, "/metrics", ANN))[0] == 200
        assert (await get(house, "/metrics", {**ANN, "Via": "1.1 proxy"}))[0] == 200


async def test_the_metrics_can_be_off() -> None:
    async with opened(http=HttpSettings(metrics="off")) as house:
        assert (await get(house, "/metrics", ANN))[0] == 404


async def test_hidden_metrics_look_like_an_address_that_does_not_exist() -> None:
    async with opened(http=HttpSettings(metrics="off")) as house:
        (_, hidden_headers, hidden), (_, unknown_headers, unknown) = [
            await get(house, address) for address in ("/metrics", "/unknown")
        ]
        for body in (hidden, unknown):
            del body["instance"]
        assert {**hidden, "detail": ""} == {**unknown, "detail": ""}
        assert hidden["detail"] == unknown["detail"].replace("/unknown", "/metrics")
        assert hidden_headers.keys() == unknown_headers.keys()


async def test_requests_and_collisions_show_in_the_metrics() -> None:
    async with opened() as house:
        for body in (b"one", b"two"):
            async with house.client.put("/files/a.txt", data=body) as answer:
                await answer.read()
        _, _, text = await get(house, "/metrics")
        assert 'noclobber_requests_total{method="PUT",status="2xx"} 1\n' in text
        assert 'noclobber_requests_total{method="PUT",status="4xx"} 1\n' in text
        assert 'noclobber_uploads_total{door="plain",verdict="create"} 1\n' in text
        parked = 'noclobber_collisions_total{kind="name-taken",door="plain",outcome="parked"} 1\n'
        assert parked in text


async def test_asking_for_readiness_changes_nothing() -> None:
    async with opened() as house:
        folder = await house.parts.holdings.find(house.parts.rules.current(ANONYMOUS), ROOT)
        for _ in range(3):
            assert (await get(house, "/health/ready"))[0] == 200
        again = await house.parts.holdings.find(house.parts.rules.current(ANONYMOUS), ROOT)
        assert folder == again


async def test_a_writer_that_does_not_come_to_its_turn_is_not_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "WAIT_FOR_THE_INDEX", 0.2)
    hanging = threading.Event()
    async with opened() as house:
        try:
            assert (await get(house, "/health/ready"))[0] == 200
            index = house.parts.holdings.index
            stuck = index.write(lambda _: hanging.wait(10))
            status, _, body = await get(house, "/health/ready")
            assert status == 503
            assert "does not take changes" in body["detail"]
        finally:
            hanging.set()
        await stuck
        assert (await get(house, "/health/ready"))[0] == 200


class Filling(MemoryBlobs):
    free = 10 << 30

    def free_space(self) -> int:
        return self.free


def test_the_log_says_when_the_reserve_of_free_space_is_reached_and_when_it_is_left_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    policies, blobs = Policies(Policy(), {}), Filling()
    rules = Rules(Access([]), policies, Limits(free_space=1 << 30), houserules.OperatorOnly())
    index = MemoryIndex(policies.keys, blobs)
    receiver = Receiver(rules, index, blobs, MemorySniffer(), log.tell, lambda: 0.0)

    receiver.check_room(5)
    with pytest.raises(DiskFull):
        receiver.check_room(10 << 30)
    assert caplog.messages == []
    blobs.free = 1 << 30
    for _ in range(2):
        with pytest.raises(DiskFull):
            receiver.check_room(5)
    blobs.free = 2 << 30
    receiver.check_room(5)

    assert caplog.messages == [
        "uploads are refused: the reserve of free space is reached, 1.0 GiB free",
        "uploads are taken again: there is more than the reserve, 2.0 GiB free",
    ]
