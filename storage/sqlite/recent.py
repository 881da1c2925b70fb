"""What was found at names, as long as nothing has been committed since. Knows no rule.

Who asks for one file again and again is answered without a thread or a question to SQLite.
"""

from uploads.collisions import AtName, FileHere
from uploads.names import Path

# What stands at a name, and the bytes of a small file.
Found = tuple[AtName, bytes | None]

MOST_BYTES = 4 << 20
# What the values of a file take, about, beside its path and its bytes.
EACH = 1 << 10


class Recent:
    """On the event loop. All of it is of one moment, and forgotten with that."""

    def __init__(self) -> None:
        self._moment: int | None = None
        self._found: dict[Path, Found] = {}
        self._bytes = 0

    def at(self, path: Path, moment: int | None) -> Found | None:
        """What was found there in this moment; None is one that nobody can be sure of."""
        if moment is None or moment != self._moment:
            return None
        return self._found.get(path)

    def keep(self, path: Path, found: Found, moment: int) -> None:
        """Only files: whoever asks for what is not there asks for ever new names."""
        if not isinstance(found[0], FileHere):
            return
        if moment != self._moment:
            self._moment, self._found, self._bytes = moment, {}, 0
        if path not in self._found:
            self._found[path] = found
            self._bytes += _size(path, found)
        while self._bytes > MOST_BYTES:
            oldest = next(iter(self._found))
            self._bytes -= _size(oldest, self._found.pop(oldest))


def _size(path: Path, found: Found) -> int:
    return EACH + len(str(path)) + len(found[1] or b"")
