"""What the rules need from the shelves. Every implementation passes the same contract tests.

Rules are handed *into* the index as functions: `read` gives them a `View`, `write` a `Turn`. A turn
is alone in its moment, so that nothing comes between a check and the write that rests on it; many
turns may share one commit, and `write` returns only when that commit is durable.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from uploads.access import Reach, Sight
from uploads.attempts import Bounds, Record
from uploads.changes import Change, Span
from uploads.collisions import AtName
from uploads.files import (
    Content,
    Event,
    Folder,
    Incoming,
    Listing,
    Page,
    Property,
    Stamp,
    StoredFile,
    Upload,
    Usage,
)
from uploads.locks import Lock
from uploads.names import Path

Piece = bytes | bytearray | memoryview
T = TypeVar("T")


class Staged(Protocol):
    """Finished content: whole, digested and synced, but invisible. It vanishes unless kept."""

    @property
    def content(self) -> Content: ...

    @property
    def digests(self) -> Mapping[str, bytes]:
        """What else was computed on the way in, by the name of its algorithm ("sha-256")."""

    @property
    def head(self) -> bytes:
        """The first bytes, as many as it takes to tell a media type."""

    def typed(self, media_type: str) -> "Staged":
        """The same, its content's media type now known."""

    def read(self, start: int, count: int) -> bytes:
        """Called in a thread, and not after its stage was left; nothing at the end."""


class Tap(Protocol):
    """Bytes that have yet to come, and that a thread may draw by itself, past the event loop."""

    @property
    def ended(self) -> bool: ...

    async def ready(self) -> None:
        """Until there is something to draw. :raises BodyStalled: nothing comes."""

    def draw(self, buffer: bytearray, start: int = 0) -> int:
        """Called in a thread: what comes goes into the buffer from `start` on. Returns how much
        that is; 0 where nothing comes at the moment. :raises BodyTooShort: nothing ever will.
        """


class Stage(Protocol):
    """Bytes on their way in."""

    @property
    def received(self) -> int: ...

    async def write(self, piece: Piece) -> None:
        """Takes a piece; returns when the next may come, which can be before it is written.
        :raises DiskFull, Unavailable: nothing of it will stay.
        """

    async def draw(self, tap: Tap) -> int:
        """Takes what comes without a pause, for a short while; returns how much that was.
        :raises DiskFull, Unavailable, BodyTooShort: nothing of it will stay.
        """

    async def finish(self) -> Staged:
        """Everything written and synced.
        :raises DiskFull, Unavailable: a sync that failed is never tried again.
        """


class Continued(Stage, Protocol):
    """The bytes of an upload that arrives in pieces, while one of them comes in."""

    async def piece(self) -> Mapping[str, bytes]:
        """Digests of what came in this time, by the algorithms that were asked for.

        :raises DiskFull, Unavailable: it could not be written.
        """

    async def secure(self) -> int:
        """What has reached the file by now is made durable: how many bytes that are in all. May be
        called beside `write` or `draw`.

        :raises DiskFull, Unavailable: a sync that failed is never tried again.
        """

    async def pause(self) -> int:
        """As `secure`, with all that was taken in, also after a failure or a cancellation."""

    async def rewind(self) -> None:
        """Forgets what came in this time."""


class Unfinished(Protocol):
    """The bytes of uploads that arrive in pieces, each under the id of its upload. What of them is
    durable the index knows: what lies beyond that is taken for nothing.
    """

    def open(
        self, incoming: Incoming, digests: Collection[str], piece: Collection[str] = ()
    ) -> AbstractAsyncContextManager[Continued]:
        """Goes on at the offset. `digests`: of all bytes, beside our own, the same every time;
        `piece`: of what comes in this time. One opens an upload at a time. Leaving the context
        drops nothing.

        :raises NotThere: the bytes before the offset are not there.
        """

    async def holds(self, incoming: Incoming) -> bool:
        """Is there a file with all bytes before the offset?"""

    def pieces(self, incoming: Incoming) -> AsyncIterator[bytes]:
        """Its bytes before the offset. :raises NotThere: they are not there."""

    async def remove(self, id: str) -> None: ...

    def remove_unexpected(self, id: str) -> None:
        """Called in a turn, in which no row has this id: none can come to have it meanwhile."""

    async def all(self) -> list[str]:
        """The ids under which something lies."""


class Reading(Protocol):
    """An open content. Whoever opened it closes it; what is open can be read to its end."""

    @property
    def size(self) -> int: ...

    def fileno(self) -> int | None:
        """A descriptor that a thread can read; None where the bytes are in no file of their own."""

    async def read(self, start: int, count: int) -> bytes: ...

    def pieces(self, start: int, count: int) -> AsyncIterator[bytes]: ...

    def close(self) -> None: ...


class Blobs(Protocol):
    def stage(
        self, size: int | None, digests: Collection[str]
    ) -> AbstractAsyncContextManager[Stage]:
        """Room for a content, of a known size or not. `digests`: to be computed beside our own.

        Leaving the context drops what was not kept, also after a cancellation.
        """

    def stage_small(self, data: bytes, digests: Collection[str]) -> Staged | None:
        """Bytes that are all here, if the index will hold them: they need no room."""

    async def open(self, content: Content) -> Reading:
        """:raises NotThere: collected meanwhile. :raises Damaged: missing, or cut short."""

    def keep(self, staged: Staged) -> bytes | None:
        """Called in a turn. Links the staged bytes into place, or returns them for the index to
        hold. Known content is no error: its size is checked, its folder synced all the same.
        """

    def sync(self) -> None:
        """Called before a commit: makes durable whatever was kept since the last call."""

    def remove(self, content: Content) -> None:
        """Called in a turn, when no row names the content. :raises OSError: the disk keeps it."""

    def free_space(self) -> int: ...


class Grounds(Protocol):
    """What a claim is judged by."""

    def at(self, path: Path) -> AtName: ...

    def same_content(self, content: Content, reach: Reach, apart_from: Path) -> StoredFile | None:
        """A file with this content in this reach. Takes as long for a content that only others
        hold as for one that nobody does, and never longer for many holders of it.
        """

    def locks_over(self, path: Path) -> list[Lock]:
        """At this place and at all folders above it, the top first, run out or not."""

    def locks_below(self, path: Path) -> list[Lock]: ...
    def locks_at(self, paths: Collection[Path]) -> list[Lock]: ...
    def span(self) -> Span: ...


class View(Grounds, Protocol):
    """What can be asked of the index, in one consistent moment."""

    def folder(self, path: Path) -> Folder | None: ...

    def any_of_size(self, size: int, reach: Reach) -> bool:
        """A hint: is there a file of this size? What only others hold shows not even in time."""

    def page(self, folder: Path, listing: Listing) -> Page: ...
    def is_empty(self, folder: Path) -> bool: ...

    def files_below(self, folder: Path, after: Path | None, limit: int) -> list[StoredFile]:
        """All files at any depth, in the order of their paths' parts, page by page."""

    def entries_below(
        self, folder: Path, after: Path | None, limit: int, sight: Sight
    ) -> list[StoredFile | Folder]:
        """All that is in sight at any depth, a folder before what is in it, page by page."""

    def extent(self, folder: Path) -> tuple[int, int]:
        """Of what is below, deleted or not: its levels, and what the longest path adds in bytes."""

    def content_declared(self, digests: Mapping[str, bytes]) -> Content | None:
        """A content that once arrived under all of these verified digests."""

    def free_name(self, path: Path, most_bytes: int, kept: Callable[[Path], bool]) -> Path:
        """The next free spelling by `names.free_name`, in the same folder, which is not `kept`."""

    def history(self, path: Path, before: int | None, limit: int) -> list[Event]:
        """Newest first, of all files that ever stood at this name, deleted ones included."""

    def version(self, path: Path, number: int) -> StoredFile | None: ...

    def changes(self, since: int, limit: int) -> list[Change]:
        """Those with higher numbers, in their order. Nothing is missing between two of a page."""

    def usage(self, principal: str) -> Usage: ...
    def upload(self, id: str) -> Upload | None: ...
    def uploads(self, principal: str, after: str | None, limit: int) -> list[Upload]: ...

    def parked(self, principal: str) -> Usage: ...
    def incoming(self, id: str) -> Incoming | None: ...

    def gathered(self, group: str) -> list[Incoming]:
        """Those whose ids begin with this text, which is not empty, in the order of their ids."""

    def arriving(self, principal: str) -> Usage:
        """Of the uploads that arrive in pieces and are not settled yet: it is part of `usage`."""

    def digests(self, content: Content) -> Mapping[str, bytes]: ...

    def content(self, digest: str) -> Content | None:
        """What is known by this identity, whoever may read it."""

    def overlooked(self, digests: Collection[str], rows: range) -> set[str] | None:
        """Those that a row has and `content` does not find: the index is damaged. None past the
        last row. To look at rows takes long, so it is asked of some at a time.
        """

    def record(self, name: str) -> Record | None:
        """The first answer that was kept under this name, also where its time is over."""

    def small(self, content: Content) -> bytes | None:
        """Its bytes, where they rest in the index itself."""

    def at_with_bytes(self, path: Path) -> tuple[AtName, bytes | None]:
        """`at`, and `small` of the file that it finds, in one look."""

    def vouched(self, content: Content, by: str) -> Mapping[str, bytes]:
        """Those that this principal has declared: the others say that somebody else has it."""

    def properties(self, path: Path) -> list[Property]:
        """Those of what stands at this very spelling, in the order of their names."""

    def locks_of(self, principal: str) -> int: ...


class Turn(View, Protocol):
    """A view whose moment nobody else shares, and the changes that can be recorded in it.

    Each method that takes a `Stamp` is one change with one number. A work that raises leaves
    nothing behind.
    """

    def keep(self, staged: Staged) -> None:
        """Takes the bytes in, and what digests are known of them."""

    def vouch(self, content: Content, algorithms: Collection[str], by: str) -> None:
        """Remembers who has declared which digests of a content that has been kept."""

    def store(self, path: Path, content: Content, stamp: Stamp) -> StoredFile:
        """A new version of the file at `path`, which is free or a file. Makes missing folders."""

    def make_folder(self, path: Path, stamp: Stamp) -> Folder: ...

    def delete(self, path: Path, stamp: Stamp) -> int:
        """A file, or a folder with all that is in it, as one change, whose number is returned."""

    def move(self, source: Path, target: Path, stamp: Stamp) -> StoredFile | Folder:
        """With its history. Makes missing folders; `target` is free."""

    def restore(self, path: Path, number: int, stamp: Stamp) -> StoredFile:
        """The content of version `number` of this name, as a new version."""

    def restore_folder(self, path: Path, number: int, stamp: Stamp) -> Folder | None:
        """All that the deletion `number` of this folder took away; None where there is nothing."""

    def set_modified(self, path: Path, modified: float) -> None:
        """When the content was last changed, as its owner says. That makes no version."""

    def set_property(self, path: Path, kept: Property) -> None:
        """Stays with what is moved, comes back with what is restored; nothing new has any."""

    def drop_property(self, path: Path, namespace: str, name: str) -> None: ...

    def copy_properties(self, source: Path, target: Path) -> None:
        """`target` has the same afterwards, and no others."""

    def lock(self, lock: Lock) -> None:
        """A new one, or one that lasts longer now. It ends with what stands at its place."""

    def unlock(self, token: str) -> None: ...

    def park(self, upload: Upload) -> None:
        """Its content has been kept, or is already there."""

    def drop_upload(self, id: str) -> None: ...

    def remember(self, record: Record, bounds: Bounds) -> None:
        """Replaces one of the same name. Past the bounds the oldest go: the principal's, or any."""

    def expect(self, incoming: Incoming) -> None:
        """Remembers an upload that arrives in pieces, or what became of it."""

    def advance(self, incoming: Incoming) -> None:
        """Records its offset, size and expiry. :raises LookupError: it is not there any more."""

    def drop_incoming(self, id: str) -> None: ...

    def forget_incoming(self, before: float, limit: int) -> int:
        """Drops those that expired by then. Their bytes are removed later."""

    def forget_versions(self, before: float, limit: int) -> int:
        """Drops versions that stopped being current before that time; returns how many."""

    def forget_uploads(self, before: float, limit: int) -> int: ...

    def forget_changes(self, before: float, limit: int) -> int:
        """The oldest of the feed, as far as they are of that time. A history forgets nothing."""

    def forget_records(self, before: float, limit: int) -> int: ...
    def forget_locks(self, before: float, limit: int) -> int: ...

    def forget_contents(self, limit: int) -> list[Content]:
        """Drops contents that nothing names any more; their bytes are removed in a later turn."""

    def is_named(self, content: Content) -> bool: ...


class Index(Protocol):
    def read(self, question: Callable[[View], T]) -> Coroutine[Any, Any, T]: ...

    async def find(self, path: Path) -> tuple[AtName, bytes | None]:
        """`at_with_bytes`, of a moment that is not before now. Most are asked for again soon."""

    def write(self, work: Callable[[Turn], T]) -> Awaitable[T]:
        """The work has its place among the others from this call on.

        :raises DiskFull: nothing happened.
        :raises Unavailable: nothing happened; later again.
        :raises Unsettled: it may or may not have happened, and the bytes are safe either way.
        """


class Sniffer(Protocol):
    async def media_type(self, head: bytes) -> str:
        """What the first bytes are; `application/octet-stream` when that cannot be told in time."""

    def fits(self, media_type: str, name: str) -> bool:
        """Does the extension of this name go with this media type?"""


class Scanner(Protocol):
    async def verdict(self, staged: Staged) -> str | None:
        """The name of what is known to do harm in it; None where there is nothing of that kind.

        :raises Unavailable: that cannot be told now. :raises TooLarge: it never can.
        """


Clock = Callable[[], float]
