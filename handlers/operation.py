"""What an operation is in the contract: values only, of which `operations` makes its tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from handlers.problem_types import Statuses

JSON, HTML, TEXT, ANYTHING = "application/json", "text/html", "text/plain", "*/*"
EVENTS, ZIP = "text/event-stream", "application/zip"
FORM, FIELDS, BYTES, PIECE, PART = (
    "multipart/form-data",
    "application/x-www-form-urlencoded",
    "application/octet-stream",
    "application/offset+octet-stream",
    "application/partial-upload",
)
# A request body in JSON, with its schema after the colon.
LIST = "application/json:Preflight"


@dataclass(frozen=True, slots=True)
class Answer:
    """`content`: media type -> names of schemas, none where it is not JSON."""

    status: int
    meaning: str
    content: tuple[tuple[str, tuple[str, ...]], ...] = ()
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    address: str
    summary: str
    takes: tuple[str, ...]
    answers: tuple[Answer, ...]
    problems: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    description: str = ""
    dialects: tuple[Statuses, ...] = ({},)

    @property
    def is_safe(self) -> bool:
        return self.method in {"GET", "HEAD", "OPTIONS"}


def in_json(
    status: int, meaning: str, *schemas: str, headers: Sequence[str] = (), page: bool = False
) -> Answer:
    content = ((JSON, schemas), *(((HTML, ()),) if page else ()))
    return Answer(status, meaning, content, tuple(headers))


def as_page(meaning: str) -> Answer:
    return Answer(200, meaning, ((HTML, ()),))
