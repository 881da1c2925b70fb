"""Shuts this process in, where the kernel can (Landlock, Linux 5.13 and later): what is not needed
for serving can neither be opened nor reached, whatever a request or a library makes it try.

Knows paths and numbers of the kernel, nothing of files and names. What a thread may not, those that
it starts later may not either; so this comes before all others.
"""

import ctypes
import logging
import os
import sys
from collections.abc import Callable, Iterable
from enum import IntFlag
from functools import partial
from pathlib import Path
from typing import Final

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_ASKED: Final = 1
PATH_BENEATH: Final = 1
NET_PORT: Final = 2
NO_NEW_PRIVILEGES: Final = 38
# ABI versions of the kernel in which each came.
WITH_REFER, WITH_TRUNCATE, WITH_NETWORK, WITH_DEVICES, WITH_SCOPES = 2, 3, 4, 5, 6
CONNECT_TCP: Final = 1 << 1
SIGNALS: Final = 1 << 1


logger = logging.getLogger("noclobber")


class May(IntFlag):
    """What can be done to files, by the bits of the kernel."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


READ: Final = May.READ_FILE | May.READ_DIR
STORE: Final = (
    READ | May.WRITE_FILE | May.REMOVE_DIR | May.REMOVE_FILE | May.MAKE_DIR | May.MAKE_REG
    | May.REFER | May.TRUNCATE
)  # fmt: skip
# Names of hosts, the local time and types of files are looked up there; /etc/shadow is not.
OF_THE_SYSTEM: Final = (
    *("/usr", "/lib", "/lib64", "/bin", "/proc", "/sys/devices/system/cpu", "/dev/null"),
    *("/dev/urandom", "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/gai.conf"),
    *("/etc/host.conf", "/etc/services", "/etc/localtime", "/etc/timezone", "/etc/mime.types"),
    *("/etc/ld.so.cache", "/etc/apache2/mime.types", "/run/systemd/resolve"),
)


class Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


class Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("may", ctypes.c_uint64), ("descriptor", ctypes.c_int32))


class Port(ctypes.Structure):
    _fields_ = (("may", ctypes.c_uint64), ("number", ctypes.c_uint64))


def version() -> int:
    """Which Landlock the kernel has; 0 for none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, _call(CREATE_RULESET, None, 0, VERSION_ASKED))


def stay_open(data: Path) -> None:
    """For commands, which read and write where their user says."""


def of(wanted: bool, port: int | None) -> Callable[[Path], None]:  # noqa: FBT001 - the value of a setting
    return partial(shut_in_or_tell, port=port) if wanted else stay_open


def shut_in_or_tell(data: Path, port: int | None = None) -> None:
    """Shuts in, or says why not: it is one wall more, and not the one that holds the house."""
    try:
        found = shut_in(data, port)
    except OSError as error:
        logger.warning("Landlock does not shut this process in: %s", error.strerror)
        return
    if found:
        logger.debug("shut in by Landlock %d", found)
    else:
        logger.info("this kernel has no Landlock: nothing but file rights shuts the server in")


def shut_in(data: Path, port: int | None = None) -> int:
    """From now on only `data` can be written, only what a Python program needs can be read, and no
    other machine can be called but at this port. Returns the version of Landlock; 0 where nothing
    was done.

    :raises OSError: the kernel has it, and refused.
    """
    found = version()
    if not found:
        return 0
    files = _known(found)
    ruleset = Ruleset(
        files,
        CONNECT_TCP if found >= WITH_NETWORK else 0,
        SIGNALS if found >= WITH_SCOPES else 0,
    )
    # Older kernels know a shorter structure, and what is zero in the rest is nothing asked for.
    descriptor = _checked(_call(CREATE_RULESET, ctypes.byref(ruleset), ctypes.sizeof(ruleset), 0))
    try:
        _allow(descriptor, [data], STORE & files)
        _allow(descriptor, [*map(Path, OF_THE_SYSTEM), *_of_python()], READ & files)
        if port is not None and found >= WITH_NETWORK:
            _checked(
                _call(ADD_RULE, descriptor, NET_PORT, ctypes.byref(Port(CONNECT_TCP, port)), 0)
            )
        _checked(_libc().prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _checked(_call(RESTRICT_SELF, descriptor, 0))
    finally:
        os.close(descriptor)
    return found


def _known(found: int) -> May:
    """A kernel refuses a ruleset with bits that are younger than it."""
    known = May((1 << 16) - 1)
    for since, bit in (
        (WITH_REFER, May.REFER),
        (WITH_TRUNCATE, May.TRUNCATE),
        (WITH_DEVICES, May.IOCTL_DEV),
    ):
        if found < since:
            known &= ~bit
    return known


def _of_python() -> list[Path]:
    """Where modules are, for those that are imported only when they are needed."""
    program = Path(__file__).parent.parent
    return [program, Path(sys.prefix), Path(sys.base_prefix), *map(Path, filter(None, sys.path))]


def _allow(descriptor: int, paths: Iterable[Path], may: May) -> None:
    for path in paths:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            kept = may if path.is_dir() else may & (May.READ_FILE | May.WRITE_FILE | May.TRUNCATE)
            rule = Beneath(kept, place)
            _checked(_call(ADD_RULE, descriptor, PATH_BENEATH, ctypes.byref(rule), 0))
        finally:
            os.close(place)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    result: int = _libc().syscall(number, *arguments)
    return result


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
