"""A glance at files for a page: the first lines of a text, read and made harmless."""

import codecs
import re
from typing import Final

from handlers.browser.comparison import NO_PREVIEW, Preview, Sides
from handlers.parts import Parts
from handlers.problems import Problem
from uploads.access import Principal
from uploads.failures import Failure
from uploads.files import Content, StoredFile, Upload
from uploads.ports import Reading

MOST_BYTES = 4096
MOST_LINES = 30
MOST_COLUMNS = 200
# Escaped on the page, so that even the source of a page is only text there.
TEXTS: Final = re.compile(r"text/.+|application/(json|xml|toml|yaml|x-yaml|javascript|x-sh)")
# What would move, hide or turn the text around it.
DISGUISES: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)


async def sides(parts: Parts, principal: Principal, problem: Problem) -> Sides:
    """Both files of a problem, as far as there are two. What it names, its reader may read."""
    existing, sent = NO_PREVIEW, NO_PREVIEW
    if isinstance(problem.existing, StoredFile):
        existing = await of_file(parts, problem.existing)
    if problem.parked is not None:
        sent = await of_upload(parts, principal, problem.parked)
    return Sides(existing, sent)


async def of_file(parts: Parts, file: StoredFile) -> Preview:
    if not _is_text(file.content):
        return NO_PREVIEW
    try:
        reading = await parts.holdings.open(file)
    except Failure:
        return NO_PREVIEW
    return await _first_lines(reading)


async def of_upload(parts: Parts, principal: Principal, upload: Upload) -> Preview:
    if not _is_text(upload.content):
        return NO_PREVIEW
    try:
        _, reading = await parts.parking.open(upload.id, principal)
    except Failure:
        return NO_PREVIEW
    return await _first_lines(reading)


async def _first_lines(reading: Reading) -> Preview:
    """A page without a preview is better than no page."""
    try:
        head = await reading.read(0, min(MOST_BYTES, reading.size))
    except Failure:
        return NO_PREVIEW
    finally:
        reading.close()
    return of_text(head, whole=reading.size <= MOST_BYTES)


def of_text(head: bytes, *, whole: bool) -> Preview:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head, final=whole)
    except UnicodeDecodeError:
        return NO_PREVIEW
    if "\0" in text:
        return NO_PREVIEW
    lines = DISGUISES.sub("\ufffd", text.replace("\r\n", "\n")).split("\n")
    # The last line is what follows the last line break, or was cut off.
    if not (whole and lines[-1]) and len(lines) > 1:
        lines.pop()
    shown = [line[:MOST_COLUMNS] for line in lines[:MOST_LINES]]
    return Preview("text", text="\n".join(shown)) if any(shown) else NO_PREVIEW


def _is_text(content: Content) -> bool:
    return TEXTS.fullmatch(content.media_type) is not None
