"""Many cases, on all processors, and what they broke. Where the disk does not matter, in memory."""

import gc
import logging
import math
import multiprocessing
import os
import shutil
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path as Folder
from typing import Any, TypeVar

T = TypeVar("T")

SEED = int(os.environ.get("TRUST_SEED", "20261126"))
# One more than there are processors: a case waits now and then, for a process, a thread or a disk.
AT_ONCE = 1 + (os.cpu_count() or 1)
AHEAD = 2 * AT_ONCE
MEMORY = Folder("/dev/shm")  # noqa: S108 - a folder of our own is made in it


@dataclass(frozen=True)
class Broken:
    """`case` can be done again by itself."""

    case: str
    faults: list[str]

    def __str__(self) -> str:
        return f"{self.case}\n    " + "\n    ".join(self.faults)


@contextmanager
def in_memory() -> Iterator[Folder]:
    where = MEMORY if os.access(MEMORY, os.W_OK) else None
    folder = Folder(tempfile.mkdtemp(prefix="noclobber-trust-", dir=where))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def spread(
    cases: Iterable[T], faults: Callable[[T], list[str]], until: float = math.inf
) -> Iterator[Broken | None]:
    """None for each case that broke nothing, in their order. None begins after `until`.

    Forked, as the cases fork themselves: whatever `faults` is bound to is there in all of them.
    """
    context = multiprocessing.get_context("fork")
    begin = partial(_begin, faults)
    with ProcessPoolExecutor(AT_ONCE, context, begin) as pool:
        waiting: deque[Future[Broken | None]] = deque()
        for case in cases:
            if time.monotonic() > until:
                break
            waiting.append(pool.submit(_judge, case))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def all_of(cases: Iterable[T], faults: Callable[[T], list[str]]) -> list[Broken]:
    return [broken for broken in spread(cases, faults) if broken is not None]


_faults: Callable[[Any], list[str]]


def _begin(faults: Callable[[Any], list[str]]) -> None:
    global _faults  # noqa: PLW0603 - a worker has one task for its life
    _faults = faults
    logging.disable()
    # What is collected is touched, and what a fork touches is copied.
    gc.collect()
    gc.freeze()


def _judge(case: object) -> Broken | None:
    try:
        found = _faults(case)
    except BaseException:  # noqa: BLE001 - a worker that dies says nothing
        found = [traceback.format_exc()]
    return Broken(repr(case), found) if found else None
