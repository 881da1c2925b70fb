"""For whoever runs the server: does it live, can it take uploads, what has it measured.

Says nothing that would help a stranger: no path, no version, no numbers outside `/metrics`.
"""

import asyncio
import ipaddress
import logging
from dataclasses import dataclass

from aiohttp import web

from handlers.exposition import CONTENT_TYPE
from handlers.identity import principal_of
from handlers.metrics import Metrics
from handlers.parts import Parts
from handlers.problems import Refusal, of_address
from handlers.rendering import json_response
from uploads.failures import Failure, Unavailable

WAIT_FOR_THE_INDEX = 5.0
# Whatever the reserve: with less the index itself cannot grow, and every upload is refused.
ROOM_FOR_THE_INDEX = 1 << 20
NOT_KEPT = {"Cache-Control": "no-store"}

log = logging.getLogger("noclobber.health")


@dataclass(slots=True)
class Health:
    parts: Parts
    measured: Metrics
    stopping: bool = False

    def __post_init__(self) -> None:
        self.measured.measure(
            "noclobber_uploads_in_flight", lambda: self.parts.receiver.admission.under_way
        )
        self.measured.measure("noclobber_free_bytes", self._free_space)
        self.measured.measure("noclobber_reserve_bytes", lambda: self._reserve)

    def stop(self) -> None:
        """From now on not ready, so that a proxy sends new requests elsewhere."""
        self.stopping = True

    async def live(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return json_response({"status": "alive"}, headers=NOT_KEPT)

    async def ready(self, request: web.Request) -> web.Response:  # noqa: ARG002
        reason = await self._hindrance()
        if reason is not None:
            raise Unavailable(reason)
        return json_response({"status": "ready"}, headers=NOT_KEPT)

    async def metrics(self, request: web.Request) -> web.Response:
        if not self._may_read_metrics(request):
            raise Refusal(of_address(request.path))
        return web.Response(
            body=self.measured.render().encode(),
            headers={"Content-Type": CONTENT_TYPE, **NOT_KEPT},
        )

    async def _hindrance(self) -> str | None:
        """Why no upload could be taken now. The last question goes all the way to the writer."""
        if self.stopping:
            return "The server is stopping."
        if self.measured.is_degraded:
            return "The server cannot write at the moment. What is stored can be read."
        free = self._free_space()
        if free is None or free <= max(self._reserve, ROOM_FOR_THE_INDEX):
            return "The disk is nearly full. What is stored can be read."
        if not await self._writer_answers():
            return "The index does not take changes at the moment."
        return None

    async def _writer_answers(self) -> bool:
        try:
            async with asyncio.timeout(WAIT_FOR_THE_INDEX):
                await self.parts.receiver.try_the_writer()
        except (TimeoutError, Failure) as reason:
            log.warning("not ready: %s", str(reason) or "no turn of the writer in time")
            return False
        return True

    @property
    def _reserve(self) -> int:
        return self.parts.rules.limits.free_space

    def _free_space(self) -> int | None:
        try:
            return self.parts.receiver.free_space()
        except (OSError, Failure):
            return None

    def _may_read_metrics(self, request: web.Request) -> bool:
        match self.parts.http.metrics:
            case "loopback":
                return _is_loopback(request.remote) and not _was_forwarded(request)
            case "users":
                return not principal_of(request).is_anonymous
            case _:
                return False


def _is_loopback(peer: str | None) -> bool:
    try:
        address = ipaddress.ip_address(peer or "")
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def _was_forwarded(request: web.Request) -> bool:
    """A proxy on this machine is on the loopback too, but those for whom it speaks are not."""
    return any(
        name.lower() in {"forwarded", "via", "x-real-ip"} or name.lower().startswith("x-forwarded-")
        for name in request.headers
    )
