"""The port of who is registered: who proves to be whom, and with which password from now on."""

from typing import Protocol

from uploads.access import Principal


class Accounts(Protocol):
    async def by_password(self, user: str, password: str, code: str = "") -> Principal | None:
        """Takes as long for a user who does not exist. `code`: of a second factor, where the user
        has one; each counts once.
        """

    def by_token(self, token: str) -> Principal | None: ...

    def current(self, principal: Principal) -> Principal | None:
        """The principal as it is now: None when it was removed or revoked meanwhile."""

    def any_users(self) -> bool: ...

    def seal(self, principal: Principal) -> str:
        """Another one as soon as the password or the token is another."""

    async def set_password(self, user: str, password: str) -> None:
        """:raises MalformedRequest: it is too short, too long, or known to who guesses."""
