"""A client's socket on loan to a thread, which reads a body from it while the event loop keeps out.

Bytes that pass through the loop cost it a new object and several copies each; those that a thread
receives into one and the same buffer cost neither. Knows sockets, and no HTTP.
"""

import asyncio
import fcntl
import select
import socket
import struct
import termios
import threading

# A thread waits this long for more; then the loop waits, so that slow clients hold no thread.
_THREAD_WAITS_MS = 10
# Nobody is woken for less than this, unless it is the end: a slow client would wake us per packet.
_WORTH_WAKING = 64 << 10


class Loan:
    """`left`: how many bytes of the body have not been drawn. One draws at a time."""

    def __init__(self, ours: socket.socket, left: int) -> None:
        self.left = left
        self._ours = ours
        self._lock = threading.Lock()
        self._drawing = False
        self._closed = False
        self._poll = select.poll()
        self._poll.register(ours, select.POLLIN)

    async def ready(self, patience: float) -> None:
        """Until there is something to draw, or the client is gone.

        :raises TimeoutError: nothing has come for `patience` seconds.
        """
        self._wake_at(min(self.left, _WORTH_WAKING))
        loop = asyncio.get_running_loop()
        there = loop.create_future()
        loop.add_reader(self._ours, _resolve, there)
        try:
            async with asyncio.timeout(patience):
                await there
        except TimeoutError:
            if not self._waiting():
                raise
        finally:
            loop.remove_reader(self._ours)

    def draw(self, buffer: bytearray, start: int) -> int:
        """What has come, as much as fits and is left; 0 where nothing comes at the moment.

        Called in a thread. :raises ConnectionError: the client is gone.
        """
        with self._lock:
            if self._closed:
                raise ConnectionAbortedError("the loan is over")
            self._drawing = True
        try:
            count = self._receive(memoryview(buffer)[start : start + self.left])
            self.left -= count
            return count
        finally:
            self._drawn()

    def read_now(self, most: int) -> bytes:
        """As `draw`, on the event loop: what is there without waiting."""
        try:
            data = self._ours.recv(min(most, self.left))
        except BlockingIOError:
            return b""
        except OSError as lost:
            raise _gone() from lost
        if not data:
            raise _gone()
        self.left -= len(data)
        return data

    def close(self) -> None:
        """A thread that still draws closes the socket itself: its number must not be given away."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._wake_at(1)
            if not self._drawing:
                self._ours.close()

    def _receive(self, room: memoryview) -> int:
        for _ in range(2):
            try:
                count = self._ours.recv_into(room)
            except BlockingIOError:
                if not self._poll.poll(_THREAD_WAITS_MS):
                    break
                continue
            except OSError as lost:
                raise _gone() from lost
            if not count:
                raise _gone()
            return count
        return 0

    def _drawn(self) -> None:
        with self._lock:
            self._drawing = False
            if self._closed:
                self._ours.close()

    def _wake_at(self, count: int) -> None:
        self._ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)

    def _waiting(self) -> bool:
        """Has come, but was not worth waking anybody for."""
        (count,) = struct.unpack("i", fcntl.ioctl(self._ours, termios.FIONREAD, bytes(4)))
        return bool(count)


def _gone() -> ConnectionResetError:
    """Also where the network says so, which would pass for an error of the disk: no route, no
    answer in time.
    """
    return ConnectionResetError("the client is gone")


def _resolve(there: "asyncio.Future[None]") -> None:
    if not there.done():
        there.set_result(None)
