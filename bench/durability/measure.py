"""What noclobber and other servers have kept of what they said is stored: the same client and the
same judge for all, over HTTP alone.

    make bench ARGS="durability"
    make bench ARGS="durability --works races --only nginx,noclobber --rounds 50"

`races`: uploads of different bytes to one name, their last bytes held back and let go together;
plain, with `If-None-Match: *`, and replacing under one `If-Match`.
`cuts`: the server's disk remembers each write and flush while clients upload; then it is shown as a
power cut would have left it, the server started on it, and each acknowledged upload asked for.
Needs root, /dev/fuse and loop devices. `kills`: the same after `kill -9`.

Prints tables in Markdown.
"""

import argparse
import multiprocessing
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from bench.durability.contestants import RACING, STORING, chosen
from bench.durability.endings import Kills, PowerCuts
from bench.durability.judging import Tally
from bench.durability.races import Conditions, Races, Ring
from bench.peers.running import running
from bench.peers.servers import ROOT, Server
from tests.trust.filesystems import KINDS

PROCESSORS = ",".join(str(one) for one in sorted(os.sched_getaffinity(0)))
SEED = 20261126
DEVICES = ("/dev/fuse", "/dev/loop-control")


def main(words: Sequence[str]) -> None:
    arguments = _read_arguments(words)
    subprocess.run([str(ROOT / "setup.sh"), "peers"], check=True)
    _print_heading(arguments)
    for work in arguments.works:
        WORKS[work](arguments)


def _races(arguments: argparse.Namespace) -> None:
    print(f"\n### Races: {arguments.rounds:,} rounds of each kind\n")
    print("Rounds in which more than one was told that it is stored (of them bytes gone).\n")
    _print_columns(RACED, 1)
    for server in chosen(RACING, arguments.only):
        with running(server, arguments.disk, PROCESSORS) as one:
            ring = Ring(server, one.place.port, random.Random(arguments.seed))
            alone = ring.conditions()
            for width in arguments.at_once:
                _print_races(server, width, alone, _raced(ring, alone, arguments.rounds, width))


def _raced(ring: Ring, alone: Conditions, rounds: int, width: int) -> list[Races]:
    found = [ring.plain(rounds, width), ring.if_none_match(rounds, width)]
    return found if alone.is_current is None else [*found, ring.if_match(rounds, width)]


def _print_races(server: Server, width: int, alone: Conditions, found: list[Races]) -> None:
    plain, free, *current = found
    kept = [plain.several, _under(alone.is_free, free)]
    kept += [_under(bool(alone.is_current), one) for one in current] or ["no ETag"]
    numbers = [
        sum(one.with_none for one in found),
        sum(one.mixed for one in found),
        sum(one.refused for one in found),
        sum(one.settled for one in found),
    ]
    words = [server.name, str(width), *kept, *(f"{number:,}" for number in numbers)]
    print(f"| {' | '.join(words)} |", flush=True)
    unanswered = sum(one.unanswered for one in found)
    if unanswered:
        print(f"{server.name}: {unanswered} without an answer", file=sys.stderr)


def _under(honoured: bool, found: Races) -> str:  # noqa: FBT001 - a word for it
    return found.several if honoured else f"ignored: {found.several}"


def _cuts(arguments: argparse.Namespace) -> None:
    print(
        f"\n### Power cuts: {arguments.states} states of each recording of"
        f" {arguments.seconds:g} s\n"
    )
    endings = {
        kind: PowerCuts(kind, arguments.seconds, arguments.states, arguments.seed)
        for kind in arguments.disks
    }
    _print_endings(("server", "file system", "states", *LOST), endings, arguments)


def _kills(arguments: argparse.Namespace) -> None:
    print("\n### kill -9 while uploads run\n")
    endings = {"kill -9": Kills(arguments.kills, arguments.seed, arguments.disk)}
    _print_endings(("server", "end", "times", *LOST), endings, arguments)


def _print_endings(
    columns: Sequence[str], endings: Mapping[str, PowerCuts | Kills], arguments: argparse.Namespace
) -> None:
    """Several at a time, as most of a recording is waiting."""
    context = multiprocessing.get_context("fork")
    servers = chosen(STORING, arguments.only)
    with ProcessPoolExecutor(arguments.abreast, mp_context=context) as pool:
        tallies = [
            (server.name, name, pool.submit(_tally, server.name, ending))
            for server in servers
            for name, ending in endings.items()
        ]
        _print_columns(columns, 2)
        for server, name, tally in tallies:
            _print_tally(server, name, tally.result())


def _tally(server: str, ending: PowerCuts | Kills) -> Tally:
    found = ending.of(next(one for one in STORING if one.name == server), PROCESSORS)
    print(f"{server}: {ending} {found}", file=sys.stderr, flush=True)
    return found


def _print_tally(server: str, name: str, found: Tally) -> None:
    share = found.lost / max(found.checked, 1)
    numbers = (found.missing, found.altered, found.older, found.gone, found.half, found.silent)
    words = [server, name, f"{found.states:,}", f"{found.checked:,}", f"{found.lost:,}"]
    words += [f"{share:.1%}", *(f"{number:,}" for number in numbers)]
    print(f"| {' | '.join(words)} | {found.oldest:.0f} |", flush=True)
    if found.unreadable:
        print(f"{server}, {name}: {found.unreadable} states were not mounted", file=sys.stderr)


def _print_columns(columns: Sequence[str], words: int) -> None:
    """So many of words, the others of numbers."""
    lines = "---|" * words + "---:|" * (len(columns) - words)
    print(f"| {' | '.join(columns)} |\n|{lines}", flush=True)


RACED = (
    *("server", "uploads at once", "no condition", "`If-None-Match: *`", "`If-Match`"),
    *("nobody won", "bytes of nobody", "refused", "of them settled by link"),
)
LOST = (
    *("acknowledged, checked", "lost", "share", "name missing", "bytes altered"),
    *("older version", "old and new gone", "half, unacknowledged", "does not start", "oldest, s"),
)
WORKS = {"races": _races, "cuts": _cuts, "kills": _kills}


def _print_heading(arguments: argparse.Namespace) -> None:
    found = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    cpu = found[1] if found else platform.machine()
    print(
        f"{time.strftime('%Y-%m-%d')}, Linux {platform.release()}, {os.cpu_count()} x {cpu},"
        f" Python {platform.python_version()}; seed {arguments.seed}."
    )


def _read_arguments(words: Sequence[str]) -> argparse.Namespace:
    reader = argparse.ArgumentParser(
        prog='make bench ARGS="durability ..."',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    reader.add_argument("--works", type=_words, default=list(WORKS), help=f"of {','.join(WORKS)}")
    reader.add_argument("--only", type=_words, default=[], help="names of servers")
    reader.add_argument("--rounds", type=int, default=200, help="of each kind of race")
    reader.add_argument("--at-once", type=_numbers, default=[2, 8], help="uploads of one race")
    reader.add_argument("--disks", type=_words, default=list(KINDS), help="file systems to cut")
    reader.add_argument("--states", type=int, default=60, help="of each disk of each server")
    reader.add_argument("--seconds", type=float, default=60, help="for which clients upload")
    reader.add_argument("--kills", type=int, default=10, help="of each server")
    reader.add_argument("--abreast", type=int, default=2, help="servers cut or killed at a time")
    reader.add_argument("--disk", type=Path, default=Path(tempfile.gettempdir()))
    reader.add_argument("--seed", type=int, default=SEED)
    asked = reader.parse_args(words)
    if unknown := set(asked.works) - WORKS.keys():
        reader.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(WORKS)}")
    if unknown := set(asked.only) - {one.name for one in (*STORING, *RACING)}:
        names = ", ".join(one.name for one in STORING)
        reader.error(f"there is no {', '.join(sorted(unknown))}; there are {names}")
    if unknown := set(asked.disks) - KINDS.keys():
        reader.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    if "cuts" in asked.works and not (os.geteuid() == 0 and all(map(os.path.exists, DEVICES))):
        reader.error(
            "power cuts need root, /dev/fuse and loop devices. Run it as root, or leave them out:"
            " --works races,kills"
        )
    return asked


def _words(text: str) -> list[str]:
    return text.split(",")


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


if __name__ == "__main__":
    main(sys.argv[1:])
