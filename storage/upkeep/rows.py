"""Do the rows of an index agree with each other? SQLite looks at its pages, and at nothing of this.

Only reads. Knows no rule.
"""

from collections.abc import Iterator, Sequence

from storage.sqlite.migrations import ROOT
from storage.upkeep.catalogue import Catalogue
from uploads.files import Kind
from uploads.policy import policies_of

_SHOWN = 5
_RULES = "SELECT value FROM meta WHERE name = 'names'"
_KINDS = ", ".join(f"'{kind}'" for kind in Kind)
# From the top down, so that folders which lead in a circle are found as well.
_UNREACHABLE = (
    f"WITH RECURSIVE folders(id) AS (SELECT {ROOT} UNION SELECT n.id FROM folders f"  # noqa: S608 - our words
    " JOIN nodes n ON n.parent = f.id WHERE n.is_folder = 1 AND n.gone IS NULL)"
    f" SELECT id FROM nodes WHERE gone IS NULL AND id <> {ROOT}"
    " AND parent NOT IN (SELECT id FROM folders)"
)
_NO_FOLDER = "SELECT id FROM nodes WHERE gone IS NULL AND is_folder = (content IS NOT NULL)"
_VERSIONLESS = (
    "SELECT n.id FROM nodes n LEFT JOIN versions v ON v.node = n.id AND v.number = n.number"
    " WHERE n.gone IS NULL AND n.is_folder = 0 AND v.content IS NOT n.content"
)
_EMPTY_VERSIONS = (
    "SELECT DISTINCT v.node FROM versions v LEFT JOIN contents c ON c.id = v.content"
    " WHERE v.content IS NOT NULL AND c.id IS NULL"
)
_EMPTY_UPLOADS = (
    "SELECT u.path FROM uploads u LEFT JOIN contents c ON c.id = u.content WHERE c.id IS NULL"
)
_SHORT = (
    "SELECT coalesce(c.digest, s.content) FROM small s LEFT JOIN contents c ON c.id = s.content"
    " WHERE length(s.bytes) IS NOT c.size"
)
_UNKNOWN_KINDS = (
    f"SELECT number FROM changes WHERE kind NOT IN ({_KINDS})"  # noqa: S608 - our words
    f" UNION SELECT number FROM versions WHERE kind NOT IN ({_KINDS})"
)
_OF_NODES = {
    _UNREACHABLE: "no folder leads to it",
    _NO_FOLDER: "it is neither a file nor a folder",
    _VERSIONLESS: "its version is not there, or has another content",
    _EMPTY_VERSIONS: "a version of it has a content that is not there",
}
_OF_OTHERS = {
    _EMPTY_UPLOADS: "what is parked for it is not there",
    _SHORT: "its bytes in the index are more or fewer than its size",
    _UNKNOWN_KINDS: "the change of this number is of no kind",
}


def faults(index: Catalogue) -> Iterator[str]:
    """One line for people on each way in which some do not agree."""
    for question, what in _OF_NODES.items():
        nodes = index.connection.execute(question).fetchmany(_SHOWN + 1)
        yield from _told([index.path(node) for (node,) in nodes], what)
    for question, what in _OF_OTHERS.items():
        rows = index.connection.execute(question).fetchmany(_SHOWN + 1)
        yield from _told([str(row[0]) for row in rows], what)
    rules = index.connection.execute(_RULES).fetchone()
    if rules is not None and not _is_understood(rules[0]):
        yield "the rules for names that it is kept by cannot be understood"


def _told(names: Sequence[str], what: str) -> Iterator[str]:
    if names:
        more = ", and others" if len(names) > _SHOWN else ""
        yield f"{', '.join(names[:_SHOWN])}{more}: {what}"


def _is_understood(rules: str) -> bool:
    try:
        policies_of(rules)
    except (ValueError, TypeError):
        return False
    return True
