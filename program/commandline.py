"""The command line: what can be asked of the program, and its help. Does nothing of it."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from program import VERSION, kinds

SIZE = kinds.size(1)

DESCRIPTION = """\
noclobber is an upload server that never overwrites by accident, and never stores the same file
twice without saying so. Without a command it serves."""

EXAMPLES = """\
examples:
  noclobber                              serve ./data at the address in ./config.toml
  noclobber serve --data /srv/files      serve another data folder
  noclobber user add ann                 register ann (her password is asked twice)
  noclobber import ~/Pictures --into pictures
  noclobber help import                  what one command does, with examples

from a checkout, write "python server.py" for "noclobber".

exit codes: 0 fine, 1 it found something wrong or refused, 2 wrong use."""

SERVE = """\
Serve the data folder until Ctrl-C, SIGTERM or SIGHUP. What is under way is then finished within the
grace time of the configuration; a second signal stops at once, and loses nothing that was
answered."""
SERVE_EXAMPLES = """\
examples:
  noclobber serve
  noclobber serve --port 0                     take a free port; the start line names it
  noclobber serve --config /etc/noclobber.toml --host 0.0.0.0

an address that others can reach needs a registered user, or an [[access]] entry in the
configuration that grants rights to "anonymous"."""

USER = """\
Register users, remove them, change their passwords, give them a second factor for the page. A
running server follows at once."""
USER_EXAMPLES = """\
examples:
  noclobber user add ann
  noclobber user add ann --password-stdin < secret.txt
  noclobber user factor ann                    she signs in on the page with a code besides
  noclobber user list"""

TOKENS = """\
Tokens are passwords for scripts and apps: made by us, revocable one by one, and no more powerful
than their user. One without a user has what the configuration grants to "token:NAME".
A running server follows at once."""
TOKENS_EXAMPLES = """\
examples:
  noclobber token add backup --user ann --note "the script on the laptop"
  noclobber token add scanner --user ann --folder inbox --right create --days 365
  curl -T report.pdf -H "Authorization: Bearer TOKEN" http://127.0.0.1:8080/files/report.pdf"""

IMPORT = """\
Take the files of an existing folder in, with their times of modification. The folder itself is only
read. Nothing that is stored is replaced: every collision is reported with what it collided with,
and the rest goes on; empty files never collide, as they have no bytes to be kept twice. Run again
after an interruption: what is there already is left as it is.
Symbolic links and special files are reported, not followed. The server must not be running."""
IMPORT_EXAMPLES = """\
examples:
  noclobber import ~/Pictures                        to the top
  noclobber import ~/Pictures --into pictures/old
  noclobber import ~/Pictures --same-content link    take copies in under both names

exit codes: 0 everything is stored, 1 something was refused or could not be read."""

EXPORT = """\
Write the current tree (not its history) to a new or empty folder: plain files under their names,
with their times of modification, each compared with its digest on the way and synced to disk.
A file has its name when it is whole; after an interruption begin again, in another folder.
The server must not be running."""
EXPORT_EXAMPLES = """\
examples:
  noclobber export /mnt/usb/files

exit codes: 0 all is written, 1 a file is damaged, or cannot be written there."""

VERIFY = """\
Does the index agree with the bytes on disk? Says what is missing, damaged or left over.
A server may be running, but not with --repair."""
VERIFY_EXAMPLES = """\
examples:
  noclobber verify              compare names and sizes, quickly
  noclobber verify --scrub      read every byte and compare digests
  noclobber verify --scrub --rate 50MB      leave the disk to others, too
  noclobber verify --repair     remove leftovers, and mark what is damaged

exit codes: 0 all agrees, 1 something was found."""

GC = """\
Collect garbage: forget versions and parked uploads that have outlived the times in the
configuration, and free the bytes that nothing names any more. A running server does this by itself;
the command is for when it is not running. While a backup is made nothing is collected."""
GC_EXAMPLES = """\
examples:
  noclobber gc

exit codes: 0 all is collected, 1 a backup is running, or it cannot be collected."""

BACKUP = """\
Copy the whole store (index, bytes, users, all history) to another folder, as it stands at one
moment, and compare every byte that is copied with its digest. The server may be running. Into the
folder of an earlier backup only what is new is copied; of what it has, the sizes are compared.
To have every byte read, in the store or in a backup: noclobber verify --scrub."""
BACKUP_EXAMPLES = """\
examples:
  noclobber backup /mnt/backup/noclobber

exit codes: 0 all is copied, 1 something is damaged, or it cannot be copied there."""

RESTORE = """\
Bring a backup back into an empty data folder, and compare every byte with its digest. Run again
after an interruption: it goes on. The server must not be running."""
RESTORE_EXAMPLES = """\
examples:
  noclobber restore /mnt/backup/noclobber --data /srv/files"""

DOCTOR = """\
Are this disk, file system and SQLite fit for our promise? Measures how long a sync takes, and says
what to change."""
DOCTOR_EXAMPLES = """\
examples:
  noclobber doctor --data /srv/files

exit codes: 0 fit, 1 something is wrong."""


def read(argv: Sequence[str] | None) -> argparse.Namespace:
    """Reads a command line. Ends the program after `--help`, and with exit code 2 on wrong use."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.command == "help":
        topic = [] if arguments.topic == ["help"] else arguments.topic
        parser.parse_args([*topic, "--help"])
    if arguments.command != "serve" and (arguments.host or arguments.port is not None):
        parser.error("--host and --port belong to serve")
    if arguments.command == "verify" and arguments.rate and not arguments.scrub:
        parser.error("--rate belongs to --scrub")
    return arguments


def writes(arguments: argparse.Namespace) -> bool:
    """Whether the command changes anything in the data folder."""
    match arguments.command:
        case "backup" | "doctor":
            return False
        case "verify":
            return bool(arguments.repair)
        case "user" | "token":
            return bool(arguments.action != "list")
        case _:
            return True


def _parser() -> argparse.ArgumentParser:
    parser = _described(argparse.ArgumentParser(prog="noclobber"), DESCRIPTION, EXAMPLES)
    _place(parser)
    _address(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    parser.add_argument("--version", action="version", version=f"noclobber {VERSION}")
    parser.set_defaults(command="serve", config=None, data=None, host=None, port=None)

    def command(name: str, short: str, description: str, examples: str) -> argparse.ArgumentParser:
        added = _described(commands.add_parser(name, help=short), description, examples)
        added.set_defaults(command=name)
        _place(added)
        return added

    _address(command("serve", "serve the data folder (the default)", SERVE, SERVE_EXAMPLES))
    people = "add, remove and list users, change passwords and second factors"
    _user(command("user", people, USER, USER_EXAMPLES))
    _token(command("token", "add, revoke and list tokens", TOKENS, TOKENS_EXAMPLES))
    _import(command("import", "take an existing folder in", IMPORT, IMPORT_EXAMPLES))
    exporting = command("export", "write the tree to a folder", EXPORT, EXPORT_EXAMPLES)
    exporting.add_argument("folder", metavar="DIR", type=_path, help="new or empty")
    _verify(command("verify", "compare index and bytes", VERIFY, VERIFY_EXAMPLES))
    command("gc", "forget what has outlived its time", GC, GC_EXAMPLES)
    backup = command("backup", "copy the store, also while serving", BACKUP, BACKUP_EXAMPLES)
    backup.add_argument("folder", metavar="DIR", type=_path, help="new, empty or a backup")
    restore = command("restore", "bring a backup back", RESTORE, RESTORE_EXAMPLES)
    restore.add_argument("folder", metavar="DIR", type=_path, help="what backup wrote")
    command("doctor", "is this machine fit for the promise?", DOCTOR, DOCTOR_EXAMPLES)
    topic = commands.add_parser("help", help="what a command does")
    topic.add_argument("topic", nargs="*")
    return parser


def _described(
    parser: argparse.ArgumentParser, description: str, examples: str
) -> argparse.ArgumentParser:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = description
    parser.epilog = examples
    return parser


def _place(parser: argparse.ArgumentParser) -> None:
    """Options that every command takes, before its name or after it."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=_path,
        default=argparse.SUPPRESS,
        help="the configuration (default: ./config.toml if it is there)",
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=_path,
        default=argparse.SUPPRESS,
        help="the data folder (default: as configured)",
    )


def _address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host",
        default=argparse.SUPPRESS,
        help="the address to listen on (default: as configured)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=argparse.SUPPRESS,
        help="the port to listen on (default: as configured; 0 takes a free one)",
    )


def _path(text: str) -> Path:
    """What is empty was meant to be something: as a path it is where the command was typed."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty")
    return Path(text)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 0 to 65535")
    return int(text)


def _days(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 36500):  # noqa: PLR2004 - a century
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days")
    return int(text)


def _size(text: str) -> int:
    try:
        return int(SIZE.read(text))  # type: ignore[arg-type] # "none" is no size here
    except ValueError as reason:
        raise argparse.ArgumentTypeError(f"{text!r}: {reason}") from None


def _user(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    for action, short in (
        ("add", "register a user; the password is asked twice"),
        ("passwd", "change a password; it is asked twice"),
        ("factor", "give a user a second factor, or another; its secret is shown once"),
        ("remove", "remove a user with all tokens; the files stay"),
        ("list", "list all users"),
    ):
        added = _described(actions.add_parser(action, help=short), short.capitalize() + ".", "")
        _place(added)
        if action != "list":
            added.add_argument("name", metavar="NAME")
        if action == "factor":
            added.add_argument("--remove", action="store_true", help="take the second factor away")
        if action in {"add", "passwd"}:
            added.add_argument(
                "--password-stdin",
                action="store_true",
                help="read the password from the first line of standard input",
            )


def _token(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    adding = actions.add_parser("add", help="make a token; its secret is shown once")
    adding.add_argument("name", metavar="NAME", help="what it is called, for list and revoke")
    adding.add_argument("--user", help="whose rights it has (default: only its own grants)")
    adding.add_argument("--note", default="", help="what it is for")
    adding.add_argument("--folder", default="", help="only there and below (default: everywhere)")
    adding.add_argument(
        "--right",
        action="append",
        choices=("list", "read", "create", "replace", "delete"),
        help="only this right; may be given several times (default: all that the user has)",
    )
    adding.add_argument("--days", type=_days, help="worthless after so many (default: never)")
    revoking = actions.add_parser("revoke", help="make a token worthless")
    revoking.add_argument("name", metavar="NAME", help="as shown by token list")
    listing = actions.add_parser("list", help="list all tokens, without their secrets")
    for added in (adding, revoking, listing):
        _place(added)


def _import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", type=_path, help="what to take in")
    parser.add_argument("--into", metavar="FOLDER", default="", help="where to (default: the top)")
    parser.add_argument(
        "--same-content",
        choices=("refuse", "link"),
        help="for bytes that are stored under another name: refuse the file, or link a second name"
        " to them (default: as configured)",
    )


def _verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repair", action="store_true", help="put right what can be put right")
    parser.add_argument("--scrub", action="store_true", help="read every byte, compare digests")
    parser.add_argument(
        "--rate",
        metavar="SIZE",
        type=_size,
        help="with --scrub: read no more than this in a second, such as 50MB (default: all it can)",
    )
