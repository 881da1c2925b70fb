"""Who has signed in on the page: a cookie, whose secret stands for a principal until it ends.

Kept in memory: a restart signs everybody out. A changed password, a removed user or a revoked
token ends its sessions with the next request.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from aiohttp import web

from uploads.access import Principal
from uploads.ports import Accounts, Clock

IDLE, LONGEST = 12 * 3600.0, 7 * 86400.0
MOST = 10_000
# A browser takes the first only over https, from this very host, and hands it to no other.
SECURE, PLAIN = "__Host-noclobber", "noclobber"


@dataclass(frozen=True, slots=True)
class Session:
    principal: Principal
    seal: str
    began: float
    used: float


@dataclass(frozen=True, slots=True)
class Sessions:
    """Bounded: the one that was not used for the longest time is forgotten."""

    accounts: Accounts
    clock: Clock = time.monotonic
    _known: OrderedDict[bytes, Session] = field(default_factory=OrderedDict)

    def begin(self, principal: Principal) -> str:
        secret, now = secrets.token_urlsafe(32), self.clock()
        self._known[_digest(secret)] = Session(principal, self.accounts.seal(principal), now, now)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return secret

    def principal(self, request: web.Request) -> Principal | None:
        secret = _secret(request)
        if secret is None:
            return None
        key, now = _digest(secret), self.clock()
        session = self._known.get(key)
        if session is None:
            return None
        current = self.accounts.current(session.principal)
        alive = now - session.used < IDLE and now - session.began < LONGEST
        if current is None or not alive or self.accounts.seal(current) != session.seal:
            del self._known[key]
            return None
        self._known[key] = Session(current, session.seal, session.began, now)
        self._known.move_to_end(key)
        return current

    def end(self, request: web.Request) -> None:
        secret = _secret(request)
        if secret is not None:
            self._known.pop(_digest(secret), None)


def keep(response: web.Response, secret: str, *, secure: bool) -> None:
    """Ends with the browser. Over plain http no browser takes a secure one, but on this machine."""
    _set(response, SECURE if secure else PLAIN, secret, "" if not secure else "; Secure")


def forget(response: web.Response) -> None:
    for name, marks in ((SECURE, "; Secure; Max-Age=0"), (PLAIN, "; Max-Age=0")):
        _set(response, name, "", marks)


def _set(response: web.Response, name: str, value: str, marks: str) -> None:
    cookie = f"{name}={value}; Path=/; HttpOnly; SameSite=Strict{marks}"
    response.headers.add("Set-Cookie", cookie)


def _secret(request: web.Request) -> str | None:
    lines = request.headers.getall("Cookie", [])
    if not any(PLAIN in line for line in lines):
        return None
    pairs = (pair.strip().partition("=") for line in lines for pair in line.split(";"))
    cookies = {name: value for name, _, value in pairs}
    return cookies.get(SECURE) or cookies.get(PLAIN) or None


def is_there(request: web.Request) -> bool:
    return _secret(request) is not None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
