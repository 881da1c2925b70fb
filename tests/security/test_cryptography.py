"""What is hashed and made by chance, and by what: as the document says, and nothing else."""

import ast
import re
from collections.abc import Iterator

from tests.running import ROOT
from tests.security.test_items import sources

ROW = re.compile(r"^\| `([a-z0-9_/]+\.py)` \| `([a-z0-9.]+)` \|", re.MULTILINE)
WHOLE = {"argon2", "blake3", "hmac", "secrets"}
ELSEWHERE = {"cryptography", "crypt", "ssl", "Crypto", "nacl"}
# An id of a request is no secret; it stands in the log and in the answer.
BY_CHANCE = {"handlers/rendering.py"}


def used(tree: ast.Module) -> Iterator[str]:
    """Of what has many algorithms each, and of what has one the module."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name in WHOLE)
            case ast.ImportFrom(module=str() as module) if module.partition(".")[0] in WHOLE:
                yield module.partition(".")[0]
            case ast.Attribute(value=ast.Name("hashlib"), attr=name):
                yield f"hashlib.{name}"
            case _:
                pass


def test_each_algorithm_stands_in_the_inventory_and_each_of_the_inventory_is_used() -> None:
    found = {
        (str(path.relative_to(ROOT)), name)
        for path in sources()
        for name in used(ast.parse(path.read_text(encoding="utf-8")))
    }
    told = ROW.findall((ROOT / "docs" / "design.md").read_text(encoding="utf-8"))
    assert len(told) == len(set(told))
    assert set(told) == found


def test_no_secret_comes_from_a_generator_that_can_be_foretold() -> None:
    found = set()
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            tops = {name.partition(".")[0] for name in names}
            assert not tops & ELSEWHERE, path
            if "random" in tops:
                found.add(str(path.relative_to(ROOT)))
    assert found == BY_CHANCE
