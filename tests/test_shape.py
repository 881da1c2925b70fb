"""The house keeps its shape: units, homes of packages, sizes, and what no source may contain."""

import ast
import fnmatch
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import pytest
from aiohttp import web

ROOT = Path(__file__).parent.parent
UNITS = ("uploads", "handlers", "storage", "program")
# The program wires all units; the rest of what stands around it knows the rules only.
WIRING = ("server.py", "program/commands.py")
# Not a status: the mode of a folder, read back from the syntax tree without its octal form.
OWNER_ONLY = 0o700
LONGEST_FILE, LONGEST_FUNCTION = 400, 50

HOMES = {
    "aiofiles": ("storage/disk/reading.py",),
    "aiohttp": ("handlers/*", "server.py"),
    "argon2": ("storage/accounts.py",),
    "blake3": ("storage/disk/hashing.py",),
    "jinja2": ("handlers/browser/*",),
    "magic": ("storage/sniffing.py",),
    "multidict": ("handlers/*",),
    "multipart": ("handlers/form.py", "handlers/form_body.py"),
    "pylibmagic": ("storage/sniffing.py",),
    "sqlite_utils": ("storage/sqlite/*",),
    "yarl": ("handlers/*",),
    "zipstream": ("handlers/archives.py",),
    "zxcvbn": ("storage/passwords.py",),
}
# What runs other programs or other people's code, and what unpacks: uploads are never unpacked.
FORBIDDEN_MODULES = {
    *("bz2", "gzip", "lzma", "marshal", "pickle", "shelve"),
    *("subprocess", "tarfile", "zipfile", "zlib"),
}
FORBIDDEN_CALLS = {"__import__", "eval", "exec", "os.popen", "os.system"}
FORBIDDEN_WORDS = re.compile(r"\b(utils|helpers?|common|base|manager)\b")


@dataclass(frozen=True, slots=True)
class Source:
    path: str
    text: str
    tree: ast.Module

    @property
    def unit(self) -> str:
        return self.path.partition("/")[0].removesuffix(".py")

    def imports(self) -> Iterator[tuple[int, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, name.name) for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.lineno, "." * node.level + (node.module or "")

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


def _read(pattern: str) -> list[Source]:
    paths = sorted(path for path in ROOT.glob(pattern) if path.is_file())
    texts = [(path, path.read_text(encoding="utf-8")) for path in paths]
    return [
        Source(path.relative_to(ROOT).as_posix(), text, ast.parse(text)) for path, text in texts
    ]


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    return [*_read("*.py"), *(source for unit in UNITS for source in _read(f"{unit}/**/*.py"))]


@pytest.fixture(scope="module")
def tests() -> list[Source]:
    return [*_read("tests/**/*.py"), *_read("bench/**/*.py")]


def test_each_unit_imports_only_what_its_place_allows(sources: list[Source]) -> None:
    ours = {source.unit for source in sources}
    allowed = {
        "uploads": {"uploads"},
        "handlers": {"handlers", "uploads"},
        "storage": {"storage", "uploads"},
        "program": {"program", "uploads"},
    }
    assert [
        f"{source.path}:{line} imports {name}"
        for source in sources
        for line, name in source.imports()
        if source.path not in WIRING
        if (top := name.partition(".")[0]) in ours and top not in allowed[source.unit]
    ] == []


def test_imports_are_absolute(sources: list[Source], tests: list[Source]) -> None:
    assert [
        f"{source.path}:{line} imports {name}"
        for source in (*sources, *tests)
        for line, name in source.imports()
        if name.startswith(".")
    ] == []


def test_each_package_of_others_stays_in_its_home(sources: list[Source]) -> None:
    ours = {source.unit for source in sources}
    assert [
        f"{source.path}:{line} imports {name}"
        for source in sources
        for line, name in source.imports()
        if (top := name.partition(".")[0]) not in ours | sys.stdlib_module_names
        if not any(fnmatch.fnmatch(source.path, home) for home in HOMES.get(top, ()))
    ] == []


def test_no_file_of_the_page_is_long() -> None:
    files = [one for one in (ROOT / "page" / "src").rglob("*") if one.is_file()]
    found = [
        f"{one.relative_to(ROOT)}: {lines} lines"
        for one in files
        if (lines := one.read_text(encoding="utf-8").count("\n")) > LONGEST_FILE
    ]
    assert files
    assert found == []


def test_no_file_and_no_function_is_long(sources: list[Source], tests: list[Source]) -> None:
    found = [
        f"{source.path}: {lines} lines"
        for source in (*sources, *tests)
        if (lines := source.text.count("\n")) > LONGEST_FILE
    ]
    found += [
        f"{source.path}:{one.lineno} {one.name}: {lines} lines"
        for source in sources
        for one in source.functions()
        if (lines := (one.end_lineno or 0) - one.lineno + 1) > LONGEST_FUNCTION
    ]
    assert found == []


def test_each_module_says_what_it_holds(sources: list[Source], tests: list[Source]) -> None:
    assert [
        source.path for source in (*sources, *tests) if not ast.get_docstring(source.tree)
    ] == []


def test_no_name_hides_the_standard_library(sources: list[Source]) -> None:
    assert {source.unit for source in sources} & sys.stdlib_module_names == set()


def test_no_module_has_a_name_that_says_nothing(sources: list[Source]) -> None:
    names = [re.sub(r"[_/.]", " ", source.path) for source in sources]
    assert [name for name in names if FORBIDDEN_WORDS.search(name)] == []


def test_only_the_table_of_problems_knows_the_status_of_a_refusal(sources: list[Source]) -> None:
    assert [
        f"{source.path}:{line} says {status}"
        for source in sources
        if source.unit in {"handlers", "server"} and source.path != "handlers/problem_types.py"
        for line, status in _refusals(source.tree)
    ] == []


def _refusals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Numbers and names of statuses; to recognise a refusal of aiohttp's own is no answer yet."""
    recognised = {node.cls for node in ast.walk(tree) if isinstance(node, ast.MatchClass)}
    for node in ast.walk(tree):
        if node in recognised:
            continue
        match node:
            case ast.Constant(value=int() as number) if (
                400 <= number < 512 and number != OWNER_ONLY
            ):
                yield node.lineno, str(number)
            case ast.Attribute(attr=name) if _is_error(name):
                yield node.lineno, name
            case ast.Attribute(value=ast.Name("HTTPStatus"), attr=name) if HTTPStatus[name] >= 400:
                yield node.lineno, name
            case ast.ImportFrom(names=names):
                yield from ((node.lineno, one.name) for one in names if _is_error(one.name))
            case _:
                pass


def _is_error(name: str) -> bool:
    found = getattr(web, name, None)
    return isinstance(found, type) and issubclass(found, web.HTTPError)


def test_no_source_asserts(sources: list[Source]) -> None:
    assert [
        f"{source.path}:{node.lineno}"
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assert)
    ] == []


def test_no_source_runs_programs_or_unpacks(sources: list[Source]) -> None:
    found = [
        f"{source.path}:{line} imports {name}"
        for source in sources
        for line, name in source.imports()
        if name.partition(".")[0] in FORBIDDEN_MODULES
    ]
    found += [
        f"{source.path}:{node.lineno} calls {called}"
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and (called := ast.unparse(node.func)) in FORBIDDEN_CALLS
    ]
    assert found == []


def test_no_test_hides_another_of_the_same_name(tests: list[Source]) -> None:
    found = []
    for source in tests:
        for scope in ast.walk(source.tree):
            if isinstance(scope, ast.Module | ast.ClassDef):
                names = [
                    one.name
                    for one in scope.body
                    if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
                ]
                found += [f"{source.path}: {name}" for name in set(names) if names.count(name) > 1]
    assert found == []


def test_what_is_installed_holds_every_module(sources: list[Source]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = project["tool"]["setuptools"]["py-modules"]
    assert sorted(named) == sorted({source.unit for source in sources} - set(UNITS))


def test_the_lock_files_name_no_index_and_pin_by_hash() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
        assert [one for one in entries if "==" not in one or "--hash=sha256:" not in one] == []


def test_both_lock_files_agree() -> None:
    runtime, development = (
        dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / name).read_text("utf-8"), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert runtime.items() <= development.items()
