"""Who is registered, in one private file. Knows no password in the clear."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from storage.disk import posix
from uploads.access import Right
from uploads.failures import Unavailable

NAME = "accounts.json"
_LOCK = "accounts.lock"


@dataclass(frozen=True, slots=True)
class User:
    """`password` is an argon2id hash with its parameters; `factor` the secret that codes are made
    of, where there is a second factor.
    """

    password: str
    added: float
    factor: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """`secret` is a SHA-256. No owner: it has only what is granted to it by its own name."""

    secret: str
    added: float
    owner: str | None = None
    note: str = ""
    folder: str = ""
    rights: tuple[Right, ...] | None = None
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Roster:
    users: Mapping[str, User] = field(default_factory=dict)
    tokens: Mapping[str, Token] = field(default_factory=dict)

    def with_user(self, name: str, user: User) -> "Roster":
        return replace(self, users={**self.users, name: user})

    def without_user(self, name: str) -> "Roster":
        users = {other: user for other, user in self.users.items() if other != name}
        tokens = {id_: token for id_, token in self.tokens.items() if token.owner != name}
        return Roster(users, tokens)

    def with_token(self, name: str, token: Token) -> "Roster":
        return replace(self, tokens={**self.tokens, name: token})

    def without_token(self, name: str) -> "Roster":
        tokens = {other: token for other, token in self.tokens.items() if other != name}
        return replace(self, tokens=tokens)


def read(data: Path) -> Roster:
    """:raises Unavailable: the file is not one of ours."""
    try:
        text = (data / NAME).read_bytes()
    except FileNotFoundError:
        return Roster()
    return understood(text)


def understood(text: bytes) -> Roster:
    """:raises Unavailable: it is none of ours."""
    try:
        written = json.loads(text)
        return Roster(
            {name: User(**user) for name, user in written["users"].items()},
            {name: _token(token) for name, token in written["tokens"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise unusable("cannot be understood", "remove the file and ") from error


def unusable(why: str, first: str = "") -> Unavailable:
    return Unavailable(
        f"The file {NAME} in the data folder {why}. Bring it back from a backup. Or stop the"
        f" server, {first}register the users again: without users whoever reaches a server may do"
        " everything."
    )


@contextlib.contextmanager
def changing(data: Path) -> Iterator[Roster]:
    """The roster as it is, while nobody else can change it; hand the new one to `write`."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(data / _LOCK, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield read(data)
    finally:
        os.close(descriptor)


def write(data: Path, roster: Roster) -> None:
    """To be called while `changing`."""
    text = json.dumps(asdict(roster), indent=1, sort_keys=True)
    posix.replace_file(data / NAME, text.encode() + b"\n")


def _token(written: dict[str, Any]) -> Token:
    rights = written.pop("rights", None)
    token = Token(**written)
    return token if rights is None else replace(token, rights=tuple(map(Right, rights)))
