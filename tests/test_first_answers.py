"""First answers: when they come before the body, for how long, and what of them may be told."""

from functools import partial
from typing import Any

from storage.memory.shelves import MemoryAccounts
from tests.doors import FOR_ANYBODY, House, got, opened, sent
from tests.keys import AS_ANN, FOR_ANN, KEY, ask, digest_of, is_replay, lose_blob, put_key
from tests.wire import Wire, put
from uploads.access import ANONYMOUS_NAME, Access, Grant, Right
from uploads.names import Path
from uploads.rules import Limits


async def until_answered(house: House, path: str, body: bytes, headers: dict[str, str]) -> Any:
    """The head alone, whose body waits to be invited; then what comes, final or 100."""
    assert house.client.port is not None
    wire = await Wire.connect(house.client.port)
    head = put(path, body, {"Expect": "100-continue", **KEY, **headers})
    await wire.send(head[: len(head) - len(body)])
    line = (await wire.reader.readline()).decode()
    if " 100 " in line:
        await wire.reader.readline()
        await wire.send(body)
        answer = await wire.answer()
    else:
        answer = None
    await wire.close()
    return line.split()[1], answer


async def test_what_is_certain_is_answered_before_the_body() -> None:
    body = b"one" * 1000
    async with opened() as house:
        _, told = await put_key(house, "a.txt", body, **digest_of(body))
        assert (await until_answered(house, "/files/a.txt", body, digest_of(body)))[0] == "201"
        assert (await until_answered(house, "/files/a.txt", body + b"!", {}))[0] == "422"
        asked = {"If-None-Match": "*"}
        assert (await until_answered(house, "/files/a.txt", body, asked))[0] == "422"
        # Nothing says that these are the same bytes: they have to come.
        status, answer = await until_answered(house, "/files/a.txt", body, {})
        assert status == "100"
        assert (answer.status, answer.json) == (201, told)
        status, answer = await until_answered(house, "/files/a.txt", b"two" * 1000, {})
        assert (status, answer.status) == ("100", 422)


async def test_a_repetition_is_not_refused_for_what_its_first_try_has_stored() -> None:
    async with opened() as house:
        body = b"one" * 1000
        new = {"If-None-Match": "*"}
        first, told = await put_key(house, "a.txt", body, **new)
        assert first.status == 201
        status, answer = await until_answered(house, "/files/a.txt", body, new)
        assert (status, answer.status, answer.json) == ("100", 201, told)


async def test_an_early_refusal_is_no_first_answer() -> None:
    async with opened() as house:
        await sent(house, "a.txt", b"one")
        status, _ = await until_answered(house, "/files/a.txt", b"two!", {})
        assert status == "409"
        await ask(house, "DELETE", "/files/a.txt")
        stored, _ = await put_key(house, "a.txt", b"two!")
        assert stored.status == 201


async def test_an_answer_is_forgotten_when_its_time_is_over() -> None:
    async with opened(limits=Limits(keep_answers=0.0)) as house:
        await put_key(house, "a.txt", b"one")
        again, told = await put_key(house, "a.txt", b"one")
        assert (again.status, told["type"]) == (409, "/problems/already-stored")


async def test_past_its_bound_the_oldest_answer_of_a_sender_is_forgotten() -> None:
    async with opened(limits=Limits(answers_per_principal=1)) as house:
        for name in ("a.txt", "b.txt"):
            assert (await put_key(house, name, name.encode()))[0].status == 201
        kept, _ = await put_key(house, "b.txt", b"b.txt")
        forgotten, _ = await put_key(house, "a.txt", b"a.txt")
        assert (kept.status, forgotten.status) == (201, 409)


def granting(house: House, *grants: Grant) -> None:
    """The same house from now on, with other rights."""
    Access.__init__(house.parts.rules.access, grants)


async def test_what_may_not_be_read_any_more_is_not_told_again() -> None:
    drop = Grant(Path(()), frozenset({ANONYMOUS_NAME, "users"}), frozenset({Right.CREATE}))
    async with opened() as house:
        await put_key(house, "a.txt", b"one")
        other = {"Idempotency-Key": "other"}
        await put_key(house, "a.txt", b"two", **other)
        known = {"Idempotency-Key": "known"}
        first, _ = await put_key(house, "b.txt", b"one", **known)
        assert first.status == 409
        granting(house, drop)
        again, told = await put_key(house, "a.txt", b"one")
        assert (again.status, told) == (201, {"received": True, "size": 3})
        assert "ETag" not in again.headers
        assert "Location" not in again.headers
        refused, problem = await put_key(house, "a.txt", b"two", **other)
        assert refused.status == 409
        assert "existing" not in problem
        assert "ETag" not in refused.headers
        assert 'rel="edit"' not in refused.headers["Link"]
        # Without what it met this refusal makes no sense: it is judged as new.
        anew, told = await put_key(house, "b.txt", b"one", **known)
        assert (anew.status, told) == (201, {"received": True, "size": 3})
        granting(house, FOR_ANN)
        assert (await put_key(house, "a.txt", b"one"))[0].status == 401


async def test_a_digest_and_a_key_of_somebody_else_open_nothing() -> None:
    body = b"a secret of a stranger"
    drop = Grant(Path(("drop",)), frozenset({ANONYMOUS_NAME}), frozenset({Right.CREATE}))
    async with opened(grants=[drop, FOR_ANN]) as house:
        await sent(house, "drop/a", b"in the way")
        refused, told = await put_key(house, "drop/a", body, **digest_of(body))
        assert refused.status == 409
        assert told["upload"]
        status, _ = await until_answered(house, "/files/drop/a", body, digest_of(body))
        assert status == "100"


async def test_whoever_is_answered_again_has_brought_back_what_the_disk_has_lost() -> None:
    body = b"one" * 1000
    async with opened() as house:
        first, _ = await put_key(house, "a.txt", body, **digest_of(body))
        assert first.status == 201
        lose_blob(house)
        # Its digest would do, if the bytes were there.
        status, answer = await until_answered(house, "/files/a.txt", body, digest_of(body))
        assert (status, answer.status) == ("100", 201)
        assert await got(house, "a.txt") == (200, body)


async def test_a_user_who_was_removed_is_answered_nothing_again() -> None:
    async with opened() as house:
        _, told = await put_key(house, "a.txt", b"one", **AS_ANN)
        assert told["href"] == "/files/a.txt"
        accounts = house.parts.accounts
        assert isinstance(accounts, MemoryAccounts)
        accounts.passwords.clear()
        gone, told = await put_key(house, "a.txt", b"one", **AS_ANN)
        assert gone.status == 401
        assert "etag" not in told


async def test_a_record_that_another_version_of_the_program_wrote_is_no_answer() -> None:
    async with opened() as house:
        await put_key(house, "a.txt", b"one")
        index = house.parts.tree.index
        connection = index._writer._turn._connection  # type: ignore[attr-defined]
        for text in ("{", "{}", '{"is":"Unheard"}', "[]", '[{"is":"Path"},1]'):
            change = partial(connection.execute, "UPDATE records SET text = ?", (text,))
            await index.write(lambda _, change=change: change())  # type: ignore[misc]
            again, _ = await put_key(house, "a.txt", b"one")
            assert again.status == 409


async def test_resolving_other_uploads_under_one_key_is_kept_apart() -> None:
    async with opened(grants=[FOR_ANYBODY]) as house:
        await sent(house, "a.txt", b"one")
        hrefs = [(await sent(house, "a.txt", body))[1]["upload"]["href"] for body in (b"x", b"y")]
        for number, href in enumerate(hrefs):
            asked = f"{href}?action=store&path=new{number}"
            stored, _ = await ask(house, "POST", asked, headers=KEY)
            assert stored.status == 201
            assert not is_replay(stored)
