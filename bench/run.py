"""Runs the benchmarks: all, or those that are named (`make bench ARGS="scale"`)."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(names: list[str]) -> int:
    programs = sorted(path for path in HERE.glob("*.py") if path.name != Path(__file__).name)
    known = {path.stem: path for path in programs}
    if unknown := [name for name in names if name not in known]:
        print(f"There is no benchmark {unknown[0]!r}. There are: {', '.join(known)}.")
        return 2
    for name in names or known:
        subprocess.run([sys.executable, str(known[name])], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
