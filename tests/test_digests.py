"""Digests in headers (RFC 9530): what is declared is read exactly, or refused."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.headers import digests
from handlers.headers.digests import MalformedDigest

BYTES = b'{"hello": "world"}\n'
SHA_256, SHA_512 = hashlib.sha256(BYTES).digest(), hashlib.sha512(BYTES).digest()
MD5 = hashlib.md5(BYTES, usedforsecurity=False).digest()
HEADERS = st.binary(max_size=60).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
DIGESTLIKE = st.text(alphabet="sha-256=:;,AQ\xe9\udcff ", max_size=40)


def member(algorithm: str, value: bytes) -> str:
    return f"{algorithm}=:{base64.b64encode(value).decode()}:"


def test_the_examples_of_the_standard_are_read() -> None:
    example = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    assert digests.declared([example], [], []) == {"sha-256": SHA_256}
    assert digests.declared([], [example], []) == {"sha-256": SHA_256}


def test_several_digests_on_several_lines_are_read_together() -> None:
    both = [member("sha-512", SHA_512), member("sha-256", SHA_256) + ";x=1"]
    found = digests.declared(both, [", ".join(both)], [base64.b64encode(MD5).decode()])
    assert found == {"sha-256": SHA_256, "sha-512": SHA_512, "md5": MD5}
    assert digests.declared([], [], []) == {}


def test_an_unknown_algorithm_beside_a_known_one_is_passed_over() -> None:
    line = f"{member('sha-256', SHA_256)}, {member('unixsum', b'12')}"
    assert digests.declared([line], [], []) == {"sha-256": SHA_256}


def test_an_unknown_algorithm_alone_is_refused_by_its_name() -> None:
    with pytest.raises(MalformedDigest, match="crc32c"):
        digests.declared([member("crc32c", b"1234")], [], [])


# fmt: off
MALFORMED = [
    "", ",", "sha-256", "sha-256=", "sha-256=abc", "sha-256=::", "sha-256=:!!:", "sha-256=:é:", member("SHA-256", SHA_256), member("sha-256", SHA_256[:31]),
    member("sha-256", SHA_256 + b"x"), member("sha-512", SHA_256), member("sha-256", SHA_256)[:-1], "sha-256=" + SHA_256.hex(), member("sha-256", SHA_256).replace("=:", "=:="),
    member("sha-256", SHA_256) + " " + member("sha-512", SHA_512), member("sha-256", SHA_256) + ", " + member("sha-256", SHA_512[:32]),
]
# fmt: on


@pytest.mark.parametrize("line", MALFORMED)
def test_a_digest_that_cannot_be_read_is_never_ignored(line: str) -> None:
    with pytest.raises(MalformedDigest, match=r"^Repr-Digest"):
        digests.declared([line], [], [])
    with pytest.raises(MalformedDigest, match=r"^Content-Digest"):
        digests.declared([], [line], [])


@pytest.mark.parametrize("line", ["", "x", "é", "=", MD5.hex(), base64.b64encode(SHA_256).decode()])
def test_a_content_md5_that_cannot_be_read_is_never_ignored(line: str) -> None:
    with pytest.raises(MalformedDigest, match=r"^Content-MD5"):
        digests.declared([], [], [line])


def test_headers_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(MalformedDigest, match="two different sha-256"):
        digests.declared([member("sha-256", SHA_256)], [member("sha-256", SHA_512[:32])], [])


@given(*[st.lists(HEADERS | DIGESTLIKE, max_size=2)] * 3)
def test_any_lines_are_digests_or_malformed(
    representation: list[str], content: list[str], md5: list[str]
) -> None:
    try:
        found = digests.declared(representation, content, md5)
    except MalformedDigest as malformed:
        str(malformed).encode("utf-8", "surrogateescape")
        return
    assert all(len(value) == digests.LENGTHS[name] for name, value in found.items())


def test_what_is_told_is_what_would_be_read() -> None:
    known = {"sha-256": SHA_256, "sha-512": SHA_512}
    assert digests.declared([digests.header({**known, "md5": MD5})], [], []) == known
