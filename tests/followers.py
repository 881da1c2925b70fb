"""A client that follows the tree, at its simplest: what docs/http-api.md tells it to do."""

from dataclasses import dataclass, field

from uploads.feed import Line
from uploads.files import Kind


@dataclass
class Copy:
    """`files`: path -> what was told of the version; `folders`: paths."""

    files: dict[str, object] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)

    def apply(self, line: Line) -> None:
        version = line.version and (line.version.etag, line.version.content)
        source = None if line.source is None else str(line.source)
        deleted = line.kind is Kind.DELETED
        self.take(
            str(line.path), deleted=deleted, folder=line.is_folder, source=source, has=version
        )

    def take(
        self, path: str, *, deleted: bool, folder: bool, source: str | None, has: object
    ) -> None:
        if source is not None:
            self._remove(source)
        if deleted:
            self._remove(path)
            return
        parts = path.split("/")
        self.folders |= {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        if folder:
            self.folders.add(path)
        else:
            self.files[path] = has

    def _remove(self, path: str) -> None:
        self.files = {name: has for name, has in self.files.items() if not _within(name, path)}
        self.folders = {name for name in self.folders if not _within(name, path)}


def _within(name: str, path: str) -> bool:
    return name == path or name.startswith(path + "/")
