"""Upload-Metadata and Upload-Checksum of tus 1.0 -> values. Pure parsers."""

import base64
import re
from collections.abc import Mapping
from typing import Final

from handlers.headers.digests import MalformedDigest
from uploads.failures import MalformedRequest
from uploads.files import LATEST

# As tus spells them -> as we do; also what OPTIONS tells.
ALGORITHMS: Final = {"sha1": "sha-1", "sha256": "sha-256", "sha512": "sha-512", "blake3": "blake3"}
LENGTHS: Final = {"sha1": 20, "sha256": 32, "sha512": 64, "blake3": 32}
KEY = re.compile(r"[!-+\--~]+")
# Keys that say where the file goes.
PLACES: Final = ("path", "relativePath", "filename", "name", "folder")
# What a page writes where it knows nothing: JavaScript makes text of everything.
NOTHING = frozenset({"", "null", "undefined"})


def parsed(header: str) -> dict[str, str]:
    """Keys and values, without those that say nothing."""
    found: dict[str, str] = {}
    if not header.isascii():
        raise _malformed()
    for pair in header.split(","):
        key, _, value = pair.strip(" ").partition(" ")
        if not key and not value:
            continue
        if not KEY.fullmatch(key) or key in found:
            raise _malformed()
        try:
            found[key] = base64.b64decode(value, validate=True).decode("utf-8", "surrogateescape")
        except ValueError:
            raise _malformed() from None
    return {key: value for key, value in found.items() if value not in NOTHING}


def place(said: Mapping[str, str]) -> str | None:
    """The path that was meant: `path`, or `relativePath` (of a folder that was dropped into a page,
    the name of the file included), or `filename` or `name`; below `folder`, where that is said.
    """
    words = [said[key] for key in PLACES[:-1] if key in said]
    if not words:
        return None
    folder = said.get("folder", "").strip("/")
    name = words[0].lstrip("/")
    return f"{folder}/{name}" if folder else name


def modified(said: Mapping[str, str]) -> float | None:
    """`mtime` in seconds, as sync clients say it; `lastModified` in milliseconds, as pages do."""
    for key, unit in (("mtime", 1.0), ("lastModified", 1000.0)):
        if key in said:
            try:
                moment = float(said[key]) / unit
            except ValueError:
                raise MalformedRequest(f'"{key}" takes a number, not "{said[key]}".') from None
            return moment if 0 <= moment <= LATEST else None
    return None


def checksum(header: str | None) -> dict[str, bytes]:
    if header is None:
        return {}
    name, _, value = header.strip().partition(" ")
    if name not in ALGORITHMS:
        raise MalformedRequest(
            f"Upload-Checksum takes one of {', '.join(ALGORITHMS)}, and then the digest in base64."
        )
    try:
        digest = base64.b64decode(value, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != LENGTHS[name]:
        raise MalformedDigest(f"Upload-Checksum: this is no {name} digest in base64.")
    return {ALGORITHMS[name]: digest}


def _malformed() -> MalformedRequest:
    return MalformedRequest(
        "Upload-Metadata cannot be read. It holds keys, each once, and after a space the value in"
        " base64, with commas between: filename cmVwb3J0LnBkZg=="
    )
