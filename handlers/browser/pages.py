"""Data -> HTML. Pure: reads nothing but its own templates, and every text in it is escaped.

The templates have neither script nor inline style, so that the content policy can forbid both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FolderPath
from typing import Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from handlers.browser import assets, comparison, reference, wording
from handlers.browser.comparison import NO_PREVIEW, UNSEEN, Comparison, Preview, Sides
from handlers.descriptions import Json, entry_href, file_href, folder_href, upload_href
from handlers.problem_types import TYPES, ProblemType
from handlers.problems import Problem
from handlers.sessions import Standing
from uploads.access import Principal, Right
from uploads.asker import Asker
from uploads.files import Event, Folder, Listing, Order, Page, StoredFile, Upload
from uploads.names import Path
from uploads.settling import Resolution

MINUTE, HOUR, DAY = 60, 3600, 86400
COLUMNS = (
    (Order.NAME, "Name"),
    (Order.SIZE, "Size"),
    (Order.MODIFIED, "Modified"),
    (Order.TYPE, "Type"),
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of a form that went well. `file` only where its sender may read it."""

    name: str
    file: StoredFile | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    name: str
    problem: Problem
    sides: Sides = UNSEEN

    @property
    def compared(self) -> Comparison | None:
        return comparison.of_problem(self.problem, self.sides)


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column: a link that sorts by it, the other way round when it does already."""

    label: str
    order: str
    href: str
    sorted: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a listing, in words: a page has up to a thousand, and filters cost time."""

    name: str
    href: str
    modified: str
    datetime: str
    is_folder: bool
    size: str = ""
    exact_size: str = ""
    kind: str = "folder"
    media_type: str = ""


def _crumbs(path: Path) -> list[tuple[str, str]]:
    above = [Path(path.parts[:depth]) for depth in range(1, len(path.parts) + 1)]
    return [("Files", folder_href(Path(()))), *((one.name, folder_href(one)) for one in above)]


def _seconds(count: int) -> str:
    if count < 2 * MINUTE:
        return wording.count(count, "second", "seconds")
    return wording.count(round(count / MINUTE), "minute", "minutes")


def _ago(seconds: float) -> str:
    if seconds < MINUTE:
        return "just now"
    for size, one, many in ((DAY, "day", "days"), (HOUR, "hour", "hours")):
        if seconds >= 2 * size:
            return f"{wording.count(int(seconds / size), one, many)} ago"
    return f"{wording.count(int(seconds / MINUTE), 'minute', 'minutes')} ago"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FolderPath(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["built"] = assets.BUILT
    made.globals["asset"] = lambda name: assets.ASSETS[name].href
    made.filters |= {
        "size": wording.size,
        "exact_size": wording.exact_size,
        "date": wording.date,
        "exact_date": wording.exact_date,
        "kind": wording.kind,
        "seconds": _seconds,
        "ago": _ago,
        "files": lambda number: wording.count(number, "file", "files"),
        "crumbs": _crumbs,
        "file_href": file_href,
        "folder_href": folder_href,
        "upload_href": upload_href,
    }
    return made


_ENVIRONMENT: Final = _environment()


def _render(template: str, **data: object) -> str:
    return _ENVIRONMENT.get_template(template).render(**data)


def problem(problem: Problem, request_id: str, sides: Sides = UNSEEN) -> str:
    """Any refusal, with both files side by side where there are two."""
    return _render(
        "problem.html",
        problem=problem,
        request_id=request_id,
        compared=comparison.of_problem(problem, sides),
    )


def listing(
    folder: Folder,
    page: Page,
    listing: Listing,
    asker: Asker,
    *,
    may_create: bool,
    stored: int = 0,
) -> str:
    """One page of a folder. `stored`: how many files the visitor has just added."""
    return _render(
        "listing.html",
        folder=folder,
        page=page,
        rows=[_row(entry, asker.modified(entry)) for entry in page.entries],
        columns=[_column(folder, listing, order, label) for order, label in COLUMNS],
        may_create=may_create,
        may_replace=asker.may(Right.REPLACE, folder.path),
        may_read=asker.may(Right.READ, folder.path),
        stored=stored,
        is_further=listing.after is not None,
        first_href=_listing_href(folder, listing.order, listing.limit, desc=listing.descending),
        next_href=page.after
        and _listing_href(
            folder, listing.order, listing.limit, desc=listing.descending, after=page.after
        ),
    )


def _row(entry: StoredFile | Folder, modified: float | None) -> Row:
    href, name = entry_href(entry), entry.path.name
    date = "" if modified is None else wording.date(modified)
    exact_date = "" if modified is None else wording.exact_date(modified)
    if isinstance(entry, Folder):
        return Row(name, href, date, exact_date, is_folder=True)
    content = entry.content
    return Row(
        name,
        href,
        date,
        exact_date,
        is_folder=False,
        size=wording.size(content.size),
        exact_size=wording.exact_size(content.size),
        kind=wording.kind(content.media_type),
        media_type=content.media_type,
    )


def _column(folder: Folder, listing: Listing, order: Order, label: str) -> Column:
    is_sorted = listing.order is order
    turned = is_sorted and not listing.descending
    direction = ("descending" if listing.descending else "ascending") if is_sorted else ""
    href = _listing_href(folder, order, listing.limit, desc=turned)
    return Column(label, order.value, href, direction)


def _listing_href(
    folder: Folder, order: Order, limit: int, *, desc: bool, after: str | None = None
) -> str:
    fields = {"sort": order.value, "desc": "true" if desc else "false", "limit": str(limit)}
    if after is not None:
        fields["after"] = after
    return f"{folder_href(folder.path)}?{urlencode(fields)}"


def drop_box(path: Path, stored: int = 0, *, may_replace: bool = True) -> str:
    """For who may add to a folder, but not look into it."""
    return _render("drop_box.html", path=path, stored=stored, may_replace=may_replace)


def results(
    folder: Path, stored: Sequence[Stored], refused: Sequence[Refused], request_id: str
) -> str:
    """After a form with several files of which something was refused."""
    there = [one for one in refused if one.problem.type.slug == "already-stored"]
    others = [one for one in refused if one not in there]
    undecided = sum(1 for one in others if one.problem.resolutions)
    counted = (
        (len(stored), "file stored", "files stored"),
        (len(there), "was there already", "were there already"),
        (undecided, "needs a decision", "need a decision"),
        (len(others) - undecided, "not taken", "not taken"),
    )
    return _render(
        "results.html",
        folder=folder,
        headline=", ".join(wording.count(*one) for one in counted if one[0]),
        refused=others,
        there=there,
        undecided=undecided,
        stored=stored,
        request_id=request_id,
    )


def stored(file: StoredFile) -> str:
    return _render("stored.html", file=file)


def history(
    path: Path,
    events: Sequence[Event],
    *,
    may_restore: bool = True,
    is_further: bool = False,
    next_href: str | None = None,
) -> str:
    """Newest first. `may_restore` only spares a button: the rules judge a restore themselves.

    A further page does not know the current version, on which a restore rests: no button there.
    """
    newest = events[0].version if events and not is_further else None
    return _render(
        "history.html",
        path=path,
        events=events,
        current=newest.etag if newest else "",
        may_restore=may_restore and not is_further,
        next_href=next_href,
    )


def uploads(principal: Principal, found: Sequence[Upload], next_href: str | None = None) -> str:
    """The parked uploads of one user."""
    return _render(
        "uploads.html",
        uploads=found,
        next_href=next_href,
        is_anonymous=principal.is_anonymous,
    )


def waiting(
    upload: Upload, resolutions: tuple[Resolution, ...], preview: Preview = NO_PREVIEW
) -> str:
    """A parked upload that nothing stands in the way of any more."""
    compared = comparison.of_free(upload, resolutions, preview)
    return _render("waiting.html", upload=upload, compared=compared)


def session(
    user: str, onward: str, sessions: Sequence[Standing] = (), *, any_users: bool, wrong: str = ""
) -> str:
    """Who is signed in, and where; or the form to sign in with, where there is anybody for it."""
    return _render(
        "session.html",
        user=user,
        onward=onward,
        sessions=sessions,
        any_users=any_users,
        wrong=wrong,
    )


def problem_type(type_: ProblemType) -> str:
    return _render("problem_type.html", type=type_)


def problem_types() -> str:
    return _render("problem_types.html", types=TYPES.values())


def docs(openapi: Mapping[str, Json]) -> str:
    """The contract, readable."""
    return _render("docs.html", reference=reference.of_document(openapi))
