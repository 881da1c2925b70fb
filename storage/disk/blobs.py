"""The blobs on a local disk: stage, sync, link, sync. Implements the port `Blobs`.

Knows nothing of names in the tree and of the index; what lives there is asked for by `small`.
"""

import asyncio
import logging
import math
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from storage.disk import posix
from storage.disk.blobfolder import FAN_OUT, READ_FLAGS, STAGING, Blob, BlobFolder, Damaged
from storage.disk.faults import Faults
from storage.disk.hashing import Hasher
from storage.disk.reading import FileReading
from storage.disk.staging import Arriving, Room, StagedBytes, StagedFile, staged_bytes
from storage.disk.unfinished import DiskUnfinished
from uploads import failures
from uploads.events import Publish
from uploads.failures import NotThere, Unavailable
from uploads.files import Content
from uploads.ports import Reading, Staged
from uploads.resting import BytesReading

_log = logging.getLogger(__name__)

# A store may have been run with another threshold before; no setting goes beyond this one.
LARGEST_INLINE = 1024 * 1024
# A disk works best with several syncs at once, and more threads than these only wait in its queue.
_WRITERS = 8
_READERS = 8
_REMOVED_REMEMBERED = 10_000
# So much is not used up in so many seconds, and need not be measured again for each small file.
_PLENTY = 1 << 30
_PLENTY_HOLDS = 0.01


async def _nothing_small(content: Content) -> bytes | None:  # noqa: ARG001 - until the index is here
    return None


class DiskBlobs:
    """The data folder is locked by whoever makes this: the start sweeps away what a crash left."""

    def __init__(
        self, folder: Path, algorithm: str, *, inline_below: int, publish: Publish
    ) -> None:
        self.small: Callable[[Content], Awaitable[bytes | None]] = _nothing_small
        self._faults = Faults(publish)
        staging = folder / STAGING
        BlobFolder(folder).make()
        _sweep(staging)
        sheets = posix.sheets(folder / "blobs", staging)
        self._folder = BlobFolder(folder)
        self._writers = ThreadPoolExecutor(_WRITERS, "blob-writer")
        self._readers = ThreadPoolExecutor(_READERS, "blob-reader")
        self._room = Room(
            sheets,
            algorithm,
            min(inline_below, LARGEST_INLINE),
            self._writers,
            self._faults,
            publish,
        )
        self.unfinished = DiskUnfinished(folder, self._room)
        self._free, self._measured = 0, -math.inf
        self._touched: dict[str, int] = {}
        self._removed: dict[str, None] = {}

    @property
    def trouble(self) -> str | None:
        """Why nothing is written until a restart; None while all is well."""
        return self._faults.reason

    def stage(self, size: int | None, digests: Collection[str]) -> Arriving:
        self._faults.require_sound()
        return Arriving(self._room, size, digests)

    def stage_small(self, data: bytes, digests: Collection[str]) -> StagedBytes | None:
        self._faults.require_sound()
        if len(data) >= self._room.inline_below:
            return None
        return staged_bytes(data, Hasher(self._room.algorithm, digests))

    async def open(self, content: Content) -> Reading:
        if content.size < LARGEST_INLINE and (data := await self.small(content)) is not None:
            return BytesReading(data)
        try:
            descriptor = await _opened(self._readers, self._folder, content)
        except FileNotFoundError:
            raise self._missing(content) from None
        except Damaged as damage:
            _log.error("blob %s is damaged: %s", content.digest, damage)
            raise _damaged() from damage
        except OSError as error:
            _log.error("blob %s cannot be opened: %s", content.digest, error.strerror)
            raise Unavailable(
                "This file cannot be opened at the moment. Try again in a few seconds."
            ) from error
        return FileReading(descriptor, content.size, self._readers)

    def keep(self, staged: Staged) -> bytes | None:
        if isinstance(staged, StagedBytes):
            return staged.data
        if not isinstance(staged, StagedFile):
            raise TypeError(staged)
        self._faults.require_sound()
        try:
            self._link(staged)
        except OSError as error:
            raise self._faults.judge(error) from error
        return None

    def sync(self) -> None:
        touched, self._touched = self._touched, {}
        failed: OSError | None = None
        for descriptor in touched.values():
            try:
                posix.sync(descriptor)
            except OSError as error:
                failed = failed or error
            finally:
                os.close(descriptor)
        if failed is not None:
            raise self._faults.judge(failed) from failed

    def remove(self, content: Content) -> None:
        self._removed[content.hex] = None
        if len(self._removed) > _REMOVED_REMEMBERED:
            del self._removed[next(iter(self._removed))]
        with (
            suppress(FileNotFoundError),
            posix.folder(self._folder.folder_of(content.hex)) as within,
        ):
            self._unlink(content.hex, within)

    def free_space(self) -> int:
        now = time.monotonic()
        if self._free < _PLENTY or now - self._measured > _PLENTY_HOLDS:
            try:
                status = os.statvfs(self._folder.path)
            except OSError as error:
                raise self._faults.judge(error) from error
            self._free, self._measured = status.f_bavail * status.f_frsize, now
        return self._free

    def all_blobs(self, fans: Sequence[str] = FAN_OUT) -> Iterator[Blob]:
        return self._folder.all(fans)

    def content(self, blob: Blob) -> Content:
        """The content that a sound blob is, as the index would name it."""
        return Content(f"{self._room.algorithm}:{blob.name}", blob.size)

    def remove_half_placed(self, blob: Blob) -> None:
        (self._folder.folder_of(blob.name) / blob.name).unlink(missing_ok=True)

    async def close(self) -> None:
        """Waits for stages that are being dropped, and ends the threads."""
        while self._room.leaving:
            await asyncio.wait(set(self._room.leaving))
        self._writers.shutdown()
        self._readers.shutdown()

    def _link(self, staged: StagedFile) -> None:
        name = staged.content.hex
        self._removed.pop(name, None)
        within = self._touch(name)
        try:
            staged.sheet.link(name, within)
        except FileExistsError:
            fault = self._folder.fault(name, staged.content.size, within)
            if fault is not None:
                _log.error("blob %s was damaged (%s); it came in again, whole", name, fault)
                _put_in_place(staged, within)

    def _unlink(self, name: str, within: int) -> None:
        """While it is open only its name goes; a thread gives its room back, not this turn. What
        cannot be opened goes all the same.
        """
        descriptor: int | None = None
        with suppress(OSError):
            descriptor = os.open(name, READ_FLAGS, dir_fd=within)
        try:
            os.unlink(name, dir_fd=within)
        finally:
            if descriptor is not None:
                self._writers.submit(os.close, descriptor)

    def _touch(self, name: str) -> int:
        fan = name[:2]
        if fan not in self._touched:
            self._touched[fan] = posix.open_folder(self._folder.folder_of(name))
        return self._touched[fan]

    def _missing(self, content: Content) -> NotThere | failures.Damaged:
        if content.hex in self._removed:
            return NotThere("This file was deleted, and the time to read it is over.")
        _log.error("blob %s is missing", content.digest)
        return _damaged()


def _put_in_place(staged: StagedFile, within: int) -> None:
    name = staged.content.hex
    beside = f"{name}.{secrets.token_hex(8)}"
    staged.sheet.link(beside, within)
    os.replace(beside, name, src_dir_fd=within, dst_dir_fd=within)


def _sweep(staging: Path) -> None:
    """What a crash left half-written; a read-only disk keeps it until it can be written again."""
    with suppress(OSError):
        staging.mkdir(mode=0o700, exist_ok=True)
        for left in staging.iterdir():
            left.unlink()


async def _opened(threads: Executor, folder: BlobFolder, content: Content) -> int:
    opening = asyncio.get_running_loop().run_in_executor(
        threads, folder.open, content.hex, content.size
    )
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_opened)
        raise


def _close_opened(opening: asyncio.Future[int]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        os.close(opening.result())


def _damaged() -> failures.Damaged:
    return failures.Damaged(
        "The bytes of this file are missing or damaged on this server."
        " Tell who runs it; the command `verify` shows what can be done."
    )
