"""How much may be under way at once: in all, for one principal, and for strangers.

One stranger is an address, and all of them together leave a part of the places to those who are
known, however many addresses they have.
"""

from types import TracebackType

from uploads.access import Principal
from uploads.failures import TooManyUploads, Unavailable


def of_strangers(at_once: int, each: int) -> int:
    """How many of all places strangers may have together."""
    return max(each, at_once * 3 // 4)


class Admission:
    def __init__(self, at_once: int, per_principal: int, what: str = "uploads") -> None:
        self._what = what
        self._at_once = at_once
        self._per_principal = per_principal
        self._of_strangers = of_strangers(at_once, per_principal)
        self._under_way: dict[str, int] = {}
        self._strangers = 0
        self.under_way = 0

    def place(self, principal: Principal) -> "Place":
        """To be entered; whoever leaves it makes room.

        :raises TooManyUploads, Unavailable: on entering, where there is none.
        """
        return Place(self, principal)

    def take(self, principal: Principal) -> None:
        asker, is_stranger = principal.asker, principal.is_anonymous
        theirs = self._under_way.get(asker, 0)
        if self.under_way >= self._at_once:
            raise Unavailable(
                f"{self._at_once} {self._what} are under way, and no more are taken at once."
                " Try again in some seconds."
            )
        if theirs >= self._per_principal:
            raise TooManyUploads(
                f"{self._per_principal} {self._what} {principal.whose} are under way, and no more"
                " are taken at once. Wait until one of them is done."
            )
        if is_stranger and self._strangers >= self._of_strangers:
            raise Unavailable(
                f"{self._of_strangers} {self._what} of people who have not signed in are under way,"
                " and no more are taken at once. Sign in, or try again in some seconds."
            )
        self._under_way[asker] = theirs + 1
        self._strangers += is_stranger
        self.under_way += 1

    def leave(self, principal: Principal) -> None:
        asker = principal.asker
        self.under_way -= 1
        self._strangers -= principal.is_anonymous
        self._under_way[asker] -= 1
        if not self._under_way[asker]:
            del self._under_way[asker]


class Place:
    """Each upload takes one, so that it is no generator, which takes longer to be entered."""

    __slots__ = ("_admission", "_principal")

    def __init__(self, admission: Admission, principal: Principal) -> None:
        self._admission = admission
        self._principal = principal

    def __enter__(self) -> None:
        self._admission.take(self._principal)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._admission.leave(self._principal)
