"""XML of strangers -> elements, bounded; and text that is XML again. Knows no HTTP.

Read by expat itself: with every document type refused there are no entities to expand or to fetch,
which is what defusedxml would add, and depth and number are bounded here as it does not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape as escaped_text

from uploads.failures import MalformedRequest

DAV: Final = "DAV:"
XML: Final = "http://www.w3.org/XML/1998/namespace"
HEAD: Final = '<?xml version="1.0" encoding="utf-8"?>\n'
DEEPEST, MOST_ELEMENTS = 50, 5000
# A name may be repeated wherever its namespace changes.
LONGEST_NAME = 1000
SEPARATOR = "\n"
# XML 1.0 section 2.2: what cannot stand in a document, not even escaped.
NO_CHARACTER: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
SPECIAL: Final = re.compile(f"[&<>\r]|{NO_CHARACTER.pattern}")
QUOTED: Final = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}

Name = tuple[str, str]


@dataclass(slots=True)
class Element:
    """`name`: namespace and local name. `content`: text and elements in their order."""

    name: Name
    attributes: dict[Name, str] = field(default_factory=dict)
    content: "list[Element | str]" = field(default_factory=list)

    def children(self) -> "Iterator[Element]":
        return (one for one in self.content if isinstance(one, Element))

    def child(self, local: str) -> "Element | None":
        """The first one of that name in the namespace of WebDAV."""
        return next((one for one in self.children() if one.name == (DAV, local)), None)

    @property
    def text(self) -> str:
        return "".join(one for one in self.content if isinstance(one, str))

    @property
    def inner(self) -> str:
        """What is in it, wherever that is put."""
        return "".join(_written(one, None) for one in self.content)

    def written(self, language: str | None = None) -> str:
        """The element as a text that stands for itself, wherever it is put.

        `language`: what `xml:lang` above it said, which is a part of its meaning (RFC 4918, 4.3).
        """
        if language is not None and (XML, "lang") not in self.attributes:
            told = Element(self.name, {**self.attributes, (XML, "lang"): language}, self.content)
            return _written(told, None)
        return _written(self, None)


def parse(data: bytes) -> Element:
    """:raises MalformedRequest: not well-formed, with a document type, too deep or too large."""
    building = _Building()
    parser = expat.ParserCreate(namespace_separator=SEPARATOR)
    parser.buffer_text = True
    parser.StartElementHandler = building.start
    parser.EndElementHandler = building.end
    parser.CharacterDataHandler = building.text
    parser.StartDoctypeDeclHandler = building.refuse_doctype
    try:
        parser.Parse(data, True)  # noqa: FBT003 - takes no names
    except expat.ExpatError as error:
        raise MalformedRequest(
            f"The body is no well-formed XML: {expat.errors.messages[error.code]}"
            f" in line {error.lineno}."
        ) from None
    except (LookupError, ValueError):
        raise MalformedRequest("The encoding of the XML is not read here. Use UTF-8.") from None
    if building.root is None:
        raise MalformedRequest("The body is no XML.")
    return building.root


class _Building:
    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MOST_ELEMENTS or len(self._open) >= DEEPEST:
            raise MalformedRequest(
                f"The XML holds more than {MOST_ELEMENTS:,} elements, or more than {DEEPEST} in"
                " one another."
            )
        if any(len(one) > LONGEST_NAME for one in (name, *attributes)):
            raise MalformedRequest(
                f"A name in the XML, or its namespace, is longer than {LONGEST_NAME:,} characters."
            )
        named = {_name(one): value for one, value in attributes.items()}
        element = Element(_name(name), named)
        if self._open:
            self._open[-1].content.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, name: str) -> None:  # noqa: ARG002 - expat has seen that they fit
        self._open.pop()

    def text(self, data: str) -> None:
        self._open[-1].content.append(data)

    def refuse_doctype(self, *declared: object) -> None:  # noqa: ARG002
        raise MalformedRequest("XML with a document type is not read. Leave <!DOCTYPE> out.")


def _name(text: str) -> Name:
    namespace, _, local = text.rpartition(SEPARATOR)
    return namespace, local


def escape(text: str) -> str:
    if SPECIAL.search(text) is None:
        return text
    return escaped_text(NO_CHARACTER.sub("\ufffd", text), {"\r": "&#13;"})


def quoted(text: str) -> str:
    harmless = NO_CHARACTER.sub("\ufffd", text)
    return f'"{escaped_text(harmless, QUOTED)}"'


def empty(name: Name) -> str:
    """An element of which only the name is known."""
    namespace, local = name
    return f"<D:{local}/>" if namespace == DAV else f"<{local} xmlns={quoted(namespace)}/>"


def element(name: Name, inner: str) -> str:
    namespace, local = name
    if namespace == DAV:
        return f"<D:{local}>{inner}</D:{local}>"
    return f"<{local} xmlns={quoted(namespace)}>{inner}</{local}>"


def _written(one: Element | str, around: str | None) -> str:
    """With a default namespace wherever that changes, so that no prefix is needed for elements."""
    if isinstance(one, str):
        return escape(one)
    namespace, local = one.name
    told = "" if namespace == around else f" xmlns={quoted(namespace)}"
    for number, ((space, name), value) in enumerate(one.attributes.items()):
        if space == XML:
            told += f" xml:{name}={quoted(value)}"
        elif space:
            told += f" xmlns:a{number}={quoted(space)} a{number}:{name}={quoted(value)}"
        else:
            told += f" {name}={quoted(value)}"
    inner = "".join(_written(below, namespace) for below in one.content)
    return f"<{local}{told}>{inner}</{local}>" if inner else f"<{local}{told}/>"
