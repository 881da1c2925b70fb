"""Accept -> which form of an answer (RFC 9110 section 12.5.1). Pure."""

import re
from collections.abc import Sequence

from handlers.headers import fields

WEIGHT = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
HTML = "text/html"
JSON_FORMS = ("application/json", "application/problem+json")


def wants_html(accept: str | None) -> bool:
    """Only who names text/html, as browsers do; `*/*` alone (curl, fetch) gets JSON."""
    weights = _weights(accept or "")
    html = weights.get(HTML, 0.0)
    return html > 0 and html >= max(_weight(weights, form) for form in JSON_FORMS)


def prefers(accept: str | None, offered: Sequence[str]) -> str:
    """The offered type with the greatest weight; the first of equals, also where none is wanted."""
    weights = _weights(accept or "*/*")
    return max(offered, key=lambda media_type: _weight(weights, media_type))


def codings(accept_encoding: str | None) -> frozenset[str]:
    """What may be sent compressed how (section 12.5.3): only what is named, and not with q=0."""
    weights = _weights(accept_encoding or "")
    return frozenset(coding for coding, weight in weights.items() if weight > 0)


def _weight(weights: dict[str, float], media_type: str) -> float:
    """By the most specific range that covers the type."""
    kind = media_type.partition("/")[0] + "/*"
    for covering in (media_type, kind, "*/*"):
        if covering in weights:
            return weights[covering]
    return 0.0


def _weights(accept: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for item in fields.split(accept, ","):
        media_type = fields.split(item, ";")[0].lower()
        quality = dict(fields.parameters(item)).get("q", "1")
        if media_type and WEIGHT.fullmatch(quality):
            found.setdefault(media_type, float(quality))
    return found
