"""How sizes, dates and media types are written for people. Pure; knows no page."""

from datetime import UTC, datetime

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
UNITS = ("kB", "MB", "GB", "TB", "PB")
STEP = 1000
KINDS = {
    "application/octet-stream": "unknown",
    "application/pdf": "PDF",
    "application/zip": "ZIP archive",
    "application/gzip": "gzip archive",
    "application/json": "JSON",
    "image/jpeg": "JPEG picture",
    "image/png": "PNG picture",
    "image/gif": "GIF picture",
    "image/webp": "WebP picture",
    "image/avif": "AVIF picture",
    "text/plain": "text",
    "text/csv": "CSV table",
    "text/html": "HTML",
}


def size(count: int) -> str:
    """Three digits are enough to tell two files apart at a glance; the title has them all."""
    if count < STEP:
        return exact_size(count)
    value = float(count)
    for unit in UNITS:
        value /= STEP
        if value < STEP - 0.5 or unit == UNITS[-1]:
            break
    digits = 1 if value < 99.95 else 0  # noqa: PLR2004 - what is written 99.9 has three digits too
    return f"{value:,.{digits}f} {unit}"


def exact_size(count: int) -> str:
    return "1 byte" if count == 1 else f"{count:,} bytes"


def date(seconds: float) -> str:
    """In UTC, and the same in every locale."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}, {at:%H:%M} UTC"


def exact_date(seconds: float) -> str:
    """RFC 3339, for the `datetime` attribute."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def kind(media_type: str) -> str:
    return KINDS.get(media_type, media_type)


def count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
