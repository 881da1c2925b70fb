"""The part of a turn in memory that keeps something with a file, or with a place."""

from dataclasses import replace

from storage.memory.state import Node
from storage.memory.view import MemoryView
from uploads.files import Property
from uploads.locks import Lock
from uploads.names import Path


class Keeping(MemoryView):
    def set_modified(self, path: Path, modified: float) -> None:
        node = self._standing(path)
        self._state.nodes[node.id] = replace(node, modified=modified)
        past = self._state.past.get((node.id, node.number))
        if past is not None and past.event.version is not None:
            version = replace(past.event.version, modified=modified)
            dated = replace(past, event=replace(past.event, version=version))
            self._state.past[node.id, node.number] = dated

    def set_property(self, path: Path, kept: Property) -> None:
        self._properties.set(self._standing(path).id, kept)

    def drop_property(self, path: Path, namespace: str, name: str) -> None:
        self._state.properties.pop((self._standing(path).id, namespace, name), None)

    def copy_properties(self, source: Path, target: Path) -> None:
        self._properties.copy(self._standing(source).id, self._standing(target).id)

    def lock(self, lock: Lock) -> None:
        self._state.locks[lock.token] = lock

    def unlock(self, token: str) -> None:
        self._state.locks.pop(token, None)

    def forget_locks(self, before: float, limit: int) -> int:
        return self._locks.forget(before, limit)

    def _standing(self, path: Path) -> Node:
        node = self._exactly(path)
        if node is None:
            raise LookupError(f"there is no {path} to keep anything with")
        return node
