"""Users and tokens: who proves to be whom, and the work of the commands that register them.

Implements the port `Accounts`. What is changed by a command counts from the next request of a
running server. Knows nothing of grants.
"""

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path as DiskPath

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from storage import factors, passwords
from storage import roster as rosters
from storage.codes import Codes
from storage.roster import Roster, Token, User
from uploads.access import ALL_RIGHTS, ANONYMOUS, ANONYMOUS_NAME, Principal, Scope
from uploads.failures import MalformedRequest, NotIdentified, NotThere, Unavailable
from uploads.names import Path
from uploads.ports import Clock

_PREFIX = "nct_"
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
# Digests only, so that it can be all who come: what is not remembered is looked at for 30 ms.
_REMEMBERED = 20_000
_ASKED_AGAIN_AFTER = 0.001
# OWASP's least for argon2id. Two at once, so that a crowd of guesses cannot fill the memory.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_AT_ONCE = 2
# So that whoever comes next is told within seconds, if only that too many come.
_MOST_WAIT = 32

# Hears of a secret before it counts, so that none does which nobody knows.
Tell = Callable[[str], object]


class FileAccounts:
    """`accounts.json` in the data folder, read again whenever it has changed."""

    def __init__(self, data: DiskPath, clock: Clock = time.time) -> None:
        self._data = data
        self._file = data / rosters.NAME
        self._clock = clock
        self._threads = ThreadPoolExecutor(_AT_ONCE, "password")
        self._waiting = 0
        self._key = secrets.token_bytes(32)
        self._verified: dict[bytes, None] = {}
        self._nobodys = _HASHER.hash(secrets.token_hex(16))
        self._seen: tuple[int, ...] | None = None
        self._asked = 0.0
        self._codes = Codes(clock)
        self._take(rosters.read(data))

    async def by_password(self, user: str, password: str, code: str = "") -> Principal | None:
        registered = self._current().users.get(user)
        stored = self._nobodys if registered is None else registered.password
        factor = "" if registered is None else registered.factor
        said = f"{user}\0{stored}\0{factor}\0{password}"
        proof = hmac.digest(self._key, said.encode(), "sha256")
        if proof not in self._verified:
            if not await self._look_at(stored, password) or registered is None:
                return None
            # With a second factor, how soon the next answer comes must not tell that it was right.
            if not registered.factor:
                self._remember(proof)
        if registered is None:
            return None
        if registered.factor and not self._codes.counts(user, registered.factor, code, proof):
            return None
        # It may have been removed while the password was looked at.
        known = self._current().users.get(user) == registered
        return self._user(user, registered) if known else None

    async def _look_at(self, stored: str, password: str) -> bool:
        if self._waiting == _MOST_WAIT:
            raise Unavailable("Too many passwords are being looked at. Try again in a moment.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, _is_right, stored, password)
        finally:
            self._waiting -= 1

    def by_token(self, token: str) -> Principal | None:
        """As a digest of what cannot be guessed is looked up, the time tells nothing of others."""
        tokens = self._current().tokens
        name = self._bearers.get(_digest(token))
        return None if name is None else self._bearer(name, tokens[name])

    def current(self, principal: Principal) -> Principal | None:
        if principal.is_anonymous:
            return ANONYMOUS
        now = self._of_this_name(principal)
        is_proved = now is not None and hmac.compare_digest(now.proof, principal.proof)
        return now if is_proved else None

    def _of_this_name(self, principal: Principal) -> Principal | None:
        roster = self._current()
        for group in principal.groups:
            kind, _, name = group.partition(":")
            if kind == "token":
                token = roster.tokens.get(name)
                return None if token is None else self._bearer(name, token)
        return self._in_person(principal.name)

    def owner(self, principal: Principal) -> Principal | None:
        owner = self._in_person(principal.name)
        return None if owner == principal else owner

    def _in_person(self, principal_name: str) -> Principal | None:
        kind, _, name = principal_name.partition(":")
        user = self._current().users.get(name) if kind == "user" else None
        return None if user is None else self._user(name, user)

    def any_users(self) -> bool:
        """Asked several times in a request, so that the file is not looked at each time."""
        now = time.monotonic()
        if now - self._asked > _ASKED_AGAIN_AFTER:
            self._asked = now
            self._current()
        return bool(self._roster.users)

    async def set_password(self, proved: Principal, password: str) -> Principal:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._exchange, proved, password)

    def _exchange(self, proved: Principal, password: str) -> Principal:
        """Whoever has another password set meanwhile, or removed the user, has the last word."""
        name = proved.name.removeprefix("user:")
        hashed = _hashed(name, password)
        with rosters.changing(self._data) as roster:
            user = roster.users.get(name)
            if user is None or not hmac.compare_digest(self._proof_of(user), proved.proof):
                raise NotIdentified("Your account was changed meanwhile. Sign in again.")
            fresh = replace(user, password=hashed)
            rosters.write(self._data, roster.with_user(name, fresh))
        return self._user(name, fresh)

    def close(self) -> None:
        self._threads.shutdown()

    def _bearer(self, name: str, token: Token) -> Principal | None:
        """A token acts as its owner. Its own name is a group, so that it can be revoked."""
        roster = self._roster
        if token.expires is not None and token.expires <= self._clock():
            return None
        if token.owner is not None and token.owner not in roster.users:
            return None
        owner = Principal(f"token:{name}")
        if token.owner is not None:
            owner = self._user(token.owner, roster.users[token.owner])
        groups = owner.groups | {f"token:{name}"}
        return replace(owner, groups=groups, scope=_scope(token), proof=self._proof(token.secret))

    def _user(self, name: str, user: User) -> Principal:
        groups = frozenset({f"user:{name}", "users", ANONYMOUS_NAME})
        # A time that is yet to come says only that a clock was wrong.
        since = user.added if user.added <= self._clock() else 0.0
        return Principal(f"user:{name}", groups, proof=self._proof_of(user), since=since)

    def _proof_of(self, user: User) -> str:
        return self._proof(user.password, user.factor)

    def _proof(self, *secrets_: str) -> str:
        """Nothing can be made of it but a comparison, and none by another process."""
        return hmac.digest(self._key, "\0".join(secrets_).encode(), "sha256").hex()

    def _current(self) -> Roster:
        try:
            status = self._file.stat()
            seen: tuple[int, ...] = (status.st_ino, status.st_mtime_ns, status.st_size)
        except FileNotFoundError:
            # With the whole folder, if that is moved. Nobody registered would mean: open to all.
            if self._roster.users or self._roster.tokens:
                raise rosters.unusable("is gone") from None
            seen = ()
        if seen != self._seen:
            self._take(rosters.read(self._data))
            self._seen = seen
        return self._roster

    def _take(self, roster: Roster) -> None:
        """What was proved by a password counts on for those whose own has not changed."""
        self._roster = roster
        self._bearers = {token.secret: name for name, token in roster.tokens.items()}

    def _remember(self, proof: bytes) -> None:
        self._verified[proof] = None
        if len(self._verified) > _REMEMBERED:
            del self._verified[next(iter(self._verified))]


def tell_nobody(secret: str) -> None:
    """Whoever asked for it is given it."""


def add_user(data: DiskPath, name: str, password: str) -> None:
    _check_name("user", name)
    hashed = _hashed(name, password)
    with rosters.changing(data) as roster:
        _check_free("user", name, roster.users)
        rosters.write(data, roster.with_user(name, User(hashed, time.time())))


def set_password(data: DiskPath, name: str, password: str) -> None:
    hashed = _hashed(name, password)
    with rosters.changing(data) as roster:
        _check_known("user", name, roster.users)
        rosters.write(data, roster.with_user(name, replace(roster.users[name], password=hashed)))


def set_factor(data: DiskPath, name: str, tell: Tell = tell_nobody) -> str:
    """Makes a second factor and returns its secret, which is not shown again."""
    secret = factors.fresh()
    _change_factor(data, name, secret, tell)
    return secret


def remove_factor(data: DiskPath, name: str) -> None:
    _change_factor(data, name, "", tell_nobody)


def _change_factor(data: DiskPath, name: str, factor: str, tell: Tell) -> None:
    with rosters.changing(data) as roster:
        _check_known("user", name, roster.users)
        tell(factor)
        rosters.write(data, roster.with_user(name, replace(roster.users[name], factor=factor)))


def remove_user(data: DiskPath, name: str) -> None:
    """With all tokens that act for the user. Files stay."""
    with rosters.changing(data) as roster:
        _check_known("user", name, roster.users)
        rosters.write(data, roster.without_user(name))


def list_users(data: DiskPath) -> dict[str, User]:
    return dict(sorted(rosters.read(data).users.items()))


def add_token(
    data: DiskPath,
    name: str,
    owner: str | None = None,
    *,
    note: str = "",
    scope: Scope | None = None,
    expires: float | None = None,
) -> str:
    """Makes a token and returns its secret, which is not kept and can never be shown again."""
    _check_name("token", name)
    secret = _PREFIX + secrets.token_urlsafe(32)
    with rosters.changing(data) as roster:
        _check_free("token", name, roster.tokens)
        if owner is not None:
            _check_known("user", owner, roster.users)
        token = Token(
            secret=_digest(secret),
            added=time.time(),
            owner=owner,
            note=note,
            folder="" if scope is None else str(scope.folder),
            rights=None if scope is None else tuple(sorted(scope.rights)),
            expires=expires,
        )
        rosters.write(data, roster.with_token(name, token))
    return secret


def revoke_token(data: DiskPath, name: str) -> None:
    with rosters.changing(data) as roster:
        _check_known("token", name, roster.tokens)
        rosters.write(data, roster.without_token(name))


def list_tokens(data: DiskPath) -> dict[str, Token]:
    return dict(sorted(rosters.read(data).tokens.items()))


def _scope(token: Token) -> Scope | None:
    if not token.folder and token.rights is None:
        return None
    folder = Path(tuple(token.folder.split("/")) if token.folder else ())
    rights = ALL_RIGHTS if token.rights is None else frozenset(token.rights)
    return Scope(folder, rights)


def _is_right(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password[: passwords.LONGEST])
    except (VerificationError, InvalidHashError):
        return False


def _hashed(name: str, password: str) -> str:
    passwords.check(password, name)
    return _HASHER.hash(password)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _check_name(what: str, name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise MalformedRequest(
            f"{name!r} cannot be the name of a {what}:"
            " take 1 to 64 of the characters A-Z a-z 0-9 . _ @ -"
        )


def _check_free(what: str, name: str, taken: Collection[str]) -> None:
    for other in taken:
        if other.lower() == name.lower():
            raise MalformedRequest(f"There is a {what} {other!r} already. Take another name.")


def _check_known(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise NotThere(f"There is no {what} {name!r}. Registered: {names}.")
