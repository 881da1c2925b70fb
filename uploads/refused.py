"""Which uploads were just refused: some clients delete what is at the address of one (rclone does
after every failed PUT), and would delete the very file that the refusal protected.

To its client an upload has failed as soon as its line is cut, or a proxy has lost its patience. It
is noticed here later, so what is under way counts as refused until it is stored.

In memory and bounded: after a restart, or past many refusals, such a deletion is one like any other
and can be taken back.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from uploads.access import Principal
from uploads.names import Path
from uploads.ports import Clock

REMEMBERED = 10_000
SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class RefusedUploads:
    clock: Clock = time.monotonic
    _times: OrderedDict[tuple[str, str], float] = field(default_factory=OrderedDict)

    @contextmanager
    def until_stored(self, principal: Principal, path: Path) -> Iterator[None]:
        self._note(principal, path, math.inf)
        try:
            yield
        except BaseException:
            self.note(principal, path)
            raise
        self._times.pop((principal.asker, path.folded), None)

    def note(self, principal: Principal, path: Path) -> None:
        self._note(principal, path, self.clock())

    def _note(self, principal: Principal, path: Path, moment: float) -> None:
        key = (principal.asker, path.folded)
        self._times[key] = moment
        self._times.move_to_end(key)
        if len(self._times) > REMEMBERED:
            self._times.popitem(last=False)

    def take(self, principal: Principal, path: Path) -> bool:
        """Once only: whoever asks a second time means it."""
        noted = self._times.pop((principal.asker, path.folded), None)
        return noted is not None and self.clock() - noted < SECONDS
