"""A wire between the browser and the server: as slow as it is told to be, and it can be cut."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PIECE = 64 << 10


class Relay:
    """`speed`: bytes per second from the browser, 0: as fast as it goes. `loses`: the next requests
    that begin so reach the server, and their answers do not come back; `losses` of them.
    """

    def __init__(self, goal: int, speed: int = 0) -> None:
        self.goal = goal
        self.speed = speed
        self.is_cut = False
        self.loses = b""
        self.losses = 0
        self.port = 0
        self.passed = 0
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """What is open is closed, and nothing new is let through."""
        self.is_cut = True
        self._loop.call_soon_threadsafe(self._close_all)

    def mend(self) -> None:
        self.is_cut = False

    def run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._pass, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        self._close_all()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.close()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.goal)
        except OSError:
            writer.close()
            return
        self._open |= {writer, back}
        lost = asyncio.Event()
        try:
            await asyncio.gather(self._there(reader, back, lost), self._back(there, writer, lost))
        finally:
            self._open -= {writer, back}

    async def _there(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                if self.losses and piece.startswith(self.loses):
                    self.losses -= 1
                    lost.set()
                writer.write(piece)
                await writer.drain()
                self.passed += len(piece)
                if self.speed:
                    await asyncio.sleep(len(piece) / self.speed)
        writer.close()

    async def _back(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                if lost.is_set():
                    writer.transport.abort()
                    return
                writer.write(piece)
                await writer.drain()
        writer.close()

    def _close_all(self) -> None:
        for writer in self._open:
            writer.transport.abort()


@contextmanager
def relayed(goal: int, speed: int = 0) -> Iterator[Relay]:
    relay, ready = Relay(goal, speed), threading.Event()
    thread = threading.Thread(target=relay.run, args=(ready,), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield relay
    finally:
        relay.end()
        thread.join()
