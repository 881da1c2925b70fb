"""A first answer told again: the same, as far as its asker may still know of what it speaks of."""

from dataclasses import replace

from uploads.access import Principal, Right
from uploads.collisions import (
    AlreadyStored,
    ConditionRequired,
    ContentKnown,
    NameEquivalent,
    NameTaken,
    NotEmpty,
    Stale,
    TypeClash,
    Verdict,
)
from uploads.files import Folder, StoredFile, Upload
from uploads.ports import View
from uploads.rules import Rules
from uploads.settling import Answer, Discard, LinkIt, Outcome, ReplaceIt, Resolution


def retold(
    rules: Rules, view: View, principal: Principal, answer: Answer, now: float
) -> Answer | None:
    """None: without what it may not say any more it would make no sense; it is to be judged anew.

    What was moved, replaced or deleted since is told of as it was.
    """
    if not isinstance(answer, Outcome):
        return replace(answer, replayed=True)
    verdict: Verdict | None = answer.verdict
    if not _may_know(rules, principal, _evidence(answer.verdict)):
        verdict = _without_evidence(answer.verdict)
    if verdict is None:
        return None
    twin = answer.twin if _may_know(rules, principal, answer.twin) else None
    parked = _still_there(view, answer.parked, now)
    resolutions = _still_open(answer, verdict) if parked else ()
    return replace(
        answer, verdict=verdict, twin=twin, parked=parked, resolutions=resolutions, replayed=True
    )


def _evidence(verdict: Verdict) -> StoredFile | Folder | None:
    """Of a refusal: what an accepted claim met is told of nowhere else than at its own name."""
    match verdict:
        case (
            AlreadyStored(found)
            | ConditionRequired(found)
            | ContentKnown(found)
            | NameEquivalent(found)
            | NameTaken(found)
            | NotEmpty(found)
            | Stale(found)
            | TypeClash(found)
        ):
            return found
        case _:
            return None


def _without_evidence(verdict: Verdict) -> Verdict | None:
    match verdict:
        case AlreadyStored() | NameTaken():
            return NameTaken(None)
        case ConditionRequired():
            return ConditionRequired(None)
        case NameEquivalent():
            return replace(verdict, existing=None)
        case Stale():
            return Stale(None)
        case TypeClash():
            return TypeClash(None)
        case _:
            return None


def _may_know(rules: Rules, principal: Principal, found: StoredFile | Folder | None) -> bool:
    match found:
        case None:
            return True
        case Folder():
            return rules.access.may_see(principal, found.path)
        case StoredFile():
            return rules.may(principal, Right.READ, found.path)


def _still_there(view: View, parked: Upload | None, now: float) -> Upload | None:
    """A link to what was settled, discarded or has expired would lead nowhere."""
    there = None if parked is None else view.upload(parked.id)
    return None if there is None or there.expires <= now else parked


def _still_open(answer: Outcome, verdict: Verdict) -> tuple[Resolution, ...]:
    """Those that speak of nothing that is hidden by now."""
    if verdict == answer.verdict:
        return answer.resolutions
    hidden = ReplaceIt | LinkIt
    left = tuple(one for one in answer.resolutions if not isinstance(one, hidden))
    return left or (Discard(),)
