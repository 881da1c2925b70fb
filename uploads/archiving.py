"""What a folder, or some of what is in it, comes to for somebody who takes all of it along.

Only what the principal may list and read; found page by page, so that it may be of any size.
"""

from collections.abc import AsyncIterator, Sequence

from uploads.access import Principal, Right
from uploads.failures import MalformedRequest
from uploads.files import Folder, StoredFile
from uploads.holdings import Holdings
from uploads.names import Path
from uploads.ports import View

READ_AT_ONCE = 500
# The table at the end of an archive is kept in memory until then.
MOST_ENTRIES = 100_000


async def chosen(
    holdings: Holdings, principal: Principal, folder: Path, names: Sequence[str]
) -> list[StoredFile | Folder]:
    """The entries of these names, or all of the folder; what is not there is refused at once.

    :raises NotThere, NotAllowed, MalformedRequest: also where it is too much for one archive.
    """
    rules = holdings.rules

    def look(view: View) -> list[StoredFile | Folder]:
        found: list[StoredFile | Folder] = []
        if not names:
            rules.demand(principal, Right.LIST, folder)
        for path in [folder.child(name) for name in names] or [folder]:
            held = holdings.find_in(view, principal, path)
            if isinstance(held, Folder):
                rules.demand(principal, Right.LIST, path)
                found.append(held)
            else:
                found.append(held.file)
        return found

    found = await holdings.index.read(look)
    count = 0
    for entry in found:
        async for _ in within(holdings, principal, entry):
            count += 1
            if count > MOST_ENTRIES:
                raise MalformedRequest(
                    f"This is more than the {MOST_ENTRIES:,} files and folders that an archive"
                    " holds. Take the folders in it one by one."
                )
    return found


async def within(
    holdings: Holdings, principal: Principal, entry: StoredFile | Folder
) -> AsyncIterator[StoredFile | Folder]:
    """The entry itself, then all that is in it; a folder before what is in it."""
    yield entry
    if isinstance(entry, StoredFile):
        return
    rules, top, after = holdings.rules, entry.path, None
    while True:
        # Whoever takes it slowly takes what is stored meanwhile, too.
        now = rules.current(principal)
        sight = rules.access.sight(now)
        page = await holdings.index.read(
            lambda view, after=after, sight=sight: view.entries_below(  # type: ignore[misc]
                top, after, READ_AT_ONCE, sight
            )
        )
        for below in page:
            if isinstance(below, Folder) or rules.may(now, Right.READ, below.path):
                yield below
        if len(page) < READ_AT_ONCE:
            return
        after = page[-1].path
