"""Numbers of a store that comes from a backup: it has forgotten which ones it gave out since.

Given again, they would tell followers and conditions that all is as they know it. Works on an index
that nobody else has open. Knows no rule.
"""

import secrets
import sqlite3

from storage.sqlite.garbage import FORGET_UP_TO

# More changes than any store sees between a backup and its end.
FAR = 10**9
# One backup can be brought back more than once. Clocks of machines that are set up anew are wrong.
APART = 2**40

LAST = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'changes'"
FORGET_LAST = "DELETE FROM sqlite_sequence WHERE name = 'changes'"
SET_LAST = "INSERT INTO sqlite_sequence VALUES ('changes', ?)"
# The ETag of a folder holds nothing but its number. That of what is gone names its deletion.
RENUMBER_FOLDERS = "UPDATE nodes SET number = ? WHERE is_folder = 1 AND gone IS NULL"


def go_beyond(index: sqlite3.Connection) -> None:
    """Whoever knows a number from before is told to list the tree anew."""
    (last,) = index.execute(LAST).fetchone()
    beyond = last + FAR + secrets.randbelow(APART)
    with index:
        index.execute(FORGET_LAST)
        index.execute(SET_LAST, (beyond,))
        index.execute(FORGET_UP_TO, (str(beyond),))
        index.execute(RENUMBER_FOLDERS, (beyond,))
