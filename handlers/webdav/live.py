"""The properties that follow from what is stored, each as XML. Knows no request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from handlers.descriptions import http_date, moment
from handlers.webdav import xml
from handlers.webdav.mount import Mount
from handlers.webdav.xml import DAV, Name
from uploads.access import Right
from uploads.asker import Asker
from uploads.describing import Described, Share
from uploads.files import Folder, StoredFile
from uploads.locks import Lock

LOCK_ENTRIES: Final = "".join(
    f"<D:lockentry><D:lockscope><D:{scope}/></D:lockscope>"
    "<D:locktype><D:write/></D:locktype></D:lockentry>"
    for scope in ("exclusive", "shared")
)

REPORTS: Final = (
    "<D:supported-report><D:report><D:sync-collection/></D:report></D:supported-report>"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is the same for all resources of one answer. `token`: where the changes are now."""

    mount: Mount
    now: float
    share: Share | None
    asker: Asker
    token: str | None = None


# What is in the element; None: this resource has no such property.
Make = Callable[[Described, Facts], str | None]


def _file(make: Callable[[StoredFile], str]) -> Make:
    return lambda one, _: make(one.entry) if isinstance(one.entry, StoredFile) else None


def _folder(make: Callable[[Folder, Facts], str | None]) -> Make:
    return lambda one, facts: make(one.entry, facts) if isinstance(one.entry, Folder) else None


def _modified(one: Described, facts: Facts) -> str | None:
    modified = facts.asker.modified(one.entry)
    return None if modified is None else http_date(modified)


def _created(one: Described, facts: Facts) -> str | None:
    entry = one.entry
    created = entry.version.stored if isinstance(entry, StoredFile) else facts.asker.modified(entry)
    return None if created is None else moment(created)


def _etag(one: Described, facts: Facts) -> str | None:
    """None of a folder of which the asker sees nothing: it would tell when anything changes."""
    is_shown = isinstance(one.entry, StoredFile) or facts.asker.may(Right.LIST, one.entry.path)
    return xml.escape(facts.asker.etag(one.entry)) if is_shown else None


def _used(folder: Folder, facts: Facts) -> str | None:  # noqa: ARG001 - the same for all of them
    return None if facts.share is None else str(facts.share.used)


def _left(folder: Folder, facts: Facts) -> str | None:  # noqa: ARG001 - the same for all of them
    left = facts.share.left if facts.share else None
    return None if left is None else str(left)


def _token(folder: Folder, facts: Facts) -> str | None:
    return facts.token if facts.asker.may(Right.LIST, folder.path) else None


def _type(one: Described) -> str:
    return "<D:collection/>" if isinstance(one.entry, Folder) else ""


def active_lock(lock: Lock, facts: Facts) -> str:
    scope = "exclusive" if lock.exclusive else "shared"
    depth = "infinity" if lock.deep else "0"
    owner = f"<D:owner>{lock.owner}</D:owner>" if lock.owner else ""
    left = max(0, round(lock.expires - facts.now))
    root = xml.escape(facts.mount.path_href(lock.path))
    return (
        f"<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:{scope}/></D:lockscope>"
        f"<D:depth>{depth}</D:depth>{owner}<D:timeout>Second-{left}</D:timeout>"
        f"<D:locktoken><D:href>{lock.token}</D:href></D:locktoken>"
        f"<D:lockroot><D:href>{root}</D:href></D:lockroot></D:activelock>"
    )


def _locks(one: Described, facts: Facts) -> str:
    return "".join(active_lock(lock, facts) for lock in one.locks)


AVAILABLE: Final = (DAV, "quota-available-bytes")
LIVE: Final[Mapping[Name, Make]] = {
    (DAV, "resourcetype"): lambda one, _: _type(one),
    (DAV, "displayname"): lambda one, _: xml.escape(one.entry.path.name),
    (DAV, "getcontentlength"): _file(lambda file: str(file.content.size)),
    (DAV, "getcontenttype"): _file(lambda file: xml.escape(file.content.media_type)),
    (DAV, "getetag"): _etag,
    (DAV, "getlastmodified"): _modified,
    (DAV, "creationdate"): _created,
    (DAV, "supportedlock"): lambda *_: LOCK_ENTRIES,
    (DAV, "lockdiscovery"): _locks,
    AVAILABLE: _folder(_left),
    (DAV, "quota-used-bytes"): _folder(_used),
    (DAV, "add-member"): _folder(
        lambda folder, facts: f"<D:href>{xml.escape(facts.mount.href(folder))}</D:href>"
    ),
    (DAV, "supported-report-set"): _folder(lambda *_: REPORTS),
    (DAV, "sync-token"): _folder(_token),
}
# RFC 4331 section 2: only for who asks for them by name; so are the later ones.
ONLY_BY_NAME: Final = frozenset(
    (DAV, local)
    for local in (
        "quota-available-bytes",
        "quota-used-bytes",
        "add-member",
        "supported-report-set",
        "sync-token",
    )
)
