"""What is under way rests on the password or token that it began with, and on no other of the same
name: another one, or somebody else who is called so, ends it. What has been kept goes on, by name.
"""

import asyncio
import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest

from storage import accounts, roster
from tests.running import Program, running
from tests.wire import Answer, Wire, ask, message

PASSWORD, OTHER = "correct horse", "another horse"
BODY = b"what began before"
TUS = {"Tus-Resumable": "1.0.0"}
SOON = 30


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    for user in ("ann", "bob"):
        accounts.add_user(data, user, PASSWORD)
    return data


@pytest.fixture
def program(data: Path) -> Iterator[Program]:
    with running(data) as program:
        yield program


def basic(user: str, password: str = PASSWORD) -> dict[str, str]:
    shown = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {shown}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def another_password(data: Path) -> None:
    accounts.set_password(data, "ann", OTHER)


def a_second_factor(data: Path) -> None:
    accounts.set_factor(data, "ann")


def another_ann(data: Path) -> None:
    accounts.remove_user(data, "ann")
    accounts.add_user(data, "ann", OTHER)


def another_token(data: Path) -> None:
    accounts.revoke_token(data, "ci")
    accounts.add_token(data, "ci", "ann")


def a_token_of_bob(data: Path) -> None:
    accounts.revoke_token(data, "ci")
    accounts.add_token(data, "ci", "bob")


async def invited(port: int, path: str, who: dict[str, str]) -> Wire:
    """Of an upload that is judged by its headers, and goes on."""
    wire = await Wire.connect(port)
    head = message(
        "PUT", path, b"", {**who, "Content-Length": str(len(BODY)), "Expect": "100-continue"}
    )
    await wire.send(head)
    assert (await wire.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
    await wire.send(BODY[:5])
    return wire


async def ended(wire: Wire) -> Answer:
    answer = await wire.ask(BODY[5:])
    await wire.close()
    return answer


@pytest.mark.parametrize("change", [another_password, a_second_factor, another_ann])
async def test_an_upload_by_a_password_that_is_another_by_its_end_stores_nothing(
    program: Program, data: Path, change: Callable[[Path], None]
) -> None:
    wire = await invited(program.port, "/files/a", basic("ann"))
    change(data)
    assert (await ended(wire)).status == 401
    assert (await ask(program.port, message("GET", "/files/a", headers=basic("bob")))).status == 404


@pytest.mark.parametrize("change", [another_token, a_token_of_bob])
async def test_an_upload_by_a_token_that_was_made_anew_stores_nothing(
    program: Program, data: Path, change: Callable[[Path], None]
) -> None:
    token = accounts.add_token(data, "ci", "ann")
    wire = await invited(program.port, "/files/a", bearer(token))
    change(data)
    assert (await ended(wire)).status == 401
    assert (await ask(program.port, message("GET", "/files/a", headers=basic("bob")))).status == 404


async def test_what_has_been_kept_of_a_user_goes_on_by_another_password(
    program: Program, data: Path
) -> None:
    port, mine, later = program.port, basic("ann"), basic("ann", OTHER)
    begin = {**TUS, **mine, "Upload-Length": "6", "Upload-Metadata": "filename YQ=="}
    begun = await ask(port, message("POST", "/uploads/", headers=begin))
    piece = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    href = begun.headers["location"].partition("/uploads/")[2]
    await ask(port, message("PATCH", f"/uploads/{href}", b"one", {**piece, **mine}))
    once = {"Idempotency-Key": '"once"'}
    await ask(port, message("PUT", "/files/b", b"first", {**mine, **once}))
    refused = await ask(port, message("PUT", "/files/b", b"second", mine))
    parked = refused.json["upload"]["href"]

    another_password(data)
    piece["Upload-Offset"] = "3"
    assert (
        await ask(port, message("PATCH", f"/uploads/{href}", b"two", {**piece, **later}))
    ).status == 204
    assert (await ask(port, message("GET", "/files/a", headers=later))).body == b"onetwo"
    again = await ask(port, message("PUT", "/files/b", b"first", {**later, **once}))
    assert again.status == 201
    assert (await ask(port, message("GET", f"{parked}/content", headers=later))).body == b"second"


async def begun(port: int, who: dict[str, str]) -> tuple[str, str, str]:
    """Of uploads that are not at their end: one that is parked, by tus and by numbered pieces."""
    await ask(port, message("PUT", "/files/taken", b"first", basic("bob")))
    refused = await ask(port, message("PUT", "/files/taken", b"draft", who))
    told = {**TUS, **who, "Upload-Length": "6", "Upload-Metadata": "filename YQ=="}
    coming = (await ask(port, message("POST", "/uploads/", headers=told))).headers["location"]
    folder = "/remote.php/dav/uploads/ann/pieces"
    assert (await ask(port, message("MKCOL", folder, headers=who))).status == 201
    assert (await ask(port, message("PUT", f"{folder}/1", b"draft", who))).status == 201
    return refused.json["upload"]["href"], coming[coming.index("/uploads/") :], folder


async def found(port: int, who: dict[str, str], uploads: tuple[str, str, str]) -> list[int]:
    """Whether each of them is known to this one, as a status; and how many are listed."""
    parked, coming, folder = uploads
    asked = [
        message("GET", f"{parked}/content", headers=who),
        message("DELETE", coming, headers={**TUS, **who}),
        message("PROPFIND", folder, headers={**who, "Depth": "1"}),
        message("DELETE", parked, headers=who),
    ]
    listed = await ask(port, message("GET", "/uploads/", headers=who))
    return [len(listed.json["uploads"]), *[(await ask(port, one)).status for one in asked]]


async def test_who_is_called_as_somebody_was_is_given_nothing_of_what_that_one_had_begun(
    program: Program, data: Path
) -> None:
    uploads = await begun(program.port, basic("ann"))
    another_ann(data)
    later = basic("ann", OTHER)
    assert await found(program.port, later, uploads) == [0, 404, 404, 404, 404]
    own = await begun(program.port, later)
    assert await found(program.port, later, own) == [1, 200, 204, 207, 204]


async def waits_for_its_turn(data: Path) -> None:
    """Until somebody waits for the lock that we hold."""
    async with asyncio.timeout(SOON):
        while not is_waited_for(data / "accounts.lock"):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)


def is_waited_for(file: Path) -> bool:
    """As proc_locks(5) tells it."""
    locks = Path("/proc/locks").read_text().splitlines()
    return any("->" in one and f":{file.stat().st_ino} " in one for one in locks)


def form(**fields: str) -> bytes:
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return message("POST", "/session", urlencode(fields).encode(), {**kind, **basic("ann")})


@pytest.mark.parametrize("is_removed", [False, True])
async def test_who_knows_the_old_password_does_not_overwrite_what_the_operator_sets_meanwhile(
    program: Program, data: Path, *, is_removed: bool
) -> None:
    accounts.set_password(data, "bob", OTHER)
    set_by_operator = accounts.list_users(data)["bob"].password
    with roster.changing(data) as before:
        changing = asyncio.create_task(
            ask(program.port, form(password=PASSWORD, new_password="of a thief"))
        )
        await waits_for_its_turn(data)
        reset = before.with_user("ann", replace(before.users["ann"], password=set_by_operator))
        roster.write(data, before.without_user("ann") if is_removed else reset)
    answer = await changing
    assert (answer.status, answer.json["type"]) == (401, "/problems/not-identified")
    assert b"bob" not in answer.body
    for password, known in ((OTHER, not is_removed), ("of a thief", False), (PASSWORD, False)):
        found = await ask(program.port, message("GET", "/files/", headers=basic("ann", password)))
        assert (found.status == 200) is known
