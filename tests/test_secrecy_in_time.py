"""What nobody learns of a file that they may not read: not early, not later, not by another name."""

import asyncio
import base64
import hashlib
import time
from dataclasses import replace
from urllib.parse import quote

from handlers.identity import Guesses, Identity
from handlers.problems import Refusal
from storage.memory.shelves import MemoryAccounts
from tests import wire
from tests.doors import ANN, FOR_ANYBODY, House, got, opened, sent
from uploads.access import ALL_RIGHTS, ANONYMOUS_NAME, Grant, Principal, Right, Scope
from uploads.names import Path

AS_ANN = {"Authorization": "Bearer token"}
FOR_ANN = Grant(Path(("ann",)), frozenset({"user:ann"}), ALL_RIGHTS)
DROP = Grant(Path(("drop",)), frozenset({ANONYMOUS_NAME}), frozenset({Right.CREATE}))


def digest_of(body: bytes) -> dict[str, str]:
    value = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return {"Repr-Digest": f"sha-256=:{value}:"}


async def first_line(house: House, path: str, body: bytes) -> bytes:
    """What is said to the head of an upload whose body waits to be invited."""
    assert house.client.port is not None
    connection = await wire.Wire.connect(house.client.port)
    head = {"Expect": "100-continue", **digest_of(body)}
    whole = wire.put(path, body, head)
    await connection.send(whole[: len(whole) - len(body)])
    line = await connection.reader.readline()
    await connection.close()
    return line


async def test_no_answer_comes_the_sooner_for_content_that_only_others_can_read() -> None:
    async with opened(grants=[FOR_ANYBODY, FOR_ANN]) as house:
        await sent(house, "mine", b"my bytes")
        for body in (b"a secret", b"my dream"):
            headers = {**AS_ANN, **digest_of(body)}
            name = "ann/" + body.decode()[:4].strip()
            async with house.client.put(f"/files/{name}", data=body, headers=headers) as stored:
                assert stored.status == 201
        for body in (b"a secret", b"no dream"):
            assert b" 100 " in await first_line(house, "/files/mine", body)
        # It is mine as well, but that somebody has declared its digest is still not mine to know.
        await sent(house, "mine-too", b"my dream")
        assert b" 100 " in await first_line(house, "/files/mine", b"my dream")
        wanted = {"Want-Repr-Digest": "sha-256=1"}
        async with house.client.get("/files/mine-too", headers=wanted) as mine:
            assert "Repr-Digest" not in mine.headers
        etag = {"If-Match": mine.headers["ETag"]}
        await house.client.put("/files/mine-too", data=b"other", headers=etag)
        digest = digest_of(b"my dream")
        async with house.client.put("/files/mine-3", data=b"my dream", headers=digest) as stored:
            assert stored.status == 201
        async with house.client.get("/files/mine-3", headers=wanted) as mine:
            assert mine.headers["Repr-Digest"] == digest["Repr-Digest"]
        assert b" 409 " in await first_line(house, "/files/mine", b"my dream")


async def act(house: House, path: str, action: str, goal: str, **headers: str) -> int:
    address = f"/files/{path}?{action}={quote(goal)}&recursive"
    async with house.client.post(address, headers={**AS_ANN, **headers}) as answer:
        return answer.status


async def test_a_file_that_leaves_a_private_folder_does_not_publish_its_past() -> None:
    async with opened(grants=[FOR_ANYBODY, FOR_ANN]) as house:
        numbers = []
        etag = {"If-None-Match": "*"}
        for body in (b"draft", b"draft 2", b"final"):
            async with house.client.put(
                "/files/ann/doc", data=body, headers={**AS_ANN, **etag}
            ) as stored:
                told = await stored.json()
                etag = {"If-Match": told["etag"]}
                numbers.append(told["version"])
        assert await act(house, "ann/doc", "move", "doc") == 201
        assert (await got(house, "doc"))[1] == b"final"
        for number in numbers:
            assert (await got(house, f"doc?version={number}"))[0] == 404
            async with house.client.post(f"/files/doc?restore={number}") as refused:
                assert refused.status in {404, 409}
            assert (await got(house, f"doc?version={number}", **AS_ANN))[0] == 200
        assert len((await history(house, "doc"))["versions"]) == 1
        assert len((await history(house, "doc", **AS_ANN))["versions"]) == 4


async def test_a_folder_that_leaves_a_private_one_shows_what_is_there_now_and_no_more() -> None:
    async with opened(grants=[FOR_ANYBODY, FOR_ANN]) as house:
        async with house.client.put("/files/ann/d/doc", data=b"a", headers=AS_ANN) as stored:
            told = await stored.json()
        headers = {**AS_ANN, "If-Match": told["etag"]}
        async with house.client.put("/files/ann/d/doc", data=b"b", headers=headers) as stored:
            now = await stored.json()
        assert await act(house, "ann/d/", "move", "d") == 201
        assert (await got(house, "d/doc"))[1] == b"b"
        assert (await got(house, f"d/doc?version={now['version']}"))[1] == b"b"
        assert (await got(house, f"d/doc?version={told['version']}"))[0] == 404
        page = await history(house, "d/doc", limit="1")
        assert [one["version"] for one in page["versions"]] == [now["version"]]


async def history(
    house: House, path: str, limit: str = "9", **headers: str
) -> dict[str, list[dict[str, int]]]:
    async with house.client.get(f"/files/{path}?versions&limit={limit}", headers=headers) as told:
        found: dict[str, list[dict[str, int]]] = await told.json()
        return found


async def test_a_token_for_one_folder_learns_nothing_of_uploads_to_others() -> None:
    async with opened(grants=[FOR_ANYBODY, FOR_ANN]) as house:
        await house.client.put("/files/ann/a", data=b"one", headers=AS_ANN)
        async with house.client.put("/files/ann/a", data=b"secret", headers=AS_ANN) as refused:
            href = (await refused.json())["upload"]["href"]
        accounts = house.parts.accounts
        assert isinstance(accounts, MemoryAccounts)
        scope = Scope(Path(("shared",)), ALL_RIGHTS)
        accounts.principals["ann"] = replace(ANN, scope=scope)
        async with house.client.get("/uploads/", headers=AS_ANN) as listing:
            assert (await listing.json())["uploads"] == []
        for method, address in (("GET", href), ("GET", href + "/content"), ("DELETE", href)):
            async with house.client.request(method, address, headers=AS_ANN) as answer:
                assert answer.status == 404
        accounts.principals["ann"] = replace(ANN, scope=Scope(Path(("ann",)), ALL_RIGHTS))
        async with house.client.get(href + "/content", headers=AS_ANN) as answer:
            assert await answer.read() == b"secret"


async def test_a_drop_box_does_not_say_which_names_beside_a_file_are_free() -> None:
    async with opened(grants=[DROP]) as house:
        assert (await sent(house, "drop/hidden", b"one"))[0].status == 201
        clash, told = await sent(house, "drop/hidden/b", b"two")
        assert (clash.status, told["type"]) == (409, "/problems/type-clash")
        assert "resolutions" not in told


async def test_a_drop_box_tells_nothing_of_folders_in_it() -> None:
    async with opened(grants=[DROP]) as house:
        made, _ = await sent(house, "drop/Hidden/a", b"one")
        assert made.status == 201
        for path in ("drop/Hidden", "drop/Hidden/"):
            taken, told = await sent(house, path, b"")
            assert (taken.status, told["type"]) == (409, "/problems/type-clash")
            assert "existing" not in told
            assert 'rel="edit"' not in taken.headers["Link"]
        assert (await got(house, "drop/Hidden"))[0] == (await got(house, "drop/none"))[0] == 401
        async with house.client.get("/files/drop", allow_redirects=False) as itself:
            assert itself.status in {308, 401}
        other, told = await sent(house, "drop/HIDDEN/b", b"two")
        assert (other.status, told["type"]) == (409, "/problems/name-equivalent")
        assert "Hidden" not in await other.text()


async def test_guesses_that_come_together_are_counted_one_by_one() -> None:
    class Slow(MemoryAccounts):
        tried = 0

        async def by_password(self, user: str, password: str, code: str = "") -> Principal | None:
            Slow.tried += 1
            await asyncio.sleep(0.001)
            return await super().by_password(user, password, code)

    guesses = Guesses(most=3)
    identity = Identity(Slow({"ann": "secret"}), guesses)

    async def guess(number: int) -> int:
        wrong = base64.b64encode(f"ann:{number}".encode()).decode()
        try:
            await identity.identify([f"Basic {wrong}"], "192.0.2.1")
        except Refusal as refused:
            return refused.problem.status
        return 200

    began = time.monotonic()
    statuses = await asyncio.gather(*map(guess, range(50)))
    assert time.monotonic() - began < 30
    assert (statuses.count(401), statuses.count(429)) == (3, 47)
    assert Slow.tried == 3
    assert not guesses._lines
