"""What an error of the disk means: for the one who uploads, and for whether writing may go on."""

import errno
import logging
import threading

from uploads.events import Degraded, Publish
from uploads.failures import DiskFull, Failure, TooLarge, Unavailable

_log = logging.getLogger(__name__)

_FULL = {errno.ENOSPC, errno.EDQUOT}
_CROWDED = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


class Faults:
    """Remembers an input/output error until the restart: no later write can be trusted."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._lock = threading.Lock()
        self._reason: str | None = None

    @property
    def reason(self) -> str | None:
        """Why nothing is written any more; None while all is well."""
        return self._reason

    def require_sound(self) -> None:
        """:raises Unavailable: the disk has failed since the start."""
        if self._reason is not None:
            raise _unsound()

    def judge(self, error: OSError) -> Failure:
        """The failure to answer with, after writing failed."""
        _log.error("writing failed: %s", error.strerror or error)
        if error.errno in _FULL:
            return DiskFull(
                "The disk of this server is full, so the upload was not stored."
                " What is stored can still be read. Send it again when there is room."
            )
        if error.errno == errno.EFBIG:
            return TooLarge(
                "The upload is larger than a file on this server's disk can be. Nothing was stored."
            )
        if error.errno == errno.EROFS:
            return Unavailable(
                "The disk of this server is read-only now. Nothing was stored; send it again later."
            )
        if error.errno in _CROWDED:
            return Unavailable(
                "This server has too much open. Nothing was stored; send it again in a moment."
            )
        if error.errno == errno.EIO:
            self._stop("the disk reported an input/output error")
            return _unsound()
        return Unavailable(
            "This server could not write the upload. Nothing was stored; send it again later."
        )

    def _stop(self, reason: str) -> None:
        with self._lock:
            first, self._reason = self._reason is None, reason
        if first:
            _log.critical(
                "%s: writing has stopped; check the disk, run `verify --scrub`, restart", reason
            )
            self._publish(Degraded(reason))


def _unsound() -> Unavailable:
    return Unavailable(
        "The disk of this server has failed and needs attention, so nothing more is written."
        " What is stored can still be read."
    )
