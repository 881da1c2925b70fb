"""Forms as browsers send them, and what a house of doors says to them."""

import json
from collections.abc import Mapping
from typing import Any

from tests.doors import House

BORDER = "border-4711"
TYPE = {"Content-Type": f"multipart/form-data; boundary={BORDER}"}
HTML = {"Accept": "text/html"}


def file(name: str | bytes, body: bytes, field: str = "file", extra: str = "") -> bytes:
    """A part as browsers send it: UTF-8, nothing escaped but what the caller has escaped."""
    raw = name if isinstance(name, bytes) else name.encode()
    disposition = b'Content-Disposition: form-data; name="' + field.encode() + b'"; filename="'
    kind = b'"\r\nContent-Type: application/octet-stream\r\n' + extra.encode() + b"\r\n"
    return b"--" + BORDER.encode() + b"\r\n" + disposition + raw + kind + body + b"\r\n"


def field(name: str, value: str) -> bytes:
    return (
        f'--{BORDER}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    )


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BORDER}--\r\n".encode()


async def post(
    house: House, *parts: bytes, to: str = "/files/", headers: dict[str, str] | None = None
) -> tuple[int, Any, Mapping[str, str]]:
    sent = {**TYPE, **(headers or {})}
    answer = await house.client.post(to, data=form(*parts), headers=sent, allow_redirects=False)
    text = await answer.text()
    said = json.loads(text) if "json" in answer.content_type else text
    return answer.status, said, answer.headers


async def read(house: House, path: str) -> bytes | None:
    answer = await house.client.get(f"/files/{path}")
    return await answer.read() if answer.status == 200 else None
