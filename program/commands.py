"""The commands that need no running server: what each does with what it is given, and says of it.

Each returns the exit code. None wires anything; `server.py` does.
"""

import argparse
import contextlib
import os
import time
from collections import Counter
from pathlib import Path as Folder

from handlers.parts import Parts
from program.console import (
    FINE,
    FOUND,
    Progress,
    Refused,
    amount,
    explain,
    password,
    printable,
    say,
    say_first,
)
from storage import accounts, factors, lock
from storage.disk import posix
from storage.exchange import carrying
from storage.exchange.folders import Target
from storage.roster import Token
from storage.sqlite import founding
from storage.upkeep import backup as backups
from storage.upkeep import doctor as diagnosis
from storage.upkeep import verify as verifying
from uploads import names
from uploads.access import ALL_RIGHTS, Principal, Right, Scope
from uploads.collisions import Link, Unchanged
from uploads.events import Collected
from uploads.failures import DiskFull, Unavailable
from uploads.files import StoredFile
from uploads.names import BadName, Path
from uploads.policy import SameContent, Wishes

# So many share a commit; more would only hold more memory.
AT_ONCE = 16


def user(arguments: argparse.Namespace, data: Folder, *, opens: bool) -> int:
    """The command `user`. `opens`: without users everybody may do everything."""
    if arguments.action in {"factor", "passwd", "remove"}:
        _require_folder(data)
    match arguments.action:
        case "add":
            accounts.add_user(data, arguments.name, password(from_stdin=arguments.password_stdin))
            say(f"{arguments.name} is registered in {data.resolve()}.{_unfamiliar(data)}")
        case "passwd":
            accounts.set_password(
                data, arguments.name, password(from_stdin=arguments.password_stdin)
            )
            say(f"{arguments.name} has a new password.")
        case "factor":
            _factor(data, arguments.name, is_removed=arguments.remove)
        case "remove":
            _remove(data, arguments.name, opens=opens)
        case _:
            users = accounts.list_users(data)
            for name, registered in users.items():
                factor = ", with a second factor" if registered.factor else ""
                say(f"{name:<24} since {_day(registered.added)}{factor}")
            if not users:
                say("No user is registered. To register one: noclobber user add NAME")
    return FINE


def _remove(data: Folder, name: str, *, opens: bool) -> None:
    accounts.remove_user(data, name)
    say(f"{name} is removed, with all tokens. The files stay.")
    if opens and not accounts.list_users(data):
        say(f"{name} was the last user: from now on whoever reaches this server may do everything.")


def _factor(data: Folder, name: str, *, is_removed: bool) -> None:
    if is_removed:
        accounts.remove_factor(data, name)
        say(f"{name} signs in without a code from now on.")
        return

    def tell(secret: str) -> None:
        say_first(
            f"{secret}\n{factors.address(secret, name)}\nThis is shown once only. Enter it in an"
            f" authenticator app of {name}, who from now on signs in on the page with a code of it."
            " Programs need a token: noclobber token add."
        )

    accounts.set_factor(data, name, tell)


def token(arguments: argparse.Namespace, data: Folder, limits: names.Limits) -> int:
    """The command `token`."""
    if arguments.action == "revoke":
        _require_folder(data)
    match arguments.action:
        case "add":
            secret = accounts.add_token(
                data,
                arguments.name,
                arguments.user,
                note=arguments.note,
                scope=_scope(arguments, limits),
                expires=arguments.days and time.time() + arguments.days * 86400,
            )
            try:
                say_first(secret)
            except Refused:
                accounts.revoke_token(data, arguments.name)
                raise
            # Not to standard output, so that a script gets the secret alone.
            explain(
                "This is shown once only. Send it as: Authorization: Bearer SECRET"
                f"\nIt is known in {data.resolve()}.{_unfamiliar(data)}"
            )
        case "revoke":
            accounts.revoke_token(data, arguments.name)
            say(f"{arguments.name} is worthless from now on.")
        case _:
            tokens = accounts.list_tokens(data)
            for name, known in tokens.items():
                say(_described(name, known))
            if not tokens:
                say("There is no token. To make one: noclobber token add NAME --user USER")
    return FINE


def _unfamiliar(data: Folder) -> str:
    return "" if lock.has_store(data) else " (There was no store here yet: is it the right folder?)"


def _scope(arguments: argparse.Namespace, limits: names.Limits) -> Scope | None:
    if not arguments.folder and not arguments.right:
        return None
    rights = frozenset(map(Right, arguments.right)) if arguments.right else ALL_RIGHTS
    return Scope(_path(arguments.folder, limits), rights)


def _described(name: str, known: Token) -> str:
    note = f"  {printable(known.note)}" if known.note else ""
    ends = f", until {_day(known.expires)}" if known.expires else ""
    return f"{name:<24} {_may(name, known)}, since {_day(known.added)}{ends}{note}"


def _may(name: str, known: Token) -> str:
    rights = ", ".join(known.rights) if known.rights else "all rights"
    place = f"/{known.folder}" if known.folder else "everywhere"
    if known.owner:
        return f"of {known.owner}, {rights}, {place}"
    narrowed = f" of {rights}, {place}" if known.rights or known.folder else ""
    return f"no user: what [[access]] gives to token:{name}{narrowed}"


def _day(moment: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(moment))


async def take_in(
    arguments: argparse.Namespace, parts: Parts, operator: Principal, data: Folder
) -> int:
    """The command `import`."""
    folder = followed(arguments.folder)
    if not folder.is_dir():
        raise Refused(f'There is no folder "{folder}" to import.')
    _check_apart(folder, data)
    same_content = arguments.same_content and SameContent(arguments.same_content)
    counted: Counter[str] = Counter()
    with posix.folder(folder) as root:
        importing = carrying.Import(
            root=root,
            into=_path(arguments.into, parts.names),
            principal=operator,
            wishes=Wishes(same_content=same_content or None),
            limits=parts.names,
            receiver=parts.receiver,
            tree=parts.tree,
        )
        try:
            await _run_import(importing, parts, counted)
        except (DiskFull, Unavailable) as failure:
            _tell_taken(counted)
            raise Refused(f"The import stopped early. {failure.message}") from failure
    _tell_taken(counted)
    return FOUND if counted["refused"] else FINE


async def _run_import(importing: carrying.Import, parts: Parts, counted: Counter[str]) -> None:
    with Progress("importing", importing.total()) as progress:

        def tell(told: carrying.Taken | carrying.NotTaken) -> None:
            counted[_kind(told)] += 1
            if isinstance(told, carrying.NotTaken):
                counted["copies"] += told.is_copy
                progress.say(
                    f"{_shown((*importing.into.parts, *told.names))} {printable(told.why)}"
                )

        at_once = min(AT_ONCE, parts.rules.limits.uploads_per_principal)
        await importing.run(at_once, tell, progress.add)


def _tell_taken(counted: Counter[str]) -> None:
    say(
        f"{counted['new']:,} new, {counted['link']:,} linked to bytes already stored,"
        f" {counted['unchanged']:,} there already, {counted['refused']:,} not taken."
    )
    if counted["copies"]:
        say("To take copies in under both names: --same-content link.")


def _check_apart(folder: Folder, data: Folder) -> None:
    """An import would take in what it is just writing, and what is exported would be collected."""
    here, there = folder.resolve(), data.resolve()
    if here.is_relative_to(there) or there.is_relative_to(here):
        raise Refused(
            f'"{folder}" and the data folder "{data}" lie within each other. Choose another.'
        )


def _kind(told: carrying.Taken | carrying.NotTaken) -> str:
    if isinstance(told, carrying.NotTaken):
        return "refused"
    match told.outcome.verdict:
        case Unchanged():
            return "unchanged"
        case Link():
            return "link"
        case _:
            return "new"


async def write_out(
    arguments: argparse.Namespace, parts: Parts, operator: Principal, data: Folder
) -> int:
    """The command `export`."""
    folder = followed(arguments.folder)
    _check_apart(folder, data)
    exporting = carrying.Export(parts.holdings, operator, _target(folder))
    counted: Counter[str] = Counter()
    with Progress("exporting", await exporting.total()) as progress:

        def tell(told: StoredFile | carrying.NotWritten) -> None:
            if isinstance(told, StoredFile):
                counted["files"] += 1
                counted["bytes"] += told.content.size
            else:
                counted["refused"] += 1
                progress.say(f'"{printable(str(told.path))}": {printable(told.why)}')

        await exporting.run(AT_ONCE, tell, progress.add)
    say(
        f"{counted['files']:,} files written ({amount(counted['bytes'])}),"
        f" {counted['refused']:,} not."
    )
    return FOUND if counted["refused"] else FINE


def tell_collected(collected: Collected | None) -> int:
    """The command `gc`."""
    if collected is None:
        raise Refused(
            "A backup is running, so nothing that it may copy was collected."
            " Try again when it has ended."
        )
    say(
        f"{collected.versions:,} old versions and {collected.uploads:,} parked uploads forgotten,"
        f" {collected.contents:,} contents removed ({amount(collected.bytes)})."
    )
    return FINE


def require_store(data: Folder) -> None:
    """A mistyped folder would otherwise become an empty store, of which all is well."""
    founding.require_index(data)
    if not lock.has_store(data):
        raise Refused(f'There is no store in "{data}". Name its folder with --data.')


def _require_folder(data: Folder) -> None:
    """Only what adds something may make the folder."""
    if not data.is_dir():
        raise Refused(f'There is no data folder "{data}". Name it with --data.')


def verify(arguments: argparse.Namespace, data: Folder) -> int:
    """The command `verify`."""
    require_store(data)
    alone = lock.own(data) if arguments.repair else contextlib.nullcontext()
    with alone, Progress("verifying", 0) as progress:
        report = verifying.verify(
            data,
            scrub=arguments.scrub,
            repair=arguments.repair,
            rate=arguments.rate,
            tell=progress.at,
        )
    for finding in report.findings:
        say(printable(finding.text))
    how = "read" if arguments.scrub else "compared"
    found = len(report.findings)
    findings = "1 finding" if found == 1 else f"{found or 'no'} findings"
    say(f"{report.contents:,} contents {how} ({amount(report.bytes)}): {findings}.")
    return FINE if report.agrees else FOUND


def backup(arguments: argparse.Namespace, data: Folder) -> int:
    """The command `backup`."""
    require_store(data)
    with Progress("copying", 0) as progress:
        copied = backups.backup(data, followed(arguments.folder), progress.at)
    told = _tell_copied(copied, f'backed up to "{arguments.folder}"')
    if not copied.shared:
        return told
    say(
        f"{copied.shared:,} of them have another name on the disk (a hard link), so that this store"
        " does not serve them. `noclobber verify --repair` copies them to files of their own."
    )
    return FOUND


def restore(arguments: argparse.Namespace, data: Folder) -> int:
    """The command `restore`."""
    source = followed(arguments.folder)
    backups.require_store(source)
    with lock.own(made(data)), Progress("copying", 0) as progress:
        copied = backups.restore(source, data, progress.at)
    return _tell_copied(copied, f'restored to "{data}"')


def _tell_copied(copied: backups.Copied, done: str) -> int:
    for line in copied.damaged:
        say(printable(line))
    files = f"{copied.new:,} copied as files, {amount(copied.bytes)}"
    if copied.contents and copied.small == copied.contents:
        files = "all of them are small and lie in the index"
    say(f"{copied.contents:,} contents {done} ({files}), {len(copied.damaged) or 'none'} damaged.")
    return FOUND if copied.damaged else FINE


def doctor(data: Folder, scanner: str) -> int:
    """The command `doctor`."""
    worst = FINE
    for finding in diagnosis.examine(data, scanner):
        say(f"{finding.level.upper():<5} {printable(f'{finding.text} {finding.advice}'.rstrip())}")
        worst = FOUND if finding.level is diagnosis.Level.BAD else worst
    return worst


def _target(folder: Folder) -> Target:
    try:
        return Target(folder)
    except (FileExistsError, NotADirectoryError):
        raise Refused(
            f'"{folder}" is not an empty folder. An export overwrites nothing: choose a new one.'
        ) from None


def _path(text: str, limits: names.Limits) -> Path:
    folder = text.strip("/")
    try:
        return names.parse(folder, limits) if folder else Path(())
    except BadName as bad:
        raise Refused(bad.message) from None


def _shown(parts: tuple[str, ...]) -> str:
    return f'"{printable("/".join(parts) or ".")}"'


def followed(folder: Folder) -> Folder:
    """Where links lead, for whoever refuses them; without one it keeps the name it was given.

    What a dangling link leads to is not made: it may be on a disk that is not mounted.
    """
    for place in (folder, *folder.parents):
        if place.is_symlink() and not place.exists():
            raise Refused(
                f'"{place}" is a symbolic link to "{place.readlink()}", which leads nowhere.'
                " Is a disk not mounted?"
            )
    where = folder.resolve()
    return folder if where == Folder(os.path.abspath(folder)) else where  # noqa: PTH100


def made(folder: Folder) -> Folder:
    """The data folder, private where it is new."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise Refused(f'"{folder}" is not a folder. Name another with --data.') from None
    except OSError as error:
        why = error.strerror
        raise Refused(f'The data folder "{folder}" cannot be made: {why}.') from error
    return folder
