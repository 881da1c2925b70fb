"""What every request passes: is the host ours, did another site send it, who asks; and how it ends.

One middleware, because each costs every request.
"""

import ipaddress
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from handlers import bodies, rendering
from handlers.conditions import MalformedCondition
from handlers.digests import MalformedDigest
from handlers.identity import PRINCIPAL, Identity
from handlers.metrics import Metrics
from handlers.parts import HttpSettings
from handlers.problems import (
    Problem,
    Refusal,
    of_bad_name,
    of_failure,
    of_malformed,
    of_type,
)
from uploads.access import ANONYMOUS
from uploads.failures import Failure
from uploads.names import BadName

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

access_log = logging.getLogger("noclobber.access")
error_log = logging.getLogger("noclobber")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
EXPOSED = (
    "ETag, Location, Link, Retry-After, Content-Range, Repr-Digest, Want-Repr-Digest,"
    " Upload-Offset, Upload-Length, Upload-Expires, Tus-Resumable"
)


@dataclass(frozen=True, slots=True)
class Gate:
    http: HttpSettings
    identity: Identity
    metrics: Metrics

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        response = await self._answer(request, handler)
        spent = time.perf_counter() - began
        self.metrics.count_request(request.method, response.status, spent)
        self._log(request, response, spent)
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            await self._admit(request)
            response = await handler(request)
        except (Refusal, Failure, BadName, MalformedCondition, MalformedDigest) as refused:
            return await self._refuse(request, _problem(refused))
        except web.HTTPException as refused:
            return await self._refuse(request, _of_aiohttp(request, refused))
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001 - the last line of defence: logged, and told as ours
            error_log.exception("request %s failed", rendering.request_id(request))
            return await self._refuse(
                request, of_type("internal", "The server could not finish this request.")
            )
        return response

    async def _refuse(self, request: web.Request, problem: Problem) -> web.Response:
        response = rendering.problem_response(request, problem)
        if problem.type.slug == "body-stalled":
            response.force_close()
        return await bodies.answer_early(
            request, response, self.http.drain_bytes, self.http.drain_time
        )

    async def _admit(self, request: web.Request) -> None:
        request[PRINCIPAL] = ANONYMOUS
        self._check_host(request)
        if request.method not in SAFE_METHODS:
            self._check_origin(request)
        expected = request.headers.get("Expect")
        if expected is not None and expected.lower() != "100-continue":
            raise Refusal(of_type("expectation-failed", f'"{expected}" cannot be expected here.'))
        request[PRINCIPAL] = await self.identity.identify(
            request.headers.getall("Authorization", []), self.address(request)
        )

    def address(self, request: web.Request) -> str:
        """Who is at the other end. A proxy that we trust is asked for whom it speaks."""
        peer = request.remote or ""
        if peer not in self.http.trusted_proxies:
            return peer
        chain = [
            hop.strip()
            for line in request.headers.getall("X-Forwarded-For", [])
            for hop in line.split(",")
        ]
        for hop in reversed(chain):
            if hop not in self.http.trusted_proxies:
                return hop
        return peer

    def _check_host(self, request: web.Request) -> None:
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1:
            if not hosts and request.version < (1, 1):
                return
            raise Refusal(of_type("malformed-request", "Send one Host header."))
        if not self._is_ours(hosts[0].lower()):
            raise Refusal(of_type("wrong-host", f'This server is not "{hosts[0]}".'))

    def _is_ours(self, host: str) -> bool:
        """An address literal, localhost, or a configured name: this stops DNS rebinding."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name == "localhost" or name in self.http.hosts or host in self.http.hosts:
            return True
        try:
            ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return True

    async def dress(self, request: web.Request, response: web.StreamResponse) -> None:
        """Runs just before any headers go out."""
        headers = response.headers
        for name, value in ALWAYS.items():
            headers.setdefault(name, value)
        headers["Server"] = "noclobber"
        headers["X-Request-Id"] = rendering.request_id(request)
        origin = request.headers.get("Origin")
        if origin is not None and origin in self.http.cors_origins:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = EXPOSED
            headers.add("Vary", "Origin")
            if request.method != "OPTIONS":
                headers["Cross-Origin-Resource-Policy"] = "cross-origin"

    def _check_origin(self, request: web.Request) -> None:
        """No page of another site may act through a visitor's browser."""
        site = request.headers.get("Sec-Fetch-Site")
        origin = request.headers.get("Origin")
        if origin is not None and origin in self.http.cors_origins:
            return
        if site is not None:
            allowed = site in {"same-origin", "none"}
        else:
            host = request.headers.get("Host")
            allowed = origin is None or origin.partition("://")[2] == host
        if not allowed:
            raise Refusal(of_type("cross-site", "A page of another site sent this request."))

    def _log(self, request: web.Request, response: web.StreamResponse, spent: float) -> None:
        if not access_log.isEnabledFor(logging.INFO):
            return
        access_log.info(
            "%s %s %d",
            request.method,
            request.path,
            response.status,
            extra={
                "facts": {
                    "request_id": rendering.request_id(request),
                    "peer": self.address(request),
                    "principal": request[PRINCIPAL].name,
                    "method": request.method,
                    "path": request.path,
                    "status": response.status,
                    "bytes_in": request.content_length,
                    "bytes_out": response.content_length,
                    "milliseconds": round(spent * 1000, 2),
                }
            },
        )


def _problem(
    refused: Refusal | Failure | BadName | MalformedCondition | MalformedDigest,
) -> Problem:
    match refused:
        case Refusal():
            return refused.problem
        case Failure():
            return of_failure(refused)
        case BadName():
            return of_bad_name(refused)
        case _:
            return of_malformed(refused)


def _of_aiohttp(request: web.Request, refused: web.HTTPException) -> Problem:
    match refused:
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(refused.allowed_methods))
            return of_type(
                "method-not-allowed", f"{request.method} does not work here.", Allow=allowed
            )
        case web.HTTPNotFound():
            return of_type("not-there", f'There is nothing at "{request.path}".')
        case _:
            return of_type("malformed-request", "The request could not be understood.")
