"""Which codes of second factors count: each once, and for a while none after too many wrong ones.

Wrong ones are counted by the password that they came with, so nobody who does not know it can have
a user refused, and another password begins anew. In memory: a restart forgets.
"""

import hmac
from collections import deque

from storage import factors
from uploads.failures import TooManyGuesses
from uploads.ports import Clock

_MOST_WRONG = 10
_WINDOW = 3600.0


class Codes:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # By user, the step of the last code that counted.
        self._used: dict[str, int] = {}
        self._began = factors.step(clock())
        self._wrong: dict[bytes, deque[float]] = {}

    def counts(self, user: str, factor: str, code: str, proof: bytes) -> bool:
        """None of the time before the start counts, of which nobody knows what was used. `proof`:
        of the right password.

        :raises TooManyGuesses: for the right code alone. Whoever has not got that is told what they
            would be with a wrong password, as that it is right is nothing to be found out.
        """
        now = self._clock()
        step = factors.step(now)
        if step <= self._used.get(user, self._began):
            return False
        if not hmac.compare_digest(factors.code(factor, step).encode(), code.encode()):
            # Without any it is somebody who forgot it, or a program that knows of none.
            if code:
                self._wrong.setdefault(proof, deque(maxlen=_MOST_WRONG)).append(now)
            return False
        self._check_wrong(proof, now)
        self._used[user] = step
        return True

    def _check_wrong(self, proof: bytes, now: float) -> None:
        lately = [then for then in self._wrong.get(proof, ()) if now - _WINDOW < then <= now]
        if len(lately) == _MOST_WRONG:
            wait = max(1, round(lately[0] + _WINDOW - now))
            raise TooManyGuesses(
                f"Too many wrong codes came with this password. Wait {wait} s. If they were not"
                " yours, somebody knows it: ask who runs this server for another one.",
                wait,
            )
