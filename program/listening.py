"""Around a running server: its addresses, signals to stop, how it says that it is ready, and how
seldom its memory is looked through.

Knows sockets and signals, nothing of HTTP and nothing of files.
"""

import asyncio
import contextlib
import errno
import gc
import ipaddress
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence

from program.console import Refused

# asyncio takes so many connections before it looks at one of them, whatever there is room for.
ACCEPTED_AT_ONCE = 64
# As many may wait at the door; more are lost, and their senders try again.
WAITING = 1024
PRIVILEGED = 1024
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}

# A request leaves few cycles behind, or none; Python would look for some after 700 new objects.
OBJECTS_BETWEEN_LOOKS = 20_000


def is_loopback(host: str) -> bool:
    """Can only this machine reach the address? A name must resolve to nothing else."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(ipaddress.ip_address(address[0]).is_loopback for *_, address in found)


def is_unknown(host: str) -> bool:
    """A name that leads nowhere: nobody can reach it, and `listen` says so."""
    try:
        socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return True
    return False


async def listen(
    protocol_factory: Callable[[], asyncio.Protocol], host: str, port: int
) -> asyncio.Server:
    """:raises Refused: the address is not ours or taken."""
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(protocol_factory, host, port, backlog=ACCEPTED_AT_ONCE)
    except OSError as error:
        # For a name that does not resolve there is no errno of the system, and its text is ready;
        # newer Pythons give neither where none of the addresses is ours.
        is_name = isinstance(error, socket.gaierror)
        why = error.strerror if is_name else os.strerror(error.errno or errno.EADDRNOTAVAIL)
        raise Refused(
            f"Cannot listen at {host} port {port}: {why}. {_advice(error, port)}"
        ) from error
    for waiting_room in server.sockets:
        with socket.socket(fileno=os.dup(waiting_room.fileno())) as door:
            door.listen(WAITING)
    return server


def _advice(error: OSError, port: int) -> str:
    if isinstance(error, socket.gaierror) or error.errno in {None, errno.EADDRNOTAVAIL}:
        return "This machine has no such address. Give another --host."
    if error.errno == errno.EACCES and port < PRIVILEGED:
        return "Ports below 1024 are for root: take a higher one and put a proxy in front."
    return "Stop what listens there, or give another --host or --port (0 takes a free one)."


def address(server: asyncio.Server) -> str:
    """Where a browser on this machine finds the server."""
    host, port = server.sockets[0].getsockname()[:2]
    shown = WILDCARDS.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}/"


def allow_many_connections(wanted: int) -> int:
    """As many open files as we may have; the usual soft limit is meant for programs with select.

    Returns how many connections there is room for: the other half is for files and the index.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    may_open, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if may_open == resource.RLIM_INFINITY else min(wanted, may_open // 2)


def look_for_cycles_seldom() -> None:
    """Python looks for objects that only hold each other, and everybody waits meanwhile. What was
    made for the start stays to the end, so it is not looked at again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS, *gc.get_threshold()[1:])


@contextlib.asynccontextmanager
async def stop_signals() -> AsyncIterator[asyncio.Event]:
    """An event that the first signal sets. The second ends the process at once, like a kill -9.

    A terminal that is closed hangs up; whoever has started it with nohup wants it to go on.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    signals = [signal.SIGINT, signal.SIGTERM]
    for number in signals:
        loop.add_signal_handler(number, told)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # Of one terminal that is closed it may come twice, from the kernel and from the shell.
        loop.add_signal_handler(signal.SIGHUP, stop.set)
        signals.append(signal.SIGHUP)
    try:
        yield stop
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def announce(line: str) -> None:
    """It serves, whether anybody reads that or not: the disk of its log may be full."""
    with contextlib.suppress(OSError):
        # Past the buffer of Python, which would try again at the end and fail then.
        os.write(sys.stdout.fileno(), f"{line}\n".encode(errors="surrogateescape"))
    notify(["READY=1", f"MAINPID={os.getpid()}"])


def notify(states: Sequence[str]) -> None:
    """Tells systemd, where it started us (sd_notify(3)). That nobody listens is no failure."""
    where = os.environ.get("NOTIFY_SOCKET")
    if not where:
        return
    name = "\0" + where[1:] if where.startswith("@") else where
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto("\n".join(states).encode(), name)
