"""POST under /files/: forms and raw uploads into a folder; move, copy, restore of what is there."""

from dataclasses import dataclass, replace

from aiohttp import web

from handlers import answers, asking, descriptions
from handlers.asking import Target
from handlers.form import Forms
from handlers.headers import conditions, dispositions, negotiation
from handlers.identity import principal_of
from handlers.parts import Parts
from handlers.plain import FILES, Plain, placed_or_refused
from handlers.problems import REPLAYED
from uploads import names
from uploads.asker import Asker
from uploads.failures import MalformedRequest
from uploads.names import Path
from uploads.settling import Outcome, Placed

ACTIONS = ("move", "copy", "restore")
SEE_OTHER = 303


@dataclass(frozen=True, slots=True)
class Posting:
    parts: Parts
    plain: Plain
    forms: Forms

    async def post(self, request: web.Request) -> web.StreamResponse:
        target = asking.target(request, FILES, self.parts.names)
        fields = asking.query(request)
        asking.refuse_versions(fields)
        if request.content_type == "multipart/form-data":
            return await self.forms.post(request, target.path)
        # What has a name is a file, whatever curl calls it where nobody told it.
        is_named = "Slug" in request.headers or "Content-Disposition" in request.headers
        if request.content_type == "application/x-www-form-urlencoded" and not is_named:
            fields |= await asking.form_fields(request, self.parts)
        wanted = [action for action in ACTIONS if action in fields]
        if len(wanted) == 1:
            return await self._act(request, target, wanted[0], fields)
        if wanted or not target.is_folder:
            raise MalformedRequest(
                f"A POST to a file needs one of: {', '.join(ACTIONS)}. To upload into a folder, end"
                " its address with a slash."
            )
        return await self._raw(request, target, fields)

    async def _raw(
        self, request: web.Request, target: Target, fields: dict[str, str]
    ) -> web.StreamResponse:
        """The body is the file; its name is in `Slug` or `Content-Disposition` (RFC 5023, 6266)."""
        headers = request.headers
        name = dispositions.posted_name(headers.get("Slug"), headers.get("Content-Disposition"))
        if name is None:
            raise MalformedRequest(
                "A POST to a folder is a form (multipart/form-data), or a file whose name is in"
                " Slug or Content-Disposition."
            )
        whole = "/".join((*target.path.parts, name))
        path = asking.named_path(whole, self.parts.names)
        arrival = replace(
            asking.arrival(request, path, fields),
            may_rename=True,
            attempt=asking.attempt(request, str(target.path)),
        )
        return await self.plain.take_in(request, arrival)

    async def _act(
        self, request: web.Request, target: Target, action: str, fields: dict[str, str]
    ) -> web.StreamResponse:
        path = target.path
        principal, condition = principal_of(request), asking.condition(request)
        if "if_match" in fields and condition.if_match is None:
            tags = conditions.condition([fields["if_match"]], [])
            condition = replace(condition, if_match=tags.if_match)
        tree = self.parts.tree.asked_at(folder=target.is_folder)
        attempt = asking.attempt(request, str(path))
        result: Outcome | Placed
        if action == "restore":
            number = asking.number(fields["restore"], "restore")
            result = await tree.restore(principal, path, number, condition, attempt=attempt)
        elif action == "copy":
            goal = self._goal(fields["copy"])
            result = await tree.copy(principal, path, goal, condition, attempt=attempt)
        else:
            goal = self._goal(fields["move"])
            recursive = asking.flag(fields, "recursive")
            result = await tree.move(
                principal, path, goal, condition, recursive=recursive, attempt=attempt
            )
        asker = await self.parts.describing.asker(principal)
        return _answer(request, result, asker, places=action != "restore")

    def _goal(self, text: str) -> Path:
        """A path in the tree, or the address of one as answers give it."""
        if text.startswith(FILES):
            text = names.decode(text.removeprefix(FILES).encode())
        goal = asking.named_path(text.strip("/"), self.parts.names)
        if not goal.parts:
            raise MalformedRequest("Say where it shall be put: a path with its new name.")
        return goal


def _answer(
    request: web.Request, result: Outcome | Placed, asker: Asker, *, places: bool
) -> web.StreamResponse:
    if isinstance(result, Outcome) and result.accepted:
        response = answers.stored(result, seen=True)
        entry_href = descriptions.file_href(result.path)
    else:
        placed = placed_or_refused(result, places=places)
        response = answers.placed(placed, asker)
        entry_href = descriptions.entry_href(placed.entry)
    if negotiation.wants_html(request.headers.get("Accept")):
        parent = entry_href.rstrip("/").rpartition("/")[0] + "/"
        replayed = REPLAYED if result.replayed else {}
        return web.Response(status=SEE_OTHER, headers={"Location": parent, **replayed})
    return response
