"""A client of tus 1.0 that does one step at a time, over any of our test houses."""

import base64
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from aiohttp import ClientResponse

from tests.doors import House

LARGE = 1 << 20
VERSION = {"Tus-Resumable": "1.0.0"}
PIECE = {"Content-Type": "application/offset+octet-stream"}


def metadata(**said: str) -> str:
    return ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items()
    )


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def location(self) -> str:
        return self.headers["location"]

    @property
    def offset(self) -> int:
        return int(self.headers["upload-offset"])

    @property
    def problem(self) -> str:
        return str(self.body["type"]).removeprefix("/problems/")


@dataclass
class Client:
    house: House
    who: dict[str, str] = field(default_factory=dict)

    async def ask(
        self, method: str, href: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        async with self.house.client.request(
            method, href, data=_sendable(body), headers={**VERSION, **self.who, **(headers or {})}
        ) as answer:
            return await _answer(answer)

    async def create(
        self, name: str | None, size: int | None, body: bytes | None = None, **headers: str
    ) -> Answer:
        """The underscores of header names are dashes."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        if name is not None:
            named.setdefault("Upload-Metadata", metadata(filename=name))
        if size is not None:
            named["Upload-Length"] = str(size)
        if body is not None:
            named.update(PIECE)
        return await self.ask("POST", "/uploads/", body, named)

    async def begun(self, name: str | None, size: int | None, **headers: str) -> str:
        answer = await self.create(name, size, None, **headers)
        assert answer.status == 201, answer.body
        return answer.location

    async def patch(self, href: str, offset: int, body: Any = b"", **headers: str) -> Answer:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return await self.ask("PATCH", href, body, {**PIECE, "Upload-Offset": str(offset), **named})

    async def head(self, href: str) -> Answer:
        return await self.ask("HEAD", href)


def _sendable(body: Any) -> Any:
    """aiohttp wants large bodies as files."""
    return BytesIO(body) if isinstance(body, bytes) and len(body) > LARGE else body


async def _answer(answer: ClientResponse) -> Answer:
    body = await answer.read()
    return Answer(
        answer.status,
        {name.lower(): value for name, value in answer.headers.items()},
        await answer.json(content_type=None) if body else None,
    )
