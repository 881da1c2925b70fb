"""Why an upload or another wish failed, where no collision is the reason.

Failure                     its text is for people: what happened, to which thing, what to do next
├── NotIdentified           who asks is not known, and that would matter
├── NotAllowed              known, but may not
├── NotThere                nothing there that the caller may know of
├── NoFolder                the folder that something should go into is not there
├── Locked                  somebody else keeps the place for a while
├── NotThatLock             the lock that was named does not keep this place
├── MalformedRequest        what was asked cannot be understood
├── WrongDigest             the bytes are not those whose digest was declared
├── BodyTooShort            the body ended before its declared length
├── BodyStalled             the body stood still, or dripped
├── TooLarge                beyond a limit of size
├── TypeRefused             the folder does not take this media type, or extension and bytes differ
├── ContentRefused          the bytes hold something that is known to do harm
├── OverQuota               the principal's share is used up
├── DiskFull                the reserve of free space is reached
├── Damaged                 the bytes of a file are missing, or not those that were stored
├── TooManyUploads          the principal has too many at once
├── TooManyFollowers        the same, of requests that wait for changes
├── TooManyGuesses          wrong codes came before this one, which is right
├── ChangesForgotten        the feed of changes does not reach back so far
├── NameReserved            the name is kept for another upload, for a short time
├── InProgress              the same request, by its key, is under way
├── KeyReused               the key of a request names another one
├── WrongOffset             a piece of an upload does not begin where the last one ended
├── WrongLength             an upload has another length than was said
├── TakenOver               a newer request goes on with the same upload
├── ArrivedAlready          all of this upload is here, and no piece is missing
└── Unavailable             busy, or degraded: later again
    └── Unsettled           a commit failed: it may or may not have happened
"""

from uploads.names import Path


class Failure(Exception):
    """The family. `retry_after` is in seconds, where another try makes sense."""

    retry_after: int | None = None

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotIdentified(Failure):
    pass


class NotAllowed(Failure):
    pass


class NotThere(Failure):
    pass


class NoFolder(Failure):
    pass


class Locked(Failure):
    """`path`: what is locked, as far as it may be told."""

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.path = path


class NotThatLock(Failure):
    pass


class MalformedRequest(Failure):
    pass


class WrongDigest(Failure):
    pass


class BodyTooShort(Failure):
    pass


class BodyStalled(Failure):
    pass


class TooLarge(Failure):
    pass


class TypeRefused(Failure):
    pass


class ContentRefused(Failure):
    """`found`: what the scanner calls it."""

    def __init__(self, message: str, found: str = "") -> None:
        super().__init__(message)
        self.found = found


class OverQuota(Failure):
    pass


class DiskFull(Failure):
    retry_after = 60


class Damaged(Failure):
    pass


class TooManyUploads(Failure):
    retry_after = 5


class TooManyFollowers(Failure):
    retry_after = 30


class TooManyGuesses(Failure):
    def __init__(self, message: str, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ChangesForgotten(Failure):
    """`follow_from`: the number from which on the tree, once listed anew, can be followed."""

    def __init__(self, message: str, follow_from: int = 0) -> None:
        super().__init__(message)
        self.follow_from = follow_from


class NameReserved(Failure):
    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InProgress(Failure):
    retry_after = 1


class KeyReused(Failure):
    pass


class WrongOffset(Failure):
    """`expected`: where to go on. `given`: what the request said."""

    def __init__(self, message: str, expected: int = 0, given: int = 0) -> None:
        super().__init__(message)
        self.expected = expected
        self.given = given


class WrongLength(Failure):
    pass


class TakenOver(Failure):
    pass


class ArrivedAlready(Failure):
    """It waits for a decision under the id `upload`, until `expires`."""

    def __init__(self, message: str, upload: str = "", expires: float = 0.0) -> None:
        super().__init__(message)
        self.upload = upload
        self.expires = expires


class Unavailable(Failure):
    retry_after = 5


class Unsettled(Unavailable):
    pass
