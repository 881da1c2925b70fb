"""The pages: nothing escapes from a name, and what a person needs is there."""

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from handlers.browser import pages, previews, wording
from handlers.browser.comparison import NO_PREVIEW, Preview, Sides
from handlers.descriptions import Json
from handlers.metrics import Metrics
from handlers.problem_types import TYPES
from handlers.problems import Problem, of_outcome, of_type
from tests.doors import make_parts
from uploads.access import Principal
from uploads.asker import Asker
from uploads.collisions import ContentKnown, NameEquivalent, NameTaken, TypeClash
from uploads.files import (
    Content,
    Event,
    Folder,
    Kind,
    Listing,
    Order,
    Page,
    StoredFile,
    Upload,
    Version,
)
from uploads.names import Equivalence, Path
from uploads.settling import Discard, LinkIt, Outcome, ReplaceIt, StoreAs

NOW = 1_795_000_000.0
ANN = Principal("ann", frozenset({"ann"}))
ANYBODY = Asker(make_parts(Metrics()).rules, Principal(), 0, "")
VOID = {"meta", "link", "img", "input", "br"}

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</pre><script>alert(1)</script>",
    "</a><a href=javascript:alert(1)>x",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' onfocus='alert(1)' autofocus='",
    '" style="background:url(//evil.example)',
    "<style>*{background:url(//evil.example)}</style>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<iframe src=//evil.example>",
    "<form action=//evil.example><input>",
    "<!--",
    "--><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "{{ 7*7 }}",
    "{% for x in y %}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
    "<math><mtext><script>alert(1)</script>",
    "//evil.example/x",
    "<a/href='//evil.example'>x</a>",
    "\u003cscript\u003ealert(1)",
    "<details/open/ontoggle=alert(1)>",
)


class Checker(HTMLParser):
    """Fails on what a page must never hold; collects what else a test asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.ids: list[str] = []
        self.labels = 0
        self.targets: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "script":
            # Ours, from its address: none within the page, where a name could get into it.
            assert dict(attrs).keys() == {"type", "src"}
            assert str(dict(attrs)["src"]).startswith("/static/page/")
        assert tag not in {"style", "iframe", "base", "object", "embed", "svg", "math"}
        values = {name: value or "" for name, value in attrs}
        for name, value in values.items():
            assert not name.startswith("on")
            assert name not in {"style", "srcdoc", "autofocus", "http-equiv"}
            if name in {"href", "src", "action", "formaction"}:
                self.targets.append(value)
                assert re.match(r"(/(?!/)|#)", value), value
        if tag == "form":
            self.forms.append({"action": values["action"]})
        if tag == "input" and values.get("type") == "hidden":
            self.forms[-1][values["name"]] = values["value"]
        if "id" in values:
            assert values["id"] not in self.ids
            self.ids.append(values["id"])
        if tag == "img":
            assert "alt" in values
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        assert self.open[-1:] != ["script"]
        self.text += data


def checked(html: str) -> Checker:
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert not checker.open
    assert html.startswith("<!doctype html>")
    assert checker.tags.count("h1") == 1
    assert checker.tags.count("main") == 1
    return checker


def stored(path: str, media_type: str = "text/plain", size: int = 4210) -> StoredFile:
    content = Content("blake3:" + "ab" * 32, size, media_type)
    return StoredFile(_path(path), Version(17, content, NOW, NOW, "ann"))


def parked(path: str, media_type: str = "text/plain") -> Upload:
    content = Content("blake3:" + "cd" * 32, 4391, media_type)
    return Upload("u" * 32, _path(path), content, "ann", NOW, NOW + 86400, "NameTaken")


def _path(text: str) -> Path:
    return Path((text,))


def taken(name: str, media_type: str = "text/plain") -> Problem:
    there = stored(name, media_type)
    verdict = NameTaken(there)
    choices = (ReplaceIt(there.path, there.etag), StoreAs(_path(f"{name} (2)")), Discard())
    upload = parked(name, media_type)
    return of_outcome(Outcome(verdict, there.path, parked=upload, resolutions=choices), verdict)


def known(name: str) -> Problem:
    there = stored(name)
    verdict = ContentKnown(there)
    path = _path(f"second {name}")
    choices = (LinkIt(path, there.path), Discard())
    return of_outcome(
        Outcome(verdict, path, parked=parked(f"second {name}"), resolutions=choices), verdict
    )


def equivalent(name: str) -> Problem:
    verdict = NameEquivalent(stored(name), _path(name.upper()), Equivalence.CASE)
    return of_outcome(Outcome(verdict, _path(name.upper())), verdict)


def clash(name: str) -> Problem:
    verdict = TypeClash(Folder(_path(name), 3, NOW))
    return of_outcome(Outcome(verdict, _path(name)), verdict)


def history(name: str) -> str:
    first = Version(9, Content("blake3:" + "ee" * 32, 1, name), NOW, NOW, name)
    events = [
        Event(17, Kind.REPLACED, NOW, name, stored(name).version),
        Event(12, Kind.DELETED, NOW, name, None),
        Event(9, Kind.CREATED, NOW, name, first),
    ]
    return pages.history(_path(name), events, next_href="/files/x?versions&before=9")


def results(name: str) -> str:
    sides = Sides(Preview("text", text=f"{name}\nsame"), Preview("text", text=f"same\n{name}"))
    return pages.results(
        Path((name, name)),
        [pages.Stored(name, stored(name), name), pages.Stored(name, None)],
        [pages.Refused(name, taken(name), sides), pages.Refused(name, known(name))],
        name,
    )


def listing(name: str) -> str:
    entries = (Folder(Path((name, name)), 3, NOW), stored(name, name))
    asked = Listing(Order.SIZE, descending=True, after=name)
    return pages.listing(
        Folder(Path((name, name)), 3, NOW),
        Page(entries, name),
        asked,
        ANYBODY,
        may_create=True,
        stored=2,
    )


def docs(name: str) -> str:
    operation: Json = {
        "summary": name,
        "description": name,
        "parameters": [{"name": name, "in": "query", "description": name}],
        "responses": {"200": {"description": name}},
    }
    return pages.docs(
        {"info": {"title": name, "version": name}, "paths": {name: {"get": operation}}}
    )


MAKERS: tuple[Callable[[str], str], ...] = (
    lambda name: pages.problem(taken(name), name),
    lambda name: pages.problem(taken(name, "image/png"), name),
    lambda name: pages.problem(known(name), name),
    lambda name: pages.problem(equivalent(name), name),
    lambda name: pages.problem(clash(name), name),
    lambda name: pages.problem(of_type("bad-name", name), name),
    listing,
    lambda name: pages.drop_box(_path(name), stored=1),
    results,
    history,
    docs,
    lambda name: pages.stored(stored(name, name)),
    lambda name: pages.uploads(ANN, [parked(name)], f"/uploads/?after={name}"),
    lambda name: pages.waiting(parked(name), (StoreAs(_path(name)), Discard())),
)


@pytest.mark.parametrize("make", MAKERS)
def test_no_name_escapes_from_the_text_of_a_page(make: Callable[[str], str]) -> None:
    for name in HOSTILE:
        page = checked(make(name))
        assert name in page.text or name in page.targets


def test_every_type_of_problem_has_a_page_with_what_to_do() -> None:
    index = checked(pages.problem_types())
    for type_ in TYPES.values():
        page = checked(pages.problem_type(type_))
        assert type_.title in page.text
        assert type_.advice in page.text
        assert type_.href in index.targets


def test_each_resolution_is_a_form_that_sends_its_fields_and_no_file() -> None:
    page = checked(pages.problem(taken("budget.txt"), "id"))
    address = "/uploads/" + "u" * 32
    assert page.forms == [
        {"action": "store", "path": "budget.txt (2)"},
        {"action": "replace", "path": "budget.txt", "if_match": stored("budget.txt").etag},
        {"action": "discard"},
    ]
    assert page.targets.count(address) == 3


def test_what_loses_nothing_is_offered_first() -> None:
    html = pages.problem(taken("budget.txt"), "id")
    assert html.index("Store as") < html.index("Replace <bdi>") < html.index("Discard what I sent")


def test_both_files_stand_side_by_side_with_their_differences_marked() -> None:
    sides = Sides(Preview("text", text="a\nb\nd"), Preview("text", text="a\nc\nd"))
    html = pages.problem(taken("budget.txt"), "id", sides)
    page = checked(html)
    assert "Already there" in page.text
    assert "What you sent" in page.text
    assert re.findall(r"<mark>(.*?)</mark>", html) == ["b", "c"]
    assert html.count('class="differs"') == 2  # the sizes; type, folder and date are the same


def test_pictures_are_shown_and_what_can_carry_a_script_is_not() -> None:
    page = checked(pages.problem(taken("sea.png", "image/png"), "id"))
    assert page.targets.count("/files/sea.png") == 3
    assert page.targets.count("/uploads/" + "u" * 32 + "/content") == 3
    html = pages.problem(taken("sea.svg", "image/svg+xml"), "id")
    assert 'src="/files/' not in html
    assert 'src="/uploads/' not in html


def test_a_conflict_without_parked_bytes_says_what_to_do_instead_of_offering_buttons() -> None:
    page = checked(pages.problem(equivalent("budget.txt"), "id"))
    assert page.forms == []
    assert "What to do:" in page.text


def test_the_request_id_is_on_a_problem() -> None:
    assert "4711abc" in checked(pages.problem(of_type("internal", "Oh."), "4711abc")).text


def test_a_listing_links_to_its_next_page_and_turns_its_order() -> None:
    folder = Folder(_path("a"), 3, NOW)
    html = pages.listing(folder, Page((stored("x"),), "c r"), Listing(), ANYBODY, may_create=False)
    page = checked(html)
    assert "/files/a/?sort=name&desc=true&limit=200" in page.targets
    assert "/files/a/?sort=size&desc=false&limit=200" in page.targets
    assert "/files/a/?sort=name&desc=false&limit=200&after=c+r" in page.targets
    assert 'aria-sort="ascending"' in html
    assert page.forms == []


def test_an_empty_folder_says_so_and_offers_to_fill_it() -> None:
    empty = Page((), None)
    page = checked(
        pages.listing(Folder(Path(()), 1, NOW), empty, Listing(), ANYBODY, may_create=True)
    )
    assert "This folder is empty" in page.text
    assert [form["action"] for form in page.forms] == ["/files/"]


def test_a_drop_box_takes_files_and_shows_none() -> None:
    page = checked(pages.drop_box(_path("inbox"), stored=1))
    assert "1 file received" in page.text
    assert page.forms == [{"action": "/files/inbox/"}]
    assert "table" not in page.tags


def test_an_earlier_version_can_be_restored_under_the_current_etag() -> None:
    page = checked(history("budget.txt"))
    assert page.forms == [
        {"action": "/files/budget.txt", "restore": "9", "if_match": stored("budget.txt").etag}
    ]


def test_a_further_page_of_a_history_takes_no_version_for_the_current_one() -> None:
    events = [Event(17, Kind.REPLACED, NOW, "ann", stored("a").version)]
    html = pages.history(_path("a"), events, is_further=True)
    assert checked(html).forms == []
    assert "current" not in html


def test_names_are_isolated_from_the_direction_of_what_stands_around_them() -> None:
    name = "\u062a\u0642\u0631\u064a\u0631.pdf"
    assert f"<bdi>{name}</bdi>" in listing(name)
    assert f"<bdi>{name}</bdi>" in pages.problem(taken(name), "id")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (123_456, "123 kB"),
        (999_999, "1.0 MB"),
        (4 << 30, "4.3 GB"),
        (10**18, "1,000 PB"),
    ],
)
def test_sizes_are_short_and_readable(count: int, text: str) -> None:
    assert wording.size(count) == text


def test_dates_are_in_utc() -> None:
    assert wording.date(0) == "1 Jan 1970, 00:00 UTC"
    assert wording.exact_date(0.5) == "1970-01-01T00:00:00.500+00:00"


@pytest.mark.parametrize(
    ("head", "whole", "text"),
    [
        (b"one\ntwo\n", True, "one\ntwo"),
        (b"one\r\ntwo", True, "one\ntwo"),
        (b"one\ntw", False, "one"),
        ("caf\u00e9".encode()[:-1], False, "caf"),
        ("caf\u00e9".encode()[:-1], True, None),
        (b"\xff\xfe", True, None),
        (b"a\0b", True, None),
        (b"", True, None),
        (b"\x1b[31mred \xe2\x80\xaegnp.exe", True, "\ufffd[31mred \ufffdgnp.exe"),
        (b"x" * 4096, False, "x" * 200),
        (b"l\n" * 2000, False, "\n".join("l" * 30)),
    ],
)
def test_the_first_lines_of_a_text_are_shown_harmless(
    head: bytes,
    whole: bool,  # noqa: FBT001 - a column of the table
    text: str | None,
) -> None:
    expected = NO_PREVIEW if text is None else Preview("text", text=text)
    assert previews.of_text(head, whole=whole) == expected
