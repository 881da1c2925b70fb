"""How the log is written: for people at a terminal, or as JSON lines for machines.

A record may carry `facts`, a mapping of names to values. Nothing that came from a client can break
a line or hide in it: whatever is invisible is written as an escape.
"""

import json
import logging
import sys
import time
from collections.abc import Mapping
from functools import lru_cache

from program.console import amount, printable
from program.settings import Log
from uploads.events import Event, Reserve

ACCESS = "noclobber.access"

_log = logging.getLogger("noclobber")


class PlainLines(logging.Formatter):
    """One line per record; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        moment, level = _moment(int(record.created)), record.levelname.lower()
        line = f"{moment} {level:7} {printable(record.getMessage())}"
        said = record.args if isinstance(record.args, tuple) else ()
        facts = " ".join(
            f"{name}={_shown(value)}" for name, value in _facts(record).items() if value not in said
        )
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        lines = [f"{line}  {facts}".rstrip(), *map(printable, trace.splitlines())]
        return "\n".join(lines)


class JsonLines(logging.Formatter):
    """One object per line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "log": record.name,
            "message": record.getMessage(),
            **_facts(record),
        }
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str)


def configure(wanted: Log) -> None:
    """Sends all that is logged to standard error, in the form and from the level that is wanted."""
    # Who logged, in which thread and task, is in no line of ours, and costs each one.
    logging._srcfile = None  # noqa: SLF001 - as Python's documentation of logging advises
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if wanted.format == "json" else PlainLines())
    logging.basicConfig(handlers=[handler], level=wanted.level.upper(), force=True)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    if not wanted.requests:
        logging.getLogger(ACCESS).setLevel(logging.WARNING)


@lru_cache(1)
def _moment(second: int) -> str:
    """Busy servers log many lines in one second."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


def _facts(record: logging.LogRecord) -> Mapping[str, object]:
    facts = getattr(record, "facts", {})
    return facts if isinstance(facts, Mapping) else {}


def _shown(value: object) -> str:
    text = printable(str(value))
    return json.dumps(text, ensure_ascii=False) if " " in text or not text else text


def tell(event: Event) -> None:
    """What whoever runs the server has to know before anybody calls."""
    if not isinstance(event, Reserve):
        return
    free = amount(event.free)
    if event.is_reached:
        _log.warning("uploads are refused: the reserve of free space is reached, %s free", free)
    else:
        _log.warning("uploads are taken again: there is more than the reserve, %s free", free)
