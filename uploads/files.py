"""What we know of contents, files and folders. Values only: no rule about them stands here."""

from dataclasses import field
from enum import StrEnum
from typing import Final

from uploads.names import Path
from uploads.values import value

UNKNOWN_TYPE = "application/octet-stream"


@value
class Content:
    """Bytes, known by their digest, written `algorithm:hex`. Stored once, never changed."""

    digest: str
    size: int
    media_type: str = field(default=UNKNOWN_TYPE, compare=False)

    @property
    def hex(self) -> str:
        return self.digest.partition(":")[2]


class Kind(StrEnum):
    """What a change did to the file or folder that it names."""

    CREATED = "created"
    REPLACED = "replaced"
    DELETED = "deleted"
    MOVED = "moved"
    RESTORED = "restored"


@value
class Stamp:
    """Who makes a change and when, and what the client said of the file. Times are Unix seconds."""

    by: str
    at: float
    modified: float | None = None
    claimed_type: str | None = None


@value
class Version:
    """One content under one name, since one change. `number` is the number of that change."""

    number: int
    content: Content
    stored: float
    modified: float
    by: str
    claimed_type: str | None = None

    @property
    def etag(self) -> str:
        """Strong, without clocks, never reused at a URL for other bytes; A-B-A is visible."""
        return f'"{self.number}-{self.content.hex[:16]}"'


# The end of the year 9999, the last moment that a date can name.
LATEST: Final = 253_402_300_799.0


@value
class StoredFile:
    """`id`: stays with it whatever it is called, and is nothing else's; 0: not known."""

    path: Path
    version: Version
    id: int = field(default=0, compare=False)

    @property
    def etag(self) -> str:
        return self.version.etag

    @property
    def content(self) -> Content:
        return self.version.content


@value
class Folder:
    """`changed` is the number of the last change of the folder itself or of anything below it.
    `id`: as of a file.
    """

    path: Path
    changed: int
    modified: float
    id: int = field(default=0, compare=False)

    @property
    def etag(self) -> str:
        return f'"{self.changed}-folder"'


@value
class Event:
    """One line of a file's history. `version` is None where the change was a deletion.

    `place` is what the change was made to: the file, under the name that it had then, or a folder
    above it. None: not known.
    """

    number: int
    kind: Kind
    at: float
    by: str
    version: Version | None
    place: Path | None = None


@value
class Usage:
    """What counts against a quota: every version kept and every parked upload, at its full size."""

    bytes: int = 0
    files: int = 0


@value
class Upload:
    """Bytes that arrived whole and were refused: kept until `expires`, known to `principal` only.

    `etag` is the one of the version that it collided with, where the principal may read that.
    """

    id: str
    path: Path
    content: Content
    principal: str
    created: float
    expires: float
    problem: str
    modified: float | None = None
    claimed_type: str | None = None


@value
class Incoming:
    """An upload that arrives in pieces: as far as it has come, known to `principal` only.

    `offset`: how many of its bytes are durable. `size` is None until it is told. `said` is what its
    sender said of it, as `terms` writes it. `is_part`: to be joined with others, never to be stored
    by itself. `number`: the version that it became; its bytes are no longer here then. `replayed`:
    it was begun by an earlier try of the same request.
    """

    id: str
    principal: str
    path: Path
    size: int | None
    offset: int
    created: float
    expires: float
    said: str
    is_part: bool = False
    number: int | None = None
    replayed: bool = False

    @property
    def is_whole(self) -> bool:
        return self.offset == self.size

    @property
    def resumes_at(self) -> int:
        """Where to go on. Of what is whole and was not settled, because the server was stopped or
        the disk full, the last byte is asked for again: clients hold an upload for stored when
        nothing is missing, and the verdict is the answer to whoever brings the end.
        """
        waits = self.is_whole and self.number is None and not self.is_part
        return max(self.offset - 1, 0) if waits else self.offset

    @property
    def room(self) -> int:
        """What it takes from the share of its sender: from the beginning all that is to come."""
        return self.offset if self.size is None else self.size


@value
class Property:
    """What a client keeps with a file or folder, for itself: an XML element, kept as it came."""

    namespace: str
    name: str
    xml: str


class Order(StrEnum):
    NAME = "name"
    SIZE = "size"
    MODIFIED = "modified"
    TYPE = "type"


@value
class Listing:
    """Which page of a folder: folders stand before files. `after` is a cursor from a `Page`.

    `dates_folders`: the asker may know when each folder in it was changed. Else no order and no
    cursor tells.
    """

    order: Order = Order.NAME
    descending: bool = False
    after: str | None = None
    limit: int = 200
    dates_folders: bool = True

    def order_of(self, *, folders: bool) -> Order:
        hidden = folders and self.order is Order.MODIFIED and not self.dates_folders
        return Order.NAME if hidden else self.order


@value
class Page:
    entries: tuple[StoredFile | Folder, ...]
    after: str | None
