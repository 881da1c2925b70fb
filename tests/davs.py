"""Asking the WebDAV door, and reading its multistatus answers."""

from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET  # our own answers, in tests

from tests.doors import House

DAV = "{DAV:}"
LOCK = (
    '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:{scope}/></D:lockscope>'
    "<D:locktype><D:write/></D:locktype><D:owner>{owner}</D:owner></D:lockinfo>"
)


@dataclass
class Answer:
    status: int
    headers: Any
    text: str

    @property
    def xml(self) -> ET.Element:
        return ET.fromstring(self.text)  # noqa: S314 - we wrote it

    @property
    def refusal(self) -> str:
        """The slug of a `D:error`."""
        assert self.headers["Content-Type"].startswith("application/xml"), self.text
        return self.xml.findtext("{http://sabredav.org/ns}exception") or ""

    @property
    def hrefs(self) -> list[str]:
        return [one.findtext(f"{DAV}href") or "" for one in self.xml.iter(f"{DAV}response")]

    def properties(self, href: str) -> dict[str, tuple[int, ET.Element]]:
        """By `{namespace}name`: the status, and the element."""
        found = {}
        for response in self.xml.iter(f"{DAV}response"):
            if response.findtext(f"{DAV}href") != href:
                continue
            for propstat in response.iter(f"{DAV}propstat"):
                line = propstat.findtext(f"{DAV}status") or ""
                for prop in propstat.iter(f"{DAV}prop"):
                    found.update({one.tag: (int(line.split()[1]), one) for one in prop})
        return found


async def ask(
    house: House, method: str, path: str, body: bytes | str | None = None, **headers: str
) -> Answer:
    """The underscores of header names are dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    data = body.encode() if isinstance(body, str) else body
    async with house.client.request(
        method, f"/dav/{path}", data=data, headers=named, allow_redirects=False
    ) as response:
        return Answer(response.status, response.headers, (await response.read()).decode())


async def lock(
    house: House, path: str, scope: str = "exclusive", owner: str = "me", **headers: str
) -> str:
    """The token."""
    body = LOCK.format(scope=scope, owner=owner)
    answer = await ask(house, "LOCK", path, body, **headers)
    assert answer.status in {200, 201}, answer.text
    token: str = answer.headers["Lock-Token"]
    return token.strip("<>")


async def find(house: House, path: str, *names: str, depth: str = "0", **headers: str) -> Answer:
    """Names of the namespace DAV:, or `<x xmlns="..."/>` as they are; none for allprop."""
    inner = "".join(name if name.startswith("<") else f"<D:{name}/>" for name in names)
    body = f'<D:propfind xmlns:D="DAV:"><D:prop>{inner}</D:prop></D:propfind>' if names else None
    return await ask(house, "PROPFIND", path, body, Depth=depth, **headers)


async def patch(house: House, path: str, update: str, **headers: str) -> Answer:
    body = f'<D:propertyupdate xmlns:D="DAV:" xmlns:x="urn:x">{update}</D:propertyupdate>'
    return await ask(house, "PROPPATCH", path, body, **headers)


def setting(inner: str) -> str:
    return f"<D:set><D:prop>{inner}</D:prop></D:set>"


def removing(inner: str) -> str:
    return f"<D:remove><D:prop>{inner}</D:prop></D:remove>"
