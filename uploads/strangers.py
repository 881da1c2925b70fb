"""How many of the uploads that arrive strangers have begun from one network, so that one of them
does not take the places of all.

In memory: of those that were begun before the start nobody knows from where.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from uploads.access import Principal
from uploads.failures import TooManyUploads
from uploads.files import Incoming
from uploads.ports import View

# Where none had ended, it is not looked again for so long.
LOOKED_EVERY = 1.0


class Origins:
    """Asked in turns of the index alone. `most`: of all strangers; one network may have half, and
    at least one.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._networks: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._looked = 0.0

    def note(
        self,
        view: View,
        principal: Principal,
        incoming: Incoming,
        ends: Sequence[Incoming],
        now: float,
    ) -> None:
        """`ends`: what ends with it, as it is made of that.

        :raises TooManyUploads: from there as many were begun and not ended as may be.
        """
        if not principal.network:
            return
        each = max(1, self._most // 2) + sum(one.id in self._networks for one in ends)
        if self._counts[principal.network] >= each or len(self._networks) >= 2 * self._most:
            self._forget_ended(view, now)
        if self._counts[principal.network] >= each:
            raise TooManyUploads(
                f"{each:,} uploads from your address have begun and not ended, and no more are"
                " begun. End some of them, or wait until they expire."
            )
        # A turn may be taken back, and its work done again.
        if incoming.id not in self._networks:
            self._networks[incoming.id] = principal.network
            self._counts[principal.network] += 1

    def _forget_ended(self, view: View, now: float) -> None:
        if 0 <= now - self._looked < LOOKED_EVERY:
            return
        ended = list(self._ended(view))
        if not ended:
            self._looked = now
        for id_ in ended:
            self._counts[self._networks.pop(id_)] -= 1
        self._counts += Counter()

    def _ended(self, view: View) -> Iterator[str]:
        for id_ in self._networks:
            found = view.incoming(id_)
            if found is None or found.number is not None:
                yield id_
