"""XML of strangers: whatever comes is read or refused, and what is kept means the same again."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from handlers.webdav import xml
from handlers.webdav.xml import Element, Name
from uploads.failures import MalformedRequest

LOCAL = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,8}", fullmatch=True)
NAMESPACE = st.sampled_from(["", "DAV:", "urn:x", "http://a/?b&c=<d>\"'", "urn:ü"])
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff").filter(
        lambda one: xml.NO_CHARACTER.match(one) is None
    ),
    max_size=20,
)
NAMES = st.tuples(NAMESPACE, LOCAL)


def joined(content: list[Element | str]) -> list[Element | str]:
    """Text next to text is one text, and none is nothing."""
    found: list[Element | str] = []
    for one in content:
        if isinstance(one, str) and found and isinstance(found[-1], str):
            found[-1] += one
        elif one != "":
            found.append(one)
    return found


ELEMENTS = st.recursive(
    st.builds(Element, NAMES, st.dictionaries(NAMES, TEXT, max_size=3), st.just([])),
    lambda inner: st.builds(
        Element,
        NAMES,
        st.dictionaries(NAMES, TEXT, max_size=2),
        st.lists(inner | TEXT, max_size=4).map(joined),
    ),
    max_leaves=10,
)


@given(ELEMENTS)
def test_what_is_written_is_read_again_as_the_same(element: Element) -> None:
    again = xml.parse(element.written().encode())
    assert again == element
    around = xml.parse(f'<D:x xmlns:D="DAV:" xmlns="urn:other">{element.written()}</D:x>'.encode())
    assert list(around.children()) == [element]


@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore"))
)
def test_whatever_comes_is_an_element_or_refused_in_words(data: bytes) -> None:
    with contextlib.suppress(MalformedRequest):
        assert xml.parse(data).name


@given(NAMES)
def test_a_name_alone_is_written_as_that_name(name: Name) -> None:
    text = f'<D:x xmlns:D="DAV:">{xml.empty(name)}{xml.element(name, "y")}</D:x>'
    assert [one.name for one in xml.parse(text.encode()).children()] == [name, name]


def test_what_no_document_can_hold_is_shown_as_unknown() -> None:
    assert xml.escape("a\x00b<&>\r") == "a\ufffdb&lt;&amp;&gt;&#13;"


def test_the_language_around_an_element_is_a_part_of_it() -> None:
    element = xml.parse(b"<a xml:lang='de'>x</a>")
    assert 'xml:lang="de"' in element.written("en")
    assert 'xml:lang="en"' in xml.parse(b"<a>x</a>").written("en")
