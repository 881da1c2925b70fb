"""File names in headers: Content-Disposition (RFC 6266, 8187) and Slug (RFC 5023). Pure."""

import re
from urllib.parse import quote

from handlers.headers import fields
from uploads import names

ATTR_CHAR = "!#$&+-.^_`|~"
EXTENDED = re.compile(r"utf-8'[a-z0-9-]*'(.*)", re.IGNORECASE | re.DOTALL)


def for_download(name: str, *, inline: bool) -> str:
    """Both forms of the name, the plain one first and in ASCII that no recipient decodes."""
    kind = "inline" if inline else "attachment"
    plain = re.sub(r'[^ -~]|["\\%;]', "_", name)
    extended = quote(name, safe=ATTR_CHAR)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{extended}"


def posted_name(slug: str | None, disposition: str | None) -> str | None:
    """The name of a file that is the whole body of a POST, or None where it has none.

    Whether it can be a name is judged elsewhere; here nothing of it is changed or dropped.
    """
    if disposition is not None:
        named = fields.parameters(disposition)
        for name, value in named:
            extended = EXTENDED.fullmatch(value) if name == "filename*" else None
            if extended:
                return names.decode(_as_sent(extended[1]))
        for name, value in named:
            if name == "filename":
                return fields.unquoted(value)
    return names.decode(_as_sent(slug)) if slug else None


def _as_sent(text: str) -> bytes:
    """Header bytes that are not UTF-8 reach us as surrogates."""
    return text.encode("utf-8", "surrogateescape")
