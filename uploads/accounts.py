"""The port of who is registered: who proves to be whom, and with which password from now on."""

from typing import Protocol

from uploads.access import Principal


class Accounts(Protocol):
    async def by_password(self, user: str, password: str, code: str = "") -> Principal | None:
        """Takes as long for a user who does not exist. `code`: of a second factor, where the user
        has one; each counts once.

        :raises TooManyGuesses: the code is right, and too many wrong ones came before it.
        :raises Unavailable: so many are looked at that this one would wait for long.
        """

    def by_token(self, token: str) -> Principal | None: ...

    def current(self, principal: Principal) -> Principal | None:
        """The principal as it is now: None when it was removed or revoked meanwhile, or when
        another password or token is under its name.
        """

    def owner(self, principal: Principal) -> Principal | None:
        """Of a token, the user that it acts for, in person. None of who acts for nobody else."""

    def any_users(self) -> bool: ...

    async def set_password(self, proved: Principal, password: str) -> Principal:
        """Of a user who has just proved to know the present one, and is identified by this one
        from now on.

        :raises MalformedRequest: it is too short, too long, or known to who guesses.
        :raises NotIdentified: what was proved is no longer the password.
        """
