"""Root may open every file, whatever its mode says, and meets no refusal that a server meets elsewhere.

A thread can let go of that. Those that it starts later have it no more; others keep what they have.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_VERSION_3 = 0x20080522
# CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: all that modes of files do not bind.
_UNBOUND = 0b110
_IS_UNBOUND = sys.platform == "linux" and os.geteuid() == 0

_Words = ctypes.c_uint32 * 6
_Head = ctypes.c_uint32 * 2


@contextmanager
def bound_by_modes() -> Iterator[None]:
    """What the files of this user allow counts for this thread as it does for any other user."""
    if not _IS_UNBOUND:
        yield
        return
    before = _capabilities()
    bind_by_modes()
    try:
        yield
    finally:
        _set(before)


def bind_by_modes() -> None:
    """The same from now on."""
    if _IS_UNBOUND:
        words = _capabilities()
        words[0] &= ~_UNBOUND
        _set(words)


def _capabilities() -> "ctypes.Array[ctypes.c_uint32]":
    words = _Words()
    if ctypes.CDLL(None, use_errno=True).capget(_Head(_VERSION_3, 0), words):
        raise OSError(ctypes.get_errno(), "The capabilities of this thread cannot be read")
    return words


def _set(words: "ctypes.Array[ctypes.c_uint32]") -> None:
    """The effective ones are the first of three words, and again for those above 31."""
    if ctypes.CDLL(None, use_errno=True).capset(_Head(_VERSION_3, 0), words):
        raise OSError(ctypes.get_errno(), "The capabilities of this thread cannot be changed")
