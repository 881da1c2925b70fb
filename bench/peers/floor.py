"""What small requests cost at least in Python: servers that do one step of ours, and no more.

    make bench ARGS=floor
    make bench ARGS="floor --rounds 5 --works small-put"

Each answers the GETs and PUTs of 10 KiB of `compare`, beside nginx and noclobber. None of them
knows a right, a rule, a type or a version. Prints tables in Markdown.
"""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from bench.peers.compare import compare, read_arguments
from bench.peers.servers import BASELINE, SERVERS, Place, Server

LEAST = Path(__file__).resolve().parent / "least.py"
KEPT = (BASELINE, "noclobber")


def _least(step: str) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        return [sys.executable, str(LEAST), step, str(place.port), str(place.served)]

    return command


STEPS = (
    Server("asyncio, aiohttp's parser, a fixed answer", "no", "no", _least("parser")),
    Server("aiohttp with a route, a fixed answer", "no", "no", _least("aiohttp")),
    Server("the parser, a row looked up or written alone", "no", "yes", _least("row")),
    Server("the parser, BLAKE3, two rows, shared commits", "BLAKE3", "yes", _least("rows")),
)


def main() -> None:
    kept = [one for one in SERVERS if one.name in KEPT]
    compare([*kept, *STEPS], read_arguments(["small-get", "small-put"]))


if __name__ == "__main__":
    main()
