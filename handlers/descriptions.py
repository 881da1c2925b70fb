"""How files, folders, uploads and resolutions are written in answers: links and JSON members."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from urllib.parse import quote

from uploads.asker import Asker
from uploads.files import Event, Folder, StoredFile, Upload, Version
from uploads.names import Path
from uploads.settling import Discard, LinkIt, ReplaceIt, Resolution, StoreAs

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]

FILES = "/files/"
A_SECOND = 1000
UPLOADS = "/uploads/"


def file_href(path: Path) -> str:
    return FILES + path.href_path()


def folder_href(path: Path) -> str:
    return FILES + (path.href_path() + "/" if path.parts else "")


def entry_href(entry: StoredFile | Folder) -> str:
    return folder_href(entry.path) if isinstance(entry, Folder) else file_href(entry.path)


def upload_href(upload: Upload) -> str:
    return UPLOADS + upload.id


def moment(seconds: float) -> str:
    """RFC 3339, in UTC."""
    second = math.floor(seconds)
    millisecond = round((seconds - second) * 1e6) // 1000
    if millisecond == A_SECOND:
        second, millisecond = second + 1, 0
    return f"{_second(second)}.{millisecond:03}+00:00"


@lru_cache(1024)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat()


def http_date(seconds: float) -> str:
    return _http_date(math.floor(seconds))


@lru_cache(1024)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)


def file_members(file: StoredFile) -> dict[str, Json]:
    return {"href": file_href(file.path), **version_members(file.version)}


def folder_members(folder: Folder, asker: Asker) -> dict[str, Json]:
    members: dict[str, Json] = {"href": folder_href(folder.path), "etag": asker.etag(folder)}
    modified = asker.modified(folder)
    return members if modified is None else {**members, "modified": moment(modified)}


def members_of(entry: StoredFile | Folder, asker: Asker) -> dict[str, Json]:
    return folder_members(entry, asker) if isinstance(entry, Folder) else file_members(entry)


def entry_members(entry: StoredFile | Folder, asker: Asker) -> dict[str, Json]:
    """As a line of a listing."""
    kind = "folder" if isinstance(entry, Folder) else "file"
    return {"name": entry.path.name, "type": kind, **members_of(entry, asker)}


def evidence_members(existing: StoredFile | Folder) -> dict[str, Json]:
    """Of a folder no more than where it is: what changes below it is not for everybody."""
    if isinstance(existing, Folder):
        return {"href": folder_href(existing.path)}
    return file_members(existing)


def event_members(path: Path, event: Event) -> dict[str, Json]:
    members: dict[str, Json] = {
        "version": event.number,
        "kind": event.kind.value,
        "at": moment(event.at),
        "by": event.by,
    }
    if event.version is None:
        return members
    href = f"{file_href(path)}?version={event.number}"
    return {**members, "href": href, **version_members(event.version)}


def version_members(version: Version) -> dict[str, Json]:
    return {
        "etag": version.etag,
        "version": version.number,
        "size": version.content.size,
        "digest": version.content.digest,
        "media_type": version.content.media_type,
        "modified": moment(version.modified),
    }


def upload_members(upload: Upload) -> dict[str, Json]:
    return {
        "href": upload_href(upload),
        "expires": moment(upload.expires),
        "name": upload.path.name,
        "target": file_href(upload.path),
        "size": upload.content.size,
        "digest": upload.content.digest,
        "media_type": upload.content.media_type,
    }


def resolution_fields(resolution: Resolution) -> Mapping[str, str]:
    """The fields that a form sends to `/uploads/<id>` for this resolution."""
    match resolution:
        case ReplaceIt(path, etag):
            return {"action": "replace", "path": str(path), "if_match": etag}
        case StoreAs(path):
            return {"action": "store", "path": str(path)}
        case LinkIt(path, _):
            return {"action": "link", "path": str(path)}
        case Discard():
            return {"action": "discard"}


def resolution_members(upload: Upload, resolution: Resolution) -> dict[str, Json]:
    """A complete request, to be sent as it stands."""
    fields = dict(resolution_fields(resolution))
    etag = fields.pop("if_match", None)
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
    headers: dict[str, Json] = {} if etag is None else {"If-Match": etag}
    return {
        "action": fields["action"],
        "method": "POST",
        "href": f"{upload_href(upload)}?{query}",
        "headers": headers,
    }
