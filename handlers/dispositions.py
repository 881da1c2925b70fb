"""File names in headers: Content-Disposition (RFC 6266, 8187) and Slug (RFC 5023). Pure."""

import re
from urllib.parse import quote

from uploads import names

ATTR_CHAR = "!#$&+-.^_`|~"
EXTENDED = re.compile(r"(?i)(?:^|;)\s*filename\*\s*=\s*utf-8'[a-z0-9-]*'([^\s;]+)\s*(?=;|$)")
QUOTED = re.compile(r'(?i)(?:^|;)\s*filename\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?=;|$)')
TOKEN = re.compile(r"(?i)(?:^|;)\s*filename\s*=\s*([^\s;\"]+)\s*(?=;|$)")


def for_download(name: str, *, inline: bool) -> str:
    """Both forms of the name, the plain one first and in ASCII that no recipient decodes."""
    kind = "inline" if inline else "attachment"
    plain = re.sub(r'[^ -~]|["\\%;]', "_", name)
    extended = quote(name, safe=ATTR_CHAR)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{extended}"


def posted_name(slug: str | None, disposition: str | None) -> str | None:
    """The name of a file that is the whole body of a POST, or None where it has none."""
    if disposition is not None:
        if extended := EXTENDED.search(disposition):
            return names.decode(extended[1].encode("utf-8", "surrogateescape"))
        if quoted := QUOTED.search(disposition):
            return _utf8(re.sub(r"\\(.)", r"\1", quoted[1]))
        if token := TOKEN.search(disposition):
            return _utf8(token[1])
    return None if not slug else names.decode(slug.encode("utf-8", "surrogateescape"))


def _utf8(text: str) -> str:
    """Header bytes that are not ASCII reach us as surrogates."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
