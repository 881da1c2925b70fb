"""The answers to what went well. Refusals are in `problems`."""

from aiohttp import web

from handlers.descriptions import (
    Json,
    entry_href,
    file_href,
    file_members,
    folder_href,
    members_of,
)
from handlers.problems import REPLAYED
from handlers.rendering import json_response
from uploads.asker import Asker
from uploads.collisions import Replace, Unchanged
from uploads.files import Folder, StoredFile
from uploads.settling import Answer, Outcome, Placed, Removed

OK, CREATED, MOVED_FOR_GOOD, NO_CONTENT = 200, 201, 308, 204


def status(outcome: Outcome) -> int:
    """201 for a new name, 200 for a replaced or unchanged one."""
    return OK if isinstance(outcome.verdict, Replace | Unchanged) else CREATED


def stored_members(outcome: Outcome, *, seen: bool) -> dict[str, Json]:
    """What stands there now. In a drop box: that it was received, and no more."""
    file = stored_file(outcome)
    return file_members(file) if seen else {"received": True, "size": file.content.size}


def stored(outcome: Outcome, *, seen: bool) -> web.Response:
    file, status_ = stored_file(outcome), status(outcome)
    members = stored_members(outcome, seen=seen)
    if not seen:
        return json_response(members, status_, _unkept(outcome))
    headers = {**facts(outcome), **_unkept(outcome)}
    if status_ == CREATED:
        headers["Location"] = file_href(file.path)
    return json_response(members, status_, headers)


def facts(outcome: Outcome) -> dict[str, str]:
    """The version that stands there now, and what it has to do with others."""
    headers, links = {"ETag": stored_file(outcome).etag}, []
    if isinstance(outcome.verdict, Replace):
        previous = outcome.verdict.previous
        links.append(
            f"<{file_href(previous.path)}?version={previous.version.number}>;"
            ' rel="predecessor-version"'
        )
    if outcome.twin is not None:
        links.append(f'<{file_href(outcome.twin.path)}>; rel="duplicate"')
    if links:
        headers["Link"] = ", ".join(links)
    return headers


def _unkept(answer: Answer) -> dict[str, str]:
    return {"Cache-Control": "no-store", **(REPLAYED if answer.replayed else {})}


def stored_file(outcome: Outcome) -> StoredFile:
    if outcome.file is None:
        msg = f"an accepted claim without a file: {outcome}"
        raise ValueError(msg)
    return outcome.file


def placed(made: Placed, asker: Asker, *, seen: bool = True) -> web.Response:
    """Who may not see what they made is told that it was, and no more."""
    entry = made.entry
    if not seen:
        return json_response({"received": True, "size": 0}, CREATED, _unkept(made))
    headers = {"Location": entry_href(entry), "ETag": asker.etag(entry), **_unkept(made)}
    return json_response(members_of(entry, asker), CREATED, headers)


def removed(gone: Removed) -> web.Response:
    """With the request that takes it back."""
    undo: dict[str, Json] = {
        "method": "POST",
        "href": f"{file_href(gone.path)}?restore={gone.number}",
    }
    members: dict[str, Json] = {"deleted": str(gone.path), "change": gone.number, "undo": undo}
    return json_response(members, OK, _unkept(gone))


def moved_to_folder(folder: Folder) -> web.Response:
    headers = {"Location": folder_href(folder.path), "Cache-Control": "no-store"}
    return web.Response(status=MOVED_FOR_GOOD, headers=headers)


def options(methods: str) -> web.Response:
    return web.Response(
        status=NO_CONTENT,
        headers={"Allow": methods, "Accept-Ranges": "bytes", "Cache-Control": "no-store"},
    )
