"""A page of a folder, in any order, by a seek to where the page before it ended. Reads only."""

from collections.abc import Iterator
from itertools import islice

from storage.cursors import Cursor, cursor, page_size
from storage.sqlite.nodes import ENTRY, Node, Nodes
from uploads.files import Folder, Listing, Order, Page, StoredFile
from uploads.names import Path

SORTED_BY = {
    Order.NAME: "n.key",
    Order.SIZE: "coalesce(c.size, 0)",
    Order.MODIFIED: "n.modified",
    Order.TYPE: "coalesce(c.media_type, '')",
}


def page(nodes: Nodes, folder: Node, path: Path, listing: Listing) -> Page:
    size = page_size(listing)
    found = list(islice(_entries(nodes, folder, listing), size + 1))
    entries = tuple(node.entry(path.child(node.name)) for node in found[:size])
    after = (
        _cursor(found[size - 1], entries[-1], listing).text(listing) if len(found) > size else None
    )
    return Page(entries, after)


def _entries(nodes: Nodes, folder: Node, listing: Listing) -> Iterator[Node]:
    start = cursor(listing)
    for is_folder in (True, False) if start is None or start.is_folder else (False,):
        here = start if start and start.is_folder == is_folder else None
        order = listing.order_of(folders=is_folder)
        sql = page_sql(order, descending=listing.descending, continued=here is not None)
        yield from nodes.all(sql, folder.id, int(is_folder), *_beyond(here, order))


def _beyond(start: Cursor | None, order: Order) -> tuple[object, ...]:
    if start is None:
        return ()
    return (start.key,) if order is Order.NAME else (start.value, start.key)


def page_sql(order: Order, *, descending: bool, continued: bool) -> str:
    """By name this is one range of an index; the other orders sort the folder."""
    beyond, direction = ("<", " DESC") if descending else (">", " ASC")
    value = SORTED_BY[order]
    by_name = order is Order.NAME
    sql = ENTRY + " WHERE n.parent = ? AND n.is_folder = ? AND n.gone IS NULL"
    if continued:
        sql += f" AND n.key {beyond} ?" if by_name else f" AND ({value}, n.key) {beyond} (?, ?)"
    return sql + f" ORDER BY {'' if by_name else value + direction + ', '}n.key{direction}"


def _cursor(node: Node, entry: StoredFile | Folder, listing: Listing) -> Cursor:
    match listing.order:
        case Order.NAME:
            value: str | float = node.key
        case Order.SIZE:
            value = entry.content.size if isinstance(entry, StoredFile) else 0
        case Order.MODIFIED:
            value = node.modified if listing.dates_folders or not node.is_folder else 0.0
        case Order.TYPE:
            value = entry.content.media_type if isinstance(entry, StoredFile) else ""
    return Cursor(bool(node.is_folder), value, node.key)
