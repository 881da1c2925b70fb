"""Bytes that rest in the index, or in memory: read without a file."""

from collections.abc import AsyncIterator

from uploads.values import value

PIECE = 1 << 20


@value
class BytesReading:
    """The port `Reading`, over bytes that are here already."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def fileno(self) -> int | None:
        return None

    async def read(self, start: int, count: int) -> bytes:
        return self.data[start : start + count]

    async def pieces(self, start: int, count: int) -> AsyncIterator[bytes]:
        end = min(start + count, len(self.data))
        for at in range(start, end, PIECE):
            yield self.data[at : min(at + PIECE, end)]

    def close(self) -> None:
        """There is nothing to close."""
