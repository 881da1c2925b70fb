"""Requests about whose end a proxy and a server could differ, each with what has to become of it.

In each case one request is visible, and another one, for `/files/hidden-N`, stands where only a wrong
reading finds it. Pure: makes bytes, sends nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import product


class Fate(Enum):
    """`REFUSED`: one answer, then the end. `ONE`: what is hidden is a part of a body, or of nothing.
    `TWO`: it is not hidden at all. Where both of two are safe, both are allowed.
    """

    REFUSED = "refused"
    ONE = "one"
    TWO = "two"
    REFUSED_OR_ONE = "refused or one"
    REFUSED_OR_TWO = "refused or two"
    LAST = "the last of its connection"


REFUSED, ONE, TWO, REFUSED_OR_ONE, REFUSED_OR_TWO, LAST = Fate


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    fate: Fate
    sent: bytes

    def numbered(self, number: int) -> bytes:
        """With its number in each address, so that a log tells the cases apart."""
        return self.sent.replace(b"NUMBER", b"%04d" % number)


HOST = b"Host: localhost\r\n"
HIDDEN = b"GET /files/hidden-NUMBER HTTP/1.1\r\nHost: localhost\r\n\r\n"
LENGTH = len(HIDDEN) - 2  # The number has four digits.
CHUNKED_HIDDEN = b"%x\r\n%b\r\n0\r\n\r\n" % (LENGTH, HIDDEN)


def put(headers: bytes, body: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    return b"PUT /files/seen-NUMBER " + version + b"\r\n" + HOST + headers + b"\r\n" + body


def get(line: bytes, headers: bytes = HOST) -> bytes:
    return line + b"\r\n" + headers + b"\r\n" + HIDDEN


def lengths() -> Iterator[Case]:
    right = b"%d" % LENGTH
    values: dict[bytes, Fate] = {
        right: ONE,
        b"  " + right + b" \t": ONE,
        b"000" + right: ONE,
        b"0": TWO,
        b"+" + right: REFUSED,
        b"-" + right: REFUSED,
        b"-0": REFUSED,
        b"0x" + b"%x" % LENGTH: REFUSED,
        right + b".0": REFUSED,
        right + b"e0": REFUSED,
        right + b";": REFUSED,
        right + b"," + right: REFUSED,
        right + b", 0": REFUSED,
        b"0, " + right: REFUSED,
        right + b" " + right: REFUSED,
        b"5 6": REFUSED,
        right + b"\x0b": REFUSED,
        b"\x0c" + right: REFUSED,
        right + b"\x00": REFUSED,
        right + b"\xa0": REFUSED,
        b"\xd9\xa5\xd9\xa6": REFUSED,
        b"\xef\xbc\x95": REFUSED,
        b"": REFUSED,
        b"  ": REFUSED,
        b'"' + right + b'"': REFUSED,
        b"1_0": REFUSED,
        b"all": REFUSED,
        b"18446744073709551616": REFUSED_OR_ONE,
        b"1" + b"0" * 40: REFUSED_OR_ONE,
    }
    for value, fate in values.items():
        yield Case(f"length {value!r}", fate, put(b"Content-Length: " + value + b"\r\n", HIDDEN))
    doubles = {"the same": right, "none": b"0", "less": b"1", "no number": b"x", "nothing": b""}
    for (what, other), order in product(doubles.items(), (1, -1)):
        two = (b"Content-Length: " + right + b"\r\n", b"Content-Length: " + other + b"\r\n")[
            ::order
        ]
        fate = REFUSED_OR_ONE if what == "the same" else REFUSED
        yield Case(f"two lengths, {what}, {order}", fate, put(b"".join(two), HIDDEN))
    names: dict[bytes, Fate] = {
        b"content-length: ": ONE,
        b"CONTENT-LENGTH:": ONE,
        b"Content-Length : ": REFUSED,
        b"Content-Length\t: ": REFUSED,
        b"Content-Length\x00: ": REFUSED,
        b"Content-Length\x0b: ": REFUSED,
        b"\x0bContent-Length: ": REFUSED,
        b"Content Length: ": REFUSED,
        b"Content-\xe5ength: ": REFUSED,
        b"Content_Length: ": TWO,
        b"X-Content-Length: ": TWO,
        b"Content-Lengt: ": TWO,
        b" Content-Length: ": REFUSED,
        b"\tContent-Length: ": REFUSED,
        b"X: y\r Content-Length: ": REFUSED,
        b"X: y\rContent-Length: ": REFUSED,
        b"X: y\x00\r\nContent-Length: ": REFUSED,
        b"X: y\r\n\tz\r\nContent-Length: ": REFUSED,
        b"X\r\nContent-Length: ": REFUSED,
        b": y\r\nContent-Length: ": REFUSED,
    }
    for name, fate in names.items():
        yield Case(f"length named {name!r}", fate, put(name + right + b"\r\n", HIDDEN))


def encodings() -> Iterator[Case]:
    lines: dict[bytes, Fate] = {
        b"Transfer-Encoding: chunked": ONE,
        b"transfer-encoding:chunked": ONE,
        b"Transfer-Encoding:  \t chunked \t": REFUSED_OR_ONE,
        b"Transfer-Encoding: CHUNKED": ONE,
        b"Transfer-Encoding: xchunked": REFUSED,
        b"Transfer-Encoding: chunkedx": REFUSED,
        b"Transfer-Encoding: chunked1": REFUSED,
        b"Transfer-Encoding: chunk ed": REFUSED,
        b"Transfer-Encoding: identity": REFUSED,
        b"Transfer-Encoding: gzip": REFUSED,
        b"Transfer-Encoding: chunked, identity": REFUSED,
        b"Transfer-Encoding: identity, chunked": REFUSED_OR_ONE,
        b"Transfer-Encoding: gzip, chunked": REFUSED_OR_ONE,
        b"Transfer-Encoding: chunked, gzip": REFUSED,
        b"Transfer-Encoding: chunked, chunked": REFUSED,
        b"Transfer-Encoding: chunked chunked": REFUSED,
        b"Transfer-Encoding: chunked;q=1": REFUSED,
        b"Transfer-Encoding: chunked,": REFUSED_OR_ONE,
        b"Transfer-Encoding: ,chunked": REFUSED_OR_ONE,
        b'Transfer-Encoding: "chunked"': REFUSED,
        b"Transfer-Encoding: 'chunked'": REFUSED,
        b"Transfer-Encoding: \x0bchunked": REFUSED,
        b"Transfer-Encoding: chunked\x0b": REFUSED,
        b"Transfer-Encoding: chunked\x00": REFUSED,
        b"Transfer-Encoding: \xc2\xa0chunked": REFUSED,
        b"Transfer-Encoding: \xe2\x84\xaahunked": REFUSED,
        b"Transfer-Encoding:": REFUSED,
        b"Transfer-Encoding: ": REFUSED,
        b"Transfer-Encoding : chunked": REFUSED,
        b"Transfer-Encoding\t: chunked": REFUSED,
        b"Transfer-Encoding\x00: chunked": REFUSED,
        b" Transfer-Encoding: chunked": REFUSED,
        b"X: y\rTransfer-Encoding: chunked": REFUSED,
        b"X: y\r\n Transfer-Encoding: chunked": REFUSED,
        b"Transfer-Encoding:\r\n chunked": REFUSED,
        b"Transfer-Encoding: chunked\r\n\t, identity": REFUSED,
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity": REFUSED,
        b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked": REFUSED_OR_ONE,
        b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked": REFUSED_OR_ONE,
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked": REFUSED,
        b"Transfer_Encoding: chunked": TWO,
        b"TE: chunked": TWO,
    }
    for line, fate in lines.items():
        head = line + b"\r\n"
        # What is not read as chunks is a request without a body, and the chunks are no request.
        alone = REFUSED if fate is TWO else fate
        yield Case(f"encoding {line!r}", alone, put(head, CHUNKED_HIDDEN))
        both = ONE if fate is TWO else REFUSED
        declared = b"Content-Length: %d\r\n" % LENGTH
        yield Case(f"length, then {line!r}", both, put(declared + head, HIDDEN))
        if fate is not TWO:
            yield Case(
                f"{line!r}, then length 0", both, put(head + b"Content-Length: 0\r\n", HIDDEN)
            )
    old = put(b"Transfer-Encoding: chunked\r\n", CHUNKED_HIDDEN, b"HTTP/1.0")
    yield Case("chunks in HTTP/1.0", REFUSED, old)
    kept = put(
        b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n", CHUNKED_HIDDEN, b"HTTP/1.0"
    )
    yield Case("chunks in HTTP/1.0 that wants to go on", REFUSED, kept)


def chunks() -> Iterator[Case]:
    size = b"%x" % LENGTH
    data = b"\r\n" + HIDDEN + b"\r\n0\r\n\r\n"
    sizes: dict[bytes, Fate] = {
        size: ONE,
        size.upper(): ONE,
        b"0000" + size: ONE,
        size + b";ext": ONE,
        size + b";ext=value": ONE,
        size + b';ext="quoted"': ONE,
        b"0x" + size: REFUSED,
        b"+" + size: REFUSED,
        b"-" + size: REFUSED,
        b"-0": REFUSED,
        b"": REFUSED,
        b";ext": REFUSED,
        b"g": REFUSED,
        b" " + size: REFUSED,
        size + b" ": REFUSED_OR_ONE,
        size + b"\t": REFUSED_OR_ONE,
        size + b" " + size: REFUSED,
        size + b"_0": REFUSED,
        size + b".0": REFUSED,
        size + b"\x00": REFUSED,
        size + b"\x0b": REFUSED,
        size + b";\x00": REFUSED_OR_ONE,
        size + b";a\nb": REFUSED,
        size + b";a\n0\r\n\r\n": REFUSED,
        size + b";a\rb": REFUSED_OR_ONE,
        b"\xd9\xa5": REFUSED,
        b"\xef\xbc\x95": REFUSED,
        b"1" + b"0" * 15 + size: REFUSED_OR_ONE,
        b"1" + b"0" * 16 + size: REFUSED_OR_ONE,
        b"f" * 16: REFUSED_OR_ONE,
        b"f" * 17: REFUSED_OR_ONE,
        b"8" + b"0" * 15: REFUSED_OR_ONE,
    }
    for one, fate in sizes.items():
        sent = put(b"Transfer-Encoding: chunked\r\n", one + data)
        yield Case(f"chunk of size {one!r}", fate, sent)
    shapes: dict[str, tuple[bytes, Fate]] = {
        "size ends with a line feed": (size + b"\n" + HIDDEN + b"\r\n0\r\n\r\n", REFUSED),
        "size ends with a return": (size + b"\r" + HIDDEN + b"\r\n0\r\n\r\n", REFUSED),
        "data end with a line feed": (size + b"\r\n" + HIDDEN + b"\n0\r\n\r\n", REFUSED),
        "data end with nothing": (size + b"\r\n" + HIDDEN + b"0\r\n\r\n", REFUSED),
        "data end with two other bytes": (size + b"\r\n" + HIDDEN + b"xy0\r\n\r\n", REFUSED),
        "more data than said": (b"1" + data, REFUSED),
        "the last chunk has line feeds": (size + b"\r\n" + HIDDEN + b"\r\n0\n\n", REFUSED),
        "the last chunk has many zeros": (size + b"\r\n" + HIDDEN + b"\r\n0000\r\n\r\n", ONE),
        "the last chunk has an extension": (size + b"\r\n" + HIDDEN + b"\r\n0;a=b\r\n\r\n", ONE),
        "two empty lines before the size": (b"\r\n\r\n" + size + data, REFUSED),
        "no chunk at all": (b"\r\n", REFUSED),
        "an empty body, then more": (b"0\r\n\r\n" + HIDDEN, TWO),
        "a trailer": (b"0\r\nX: y\r\n\r\n", ONE),
        "a trailer that is a request": (b"0\r\n" + HIDDEN, REFUSED),
        "a length as trailer": (
            b"0\r\nContent-Length: %d\r\n\r\n" % LENGTH + HIDDEN,
            REFUSED_OR_TWO,
        ),
        "an encoding as trailer": (
            b"0\r\nTransfer-Encoding: chunked\r\n\r\n" + HIDDEN,
            REFUSED_OR_TWO,
        ),
        "a trailer with a line feed": (b"0\r\nX: y\n\n" + HIDDEN, REFUSED),
        "a trailer without a colon": (b"0\r\nX\r\n\r\n" + HIDDEN, REFUSED),
        "a folded trailer": (b"0\r\nX: y\r\n z\r\n\r\n" + HIDDEN, REFUSED),
        "a trailer with a space before its colon": (b"0\r\nX : y\r\n\r\n" + HIDDEN, REFUSED),
        "a trailer with a return": (b"0\r\nX: y\rZ: z\r\n\r\n" + HIDDEN, REFUSED),
        "many trailers": (b"0\r\n" + b"X: y\r\n" * 500 + b"\r\n" + HIDDEN, REFUSED),
        "a long trailer": (b"0\r\nX: " + b"y" * 20_000 + b"\r\n\r\n" + HIDDEN, REFUSED),
    }
    for name, (body, fate) in shapes.items():
        yield Case(name, fate, put(b"Transfer-Encoding: chunked\r\n", body))


def lines() -> Iterator[Case]:
    seen = b"/files/seen-NUMBER"
    good = {
        "as it should be": b"GET " + seen + b" HTTP/1.1",
        "an empty line before it": b"\r\nGET " + seen + b" HTTP/1.1",
        "with the host in it": b"GET http://localhost" + seen + b" HTTP/1.1",
    }
    for name, line in good.items():
        yield Case(f"a request line {name}", TWO, get(line))
    bad: dict[str, bytes] = {
        "with two spaces": b"GET  " + seen + b" HTTP/1.1",
        "with a tab": b"GET\t" + seen + b" HTTP/1.1",
        "with a vertical tab": b"GET\x0b" + seen + b" HTTP/1.1",
        "with a space before it": b" GET " + seen + b" HTTP/1.1",
        "with more behind it": b"GET " + seen + b" HTTP/1.1 x",
        "with a second address": b"GET " + seen + b" /other HTTP/1.1",
        "in lower case": b"get " + seen + b" HTTP/1.1",
        "with a method in quotes": b'"GET" ' + seen + b" HTTP/1.1",
        "without a version": b"GET " + seen,
        "without an address": b"GET HTTP/1.1",
        "of one word": b"GET",
        "with NUL in it": b"GET " + seen + b"\x00 HTTP/1.1",
        "with a return in it": b"GET " + seen + b"\r HTTP/1.1",
        "with DEL in it": b"GET " + seen + b"\x7f HTTP/1.1",
        "with a raw byte": b"GET " + seen + b"\xff HTTP/1.1",
        "of HTTP/2": b"GET " + seen + b" HTTP/2.0",
        "of HTTP/1.10": b"GET " + seen + b" HTTP/1.10",
        "of HTTP/01.1": b"GET " + seen + b" HTTP/01.1",
        "of HTTP/1": b"GET " + seen + b" HTTP/1",
        "of HTTP/1,1": b"GET " + seen + b" HTTP/1,1",
        "of http/1.1": b"GET " + seen + b" http/1.1",
        "of another protocol": b"GET " + seen + b" ICAP/1.0",
        "with a version in other digits": b"GET " + seen + b" HTTP/\xd9\xa1.1",
        "with a relative address": b"GET files/seen-NUMBER HTTP/1.1",
        "to a tunnel": b"CONNECT localhost:1 HTTP/1.1",
    }
    # Odd, but nobody can differ about where they end.
    odd = {"with two spaces", "in lower case", "with a raw byte", "to a tunnel"}
    for name, line in bad.items():
        fate = REFUSED_OR_TWO if name in odd else REFUSED
        yield Case(f"a request line {name}", fate, get(line))


def heads() -> Iterator[Case]:
    line = b"GET /files/seen-NUMBER HTTP/1.1"
    refused: dict[str, bytes] = {
        "no host": b"X: y\r\n",
        "two hosts": HOST + HOST,
        "another host first": b"Host: other\r\n" + HOST,
        "an empty host": b"Host:\r\n",
        "a host with a path": b"Host: localhost/x\r\n",
        "a host with a user": b"Host: other@localhost\r\n",
        "two hosts in one": b"Host: localhost, other\r\n",
        "a host with a space": b"Host: local host\r\n",
        "a space before the colon of the host": b"Host : localhost\r\n",
        "a folded host": b"Host: localhost\r\n other\r\n",
        "a fold before anything": b" X: y\r\n" + HOST,
        "a name in brackets": HOST + b"X(y): z\r\n",
        "a name with a comma": HOST + b"X,Y: z\r\n",
        "a name with a slash": HOST + b"X/Y: z\r\n",
        "a name with quotes": HOST + b'"X": z\r\n',
        "a name with an at": HOST + b"X@Y: z\r\n",
        "NUL in a value": HOST + b"X: \x00y\r\n",
        "a bell in a value": HOST + b"X: \x07y\r\n",
        "DEL in a value": HOST + b"X: \x7fy\r\n",
        "a return in a value": HOST + b"X: y\rz\r\n",
        "a doubled return": HOST + b"X: y\r\r\n",
        "no colon": HOST + b"X\r\n",
        "no name": HOST + b": y\r\n",
        "two expectations": HOST + b"Expect: 100-continue\r\nExpect: x\r\n",
    }
    # Each is answered with a refusal; bytes in a value that nobody reads hide no request.
    loose = {"NUL in a value", "a bell in a value", "DEL in a value", "two expectations"}
    loose |= {"an empty host", "a host with a path", "a host with a user", "two hosts in one"}
    loose |= {"a host with a space"}
    for name, head in refused.items():
        yield Case(
            f"a head with {name}", REFUSED_OR_TWO if name in loose else REFUSED, get(line, head)
        )
    feeds = (line + b"\r\n" + HOST).replace(b"\r\n", b"\n") + b"\n" + HIDDEN
    yield Case("a head that ends its lines with line feeds", REFUSED, feeds)
    yield Case("a head that ends with a line feed", REFUSED, line + b"\r\n" + HOST + b"\n" + HIDDEN)


def bodies() -> Iterator[Case]:
    declared = HOST + b"Content-Length: %d\r\n" % LENGTH
    for method in (b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"POST", b"PUT", b"PATCH", b"QUERY"):
        for where in (b"/files/seen-NUMBER", b"/nowhere-NUMBER", b"/metrics?NUMBER"):
            sent = method + b" " + where + b" HTTP/1.1\r\n" + declared + b"\r\n" + HIDDEN
            yield Case(f"{method!r} of {where!r} with a body", ONE, sent)
    early = {
        "a condition": b'If-Match: "0-0"\r\n',
        "an unreadable condition": b"If-Match: x\r\n",
        "a wrong password": b"Authorization: Basic eDp5\r\n",
        "another site": b"Sec-Fetch-Site: cross-site\r\n",
        "another host": b"",
        "an encoding": b"Content-Encoding: gzip\r\n",
        "a range": b"Content-Range: bytes 0-1/2\r\n",
        "an expectation": b"Expect: x\r\n",
        "a hop": b"Connection: content-length\r\n",
        "an upgrade": b"Connection: upgrade\r\nUpgrade: h2c\r\n",
    }
    for name, head in early.items():
        host = b"Host: other\r\n" if name == "another host" else HOST
        length = b"Content-Length: %d\r\n" % LENGTH
        sent = b"PUT /files/seen-NUMBER HTTP/1.1\r\n" + host + length + head + b"\r\n" + HIDDEN
        fate = LAST if name == "an upgrade" else REFUSED_OR_ONE
        yield Case(f"a body behind {name}", fate, sent)


CASES = (*lengths(), *encodings(), *chunks(), *lines(), *heads(), *bodies())
