"""The program: settings -> parts -> app -> serve, and its commands. Knows every other module."""

import argparse
import asyncio
import contextlib
import logging
import os
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as Folder

if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts it with an older one is told
    sys.exit(f"noclobber needs Python 3.11 or later, and this is {sys.version.split()[0]}.")
try:
    from aiohttp import web
except ModuleNotFoundError:
    sys.exit("The packages are missing. Run make serve, or use .venv/bin/python.")

from handlers import app, protocol
from handlers.browser import assets
from handlers.health import Health
from handlers.metrics import Metrics
from handlers.parts import HttpSettings, Parts
from handlers.sessions import Bounds
from program import commandline, commands, failing, houserules, listening, log, sandbox
from program import settings as configuration
from program.console import FINE, FOUND, WRONG_USE, Progress, Refused, complain, open_streams
from program.settings import Settings, SettingsError
from storage import clamd, lock
from storage.accounts import FileAccounts
from storage.clamd import Clamd
from storage.disk.blobfolder import FAN_OUT
from storage.disk.blobs import DiskBlobs
from storage.sniffing import MagicSniffer
from storage.sqlite import rekeying
from storage.sqlite.connecting import ForeignLibraryError
from storage.sqlite.founding import digest_algorithm
from storage.sqlite.index import SqliteIndex
from storage.sqlite.rekeying import NamesClash
from storage.upkeep import collecting
from uploads.bell import Bell
from uploads.describing import Describing
from uploads.events import Collected, Event, Publish
from uploads.failures import Failure
from uploads.feed import Feed
from uploads.fitting import Fitting
from uploads.holdings import Holdings
from uploads.locking import Locking
from uploads.parking import Parking
from uploads.policy import Policies
from uploads.preflight import Preflights
from uploads.receiving import Receiver
from uploads.resuming import Resuming
from uploads.rules import Rules
from uploads.transfers import Transfers
from uploads.tree import Tree

logger = logging.getLogger("noclobber")

CLOCK = time.time

# What aiohttp reads ahead of a slow disk, per upload; it holds up to twice as much.
READ_BUFFER = 512 << 10

# Seconds after which bytes in place are recorded, if ever; no turn takes as long.
SETTLED = 3600.0

# Seconds for a request to say how it ended when its grace time is over.
BREAKING_OFF = 0.5


def main(argv: Sequence[str] | None = None) -> int:
    open_streams()
    arguments = commandline.read(argv)
    if arguments.command != "export":
        os.umask(0o077)
    try:
        settings = configuration.load(arguments.config, os.environ, _given(arguments))
        log.configure(settings.log)
        return _run(arguments, settings)
    except SettingsError as error:
        return _tell(WRONG_USE, *error.problems)
    except (Refused, Failure, lock.NotOwned, ForeignLibraryError, NamesClash) as refused:
        return _tell(FOUND, str(refused))
    except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
        return _tell(FOUND, failing.told(error))
    except KeyboardInterrupt:
        return _tell(FOUND, "Stopped. What was done until now stays done.")


def _given(arguments: argparse.Namespace) -> dict[str, object]:
    given = {
        "data.folder": None if arguments.data is None else str(arguments.data),
        "server.host": arguments.host,
        "server.port": arguments.port,
    }
    return {key: value for key, value in given.items() if value is not None}


def _tell(code: int, *sentences: str) -> int:
    for sentence in sentences:
        complain(sentence)
    return code


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Each command gets what it needs, and no more."""
    folder = commands.followed(Folder(settings.data.folder))
    settings = replace(settings, data=replace(settings.data, folder=str(folder)))
    if commandline.writes(arguments):
        lock.require_ours(folder)
    # No match statement here: a Python that is too old has to read this file to say so.
    does: dict[str, Callable[[], int]] = {
        "serve": lambda: asyncio.run(serve(settings)),
        "user": lambda: commands.user(
            arguments, folder, opens=houserules.opens_without_users(settings)
        ),
        "token": lambda: commands.token(arguments, folder, houserules.name_limits(settings)),
        "verify": lambda: commands.verify(arguments, folder),
        "backup": lambda: commands.backup(arguments, folder),
        "restore": lambda: commands.restore(arguments, folder),
        "doctor": lambda: commands.doctor(folder, settings.scan.clamd),
    }
    other = does.get(arguments.command)
    return other() if other else asyncio.run(_with_store(arguments, settings))


async def _with_store(arguments: argparse.Namespace, settings: Settings) -> int:
    rules = houserules.rules_for_operator(settings)
    if arguments.command != "import":
        commands.require_store(Folder(settings.data.folder))
    async with _opened(settings, _tell_nobody) as store:
        parts = _parts(settings, store, rules, _tell_nobody, _bell(settings))
        if arguments.command == "import":
            return await commands.take_in(arguments, parts, houserules.OPERATOR, store.folder)
        if arguments.command == "export":
            return await commands.write_out(arguments, parts, houserules.OPERATOR, store.folder)
        collected = await _collect(settings, store, store.owned.since, FAN_OUT)
        return commands.tell_collected(collected)


@dataclass(frozen=True, slots=True)
class Store:
    """The shelves of one data folder, open and ours."""

    owned: lock.Owned
    index: SqliteIndex
    blobs: DiskBlobs
    sniffer: MagicSniffer
    algorithm: str
    accounts: FileAccounts
    scanner: Clamd | None

    @property
    def folder(self) -> Folder:
        return self.owned.folder


@contextlib.asynccontextmanager
async def _opened(
    settings: Settings, publish: Publish, shut_in: Callable[[Folder], None] = sandbox.stay_open
) -> AsyncIterator[Store]:
    folder = commands.made(Folder(settings.data.folder))
    with lock.own(folder) as owned:
        algorithm = digest_algorithm(folder, settings.data.digest)
        if algorithm != settings.data.digest:
            logger.warning("this store was made with %s, and goes on with it", algorithm)
        inline = settings.data.inline_below
        blobs = DiskBlobs(folder, algorithm, inline_below=inline, publish=publish)
        # When what the first start makes is there, and before the first thread.
        shut_in(folder)
        sniffer = MagicSniffer(settings.limits.sniff_time)
        scanner = Clamd(settings.scan.clamd, settings.scan.time) if settings.scan.clamd else None
        accounts = FileAccounts(folder)
        policies = houserules.policies(settings)
        keys = policies.keys
        try:
            await _follow_names(folder, policies)
            index = await SqliteIndex.open(
                folder, keys=keys, blobs=blobs, publish=publish, clock=CLOCK
            )
            blobs.small = index.small
            try:
                yield Store(owned, index, blobs, sniffer, algorithm, accounts, scanner)
            finally:
                await index.close()
        finally:
            sniffer.close()
            accounts.close()
            await blobs.close()


async def _follow_names(folder: Folder, policies: Policies) -> None:
    """What is stored is known by names; where their rules have changed, it has to follow."""
    with Progress("following the new rules for names", 0, "steps") as progress:
        for done, total in rekeying.follow(folder, policies.keys, policies.name_rules()):
            progress.at(done, total)
            await asyncio.sleep(0)


def _http(settings: Settings) -> HttpSettings:
    server, limits = settings.server, settings.limits
    return HttpSettings(
        hosts=frozenset(server.names),
        trusted_proxies=frozenset(server.trusted_proxies),
        cors_origins=frozenset(server.cors_origins),
        metrics=server.metrics,
        header_bytes=limits.header_bytes,
        drain_bytes=limits.drain_bytes,
        drain_time=limits.drain_time,
        send_idle=limits.send_idle,
        files_per_form=limits.files_per_form,
        field_bytes=limits.field_bytes,
        login_failures=limits.login_failures,
        sessions=Bounds(limits.session_idle, limits.session_longest, limits.sessions_per_user),
        feed_wait=limits.feed_wait,
        preflight_items=limits.preflight_items,
        reserve_time=limits.reserve_time,
        dav_strict=settings.webdav.strict,
        draft_uploads=server.draft_uploads,
    )


def _bell(settings: Settings) -> Bell:
    return Bell(settings.limits.followers, settings.limits.followers_per_principal)


def _parts(settings: Settings, store: Store, rules: Rules, publish: Publish, bell: Bell) -> Parts:
    index, blobs = store.index, store.blobs
    fitting = Fitting(rules, houserules.name_limits(settings), store.sniffer)
    receiver = Receiver(rules, index, blobs, store.sniffer, publish, CLOCK)
    receiver.scanner = store.scanner
    holdings, tree = Holdings(rules, index, blobs), Tree(rules, index, CLOCK, fitting)
    return Parts(
        rules=rules,
        receiver=receiver,
        resuming=Resuming(rules, index, blobs.unfinished, receiver, CLOCK),
        parking=Parking(rules, index, blobs, store.sniffer, publish, CLOCK),
        feed=Feed(rules, index, bell),
        preflights=Preflights(
            rules,
            index,
            receiver,
            store.sniffer,
            store.algorithm,
            houserules.preflights_at_once(settings),
        ),
        holdings=holdings,
        tree=tree,
        transfers=Transfers(tree),
        describing=Describing(holdings),
        locking=Locking(rules, index, blobs, settings.webdav.longest_lock),
        accounts=store.accounts,
        names=fitting.limits,
        http=_http(settings),
    )


async def _collect(
    settings: Settings, store: Store, before: float, fans: Sequence[str]
) -> Collected | None:
    """Forgets what is old, and sweeps these folders of what was put there before that time."""
    await _tidy(store)
    keep = collecting.Keep(settings.data.keep_versions, settings.data.keep_changes)
    index, blobs = store.index, store.blobs
    collected = await collecting.collect(index, blobs, store.folder, CLOCK(), keep)
    swept = await collecting.sweep(index, blobs, store.folder, before, fans)
    await collecting.sweep_unfinished(index, blobs.unfinished, CLOCK())
    if collected is None or swept is None:
        return collected
    contents, size = collected.contents + swept.contents, collected.bytes + swept.bytes
    return replace(collected, contents=contents, bytes=size)


async def _tidy(store: Store) -> None:
    """Removes the bytes that a crash kept from being recorded, if there was one."""
    if not store.owned.untidy:
        return
    swept = await collecting.sweep(store.index, store.blobs, store.folder, store.owned.since)
    if swept is not None:
        store.owned.untidy = False
        logger.info("after a crash: %d contents were left over, and removed", swept.contents)


async def _collect_always(settings: Settings, store: Store, publish: Publish) -> None:
    """The first time at once where a crash has left something."""
    wait = 0.0 if store.owned.untidy else settings.data.collect_every
    while True:
        await asyncio.sleep(wait)
        wait = settings.data.collect_every
        try:
            fans = collecting.share_of(CLOCK(), settings.data.collect_every)
            if collected := await _collect(settings, store, CLOCK() - SETTLED, fans):
                publish(collected)
        except (Failure, OSError) as failure:
            logger.warning("garbage could not be collected, and will be later: %s", failure)
        except Exception:  # else nobody would collect, or know of it, until the next start
            logger.exception("garbage could not be collected, and will be later")


async def serve(settings: Settings) -> int:
    room = listening.allow_many_connections(settings.limits.connections)
    metrics, bell = Metrics(), _bell(settings)

    def publish(event: Event) -> None:
        metrics.publish(event)
        log.tell(event)
        bell.ring(event)

    shut_in = sandbox.of(settings.server.sandbox, clamd.port_of(settings.scan.clamd))
    async with _opened(settings, publish, shut_in) as store:
        houserules.check_address(settings, store.accounts)
        rules = houserules.rules(settings, store.accounts)
        parts = _parts(settings, store, rules, publish, bell)
        health = Health(parts, metrics)
        doors = app.build(parts, metrics, health)
        async with listening.stop_signals() as stop, _served(settings, doors, room) as url:
            collector = asyncio.create_task(_collect_always(settings, store, publish))
            listening.look_for_cycles_seldom()
            _announce(url, store.folder)
            await stop.wait()
            health.stop()
            keeping = asyncio.create_task(parts.resuming.stop())
            bell.close()
            listening.notify(["STOPPING=1"])
        await keeping
        collector.cancel()
        await asyncio.wait({collector})
    return FINE


@contextlib.asynccontextmanager
async def _served(
    settings: Settings, application: web.Application, room: int
) -> AsyncIterator[str]:
    """Answers at the address that is yielded. At the end, what is under way gets its grace time."""
    limits = settings.limits
    runner = protocol.Runner(
        application,
        access_log=None,
        auto_decompress=False,
        read_bufsize=READ_BUFFER,
        keepalive_timeout=limits.keep_alive,
        tcp_keepalive=True,
        handler_cancellation=False,
        shutdown_timeout=BREAKING_OFF,
        max_line_size=limits.header_bytes,
        max_field_size=limits.header_bytes,
        max_headers=limits.header_count,
    )
    await runner.setup()
    try:
        answering = runner.answering
        answering.bound(room, limits.connections_per_address)
        server = await listening.listen(answering, settings.server.host, settings.server.port)
        impatience = asyncio.create_task(answering.hang_up_on_silence(limits.header_time))
        try:
            yield listening.address(server)
        finally:
            impatience.cancel()
            server.close()
            await _finish(answering, settings.server.grace)
    finally:
        await runner.cleanup()


async def _finish(answering: protocol.Server, grace: float) -> None:
    """Lets what is under way come to its end. The runner itself would no longer read its bodies.

    Until then a connection that is kept alive stays, so that what it asks now is refused in words.
    """
    deadline = time.monotonic() + grace
    while answering.busy() and time.monotonic() < deadline:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.02)


def _announce(url: str, folder: Folder) -> None:
    place = folder if folder.is_absolute() else f"./{folder}"
    if assets.BUILT is None:
        logger.warning("the pages are without script: it has not been built (make serve builds it)")
    listening.announce(f"noclobber is ready at {url}  (data in {place}; stop with Ctrl-C)")


def _tell_nobody(event: Event) -> None:
    """A command has no metrics."""


if __name__ == "__main__":
    sys.exit(main())
