"""Accept -> which form of an answer. Pure."""

from collections.abc import Sequence


def wants_html(accept: str | None) -> bool:
    """Only who names text/html, as browsers do; `*/*` (curl, fetch) gets JSON."""
    if accept is None:
        return False
    weights = _weights(accept)
    html = weights.get("text/html", 0.0)
    return html > 0 and html >= max(
        weights.get("application/json", 0.0), weights.get("application/problem+json", 0.0)
    )


def prefers(accept: str | None, offered: Sequence[str]) -> str:
    """The offered type with the greatest weight; the first of equals."""
    weights = _weights(accept or "*/*")

    def weight(media_type: str) -> float:
        kind = media_type.partition("/")[0] + "/*"
        for range_ in (media_type, kind, "*/*"):
            if range_ in weights:
                return weights[range_]
        return 0.0

    return max(offered, key=weight)


def _weights(accept: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for item in accept.split(","):
        media_type, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        try:
            found.setdefault(media_type, min(1.0, max(0.0, float(quality))))
        except ValueError:
            found.setdefault(media_type, 0.0)
    return found
