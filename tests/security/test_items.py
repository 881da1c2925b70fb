"""Does every test exist that a table or a document names, and is every danger answered?"""

import ast
import re
from pathlib import Path

from tests.running import ROOT
from tests.security.advisories import ADVISORIES
from tests.security.items import ITEMS

DOCUMENTS = ("docs/threat-model.md", "docs/asvs.md")
NAMED = re.compile(r"`tests/([\w/]+)\.py::(test_\w+)`")
# The last version with a hole that reaches us, plus one.
LEAST = {"aiohttp": (3, 14, 3), "jinja2": (3, 1, 6), "multipart": (1, 3, 1), "yarl": (1, 20, 0)}
# A token of a lock is told to everybody who sees the lock; the shelf in memory is for tests alone.
NO_SECRETS = {"uploads/locking.py", "uploads/guarding.py", "storage/memory/shelves.py"}
SECRET = re.compile(r"secret|password|token|proof|digest_of_key", re.IGNORECASE)


def functions_of(module: str) -> set[str]:
    path = ROOT / "tests" / f"{module}.py"
    assert path.exists(), path
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def missing(names: set[tuple[str, str]]) -> list[str]:
    there = {module: functions_of(module) for module, _ in names}
    return [f"{module}::{name}" for module, name in sorted(names) if name not in there[module]]


def test_each_danger_has_a_test_that_exists_or_a_reason() -> None:
    assert sorted(ITEMS) == list(range(1, 89))
    assert [number for number, item in ITEMS.items() if not item.tests and not item.why] == []
    named = {tuple(name.split("::")) for item in ITEMS.values() for name in item.tests}
    assert missing({(module, name) for module, name in named}) == []


def test_each_test_that_a_document_names_is_there() -> None:
    for name in DOCUMENTS:
        found = set(NAMED.findall((ROOT / name).read_text(encoding="utf-8")))
        assert len(found) > 20, name
        assert missing(found) == [], name


def test_each_advisory_is_replayed_or_held_by_a_test_that_exists() -> None:
    assert len(ADVISORIES) == len({one.id for one in ADVISORIES})
    for one in ADVISORIES:
        assert bool(one.asked) + bool(one.held_by) + bool(one.not_here) == 1, one.id
    named = {tuple(name.split("::")) for one in ADVISORIES for name in one.held_by}
    assert missing({(module, name) for module, name in named}) == []


def test_no_package_is_older_than_its_last_known_hole() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([a-z0-9-]+)==([\d.]+)", text, re.MULTILINE))
    for name, least in LEAST.items():
        assert tuple(map(int, locked[name].split("."))) >= least, name


def sources() -> list[Path]:
    units = ("uploads", "handlers", "storage", "program")
    return [path for unit in units for path in (ROOT / unit).rglob("*.py")]


def test_no_secret_is_compared_in_a_way_that_takes_its_own_time() -> None:
    found = []
    for path in sources():
        if str(path.relative_to(ROOT)) in NO_SECRETS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
                continue
            for side in (node.left, *node.comparators):
                name = getattr(side, "attr", getattr(side, "id", ""))
                if SECRET.search(name):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}")
    assert found == []


# Section: its requirements of levels 1 and 2. Of OAuth (10) and WebRTC (17) none applies.
LEVELS = (
    "1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 4.1:3"
    " 4.2:1 4.3:2 4.4:4 5.1:1 5.2:3 5.3:2 5.4:3 6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4 7.1:3"
    " 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2 8.1:2 8.2:3 8.3:1 8.4:1 9.1:3 9.2:4 11.1:2 11.2:3 11.3:3 11.4:4"
    " 11.5:1 11.6:1 12.1:3 12.2:2 12.3:4 13.1:1 13.2:5 13.3:2 13.4:5 14.1:2 14.2:4 14.3:3 15.1:3"
    " 15.2:3 15.3:7 16.1:1 16.2:5 16.3:4 16.4:3 16.5:3"
)


def test_each_requirement_of_the_standard_stands_in_one_row() -> None:
    text = (ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")
    firsts = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ")]
    told = [number for first in firsts for number in re.findall(r"\d+\.\d+\.\d+", first)]
    told = [number for number in told if not number.startswith(("10.", "17."))]
    sections = (one.split(":") for one in LEVELS.split())
    asked = [
        f"{section}.{number}" for section, most in sections for number in range(1, int(most) + 1)
    ]
    assert sorted(told) == sorted(asked)
