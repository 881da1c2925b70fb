"""Following the tree: every change in its order, as far as the follower may know of it.

Whoever applies the lines of a feed in their order, from the first on, ends with the tree in its
sight. A line tells what was true after its change, or what is true now: what came in between has
lines of its own, which follow. Therefore a folder that was moved or restored comes with a line for
all that is in it now; what it held at the time is kept nowhere, and need not be.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from uploads.access import Principal, Reach, Right, Sight
from uploads.bell import Bell
from uploads.changes import Change, Span
from uploads.failures import ChangesForgotten
from uploads.files import Folder, Kind, StoredFile, Version
from uploads.names import Path
from uploads.ports import Index, View
from uploads.rules import Rules

TOP = Path(())
# Of changes that are not for this follower, so many are passed over in one moment of the index,
# and at most so many moments for one page.
READ_AT_ONCE = 500
MOMENTS = 20


@dataclass(frozen=True, slots=True)
class Position:
    """How far a follower is: through all changes up to `number`. `within` that one: only through
    its folder and what is in that up to `after`; None: nothing yet.
    """

    number: int
    within: bool = False
    after: Path | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """`number` is that of the change. What is not deleted stands at `path`, and nothing at or below
    `source` any more. A file has no `version` where that is past and not for this follower.

    `part_of`: the folder with which it came. `position`: how far whoever has read this line is;
    None: as far as before, as more of the same change follows.
    """

    number: int
    kind: Kind
    at: float
    path: Path
    is_folder: bool
    source: Path | None = None
    version: Version | None = None
    part_of: Path | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class FeedPage:
    """`more`: there is more to be read at once."""

    lines: tuple[Line, ...]
    position: Position
    more: bool


@dataclass(frozen=True, slots=True)
class Feed:
    rules: Rules
    index: Index
    bell: Bell

    async def page(self, principal: Principal, since: Position | None, limit: int) -> FeedPage:
        """What comes after `since` (None: after now); empty where that is nothing, or nothing that
        the principal may know for as long as is looked in one go.

        :raises ChangesForgotten: it begins after that, or has not come so far.
        """
        for _ in range(MOMENTS):
            at = since
            page = await self.index.read(lambda view, at=at: self._page(view, principal, at, limit))  # type: ignore[misc]
            if page.lines or not page.more:
                break
            since = page.position
        return page

    async def follow(
        self, principal: Principal, since: Position | None, limit: int, wait: float
    ) -> FeedPage:
        """The next page that is not empty; the empty one, when the time to wait is over."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        with self.bell.heard() as heard:
            while True:
                heard.clear()
                page = await self.page(principal, since, limit)
                left = until - loop.time()
                if page.lines or left <= 0 or self.bell.closed:
                    return page
                since = page.position
                if not page.more:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(left):
                            await heard.wait()

    def _page(
        self, view: View, principal: Principal, since: Position | None, limit: int
    ) -> FeedPage:
        access = self.rules.access
        principal = self.rules.current(principal)
        if not access.reach(principal, Right.LIST).ranges:
            self.rules.deny(principal, Right.LIST, TOP)
        span = view.span()
        if since is None:
            return FeedPage((), Position(span.last), more=False)
        _check(since, span)
        sight, reads = access.sight(principal), access.reach(principal, Right.READ)
        telling = Telling(view, sight, reads, limit, [])
        position = telling.from_(since)
        return FeedPage(
            tuple(telling.lines), position, position.within or position.number < span.last
        )


def _check(since: Position, span: Span) -> None:
    reached = since.number - 1 if since.within else since.number
    if reached < span.forgotten:
        raise ChangesForgotten(
            f"The changes up to number {span.forgotten} are not kept any more. List the tree anew,"
            f" then follow it from number {span.last}.",
            span.last,
        )
    if since.number > span.last:
        raise ChangesForgotten(
            f"This server has come to change number {span.last} only: perhaps it was restored from"
            f" a backup. List the tree anew, then follow it from number {span.last}.",
            span.last,
        )


@dataclass(frozen=True, slots=True)
class Telling:
    """One page in the making, in one moment of the index."""

    view: View
    sight: Sight
    reads: Reach
    limit: int
    lines: list[Line]

    def from_(self, since: Position) -> Position:
        position = since
        if since.within:
            (change,) = self.view.changes(since.number - 1, 1)
            position = self._parts(change, since)
        if position.within:
            return position
        for change in self.view.changes(position.number, READ_AT_ONCE):
            lines = list(self._of(change))
            if self.lines and len(self.lines) + len(lines) > self.limit:
                break
            position = self._tell(change, lines)
            if position.within:
                break
        return position

    def _tell(self, change: Change, lines: list[Line]) -> Position:
        brings = self._brings(change)
        position = Position(change.number, within=brings)
        if lines:
            self.lines.extend([*lines[:-1], replace(lines[-1], position=position)])
        return self._parts(change, position) if brings else position

    def _brings(self, change: Change) -> bool:
        """Is it of a folder that comes into sight with what is in it?"""
        moved = change.kind in {Kind.MOVED, Kind.RESTORED}
        return moved and change.is_folder and self.sight.folder(change.path)

    def _parts(self, change: Change, since: Position) -> Position:
        """What is in the folder of this change now, as far as there is room for it."""
        room = self.limit - len(self.lines)
        if room <= 0:
            return since
        if not self._brings(change):
            return Position(change.number)
        kind = self._kind(change, self.sight.folder)
        after = since.after
        for entry in self.view.entries_below(change.path, since.after, room, self.sight):
            self.lines.append(_part(change, kind, entry))
            after, room = entry.path, room - 1
        return Position(change.number) if room else replace(since, after=after)

    def _of(self, change: Change) -> Iterator[Line]:
        """The lines of the change itself."""
        sees = self.sight.folder if change.is_folder else self.sight.file
        here, source = sees(change.path), change.source
        if source is not None and not here and sees(source):
            yield _line(change, Kind.DELETED, source)
        if not here:
            yield from self._made(change)
            return
        line = _line(change, self._kind(change, sees), change.path)
        told = source if line.kind is Kind.MOVED else None
        yield replace(line, source=told, version=self._version(change))

    def _kind(self, change: Change, sees: Callable[[Path], bool]) -> Kind:
        """What comes from out of sight has been made, as far as the follower may know."""
        unseen = change.source is not None and not sees(change.source)
        return Kind.CREATED if unseen else change.kind

    def _made(self, change: Change) -> Iterator[Line]:
        """The folders in sight that came to be with something that is out of it."""
        for depth in range(change.made or 0, len(change.path.parts) if change.made else 0):
            folder = Path(change.path.parts[:depth])
            if not self.sight.folder(folder):
                return
            yield replace(_line(change, Kind.CREATED, folder), is_folder=True)

    def _version(self, change: Change) -> Version | None:
        """What is there is shown as a listing shows it; what was there, as a history does: to whom
        may read it, there and where its file stands now.
        """
        here = change.path.folded
        if change.is_current and change.stands == here:
            return change.version
        readable = self.reads.holds(here) and (
            change.stands is None or self.reads.holds(change.stands)
        )
        return change.version if readable else None


def _line(change: Change, kind: Kind, path: Path) -> Line:
    return Line(change.number, kind, change.at, path, change.is_folder)


def _part(change: Change, kind: Kind, entry: StoredFile | Folder) -> Line:
    is_folder = isinstance(entry, Folder)
    return Line(
        change.number,
        kind,
        change.at,
        entry.path,
        is_folder,
        version=None if isinstance(entry, Folder) else entry.version,
        part_of=change.path,
        position=Position(change.number, within=True, after=entry.path),
    )
