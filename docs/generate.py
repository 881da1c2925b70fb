"""Writes the tables of the documents that the code decides: `python -m docs.generate`.

A table stands between `<!-- generated: NAME -->` and `<!-- end -->`. A stale one fails a test.
"""

import contextlib
import io
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path as DiskPath
from types import MappingProxyType
from typing import Final

from docs import verdicts
from handlers.exposition import Histogram
from handlers.metrics import GAUGES, Metrics
from handlers.openapi import problems_of
from handlers.operations import OF_WEBDAV, OPERATIONS
from handlers.problem_types import AT_TUS, TYPES
from program import commandline

ROOT: Final = DiskPath(__file__).resolve().parent.parent
DOCUMENTS: Final = tuple(sorted({*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")}))
BLOCK: Final = re.compile(r"(<!-- generated: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(map(_cell, line)) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def _operations() -> str:
    rows = (
        (
            f"`{one.method}`",
            f"`{one.address}`",
            one.summary,
            ", ".join(str(answer.status) for answer in one.answers),
        )
        for one in OPERATIONS
        if one.method != "HEAD"
    )
    return table(("method", "address", "what for", "answers"), rows)


def _problems() -> str:
    rows = (
        (str(one.status), f"`{one.slug}`", one.title, one.advice)
        for one in sorted(TYPES.values(), key=lambda one: one.status)
    )
    return table(("status", "type", "what it means", "what to do"), rows)


def _tus() -> str:
    """What is another status in tus than elsewhere."""
    by_status: dict[int, list[str]] = {}
    for slug, status in AT_TUS.items():
        by_status.setdefault(status, []).append(slug)
    rows = ((_slugs(slugs), str(status)) for status, slugs in by_status.items())
    return table(("problem", "status in tus"), rows)


def _refusals() -> str:
    """Which operations can answer with which problems, beyond what every operation can."""
    shared = set.intersection(*(set(problems_of(one)) for one in OPERATIONS))
    rows: list[tuple[str, str]] = [("any", _slugs(shared))]
    for one in OPERATIONS:
        own = [slug for slug in problems_of(one) if slug not in shared]
        if own and one.method != "HEAD":
            rows.append((f"`{one.method} {one.address}`", _slugs(own)))
    rows.append(
        ("anything under `/dav/` or `/remote.php/`, beyond what `/files/` has", _slugs(OF_WEBDAV))
    )
    return table(("operation", "can be refused as"), rows)


def _slugs(slugs: Iterable[str]) -> str:
    return ", ".join(f"`{slug}`" for slug in TYPES if slug in set(slugs))


def _verdicts() -> str:
    conditions = [name for name, _ in verdicts.CONDITIONS]
    return table(("what is there", "policy", *conditions), verdicts.rows())


def _metrics() -> str:
    rows = [
        (
            f"`{family.name}`",
            "histogram" if isinstance(family, Histogram) else "counter",
            ", ".join(f"`{label}`" for label in getattr(family, "labels", ())),
            family.meaning,
        )
        for family in Metrics().families()
    ]
    rows += [(f"`{name}`", "gauge", "", meaning) for name, meaning in GAUGES.items()]
    return table(("name", "kind", "labels", "what it says"), rows)


def _settings() -> str:
    defaults = tomllib.loads((ROOT / "config.toml").read_text(encoding="utf-8"))
    rows = (
        (f"`[{section}]` `{key}`", f"`{_toml(defaults[section][key])}`", why)
        for section, key, why in explained_settings()
    )
    return table(("setting", "default", "why"), rows)


def explained_settings() -> Iterator[tuple[str, str, str]]:
    """Every key of config.toml with the comment above it."""
    section, comment = "", list[str]()
    for line in (ROOT / "config.toml").read_text(encoding="utf-8").splitlines():
        if found := re.fullmatch(r"\[(\w+)\]", line):
            section = found[1]
        elif found := re.match(r"(\w+) = ", line):
            yield section, found[1], " ".join(comment)
        if line.startswith("# "):
            comment.append(line.removeprefix("# "))
        else:
            comment.clear()


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case _:
            return str(value)


def _commands() -> str:
    rows = ((f"`noclobber {name}`", short) for name, short in commands().items())
    return table(("command", "what it does"), rows)


def commands() -> dict[str, str]:
    """As the help of the program lists them."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        commandline.read(["--help"])
    listed = r"^ {4}(\w+) {2,}(\S.*(?:\n {8,}\S.*)*)$"
    found = re.findall(listed, said.getvalue(), re.MULTILINE)
    return {name: " ".join(short.split()) for name, short in found}


BLOCKS: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "commands": _commands,
        "metrics": _metrics,
        "operations": _operations,
        "problems": _problems,
        "refusals": _refusals,
        "settings": _settings,
        "tus": _tus,
        "verdicts": _verdicts,
    }
)


def renewed(text: str) -> str:
    """The same document, its tables as the code says now."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{BLOCKS[found[2]]()}\n{found[4]}", text)


def main() -> None:
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        if (now := renewed(text)) != text:
            document.write_text(now, encoding="utf-8")
            sys.stdout.write(f"{document.relative_to(ROOT)} has new tables\n")


if __name__ == "__main__":
    main()
