"""New keys for what has moved among folders with another rule for names. Knows no rule itself."""

import sqlite3

from storage.sqlite.nodes import ENTRY, Node, Nodes
from uploads.failures import MalformedRequest
from uploads.names import Path

LIVE_FOLDERS = ENTRY + " WHERE n.parent = ? AND n.is_folder = 1 AND n.gone IS NULL"
LIVE = ENTRY + " WHERE n.parent = ? AND n.gone IS NULL"
GONE = ENTRY + " WHERE n.parent = ? AND n.gone IS NOT NULL"
PROBE = "A"


class Rekeying:
    def __init__(self, connection: sqlite3.Connection, nodes: Nodes) -> None:
        self._connection = connection
        self._nodes = nodes

    def below(self, folder: Node, was: Path, now: Path) -> None:
        """:raises MalformedRequest: names that were two would be one."""
        if self._rule(was) != self._rule(now):
            for child in [*self._nodes.all(LIVE, folder.id), *self._nodes.all(GONE, folder.id)]:
                self._rekey(child, now)
        folders = self._nodes.all(LIVE_FOLDERS, folder.id)
        gone = (node for node in self._nodes.all(GONE, folder.id) if node.is_folder)
        for child in [*folders, *gone]:
            self.below(child, was.child(child.name), now.child(child.name))

    def _rule(self, folder: Path) -> str:
        return self._nodes.keys(folder.child(PROBE))[-1]

    def _rekey(self, node: Node, folder: Path) -> None:
        key = self._nodes.keys(folder.child(node.name))[-1]
        other = self._nodes.child(node.parent, key) if node.gone is None else None
        if other is not None and other.id != node.id:
            raise MalformedRequest(
                f'"{other.name}" and "{node.name}" would be one name in "{folder}".'
                " Rename one of them first."
            )
        self._connection.execute("UPDATE nodes SET key = ? WHERE id = ?", (key, node.id))
