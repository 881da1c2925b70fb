"""What a dialect of HTTP says otherwise than the others: statuses, headers of every answer, and
how a refusal is written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from aiohttp import web

from handlers import rendering
from handlers.problem_types import Statuses
from handlers.problems import Problem


@dataclass(frozen=True, slots=True)
class Dialect:
    statuses: Statuses = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    write: Callable[[web.Request, Problem], web.Response] = rendering.problem_response


PLAIN = Dialect()
# Set by a door that speaks another one, as soon as it is asked.
DIALECT: web.RequestKey[Dialect] = web.RequestKey("dialect", Dialect)


def spoken(request: web.BaseRequest, problem: Problem) -> Problem:
    dialect = request.get(DIALECT, PLAIN)
    return replace(problem, type=problem.type.among(dialect.statuses))


def written(request: web.Request, problem: Problem) -> web.Response:
    dialect: Dialect = request.get(DIALECT, PLAIN)
    return dialect.write(request, problem)


def dress(request: web.BaseRequest, response: web.StreamResponse) -> None:
    dialect: Dialect | None = request.get(DIALECT)
    if dialect is not None:
        response.headers.update(dialect.headers)
