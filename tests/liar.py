"""A server that says of a file that it is stored, and writes it later: `liar.py PORT FOLDER`.

What it has not written yet it gives from memory, so that nobody can tell who does not end it.
"""

import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LATER = 1.0


class Liar(BaseHTTPRequestHandler):
    promised: dict[str, bytes]
    folder: Path

    def do_PUT(self) -> None:
        name = self.path.strip("/")
        self.promised[name] = self.rfile.read(int(self.headers["Content-Length"]))
        self._say(201, b"")

    def do_GET(self) -> None:
        name = self.path.strip("/")
        file = self.folder / name
        body = self.promised.get(name) or (file.read_bytes() if file.exists() else None)
        self._say(404 if body is None else 200, body or b"")

    def log_request(self, *_: object) -> None:
        """Nobody reads it."""

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def write_later() -> None:
    while True:
        time.sleep(LATER)
        for name, body in list(Liar.promised.items()):
            (Liar.folder / name).write_bytes(body)
            if Liar.promised[name] is body:
                del Liar.promised[name]


if __name__ == "__main__":
    Liar.promised = {}
    Liar.folder = Path(sys.argv[2])
    threading.Thread(target=write_later, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Liar).serve_forever()
