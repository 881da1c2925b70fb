"""Who gets a page, and who gets JSON."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.headers.negotiation import prefers, wants_html

# fmt: off
ACCEPTS = [
    ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", True),
    ("text/html", True), ("TEXT/HTML", True), ("text/html;level=1", True), ("text/html, application/json", True), ("text/html;q=0.9, application/json;q=0.8", True), ("text/html;q=0.001", True),
    (None, False), ("", False), ("*/*", False), ("text/*", False), ("application/json", False), ("application/json, text/html;q=0.9", False), ("text/html;q=0.5, */*", False),
    ("text/html;q=0.5, application/*;q=0.6", False), ("text/html;q=0", False), ("text/html;q=2", False), ("text/html;q=nan", False), ("text/html;q=-1", False), ("text/html;q=", False),
    ("application/problem+json, text/html;q=0.9", False), ('text/plain;x=", text/html"', False), ("text/htmlx", False),
]
PREFERRED = [
    (None, "a/json"), ("", "a/json"), ("*/*", "a/json"), ("text/plain", "text/plain"), ("text/*", "text/plain"), ("a/json, text/plain", "a/json"), ("a/json;q=0.5, text/plain", "text/plain"),
    ("text/plain;q=0, */*", "a/json"), ("*/*;q=0.1, text/plain", "text/plain"), ("image/png", "a/json"), ("a/json;q=0, */*;q=0.1", "text/plain"),
]
# fmt: on


@pytest.mark.parametrize(("accept", "html"), ACCEPTS)
def test_a_page_goes_only_to_who_names_it_at_least_as_high_as_json(
    accept: str | None, *, html: bool
) -> None:
    assert wants_html(accept) is html


@pytest.mark.parametrize(("accept", "form"), PREFERRED)
def test_the_greatest_weight_wins_and_the_first_of_equals(accept: str | None, form: str) -> None:
    assert prefers(accept, ("a/json", "text/plain")) == form


@given(st.text() | st.text(alphabet='text/hml*;q=0.19, "\\'))
def test_any_accept_gets_one_of_the_forms(accept: str) -> None:
    assert wants_html(accept) in {True, False}
    assert prefers(accept, ("a/json", "text/plain")) in {"a/json", "text/plain"}
