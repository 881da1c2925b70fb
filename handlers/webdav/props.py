"""PROPFIND and PROPPATCH (RFC 4918 sections 9.1 and 9.2). Knows no rule."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from itertools import chain

from aiohttp import web

from handlers import asking, bodies
from handlers.headers import checksums, conditions
from handlers.headers.digests import MalformedDigest
from handlers.identity import principal_of
from handlers.parts import Parts
from handlers.plain import refusal
from handlers.webdav import if_header, multistatus, sync_tokens, xml
from handlers.webdav.live import LIVE, ONLY_BY_NAME, Facts
from handlers.webdav.mount import Mount
from handlers.webdav.owncloud import CHECKSUMS, OWNCLOUD
from handlers.webdav.xml import DAV, XML, Element, Name
from uploads.access import Principal, Right
from uploads.describing import Change, Date, Described, Drop, Set
from uploads.failures import MalformedRequest, NotThere, TooLarge
from uploads.files import Folder, Listing, Property
from uploads.names import Path

# In one slice, between which everybody else has a turn.
AT_ONCE = 250
# With Depth: infinity. A folder itself comes whole: clients that sync do not look for a 507 at the
# end of a 207, and delete what they miss.
MOST_LISTED = 200_000
MOST_ASKED, MOST_ASKED_LENGTH = 200, 16_384
# By these clients say when a file was changed; the last is in seconds.
DATES: dict[Name, str] = {
    (DAV, "getlastmodified"): "http",
    ("urn:schemas-microsoft-com:", "Win32LastModifiedTime"): "http",
    (DAV, "lastmodified"): "unix",
}


class As(Enum):
    """What is set to what it is: nothing has to be done."""

    BEFORE = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """`names`: None for all that there are. `values`: not only which."""

    names: tuple[Name, ...] | None = None
    included: tuple[Name, ...] = ()
    values: bool = True


ALL = Asked()
KNOWN = {**LIVE, **OWNCLOUD}
UNASKED = ONLY_BY_NAME | OWNCLOUD.keys()
SYNC_TOKEN = (DAV, "sync-token")


@dataclass(frozen=True, slots=True)
class Props:
    parts: Parts
    mount: Mount

    async def find(self, request: web.Request) -> web.StreamResponse:
        target, principal = self.mount.target(request), principal_of(request)
        depth = if_header.depth(request.headers.get("Depth"), "0", "1", if_header.INFINITE)
        body = await read(self.parts, request)
        asked = asked_in(body)
        with self.parts.listings.place(principal):
            found = self._found(principal, target.path, depth, asked)
            return await multistatus.stream(request, found)

    async def _found(
        self, principal: Principal, path: Path, depth: str, asked: Asked
    ) -> AsyncIterator[str]:
        """In slices, so that a folder of any size takes the memory of one of them."""
        describing = self.parts.describing
        top = await describing.one(principal, path)
        facts = await self.facts(principal, asked)
        waiting = [path] if isinstance(top.entry, Folder) and depth != "0" else []
        (top,) = await self.digested(principal, [top], asked)
        begun = [self.described(top, asked, facts)]
        listed = 0
        while waiting:
            folder = waiting.pop()
            listing: Listing | None = Listing(limit=AT_ONCE)
            while listing is not None:
                entries, after = await self.page(principal, folder, listing)
                entries = await self.digested(principal, entries, asked)
                responses = (self.described(one, asked, facts) for one in entries)
                for piece in multistatus.pieces(chain(begun, responses)):
                    yield piece
                begun = []
                if depth == if_header.INFINITE:
                    listed += len(entries)
                    waiting += self.listable(principal, entries)
                if listed > MOST_LISTED and (after is not None or waiting):
                    limits = "<D:error><D:number-of-matches-within-limits/></D:error>"
                    href = self.mount.href(top.entry)
                    yield multistatus.refused(href, "too-much-to-list", limits)
                    return
                listing = Listing(after=after, limit=AT_ONCE) if after is not None else None
        for piece in begun:
            yield piece

    async def page(
        self, principal: Principal, folder: Path, listing: Listing
    ) -> tuple[list[Described], str | None]:
        """Of a folder that went away since the list was begun there is nothing more to be told."""
        try:
            return await self.parts.describing.page(principal, folder, listing)
        except NotThere:
            return [], None

    async def facts(self, principal: Principal, asked: Asked = ALL) -> Facts:
        share = await self.parts.describing.share(principal)
        token = None
        follows = self.parts.rules.access.reach(principal, Right.LIST).ranges
        if follows and SYNC_TOKEN in (asked.names or asked.included):
            now = await self.parts.feed.page(principal, None, 0)
            token = sync_tokens.written(now.position)
        asker = await self.parts.describing.asker(principal)
        return Facts(self.mount, self.parts.rules.clock(), share, asker, token)

    async def digested(
        self, principal: Principal, entries: list[Described], asked: Asked
    ) -> list[Described]:
        if CHECKSUMS not in (asked.names or asked.included):
            return entries
        return await self.parts.describing.digested(principal, entries)

    def listable(self, principal: Principal, entries: Sequence[Described]) -> list[Path]:
        return [
            one.entry.path
            for one in entries
            if isinstance(one.entry, Folder)
            and self.parts.rules.may(principal, Right.LIST, one.entry.path)
        ]

    def described(self, one: Described, asked: Asked, facts: Facts) -> str:
        found: list[str] = []
        missing: list[str] = []
        kept = {(each.namespace, each.name): each.xml for each in one.properties}
        for name in _names(asked, kept):
            make = KNOWN.get(name)
            inner = make(one, facts) if make else None
            if inner is not None:
                shown = xml.element(name, inner) if asked.values else xml.empty(name)
                found.append(shown if inner or not asked.values else xml.empty(name))
            elif make is None and name in kept:
                found.append(kept[name] if asked.values else xml.empty(name))
            else:
                missing.append(xml.empty(name))
        groups: dict[str | None, list[str]] = {None: found} if found or not missing else {}
        if missing and asked.names is not None:
            groups["not-there"] = missing
        return multistatus.response(self.mount.href(one.entry), multistatus.propstats(groups))

    async def patch(self, request: web.Request) -> web.StreamResponse:
        target, principal = self.mount.target(request), principal_of(request)
        submitted = self.mount.submitted(request, target.path)
        body = await read(self.parts, request)
        described = await self.parts.describing.one(principal, target.path)
        (described,) = await self.parts.describing.digested(principal, [described])
        wanted = _wanted(xml.parse(body), described.digests)
        protected = [name for name, change in wanted if change is None]
        changes = [change for _, change in wanted if not isinstance(change, As | None)]
        refused = await self.parts.describing.patch(
            principal,
            target.path,
            submitted,
            [] if protected else changes,
            asking.condition(request),
        )
        if refused is not None:
            raise refusal(refused)
        groups: dict[str | None, list[str]] = {}
        for name, change in wanted:
            slug = "failed-dependency" if protected else None
            groups.setdefault("protected-property" if change is None else slug, []).append(
                xml.empty(name)
            )
        href = self.mount.href(described.entry)
        return multistatus.whole(multistatus.response(href, multistatus.propstats(groups)))


async def read(parts: Parts, request: web.Request) -> bytes:
    most = parts.http.field_bytes
    body = await bodies.small_body(request, parts.rules.limits, most)
    if body is None:
        raise TooLarge(f"The XML is longer than {most:,} bytes. Send less at once.")
    return body


def _names(asked: Asked, kept: dict[Name, str]) -> list[Name]:
    if asked.names is not None:
        return list(asked.names)
    live = [name for name in KNOWN if name not in UNASKED or not asked.values]
    return list(dict.fromkeys((*live, *kept, *asked.included)))


def asked_in(body: bytes) -> Asked:
    if not body.strip():
        return ALL
    root = xml.parse(body)
    if root.name != (DAV, "propfind"):
        raise MalformedRequest("PROPFIND takes a propfind in the namespace DAV:.")
    prop, included = root.child("prop"), root.child("include")
    kinds = [prop, root.child("allprop"), root.child("propname")]
    if sum(kind is not None for kind in kinds) != 1:
        raise MalformedRequest("A propfind holds one of prop, allprop and propname.")
    if prop is not None:
        return Asked(names_in(prop))
    if root.child("propname") is not None:
        return Asked(values=False)
    return Asked(included=names_in(included) if included else ())


def names_in(prop: Element) -> tuple[Name, ...]:
    """Each of them is looked for at every file that is listed."""
    names = tuple(dict.fromkeys(one.name for one in prop.children()))
    length = sum(len(xml.empty(name)) for name in names)
    if len(names) > MOST_ASKED or length > MOST_ASKED_LENGTH:
        raise MalformedRequest(f"At most {MOST_ASKED} properties are told at once. Ask for fewer.")
    return names


def _wanted(root: Element, digests: Mapping[str, bytes]) -> list[tuple[Name, Change | As | None]]:
    """In document order (RFC 4918 section 9.2). None: a property that only we can set."""
    if root.name != (DAV, "propertyupdate"):
        raise MalformedRequest("PROPPATCH takes a propertyupdate in the namespace DAV:.")
    wanted: list[tuple[Name, Change | As | None]] = []
    for step in root.children():
        prop = step.child("prop")
        if prop is None or step.name not in {(DAV, "set"), (DAV, "remove")}:
            continue
        spoken = [one.attributes.get((XML, "lang")) for one in (prop, step, root)]
        language = next((one for one in spoken if one is not None), None)
        for one in prop.children():
            removes = step.name == (DAV, "remove")
            is_so = not removes and one.name == CHECKSUMS and _is_kept(one, digests)
            change = As.BEFORE if is_so else _change(one, language, removes=removes)
            wanted.append((one.name, change))
    if not wanted:
        raise MalformedRequest("A propertyupdate sets or removes at least one property.")
    return wanted


def _is_kept(one: Element, digests: Mapping[str, bytes]) -> bool:
    """What rclone knows of the bytes it sets with each time, as ownCloud loses it then."""
    try:
        said = checksums.declared(" ".join(each.text for each in one.children()), {})
    except MalformedDigest:
        return False
    return bool(said) and said.items() <= digests.items()


def _change(one: Element, language: str | None, *, removes: bool) -> Change | None:
    namespace, local = one.name
    if one.name in DATES:
        moment = None if removes else _seconds(one.text.strip(), DATES[one.name])
        return None if moment is None else Date(moment)
    if one.name in KNOWN:
        return None
    if removes:
        return Drop(namespace, local)
    return Set(Property(namespace, local, one.written(language)))


def _seconds(text: str, kind: str) -> float | None:
    if kind == "unix":
        return if_header.modified(text)
    seconds = conditions.seconds(text)
    return if_header.modified(str(seconds)) if seconds is not None else _iso(text)


def _iso(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return if_header.modified(str(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()))
