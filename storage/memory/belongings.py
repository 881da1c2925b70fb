"""What belongs to places and files beside contents, in memory: locks and properties."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from uploads.files import Property
from uploads.locks import Lock
from uploads.names import Path

Kept = dict[tuple[int, str, str], Property]


@dataclass(frozen=True, slots=True)
class Locks:
    """By token."""

    by_token: dict[str, Lock]
    keys: Callable[[Path], tuple[str, ...]]

    def over(self, path: Path) -> list[Lock]:
        keys = self.keys(path)
        found = [lock for lock in self.by_token.values() if self._is_above(lock, keys)]
        return sorted(found, key=lambda lock: (len(lock.path.parts), lock.token))

    def below(self, path: Path) -> list[Lock]:
        at = self.keys(path)
        within = [lock for lock in self._within(path) if self.keys(lock.path) != at]
        return sorted(within, key=lambda lock: (self.keys(lock.path), lock.token))

    def at(self, paths: Collection[Path]) -> list[Lock]:
        places = set(map(self.keys, paths))
        found = [lock for lock in self.by_token.values() if self.keys(lock.path) in places]
        return sorted(found, key=lambda lock: (self.keys(lock.path), lock.token))

    def of(self, principal: str) -> int:
        return sum(lock.principal == principal for lock in self.by_token.values())

    def drop_all(self, path: Path) -> None:
        for lock in self._within(path):
            del self.by_token[lock.token]

    def forget(self, before: float, limit: int) -> int:
        old = [lock.token for lock in self.by_token.values() if lock.expires <= before][:limit]
        for token in old:
            del self.by_token[token]
        return len(old)

    def _is_above(self, lock: Lock, keys: tuple[str, ...]) -> bool:
        place = self.keys(lock.path)
        return keys[: len(place)] == place

    def _within(self, path: Path) -> list[Lock]:
        keys = self.keys(path)
        return [
            lock for lock in self.by_token.values() if self.keys(lock.path)[: len(keys)] == keys
        ]


@dataclass(frozen=True, slots=True)
class Properties:
    """By the node that they belong to, namespace and name."""

    kept: Kept

    def of(self, node: int) -> list[Property]:
        return [one for key, one in sorted(self.kept.items()) if key[0] == node]

    def set(self, node: int, one: Property) -> None:
        self.kept[node, one.namespace, one.name] = one

    def copy(self, source: int, target: int) -> None:
        self.forget(target)
        for one in self.of(source):
            self.set(target, one)

    def forget(self, node: int) -> None:
        for key in [key for key in self.kept if key[0] == node]:
            del self.kept[key]
