"""Runs the benchmarks: all, or the one that is named.

make bench
make bench ARGS="scale --files 1000000"
make bench ARGS="peers --works put,form --rounds 5"
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = {
    "peers": HERE / "peers" / "compare.py",
    "durability": HERE / "durability" / "measure.py",
    "floor": HERE / "peers" / "floor.py",
    "mixed": HERE / "mixed.py",
    "preflight": HERE / "preflight.py",
    "propfind": HERE / "propfind.py",
    "scale": HERE / "scale.py",
    "threshold": HERE / "threshold.py",
}


def main(arguments: list[str]) -> int:
    name, *options = arguments or [""]
    if name and name not in PROGRAMS:
        print(f"There is no benchmark {name!r}. There are: {', '.join(PROGRAMS)}.")
        return 2
    for program in [PROGRAMS[name]] if name else PROGRAMS.values():
        done = subprocess.run([sys.executable, str(program), *options], check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
