"""Every type of problem: the one table of statuses. Nobody else knows that of a refusal."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class ProblemType:
    """`meaning` and `advice` make the page under `/problems/<slug>`."""

    slug: str
    status: int
    title: str
    meaning: str
    advice: str

    @property
    def href(self) -> str:
        return f"/problems/{self.slug}"

    def among(self, statuses: "Statuses") -> "ProblemType":
        """The same in a dialect."""
        return replace(self, status=statuses.get(self.slug, self.status))


def _table(*rows: tuple[str, int, str, str, str]) -> dict[str, ProblemType]:
    return {row[0]: ProblemType(*row) for row in rows}


# fmt: off
TYPES = _table(
    ("already-stored", 409, "This very file is already stored",
     "The name that you uploaded to holds exactly these bytes already. Nothing was written.",
     "There is nothing to do. If a repeated upload should simply succeed, send If-Match with the"
     " ETag of the file, or Prefer: same-file=accept."),
    ("name-taken", 409, "Another file has this name",
     "The name that you uploaded to holds other bytes, and your request did not say that they may"
     " be replaced.",
     "Choose another name, or replace the file on purpose: send If-Match with its ETag. Where your"
     " bytes arrived they are kept for a while, and one of the resolutions settles it without"
     " sending them again."),
    ("name-equivalent", 409, "A name that counts as the same is taken",
     "Some systems cannot tell the two names apart: they differ only in case, in Unicode"
     " normalisation, or in what Windows ignores at the end of a name.",
     "Use the spelling that is there, or a name that differs in more than that."),
    ("name-reserved", 409, "The name is kept for another upload",
     "Somebody has asked what an upload under this name would come to, and had it reserved for a"
     " short time.",
     "Try again when Retry-After says; or choose another name. If the reservation is yours, send it"
     " along."),
    ("content-known", 409, "This content is already stored under another name",
     "The same bytes stand under another name that you may read. Nothing is stored twice without"
     " saying so.",
     "Use the file that is there, or ask for a second name for the same content with"
     " Prefer: same-content=link."),
    ("wrong-offset", 409, "The upload goes on elsewhere",
     "The piece that you sent does not begin where the last one ended.",
     "Send what follows the offset that the answer names."),
    ("taken-over", 409, "A newer request goes on with this upload",
     "One request at a time brings the bytes of an upload, and the newest one counts. What this one"
     " had brought is kept.",
     "There is nothing to do if the newer request is yours. Else ask how far the upload has come."),
    ("arrived-already", 410, "All of this upload is here, and it was refused",
     "No piece is missing, but the file was not stored: it met a conflict. Its bytes are kept.",
     "Ask for the upload with GET: the answer has what settles it without sending it again."),
    ("tus-version", 412, "Another version of tus",
     "Uploads in pieces are taken here by version 1.0.0 of the protocol tus.",
     "Send Tus-Resumable: 1.0.0."),
    ("stale-version", 412, "The file is not the version that you named",
     "Your request rests on a condition (If-Match or If-None-Match) that is not true: the file was"
     " changed, made or deleted meanwhile.",
     "Look at the current version, then send the request again with its ETag in If-Match."),
    ("condition-required", 428, "Say which version you mean",
     "In this folder every write needs a condition, so that nobody overwrites by accident.",
     "Send If-None-Match: * to create a file, or If-Match with its ETag to replace or delete it."),
    ("type-clash", 409, "A file stands where a folder is needed, or the other way round",
     "One name cannot be a file and a folder at once.",
     "Choose another name, or move what is there out of the way. Where your bytes arrived they"
     " are kept for a while, and one of the resolutions stores them beside it."),
    ("in-progress", 409, "The same request is under way",
     "A request with this Idempotency-Key has come, and is not finished.",
     "Send it again in a moment, as it is: the answer will be that of the first."),
    ("not-empty", 409, "The folder is not empty",
     "You asked for a folder to be deleted or moved, and it still holds something.",
     "Send the request again with recursive=true if all of it is meant."),
    ("key-reused", 422, "This key was used for another request",
     "You have sent this Idempotency-Key to this address before, and what you asked for or the"
     " bytes that you sent were not the same. Nothing was done.",
     "Use a new key for a new request. To repeat one, send all of it as it was."),
    ("no-folder", 409, "The folder is not there",
     "You asked for something to be put into a folder that does not exist, by a way on which none"
     " is made without being asked for.",
     "Make the folder first (MKCOL), then send the request again."),
    ("after-refusal", 409, "This was not deleted, because your upload to it was just refused",
     "Some programs clean up after a refused upload by deleting what is at its address. What is"
     " there is not what they sent.",
     "There is nothing to do. If the file itself should go, delete it once more."),
    ("not-that-lock", 409, "That lock is not here",
     "The lock token that you sent does not belong to a lock of this address, or the lock has run"
     " out.",
     "Take a new lock if you still need one."),
    ("locked", 423, "Somebody works on this",
     "A WebDAV client has locked the file, the folder, or something in it, so that nobody else"
     " changes it meanwhile. Locks run out by themselves.",
     "Try again when the lock is given back. Whoever holds it sends its token."),
    ("bad-name", 422, "This cannot be a name here",
     "The name would be dangerous, misleading, or unusable on some system. Names are stored as"
     " sent or refused, never changed in silence.",
     "Choose another name; the detail says which rule it broke."),
    ("malformed-request", 400, "The request cannot be understood",
     "A part of the request is not well-formed, so that what it asks for is not certain.",
     "Correct the part that the detail names and send the request again."),
    ("malformed-condition", 400, "The condition cannot be understood",
     "If-Match and If-None-Match take * or ETags in double quotes. A condition that cannot be read"
     " is refused, never ignored.",
     "Send the ETag exactly as an answer gave it, with its quotes."),
    ("malformed-key", 400, "The Idempotency-Key cannot be understood",
     "Idempotency-Key takes one string. A key that cannot be read is refused, never ignored: you"
     " would believe that a repetition is safe.",
     "Send one random key for each request, such as a UUID in double quotes."),
    ("wrong-digest", 400, "The bytes do not have the declared digest",
     "What arrived is not what you declared, or the digest is of an algorithm that is not known"
     " here. Nothing was stored.",
     "Send the file again; Want-Repr-Digest says which algorithms are understood."),
    ("body-too-short", 400, "The body ended too early",
     "Fewer bytes arrived than were announced. Nothing was stored.",
     "Send the file again."),
    ("wrong-length", 400, "The upload has another length",
     "What an upload in pieces brought, or is said to have, does not agree with the length that was"
     " declared.",
     "Ask how far the upload has come, and go on with what is missing."),
    ("partial-put", 400, "A part of a file cannot be put",
     "Content-Range in a PUT would write a fragment as if it were the whole file.",
     "Send the whole file."),
    ("not-identified", 401, "Sign in first",
     "Who you are is not known here, and that matters for this request.",
     "Send a user name and password (Basic) or a token (Bearer)."),
    ("not-allowed", 403, "You may not do this here",
     "You are known, but do not have this right in this folder.",
     "Ask whoever runs this server for the right."),
    ("cross-site", 403, "This came from another site",
     "A browser sent this request on behalf of a page of another site, so it was not carried out.",
     "Use the pages of this server, or a token."),
    ("protected-property", 403, "This property is kept by the server",
     "The property follows from the file itself and cannot be set.",
     "Leave it out."),
    ("not-there", 404, "There is nothing here",
     "Nothing stands at this address that you may know of.",
     "Check the address: capital letters count, and what has expired is gone."),
    ("method-not-allowed", 405, "Not this method, not here",
     "The address exists, but does not take this method.",
     "The Allow header lists the methods that it takes."),
    ("body-stalled", 408, "The body came too slowly",
     "The upload stood still, or dripped so slowly that it was ended. Nothing was stored.",
     "Send it again over a better connection."),
    ("changes-forgotten", 410, "The changes do not reach back so far",
     "What changed since the number that you named is not kept any more, or was never known to this"
     " server.",
     "List the tree anew, then follow its changes from the number in follow_from, which was taken"
     " before."),
    ("too-large", 413, "The file is too large",
     "It is beyond the largest size that this server takes.",
     "Send a smaller file, or ask whoever runs this server for a higher limit."),
    ("type-refused", 415, "Files of this type are not taken here",
     "What the bytes are is not allowed in this folder, or does not go with the extension.",
     "Put it elsewhere, or give it the extension of what it is."),
    ("content-refused", 422, "Known malicious content",
     "What is stored here is looked through, and the scanner knows something that does harm in this"
     " file. Its bytes are deleted.",
     "Look at where the file comes from. If it is harmless, ask whoever runs this server."),
    ("body-without-meaning", 415, "This request takes no body",
     "The request has a body of which nothing is known here, so that it would be lost.",
     "Send the request without a body."),
    ("not-a-piece", 415, "This body is no piece of an upload",
     "A piece of an upload says so in its Content-Type.",
     "Send it as application/offset+octet-stream, or as application/partial-upload where the upload"
     " was begun that way."),
    ("encoding-refused", 415, "Send the bytes as they are",
     "The body is compressed or otherwise encoded, and is not decoded here.",
     "Leave Content-Encoding out and send the file itself."),
    ("no-such-range", 416, "The range is outside the file",
     "None of the ranges asked for lies within the file.",
     "Content-Range says how long the file is."),
    ("expectation-failed", 417, "This expectation is not met",
     "Expect takes 100-continue only.",
     "Leave the header out."),
    ("wrong-host", 421, "This server does not answer for that host",
     "The Host header names a server that this one is not. It protects visitors of your network"
     " from pages that pose as this server.",
     "Use its address, or have the name added to [server] names in its configuration."),
    ("failed-dependency", 424, "Another part of the request failed",
     "This part could have been done, but all of them are done or none.",
     "Correct the part that failed, and send the request again."),
    ("too-many-uploads", 429, "Too many uploads at once",
     "As many of your uploads are under way as one user may have.",
     "Wait until one of them is done, then send the request again."),
    ("too-many-followers", 429, "Too many requests wait for changes",
     "As many of your requests wait for changes as one user may have.",
     "End one of them, or ask without waiting."),
    ("too-many-connections", 429, "Too many connections from one address",
     "From your address, or from the proxy before you, as many connections are busy as may be.",
     "Use those that are open, and close what is not needed; then send the request again."),
    ("too-many-guesses", 429, "Too many failed attempts to sign in",
     "From your address too many wrong passwords or tokens came in a short time.",
     "Wait as long as Retry-After says."),
    ("headers-too-large", 431, "The address or the headers are too large",
     "The address, one header or the number of headers is beyond what this server reads.",
     "Send a shorter address, and fewer or shorter headers."),
    ("internal", 500, "Something went wrong on our side",
     "The server made a mistake. What was acknowledged before is safe.",
     "Try again; if it happens again, tell whoever runs this server the request id."),
    ("damaged", 500, "The bytes of this file are damaged",
     "What was stored under this name is missing on the disk of the server, or not whole any more.",
     "Upload the file again if you have it: that heals it. Else tell whoever runs this server;"
     " the command verify shows what can be done."),
    ("unknown-method", 501, "An unknown method",
     "This server does not know the method of the request.",
     "Use one of those in the documentation."),
    ("elsewhere", 502, "The destination is on another server",
     "Destination names a place outside this tree, and nothing is sent to other servers.",
     "Name a place in the same tree."),
    ("unavailable", 503, "Not now",
     "The server is busy, stopping, or cannot write at the moment. Nothing was stored.",
     "Try again in a while; Retry-After says when."),
    ("unsettled", 503, "It is not certain whether this was stored",
     "The disk failed at the last step, so the change may or may not have been made. Nothing that"
     " was acknowledged is lost.",
     "Look whether the file is there before you send it again; with an Idempotency-Key just send it"
     " again."),
    ("over-quota", 507, "Your share is used up",
     "What is stored under your name reaches your quota.",
     "Discard what waits for your decision (GET /uploads/ lists it), or ask for a larger share."
     " Deleting gives room only when the old versions are forgotten."),
    ("too-much-to-list", 507, "There is more than one answer can list",
     "Everything below the folder was asked for at once, and the list was ended before its end.",
     "Ask for the folders in it one by one (Depth: 1)."),
    ("disk-full", 507, "The disk is nearly full",
     "The server keeps a reserve of free space and takes nothing more in.",
     "Try again when Retry-After says; reading goes on."),
)
# fmt: on


Statuses = Mapping[str, int]

# Where a dialect has its own word for something, or where its clients understand another one than
# what the table says. After 409 and 423, tus-js-client and Uppy ask how far the upload has come: of
# one that is refused at its end that is all of it, and they would report success. They give up for
# good after any other 4xx, also where going on would help.
AT_TUS: Final[Statuses] = {
    **dict.fromkeys(
        (
            *("already-stored", "name-taken", "name-equivalent", "name-reserved"),
            *("content-known", "type-clash", "locked"),
        ),
        422,
    ),
    "taken-over": 422,
    "wrong-digest": 460,
    "body-stalled": 503,
}
# Clients that sync go on after 412: they look again and keep both.
AT_WEBDAV: Final[Statuses] = {
    "name-taken": 412,
    "condition-required": 412,
    "changes-forgotten": 403,
}
