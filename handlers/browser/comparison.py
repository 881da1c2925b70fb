"""A problem as two files side by side and the choices that settle it: data for a page, no HTML."""

import difflib
from dataclasses import dataclass, replace
from typing import Literal

from handlers.browser import wording
from handlers.descriptions import entry_href, resolution_fields, upload_href
from handlers.problems import Problem
from uploads.files import Folder, StoredFile, Upload
from uploads.names import Path
from uploads.settling import Discard, LinkIt, ReplaceIt, Resolution, StoreAs

# What a browser only ever paints. SVG is not among them: it can carry a script.
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})


@dataclass(frozen=True, slots=True)
class Preview:
    """A glance at a file: the address of a picture, or the first lines of a text."""

    kind: Literal["none", "image", "text"] = "none"
    href: str = ""
    text: str = ""


NO_PREVIEW = Preview()


@dataclass(frozen=True, slots=True)
class Sides:
    """The previews of what is there and of what was sent."""

    existing: Preview = NO_PREVIEW
    sent: Preview = NO_PREVIEW


UNSEEN = Sides()


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a file's description. `same`: the other file has it too."""

    label: str
    text: str
    title: str = ""
    datetime: str = ""
    same: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    same: bool = True


@dataclass(frozen=True, slots=True)
class Side:
    heading: str
    name: str
    href: str
    facts: tuple[Fact, ...]
    image: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: what it says, what it means, and the fields that it sends."""

    label: str
    name: str
    meaning: str
    weight: Literal["main", "grave", "quiet"]
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    existing: Side | None
    sent: Side | None
    choices: tuple[Choice, ...]
    action: str
    expires: float


def of_problem(problem: Problem, sides: Sides) -> Comparison | None:
    """None where there is nothing to compare and nothing to choose."""
    there, parked = problem.existing, problem.parked
    if there is None and parked is None:
        return None
    theirs = None if there is None else _existing(there, sides.existing)
    ours = None if parked is None else _sent(parked, sides.sent)
    if theirs is not None and ours is not None:
        theirs, ours = _marked(theirs, ours), _marked(ours, theirs)
    return Comparison(
        existing=theirs,
        sent=ours,
        choices=_choices(problem.resolutions) if parked else (),
        action=upload_href(parked) if parked else "",
        expires=parked.expires if parked else 0.0,
    )


def of_free(parked: Upload, resolutions: tuple[Resolution, ...], preview: Preview) -> Comparison:
    """A parked upload that nothing stands in the way of any more: one side, and its choices."""
    return Comparison(
        existing=None,
        sent=_sent(parked, preview),
        choices=_choices(resolutions),
        action=upload_href(parked),
        expires=parked.expires,
    )


def picture(media_type: str, href: str) -> Preview:
    return Preview("image", href=href) if media_type in PICTURES else NO_PREVIEW


def _existing(there: StoredFile | Folder, preview: Preview) -> Side:
    href = entry_href(there)
    if isinstance(there, Folder):
        name = f"{there.path.name}/"
        return Side("Already there: a folder", name, href, (_folder(there.path),), "", ())
    if preview.kind == "none":
        preview = picture(there.content.media_type, href)
    facts = (
        _folder(there.path),
        _size(there.content.size),
        _type(there.content.media_type),
        _date("Date", there.version.modified),
    )
    name = there.path.name
    return Side("Already there", name, href, facts, preview.href, _lines(preview))


def _sent(parked: Upload, preview: Preview) -> Side:
    href = f"{upload_href(parked)}/content"
    if preview.kind == "none":
        preview = picture(parked.content.media_type, href)
    facts = (
        _folder(parked.path),
        _size(parked.content.size),
        _type(parked.content.media_type),
        _date("Date", parked.created if parked.modified is None else parked.modified),
    )
    name = parked.path.name
    return Side("What you sent", name, href, facts, preview.href, _lines(preview))


def _folder(path: Path) -> Fact:
    return Fact("Folder", str(path.parent) or "Files")


def _size(count: int) -> Fact:
    """To the byte: two sizes that look alike are told apart here."""
    short, exact = wording.size(count), wording.exact_size(count)
    return Fact("Size", exact if short == exact else f"{short} ({exact})")


def _type(media_type: str) -> Fact:
    return Fact("Type", wording.kind(media_type), title=media_type)


def _date(label: str, seconds: float) -> Fact:
    return Fact(label, wording.date(seconds), datetime=wording.exact_date(seconds))


def _lines(preview: Preview) -> tuple[Line, ...]:
    return tuple(Line(text) for text in preview.text.split("\n")) if preview.text else ()


def _marked(side: Side, other: Side) -> Side:
    """The side with what is not in the other marked as different."""
    values = {fact.label: (fact.text, fact.title) for fact in other.facts}
    facts = tuple(
        replace(fact, same=values.get(fact.label) == (fact.text, fact.title)) for fact in side.facts
    )
    if not (side.lines and other.lines):
        return replace(side, facts=facts)
    mine, theirs = ([line.text for line in one.lines] for one in (side, other))
    blocks = difflib.SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks()
    same = {at for block in blocks for at in range(block.a, block.a + block.size)}
    lines = tuple(Line(line.text, same=at in same) for at, line in enumerate(side.lines))
    return replace(side, facts=facts, lines=lines)


def _choices(resolutions: tuple[Resolution, ...]) -> tuple[Choice, ...]:
    """What loses nothing comes first."""
    weights = ("main", "grave", "quiet")
    found = map(_choice, resolutions)
    return tuple(sorted(found, key=lambda choice: weights.index(choice.weight)))


def _choice(resolution: Resolution) -> Choice:
    fields = tuple(resolution_fields(resolution).items())
    match resolution:
        case StoreAs(path):
            return Choice("Store as", path.name, "Both files stay.", "main", fields)
        case LinkIt(path, _):
            meaning = "A second name for the same content. It takes no more space."
            return Choice("Store also as", path.name, meaning, "main", fields)
        case ReplaceIt(path, _):
            meaning = "The version that is there now is kept in the history."
            return Choice("Replace", path.name, meaning, "grave", fields)
        case Discard():
            meaning = "What you sent is thrown away. What is there stays."
            return Choice("Discard what I sent", "", meaning, "quiet", fields)
