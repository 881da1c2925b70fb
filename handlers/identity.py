"""Who is asking: Basic or Bearer credentials -> a principal, and the brake on guessing."""

import asyncio
import base64
import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache

from aiohttp import web

from handlers.problems import Refusal, of_failure, of_type
from uploads.access import Principal
from uploads.accounts import Accounts
from uploads.failures import NotIdentified

PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal", Principal)
ADDRESSES_REMEMBERED = 10_000
# One subscriber has as many addresses of IPv6 as there are in such a network, and some have as many
# of these as there are in a site (RFC 6177): all of them together guess as often as a few.
SUBSCRIBER, SITE, A_FEW = 64, 48, 16
WINDOW = 60.0

WRONG_CREDENTIALS = (
    "This user name and password, or this token, is not known here. With a second factor, programs"
    " need a token."
)
WRONG_SIGN_IN = "Name, password or code is wrong. A code works once."

Guess = Callable[[], Awaitable[Principal | None]]


def principal_of(request: web.Request) -> Principal:
    return request[PRINCIPAL]


@dataclass(slots=True)
class Guesses:
    """What failed in the last minute, per subscriber and site. Bounded: the oldest is forgotten."""

    most: int
    _failed: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)
    _lines: dict[str, tuple[asyncio.Lock, int]] = field(default_factory=dict)

    def wait(self, address: str) -> int:
        """Seconds until this address may try again; 0 is now."""
        of_site = self._wait(_network(address, SITE), self.most * A_FEW)
        return max(self._wait(subscriber(address), self.most), of_site)

    def _wait(self, network: str, most: int) -> int:
        times = self._failed.get(network)
        now = time.monotonic()
        while times and times[0] <= now - WINDOW:
            times.popleft()
        if times is None or len(times) < most:
            return 0
        return max(1, round(times[-most] + WINDOW - now))

    @asynccontextmanager
    async def in_line(self, address: str) -> AsyncIterator[None]:
        """One guess of a site after the other: those that come together count, too, and what they
        cost is nobody else's.
        """
        site = _network(address, SITE)
        line, waiting = self._lines.get(site, (asyncio.Lock(), 0))
        self._lines[site] = line, waiting + 1
        try:
            async with line:
                yield
        finally:
            _, waiting = self._lines.pop(site)
            if waiting > 1:
                self._lines[site] = line, waiting - 1

    def count(self, address: str) -> None:
        for network in {subscriber(address), _network(address, SITE)}:
            times = self._failed.setdefault(network, deque(maxlen=self.most * A_FEW))
            times.append(time.monotonic())
            self._failed.move_to_end(network)
            if len(self._failed) > ADDRESSES_REMEMBERED:
                self._failed.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody shows to be who they say; the code is empty where they have none."""

    password: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    accounts: Accounts
    guesses: Guesses

    async def identify(self, authorization: list[str], address: str) -> Principal:
        if len(authorization) > 1:
            raise Refusal(of_type("malformed-request", "Send one Authorization header, not more."))
        return await self._guessed(address, lambda: self._by(authorization[0]), WRONG_CREDENTIALS)

    async def sign_in(self, user: str, shown: Shown, address: str) -> Principal:
        """A token stands for a password, as everywhere; it needs no code."""

        async def by_either() -> Principal | None:
            token = self.accounts.by_token(shown.password)
            return token or await self.accounts.by_password(user, shown.password, shown.code)

        return await self._guessed(address, by_either, WRONG_SIGN_IN)

    async def prove(self, principal: Principal, shown: Shown, address: str) -> Principal:
        """That it is the user in person: by the password, and no token will do."""
        user = principal.name.removeprefix("user:")
        return await self._guessed(
            address,
            lambda: self.accounts.by_password(user, shown.password, shown.code),
            WRONG_SIGN_IN,
        )

    async def _guessed(self, address: str, guess: Guess, wrong: str) -> Principal:
        """Every way to try a password or token counts as much as every other."""
        async with self.guesses.in_line(address):
            if wait := self.guesses.wait(address):
                raise Refusal(
                    of_type(
                        "too-many-guesses",
                        "Too many wrong passwords or tokens came from your address"
                        f" or its network. Wait {wait} s.",
                        Retry_After=str(wait),
                    )
                )
            principal = await guess()
            if principal is None:
                self.guesses.count(address)
        if principal is None:
            raise Refusal(of_failure(NotIdentified(wrong)))
        return principal

    async def _by(self, authorization: str) -> Principal | None:
        scheme, _, credentials = authorization.partition(" ")
        match scheme.lower():
            case "basic":
                user, password = _basic(credentials.strip())
                # Scripts and sync clients that know only Basic send a token as the password. It is
                # looked at first, because a wrong password costs a slow hash.
                return self.accounts.by_token(password) or await self.accounts.by_password(
                    user, password
                )
            case "bearer":
                return self.accounts.by_token(credentials.strip())
            case _:
                raise Refusal(
                    of_type("malformed-request", "Authorization takes Basic or Bearer here.")
                )


@lru_cache(1024)
def stranger(network: str) -> Principal:
    return Principal(network=network)


def subscriber(address: str) -> str:
    """Whose guesses count together: an address of IPv4, a network of IPv6."""
    return _network(address, SUBSCRIBER)


@lru_cache(1024)
def _network(address: str, prefix: int) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address) or found.is_loopback:
        return address
    return str(ipaddress.ip_network((found, prefix), strict=False))


def _basic(credentials: str) -> tuple[str, str]:
    """RFC 7617: the user name ends at the first colon."""
    try:
        user, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        colon = ""
    if not colon:
        raise Refusal(of_type("malformed-request", "The Basic credentials cannot be read."))
    return user, password
