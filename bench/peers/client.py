"""One large transfer over one connection, as fast as the kernel can: put, tus, form or get.

Prints how many seconds it took. Run on a processor of its own.
"""

import argparse
import json
import os
import secrets
import socket
import time
from pathlib import Path

AT_ONCE = 16 << 20
BORDER = secrets.token_hex(16)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=["put", "tus", "form", "get"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--field", default="file")
    parser.add_argument("--fields", type=json.loads, default=[])
    arguments = parser.parse_args()
    with socket.create_connection(("127.0.0.1", arguments.port)) as connection:
        began = time.perf_counter()
        if arguments.work == "get":
            count = _get(connection, arguments.path)
        else:
            count = _send(connection, arguments)
        print(json.dumps({"seconds": time.perf_counter() - began, "bytes": count}))


def _send(connection: socket.socket, arguments: argparse.Namespace) -> int:
    """A file, the first bytes of which are new, so that nobody has this content."""
    size: int = arguments.source.stat().st_size
    unique = os.urandom(64)
    before, after = b"", b""
    kind, path = "application/octet-stream", arguments.path
    if arguments.work == "form":
        folder, _, name = path.rpartition("/")
        fields = "".join(_part(f'name="{key}"') + f"{value}\r\n" for key, value in arguments.fields)
        file = _part(f'name="{arguments.field}"; filename="{name}"')
        before, after = (fields + file).encode(), f"\r\n--{BORDER}--\r\n".encode()
        kind, path = f"multipart/form-data; boundary={BORDER}", f"{folder}/"
    method = {"put": "PUT", "tus": "PATCH", "form": "POST"}[arguments.work]
    if arguments.work == "tus":
        path = _tus_created(connection, path, size)
        kind = "application/offset+octet-stream"
    head = _head(method, path)
    if arguments.work == "tus":
        head += "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
    head += f"Content-Type: {kind}\r\nContent-Length: {len(before) + size + len(after)}\r\n\r\n"
    connection.sendall(head.encode() + before + unique)
    with arguments.source.open("rb") as source:
        at = len(unique)
        while at < size:
            at += os.sendfile(connection.fileno(), source.fileno(), at, min(AT_ONCE, size - at))
    connection.sendall(after)
    _status(connection.recv(1 << 16))
    return size


def _tus_created(connection: socket.socket, path: str, size: int) -> str:
    """The address of a new upload, to which the bytes go."""
    folder = path.rpartition("/")[0]
    head = _head("POST", f"{folder}/") + f"Tus-Resumable: 1.0.0\r\nUpload-Length: {size}\r\n"
    connection.sendall(f"{head}Content-Length: 0\r\n\r\n".encode())
    answer = connection.recv(1 << 16)
    _status(answer)
    lines = answer.decode().split("\r\n")
    location = next(line for line in lines if line.lower().startswith("location:"))
    return "/" + location.partition("://")[2].partition("/")[2]


def _get(connection: socket.socket, path: str) -> int:
    connection.sendall((_head("GET", path) + "\r\n").encode())
    buffer = bytearray(1 << 20)
    count = connection.recv_into(buffer)
    head, _, start = bytes(buffer[:count]).partition(b"\r\n\r\n")
    _status(head)
    length = next(
        line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    )
    size = int(length.partition(b":")[2])
    received = len(start)
    while received < size:
        received += connection.recv_into(buffer)
    return size


def _part(disposition: str) -> str:
    return f"--{BORDER}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"


def _head(method: str, path: str) -> str:
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"


def _status(answer: bytes) -> None:
    words = answer.split(b" ", 2)
    if len(words) < 2 or not words[1].startswith(b"2"):
        raise SystemExit(f"The server said: {answer[:500]!r}")


if __name__ == "__main__":
    main()
