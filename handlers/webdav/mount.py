"""Where in the server's addresses the tree is mounted: addresses -> paths, and back."""

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from aiohttp import web

from handlers import asking
from handlers.asking import Target
from handlers.headers import hosts
from handlers.problems import Refusal, of_type
from handlers.webdav import if_header
from uploads import names
from uploads.failures import MalformedRequest
from uploads.files import Folder, StoredFile
from uploads.locks import Submitted
from uploads.names import BadName, Limits, Path

SCHEMES = ("http", "https")
DEFAULT_PORTS = (":80", ":443")


@dataclass(frozen=True, slots=True)
class Mount:
    """`prefix` begins and ends with a slash. Of all characters only an @ in it is spelled in two
    ways, even by one client. `is_owncloud`: the addresses are those that the clients of that family
    know.
    """

    prefix: str
    limits: Limits
    is_owncloud: bool = False

    def target(self, request: web.Request) -> Target:
        place = hosts.split(request.raw_path)[1].partition("?")[0]
        if place + "/" in self._spellings:
            return Target(Path(()), is_folder=True)
        prefix = next((one for one in self._spellings if place.startswith(one)), self.prefix)
        return asking.target(request, prefix, self.limits)

    @property
    def _spellings(self) -> tuple[str, str]:
        return self.prefix, self.prefix.replace("@", "%40")

    def href(self, entry: StoredFile | Folder) -> str:
        slash = "/" if isinstance(entry, Folder) and entry.path.parts else ""
        return self.path_href(entry.path) + slash

    def path_href(self, path: Path) -> str:
        return self.prefix + path.href_path()

    def destination(self, request: web.Request) -> Path:
        """:raises Refusal: it is on another server, which nothing is sent to from here."""
        value = request.headers.get("Destination")
        if value is None:
            raise MalformedRequest("Say in Destination where it should go.")
        place = self._split(request, value)
        if place is None:
            raise Refusal(of_type("elsewhere", f'"{value}" is not a place of this tree.'))
        return self._path(place)

    def submitted(self, request: web.Request, here: Path) -> Submitted:
        lines = request.headers.getall("If", [])
        value = " ".join(lines) if lines else None
        return if_header.submitted(value, here, lambda url: self._place(request, url))

    def _place(self, request: web.Request, url: str) -> Path | None:
        place = self._split(request, url)
        try:
            return None if place is None else self._path(place)
        except (BadName, MalformedRequest):
            return None

    def _path(self, place: str) -> Path:
        sent = place.removesuffix("/").encode("utf-8", "surrogateescape")
        return asking.named_path(names.decode(sent), self.limits)

    def _split(self, request: web.Request, url: str) -> str | None:
        """The part of a URL below the mount; None where it is elsewhere."""
        try:
            parts = urlsplit(url)
        except ValueError:
            raise MalformedRequest(f'"{url}" is no address.') from None
        if not _is_ours(parts, request):
            return None
        if "#" in url or "?" in url:
            raise MalformedRequest(f'"{url}" holds a raw # or ?; write them as %23 and %3F.')
        path = parts.path + "/" if parts.path + "/" in self._spellings else parts.path
        prefix = next((one for one in self._spellings if path.startswith(one)), None)
        return None if prefix is None else path.removeprefix(prefix)


def _is_ours(parts: SplitResult, request: web.Request) -> bool:
    """A path alone is, and an address of HTTP with our name."""
    if parts.scheme and (parts.scheme not in SCHEMES or not parts.netloc):
        return False
    return not parts.netloc or _plain(parts.netloc) == _plain(request.host)


def _plain(host: str) -> str:
    """Behind a proxy that ends TLS, scheme and default port differ from what we see."""
    host = host.lower()
    for port in DEFAULT_PORTS:
        host = host.removesuffix(port)
    return host
