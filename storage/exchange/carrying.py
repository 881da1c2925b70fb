"""Whole folders in and out: an import of one, an export of the current tree to another.

Judges nothing: what comes in goes through the Receiver like every other upload, and what goes out
is what the Holdings show.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

from storage.disk.hashing import Hasher
from storage.exchange.abreast import Place, each, in_order
from storage.exchange.folders import (
    Found,
    FoundFile,
    FoundFolder,
    LeftOut,
    SourceChanged,
    Target,
    found_in,
    opened,
)
from uploads import names
from uploads.access import Principal
from uploads.collisions import (
    Accepted,
    AlreadyStored,
    ConditionRequired,
    ContentKnown,
    NameEquivalent,
    NameTaken,
    NotEmpty,
    Refused,
    Stale,
    TypeClash,
)
from uploads.failures import DiskFull, Failure, Unavailable
from uploads.files import Folder, Listing, StoredFile
from uploads.holdings import Holdings
from uploads.names import BadName, Path
from uploads.policy import SameContent, SameFile, SameName, Wishes
from uploads.receiving import Receiver
from uploads.settling import Arrival, Outcome
from uploads.tree import Tree

DOOR = "import"
PAGE = 500


class Damaged(Exception):
    """What was read is not what was stored."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What the Receiver said of a file that came in."""

    names: tuple[str, ...]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class NotTaken:
    """`why` goes on after the name: "holds other bytes than ...". `is_copy`: of what is stored."""

    names: tuple[str, ...]
    why: str
    is_copy: bool = False


@dataclass(frozen=True, slots=True)
class Import:
    """Takes a folder in. Nothing stored is replaced: each collision is told, the rest goes on.

    `root`: the folder, open, so that it stays this one whatever is done to its path.
    """

    root: int
    into: Path
    principal: Principal
    wishes: Wishes
    limits: names.Limits
    receiver: Receiver
    tree: Tree

    def total(self) -> int:
        """The bytes that will be read."""
        return sum(found.size for found in found_in(self.root) if isinstance(found, FoundFile))

    async def run(
        self, at_once: int, tell: Callable[[Taken | NotTaken], None], report: Callable[[int], None]
    ) -> None:
        """`report` is told of bytes as they are read.

        Bytes come in side by side, but claims are settled in the order of the names: of two that
        collide the first is taken, however long it is.

        :raises DiskFull, Unavailable: nothing can be taken in any more.
        """

        async def take(found: Found, place: Place) -> Taken | NotTaken | None:
            return await self._take(found, place, report)

        def pass_on(told: Taken | NotTaken | None) -> None:
            if told is not None:
                tell(told)

        await in_order(found_in(self.root), take, at_once, pass_on)

    async def _take(
        self, found: Found, place: Place, report: Callable[[int], None]
    ) -> Taken | NotTaken | None:
        if isinstance(found, LeftOut):
            return NotTaken(found.names, found.why)
        try:
            path = self._path(found.names)
            if isinstance(found, FoundFolder):
                return await self._make_folder(found, path, place)
            return _told(found, await self._receive(found, path, place, report))
        except (DiskFull, Unavailable):
            raise
        except (BadName, Failure) as failure:
            return NotTaken(found.names, f"was refused: {failure.message}")
        except SourceChanged:
            return NotTaken(found.names, "was written to while it was read; import it again")
        except OSError as error:
            return NotTaken(found.names, f"cannot be read: {error.strerror}")

    def _path(self, parts: tuple[str, ...]) -> Path:
        return names.parse("/".join((*self.into.parts, *parts)), self.limits)

    async def _make_folder(self, found: FoundFolder, path: Path, place: Place) -> NotTaken | None:
        async with place:
            making = asyncio.ensure_future(self.tree.make_folder(self.principal, path))
        match await making:
            case Outcome(verdict=TypeClash(existing=Folder(path=there))) if there == path:
                return None
            case Outcome(verdict=NameTaken(existing)):
                return NotTaken(found.names, reason(TypeClash(existing)))
            case Outcome(verdict=refused) if not isinstance(refused, Accepted):
                return NotTaken(found.names, reason(refused))
            case _:
                return None

    async def _receive(
        self, found: FoundFile, path: Path, place: Place, report: Callable[[int], None]
    ) -> Outcome:
        with opened(self.root, found.names) as source:
            arrival = Arrival(
                door=DOOR,
                path=path,
                principal=self.principal,
                wishes=self._wishes(source.size),
                door_policy=Wishes(same_file=SameFile.ACCEPT, same_name=SameName.REFUSE),
                size=source.size,
                modified=source.modified,
            )
            refused = await self.receiver.foresee(arrival)
            if refused is not None:
                report(source.size)
                return refused
            return await self.receiver.receive(arrival, source.pieces(report), place)

    def _wishes(self, size: int) -> Wishes:
        """An empty file is no copy of another: it has no bytes that could be kept twice."""
        return self.wishes if size else replace(self.wishes, same_content=SameContent.LINK)


def _told(found: FoundFile, outcome: Outcome) -> Taken | NotTaken:
    if isinstance(outcome.verdict, Accepted):
        return Taken(found.names, outcome)
    is_copy = isinstance(outcome.verdict, ContentKnown)
    return NotTaken(found.names, reason(outcome.verdict), is_copy)


def reason(refused: Refused) -> str:
    """Why a file was not taken, with what it collided with; goes on after its name."""
    match refused:
        case AlreadyStored(existing):
            return f'is stored already as "{existing.path}"'
        case NameTaken(existing) | Stale(existing) | ConditionRequired(existing):
            return f"holds other bytes than {_the(existing)}, which has this name already"
        case NameEquivalent(existing, _, rule):
            return f"has a name that equals that of {_the(existing)} ({rule.value})"
        case ContentKnown(existing):
            return f'has the same bytes as "{existing.path}"'
        case TypeClash(existing):
            return f"meets {_the(existing)}: one name cannot be both a file and a folder"
        case NotEmpty(folder):
            return f'meets the folder "{folder.path}", which is not empty'


def _the(existing: StoredFile | Folder | None) -> str:
    if existing is None:
        return "something"
    return f'the {"folder" if isinstance(existing, Folder) else "file"} "{existing.path}"'


@dataclass(frozen=True, slots=True)
class NotWritten:
    path: Path
    why: str


@dataclass(frozen=True, slots=True)
class Export:
    """Writes all that the principal may read, as it is now."""

    holdings: Holdings
    principal: Principal
    target: Target

    async def total(self) -> int:
        """The bytes that will be written."""
        total = 0
        async for page in self._pages():
            total += sum(entry.content.size for entry in page if isinstance(entry, StoredFile))
        return total

    async def run(
        self,
        at_once: int,
        tell: Callable[[StoredFile | NotWritten], None],
        report: Callable[[int], None],
    ) -> None:
        async def write(entry: StoredFile | Folder) -> None:
            told = await self._write(entry, report)
            if told is not None:
                tell(told)

        async for page in self._pages():
            await each(page, write, at_once)
        self.target.sync()

    async def _pages(self) -> AsyncIterator[tuple[StoredFile | Folder, ...]]:
        """Every folder before its contents."""
        folders = [Path(())]
        while folders:
            path = folders.pop()
            after: str | None = None
            while True:
                listing = Listing(after=after, limit=PAGE)
                _, page = await self.holdings.page(self.principal, path, listing)
                yield page.entries
                folders += [entry.path for entry in page.entries if isinstance(entry, Folder)]
                after = page.after
                if after is None:
                    break

    async def _write(
        self, entry: StoredFile | Folder, report: Callable[[int], None]
    ) -> StoredFile | NotWritten | None:
        try:
            if isinstance(entry, Folder):
                self.target.make_folder(entry.path.parts, entry.modified)
                return None
            modified = entry.version.modified
            await self.target.write(entry.path.parts, self._pieces(entry, report), modified)
        except Failure as failure:
            return NotWritten(entry.path, failure.message)
        except Damaged:
            return NotWritten(entry.path, "its bytes are damaged, so it was left out")
        except OSError as error:
            return NotWritten(entry.path, f"it cannot be written there: {error.strerror}")
        return entry

    async def _pieces(
        self, file: StoredFile, report: Callable[[int], None]
    ) -> AsyncIterator[bytes]:
        """:raises Damaged: at the end, when these are not the bytes that were stored."""
        hasher = Hasher(file.content.digest.partition(":")[0])
        reading = await self.holdings.open(file)
        try:
            async for piece in reading.pieces(0, reading.size):
                hasher.update(piece)
                report(len(piece))
                yield piece
        finally:
            reading.close()
        if hasher.digest() != file.content.digest:
            raise Damaged
