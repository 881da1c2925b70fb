"""/preflight: what thousands of uploads would come to, judged before any of them is sent."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from aiohttp import web

from handlers import answers, asking, bodies
from handlers.descriptions import Json, file_members, moment
from handlers.headers import conditions, digests
from handlers.headers.conditions import MalformedCondition
from handlers.headers.digests import MalformedDigest
from handlers.identity import principal_of
from handlers.parts import Parts
from handlers.problems import Problem, of_bad_name, of_failure, of_malformed, of_outcome
from handlers.rendering import request_id
from uploads.access import Right
from uploads.collisions import Accepted, Create, Link, Rename, Replace, Unchanged, Verdict
from uploads.failures import Failure, MalformedRequest
from uploads.files import StoredFile
from uploads.forecast import UNNUMBERED
from uploads.names import BadName, Path
from uploads.policy import SameContent, SameFile, SameName
from uploads.preflight import AT_ONCE, Asked, Foretold, Preflight
from uploads.settling import Arrival, Outcome

# How long the list may be, for each item that it may have.
BYTES_EACH = 512
# A list is looked through in pieces, between which others are answered.
LOOKED_AT_ONCE = 1000
NOT_KEPT = {"Cache-Control": "no-store"}
WORDS: dict[type[Accepted], str] = {
    Create: "create",
    Replace: "replace",
    Rename: "rename",
    Link: "link",
    Unchanged: "unchanged",
}
WISHES = {"same_file": SameFile, "same_name": SameName, "same_content": SameContent}
CONDITIONS = ("if_match", "if_none_match")
TEXTS = frozenset({"path", "digest", *CONDITIONS, *WISHES})
MEMBERS = TEXTS | {"size", "post"}
Item = dict[str, Any]
TOP = Path(())


@dataclass(frozen=True, slots=True)
class Preflighting:
    parts: Parts

    async def post(self, request: web.Request) -> web.StreamResponse:
        principal = principal_of(request)
        # Before the body is invited: whoever may upload nowhere has nothing to ask.
        if not self.parts.rules.access.may_any(principal, TOP):
            self.parts.rules.deny(principal, Right.CREATE, TOP)
        with self.parts.preflights.admission.place(principal):
            items, seconds = await self._wanted(request)
            with self.parts.preflights.begun(principal, seconds) as preflight:
                return await self._answer(request, preflight, items, seconds)

    async def _wanted(self, request: web.Request) -> tuple[list[Item], float]:
        """The items, and for how long their names are to be reserved."""
        http = self.parts.http
        most = http.preflight_items * BYTES_EACH
        body = await bodies.small_body(request, self.parts.rules.limits, most)
        if body is None:
            raise MalformedRequest(f"The list is longer than {most:,} bytes. Ask in parts.")
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError):
            raise MalformedRequest('The body is not JSON: {"items": [...]} is needed.') from None
        items = asked.get("items") if isinstance(asked, dict) else None
        if not isinstance(items, list):
            raise MalformedRequest('The body needs "items", a list.')
        _refuse_unknown(asked, {"items", "reserve"}, "The body")
        if len(items) > http.preflight_items:
            raise MalformedRequest(f"At most {http.preflight_items:,} items are taken at once.")
        for start in range(0, len(items), LOOKED_AT_ONCE):
            for number, item in enumerate(items[start : start + LOOKED_AT_ONCE], start):
                _check(number, item)
            await asyncio.sleep(0)
        seconds = asked.get("reserve", 0)
        if type(seconds) not in (int, float) or not seconds >= 0:
            raise MalformedRequest('"reserve" takes a number of seconds.')
        return items, min(seconds, http.reserve_time)

    async def _answer(
        self, request: web.Request, preflight: Preflight, items: list[Item], seconds: float
    ) -> web.StreamResponse:
        """Written as it is judged, slice by slice."""
        stream = web.StreamResponse(headers=NOT_KEPT)
        stream.content_type = "application/json"
        kept = preflight.reservation
        reservation: Json = None
        if kept is not None:
            reservation = {"id": kept.id, "expires": moment(time.time() + seconds)}
        verdicts = _Verdicts(self.parts, request, preflight, kept.id if kept else None)
        algorithm = self.parts.preflights.algorithm
        before = (
            f'{{"reservation": {json.dumps(reservation)}, "algorithm": "{algorithm}",'
            ' "verdicts": [\n'
        )
        numbered = iter(enumerate(items))
        while some := list(islice(numbered, AT_ONCE)):
            lines = await verdicts.of(some)
            if not stream.prepared:
                # Not sooner, so that what keeps the first from being judged is told in words.
                await stream.prepare(request)
            await stream.write((before + ",\n".join(map(json.dumps, lines))).encode())
            before = ",\n"
        if not items:
            await stream.prepare(request)
            await stream.write(before.encode())
        await stream.write(b"\n]}\n")
        await stream.write_eof()
        return stream


@dataclass(frozen=True, slots=True)
class _Verdicts:
    """From items as they came to verdicts as they are told."""

    parts: Parts
    request: web.Request
    preflight: Preflight
    reservation: str | None

    async def of(self, items: Sequence[tuple[int, Item]]) -> list[dict[str, Json]]:
        asked = [self._asked(number, item) for number, item in items]
        good = [one for one in asked if isinstance(one, Asked)]
        foretold = iter(await self.preflight.judge(good))
        told = (next(foretold) if isinstance(one, Asked) else one for one in asked)
        return [
            {"item": number, "path": item["path"], **self._members(one)}
            for (number, item), one in zip(items, told, strict=True)
        ]

    def _asked(self, number: int, item: Item) -> Asked | Problem:
        try:
            identity, declared = _digests(item, self.parts.preflights.algorithm)
            arrival = self._arrival(item)
        except BadName as bad:
            return of_bad_name(bad)
        except (MalformedCondition, MalformedDigest) as malformed:
            return of_malformed(malformed)
        except Failure as failure:
            return of_failure(failure)
        return Asked(number, replace(arrival, declared=declared), identity)

    def _arrival(self, item: Item) -> Arrival:
        path = asking.named_path(item["path"], self.parts.names)
        if not path.parts:
            raise MalformedRequest("The path of an item is empty: it names no file.")
        same, other = ([item[name]] if name in item else [] for name in CONDITIONS)
        return Arrival(
            door="preflight",
            path=path,
            principal=principal_of(self.request),
            condition=conditions.condition(same, other),
            wishes=asking.wishes(
                self.request, {name: item[name] for name in WISHES.keys() & item.keys()}
            ),
            size=item["size"],
            may_rename=bool(item.get("post")),
            reservation=self.reservation,
        )

    def _members(self, one: Foretold | Problem) -> dict[str, Json]:
        if isinstance(one, Problem):
            return {**_head(one.type.slug, []), **self._refused(one)}
        others: list[Json] = [*dict.fromkeys(map(_word, one.may_be))]
        members = _head(_word(one.result), others)
        if one.earlier is not None:
            members["earlier"] = one.earlier
        if one.same_size:
            members["same_size"] = True
        if isinstance(one.result, Accepted):
            return {**members, **self._accepted(one, one.result)}
        return {**members, **self._refused(self._problem(one))}

    def _accepted(self, one: Foretold, verdict: Accepted) -> dict[str, Json]:
        members: dict[str, Json] = {"status": answers.status(Outcome(verdict, one.path))}
        rules, principal = self.parts.rules, principal_of(self.request)
        existing = _existing(verdict)
        shown = existing is not None and _may_be_shown(existing)
        if existing and shown and rules.may(principal, Right.READ, existing.path):
            members["existing"] = file_members(existing)
        if isinstance(verdict, Rename) and rules.may(principal, Right.READ, one.path):
            members["stored_as"] = str(one.path)
        return members | ({"reserved": one.reserved} if self.reservation else {})

    def _problem(self, one: Foretold) -> Problem:
        match one.result:
            case Failure() as failure:
                return of_failure(failure)
            case verdict:
                principal, outcome = principal_of(self.request), Outcome(verdict, one.path)
                may_replace = self.parts.rules.may(principal, Right.REPLACE, one.path)
                return of_outcome(outcome, verdict, may_replace=may_replace)  # type: ignore[arg-type]

    def _refused(self, problem: Problem) -> dict[str, Json]:
        """As an upload would be told; what is only foretold has no address yet."""
        if isinstance(problem.existing, StoredFile) and not _may_be_shown(problem.existing):
            problem = replace(problem, existing=None)
        return problem.members(request_id(self.request))


def _head(verdict: str, may_be: list[Json]) -> dict[str, Json]:
    return {"verdict": verdict, "sure": not may_be, "may_be": may_be}


def _word(result: Verdict | Failure) -> str:
    if isinstance(result, Failure):
        return of_failure(result).type.slug
    if isinstance(result, Accepted):
        return WORDS[type(result)]
    return of_outcome(Outcome(result, Path(())), result).type.slug


def _existing(verdict: Accepted) -> StoredFile | None:
    match verdict:
        case Replace(file) | Link(file) | Unchanged(file):
            return file
        case _:
            return None


def _may_be_shown(file: StoredFile) -> bool:
    return file.version.number != UNNUMBERED


def _digests(item: Item, own: str) -> tuple[str | None, dict[str, bytes]]:
    """The identity of the content, where it is one of ours; else a digest that was declared."""
    if "digest" not in item:
        return None, {}
    algorithm, _, value = item["digest"].lower().partition(":")
    spelled = algorithm.replace("-", "")
    named = next((name for name in digests.LENGTHS if name.replace("-", "") == spelled), None)
    try:
        digest = bytes.fromhex(value)
    except ValueError:
        digest = b""
    if spelled == own and len(digest) == digests.LENGTHS["sha-256"]:
        return f"{own}:{digest.hex()}", {}
    if named is None or len(digest) != digests.LENGTHS[named]:
        raise MalformedDigest(
            f'"digest" takes {own}, sha-256 or sha-512, a colon and the digest in hex.'
        )
    return None, {named: digest}


def _check(number: int, item: object) -> None:
    where = f"Item {number}"
    if not isinstance(item, dict):
        raise MalformedRequest(f'{where} is no object with "path" and "size".')
    _refuse_unknown(item, MEMBERS, where)
    for name in ("path", "size"):
        if name not in item:
            raise MalformedRequest(f'{where} lacks "{name}".')
    _check_texts(where, item)
    if type(item["size"]) is not int or not 0 <= item["size"] < asking.NO_FILE_IS_LARGER:
        raise MalformedRequest(f'{where}: "size" takes a number of bytes.')
    if not isinstance(item.get("post", False), bool):
        raise MalformedRequest(f'{where}: "post" takes true or false.')


def _check_texts(where: str, item: Item) -> None:
    for name in TEXTS & item.keys():
        if not isinstance(item[name], str):
            raise MalformedRequest(f'{where}: "{name}" takes a text.')
    for name, words in WISHES.items():
        if name in item and item[name] not in {*words}:
            known = ", ".join(words)
            raise MalformedRequest(f'{where}: "{name}" takes one of {known}.')


def _refuse_unknown(members: Item, known: set[str] | frozenset[str], where: str) -> None:
    """A condition that was misspelt must not be passed over."""
    for name in members.keys() - known:
        raise MalformedRequest(f'{where} has a member that is not known here: "{name[:50]}".')
