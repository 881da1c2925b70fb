"""Asking as Nextcloud clients do: under the user's own address, and with files in numbered pieces."""

import hashlib

from tests.davs import Answer
from tests.doors import House

FILES = "/remote.php/dav/files/ann/"
UPLOADS = "/remote.php/dav/uploads/ann/"
# ann and her password, or a token of hers.
ANN = "Basic YW5uOnNlY3JldA=="
BY_TOKEN = "Basic d2hvZXZlcjp0b2tlbg=="
OC = "{http://owncloud.org/ns}"
WANTED = ("id", "fileid", "permissions", "size", "checksums", "share-types")


async def ask(
    house: House, method: str, path: str, body: bytes | str | None = None, **headers: str
) -> Answer:
    """By ann. The underscores of header names are dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("Authorization", ANN)
    async with house.client.request(
        method, path, data=body, headers=named, allow_redirects=False
    ) as response:
        return Answer(response.status, response.headers, (await response.read()).decode())


async def find(house: House, path: str, depth: str = "0", **headers: str) -> Answer:
    inner = "".join(f'<{name} xmlns="http://owncloud.org/ns"/>' for name in WANTED)
    body = (
        f'<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><D:getlastmodified/>{inner}'
        '<x:has-preview xmlns:x="http://nextcloud.org/ns"/></D:prop></D:propfind>'
    )
    return await ask(house, "PROPFIND", path, body, Depth=depth, **headers)


async def told(house: House, path: str, **headers: str) -> dict[str, str | None]:
    """The properties that are there, by their local names."""
    answer = await find(house, path, **headers)
    assert answer.status == 207, answer.text
    found = answer.properties(answer.hrefs[0])
    return {
        name.partition("}")[2]: "".join(one.itertext())
        for name, (status, one) in found.items()
        if status == 200
    }


async def begun(house: House, name: str, *pieces: bytes, **headers: str) -> str:
    """An upload of these pieces, numbered from 0 on; its address."""
    address = f"{UPLOADS}{name}"
    made = await ask(house, "MKCOL", address, **headers)
    assert made.status == 201, made.text
    for number, piece in enumerate(pieces):
        brought = await ask(house, "PUT", f"{address}/{number:016}", piece)
        assert brought.status == 201, brought.text
    return address


async def joined(house: House, address: str, path: str, **headers: str) -> Answer:
    return await ask(house, "MOVE", f"{address}/.file", Destination=FILES + path, **headers)


def sha1(body: bytes) -> str:
    return f"SHA1:{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"
