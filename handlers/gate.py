"""What every request passes: is the host ours, did another site send it, who asks; and how it ends.

One function around every handler, because each costs every request.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPMethod

from aiohttp import web
from multidict import istr

from handlers import answers, bodies, cors, dialects, rendering, sessions
from handlers.headers import hosts, negotiation
from handlers.headers.conditions import MalformedCondition
from handlers.headers.digests import MalformedDigest
from handlers.headers.names import (
    AUTHORIZATION,
    CONTENT_LENGTH,
    HOST,
    ORIGIN,
    SEC_FETCH_SITE,
    TRANSFER_ENCODING,
)
from handlers.headers.proxies import Proxies
from handlers.health import Health
from handlers.identity import PRINCIPAL, Identity, stranger, subscriber
from handlers.metrics import Metrics
from handlers.parts import HttpSettings
from handlers.problems import (
    BEARER_ONLY,
    Problem,
    Refusal,
    of_address,
    of_bad_name,
    of_failure,
    of_malformed,
    of_type,
    of_unknown_method,
)
from handlers.sessions import Sessions
from uploads.access import Principal
from uploads.failures import Failure, NotIdentified, Unavailable
from uploads.names import BadName

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# A version of HTTP that `protocol` has met, and that we do not speak.
UNSPOKEN: web.RequestKey[str] = web.RequestKey("unspoken", str)
# From where its connection comes; empty where a proxy speaks for others.
NETWORK: web.RequestKey[str] = web.RequestKey("network", str)
# Over a connection that is one too many from where it comes.
SURPLUS: web.RequestKey[bool] = web.RequestKey("surplus", bool)
GATE: web.AppKey["Gate"] = web.AppKey("gate")

access_log = logging.getLogger("noclobber.access")
error_log = logging.getLogger("noclobber")

BEGUN: web.RequestKey[bool] = web.RequestKey("begun", bool)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
ALWAYS = {
    "Server": "noclobber",
    "X-Content-Type-Options": "nosniff",
    # Nothing for other sites. Without any for ours, browsers would send our own forms with
    # `Origin: null` (Fetch, "append a request `Origin` header"), as those of a stranger.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
CONTENT_POLICY = istr("Content-Security-Policy")
RESOURCE_POLICY = istr("Cross-Origin-Resource-Policy")
# For what is neither a page nor a file: shown in a browser it loads nothing, and in no frame.
CLOSED = "default-src 'none'; frame-ancestors 'none'"


def _lines(*own: str) -> bytes:
    """What an answer always has, but for those that it has of its own."""
    every = {**ALWAYS, CONTENT_POLICY: CLOSED}
    return "".join(f"{name}: {every[name]}\r\n" for name in every if name not in own).encode()


# By whether the answer has a policy for its content of its own, and for who may load it.
LINES = {
    (False, False): _lines(),
    (True, False): _lines(CONTENT_POLICY),
    (False, True): _lines(RESOURCE_POLICY),
    (True, True): _lines(CONTENT_POLICY, RESOURCE_POLICY),
}
# Of HTTP as such, with its safe request that has a body; nobody here has heard of any other.
METHODS = frozenset({*HTTPMethod, "QUERY"})
HEALTH = "/health/"
LONGEST_REASON = 200
UNFINISHED = "The server could not finish this request."
CROWDED = (
    "As many connections from your address are busy as may be. Send the request over one of them."
)
CROWDED_FOR = "5"
# After these nothing that may follow on the connection is read.
ENDING = frozenset({"body-stalled", "headers-too-large", "too-many-connections", "unknown-method"})
# All headers together may be so many times as long as one: what is a list in them is read in one
# go, while everybody waits.
TOGETHER = 8


@dataclass(frozen=True, slots=True)
class Gate:
    http: HttpSettings
    proxies: Proxies
    identity: Identity
    sessions: Sessions
    metrics: Metrics
    health: Health

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        try:
            early = self._before(request)
            if early is None and AUTHORIZATION in request.headers:
                request[PRINCIPAL] = await self._identified(request)
            if early is None and request.raw_path == "*":
                # RFC 9110 section 9.3.7: the server as such is meant.
                early = answers.options(cors.METHODS)
            response = early or await handler(request)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - the last line of defence
            response = await self._refuse(request, _told(request, error))
        spent = time.perf_counter() - began
        self.metrics.count_request(request.method, response.status, spent)
        if access_log.isEnabledFor(logging.INFO):
            self._log(request, response, spent)
        return response

    async def _refuse(self, request: web.Request, problem: Problem) -> web.Response:
        if BEGUN in request:
            # It would be read as what is still missing of the answer before it.
            raise ConnectionAbortedError("a part of an answer has been sent")
        problem = dialects.spoken(request, problem)
        response = dialects.written(request, problem)
        if "WWW-Authenticate" in response.headers and _has_page(request):
            response.headers["WWW-Authenticate"] = BEARER_ONLY
        if problem.type.slug in ENDING or bodies.ASTRAY in request or self.health.stopping:
            response.force_close()
        return await bodies.answer_early(
            request, response, self.http.drain_bytes, self.http.drain_time
        )

    def _before(self, request: web.Request) -> web.Response | None:
        """Judges what no door has to. An answer where the request is not for a door at all."""
        request[PRINCIPAL] = self._stranger(request)
        self._check_connection(request)
        host = self._check_host(request)
        if self.health.stopping and not request.path.startswith(HEALTH):
            raise Unavailable("The server is stopping. Nothing was stored.")
        if cors.is_preflight(request) and cors.is_welcome(request, self.http.cors_origins):
            return cors.preflight()
        if request.method not in SAFE_METHODS:
            self._check_origin(request, host)
        expected = request.get(bodies.EXPECTED)
        if expected is not None and expected.lower() != bodies.CONTINUE_EXPECTED:
            raise Refusal(of_type("expectation-failed", f'"{expected}" cannot be expected here.'))
        if AUTHORIZATION in request.headers:
            return None
        if signed_in := self.sessions.principal(request):
            if request.method not in SAFE_METHODS:
                self._check_own(request, host)
            request[PRINCIPAL] = signed_in
        return None

    async def _identified(self, request: web.Request) -> Principal:
        """By credentials, which count for more than that somebody has signed in."""
        shown = request.headers.getall(AUTHORIZATION)
        return await self.identity.identify(shown, self.address(request))

    def check_still(self, request: web.Request) -> None:
        """Before each part of an answer that takes long.

        :raises NotIdentified: what let its asker in lets nobody in any more.
        """
        principal = request[PRINCIPAL]
        if AUTHORIZATION in request.headers or principal.is_anonymous:
            lasts = self.identity.accounts.current(principal) is not None
        else:
            lasts = self.sessions.lasts(request)
        if not lasts:
            raise NotIdentified("You are no longer signed in. Sign in again.")

    def address(self, request: web.Request) -> str:
        """Who is at the other end. A proxy that we trust is asked for whom it speaks."""
        forwarded = request.headers.getall("X-Forwarded-For", [])
        return self.proxies.client(request.remote or "", forwarded)

    def _stranger(self, request: web.Request) -> Principal:
        """Who it is until something else is known: for most it is certain by their connection."""
        return stranger(request.get(NETWORK) or subscriber(self.address(request)))

    def network(self, peername: object) -> str:
        """From where a connection comes, as far as that counts; empty for a proxy that we trust."""
        if not isinstance(peername, tuple) or self.proxies.speaks_for_others(peername[0]):
            return ""
        return subscriber(self.proxies.client(peername[0], ()))

    def _check_connection(self, request: web.Request) -> None:
        """RFC 9112 section 6.3: after a request whose end is not certain nothing is read.

        Parsers pass over some encodings that they do not know; a proxy before us may not. What says
        that it is HTTP/1.0 has passed somebody who may not have known chunks (section 6.1).
        """
        if SURPLUS in request:
            raise Refusal(of_type("too-many-connections", CROWDED, Retry_After=CROWDED_FOR))
        most = TOGETHER * self.http.header_bytes
        if sum(len(name) + len(value) for name, value in request.raw_headers) > most:
            detail = f"All headers together may have {most:,} bytes."
            raise Refusal(of_type("headers-too-large", detail))
        coded = request.headers.getall(TRANSFER_ENCODING, [])
        if not coded:
            return
        is_certain = request.version >= (1, 1) and CONTENT_LENGTH not in request.headers
        if coded[1:] or coded[0].lower() != "chunked" or not is_certain:
            request[bodies.ASTRAY] = True
            detail = "Transfer-Encoding takes just one word, and in HTTP/1.1 only: chunked."
            raise Refusal(of_type("malformed-request", detail))

    def _check_host(self, request: web.Request) -> str | None:
        if UNSPOKEN in request:
            detail = f"HTTP/1.1 is spoken here, not {request[UNSPOKEN]}."
            raise Refusal(of_type("malformed-request", detail))
        lines = request.headers.getall(HOST, [])
        host = hosts.asked(request.raw_path, lines, required=request.version >= (1, 1))
        if host is not None and not hosts.is_ours(host, self.http.hosts):
            raise Refusal(of_type("wrong-host", f'This server is not "{host}".'))
        return host

    def refuse_unread(self, request: web.Request, problem: Problem, reason: str) -> web.Response:
        """Answers what never became a request. `reason` is for the log only."""
        self.metrics.count_request("", problem.status, 0.0)
        facts = {
            "request_id": rendering.request_id(request),
            "peer": self.proxies.client(request.remote or "", []),
            "status": problem.status,
            "reason": reason[:LONGEST_REASON],
        }
        access_log.info("refused unread", extra={"facts": facts})
        return self._last_answer(request, problem)

    def refuse_broken(self, request: web.Request, error: BaseException | None) -> web.Response:
        """Answers what went wrong outside `answer`, which is a mistake of ours."""
        error_log.error("request %s failed", rendering.request_id(request), exc_info=error)
        return self._last_answer(request, of_type("internal", UNFINISHED))

    def _last_answer(self, request: web.Request, problem: Problem) -> web.Response:
        response = rendering.problem_response(request, problem)
        response.force_close()
        return response

    def dress(self, request: web.Request, response: web.StreamResponse) -> None:
        """Runs just before any headers go out."""
        headers = response.headers
        headers.update(ALWAYS)
        headers.setdefault(CONTENT_POLICY, CLOSED)
        headers["X-Request-Id"] = rendering.request_id(request)
        self._dress(request, response)

    def lines(self, request: web.Request, response: web.StreamResponse) -> bytes:
        """As `dress`, and what it would put into every answer is returned as it is written."""
        self._dress(request, response)
        headers = response.headers
        always = LINES[CONTENT_POLICY in headers, RESOURCE_POLICY in headers]
        return b"%bX-Request-Id: %b\r\n" % (always, rendering.request_id(request).encode())

    def _dress(self, request: web.Request, response: web.StreamResponse) -> None:
        request[BEGUN] = True
        dialects.dress(request, response)
        cors.dress(request, response, self.http.cors_origins)
        if self.health.stopping:
            response.force_close()
            response.headers["Connection"] = "close"

    def _check_origin(self, request: web.Request, host: str | None) -> None:
        """No page of another site may act through a visitor's browser."""
        site = request.headers.get(SEC_FETCH_SITE)
        origin = request.headers.get(ORIGIN)
        if cors.is_welcome(request, self.http.cors_origins):
            return
        if site is not None:
            allowed = site in {"same-origin", "none"}
        else:
            allowed = origin is None or origin.partition("://")[2] == host
        if not allowed:
            raise Refusal(of_type("cross-site", "A page of another site sent this request."))

    def _check_own(self, request: web.Request, host: str | None) -> None:
        """A cookie comes along by itself, so the browser has to say that a page of ours asked."""
        site = request.headers.get(SEC_FETCH_SITE)
        origin = request.headers.get(ORIGIN)
        own = origin is not None and origin.partition("://")[2].lower() == host
        if not (site == "same-origin" or (site is None and own)):
            raise Refusal(of_type("cross-site", "No page of this server sent this request."))

    def _log(self, request: web.Request, response: web.StreamResponse, spent: float) -> None:
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


def _has_page(request: web.Request) -> bool:
    """A browser with our page in it: it signs in there, and must not ask in a window of its own."""
    if request.headers.get("Sec-Fetch-Mode") or request.headers.get("X-Requested-With"):
        return True
    return sessions.is_there(request) or negotiation.wants_html(request.headers.get("Accept"))


def _told(request: web.Request, error: Exception) -> Problem:
    match error:
        case Refusal():
            return error.problem
        case Failure():
            return of_failure(error)
        case BadName():
            return of_bad_name(error)
        case MalformedCondition() | MalformedDigest():
            return of_malformed(error)
        case web.HTTPException():
            return _of_aiohttp(request, error)
        case _:
            error_log.error("request %s failed", rendering.request_id(request), exc_info=error)
            return of_type("internal", UNFINISHED)


def _of_aiohttp(request: web.Request, refused: web.HTTPException) -> Problem:
    match refused:
        case web.HTTPNotFound() | web.HTTPMethodNotAllowed() if request.method not in METHODS:
            return of_unknown_method(request.method)
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(refused.allowed_methods))
            return of_type(
                "method-not-allowed", f"{request.method} does not work here.", Allow=allowed
            )
        case web.HTTPNotFound():
            return of_address(request.path)
        case _:
            return of_type("malformed-request", "The request could not be understood.")
