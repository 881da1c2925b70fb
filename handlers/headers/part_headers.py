"""The headers of one part of a form -> what the part is. Pure; knows no parser and no upload."""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from handlers.headers import digests
from handlers.problems import Refusal, of_type
from uploads.failures import MalformedRequest

_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# No backslash escapes: browsers send a backslash as it is (HTML, "multipart/form-data encoding").
_PARAMETER: Final = re.compile(rf'[ \t]*;[ \t]*({_WORD})=(?:"([^"\r\n]*)"|({_WORD}))')
_FORM_DATA: Final = re.compile(r"form-data", re.IGNORECASE)
_ESCAPES: Final = (("%22", '"'), ("%0D", "\r"), ("%0A", "\n"))
_WORD_OF_MAIL: Final = re.compile(r"=\?utf-8\?b\?([A-Za-z0-9+/=]*)\?=", re.IGNORECASE)
_EXTENDED: Final = re.compile(r"utf-8'[^']*'(.*)", re.IGNORECASE | re.DOTALL)
_PLAIN_ENCODINGS: Final = frozenset({"7bit", "8bit", "binary", "identity", ""})
_DIGESTS: Final = ("repr-digest", "content-digest", "content-md5")


@dataclass(frozen=True, slots=True)
class Heading:
    """`filename` is None for a field. What is not UTF-8 in it stands there as surrogates."""

    field: str
    filename: str | None
    media_type: str | None
    transfer_encoding: str
    content_encoding: str
    digest_lines: Mapping[str, list[str]]

    def declared(self) -> dict[str, bytes]:
        """What is said of the bytes of this one file; may raise a MalformedDigest."""
        lines = self.digest_lines
        return digests.declared(*(lines.get(name, []) for name in _DIGESTS))

    def check_encoding(self) -> None:
        """Refuses what would be stored as something else than the file that was meant."""
        if self.transfer_encoding not in _PLAIN_ENCODINGS:
            raise MalformedRequest(
                f'This file is encoded as "{self.transfer_encoding}", which is not decoded here'
                " (RFC 7578 section 4.7). Send its bytes as they are."
            )
        if self.content_encoding not in _PLAIN_ENCODINGS:
            raise Refusal(
                of_type("encoding-refused", f'This file is encoded as "{self.content_encoding}".')
            )
        if self.media_type is not None and self.media_type.lower().startswith("multipart/"):
            raise MalformedRequest(
                "A form within a form is not read here (RFC 7578 section 4.3)."
                " Send each file as a part of its own."
            )


def heading(headers: Iterable[tuple[str, str]]) -> Heading:
    """From headers whose bytes stand as Latin-1. Headers that a form does not need are ignored."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name.lower() in found:
            raise MalformedRequest(f"A part of the form has two {name} headers.")
        found[name.lower()] = value.encode("latin-1").decode("utf-8", "surrogateescape")
    parameters = _disposition(found.get("content-disposition", ""))
    if "name" not in parameters:
        raise MalformedRequest("A part of the form does not say which field it is (RFC 7578).")
    if "filename*" in parameters and "filename" not in parameters:
        raise MalformedRequest(
            "A file of the form is named with filename* only, which forms do not have"
            ' (RFC 7578 section 4.2). Send filename="..." in UTF-8.'
        )
    return Heading(
        field=parameters["name"],
        filename=_filename(parameters),
        media_type=readable(found.get("content-type", "")) or None,
        transfer_encoding=found.get("content-transfer-encoding", "").strip().lower(),
        content_encoding=found.get("content-encoding", "").strip().lower(),
        digest_lines={name: [found[name]] for name in _DIGESTS if name in found},
    )


def _disposition(value: str) -> dict[str, str]:
    start = _FORM_DATA.match(value)
    at = start.end() if start else 0
    parameters: dict[str, str] = {}
    while start and (one := _PARAMETER.match(value, at)):
        name, quoted, token = one.groups()
        if name.lower() in parameters:
            raise MalformedRequest(f"A part of the form says {name}= twice.")
        parameters[name.lower()] = _unescaped(token if quoted is None else quoted)
        at = one.end()
    if start is None or value[at:].strip(" \t;"):
        raise MalformedRequest(
            f"The Content-Disposition of a part cannot be read: {readable(value[:100])}."
            ' Inside the quotes of filename="..." a quote is written %22.'
        )
    return parameters


def _filename(parameters: Mapping[str, str]) -> str | None:
    """.NET writes a name that is not ASCII as a word of mail (RFC 2047) with filename* beside it,
    neither of which forms have. Where both say the same, that is the name.
    """
    plain = parameters.get("filename")
    word = _WORD_OF_MAIL.fullmatch(plain or "")
    extended = _EXTENDED.fullmatch(parameters.get("filename*", ""))
    if word is None or extended is None:
        return plain
    try:
        said = base64.b64decode(word[1], validate=True)
    except ValueError:
        return plain
    same = said == unquote_to_bytes(extended[1])
    return said.decode("utf-8", "surrogateescape") if same else plain


def _unescaped(text: str) -> str:
    """Only what browsers escape: any other %XX is part of a name."""
    for escape, character in _ESCAPES:
        text = text.replace(escape, character)
    return text


def readable(text: str) -> str:
    """For answers: what is not UTF-8 becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
