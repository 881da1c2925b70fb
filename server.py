"""The program: settings -> parts -> app -> serve, and its commands. Knows every other module."""

import argparse
import asyncio
import contextlib
import logging
import os
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as Folder

from aiohttp import web

import commands
import listening
import log
import offline
import settings as configuration
from console import FINE, FOUND, WRONG_USE, Refused, complain
from handlers import app
from handlers.health import Health
from handlers.metrics import Metrics
from handlers.parts import HttpSettings, Parts
from settings import Settings, SettingsError
from storage import lock, sqlite
from storage.accounts import FileAccounts
from storage.disk import DiskBlobs
from storage.sniffing import MagicSniffer
from storage.sqlite import SqliteIndex
from storage.sqlite_connection import ForeignLibraryError
from uploads import names
from uploads.access import ALL_RIGHTS, FOR_USERS, Access, Grant, Principal, Right, UngrantedAccess
from uploads.events import Event, Publish
from uploads.failures import Failure
from uploads.library import Library
from uploads.names import Path
from uploads.policy import Policies, Policy, SameContent, SameFile, SameName
from uploads.ports import Accounts, Clock
from uploads.receiving import Receiver
from uploads.resuming import Parking
from uploads.rules import Limits, Rules
from uploads.tree import Tree

logger = logging.getLogger("noclobber")

# What aiohttp reads ahead of a slow disk, per upload; it holds up to twice as much.
READ_BUFFER = 512 << 10

# Whoever may run commands in the data folder may do everything in it, without a share to keep to.
OPERATOR = Principal("operator", frozenset({"operator"}))


def main(argv: Sequence[str] | None = None) -> int:
    arguments = commands.read(argv)
    if arguments.command != "export":
        os.umask(0o077)
    try:
        settings = configuration.load(arguments.config, os.environ, _given(arguments))
        log.configure(settings.log)
        return asyncio.run(_run(arguments, settings))
    except SettingsError as error:
        return _tell(WRONG_USE, *error.problems)
    except (Refused, Failure, lock.NotOwned, ForeignLibraryError) as refused:
        return _tell(FOUND, str(refused))
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        return _tell(FOUND, f"{what}{error.strerror or error}.")
    except sqlite3.Error as error:
        return _tell(FOUND, f"The index cannot be used: {error}. See `noclobber verify`.")
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


async def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Each command gets what it needs, and no more."""
    folder = Folder(settings.data.folder)
    match arguments.command:
        case "serve":
            return await serve(settings)
        case "user":
            return offline.user(arguments, folder)
        case "token":
            return offline.token(arguments, folder, _names(settings, _policies(settings)))
        case "import":
            async with _operating(settings) as parts:
                return await offline.take_in(arguments, parts, OPERATOR, folder)
        case "export":
            async with _operating(settings) as parts:
                return await offline.write_out(arguments, parts, OPERATOR)
        case _:
            raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Store:
    """The shelves of one data folder, open and ours."""

    folder: Folder
    index: SqliteIndex
    blobs: DiskBlobs
    sniffer: MagicSniffer
    accounts: FileAccounts
    policies: Policies


@contextlib.asynccontextmanager
async def _opened(settings: Settings, publish: Publish, clock: Clock) -> AsyncIterator[Store]:
    folder = _made(settings.data.folder)
    with lock.own(folder):
        algorithm = sqlite.digest_algorithm(folder, settings.data.digest)
        if algorithm != settings.data.digest:
            logger.warning("this store was made with %s, and goes on with it", algorithm)
        inline = settings.data.inline_below
        blobs = DiskBlobs(folder, algorithm, inline_below=inline, publish=publish)
        sniffer = MagicSniffer(settings.limits.sniff_time)
        accounts = FileAccounts(folder)
        policies = _policies(settings)
        try:
            index = await SqliteIndex.open(
                folder, keys=policies.keys, blobs=blobs, publish=publish, clock=clock
            )
            blobs.small = index.small
            try:
                yield Store(folder, index, blobs, sniffer, accounts, policies)
            finally:
                await index.close()
        finally:
            sniffer.close()
            accounts.close()
            await blobs.close()


def _made(data: str) -> Folder:
    folder = Folder(data)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _policies(settings: Settings) -> Policies:
    folders = {_path(path): _policy(words) for path, words in settings.folders.items()}
    return Policies(_policy(settings.policy), folders)


def _unconditional(settings: Settings) -> Settings:
    """A condition guards what a request may replace; a command replaces nothing."""
    folders = {
        path: replace(words, require_conditions=False) for path, words in settings.folders.items()
    }
    policy = replace(settings.policy, require_conditions=False)
    return replace(settings, policy=policy, folders=folders)


def _policy(words: configuration.Policy) -> Policy:
    return Policy(
        same_file=SameFile(words.same_file),
        same_name=SameName(words.same_name),
        same_content=SameContent(words.same_content),
        exact_names=words.names == "exact",
        require_conditions=words.require_conditions,
        types_allowed=frozenset(words.types_allowed),
        types_refused=frozenset(words.types_refused),
        extension_must_fit=words.extension_must_fit,
    )


def _path(text: str) -> Path:
    return Path(tuple(part for part in text.split("/") if part))


def _access(settings: Settings, accounts: Accounts) -> Access:
    if not settings.access:
        # Beyond this machine it must not open itself to strangers when the last user is removed.
        local = listening.is_loopback(settings.server.host)
        return UngrantedAccess(accounts.any_users) if local else Access(FOR_USERS)
    return Access(
        Grant(_path(grant.folder), frozenset(grant.who), frozenset(map(Right, grant.rights)))
        for grant in settings.access
    )


def _limits(settings: Settings) -> Limits:
    limits = settings.limits
    return Limits(
        file_size=limits.file_size,
        quota_bytes=limits.quota_bytes,
        quota_files=limits.quota_files,
        free_space=limits.free_space,
        uploads_at_once=limits.uploads_at_once,
        uploads_per_principal=limits.uploads_per_principal,
        parked_bytes=limits.parked_bytes,
        parked_files=limits.parked_files,
        keep_parked=settings.data.keep_parked,
        body_idle=limits.body_idle,
        body_rate=limits.body_rate,
        body_rate_grace=limits.body_rate_grace,
    )


def _names(settings: Settings, policies: Policies) -> names.Limits:
    limits = settings.limits
    return names.Limits(
        limits.name_bytes,
        limits.path_bytes,
        limits.depth,
        lambda folder: not policies.of(Path(folder)).exact_names,
    )


def _http(settings: Settings) -> HttpSettings:
    server, limits = settings.server, settings.limits
    return HttpSettings(
        hosts=frozenset(server.names),
        trusted_proxies=frozenset(server.trusted_proxies),
        cors_origins=frozenset(server.cors_origins),
        metrics=server.metrics,
        drain_bytes=limits.drain_bytes,
        drain_time=limits.drain_time,
        files_per_form=limits.files_per_form,
        field_bytes=limits.field_bytes,
        login_failures=limits.login_failures,
    )


def _parts(settings: Settings, store: Store, rules: Rules, publish: Publish, clock: Clock) -> Parts:
    index, blobs = store.index, store.blobs
    return Parts(
        rules=rules,
        receiver=Receiver(rules, index, blobs, store.sniffer, publish, clock),
        parking=Parking(rules, index, blobs, publish, clock),
        library=Library(rules, index, blobs),
        tree=Tree(rules, index, clock),
        accounts=store.accounts,
        names=_names(settings, store.policies),
        http=_http(settings),
    )


async def serve(settings: Settings) -> int:
    metrics = Metrics()
    clock = time.time
    async with _opened(settings, metrics.publish, clock) as store:
        _check_address(settings, store.accounts)
        access = _access(settings, store.accounts)
        rules = Rules(access, store.policies, _limits(settings), store.accounts)
        parts = _parts(settings, store, rules, metrics.publish, clock)
        health = Health(parts, metrics)
        doors = app.build(parts, metrics, health)
        async with listening.stop_signals() as stop, _served(settings, doors) as url:
            _announce(url, store.folder)
            await stop.wait()
            health.stop()
            listening.notify(["STOPPING=1"])
    return FINE


@contextlib.asynccontextmanager
async def _served(settings: Settings, application: web.Application) -> AsyncIterator[str]:
    """Answers at the address that is yielded. At the end, what is under way gets its grace time."""
    limits, grace = settings.limits, settings.server.grace
    runner = web.AppRunner(
        application,
        access_log=None,
        auto_decompress=False,
        read_bufsize=READ_BUFFER,
        keepalive_timeout=limits.keep_alive,
        tcp_keepalive=True,
        handler_cancellation=False,
        shutdown_timeout=grace,
        max_line_size=limits.header_bytes,
        max_field_size=limits.header_bytes,
        max_headers=limits.header_count,
    )
    await runner.setup()
    try:
        answering = runner.server
        if answering is None:
            raise RuntimeError("the runner has been set up")
        server = await listening.listen(answering, settings.server.host, settings.server.port)
        impatience = asyncio.create_task(_hang_up_on_silence(answering, limits.header_time))
        try:
            yield listening.address(server)
        finally:
            impatience.cancel()
            server.close()
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace + 1):
                await runner.cleanup()


async def _hang_up_on_silence(answering: web.Server, header_time: float) -> None:
    """Ends connections whose first request is not there in time; aiohttp times only later ones."""
    silent: set[object] = set()
    while True:
        await asyncio.sleep(header_time / 2)
        connections = [one for one in answering.connections if one._request_count == 0]  # noqa: SLF001
        for connection in connections:
            if connection in silent:
                connection.force_close()
        silent = set(connections)


def _announce(url: str, folder: Folder) -> None:
    print(f"noclobber is ready at {url}  (data in {folder}; stop with Ctrl-C)", flush=True)
    listening.notify(["READY=1", f"MAINPID={os.getpid()}"])


def _check_address(settings: Settings, accounts: Accounts) -> None:
    """Strangers get in only when somebody has said so."""
    host = settings.server.host
    spoken_of = any("anonymous" in grant.who for grant in settings.access)
    if accounts.any_users() or spoken_of or listening.is_loopback(host):
        return
    raise Refused(
        f"Others can reach {host}, and everybody would have every right, because no user is"
        " registered. Either register one (noclobber user add NAME), or say in the configuration"
        ' what strangers may do (an [[access]] entry with who = ["anonymous"]).'
    )


class OperatorOnly:
    """The accounts of a command: nobody but who typed it."""

    async def by_password(self, user: str, password: str) -> Principal | None:  # noqa: ARG002
        return None

    def by_token(self, token: str) -> Principal | None:  # noqa: ARG002
        return None

    def current(self, principal: Principal) -> Principal | None:
        return principal

    def any_users(self) -> bool:
        return True


@contextlib.asynccontextmanager
async def _operating(settings: Settings) -> AsyncIterator[Parts]:
    """Everything in the data folder, under rules by which who typed the command may do all."""
    settings = _unconditional(settings)
    async with _opened(settings, _tell_nobody, time.time) as store:
        access = Access([Grant(Path(()), OPERATOR.groups, ALL_RIGHTS)])
        limits = replace(_limits(settings), quota_bytes=None, quota_files=None, parked_files=0)
        rules = Rules(access, store.policies, limits, OperatorOnly())
        yield _parts(settings, store, rules, _tell_nobody, time.time)


def _tell_nobody(event: Event) -> None:
    """A command has no metrics."""


if __name__ == "__main__":
    sys.exit(main())
