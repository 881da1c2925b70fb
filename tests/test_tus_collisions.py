"""Collisions of uploads in pieces: before a byte, and again when the last one is here.

tus-js-client and Uppy take 409 and 423 for a reason to ask how far the upload has come, and report
success where nothing is missing: neither may be the answer to a refusal.
"""

import asyncio
import base64
import hashlib
import os
from typing import Any

import pytest

from tests.doors import House, got, opened, sent
from tests.tussing import Client, metadata
from uploads.policy import Policy, SameName
from uploads.rules import Limits

TOKEN = {"Authorization": "Bearer token"}


@pytest.fixture
def body() -> bytes:
    return os.urandom(100_000)


def action(problem: Any, name: str) -> dict[str, Any]:
    return next(dict(one) for one in problem["resolutions"] if one["action"] == name)


async def nothing_is_left(house: House) -> None:
    resuming = house.parts.resuming
    assert await resuming._unfinished.all() == []
    arriving = await resuming._index.read(lambda view: view.arriving("ann"))
    assert arriving.files == 0


@pytest.mark.parametrize(
    ("name", "headers", "status", "problem"),
    [
        ("a.bin", {}, 422, "name-taken"),
        ("A.BIN", {}, 422, "name-equivalent"),
        ("a.bin/b", {}, 422, "type-clash"),
        ("dir", {}, 422, "type-clash"),
        ("a.bin", {"If_None_Match": "*"}, 412, "stale-version"),
        ("a.bin", {"If_Match": '"1-0123456789abcdef"'}, 412, "stale-version"),
        ("none", {"If_Match": "*"}, 412, "stale-version"),
        ("a.bin", {"If_Match": "abc"}, 400, "malformed-condition"),
    ],
)
async def test_a_collision_is_refused_before_a_byte(
    name: str, headers: dict[str, str], status: int, problem: str
) -> None:
    async with opened() as house:
        await sent(house, "a.bin", b"there")
        await sent(house, "dir/x", b"x")
        answer = await Client(house).create(name, 100_000, None, **headers)
        assert (answer.status, answer.problem) == (status, problem)
        assert answer.body["status"] == status
        assert answer.headers["cache-control"] == "no-store"
        assert "location" not in answer.headers
        await nothing_is_left(house)


@pytest.mark.parametrize("how", ["metadata", "header"])
async def test_a_known_content_is_refused_before_a_byte_where_its_digest_is_told(
    body: bytes, how: str
) -> None:
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    async with opened() as house:
        await sent(house, "a.bin", body, Repr_Digest=digest)
        said = {"filename": "b.bin"} | ({"digest": digest} if how == "metadata" else {})
        header = {"Repr_Digest": digest} if how == "header" else {}
        answer = await Client(house).create(
            None, len(body), None, Upload_Metadata=metadata(**said), **header
        )
        assert (answer.status, answer.problem) == (422, "content-known")
        assert answer.body["existing"]["href"] == "/files/a.bin"


async def test_a_digest_that_was_told_is_verified_at_the_end(body: bytes) -> None:
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(b'other').digest()).decode()}:"
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", len(body), Repr_Digest=digest)
        await tus.patch(href, 0, body[:50_000])
        answer = await tus.patch(href, 50_000, body[50_000:])
        assert (answer.status, answer.problem) == (460, "wrong-digest")
        assert (await tus.head(href)).status == 404
        assert (await got(house, "a.bin"))[0] == 404
        await nothing_is_left(house)


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize(
    ("condition", "status", "problem"),
    [({}, 422, "name-taken"), ({"If_None_Match": "*"}, 412, "stale-version")],
)
async def test_what_collides_at_the_end_is_refused_and_kept(
    body: bytes, pieces: int, condition: dict[str, str], status: int, problem: str
) -> None:
    async with opened() as house:
        tus = Client(house, TOKEN)
        href = await tus.begun("a.bin", len(body), **condition)
        at = 0
        for number in range(1, pieces):
            at = (await tus.patch(href, at, body[at : number * 30_000])).offset
        await sent(house, "a.bin", b"somebody was faster")
        answer = await tus.patch(href, at, body[at:])
        assert (answer.status, answer.problem) == (status, problem)
        assert answer.body["status"] == status
        assert answer.body["upload"]["href"] == href

        head = await tus.head(href)
        assert head.status == 410
        assert "upload-offset" not in head.headers
        late = await tus.patch(href, len(body))
        assert (late.status, late.problem) == (410, "arrived-already")
        async with house.client.get(href, headers=TOKEN) as waiting:
            assert (await waiting.json())["problem"]["existing"]["href"] == "/files/a.bin"
        store = action(answer.body, "store")
        async with house.client.post(store["href"], headers=TOKEN) as settled:
            assert settled.status == 201
        assert await got(house, "a%20(2).bin") == (200, body)
        assert (await tus.head(href)).status == 404
        await nothing_is_left(house)


async def test_what_was_refused_can_be_given_up(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house, TOKEN)
        href = await tus.begun("a.bin", len(body))
        await sent(house, "a.bin", b"somebody was faster")
        assert (await tus.patch(href, 0, body)).status == 422
        assert (await tus.ask("DELETE", href)).status == 204
        assert (await tus.head(href)).status == 404


async def test_the_same_bytes_at_the_end_are_already_stored(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", len(body))
        await sent(house, "a.bin", body)
        answer = await tus.patch(href, 0, body)
        assert (answer.status, answer.problem) == (422, "already-stored")
        assert (await tus.head(href)).status == 404
        await nothing_is_left(house)


async def test_the_condition_of_the_beginning_holds_at_the_end(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        _, first = await sent(house, "a.bin", b"first")
        href = await tus.begun("a.bin", len(body), If_Match=first["etag"])
        done = await tus.patch(href, 0, body)
        assert done.status == 204
        assert "predecessor-version" in done.headers["link"]
        assert await got(house, "a.bin") == (200, body)


async def test_wishes_are_kept_with_the_upload(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        await sent(house, "known.bin", body)
        href = await tus.begun("other.bin", len(body), Prefer="same-content=link")
        done = await tus.patch(href, 0, body)
        assert (done.status, done.headers["content-location"]) == (204, "/files/other.bin")


async def test_a_folder_that_renames_renames_at_the_end(body: bytes) -> None:
    async with opened(policy=Policy(same_name=SameName.RENAME)) as house:
        tus = Client(house)
        await sent(house, "a.bin", b"there")
        href = await tus.begun("a.bin", len(body))
        done = await tus.patch(href, 0, body)
        assert done.headers["content-location"] == "/files/a%20(2).bin"
        assert await got(house, "a%20(2).bin") == (200, body)


async def test_who_lost_the_last_answer_is_told_which_file_it_became(body: bytes) -> None:
    async with opened(policy=Policy(same_name=SameName.RENAME)) as house:
        tus = Client(house)
        await sent(house, "a.bin", b"there")
        href = await tus.begun("a.bin", len(body))
        assert "content-location" not in (await tus.head(href)).headers
        await tus.patch(href, 0, body)
        head = await tus.head(href)
        assert (head.offset, head.headers["content-location"]) == (len(body), "/files/a%20(2).bin")
        again = await tus.patch(href, len(body))
        assert again.headers["content-location"] == "/files/a%20(2).bin"


async def test_a_type_that_the_folder_refuses_is_refused_at_the_end() -> None:
    async with opened(policy=Policy(types_refused=frozenset({"text/plain"}))) as house:
        tus = Client(house)
        said = metadata(filename="a.txt", filetype="image/png")
        href = await tus.begun(None, 6, Upload_Metadata=said)
        answer = await tus.patch(href, 0, b"plain\n")
        assert (answer.status, answer.problem) == (415, "type-refused")
        assert (await tus.head(href)).status == 404
        await nothing_is_left(house)


async def test_exactly_one_of_many_wins_a_name(body: bytes) -> None:
    async with opened() as house:
        clients = [Client(house, TOKEN) for _ in range(8)]
        hrefs = [await tus.begun("a.bin", len(body)) for tus in clients]
        answers = await asyncio.gather(
            *(
                tus.patch(href, 0, bytes([number]) + body[1:])
                for number, (tus, href) in enumerate(zip(clients, hrefs, strict=True))
            )
        )
        statuses = sorted(answer.status for answer in answers)
        assert statuses == [204] + [422] * 7
        winner = next(number for number, answer in enumerate(answers) if answer.status == 204)
        assert await got(house, "a.bin") == (200, bytes([winner]) + body[1:])
        for answer, href in zip(answers, hrefs, strict=True):
            if answer.status == 422:
                assert answer.body["upload"]["href"] == href


async def test_a_reserved_name_is_for_the_upload_that_shows_its_reservation(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house, TOKEN)
        wanted = {"items": [{"path": "a.bin", "size": len(body)}], "reserve": 60}
        async with house.client.post("/preflight", json=wanted, headers=TOKEN) as answer:
            id_ = (await answer.json())["reservation"]["id"]
        other = await Client(house).create("a.bin", len(body))
        assert (other.status, other.problem) == (422, "name-reserved")
        said = {"Upload-Length": str(len(body)), "Upload-Metadata": metadata(filename="a.bin")}
        begun = await tus.ask("POST", f"/uploads/?reservation={id_}", None, said)
        assert begun.status == 201
        assert (await tus.patch(begun.location, 0, body)).status == 204
        assert await got(house, "a.bin") == (200, body)


async def test_what_may_still_come_counts_against_the_share(body: bytes) -> None:
    async with opened(limits=Limits(quota_bytes=150_000)) as house:
        tus = Client(house)
        href = await tus.begun("a.bin", len(body))
        second = await tus.create("b.bin", 60_000)
        assert (second.status, second.problem) == (507, "over-quota")
        response, _ = await sent(house, "c.bin", body[:60_000])
        assert response.status == 507
        assert (await tus.patch(href, 0, body)).status == 204
        assert (await tus.begun("b.bin", 50_000)).startswith("/uploads/")


async def test_an_upload_of_unknown_length_grows_no_further_than_the_share(body: bytes) -> None:
    async with opened(limits=Limits(quota_bytes=150_000)) as house:
        tus = Client(house)
        href = await tus.begun("a.bin", None, Upload_Defer_Length="1")
        assert (await tus.patch(href, 0, body)).status == 204
        over = await tus.patch(href, len(body), body)
        assert (over.status, over.problem) == (507, "over-quota")
        assert (await tus.head(href)).offset == len(body)


async def test_only_so_many_may_be_begun(body: bytes) -> None:
    async with opened(limits=Limits(arriving_files=2)) as house:
        tus = Client(house, TOKEN)
        first = await tus.begun("a", 5)
        await tus.begun(None, 5, Upload_Concat="partial")
        third = await tus.create("c", 5)
        assert (third.status, third.problem) == (429, "too-many-uploads")
        assert (await Client(house).create("d", 5)).status == 201
        assert (await tus.patch(first, 0, b"12345")).status == 204
        assert (await tus.create("c", 5)).status == 201
