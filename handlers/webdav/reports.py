"""REPORT: sync-collection (RFC 6578), over the feed of changes. Knows no rule.

What was changed is answered as it is now: whoever applies each answer ends with the collection. A
change of properties or of a time alone is no change of a file, and is not told.
"""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace

from aiohttp import web

from handlers.identity import principal_of
from handlers.parts import Parts
from handlers.problems import Refusal, of_type
from handlers.webdav import if_header, multistatus, sync_tokens, xml
from handlers.webdav.live import Facts
from handlers.webdav.props import Asked, Props, names_in, read
from handlers.webdav.xml import DAV, Element
from uploads.access import Principal, Right
from uploads.describing import Described
from uploads.failures import MalformedRequest
from uploads.feed import Line, Position
from uploads.files import Folder, Kind, Listing
from uploads.names import Path

MOST_LINES = 1000
# Of changes elsewhere, so many pages are passed over for one answer.
MOST_PAGES = 20
AT_ONCE = 250
# Of what was changed, with the properties that are kept with it.
TOLD_AT_ONCE = 20
RESULTS = re.compile(r"[1-9][0-9]{0,8}")
TRUNCATED = "<D:error><D:number-of-matches-within-limits/></D:error>"


@dataclass(frozen=True, slots=True)
class Wanted:
    """`since`: None for the whole collection. `deep`: not only what is in it itself."""

    since: Position | None
    deep: bool
    limit: int | None
    asked: Asked


@dataclass(frozen=True, slots=True)
class Reports:
    parts: Parts
    props: Props

    async def report(self, request: web.Request) -> web.StreamResponse:
        target, principal = self.props.mount.target(request), principal_of(request)
        if_header.depth(request.headers.get("Depth", "0"), "0")
        wanted = _wanted(xml.parse(await read(self.parts, request)))
        top = await self.parts.describing.one(principal, target.path)
        if not isinstance(top.entry, Folder):
            raise MalformedRequest("A sync-collection is asked of a folder.")
        self.parts.rules.demand(principal, Right.LIST, target.path)
        facts = await self.props.facts(principal)
        with self.parts.listings.place(principal):
            if wanted.since is not None:
                told = self._since(principal, top, wanted, wanted.since, facts)
                return await multistatus.stream(request, told)
            if wanted.limit is not None:
                await self._count(principal, target.path, wanted, wanted.limit)
            told = self._all(principal, target.path, wanted, facts)
            return await multistatus.stream(request, told)

    async def _all(
        self, principal: Principal, path: Path, wanted: Wanted, facts: Facts
    ) -> AsyncIterator[str]:
        """Where the changes are is asked first: what is changed meanwhile is told once more."""
        now = (await self.parts.feed.page(principal, None, 0)).position
        async for entries in self._pages(principal, path, deep=wanted.deep):
            for piece in multistatus.pieces(self._described(entries, wanted, facts)):
                yield piece
        yield _token(now)

    async def _count(self, principal: Principal, path: Path, wanted: Wanted, most: int) -> None:
        """A list that is cut would end with a token that leads past what was left out."""
        found = 0
        async for entries in self._pages(principal, path, deep=wanted.deep):
            found += len(entries)
            if found > most:
                detail = f'"{path}" holds more than {most:,} entries, and they come all or none.'
                raise Refusal(of_type("too-much-to-list", detail))

    async def _pages(
        self, principal: Principal, path: Path, *, deep: bool
    ) -> AsyncIterator[list[Described]]:
        waiting = [path]
        while waiting:
            folder, listing = waiting.pop(), Listing(limit=AT_ONCE)
            more = True
            while more:
                entries, after = await self.props.page(principal, folder, listing)
                yield entries
                if deep:
                    waiting += self.props.listable(principal, entries)
                listing, more = replace(listing, after=after), after is not None

    async def _since(
        self,
        principal: Principal,
        top: Described,
        wanted: Wanted,
        since: Position,
        facts: Facts,
    ) -> AsyncIterator[str]:
        places: dict[Path, None] = {}
        emptied: set[Path] = set()
        limit = min(wanted.limit or MOST_LINES, MOST_LINES)
        more = True
        for _ in range(MOST_PAGES):
            page = await self.parts.feed.page(principal, since, limit)
            since, more = page.position, page.more
            for line in page.lines:
                places |= dict.fromkeys(_concerned(line, top.entry.path, deep=wanted.deep))
                _expect_here(line, top.entry.path)
                emptied |= _emptied(line)
            if places or not more:
                break
        there = await self.parts.describing.there(principal, list(places))
        # What was in a folder that is there again is gone all the same, so that is told first.
        gone = (
            multistatus.refused(self.props.mount.path_href(path), "not-there")
            for path in places
            if path not in there or path in emptied
        )
        for piece in multistatus.pieces(gone):
            yield piece
        shown = [path for path in places if path in there]
        for start in range(0, len(shown), TOLD_AT_ONCE):
            some = shown[start : start + TOLD_AT_ONCE]
            found = await self.parts.describing.those(principal, some)
            # What goes away meanwhile is told after the token.
            entries = [one for one in found if one]
            for piece in multistatus.pieces(self._described(entries, wanted, facts)):
                yield piece
        if more:
            href = self.props.mount.href(top.entry)
            yield multistatus.refused(href, "too-much-to-list", TRUNCATED)
        yield _token(since)

    def _described(
        self, entries: Sequence[Described], wanted: Wanted, facts: Facts
    ) -> Iterator[str]:
        return (self.props.described(one, wanted.asked, facts) for one in entries)


def _concerned(line: Line, folder: Path, *, deep: bool) -> list[Path]:
    """Which members of a folder a line is about."""
    depth = len(folder.parts)
    return [
        path
        for path in (line.source, line.path)
        if path is not None
        and path.parts[:depth] == folder.parts
        and (len(path.parts) > depth if deep else len(path.parts) == depth + 1)
    ]


def _emptied(line: Line) -> set[Path]:
    """The folder that was taken away with all that was in it."""
    gone = line.path if line.kind is Kind.DELETED else line.source
    return {gone} if line.is_folder and gone is not None else set()


def _expect_here(line: Line, folder: Path) -> None:
    """What went with the folder itself is in no list: who knows it has to begin anew."""
    for gone in _emptied(line):
        if folder.parts[: len(gone.parts)] == gone.parts:
            detail = f'Another folder stands at "{folder}" now than when you were given this token.'
            raise Refusal(of_type("changes-forgotten", detail))


def _token(position: Position) -> str:
    return xml.element((DAV, "sync-token"), xml.escape(sync_tokens.written(position)))


def _wanted(root: Element) -> Wanted:
    if root.name != (DAV, "sync-collection"):
        raise MalformedRequest("The only report here is sync-collection.")
    token, prop = root.child("sync-token"), root.child("prop")
    level, limit = root.child("sync-level"), root.child("limit")
    if token is None or prop is None:
        raise MalformedRequest("A sync-collection holds a sync-token, empty at first, and a prop.")
    depth = if_header.depth(level.text if level else "1", "1", "infinite")
    results = limit.child("nresults") if limit else None
    number = results.text.strip() if results else ""
    return Wanted(
        _position(token.text.strip()),
        depth == "infinite",
        int(number) if RESULTS.fullmatch(number) else None,
        Asked(names_in(prop)),
    )


def _position(token: str) -> Position | None:
    if not token:
        return None
    position = sync_tokens.read(token)
    if position is None:
        detail = f'"{token}" is no sync-token of this server.'
        raise Refusal(of_type("changes-forgotten", detail))
    return position
