"""File names in headers: what goes out breaks out of nothing, what comes in is changed in nothing."""

import re
from urllib.parse import quote, unquote

import pytest
from aiohttp.multipart import parse_content_disposition
from hypothesis import given
from hypothesis import strategies as st

from handlers.headers.dispositions import for_download, posted_name
from uploads.names import BadName

HEADERS = st.binary(max_size=60).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
NAMELIKE = st.text(alphabet="filename*=utf-8'\"\\;% 2fé", max_size=50)
GOOD_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1)
ANSWER = re.compile(
    r"(inline|attachment); filename=\"[ -!#-\[\]-~]*\"; filename\*=UTF-8''([!#$&+.^_`|~0-9A-Za-z%-]*)"
)


@given(name=GOOD_TEXT, inline=st.booleans())
def test_a_name_goes_out_whole_and_breaks_out_of_nothing(name: str, *, inline: bool) -> None:
    header = for_download(name, inline=inline)
    match = ANSWER.fullmatch(header)
    assert match
    assert match[1] == ("inline" if inline else "attachment")
    assert unquote(match[2], errors="strict") == name
    kind, parameters = parse_content_disposition(header)
    assert kind == match[1]
    assert parameters["filename*"] == name


def test_the_plain_form_is_what_the_name_looks_like() -> None:
    assert for_download("a b.txt", inline=False) == (
        "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt"
    )
    assert for_download('naïve"\\%41\r\n;.txt', inline=True).startswith(
        'inline; filename="na_ve___41___.txt"; '
    )


# fmt: off
POSTED: list[tuple[str | None, str | None, str | None]] = [
    (None, None, None), ("", None, None), (None, "attachment", None), (None, "", None),
    ("a.txt", None, "a.txt"), ("The%20Beach%20at%20S%C3%A8te", None, "The Beach at Sète"), ("a b", None, "a b"), ("é", None, "é"),
    (None, 'attachment; filename="a.txt"', "a.txt"), (None, "attachment; filename=a.txt", "a.txt"), (None, 'ATTACHMENT; FILENAME = "a.txt"', "a.txt"),
    (None, 'attachment; filename="a;b;c.txt"', "a;b;c.txt"), (None, 'attachment; filename="a\\"b\\\\c"', 'a"b\\c'), (None, 'attachment; filename="C:\\new.txt"', "C:\\new.txt"),
    (None, 'attachment; filename="%41.txt"', "%41.txt"), (None, 'attachment; filename="é漢.txt"', "é漢.txt"), (None, 'attachment; filename="\udcff.txt"', "\udcff.txt"),
    (None, "inline; filename=\"a.txt\"; filename*=UTF-8''%e2%82%ac.txt", "€.txt"), (None, "inline; filename*=utf-8'en'%e2%82%ac.txt; filename=a.txt", "€.txt"),
    (None, "inline; filename*=iso-8859-1''%A3.txt; filename=a.txt", "a.txt"), (None, 'inline; filename="x; filename*=utf-8\'\'evil"', "x; filename*=utf-8''evil"),
    (None, 'inline; name="x; filename=evil"; filename=good', "good"), (None, 'attachment; filename=""', ""), ("slug", "attachment; filename=named", "named"), ("slug", "attachment", "slug"),
]
# fmt: on


@pytest.mark.parametrize(("slug", "disposition", "name"), POSTED)
def test_the_name_of_a_posted_file_is_read_as_it_was_meant(
    slug: str | None, disposition: str | None, name: str | None
) -> None:
    assert posted_name(slug, disposition) == name


@pytest.mark.parametrize("text", ["100%", "%zz", "%ff", "a%2fb", "\udcff"])
def test_a_name_whose_encoding_is_broken_is_refused(text: str) -> None:
    with pytest.raises(BadName):
        posted_name(text, None)
    with pytest.raises(BadName):
        posted_name(None, f"attachment; filename*=UTF-8''{text}")


@given(st.none() | HEADERS | NAMELIKE, st.none() | HEADERS | NAMELIKE | NAMELIKE.map("a;".__add__))
def test_any_headers_have_a_name_or_none_or_a_bad_one(
    slug: str | None, disposition: str | None
) -> None:
    try:
        posted_name(slug, disposition)
    except BadName as bad:
        bad.message.encode()


@given(GOOD_TEXT.filter(lambda text: "/" not in text))
def test_what_we_send_we_would_read(name: str) -> None:
    assert posted_name(None, for_download(name, inline=False)) == name
    assert posted_name(quote(name, safe=""), None) == name
