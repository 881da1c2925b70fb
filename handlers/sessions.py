"""Who has signed in on the page: a cookie, whose secret stands for a principal until it ends.

Kept in memory: a restart signs everybody out. A changed password, a removed user or a revoked
token ends its sessions with the next request, and what is still being told.
"""

import hashlib
import secrets
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass, field, replace

from aiohttp import web

from handlers.headers.names import COOKIE
from handlers.headers.proxies import NO_PROXIES, Proxies
from uploads.access import Principal
from uploads.accounts import Accounts
from uploads.ports import Clock

MOST = 10_000
# A browser takes the first only over https, from this very host, and hands it to no other.
SECURE, PLAIN = "__Host-noclobber", "noclobber"


@dataclass(frozen=True, slots=True)
class Bounds:
    """`idle`: seconds without a request; `longest`: in all; `each`: sessions of one principal."""

    idle: float = 12 * 3600.0
    longest: float = 7 * 86400.0
    each: int = 20


@dataclass(frozen=True, slots=True)
class Session:
    """`id` names it to its owner and opens nothing; `address`: from where it was begun. `owner`: of
    the token that began it, in person, whose password it rests on as well.
    """

    principal: Principal
    owner: Principal | None
    began: float
    used: float
    address: str
    id: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What its owner is told of a session; times in seconds from now back."""

    id: str
    address: str
    began: float
    used: float
    is_this: bool


@dataclass(frozen=True, slots=True)
class Sessions:
    """Bounded: the one that was not used for the longest time is forgotten."""

    accounts: Accounts
    bounds: Bounds = Bounds()
    clock: Clock = time.monotonic
    proxies: Proxies = NO_PROXIES
    _known: OrderedDict[bytes, Session] = field(default_factory=OrderedDict)

    def begin(self, principal: Principal, address: str) -> str:
        secret, now = secrets.token_urlsafe(32), self.clock()
        # In the order in which they were used. Each token has groups of its own.
        own = [
            key
            for key, other in self._known.items()
            if (other.principal.name, other.principal.groups) == (principal.name, principal.groups)
        ]
        for key in own[: max(0, len(own) + 1 - self.bounds.each)]:
            del self._known[key]
        owner = self.accounts.owner(principal)
        fresh = Session(principal, owner, now, now, address, secrets.token_hex(8))
        self._known[_digest(secret)] = fresh
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return secret

    def principal(self, request: web.Request) -> Principal | None:
        secret = self._secret(request)
        if secret is None:
            return None
        key, now = _digest(secret), self.clock()
        session = self._known.get(key)
        if session is None:
            return None
        current = self._current(session, now)
        if current is None:
            del self._known[key]
            return None
        self._known[key] = replace(session, principal=current, used=now)
        self._known.move_to_end(key)
        return current

    def lasts(self, request: web.Request) -> bool:
        """Without being used: who is told something for hours may have left long ago."""
        session = self._known.get(_digest(self._secret(request) or ""))
        return session is not None and self._current(session, self.clock()) is not None

    def of(self, principal: Principal, request: web.Request) -> list[Standing]:
        """All that this principal may end, the one that was used last before the others."""
        now, this = self.clock(), _digest(self._secret(request) or "")
        return [
            Standing(one.id, one.address, now - one.began, now - one.used, key == this)
            for key, one in reversed(self._known.items())
            if _may_end(principal, one) and self._current(one, now)
        ]

    def end(self, request: web.Request) -> None:
        secret = self._secret(request)
        if secret is not None:
            self._known.pop(_digest(secret), None)

    def end_of(self, principal: Principal, id_: str) -> bool:
        """Whether there was one that this principal may end."""
        ended = [
            key for key, one in self._known.items() if one.id == id_ and _may_end(principal, one)
        ]
        for key in ended:
            del self._known[key]
        return bool(ended)

    def is_secure(self, request: web.Request) -> bool:
        """Did it come by https, as far as that is told: by the connection, a proxy of ours, or the
        browser, which says so of whatever changes something?
        """
        if request.secure or request.headers.get("Origin", "").lower().startswith("https://"):
            return True
        protocols = request.headers.getall("X-Forwarded-Proto", [])
        return bool(protocols) and self.proxies.came_by_https(request.remote or "", protocols)

    def _secret(self, request: web.Request) -> str | None:
        """By https the bound cookie only: the other may be from a neighbour of this host, who has
        put a session of their own into somebody's browser.
        """
        cookies = _cookies(request)
        if cookies is None:
            return None
        plain = None if self.is_secure(request) else cookies.get(PLAIN)
        return cookies.get(SECURE) or plain or None

    def _current(self, session: Session, now: float) -> Principal | None:
        """Who it stands for, while it lasts."""
        lasts = now - session.used < self.bounds.idle and now - session.began < self.bounds.longest
        if not lasts or (session.owner and self.accounts.current(session.owner) is None):
            return None
        return self.accounts.current(session.principal)


def _may_end(principal: Principal, session: Session) -> bool:
    """A user all of their own, also what their tokens have begun; a token that may less than its
    owner what it has begun itself.
    """
    begun_by = session.principal
    if principal.scope is not None and begun_by.groups != principal.groups:
        return False
    return begun_by.name == principal.name


def keep(response: web.Response, secret: str, *, secure: bool) -> None:
    """Ends with the browser. Over plain http no browser takes a secure one, but on this machine."""
    _set(response, SECURE if secure else PLAIN, secret, "" if not secure else "; Secure")


def forget(response: web.Response) -> None:
    for name, marks in ((SECURE, "; Secure; Max-Age=0"), (PLAIN, "; Max-Age=0")):
        _set(response, name, "", marks)


def _set(response: web.Response, name: str, value: str, marks: str) -> None:
    cookie = f"{name}={value}; Path=/; HttpOnly; SameSite=Strict{marks}"
    response.headers.add("Set-Cookie", cookie)


def _cookies(request: web.Request) -> dict[str, str] | None:
    """None where ours is certainly not among them.

    Of two with one name none counts. Whoever plants one beside ours chooses its place (RFC 6265
    section 5.4): with a longer path before it, with the same path behind it.
    """
    lines = request.headers.getall(COOKIE, [])
    if not lines or not any(PLAIN in line for line in lines):
        return None
    # Browsers guard names that begin with `__Host-`, with no other white space before it.
    pairs = [pair.strip(" \t").partition("=") for line in lines for pair in line.split(";")]
    names = Counter(name for name, _, _ in pairs)
    return {name: value for name, _, value in pairs if names[name] == 1}


def is_there(request: web.Request) -> bool:
    cookies = _cookies(request) or {}
    return bool(cookies.get(SECURE) or cookies.get(PLAIN))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
