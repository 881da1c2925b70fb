"""The versions of names, live and gone. Reads only; knows no rule."""

import sqlite3
from heapq import nlargest
from typing import NamedTuple

from storage.sqlite.nodes import Node, Nodes
from uploads.files import Content, Event, Kind, StoredFile, Version
from uploads.names import Path

VERSION = (
    "SELECT v.node, v.number, v.kind, v.at, v.by, v.modified, v.claimed_type,"
    " c.id, c.digest, c.size, c.media_type, h.path"
    " FROM versions v LEFT JOIN contents c ON c.id = v.content"
    " LEFT JOIN changes h ON h.number = v.number"
)
ONE_VERSION = VERSION + " WHERE v.node = ? AND v.number = ? AND v.content IS NOT NULL"
NEWEST_VERSIONS = VERSION + " WHERE v.node = ? AND v.number < ? ORDER BY v.number DESC LIMIT ?"
AFTER_ALL = 2**63 - 1


class Past(NamedTuple):
    """What stood at names."""

    connection: sqlite3.Connection
    nodes: Nodes

    def events(self, path: Path, before: int | None, limit: int) -> list[Event]:
        bound = AFTER_ALL if before is None else min(before, AFTER_ALL)
        rows = [
            VersionRow(*row)
            for node in self.files(path)
            for row in self.connection.execute(NEWEST_VERSIONS, (node.id, bound, limit))
        ]
        return [row.event() for row in nlargest(limit, rows, key=lambda row: row.number)]

    def file(self, path: Path, number: int) -> StoredFile | None:
        row = self.version(path, number)
        return StoredFile(path, row.version()) if row else None

    def version(self, path: Path, number: int) -> "VersionRow | None":
        for node in self.files(path) if number < AFTER_ALL else []:
            row = self.connection.execute(ONE_VERSION, (node.id, number)).fetchone()
            if row:
                return VersionRow(*row)
        return None

    def files(self, path: Path) -> list[Node]:
        """All files that stand or stood at a name."""
        place = self.nodes.place(path)
        if place is None:
            return []
        live = self.nodes.child(*place)
        found = [*([live] if live else []), *self.nodes.gone(*place)]
        return [node for node in found if not node.is_folder]


class VersionRow(NamedTuple):
    node: int
    number: int
    kind: str
    at: float
    by: str
    modified: float
    claimed_type: str | None
    content: int | None
    digest: str
    size: int
    media_type: str
    place: str | None

    def version(self) -> Version:
        content = Content(self.digest, self.size, self.media_type)
        return Version(self.number, content, self.at, self.modified, self.by, self.claimed_type)

    def event(self) -> Event:
        version = None if self.content is None else self.version()
        place = None if self.place is None else Path(tuple(self.place.split("/")))
        return Event(self.number, Kind(self.kind), self.at, self.by, version, place)
