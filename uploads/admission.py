"""How many uploads may be under way at once, in all and for one principal."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from uploads.access import Principal
from uploads.failures import TooManyUploads, Unavailable


class Admission:
    def __init__(self, at_once: int, per_principal: int) -> None:
        self._at_once = at_once
        self._per_principal = per_principal
        self._under_way: Counter[str] = Counter()

    @property
    def under_way(self) -> int:
        return self._under_way.total()

    @contextmanager
    def place(self, principal: Principal) -> Iterator[None]:
        if self.under_way >= self._at_once:
            raise Unavailable(
                f"{self._at_once} uploads are under way, and no more are taken at once."
                " Try again in some seconds."
            )
        if self._under_way[principal.name] >= self._per_principal:
            raise TooManyUploads(
                f"{self._per_principal} of your uploads are under way, and no more are taken at"
                " once. Wait until one of them is done."
            )
        self._under_way[principal.name] += 1
        try:
            yield
        finally:
            self._under_way[principal.name] -= 1
            self._under_way += Counter()
