"""Parked uploads, and what others do meanwhile: reservations, locks, a folder that becomes a file."""

import asyncio
import json

from tests.doors import House, opened
from tests.test_parked import ANN, HTML, action, carry_out, conflict, put, read
from tests.wire import Wire
from tests.wire import put as wired

LOCK = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'


async def reserved(house: House, path: str) -> str:
    asked = {"items": [{"path": path, "size": 14}], "reserve": 60}
    answer = await house.client.post("/preflight", json=asked, headers=ANN)
    return str(json.loads(await answer.read())["reservation"]["id"])


async def test_what_was_refused_under_a_reservation_is_settled_under_it_once() -> None:
    async with opened() as house:
        kept = house.parts.rules.reservations
        await put(house, "a", b"the same bytes")
        await put(house, "other", b"first")
        id_ = await reserved(house, "b")
        other = (await put(house, "other", b"second"))[1]
        status, said = await put(house, f"b?reservation={id_}", b"the same bytes")
        assert (status, said["conflict"]) == (409, "content")
        elsewhere = {
            **action(other, "store"),
            "href": f"{other['upload']['href']}?action=store&path=b",
        }
        status, refused = await carry_out(house, elsewhere)
        assert (status, refused["type"]) == (409, "/problems/name-reserved")
        now = await (await house.client.get(said["upload"]["href"], headers=ANN)).json()
        assert now["resolutions"] == said["resolutions"]
        status, file = await carry_out(house, action(said, "link"))
        assert (status, file["href"]) == (201, "/files/b")
        assert (kept._names, kept._kept, kept._parked) == ({}, {}, {})


async def test_of_what_was_refused_under_a_reservation_nothing_is_left_when_that_ends() -> None:
    async with opened() as house:
        kept = house.parts.rules.reservations
        await put(house, "a", b"the same bytes")
        id_ = await reserved(house, "b")
        said = (await put(house, f"b?reservation={id_}", b"the same bytes"))[1]
        assert list(kept._parked.values()) == [id_]
        kept.end(id_)
        assert kept._parked == {}
        assert (await carry_out(house, action(said, "link")))[0] == 201


async def test_it_is_shown_with_its_ways_out_while_others_keep_its_place() -> None:
    async with opened() as house:
        said = await conflict(house)
        href = said["upload"]["href"]
        locked = await house.client.request(
            "LOCK", "/dav/a.txt", data=LOCK, headers=ANN | {"Content-Type": "application/xml"}
        )
        assert locked.status == 200
        status, refused = await carry_out(house, action(said, "replace"))
        assert (status, refused["type"]) == (423, "/problems/locked")
        now = await (await house.client.get(href, headers=ANN)).json()
        assert now["resolutions"] == said["resolutions"]
        assert (await house.client.get(href, headers=ANN | HTML)).status == 200
        assert (await carry_out(house, action(now, "store")))[0] == 201


async def test_it_is_shown_while_its_name_is_kept_for_another_upload() -> None:
    async with opened() as house:
        said = await conflict(house)
        await house.client.delete("/files/a.txt", headers=ANN)
        id_ = await reserved(house, "a.txt")
        now = await (await house.client.get(said["upload"]["href"], headers=ANN)).json()
        assert (await carry_out(house, action(now, "store")))[0] == 409
        house.parts.rules.reservations.end(id_)
        assert (await carry_out(house, action(now, "store")))[0] == 201


async def test_what_comes_in_while_a_file_takes_the_place_of_its_folder_is_stored_beside_it() -> (
    None
):
    body = b"large" * 100_000
    async with opened() as house:
        await put(house, "d/other", b"other")
        wire = await Wire.connect(house.client.port or 0)
        await wire.send(wired("/files/d/e/a.bin", body, ANN)[:-1])
        while not house.parts.receiver.admission.under_way:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        await house.client.delete("/files/d/?recursive=true", headers=ANN)
        await put(house, "d", b"a file")
        await wire.send(body[-1:])
        late = await wire.answer()
        await wire.close()
        assert (late.status, late.json["type"]) == (409, "/problems/type-clash")
        status, file = await carry_out(house, action(late.json, "store"))
        assert (status, file["href"]) == (201, "/files/d%20(2)/e/a.bin")
        assert await read(house, "d (2)/e/a.bin") == body
        assert await read(house, "d") == b"a file"
