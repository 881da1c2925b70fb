"""Folders and histories as JSON or as pages."""

from urllib.parse import urlencode

from aiohttp import web

from handlers import asking, serving
from handlers.browser import pages
from handlers.descriptions import (
    Json,
    entry_members,
    event_members,
    file_href,
    folder_href,
    folder_members,
)
from handlers.headers import negotiation
from handlers.identity import principal_of
from handlers.parts import Parts
from handlers.problems import Refusal, of_outcome
from handlers.rendering import json_response, page_response, scripted_page_response
from uploads.access import Right
from uploads.asker import Asker
from uploads.collisions import Stale
from uploads.failures import MalformedRequest
from uploads.files import Folder, Listing, Order, Page
from uploads.names import Path
from uploads.settling import Outcome

MOST_ENTRIES = 1000
MOST_EVENTS = 1000


async def folder(
    parts: Parts, request: web.Request, path: Path, fields: dict[str, str]
) -> web.StreamResponse:
    if negotiation.wants_html(request.headers.get("Accept")):
        return await folder_page(parts, request, path, fields)
    listing, principal = _listing(fields), principal_of(request)
    # First, so that no ETag promises more than what is shown under it.
    asker = await parts.describing.asker(principal)
    found, page = await parts.holdings.page(principal, path, listing)
    headers = {"ETag": asker.etag(found), "Cache-Control": "private, no-cache", "Vary": "Accept"}
    if page.after is not None:
        headers["Link"] = f'<{_next_href(found, listing, page.after)}>; rel="next"'
    condition, current = asking.condition(request), asker.current(found)
    if not condition.rests_on(current):
        stale = Stale(None)
        raise Refusal(of_outcome(Outcome(stale, path), stale))
    if not condition.if_none_match_holds(current.etag):
        return web.Response(status=serving.NOT_MODIFIED, headers=headers)
    return json_response(_members(found, page, listing, asker), headers=headers)


async def folder_page(
    parts: Parts, request: web.Request, path: Path, fields: dict[str, str]
) -> web.StreamResponse:
    """For people. The script takes it over; without script it is complete."""
    principal, listing = principal_of(request), _listing(fields)
    may_create = parts.rules.may(principal, Right.CREATE, path)
    stored = asking.number(fields.get("stored") or "0", "stored")
    if may_create and not parts.rules.may(principal, Right.LIST, path):
        may_replace = parts.rules.may(principal, Right.REPLACE, path)
        return scripted_page_response(pages.drop_box(path, stored, may_replace=may_replace))
    asker = await parts.describing.asker(principal)
    found, page = await parts.holdings.page(principal, path, listing)
    headers = {}
    if page.after is not None:
        headers["Link"] = f'<{_next_href(found, listing, page.after)}>; rel="next"'
    html = pages.listing(found, page, listing, asker, may_create=may_create, stored=stored)
    return scripted_page_response(html, headers)


async def history(
    parts: Parts, request: web.Request, path: Path, fields: dict[str, str]
) -> web.StreamResponse:
    principal = principal_of(request)
    before = asking.number(fields["before"], "before") if "before" in fields else None
    most = limit(fields, MOST_EVENTS)
    events = await parts.holdings.history(principal, path, before, most)
    following: str | None = None
    if len(events) == most:
        following = f"{file_href(path)}?versions&before={events[-1].number}&limit={most}"
    if negotiation.wants_html(request.headers.get("Accept")):
        may_restore = parts.rules.may(principal, Right.REPLACE, path)
        return page_response(
            pages.history(
                path,
                events,
                may_restore=may_restore,
                is_further=before is not None,
                next_href=following,
            )
        )
    versions: list[Json] = [event_members(path, event) for event in events]
    members: dict[str, Json] = {
        "href": file_href(path),
        "versions": versions,
        "next": following,
    }
    return json_response(members, headers={"Cache-Control": "private, no-cache", "Vary": "Accept"})


def _members(found: Folder, page: Page, listing: Listing, asker: Asker) -> dict[str, Json]:
    may: list[Json] = [right.value for right in Right if asker.may(right, found.path)]
    entries: list[Json] = [entry_members(entry, asker) for entry in page.entries]
    following = _next_href(found, listing, page.after) if page.after is not None else None
    return {**folder_members(found, asker), "may": may, "entries": entries, "next": following}


def _next_href(found: Folder, listing: Listing, after: str) -> str:
    fields = {
        "sort": listing.order.value,
        "desc": "true" if listing.descending else "false",
        "limit": str(listing.limit),
        "after": after,
    }
    return f"{folder_href(found.path)}?{urlencode(fields)}"


def _listing(fields: dict[str, str]) -> Listing:
    try:
        order = Order(fields.get("sort", Order.NAME))
    except ValueError:
        known = ", ".join(Order)
        raise MalformedRequest(f'"sort" takes one of {known}, not "{fields["sort"]}".') from None
    return Listing(
        order=order,
        descending=asking.flag(fields, "desc"),
        after=fields.get("after"),
        limit=limit(fields, MOST_ENTRIES),
    )


def limit(fields: dict[str, str], most: int) -> int:
    wanted = asking.number(fields["limit"], "limit") if "limit" in fields else 200
    if not 1 <= wanted <= most:
        raise MalformedRequest(f'"limit" takes a number from 1 to {most}.')
    return wanted
