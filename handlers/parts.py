"""What the doors are made of: the rules' parts and the few settings of HTTP itself."""

from dataclasses import dataclass, field

from handlers.sessions import Bounds
from uploads import names
from uploads.accounts import Accounts
from uploads.admission import Admission
from uploads.describing import Describing
from uploads.feed import Feed
from uploads.holdings import Holdings
from uploads.locking import Locking
from uploads.parking import Parking
from uploads.preflight import Preflights
from uploads.receiving import Receiver
from uploads.resuming import Resuming
from uploads.rules import Rules
from uploads.transfers import Transfers
from uploads.tree import Tree

LISTINGS_AT_ONCE, LISTINGS_EACH = 128, 32


def listings() -> Admission:
    return Admission(LISTINGS_AT_ONCE, LISTINGS_EACH, "listings")


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """`hosts`: names that are ours beside address literals and localhost."""

    hosts: frozenset[str] = frozenset()
    trusted_proxies: frozenset[str] = frozenset()
    cors_origins: frozenset[str] = frozenset()
    metrics: str = "loopback"
    header_bytes: int = 8190
    drain_bytes: int = 16 << 20
    drain_time: float = 5.0
    send_idle: float = 60.0
    files_per_form: int = 100
    field_bytes: int = 64 << 10
    login_failures: int = 10
    sessions: Bounds = field(default_factory=Bounds)
    feed_wait: float = 60.0
    preflight_items: int = 10_000
    reserve_time: float = 60.0
    dav_strict: bool = False
    draft_uploads: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """`listings`: the places of those who are told of many files at once by WebDAV."""

    rules: Rules
    receiver: Receiver
    parking: Parking
    resuming: Resuming
    holdings: Holdings
    tree: Tree
    feed: Feed
    preflights: Preflights
    transfers: Transfers
    describing: Describing
    locking: Locking
    accounts: Accounts
    names: names.Limits
    http: HttpSettings = HttpSettings()
    listings: Admission = field(default_factory=listings)
