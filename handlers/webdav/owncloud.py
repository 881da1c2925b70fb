"""What clients of the ownCloud family are told beyond the standard: properties and headers.

Each property only for who asks for it by name. Those that follow from what is not here (shares,
previews, favourites, sizes of folders) are absent.
"""

from collections.abc import Mapping
from typing import Final

from handlers.headers import checksums
from handlers.webdav.live import AVAILABLE, LIVE, Facts, Make
from handlers.webdav.xml import Name
from uploads.access import Right
from uploads.asker import Asker
from uploads.describing import Described, Share
from uploads.files import Folder, StoredFile

OC: Final = "http://owncloud.org/ns"
CHECKSUMS: Final = (OC, "checksums")
# The digits are the number of the file; clients want something after them.
INSTANCE: Final = "noclobber"
# In place of what is left of a quota.
UNKNOWN, UNLIMITED = -2, -3


def file_id(entry: StoredFile | Folder) -> str:
    """By it clients know a file again that has another name now."""
    return f"{entry.id:08}{INSTANCE}"


def permissions(asker: Asker, entry: StoredFile | Folder) -> str:
    """G may be read, D deleted, N renamed, V moved; W written; C and K: new files and folders."""
    path = entry.path
    holds = asker.may_all_below if isinstance(entry, Folder) else asker.may
    letters = "G" if asker.may(Right.READ, path) else ""
    if path.parts and holds(Right.DELETE, path):
        letters += "D"
        if holds(Right.READ, path):
            letters += "NV" if asker.may(Right.CREATE, path.parent) else "V"
    if isinstance(entry, Folder):
        return letters + ("CK" if asker.may(Right.CREATE, path) else "")
    return letters + ("W" if asker.may(Right.REPLACE, path) else "")


def _size(one: Described, _: Facts) -> str | None:
    return None if isinstance(one.entry, Folder) else str(one.entry.content.size)


def left(share: Share | None) -> int:
    """Of the quota. Where there is none, or it is not told, these clients want a number all the
    same: they take what is missing for a share that is used up.
    """
    if share is None:
        return UNKNOWN
    return UNLIMITED if share.left is None else share.left


def _available(one: Described, facts: Facts) -> str | None:
    told = LIVE[AVAILABLE](one, facts)
    if told is not None or not (facts.mount.is_owncloud and isinstance(one.entry, Folder)):
        return told
    return str(left(facts.share))


def _checksums(one: Described, _: Facts) -> str | None:
    told = checksums.written(one.digests)
    return f"<checksum>{told}</checksum>" if told else None


OWNCLOUD: Final[Mapping[Name, Make]] = {
    (OC, "id"): lambda one, _: file_id(one.entry),
    (OC, "fileid"): lambda one, _: str(one.entry.id),
    (OC, "permissions"): lambda one, facts: permissions(facts.asker, one.entry),
    (OC, "size"): _size,
    CHECKSUMS: _checksums,
    AVAILABLE: _available,
}


def headers(entry: StoredFile | Folder) -> dict[str, str]:
    """Of something that was just stored, made or moved, to who may read it."""
    told = {"OC-FileId": file_id(entry)}
    return {**told, "OC-ETag": entry.etag} if isinstance(entry, StoredFile) else told
