"""What uploads and downloads cost at least in Python: servers that do one step of ours, no more.

    make bench ARGS=floor
    make bench ARGS="floor --rounds 5 --works small-put"

Each does the same works as in `compare`, beside nginx and noclobber: one takes a large file, the
others the GETs and PUTs of 10 KiB. None of them knows a right, a rule, a type or a version. Prints
tables in Markdown.
"""

import argparse
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


WITH_ONE_LARGE = Server("receive, BLAKE3, write", "BLAKE3", "yes", _least("stream"))
WITH_MANY_SMALL = (
    Server("asyncio, aiohttp's parser, a fixed answer", "no", "no", _least("parser")),
    Server("aiohttp with a route, a fixed answer", "no", "no", _least("aiohttp")),
    Server("the parser, a row looked up or written alone", "no", "yes", _least("row")),
    Server("the parser, BLAKE3, two rows, shared commits", "BLAKE3", "yes", _least("rows")),
)
STEPS = {
    "put": (WITH_ONE_LARGE,),
    "put-disk": (WITH_ONE_LARGE,),
    "small-get": WITH_MANY_SMALL,
    "small-put": WITH_MANY_SMALL,
}


def main() -> None:
    kept = [one for one in SERVERS if one.name in KEPT]
    arguments = read_arguments(["put", "small-get", "small-put"], STEPS)
    for work in arguments.works:
        compare([*kept, *STEPS[work]], argparse.Namespace(**vars(arguments) | {"works": [work]}))


if __name__ == "__main__":
    main()
