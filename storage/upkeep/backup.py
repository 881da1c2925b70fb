"""A whole store copied to another folder and back: index first, then the bytes that it names.

Blobs never change, so a second backup to the same folder only copies what is new. Knows no rule.
"""

import contextlib
import os
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from storage import lock, roster
from storage.disk import copying, posix
from storage.disk.blobfolder import BlobFolder, Damaged, Shared
from storage.sqlite import founding, renumbering
from storage.upkeep import catalogue, lease
from storage.upkeep.catalogue import Catalogue, Entry
from uploads.failures import MalformedRequest, NotThere, Unavailable

Tell = Callable[[int, int], object]
# What is to be changed in the copy of an index.
Change = Callable[[sqlite3.Connection], None]

_PIECE = 1024 * 1024
_COMING = "index.sqlite.coming"
_BLOBS = "blobs"
# The second is what the root of a new disk comes with.
_NO_MATTER = {lock.NAME, "lost+found"}
_INTERRUPTED = re.compile(
    rf"{re.escape(_COMING)}(-journal|-wal|-shm)?|\.{re.escape(roster.NAME)}\.[0-9a-f]{{16}}"
)


@dataclass(frozen=True, slots=True)
class Copied:
    """`small`: how many of them lie in the index. `damaged`: one line for people on each content
    that could not be copied whole, and on the roster where it could not. `shared`: of how many that
    were copied somebody else has a name.
    """

    contents: int
    small: int
    new: int
    bytes: int
    damaged: tuple[str, ...]
    shared: int = 0


def backup(data: Path, target: Path, tell: Tell = lambda *_: None) -> Copied:
    """While a server runs, or not. Every byte that is copied is compared with its digest; of what
    an earlier backup has as files the sizes are.

    :raises MalformedRequest: the target is not a place for a backup. :raises NotThere: no store.
    :raises Unavailable: another one into the target is under way.
    """
    target = target.resolve()
    if target.is_relative_to(data.resolve()):
        raise MalformedRequest(f"{target} is inside the data folder. Choose a folder elsewhere.")
    strangers = _strangers(target, {catalogue.NAME, _BLOBS, roster.NAME})
    if strangers:
        raise MalformedRequest(
            f"{target} holds other things ({min(strangers)}). Choose a new folder,"
            " or that of an earlier backup."
        )
    require_store(data)
    with _alone_into(target), lease.copying(data):
        return _copy_store(data, target, _forget_arriving, tell)


def restore(source: Path, data: Path, tell: Tell = lambda *_: None) -> Copied:
    """Into an empty or new data folder, which the caller owns; or one in which a restore was
    interrupted. Bytes without its mark may be all that is left of a store: those stay.

    :raises MalformedRequest: something is there already. :raises NotThere: there is no backup.
    """
    require_store(source)
    there = _strangers(data, {_BLOBS, roster.NAME} if (data / _COMING).exists() else set())
    if there:
        raise MalformedRequest(
            f"{data} is not empty ({min(there)} is there). Nothing was changed;"
            " restore into a new folder."
        )
    return _copy_store(source, data, _begin_anew, tell)


def _strangers(folder: Path, ours: set[str]) -> set[str]:
    return {name for name in _names(folder) - ours - _NO_MATTER if not _INTERRUPTED.fullmatch(name)}


def _names(folder: Path) -> set[str]:
    return {found.name for found in folder.iterdir()} if folder.is_dir() else set()


@contextlib.contextmanager
def _alone_into(target: Path) -> Iterator[None]:
    """Another one would take away what this one has just copied, and its index does not name."""
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        held = lock.hold(target)
    except lock.Held as holder:
        raise Unavailable(
            f"{target} is in use by {holder}: another backup into it may be under way. Nothing was"
            " changed; wait for its end, or choose another folder."
        ) from None
    with held:
        yield
        held.untidy = False


def _copy_store(source: Path, target: Path, change: Change, tell: Tell) -> Copied:
    """The new index takes its place last: until then the target is what it was before, and a file
    beside it marks that this was begun.
    """
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    coming = _copy_index(source, target, change)
    try:
        with Catalogue(target, _COMING) as index:
            _require_sound(index)
            copied = Copying(source, target, index).run(tell)
        damaged = (*copied.damaged, *_copy_roster(source, target))
        coming.replace(target / catalogue.NAME)
    except BaseException:
        os.truncate(coming, 0)
        raise
    posix.sync_folder(target)
    posix.sync_above(target)
    _drop_unnamed(target)
    return replace(copied, damaged=damaged)


def _copy_index(source: Path, target: Path, change: Change) -> Path:
    """As it stands at one moment, in one file, synced."""
    for name in filter(_INTERRUPTED.fullmatch, _names(target) - {_COMING}):
        (target / name).unlink()
    coming = target / _COMING
    os.close(os.open(coming, posix.LASTING_FILE | os.O_TRUNC, 0o600))
    with Catalogue(source) as index, contextlib.closing(sqlite3.connect(coming)) as copy:
        index.connection.backup(copy)
        change(copy)
        copy.execute("PRAGMA journal_mode = delete")
    coming.chmod(0o600)
    descriptor = os.open(coming, os.O_RDONLY | os.O_CLOEXEC)
    try:
        posix.sync(descriptor)
    finally:
        os.close(descriptor)
    return coming


def _copy_roster(source: Path, target: Path) -> Iterator[str]:
    """What is wrong with it. Where nobody had a good one, a bad one keeps everybody out."""
    place = target / roster.NAME
    try:
        text = (source / roster.NAME).read_bytes()
    except FileNotFoundError:
        place.unlink(missing_ok=True)
        return
    try:
        roster.understood(text)
    except Unavailable:
        if place.exists():
            yield f"{roster.NAME}: it cannot be understood; the one of the earlier backup is kept"
            return
        yield f"{roster.NAME}: it cannot be understood; copied as it is"
    posix.replace_file(place, text)


def _require_sound(index: Catalogue) -> None:
    """Down to what SQLite finds by: what it does not find would be taken for unnamed."""
    if index.faults(thorough=True):
        raise Unavailable("The index is damaged, so nothing was copied. Run `verify`.")


def _forget_arriving(copy: sqlite3.Connection) -> None:
    """What is half here is not copied: nobody shall be told that it is."""
    if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'arriving'").fetchone():
        copy.execute("DELETE FROM arriving")
        copy.commit()


def _begin_anew(copy: sqlite3.Connection) -> None:
    _forget_arriving(copy)
    renumbering.go_beyond(copy)


class Copying:
    """The blobs that an index names, from one folder to another, and a look at what it holds."""

    def __init__(self, source: Path, target: Path, index: Catalogue) -> None:
        self._folder = target
        self._source = BlobFolder(source)
        self._target = BlobFolder(target)
        self._index = index
        self._small = 0
        self._new = 0
        self._bytes = 0
        self._shared = 0
        self._damaged: list[str] = []
        self._touched: set[Path] = set()

    def run(self, tell: Tell) -> Copied:
        self._target.make()
        contents, total = self._index.totals()
        done = 0
        for entry in self._index.contents():
            if entry.is_small:
                self._small += 1
                self._check_small(entry)
            else:
                self._touched.add(self._target.folder_of(entry.hex))
                if not self._is_there(entry):
                    self._copy(entry)
            done += entry.size
            tell(done, total)
        # Also of what is there already: whoever put it there may have been interrupted before this.
        for folder in (*sorted(self._touched), self._target.path):
            posix.sync_folder(folder)
        damaged = tuple(self._damaged)
        return Copied(contents, self._small, self._new, self._bytes, damaged, self._shared)

    def _check_small(self, entry: Entry) -> None:
        """The index of the earlier backup is about to be replaced, and with it what it has."""
        if self._index.small_fault(entry) is None:
            return
        earlier = self._earlier(entry)
        if earlier is None:
            self._report(entry, "its bytes have another digest; copied as they are")
            return
        catalogue.put_back(self._folder / _COMING, entry.digest, earlier)
        self._report(entry, "its bytes have another digest; those of the earlier backup are kept")

    def _earlier(self, entry: Entry) -> bytes | None:
        if (self._folder / catalogue.NAME).is_file():
            with contextlib.suppress(sqlite3.Error, Unavailable), Catalogue(self._folder) as index:
                return index.small(entry.digest) if index.small_fault(entry) is None else None
        return None

    def _is_there(self, entry: Entry) -> bool:
        try:
            os.close(self._target.open(entry.hex, entry.size))
        except (FileNotFoundError, Damaged):
            return False
        return True

    def _copy(self, entry: Entry) -> None:
        folder = self._target.folder_of(entry.hex)
        temporary = folder / f"{entry.hex}.{secrets.token_hex(8)}"
        try:
            algorithm = entry.digest.partition(":")[0]
            digest = copying.copy(self._opened(entry), temporary, entry.size, algorithm)
            if digest != entry.digest:
                self._report(entry, "its bytes have another digest; not copied")
                return
            temporary.replace(folder / entry.hex)
        except FileNotFoundError:
            self._report(entry, "its bytes are missing; not copied")
        except Damaged as damage:
            self._report(entry, f"its bytes are damaged: {damage}; not copied")
        else:
            self._new += 1
            self._bytes += entry.size
        finally:
            temporary.unlink(missing_ok=True)

    def _opened(self, entry: Entry) -> int:
        """Whoever else has a name of it: its bytes are compared."""
        try:
            return self._source.open(entry.hex, entry.size)
        except Shared:
            self._shared += 1
            return self._source.open_shared(entry.hex, entry.size)

    def _report(self, entry: Entry, what: str) -> None:
        names = ", ".join(self._index.names_of(entry, 3)) or "an earlier version or a parked upload"
        self._damaged.append(f"{names}: {what}")


def _drop_unnamed(target: Path) -> None:
    """What an earlier backup needed, and what an interrupted one left."""
    blobs = BlobFolder(target)
    with Catalogue(target) as index:
        algorithm = index.algorithm()
        for blob in blobs.all():
            if not index.knows(f"{algorithm}:{blob.name}"):
                (blobs.folder_of(blob.name) / blob.name).unlink()


def require_store(folder: Path) -> None:
    """:raises NotThere: no store, and no backup of one, is in the folder."""
    founding.require_index(folder)
    if not (folder / catalogue.NAME).is_file():
        raise NotThere(f'There is no store in "{folder}". Name the folder that holds index.sqlite.')
