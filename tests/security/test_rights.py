"""Every method of every address, asked by everybody, in every state: refused unless a row allows it."""

import json
import re
import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import ClientResponse

from handlers import app
from handlers.health import Health
from handlers.metrics import Metrics
from handlers.nextcloud.chunks import Chunks
from handlers.nextcloud.files import Files
from handlers.operations import OPERATIONS
from handlers.webdav.methods import WebDav
from handlers.webdav.mount import Mount
from storage.memory.shelves import MemoryAccounts
from tests.doors import House, make_parts, opened
from tests.security.rights import (
    CREATE,
    KNOWN,
    LIST,
    MOUNTS,
    PLACE,
    READ,
    REPLACE,
    RIGHTS,
    ROWS,
    STORING,
    STRANGER,
    TOKENS,
    USERS,
    Row,
    user,
)
from uploads.access import ALL_RIGHTS, ANONYMOUS_NAME, Grant
from uploads.locks import Lock
from uploads.names import Path
from uploads.ports import Turn

ADMIN = "admin"
DRESS = {
    "Server": "noclobber",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
CHUNKS = "/remote.php/dav/uploads/{user}/{upload}"
GRANTS = [
    Grant(Path(()), frozenset({f"user:{ADMIN}"}), ALL_RIGHTS),
    Grant(Path((PLACE,)), frozenset({f"user:{ADMIN}"}), ALL_RIGHTS),
    *(Grant(Path((PLACE,)), frozenset({f"user:{name}"}), held) for name, held in USERS.items()),
]
SECRET = "the secret of {c}"
# Told only to whoever may look into the folder.
INNER = "inner-of-{c}"


def as_(name: str) -> dict[str, str]:
    return {} if name == STRANGER else {"Authorization": f"Bearer {name}"}


@pytest_asyncio.fixture(name="house")
async def _house() -> AsyncIterator[House]:
    async with opened(GRANTS) as house:
        accounts = house.parts.accounts
        assert isinstance(accounts, MemoryAccounts)
        principals = {name: user(name) for name in (ADMIN, *USERS)}
        principals |= {name: user("editor", scope) for name, (scope, _) in TOKENS.items()}
        # As files keep them: by the name under which they are looked up again at the end.
        accounts.principals |= principals
        accounts.principals |= {one.name: one for one in map(user, (ADMIN, *USERS))}
        accounts.passwords |= dict.fromkeys(accounts.principals, "unknown")
        accounts.tokens |= {name: name for name in principals}
        yield house


async def put(house: House, path: str, body: str, **headers: str) -> ClientResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with house.client.put(
        f"/files/{path}", data=body.encode(), headers={**as_(ADMIN), **named}
    ) as answer:
        await answer.read()
        return answer


async def prepared(house: House, case: str, who: str) -> dict[str, str]:
    """A file with two versions, a folder with a file, one that is locked by whoever asks, and of the
    admin a parked and an arriving upload.
    """
    first = await put(house, f"{PLACE}/{case}/file", SECRET.format(c=case))
    second = await put(
        house, f"{PLACE}/{case}/file", SECRET.format(c=case) + ".", If_Match=first.headers["ETag"]
    )
    assert (first.status, second.status) == (201, 200)
    kept = await put(house, f"{PLACE}/{case}/kept", f"kept {case}")
    assert kept.status == 201
    locked = await lock_of(house, Path((PLACE, case, "kept")), who)
    inner = await put(house, f"{PLACE}/{case}/sub/inner", INNER.format(c=case))
    refused = await put(house, f"{PLACE}/{case}/file", f"refused {case}")
    assert (inner.status, refused.status) == (201, 409)
    begin = {"Tus-Resumable": "1.0.0", "Upload-Length": "9", "Upload-Metadata": "filename eA=="}
    async with house.client.post("/uploads/", headers={**as_(ADMIN), **begin}) as begun:
        assert begun.status == 201
    version = first.headers["ETag"].strip('"').partition("-")[0]
    parked = json.loads(await refused.text())["upload"]["href"]
    begun_at = begun.headers["Location"]
    values = {"c": case, "version": version, "parked": parked, "arriving": begun_at}
    return {**values, **known_of(who), "lock": locked}


async def lock_of(house: House, path: Path, who: str) -> str:
    """As if they had had the right to it before."""
    name = known_of(who)["me"]
    owner = name if who == STRANGER else f"user:{name}"
    token = f"urn:uuid:{uuid.uuid4()}"
    one = Lock(token, path, owner, exclusive=True, deep=False, owner="", expires=2**40)

    def work(turn: Turn) -> None:
        turn.lock(one)

    await house.parts.holdings.index.write(work)
    return token


def known_of(who: str) -> dict[str, str]:
    """What they call themselves in addresses."""
    return {"me": {STRANGER: ANONYMOUS_NAME, **dict.fromkeys(TOKENS, "editor")}.get(who, who)}


def filled(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}|%(c)%", lambda found: values[found[1] or found[2]], text)


async def state(house: House) -> str:
    """Changes with whatever changes in the tree."""
    async with house.client.get("/files/", headers=as_(ADMIN)) as answer:
        return answer.headers["ETag"]


def allowed(row: Row, who: str) -> bool:
    if row.needs == KNOWN:
        return who != STRANGER
    if row.needs == STORING:
        return bool(RIGHTS[who] & {CREATE, REPLACE})
    assert not isinstance(row.needs, str)
    return row.needs is not None and row.needs <= RIGHTS[who]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("who", RIGHTS)
async def test_each_row_is_carried_out_for_who_has_its_rights_and_for_nobody_else(
    house: House, who: str
) -> None:
    faults = []
    for number, row in enumerate(ROWS):
        values = await prepared(house, f"case-{number}", who)
        before = await state(house)
        headers = {name: filled(value, values) for name, value in row.headers.items()}
        async with house.client.request(
            row.method,
            filled(row.target, values),
            data=None if row.body is None else filled(row.body, values),
            headers={**as_(who), **headers},
            allow_redirects=False,
        ) as answer:
            said = await answer.text(errors="replace")
        fault = _fault(row, who, answer.status, said, values["c"]) or _undressed(answer)
        if fault is None and answer.status >= 400 and await state(house) != before:
            fault = "refused, and yet something has changed"
        if fault is not None:
            faults.append(f"{who}: {row.name}: {answer.status}: {fault}: {said[:200]}")
    assert not faults, "\n".join(faults)


def _fault(row: Row, who: str, status: int, said: str, case: str) -> str | None:
    held = RIGHTS[who]
    if SECRET.format(c=case) in said and READ not in held:
        return "told what is in a file"
    if (INNER.format(c=case) in said or '"inner"' in said) and not held & {READ, LIST}:
        return "told what is in a folder"
    if allowed(row, who):
        return None if status < 400 else "refused"
    return None if status >= 400 or _tells_nothing(row, status, said) else "allowed"


def _undressed(answer: ClientResponse) -> str | None:
    """Which of the headers that keep browsers from harm is missing, or which tells too much."""
    for name, value in DRESS.items():
        if answer.headers.get(name) != value:
            return f"{name} is {answer.headers.get(name)}"
    if "frame-ancestors 'none'" not in answer.headers.get("Content-Security-Policy", ""):
        return "can be put into a frame"
    kind = answer.headers.get("Content-Type", "")
    if kind.startswith(("text/", "application/xml")) and "charset=utf-8" not in kind:
        return f"{kind} does not say its encoding"
    return "is kept by caches" if answer.status >= 400 and not _unkept(answer) else None


def _unkept(answer: ClientResponse) -> bool:
    return answer.headers.get("Cache-Control") == "no-store"


def _tells_nothing(row: Row, status: int, said: str) -> bool:
    """A list of nothing, and a status that WebDAV puts into its list."""
    if row.method in {"PROPFIND", "REPORT", "PROPPATCH"}:
        return status == 207 and "HTTP/1.1 200" not in said
    if row.address == "/browse/{path}":
        return status == 200 and "file" not in re.findall(r"<a [^>]*>([^<]*)<", said)
    if row.address == "/preflight":
        return status == 200 and '"not-' in said
    return row.address == "/files/" and '"entries": []' in said


async def test_who_holds_no_right_gets_one_answer_for_what_is_there_and_what_is_not(
    house: House,
) -> None:
    for who in (STRANGER, "outsider", "token for elsewhere"):
        case = f"alike-{who.replace(' ', '-')}"
        values = await prepared(house, case, who)
        for number, row in enumerate(one for one in ROWS if "{c}" in one.target):
            answers = []
            for case in (values["c"], f"none-{number}"):
                other = {**values, "c": case}
                headers = {name: filled(value, other) for name, value in row.headers.items()}
                async with house.client.request(
                    row.method,
                    filled(row.target, other),
                    data=None if row.body is None else filled(row.body, other),
                    headers={**as_(who), **headers},
                ) as answer:
                    text = (await answer.text(errors="replace")).replace(case, "")
                    answers.append((answer.status, re.sub(r"[0-9a-f]{16}", "", text)))
            assert answers[0] == answers[1], (who, row.name)


def test_each_method_of_each_address_has_a_row() -> None:
    asked = {(row.method, row.address) for row in ROWS}
    told = {(one.method, one.address) for one in OPERATIONS}
    parts = make_parts(Metrics())
    for mount in MOUNTS:
        webdav = WebDav(parts, Mount(mount, parts.names, is_owncloud=mount != "/dav/"))
        told |= {(method, mount) for method in webdav._methods()}
    chunks = Chunks(parts, Files(parts))
    for piece, address in ((None, ""), ("1", "/{piece}"), (".file", "/{piece}")):
        told |= {(method, CHUNKS + address) for method in chunks._methods(piece)}
    assert asked == told


def test_the_table_of_operations_has_all_routes() -> None:
    metrics = Metrics()
    parts = make_parts(metrics)
    router = app.build(parts, metrics, Health(parts, metrics)).router
    served = {re.sub(r":[^}]*", "", resource.canonical) for resource in router.resources()}
    addresses = {one.address.rstrip("/") for one in OPERATIONS} | {CHUNKS, CHUNKS + "/{piece}"}
    addresses |= {mount.rstrip("/") for mount in MOUNTS} | {mount + "{path}" for mount in MOUNTS}
    assert {one.rstrip("/") for one in served} - addresses == set()


def test_the_rows_tell_principals_apart() -> None:
    told = {who: tuple(allowed(row, who) for row in ROWS) for who in RIGHTS}
    distinct = {who: told[who] for who in RIGHTS if who not in {STRANGER, "token for elsewhere"}}
    assert len(set(distinct.values())) == len(distinct)
