"""Garbage: what has outlived its time is forgotten in the index first, its bytes are removed later.

In turns of a bounded size, so that nobody who uploads waits long. Knows no SQL.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from storage.disk.blobfolder import FAN_OUT, Blob
from storage.disk.blobs import DiskBlobs
from storage.upkeep import lease
from uploads.events import Collected
from uploads.failures import Unavailable
from uploads.files import Content, Incoming
from uploads.ports import Blobs, Index, Turn, Unfinished, View

_log = logging.getLogger(__name__)

_AT_ONCE = 200
# To look for them in all rows takes a second for each few millions, so many are looked for at once.
_TOGETHER = 5_000
_ROWS_AT_ONCE = 20_000
_SHARES = 16


@dataclass(frozen=True, slots=True)
class Keep:
    """For how many seconds: a version after its replacement or deletion, a change for those who
    follow. None is for ever.
    """

    versions: float | None
    changes: float | None = None


async def collect(
    index: Index, blobs: Blobs, data: Path, now: float, keep: Keep
) -> Collected | None:
    """None: not now, a backup copies the blobs, and may be about to copy what would go."""
    with lease.removing(data) as may:
        if not may:
            return None
        versions = 0
        if keep.changes is not None:
            since = now - keep.changes
            await _repeated(index, lambda turn: turn.forget_changes(since, _AT_ONCE))
        if keep.versions is not None:
            before = now - keep.versions
            versions = await _repeated(index, lambda turn: turn.forget_versions(before, _AT_ONCE))
        await _repeated(index, lambda turn: turn.forget_records(now, _AT_ONCE))
        uploads = await _repeated(index, lambda turn: turn.forget_uploads(now, _AT_ONCE))
        await _repeated(index, lambda turn: turn.forget_locks(now, _AT_ONCE))
        contents = size = 0
        while forgotten := await _forgotten(index):
            removed = await remove_unnamed(index, blobs, forgotten)
            contents += len(removed)
            size += sum(content.size for content in removed)
        return Collected(versions, uploads, contents, size)


def share_of(moment: float, every: float) -> Sequence[str]:
    """The folders whose turn it is to be swept, where something is swept once in that time.

    All have had theirs after sixteen times: what is swept is rare and only costs room, and to look
    at all blobs at once would take long. It needs no memory, which a restart would take away.
    """
    return FAN_OUT[int(moment // every) % _SHARES :: _SHARES]


async def sweep(
    index: Index, blobs: DiskBlobs, data: Path, before: float, fans: Sequence[str] = FAN_OUT
) -> Collected | None:
    """Removes what was put in place and never recorded: by a crash, by a turn that was taken back,
    by a commit that failed. None: not now, somebody copies.

    Only what was placed before that time, by the clock of the file system: what comes in meanwhile
    is on its way into the index.
    """
    with lease.removing(data) as may:
        if not may:
            return None
        swept: list[Content] = []
        unnamed: list[Content] = []
        found = (blob for blob in blobs.all_blobs(fans) if blob.placed < before)
        while batch := await asyncio.to_thread(_next, found):
            for blob in batch:
                if blob.half_placed:
                    blobs.remove_half_placed(blob)
            contents = [blobs.content(blob) for blob in batch if blob.sound]
            unnamed += await index.read(_unfound_of(contents))
            if len(unnamed) >= _TOGETHER:
                swept += await remove_unnamed(index, blobs, unnamed)
                unnamed = []
        swept += await remove_unnamed(index, blobs, unnamed)
        return Collected(0, 0, len(swept), sum(content.size for content in swept))


async def sweep_unfinished(index: Index, unfinished: Unfinished, now: float) -> int:
    """Gives up what arrives in pieces and has expired; removes the bytes of what is not expected
    any more, also after a crash: whatever has bytes was expected before. Returns how many files.
    """
    await _repeated(index, lambda turn: turn.forget_incoming(now, _AT_ONCE))
    there = await unfinished.all()
    removed = 0
    for at in range(0, len(there), _AT_ONCE):
        found = await index.read(_unexpected_of(there[at : at + _AT_ONCE]))
        if found:
            removed += await index.write(_removal(unfinished, found))
    return removed


def _unexpected_of(ids: list[str]) -> Callable[[View], list[str]]:
    return lambda view: [id_ for id_ in ids if not _is_expected(view.incoming(id_))]


def _removal(unfinished: Unfinished, ids: list[str]) -> Callable[[Turn], int]:
    """Of those that are still not expected: an id that its sender has made can come again."""

    def remove(turn: Turn) -> int:
        unexpected = _unexpected_of(ids)(turn)
        for id_ in unexpected:
            unfinished.remove_unexpected(id_)
        return len(unexpected)

    return remove


def _is_expected(incoming: Incoming | None) -> bool:
    return incoming is not None and incoming.number is None


def _next(blobs: Iterator[Blob]) -> list[Blob]:
    return [*islice(blobs, _AT_ONCE)]


async def remove_unnamed(index: Index, blobs: Blobs, contents: list[Content]) -> list[Content]:
    """Removes the bytes of those that nothing names; returns which.

    In a turn after the one that forgot them is durable: a claim of the same bytes may have come
    in between. None can come while this turn lasts, and one after it puts the bytes back.

    :raises Unavailable: the index is damaged, so that it does not find what it names.
    """
    await _require_unnamed(index, contents)
    removed: list[Content] = []
    for at in range(0, len(contents), _AT_ONCE):
        removed += await index.write(_removal_of(blobs, contents[at : at + _AT_ONCE]))
    return removed


def _removal_of(blobs: Blobs, contents: list[Content]) -> Callable[[Turn], list[Content]]:
    def remove(turn: Turn) -> list[Content]:
        unnamed = [content for content in contents if not turn.is_named(content)]
        return [content for content in unnamed if _let_go(blobs, content)]

    return remove


def _let_go(blobs: Blobs, content: Content) -> bool:
    """What the disk keeps is left to a later sweep: the others need not wait for it."""
    try:
        blobs.remove(content)
    except OSError as error:
        _log.warning("the bytes of %s stay for now: %s", content.digest, error.strerror)
        return False
    return True


def _unfound_of(contents: list[Content]) -> Callable[[View], list[Content]]:
    return lambda view: [content for content in contents if view.content(content.digest) is None]


async def _require_unnamed(index: Index, contents: list[Content]) -> None:
    """One flipped bit in what the index finds by would make bytes garbage that a file has."""
    digests, rows = [content.digest for content in contents], range(1, 1 + _ROWS_AT_ONCE)
    while digests:
        overlooked = await index.read(_overlooked_of(digests, rows))
        if overlooked is None:
            return
        if overlooked:
            raise Unavailable(
                f"The index is damaged: it does not find {min(overlooked)}, which it has."
                " Nothing was removed. See `noclobber verify`."
            )
        rows = range(rows.stop, rows.stop + _ROWS_AT_ONCE)


def _overlooked_of(digests: list[str], rows: range) -> Callable[[View], set[str] | None]:
    return lambda view: view.overlooked(digests, rows)


async def _forgotten(index: Index) -> list[Content]:
    forgotten: list[Content] = []
    while len(forgotten) < _TOGETHER and (
        some := await index.write(lambda turn: turn.forget_contents(_AT_ONCE))
    ):
        forgotten += some
    return forgotten


async def _repeated(index: Index, forget: Callable[[Turn], int]) -> int:
    total = 0
    while forgotten := await index.write(forget):
        total += forgotten
    return total
