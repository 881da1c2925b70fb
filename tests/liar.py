"""Servers that say of a file that it is stored when it is not: `liar.py PORT FOLDER NAME`.

Both give what they took as long as they run, so that nobody can tell who does not end them.
"""

import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Unsynced(BaseHTTPRequestHandler):
    """Writes and does not sync."""

    folder: Path

    def do_PUT(self) -> None:
        self._keep(self.path.strip("/"), self.rfile.read(int(self.headers["Content-Length"])))
        self._say(201, b"")

    def do_GET(self) -> None:
        body = self._kept(self.path.strip("/"))
        self._say(404 if body is None else 200, body or b"")

    def log_request(self, *_: object) -> None:
        """Nobody reads it."""

    def _keep(self, name: str, body: bytes) -> None:
        (self.folder / name).write_bytes(body)

    def _kept(self, name: str) -> bytes | None:
        file = self.folder / name
        return file.read_bytes() if file.exists() else None

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Unwritten(Unsynced):
    """Writes when it is ended in good order."""

    promised: dict[str, bytes] = {}  # noqa: RUF012 - one process, one store

    @classmethod
    def end(cls, *_: object) -> None:
        for name, body in cls.promised.items():
            (cls.folder / name).write_bytes(body)
        sys.exit()

    def _keep(self, name: str, body: bytes) -> None:
        self.promised[name] = body

    def _kept(self, name: str) -> bytes | None:
        return self.promised.get(name) or super()._kept(name)


if __name__ == "__main__":
    Unsynced.folder = Path(sys.argv[2])
    signal.signal(signal.SIGTERM, Unwritten.end)
    liar = {one.__name__: one for one in (Unsynced, Unwritten)}[sys.argv[3]]
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), liar).serve_forever()
