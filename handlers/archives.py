"""/archive/: a folder, or some of what is in it, as one ZIP file that is made while it is sent.

Nothing is compressed, as most of what is large is already; so the bytes pass as they are.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import zipstream  # type: ignore[import-untyped]
from aiohttp import web

from handlers import asking, bodies
from handlers.gate import GATE
from handlers.headers import dispositions
from handlers.headers.membernames import MemberNames
from handlers.identity import principal_of
from handlers.parts import Parts
from uploads import archiving, names
from uploads.admission import Admission
from uploads.failures import MalformedRequest
from uploads.files import Folder, StoredFile
from uploads.names import Path

ARCHIVE = "/archive/"
AT_ONCE, PER_PRINCIPAL = 16, 4
MOST_CHOSEN = 10_000
LONGEST_CHOICE = 1 << 20
READ_AT_ONCE = 256 << 10
TOP = "files"


@dataclass(slots=True)
class Slot:
    """Hands one piece after the other to the archive, each laid in just before it is asked for."""

    piece: bytes | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece, self.piece = self.piece, None
        if piece is None:
            raise StopIteration
        return piece


@dataclass(frozen=True, slots=True)
class Archives:
    parts: Parts
    places: Admission = field(default_factory=lambda: Admission(AT_ONCE, PER_PRINCIPAL, "archives"))

    async def get(self, request: web.Request) -> web.StreamResponse:
        return await self._send(request, _chosen(request.raw_path.partition("?")[2]))

    async def post(self, request: web.Request) -> web.StreamResponse:
        """More names than an address can hold."""
        body = await bodies.small_body(request, self.parts.rules.limits, LONGEST_CHOICE)
        if body is None:
            raise MalformedRequest("These are too many names. Take the whole folder.")
        return await self._send(request, _chosen(body.decode("utf-8", "replace")))

    async def _send(self, request: web.Request, chosen: list[str]) -> web.StreamResponse:
        principal, holdings = principal_of(request), self.parts.holdings
        folder = asking.target(request, ARCHIVE, self.parts.names).path
        for name in chosen:
            names.parse(name, self.parts.names)
        with self.places.place(principal):
            entries = await archiving.chosen(holdings, principal, folder, chosen)
            response = web.StreamResponse(headers=_headers(folder, entries))
            await response.prepare(request)
            if request.method != "HEAD":
                async for piece in self._pieces(request, folder, entries):
                    await response.write(piece)
            await response.write_eof()
        return response

    async def _pieces(
        self, request: web.Request, folder: Path, entries: list[StoredFile | Folder]
    ) -> AsyncIterator[bytes]:
        """What ends it in its midst leaves it without the table at its end."""
        archive, called = zipstream.ZipStream(), MemberNames()
        for top in entries:
            async for entry in archiving.within(self.parts.holdings, principal_of(request), top):
                request.app[GATE].check_still(request)
                parts = entry.path.parts[len(folder.parts) :]
                if isinstance(entry, StoredFile):
                    # What was asked for may be this very file.
                    name = called.of(parts or entry.path.parts[-1:], is_folder=False)
                    async for piece in self._member(archive, name, entry):
                        yield piece
                elif parts:
                    archive.add(None, called.of(parts, is_folder=True))
                    yield b"".join(archive.file())
        for piece in archive.footer():
            yield piece

    async def _member(
        self, archive: zipstream.ZipStream, name: str, file: StoredFile
    ) -> AsyncIterator[bytes]:
        slot = Slot()
        archive.add(slot, name, size=file.content.size)
        member = archive.file()
        yield next(member)
        reading = await self.parts.holdings.open(file)
        try:
            for start in range(0, reading.size, READ_AT_ONCE):
                slot.piece = await reading.read(start, READ_AT_ONCE)
                yield next(member)
        finally:
            reading.close()
        yield b"".join(member)


def _headers(folder: Path, entries: list[StoredFile | Folder]) -> dict[str, str]:
    named = entries[0].path if len(entries) == 1 else folder
    name = f"{named.name if named.parts else TOP}.zip"
    return {
        "Content-Type": "application/zip",
        "Content-Disposition": dispositions.for_download(name, inline=False),
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
    }


def _chosen(query: str) -> list[str]:
    """The values of `entry`, each once, in their order; none of them means the whole folder."""
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, errors="strict", max_num_fields=MOST_CHOSEN
        )
    except ValueError:
        raise MalformedRequest(
            f"The names cannot be read; at most {MOST_CHOSEN:,} are taken at once."
        ) from None
    if unknown := {name for name, _ in pairs} - {"entry"}:
        raise MalformedRequest(f'An archive is asked for with "entry", not "{min(unknown)}".')
    if any("/" in value or not value for _, value in pairs):
        raise MalformedRequest('"entry" takes the name of something in the folder, and no path.')
    return list(dict.fromkeys(value for _, value in pairs))
