"""Does the contract describe exactly what the router serves, and the answers as they really are?"""

import re
from typing import Any

import jsonschema_rs
import pytest
from aiohttp import ClientResponse, FormData, web
from yarl import URL

from handlers import app, openapi, operations
from handlers.health import Health
from handlers.metrics import Metrics
from handlers.problem_types import TYPES
from handlers.problems import of_failure
from tests.doors import FOR_ANYBODY, ROOT, House, make_parts, opened
from uploads.access import ANONYMOUS_NAME, Grant, Right
from uploads.failures import Failure
from uploads.policy import Policy

DOCUMENT: Any = openapi.document()
HTML = {"Accept": "text/html"}
DROP_BOX = Grant(ROOT, frozenset({ANONYMOUS_NAME}), frozenset({Right.CREATE}))

# Every file address of the contract is served by one route: the slash at its end decides.
BY_ONE_ROUTE = {"/files/", "/files/{path}", "/files/{path}/"}


def closed(node: Any, *, in_all_of: bool = False) -> Any:
    """The same schema, but what it does not name is not allowed: to find what we forgot to say."""
    if isinstance(node, list):
        return [closed(one, in_all_of=in_all_of) for one in node]
    if not isinstance(node, dict):
        return node
    copy = {name: closed(value, in_all_of=name == "allOf") for name, value in node.items()}
    if ("$ref" in node or "allOf" in node) and not in_all_of:
        copy["unevaluatedProperties"] = False
    return copy


def errors(schema: Any, instance: Any) -> list[str]:
    whole = {**closed(schema), "components": closed(DOCUMENT["components"])}
    validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    return [error.message for error in validator.iter_errors(instance)]


def resolved(node: Any) -> Any:
    if "$ref" not in node:
        return node
    found = DOCUMENT
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


async def check(answer: ClientResponse, address: str) -> Any:
    """The answer is one of those that the contract lists for its operation, in every respect."""
    operation = DOCUMENT["paths"][address][answer.method.lower()]
    assert str(answer.status) in operation["responses"], await answer.text()
    described = resolved(operation["responses"][str(answer.status)])
    body = await answer.read()
    media_type = answer.headers.get("Content-Type", "").partition(";")[0]
    if not body:
        return None
    content = described["content"]
    if media_type not in content:
        assert "*/*" in content, media_type
    if not media_type.endswith("json"):
        return body
    members = await answer.json(content_type=None)
    assert errors(content[media_type].get("schema", {}), members) == []
    return members


async def ask(house: House, method: str, address: str, shape: str, **options: Any) -> Any:
    url = URL(f"{str(house.client.make_url('/')).removesuffix('/')}{address}", encoded=True)
    session = house.client.session
    async with session.request(method, url, allow_redirects=False, **options) as answer:
        return await check(answer, shape)


def routes() -> set[tuple[str, str]]:
    metrics = Metrics()
    parts = make_parts(metrics)
    built: web.Application = app.build(parts, metrics, Health(parts, metrics))
    found = set()
    for route in built.router.routes():
        assert route.resource is not None
        if route.method == "*":
            # WebDAV, whose methods OpenAPI has no words for.
            assert route.resource.canonical.startswith(("/dav", "/remote.php/"))
            continue
        address = re.sub(r":[^}]*}", "}", route.resource.canonical)
        for one in BY_ONE_ROUTE if address == "/files/{path}" else {address}:
            found.add((route.method, one))
    return found


def test_the_contract_has_every_route_and_no_other() -> None:
    described = {
        (method.upper(), address)
        for address, operations in DOCUMENT["paths"].items()
        for method in operations
    }
    assert described == routes()


def test_the_document_is_well_formed_openapi() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)
    ids = [one["operationId"] for path in DOCUMENT["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids))


def test_every_reference_in_the_document_leads_somewhere() -> None:
    def follow(node: Any) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                assert resolved(node), node
            for value in node.values():
                follow(value)
        if isinstance(node, list):
            for value in node:
                follow(value)

    follow(DOCUMENT)


def test_every_part_of_an_address_is_a_required_parameter() -> None:
    for address, path in DOCUMENT["paths"].items():
        for operation in path.values():
            taken = [resolved(one) for one in operation["parameters"]]
            in_path = {one["name"] for one in taken if one["in"] == "path"}
            assert in_path == set(re.findall(r"{(\w+)}", address)), address
            named = [(one["name"], one["in"]) for one in taken]
            assert len(named) == len(set(named)), address


def test_every_problem_type_can_be_the_answer_of_some_operation() -> None:
    named = {slug for one in operations.OPERATIONS for slug in openapi.problems_of(one)}
    # What is no operation at all is answered with one of these.
    others = {"method-not-allowed", "unknown-method", *operations.OF_WEBDAV}
    assert named | others == set(TYPES)
    assert not named & others


def test_every_failure_of_the_rules_has_a_problem_type() -> None:
    def family(failure: type[Failure]) -> set[type[Failure]]:
        below = failure.__subclasses__()
        return {*below, *(one for child in below for one in family(child))}

    for failure in family(Failure):
        assert of_failure(failure("Something.")).type.slug in TYPES


async def test_an_upload_its_versions_and_its_end_are_as_described() -> None:
    file, folder = "/files/{path}", "/files/{path}/"
    async with opened() as house:
        made = await ask(house, "PUT", "/files/a/b.txt", file, data=b"one")
        assert made["href"] == "/files/a/b.txt"
        await ask(house, "HEAD", "/files/a/b.txt", file)
        assert await ask(house, "GET", "/files/a/b.txt", file) == b"one"
        await ask(house, "GET", "/files/a/b.txt", file, headers={"Range": "bytes=0-1"})
        await ask(house, "GET", "/files/a/b.txt", file, headers={"Range": "bytes=9-"})
        await ask(house, "GET", "/files/a/b.txt", file, headers={"If-None-Match": made["etag"]})
        condition = {"If-Match": made["etag"]}
        await ask(house, "PUT", "/files/a/b.txt", file, data=b"two", headers=condition)
        stale = await ask(house, "PUT", "/files/a/b.txt", file, data=b"three", headers=condition)
        assert stale["type"] == "/problems/stale-version"
        history = await ask(house, "GET", "/files/a/b.txt?versions", file)
        assert [one["kind"] for one in history["versions"]] == ["replaced", "created"]
        restore = f"/files/a/b.txt?restore={made['version']}"
        await ask(house, "POST", restore, file)
        now = await ask(house, "POST", restore, file, headers={"If-Match": "*"})
        await ask(house, "POST", "/files/a/b.txt?copy=c.txt", file)
        await ask(house, "POST", "/files/a/b.txt?move=d.txt", file, headers={"If-Match": "*"})
        assert now["etag"] != made["etag"]
        await ask(house, "GET", "/files/a", file)
        await ask(house, "GET", "/files/", "/files/")
        await ask(house, "GET", "/files/a/", folder)
        await ask(house, "PUT", "/files/new/", folder)
        await ask(house, "DELETE", "/files/new/", folder)
        gone = await ask(house, "DELETE", "/files/d.txt", file)
        await ask(house, gone["undo"]["method"], gone["undo"]["href"], file)
        await ask(house, "GET", "/files/d.txt?versions", file)
        await ask(house, "OPTIONS", "/files/d.txt", file)


async def test_every_refusal_of_an_upload_is_as_described() -> None:
    file = "/files/{path}"
    seen = set()
    async with opened() as house:
        await ask(house, "PUT", "/files/a.txt", file, data=b"one")
        for address, body, headers in [
            ("/files/a.txt", b"one", {}),
            ("/files/a.txt", b"two", {}),
            ("/files/A.txt", b"two", {}),
            ("/files/b.txt", b"one", {}),
            ("/files/a.txt/b", b"two", {}),
            ("/files/a.txt", b"two", {"If-None-Match": "*"}),
            ("/files/n.txt", b"two", {"If-Match": '"1-0"'}),
            ("/files/n.txt", b"two", {"If-Match": "abc"}),
            ("/files/n.txt", b"two", {"Repr-Digest": "sha-256=:AAAA:"}),
            ("/files/n.txt", b"two", {"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}),
            ("/files/n.txt", b"two", {"Content-Range": "bytes 0-1/3"}),
            ("/files/n.txt", b"two", {"Content-Encoding": "gzip"}),
            ("/files/%2e%2e/x", b"two", {}),
            ("/files/n.txt", b"two", {"Authorization": "Bearer wrong"}),
            ("/files/n.txt", b"two", {"Origin": "https://elsewhere.example"}),
            ("/files/n.txt", b"two", {"Host": "elsewhere.example"}),
            ("/files/n.txt", b"two", {"Expect": "a miracle"}),
        ]:
            problem = await ask(house, "PUT", address, file, data=body, headers=headers)
            assert set(problem) >= {"type", "detail", "next"}, (address, headers, problem)
            seen.add(problem["type"])
    assert len(seen) >= 14


async def test_what_a_repeated_request_is_answered_is_as_described() -> None:
    file, folder = "/files/{path}", "/files/{path}/"
    key = {"Idempotency-Key": '"some key"'}
    async with opened() as house:
        for _ in range(2):
            await ask(house, "PUT", "/files/a.txt", file, data=b"one", headers=key)
            await ask(house, "POST", "/files/a.txt?copy=b.txt", file, headers=key)
            await ask(house, "PUT", "/files/f/", folder, headers=key)
            await ask(house, "DELETE", "/files/b.txt", file, headers=key)
        reused = await ask(house, "PUT", "/files/a.txt", file, data=b"two", headers=key)
        assert reused["type"] == "/problems/key-reused"
        bad = {"Idempotency-Key": "a, b"}
        malformed = await ask(house, "PUT", "/files/a.txt", file, data=b"two", headers=bad)
        assert malformed["type"] == "/problems/malformed-key"


async def test_a_form_that_breaks_off_is_refused_with_what_was_stored_of_it() -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=border"}
    part = (
        b'--border\r\nContent-Disposition: form-data; name="file"; filename="%d.txt"\r\n\r\nbody %d'
    )
    body = b"\r\n".join(part % (number, number) for number in range(2))
    async with opened() as house:
        refused = await ask(house, "POST", "/files/", "/files/", data=body, headers=headers)
        assert refused["type"] == "/problems/body-too-short"
        assert [one["status"] for one in refused["results"]] == [201]


async def test_a_conflict_is_parked_shown_listed_and_settled_as_described() -> None:
    upload = "/uploads/{id}"
    token = {"Authorization": "Bearer token"}
    async with opened() as house:
        for body in (b"one", b"two"):
            last = await ask(
                house, "PUT", "/files/a.txt", "/files/{path}", data=body, headers=token
            )
        href = last["upload"]["href"]
        assert {one["action"] for one in last["resolutions"]} == {"replace", "store", "discard"}
        listed = await ask(house, "GET", "/uploads/", "/uploads/", headers=token)
        assert [one["href"] for one in listed["uploads"]] == [href]
        shown = await ask(house, "GET", href, upload, headers=token)
        assert shown["problem"]["existing"]["href"] == "/files/a.txt"
        content = await ask(house, "GET", f"{href}/content", f"{upload}/content", headers=token)
        assert content == b"two"
        (store,) = (one for one in last["resolutions"] if one["action"] == "store")
        file = await ask(
            house, store["method"], store["href"], upload, headers={**store["headers"], **token}
        )
        assert file["href"] == "/files/a%20(2).txt"
        assert (await ask(house, "GET", href, upload))["type"] == "/problems/not-there"


@pytest.mark.parametrize("count", [1, 3])
async def test_a_form_is_answered_as_described(count: int) -> None:
    async with opened() as house:
        for _ in range(2):
            form = FormData()
            for number in range(count):
                form.add_field("file", f"body {number}".encode(), filename=f"f{number}.txt")
            await ask(house, "POST", "/files/", "/files/", data=form)
        posted = {"Slug": "posted.txt"}
        await ask(house, "POST", "/files/a/", "/files/{path}/", data=b"raw", headers=posted)


async def test_a_drop_box_is_answered_as_described() -> None:
    async with opened(grants=[DROP_BOX]) as house:
        received = await ask(house, "PUT", "/files/a.txt", "/files/{path}", data=b"one")
        assert received == {"received": True, "size": 3}
        again = await ask(house, "PUT", "/files/a.txt", "/files/{path}", data=b"one")
        assert "existing" not in again
        await ask(house, "GET", "/files/a.txt", "/files/{path}")


async def test_a_condition_that_is_required_is_refused_as_described() -> None:
    async with opened(policy=Policy(require_conditions=True)) as house:
        refused = await ask(house, "PUT", "/files/a.txt", "/files/{path}", data=b"one")
        assert refused["type"] == "/problems/condition-required"


@pytest.mark.parametrize("headers", [{}, HTML])
@pytest.mark.parametrize(
    ("address", "shape"),
    [
        ("/", "/"),
        ("/files/", "/files/"),
        ("/uploads/", "/uploads/"),
        ("/uploads/nothing", "/uploads/{id}"),
        ("/problems/", "/problems/"),
        ("/problems/name-taken", "/problems/{slug}"),
        ("/problems/unheard-of", "/problems/{slug}"),
        ("/openapi.json", "/openapi.json"),
        ("/docs", "/docs"),
        ("/static/icon.svg", "/static/{name}"),
        ("/static/nothing.css", "/static/{name}"),
        ("/health/live", "/health/live"),
        ("/health/ready", "/health/ready"),
        ("/metrics", "/metrics"),
        ("/status.php", "/status.php"),
        ("/index.php/204", "/index.php/204"),
        ("/ocs/v1.php/cloud/capabilities", "/ocs/{ocs}/cloud/capabilities"),
        ("/ocs/v2.php/cloud/user", "/ocs/{ocs}/cloud/user"),
    ],
)
async def test_what_can_be_read_is_as_described(
    address: str, shape: str, headers: dict[str, str]
) -> None:
    async with opened(grants=[FOR_ANYBODY]) as house:
        await ask(house, "GET", address, shape, headers=headers)
        await ask(house, "HEAD", address, shape, headers=headers)


async def test_every_problem_type_has_its_page_and_its_members() -> None:
    async with opened() as house:
        listed = await ask(house, "GET", "/problems/", "/problems/")
        assert [one["type"] for one in listed["types"]] == [one.href for one in TYPES.values()]
        for one in listed["types"]:
            assert await ask(house, "GET", one["type"], "/problems/{slug}") == one
            page = await ask(house, "GET", one["type"], "/problems/{slug}", headers=HTML)
            assert b"<h1>" in page


async def test_the_contract_is_served_as_it_is() -> None:
    async with opened() as house, house.client.get("/openapi.json") as answer:
        assert answer.content_type == "application/json"
        assert await answer.json() == DOCUMENT


async def test_the_readable_contract_has_every_operation() -> None:
    async with opened() as house:
        page = (await ask(house, "GET", "/docs", "/docs")).decode()
        for address, path in DOCUMENT["paths"].items():
            for method in path:
                assert f"{method.upper()} {address}</code>" in page
