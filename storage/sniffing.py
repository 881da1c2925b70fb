"""What the first bytes of a content are, by libmagic, and whether a name goes with that.

libmagic reads what strangers sent: it works in threads of its own under a deadline, and a thread
that it never comes back from is left behind for a new one. Knows nothing of policies.
"""

import asyncio
import contextlib
import functools
import logging
import mimetypes
import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pylibmagic  # noqa: F401 - it leads the import below to the libmagic that it brings

# isort: split
import magic

from storage.crossing import Delivery, Gathering
from uploads.files import UNKNOWN_TYPE

_log = logging.getLogger(__name__)

# As much as libmagic needs for nearly every type; what comes later in a file is not looked at.
_LOOKED_AT = 8192
# The table that comes with libmagic costs 0.3 ms for bytes of no type and 1.6 to 3.5 ms for a text:
# it compiles its patterns anew each time. Ours has none: 0.03 ms and 0.01 to 0.07 ms.
_TABLE = Path(__file__).with_name("types.magic")
_NO_CHECK_CSV = 0x080000
# All that is about texts: their encoding, which takes as long as the whole table, JSON and CSV.
_NO_CHECK_TEXT = 0x200000 | 0x020000 | 0x400000 | _NO_CHECK_CSV
# No text has a zero byte, but for those of wide characters, which begin with one of these marks,
# and for the padding behind it.
_ZERO = b"\0"
_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_AT_ONCE = 2
_STUCK_AT_MOST = 4

# What the system's table does not know, or knows differently on every system.
_EXTENSIONS = {
    ".a": "application/x-archive",
    ".chm": "application/vnd.ms-htmlhelp",
    ".md": "text/markdown",
    ".mpc": "audio/x-musepack",
    ".wv": "audio/x-wavpack",
    ".xar": "application/x-xar",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".jxl": "image/jxl",
    ".flac": "audio/flac",
    ".opus": "audio/ogg",
    ".ogg": "audio/ogg",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".7z": "application/x-7z-compressed",
    ".gz": "application/gzip",
    ".tgz": "application/gzip",
    ".bz2": "application/x-bzip2",
    ".xz": "application/x-xz",
    ".zst": "application/zstd",
    ".rar": "application/x-rar",
    ".epub": "application/epub+zip",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".jar": "application/java-archive",
    ".apk": "application/vnd.android.package-archive",
}

# Different words for one thing; the first is the one that the others count as.
_SAME = (
    ("application/gzip", "application/x-gzip"),
    ("application/java-archive", "application/x-xpinstall"),
    ("application/vnd.apple.mpegurl", "audio/mpegurl", "audio/x-mpegurl"),
    ("application/vnd.corel-draw", "image/x-coreldraw"),
    ("application/vnd.rn-realmedia", "audio/x-pn-realaudio"),
    ("application/x-bytecode.python", "application/x-python-code"),
    ("application/x-dosexec", "application/x-msdos-program", "application/x-msdownload"),
    ("application/x-font-type1", "application/postscript", "application/x-font"),
    ("application/x-java-applet", "application/java-vm"),
    ("application/x-lzh-compressed", "application/x-lzh", "application/x-lha"),
    ("application/x-msaccess", "application/msaccess"),
    ("application/x-netcdf", "application/x-cdf"),
    ("application/x-pem-file", "application/pem-certificate-chain", "application/pkix-cert"),
    ("application/x-pem-file", "application/x-x509-ca-cert"),
    ("application/x-rar", "application/vnd.rar", "application/x-rar-compressed"),
    ("application/x-rpm", "application/x-redhat-package-manager"),
    ("application/x-shockwave-flash", "application/vnd.adobe.flash.movie"),
    ("application/x-tar", "application/tar"),
    ("application/xml", "text/xml"),
    ("application/rtf", "text/rtf"),
    ("application/zip", "application/x-zip-compressed"),
    ("application/msword", "application/x-ole-storage", "application/CDFV2"),
    ("application/vnd.ms-excel", "application/x-ole-storage", "application/CDFV2"),
    ("application/vnd.ms-powerpoint", "application/x-ole-storage", "application/CDFV2"),
    ("application/x-msi", "application/x-ole-storage", "application/CDFV2"),
    ("application/pgp-keys", "application/pgp-encrypted", "application/pgp-signature", "text/PGP"),
    ("application/postscript", "image/x-eps"),
    ("application/x-executable", "application/x-pie-executable", "application/x-sharedlib"),
    ("application/x-executable", "application/x-object"),
    ("audio/wav", "audio/x-wav", "audio/vnd.wave"),
    ("audio/mp4", "audio/x-m4a", "video/mp4", "audio/mp4a-latm", "video/x-m4v"),
    ("audio/flac", "audio/x-flac"),
    ("audio/aac", "audio/x-hx-aac-adts"),
    ("audio/amr", "audio/AMR"),
    ("audio/midi", "audio/x-midi", "audio/mid", "audio/sp-midi"),
    ("audio/ogg", "video/ogg", "application/ogg"),
    ("video/3gpp", "audio/3gpp"),
    ("video/3gpp2", "audio/3gpp2"),
    # The names end in .ts and .mts.
    ("video/MP2T", "video/mp2t", "text/vnd.trolltech.linguist", "model/vnd.mts"),
    ("video/x-matroska", "video/webm", "audio/webm"),
    ("video/x-ms-asf", "application/vnd.ms-asf", "video/x-ms-wmv", "audio/x-ms-wma"),
    ("video/x-msvideo", "video/avi", "video/vnd.avi"),
    ("image/bmp", "image/x-ms-bmp"),
    ("image/vnd.microsoft.icon", "image/x-icon"),
    ("image/heic", "image/heif"),
    ("image/png", "image/apng"),
    ("image/tiff", "image/x-nikon-nef"),
    ("image/x-exr", "image/aces"),
    ("image/x-pcx", "image/vnd.zbrush.pcx"),
    ("image/x-portable-bitmap", "image/x-portable-anymap"),
    ("image/x-portable-graymap", "image/x-portable-anymap"),
    ("image/x-portable-pixmap", "image/x-portable-anymap"),
    ("model/3mf", "application/vnd.ms-3mfdocument"),
    ("font/ttf", "font/sfnt", "application/font-sfnt", "application/x-font-ttf"),
    ("font/otf", "application/vnd.ms-opentype", "font/sfnt"),
    # Markdown may be HTML, and XML without a declaration may begin like it; neither is shown.
    ("text/html", "text/markdown"),
    ("text/html", "application/xml", "text/xml"),
)

# Text that has a media type of its own outside text/*: libmagic may call it plain text.
_TEXTUAL = {
    "application/javascript",
    "application/json",
    "application/mbox",
    "application/rtf",
    "application/sql",
    "application/toml",
    "application/x-csh",
    "application/x-httpd-php",
    "application/x-javascript",
    "application/x-latex",
    "application/x-ndjson",
    "application/x-pem-file",
    "application/x-perl",
    "application/x-python-code",
    "application/x-ruby",
    "application/x-sh",
    "application/x-subrip",
    "application/x-tcl",
    "application/x-tex",
    "application/xml",
    "application/yaml",
    "message/rfc822",
}
# Formats that are a zip file inside: libmagic says no more than that when it cannot look further.
_ZIPPED = (
    "application/vnd.openxmlformats-",
    "application/vnd.oasis.opendocument.",
    "application/vnd.android.package-archive",
    "application/java-archive",
    "application/epub+zip",
)


@dataclass(slots=True, eq=False)
class _Question:
    head: bytes
    answer: "asyncio.Future[str]"


class MagicSniffer:
    """Implements the port `Sniffer`. `deadline` is in seconds, counted while libmagic works."""

    def __init__(self, deadline: float = 0.2) -> None:
        self._deadline = deadline
        self._delivery = Delivery()
        self._asked: set[_Question] = set()
        self._watching: asyncio.TimerHandle | None = None
        self._left: list[_Worker] = []
        self._has_given_up = False
        if not magic_works():
            _log.error("libmagic cannot read %s: media types are unknown", _TABLE.name)
        # Made now, so that their tables of types are read before the first question comes.
        self._employ()

    async def media_type(self, head: bytes) -> str:
        """Empty content has no type to be told: it is unknown, which fits every name."""
        if not head or not self._is_staffed():
            return UNKNOWN_TYPE
        question = _Question(head[:_LOOKED_AT], asyncio.get_running_loop().create_future())
        self._asked.add(question)
        self._gathering.add(question)
        self._watch_from_now_on()
        try:
            return await self._delivery.wait(question.answer)
        except magic.MagicException:
            _log.warning("libmagic cannot tell what a content is", exc_info=True)
            return UNKNOWN_TYPE
        finally:
            self._asked.discard(question)

    def fits(self, media_type: str, name: str) -> bool:
        """An extension that nobody knows promises nothing, so any type fits it."""
        expected = _expected(name)
        if UNKNOWN_TYPE in (media_type, expected):
            return True
        return (
            media_type == expected
            or _one_text(media_type, expected)
            or _zipped(media_type, expected)
            or any(media_type in words and expected in words for words in _SAME)
        )

    def close(self) -> None:
        for _ in self._workers:
            self._questions.put(None)

    def _new_worker(self) -> "_Worker":
        return _Worker(self._questions, self._delivery)

    def _watch_from_now_on(self) -> None:
        if self._watching is None:
            loop = asyncio.get_running_loop()
            self._watching = loop.call_later(self._deadline / 2, self._watch)

    def _watch(self) -> None:
        self._watching = None
        for place, worker in enumerate(self._workers):
            question = worker.question
            if question is not None and not worker.left and worker.spent > self._deadline:
                worker.left = True
                self._left.append(worker)
                _log.error("libmagic hangs; media types that it was asked for are unknown")
                _answer_unknown(question)
                if self._hanging() < _STUCK_AT_MOST:
                    self._workers[place] = self._new_worker()
                else:
                    self._give_up()
        if self._asked:
            self._watch_from_now_on()

    def _hanging(self) -> int:
        """How many were left behind and have not come back yet."""
        self._left = [worker for worker in self._left if worker.question is not None]
        return len(self._left)

    def _is_staffed(self) -> bool:
        """Until too many hang at once; and again when one of them has come back."""
        if self._has_given_up and self._hanging() < _STUCK_AT_MOST:
            self._has_given_up = False
            self._employ()
        return not self._has_given_up

    def _employ(self) -> None:
        """With questions of their own: those before may have been told to end, and not heard it."""
        self._questions: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()
        self._gathering: Gathering[_Question] = Gathering(self._questions.put)
        self._workers = [self._new_worker() for _ in range(_AT_ONCE)]

    def _give_up(self) -> None:
        self._has_given_up = True
        _log.error(
            "libmagic hangs %d times: every media type is unknown until it comes back",
            _STUCK_AT_MOST,
        )
        for question in self._asked:
            _answer_unknown(question)
        self.close()


class _Worker:
    """One thread with one libmagic, which must not be used by two at once. `left` behind, it ends
    as soon as libmagic comes back.
    """

    def __init__(
        self, questions: "queue.SimpleQueue[_Question | None]", delivery: Delivery
    ) -> None:
        self.question: _Question | None = None
        self.left = False
        self._began = 0.0
        self._questions = questions
        self._delivery = delivery
        threading.Thread(target=self._run, name="libmagic", daemon=True).start()

    @property
    def spent(self) -> float:
        return time.monotonic() - self._began

    def _run(self) -> None:
        judge: magic.Magic | None = None
        with contextlib.suppress(magic.MagicException):
            judge = _load()
        while not self.left and (question := self._next()) is not None:
            self._began, self.question = time.monotonic(), question
            try:
                judge = judge or _load()
                answer, error = _tell(judge, question.head), None
            except Exception as failed:  # noqa: BLE001 - whatever libmagic throws must not end the thread
                answer, error = None, magic.MagicException(str(failed))
            self.question = None
            self._delivery.put(question.answer, answer, error)

    def _next(self) -> _Question | None:
        try:
            return self._questions.get_nowait()
        except queue.Empty:
            self._delivery.send()
            return self._questions.get()


def magic_works() -> bool:
    """Can libmagic read our table of types, and does it know a picture when it sees one?"""
    try:
        return _tell(_load(), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR") == "image/png"
    except magic.MagicException:
        return False


def _load() -> magic.Magic:
    """Raises `MagicException` where the table is missing or has a mistake."""
    return magic.Magic(mime=True, magic_file=str(_TABLE))


def _tell(judge: magic.Magic, head: bytes) -> str:
    """CSV is looked for before the table is looked at: a page must not pass for that."""
    if _ZERO in head.rstrip(_ZERO) and not head.startswith(_MARKS):
        return _tell_without(_NO_CHECK_TEXT, judge, head)
    told = str(judge.from_buffer(head))
    if told != "text/csv":
        return told
    otherwise = _tell_without(_NO_CHECK_CSV, judge, head)
    return told if otherwise == "text/plain" else otherwise


def _tell_without(checks: int, judge: magic.Magic, head: bytes) -> str:
    magic.magic_setflags(judge.cookie, judge.flags | checks)
    try:
        return str(judge.from_buffer(head))
    finally:
        magic.magic_setflags(judge.cookie, judge.flags)


def _answer_unknown(question: _Question) -> None:
    if not question.answer.done():
        question.answer.set_result(UNKNOWN_TYPE)


def _expected(name: str) -> str:
    _, dot, extension = name.lower().rpartition(".")
    if not dot:
        return UNKNOWN_TYPE
    return _EXTENSIONS.get(dot + extension) or _listed(extension)


@functools.lru_cache(1024)
def _listed(extension: str) -> str:
    guessed, encoding = mimetypes.guess_type(f"x.{extension}", strict=False)
    return UNKNOWN_TYPE if guessed is None or encoding is not None else guessed


def _one_text(media_type: str, expected: str) -> bool:
    """Which text it is, is a guess (C, Python, CSV, plain); HTML and SVG are not any text."""
    if "text/html" in (media_type, expected) or "image/svg+xml" in (media_type, expected):
        return {media_type, expected} <= {"text/html", "application/xhtml+xml"} or (
            expected == "image/svg+xml"
            and media_type in ("text/xml", "application/xml", "text/plain")
        )
    return _is_text(media_type) and _is_text(expected)


def _is_text(media_type: str) -> bool:
    return (
        media_type.startswith("text/")
        or media_type in _TEXTUAL
        or media_type.endswith(("+json", "+xml"))
    )


def _zipped(media_type: str, expected: str) -> bool:
    return media_type == "application/zip" and expected.startswith(_ZIPPED)
