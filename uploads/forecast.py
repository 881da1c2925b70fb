"""The tree as it would be after some uploads that nobody has sent yet. Knows no rule."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from uploads import names
from uploads.access import Reach
from uploads.changes import Span
from uploads.collisions import AtName, FileAbove, FileHere, FolderHere, Lookalike, Nothing
from uploads.files import Content, Folder, StoredFile, Usage, Version
from uploads.locks import Lock
from uploads.names import Path
from uploads.ports import View

Key = tuple[str, ...]
# What is foretold has no number yet.
UNNUMBERED = 0
# Contents of which nobody has said what they are begin with this, which no algorithm does.
UNKNOWN = "?"


@dataclass(slots=True)
class Forecast:
    """What the uploads foretold so far would leave behind, and which of them."""

    keys: Callable[[Path], Key]
    files: dict[Key, StoredFile] = field(default_factory=dict)
    folders: dict[Key, Folder] = field(default_factory=dict)
    by: dict[Key, int] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    _holders: dict[str, dict[Key, StoredFile]] = field(default_factory=dict)
    _unknown: dict[int, int] = field(default_factory=dict)

    def store(self, number: int, path: Path, content: Content, by: str) -> None:
        key = self.keys(path)
        for depth in range(1, len(key)):
            self.folders.setdefault(key[:depth], Folder(Path(path.parts[:depth]), UNNUMBERED, 0.0))
            self.by.setdefault(key[:depth], number)
        before = self.files.get(key)
        if before is not None:
            del self._holders[before.content.digest][key]
        file = StoredFile(path, Version(UNNUMBERED, content, 0.0, 0.0, by))
        self.files[key], self.by[key] = file, number
        self._holders.setdefault(content.digest, {})[key] = file
        if content.digest.startswith(UNKNOWN):
            self._unknown[content.size] = self._unknown.get(content.size, 0) + 1
        self.usage = Usage(self.usage.bytes + content.size, self.usage.files + 1)

    def maker(self, entry: StoredFile | Folder) -> int | None:
        """Which of the uploads would make it; None: it is there already."""
        number = entry.changed if isinstance(entry, Folder) else entry.version.number
        return self.by.get(self.keys(entry.path)) if number == UNNUMBERED else None

    def may_hold(self, content: Content) -> bool:
        """Has one of the uploads a content that may turn out to be this one?"""
        mine = int(content.digest.startswith(UNKNOWN) and content.digest in self._holders)
        return self._unknown.get(content.size, 0) > mine

    def holder(self, content: Content, reach: Reach, apart_from: Path) -> StoredFile | None:
        here = self.keys(apart_from)
        holders = self._holders.get(content.digest, {})
        return next(
            (
                file
                for key, file in holders.items()
                if key != here and reach.holds(file.path.folded)
            ),
            None,
        )

    def at(self, path: Path) -> AtName:
        """What would stand there, where nothing is now."""
        key = self.keys(path)
        for depth in range(1, len(key) + 1):
            here = self.files.get(key[:depth]) or self.folders.get(key[:depth])
            if here is None:
                return Nothing()
            wanted = Path(path.parts[:depth])
            if here.path.name != wanted.name:
                return _lookalike(here, wanted)
            if isinstance(here, StoredFile):
                return FileHere(here) if depth == len(key) else FileAbove(here)
        return FolderHere(self.folders[key])


@dataclass(frozen=True, slots=True)
class ForecastView:
    """What `judge` asks of the index, as it would be. `twin`: suppose that the content is known."""

    view: View
    forecast: Forecast
    twin: StoredFile | None = None

    def at(self, path: Path) -> AtName:
        found = self.view.at(path)
        match found:
            case Nothing():
                return self.forecast.at(path)
            case FileHere(file):
                return FileHere(self._now(file))
            case FileAbove(file):
                return FileAbove(self._now(file))
            case Lookalike(StoredFile() as file, wanted, rule):
                return Lookalike(self._now(file), wanted, rule)
            case _:
                return found

    def same_content(self, content: Content, reach: Reach, apart_from: Path) -> StoredFile | None:
        left, found = reach, self.view.same_content(content, reach, apart_from)
        while found is not None:
            if self._now(found).content == found.content:
                return found
            # It would be replaced by then, but it need not be the only one.
            left = left.beyond(found.path.folded)
            found = self.view.same_content(content, left, apart_from)
        return self.forecast.holder(content, reach, apart_from) or self.twin

    def locks_over(self, path: Path) -> list[Lock]:
        return self.view.locks_over(path)

    def locks_below(self, path: Path) -> list[Lock]:
        return self.view.locks_below(path)

    def locks_at(self, paths: Collection[Path]) -> list[Lock]:
        return self.view.locks_at(paths)

    def span(self) -> Span:
        return self.view.span()

    def free_name(self, path: Path, most_bytes: int, kept: Callable[[Path], bool]) -> Path:
        def taken(name: str) -> bool:
            there = path.parent.child(name)
            return not isinstance(self.at(there), Nothing) or kept(there)

        return path.parent.child(names.free_name(path.name, taken, most_bytes))

    def usage(self, principal: str) -> Usage:
        now, more = self.view.usage(principal), self.forecast.usage
        return Usage(now.bytes + more.bytes, now.files + more.files)

    def _now(self, file: StoredFile) -> StoredFile:
        return self.forecast.files.get(self.forecast.keys(file.path), file)


def _lookalike(here: StoredFile | Folder, wanted: Path) -> Lookalike:
    rule = names.matching_rule(wanted.name, here.path.name)
    if rule is None:
        raise ValueError(f"{wanted} and {here.path} have one key, and no rule says why")
    return Lookalike(here, wanted, rule)
