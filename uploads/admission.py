"""How much may be under way at once, in all and for one principal."""

from collections.abc import Iterator
from contextlib import contextmanager

from uploads.access import Principal
from uploads.failures import TooManyUploads, Unavailable


class Admission:
    def __init__(self, at_once: int, per_principal: int, what: str = "uploads") -> None:
        self._what = what
        self._at_once = at_once
        self._per_principal = per_principal
        self._under_way: dict[str, int] = {}
        self.under_way = 0

    @contextmanager
    def place(self, principal: Principal) -> Iterator[None]:
        if self.under_way >= self._at_once:
            raise Unavailable(
                f"{self._at_once} {self._what} are under way, and no more are taken at once."
                " Try again in some seconds."
            )
        theirs = self._under_way.get(principal.name, 0)
        if theirs >= self._per_principal:
            raise TooManyUploads(
                f"{self._per_principal} of your {self._what} are under way, and no more are taken"
                " at once. Wait until one of them is done."
            )
        self._under_way[principal.name] = theirs + 1
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1
            self._leave(principal.name)

    def _leave(self, name: str) -> None:
        self._under_way[name] -= 1
        if not self._under_way[name]:
            del self._under_way[name]
