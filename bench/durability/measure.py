"""What noclobber and other servers have kept of what they said is stored: the same client and the
same judge for all, over HTTP alone.

    make bench ARGS="durability"
    make bench ARGS="durability --works races --only nginx,noclobber --rounds 50"

`races`: uploads of different bytes to one name, their last bytes held back and let go together;
plain, with `If-None-Match: *`, and replacing under one `If-Match`. Prints tables in Markdown.
"""

import argparse
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from bench.durability.contestants import RACING, STORING, chosen
from bench.durability.races import Conditions, Races, Ring
from bench.peers.running import running
from bench.peers.servers import ROOT, Server

PROCESSORS = ",".join(str(one) for one in sorted(os.sched_getaffinity(0)))
SEED = 20261126


def main() -> None:
    arguments = _read_arguments()
    subprocess.run([str(ROOT / "setup.sh"), "peers"], check=True)
    _print_heading(arguments)
    for work in arguments.works:
        WORKS[work](arguments)


def _races(arguments: argparse.Namespace) -> None:
    print(f"\n### Races: {arguments.rounds} rounds of each kind\n")
    print("Rounds in which more than one was told that it is stored (of them bytes gone).\n")
    print(f"| {' | '.join(COLUMNS)} |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|")
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


COLUMNS = (
    *("server", "uploads at once", "no condition", "`If-None-Match: *`", "`If-Match`"),
    *("nobody won", "bytes of nobody", "refused", "of them settled by link"),
)
WORKS = {"races": _races}


def _print_heading(arguments: argparse.Namespace) -> None:
    found = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    cpu = found[1] if found else platform.machine()
    print(
        f"{time.strftime('%Y-%m-%d')}, Linux {platform.release()}, {os.cpu_count()} x {cpu},"
        f" Python {platform.python_version()}; seed {arguments.seed}."
    )


def _read_arguments() -> argparse.Namespace:
    reader = argparse.ArgumentParser(
        prog='make bench ARGS="durability ..."',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    reader.add_argument("--works", type=_words, default=list(WORKS), help=f"of {','.join(WORKS)}")
    reader.add_argument("--only", type=_words, default=[], help="names of servers")
    reader.add_argument("--rounds", type=int, default=200, help="of each kind of race")
    reader.add_argument("--at-once", type=_numbers, default=[2, 8], help="uploads of one race")
    reader.add_argument("--disk", type=Path, default=Path(tempfile.gettempdir()))
    reader.add_argument("--seed", type=int, default=SEED)
    asked = reader.parse_args()
    if unknown := set(asked.works) - WORKS.keys():
        reader.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(WORKS)}")
    if unknown := set(asked.only) - {one.name for one in (*STORING, *RACING)}:
        names = ", ".join(one.name for one in STORING)
        reader.error(f"there is no {', '.join(sorted(unknown))}; there are {names}")
    return asked


def _words(text: str) -> list[str]:
    return text.split(",")


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


if __name__ == "__main__":
    main()
