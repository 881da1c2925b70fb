"""Requests and forms made of hostile pieces, and of enough sane ones to get through."""

import base64
import json
import re
from typing import TypeVar
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

NOT_IN_A_LINE = re.compile(rb"[\x00-\x20\x7f-\xff]")
NOT_IN_A_HEADER = re.compile(rb"[\r\n\0]")
NO_FIELDS: list[tuple[str, bytes | str]] = []
NO_HEADERS: list[tuple[bytes, bytes]] = []
NO_LINES: list[bytes] = []

# fmt: off
ODD_NAMES = st.sampled_from([
    b"..", b".", b"", b"e\xcc\x81", b"con", b"a:b", b"a ", b"a.", b"%", b"%2e%2e", b"%252e", b"~",
    b"\\", b"\0", b"\xff", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\r\n", b"x" * 255, b"x" * 256, b"*",
    b"nul.txt", b".accounts.json",
])
FIELD_WORDS = [
    "version", "versions", "restore", "move", "copy", "recursive", "after", "before", "limit",
    "sort", "desc", "stored", "same_name", "same-file", "same_content", "action", "path",
    "folder", "if_match", "x",
]
OTHERS = st.sampled_from([
    b"/", b"*", b"//", b"/files/../x", b"/metrics", b"/openapi.json", b"/docs", b"/browse/a",
    b"/static/%2e%2e/a", b"/problems/%00", b"http://localhost/files/a", b"http://localhost",
    b"http://[::1/files/a", b"/files/a#b", b"/health/ready", b"/files/%zz", b"/files/%2F",
    b"localhost:1",
])
METHODS = st.sampled_from(
    [b"GET", b"PUT", b"POST"] * 6 + [b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"TRACE", b"PROPFIND"]
)
ODD_LINES = st.sampled_from([
    b"Content-Type: \xff", b"Content-Type: multipart/mixed; boundary=a", b"x", b": y", b"",
    b"Content-Transfer-Encoding: base64", b"Content-Encoding: gzip", b"a" * 20000,
    b"Content-Disposition: form-data; name=file; filename*=UTF-8''a", b"Content-Length: 9",
])
# fmt: on
T = TypeVar("T")


def mostly(sane: SearchStrategy[T], odd: SearchStrategy[T]) -> SearchStrategy[T]:
    return st.integers(0, 11).flatmap(lambda drawn: odd if drawn == 1 else sane)


SANE_NAMES = st.sampled_from(
    [b"a", b"A", b"b", b"c", b"d", b"e", b"f.txt", b"\xc3\xa9", b"exact", b"EXACT"]
)
ANY_NAMES = st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace"))
# Mostly what gets through, so that there is something to collide with.
NAMES = mostly(SANE_NAMES, st.one_of(ODD_NAMES, ANY_NAMES))
PATHS = st.lists(NAMES, min_size=1, max_size=2).map(b"/".join)
NUMBERS = st.one_of(
    st.integers(0, 30).map(str),
    st.sampled_from(["-1", "", "999999999999999999", "9223372036854775807", "٣", "1e3", "0x1"]),
)
CURSORS = st.lists(
    st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=3), st.just("name")),
    max_size=6,
).map(lambda told: base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("="))
VALUES = st.one_of(NUMBERS, CURSORS, PATHS, st.text(max_size=5), st.sampled_from(["true", "*"]))
FIELDS = st.tuples(st.sampled_from(FIELD_WORDS), VALUES)


def quoted(value: bytes | str) -> str:
    raw = value if isinstance(value, bytes) else value.encode("utf-8", "replace")
    return quote_from_bytes(raw, safe="/%")


QUERIES = st.one_of(st.just(NO_FIELDS), st.lists(FIELDS, max_size=2)).map(
    lambda fields: "&".join(f"{name}={quoted(value)}" for name, value in fields).encode()
)
TREE = st.tuples(st.sampled_from([b"/files/"] * 12 + [b"/files", b"/uploads/"]), PATHS).map(
    lambda parts: parts[0] + quoted(parts[1]).encode()
)
ODD_ADDRESSES = st.binary(max_size=9).map(lambda raw: b"/" + raw)
ADDRESSES = mostly(TREE, st.one_of(OTHERS, ODD_ADDRESSES))
TARGETS = st.builds(
    lambda address, query: NOT_IN_A_LINE.sub(b"_", address) + (b"?" + query if query else b""),
    ADDRESSES,
    QUERIES,
)
TAGS = ['"1-folder"', '"3-0011223344556677"', 'W/"x"', "*", '"', '"a", "b"', "", ",", '"é"']
LINES: dict[str, list[str]] = {
    "If-Match": TAGS,
    "If-None-Match": TAGS,
    "If-Range": [*TAGS, "Fri, 20 Nov 2026 10:00:00 GMT"],
    "Range": ["bytes=0-", "bytes=-1", "bytes=1-0", "bytes=0-0,2-2", "bytes=" + "9" * 5000, "x=1-2"],
    "If-Modified-Since": ["Fri, 20 Nov 2026 10:00:00 GMT", "Fri, 99 Nov 0000 10:00:00 GMT", "x"],
    "If-Unmodified-Since": ["Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"],
    "Prefer": ["same-file=accept", "same-name=version", "same-name=rename", 'same-content="link"'],
    "Content-Type": ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain", ";"],
    "Repr-Digest": ["sha-256=:AA==:", "sha-512=::", "md5=:AA==:", ",", "sha-256"],
    "Content-Digest": ["sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"],
    "Content-MD5": ["1B2M2Y8AsgTpgAmY7PhCfg==", "x"],
    "Want-Repr-Digest": ["sha-256=10"],
    "Accept": ["text/html", "text/plain", "application/json", "*/*;q=0", "text/html;q=x"],
    "Authorization": ["Basic", "Basic Og==", "Bearer token", "Bearer", "Digest x"],
    "Origin": ["null", "http://localhost", "http://evil.example"],
    "Sec-Fetch-Site": ["same-origin", "cross-site"],
    "Expect": ["100-continue", "x"],
    "Slug": ["a.txt", "%2e%2e", "..", "a/b", "%zz", "x" * 300],
    "Content-Disposition": ['a; filename="b"', "a; filename*=UTF-8''%ff", "a; filename", ";"],
    "Content-Encoding": ["gzip", "identity"],
    "Content-Range": ["bytes 0-0/1"],
    "Transfer-Encoding": ["chunked", "gzip"],
    "X-Forwarded-For": ["127.0.0.1, x"],
}
ODD_VALUES = st.binary(max_size=12).map(lambda raw: NOT_IN_A_HEADER.sub(b"", raw))
SOME_HEADERS = st.lists(
    st.sampled_from(sorted(LINES)).flatmap(
        lambda name: st.tuples(
            st.just(name.encode()),
            mostly(st.sampled_from(LINES[name]).map(str.encode), ODD_VALUES),
        )
    ),
    max_size=2,
)
HEADERS = st.one_of(st.just(NO_HEADERS), SOME_HEADERS)
BODIES = st.one_of(st.binary(max_size=20), st.sampled_from([b"a", b"b" * 3000]), QUERIES)


def request(method: bytes, address: bytes, lines: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    head = [method + b" " + address + b" HTTP/1.1", b"Host: localhost", b"Connection: close"]
    if b"Transfer-Encoding" not in dict(lines):
        head.append(b"Content-Length: %d" % len(body))
    head += [name + b": " + value for name, value in lines]
    return b"\r\n".join([*head, b"", body])


REQUESTS = st.builds(request, METHODS, TARGETS, HEADERS, BODIES)
FIELD_NAMES = st.sampled_from(
    [b"file"] * 6 + [b"folder", b"same_name", b"same_content", b"if_match", b"", b'"', b"\xff"]
)
DISPOSITIONS = st.builds(
    lambda name, filename: (
        b'Content-Disposition: form-data; name="%s"' % name
        + (b"" if filename is None else b'; filename="%s"' % filename)
    ),
    FIELD_NAMES,
    mostly(PATHS, st.none()),
)
PARTS = st.builds(
    lambda first, more, body, end: b"\r\n".join([b"--B", first, *more, b"", body]) + end,
    mostly(DISPOSITIONS, ODD_LINES),
    mostly(st.just(NO_LINES), st.lists(ODD_LINES, max_size=2)),
    st.one_of(BODIES, PATHS),
    st.sampled_from([b"\r\n"] * 16 + [b"", b"\n", b"--"]),
)
ENDS = st.sampled_from([b"--B--\r\n"] * 12 + [b"--B--", b"", b"--B", b"--B--\r\nafter"])
BOUNDARIES = st.sampled_from([b"B"] * 12 + [b'"B"', b"", b"C"])
