"""One client for all servers: whole requests, and ones whose last byte is held back.

Every request has a connection of its own, so that what one answer leaves unread meets no other.
"""

import json
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any, Self
from urllib.parse import urlsplit

PATIENCE = 60.0
PIECE = 256 << 10
# What breaks where a server is killed, or closes without a word.
BROKEN = (OSError, HTTPException)
_ADDRESS = re.compile(r"(?:https?://[^\s/\"'<>]+)?(/[^\s\"'<>]+)")


@dataclass(frozen=True)
class Answer:
    """`status` is 0 where the connection ended without one."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_stored(self) -> bool:
        return 200 <= self.status < 300

    @property
    def etag(self) -> str | None:
        return self.headers.get("etag")

    @property
    def json(self) -> dict[str, Any]:
        """Empty where it is none."""
        with suppress(ValueError):
            found = json.loads(self.body)
            if isinstance(found, dict):
                return found
        return {}

    def addresses(self) -> Iterator[str]:
        """All that it tells, in its headers and in what it says."""
        told = [self.headers.get(name, "") for name in ("location", "content-location", "link")]
        for text in (*told, self.body.decode(errors="replace")):
            yield from (urlsplit(one).path for one in _ADDRESS.findall(text))


NOTHING = Answer(0, {}, b"")


class Held:
    """A request on its way; nothing has been sent of it yet."""

    def __init__(
        self,
        port: int,
        method: str,
        address: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        fields = {"Host": f"127.0.0.1:{port}", "Connection": "close", **(headers or {})}
        if method in {"PUT", "POST", "PATCH"}:
            fields["Content-Length"] = str(len(body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._method = method
        self._message = f"{method} {address} HTTP/1.1\r\n{lines}\r\n".encode() + body
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send_all_but_the_last_byte(self) -> None:
        with suppress(OSError):
            self._socket.sendall(self._message[:-1])

    def send_the_last_byte(self) -> None:
        # Who has refused already may have closed; its answer is read all the same.
        with suppress(OSError):
            self._socket.sendall(self._message[-1:])

    def send(self, pause: float) -> None:
        """In pieces, with a pause between them."""
        for at in range(0, len(self._message), PIECE):
            if at and pause:
                time.sleep(pause)
            self._socket.sendall(self._message[at : at + PIECE])

    def answer(self) -> Answer:
        with closing(HTTPResponse(self._socket, method=self._method)) as response:
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())


def ask(
    port: int,
    method: str,
    address: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    pause: float = 0.0,
) -> Answer:
    try:
        with Held(port, method, address, body, headers) as request:
            with suppress(BrokenPipeError, ConnectionResetError):
                request.send(pause)
            return request.answer()
    except BROKEN:
        return NOTHING


def together(
    port: int, address: str, bodies: list[bytes], headers: Mapping[str, str]
) -> list[Answer]:
    """PUTs to one address: each but for its last byte; then all last bytes at once."""
    held = [Held(port, "PUT", address, body, headers) for body in bodies]
    for one in held:
        one.send_all_but_the_last_byte()
    for one in held:
        one.send_the_last_byte()
    return [_answer_of(one) for one in held]


def _answer_of(held: Held) -> Answer:
    with held:
        try:
            return held.answer()
        except BROKEN:
            return NOTHING
