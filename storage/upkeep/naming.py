"""Does the index find all that is stored by its name, by the rules for names that it records?

Only reads. Knows no rule itself, only who says which ones were recorded.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from storage.upkeep.catalogue import Catalogue
from uploads import names
from uploads.names import Path
from uploads.policy import policies_of

_PAGE = 1000
_RULES = "SELECT value FROM meta WHERE name = 'names'"
_NODES = (
    "SELECT n.id, n.parent, n.name, n.key, n.gone IS NULL, p.folded FROM nodes n"
    " JOIN nodes p ON p.id = n.parent WHERE n.id > ? ORDER BY n.id LIMIT ?"
)
_HOLDER = "SELECT id FROM nodes WHERE parent = ? AND key = ? AND gone IS NULL"


class Misplaced(NamedTuple):
    """A node that has not the key which its name gives. `live`: it is not deleted."""

    node: int
    folder: int
    right: str
    live: bool


def misplaced(index: Catalogue) -> list[Misplaced]:
    """Empty, too, where the rules are changing: the next start follows them then, or goes on."""
    rules = _rules(index)
    found = [] if rules is None else list(_compared(index, rules))
    return found if _rules(index) == rules else []


def clash(index: Catalogue, found: list[Misplaced]) -> bool:
    """Would two that are live be one name, if each had the key that is right for it?"""
    wrong = {one.node for one in found}
    live = [(one.folder, one.right) for one in found if one.live]
    if len(set(live)) < len(live):
        return True
    holders = (index.connection.execute(_HOLDER, place).fetchone() for place in live)
    return any(holder is not None and holder[0] not in wrong for holder in holders)


def _rules(index: Catalogue) -> str | None:
    row = index.connection.execute(_RULES).fetchone()
    return None if row is None else str(row[0])


def _compared(index: Catalogue, rules: str) -> Iterator[Misplaced]:
    policies = policies_of(rules)
    if policies is None:
        return

    @lru_cache(_PAGE)
    def is_exact(folded: str) -> bool:
        return policies.of(Path(tuple(folded.split("/")) if folded else ())).exact_names

    last = 0
    while rows := index.connection.execute(_NODES, (last, _PAGE)).fetchall():
        for node, folder, name, key, live, folded in rows:
            right = names.key(name, exact=is_exact(folded))
            if right != key:
                yield Misplaced(node, folder, right, bool(live))
        last = rows[-1][0]
