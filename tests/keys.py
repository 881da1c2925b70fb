"""Requests under an Idempotency-Key, and what a repeated one is answered."""

import base64
import hashlib
from pathlib import Path as DiskPath
from typing import Any

from aiohttp import ClientResponse

from storage.disk.blobs import DiskBlobs
from tests.doors import House, sent
from uploads.access import ALL_RIGHTS, Grant
from uploads.names import Path

KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
AS_ANN = {"Authorization": "Bearer token"}
FOR_ANN = Grant(Path(("ann",)), frozenset({"user:ann"}), ALL_RIGHTS)


def digest_of(body: bytes) -> dict[str, str]:
    value = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return {"Repr-Digest": f"sha-256=:{value}:"}


async def ask(
    house: House, method: str, address: str, **options: Any
) -> tuple[ClientResponse, dict[str, Any]]:
    async with house.client.request(method, address, allow_redirects=False, **options) as response:
        text = await response.read()
        told = await response.json(content_type=None) if text.startswith(b"{") else {}
        return response, told


async def put_key(
    house: House, path: str, body: bytes, **headers: str
) -> tuple[ClientResponse, dict[str, Any]]:
    return await sent(house, path, body, **{**KEY, **headers})


async def versions(house: House, path: str) -> list[int]:
    _, told = await ask(house, "GET", f"/files/{path}?versions")
    return [one["version"] for one in told.get("versions", [])]


def told_alike(first: dict[str, Any], again: dict[str, Any]) -> bool:
    """But for the id of the request."""
    return {**first, "instance": ""} == {**again, "instance": ""}


def is_replay(answer: ClientResponse) -> bool:
    return answer.headers.get("Idempotency-Replayed") == "?1"


def lose_blob(house: House) -> None:
    blobs = house.parts.holdings.blobs
    assert isinstance(blobs, DiskBlobs)
    (blob,) = DiskPath(blobs._folder.path).glob("*/*")
    blob.unlink()
