"""Does what is moved, copied or brought back fit where it goes: names, depth, types of media?

Every upload is judged so on its way in; what goes from one folder to another is here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from uploads import names
from uploads.failures import MalformedRequest
from uploads.files import Content, Folder, Listing, StoredFile
from uploads.names import Path
from uploads.ports import Sniffer, View
from uploads.rules import Rules

READ_AT_ONCE = 1000
# All of a copy is one turn of the writer, for which everybody else waits.
MOST_COPIED = 10_000


@dataclass(frozen=True, slots=True)
class Fitting:
    rules: Rules
    limits: names.Limits
    sniffer: Sniffer

    def check(self, view: View, found: StoredFile | Folder, target: Path) -> None:
        """:raises TypeRefused, BadName, MalformedRequest: it does not."""
        if isinstance(found, StoredFile):
            self.check_type(found.content, target)
            return
        self._check_extent(view, found.path, target)
        if self.rules.policies.are_choosy:
            for file in _files(view, found.path):
                path = _moved(file.path, found.path, target)
                names.parse(str(path), self.limits)
                self.check_type(file.content, path)

    def check_type(self, content: Content, path: Path) -> None:
        """For bytes that were judged for another name, or in another folder."""
        fits = self.sniffer.fits(content.media_type, path.name)
        policy = self.rules.policies.of(path.parent)
        self.rules.check_type(policy, content.media_type, path.name, fits=fits)

    def copies(
        self, view: View, folder: Path, target: Path
    ) -> list[tuple[Folder | StoredFile, Path]]:
        """What is in a folder at any depth, each with where its copy goes, folders first.

        :raises MalformedRequest: too many, or names that were two would be one.
        """
        found: list[tuple[Folder | StoredFile, Path]] = []
        spelled: dict[tuple[str, ...], Path] = {}
        both: list[Iterator[Folder | StoredFile]] = [_folders(view, folder), _files(view, folder)]
        for entries in both:
            for number, entry in enumerate(entries):
                if number == MOST_COPIED:
                    raise _too_many(folder)
                path = _moved(entry.path, folder, target)
                self._check_distinct(path, len(target.parts), spelled)
                found.append((entry, path))
        return found

    def _check_distinct(self, path: Path, depth: int, spelled: dict[tuple[str, ...], Path]) -> None:
        keys = self.rules.policies.keys(path)
        for length in range(depth + 1, len(keys) + 1):
            here = Path(path.parts[:length])
            other = spelled.setdefault(keys[:length], here)
            if other != here:
                raise MalformedRequest(
                    f'"{other.name}" and "{here.name}" would be one name in "{here.parent}".'
                    " Rename one of them first."
                )

    def _check_extent(self, view: View, folder: Path, target: Path) -> None:
        levels, length = view.extent(folder)
        too_deep = len(target.parts) + levels > self.limits.depth
        if too_deep or len(str(target).encode()) + length > self.limits.path_bytes:
            raise MalformedRequest(
                f'What is in "{folder}" would lie too deep in "{target}": at most'
                f" {self.limits.depth} levels and {self.limits.path_bytes:,} bytes of path are"
                " taken, deleted files included. Choose a place further up."
            )


def _too_many(folder: Path) -> MalformedRequest:
    return MalformedRequest(
        f'"{folder}" holds more than {MOST_COPIED:,} files or folders, which is as many as are'
        " copied at once. Copy the folders in it one by one."
    )


def _folders_in(view: View, folder: Path) -> Iterator[Folder]:
    """In a listing folders stand before files."""
    listing = Listing(limit=READ_AT_ONCE)
    while True:
        page = view.page(folder, listing)
        for entry in page.entries:
            if not isinstance(entry, Folder):
                return
            yield entry
        if page.after is None:
            return
        listing = replace(listing, after=page.after)


def _folders(view: View, folder: Path) -> Iterator[Folder]:
    """At any depth, each before what is in it."""
    waiting = [folder]
    while waiting:
        for below in _folders_in(view, waiting.pop()):
            yield below
            waiting.append(below.path)


def _files(view: View, folder: Path) -> Iterator[StoredFile]:
    after: Path | None = None
    while files := view.files_below(folder, after, READ_AT_ONCE):
        yield from files
        after = files[-1].path


def _moved(path: Path, folder: Path, target: Path) -> Path:
    return Path((*target.parts, *path.parts[len(folder.parts) :]))
