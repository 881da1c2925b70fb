"""A name with a number, where the plain one is taken: it can be reached, and is nobody else's."""

import json
from typing import Any

from aiohttp import encode_basic_auth

from tests.doors import House, opened
from uploads.names import Limits
from uploads.policy import Policy, SameName

ANN = {"Authorization": encode_basic_auth("ann", "secret")}
RENAME = Policy(same_name=SameName.RENAME)
SHORT_PATHS = Limits(path_bytes=60)


async def asked(
    house: House, method: str, address: str, body: bytes | str = b"", **headers: str
) -> tuple[int, dict[str, Any]]:
    """The underscores of header names are dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with house.client.request(method, address, data=body, headers=named) as answer:
        text = await answer.read()
        told = json.loads(text) if text.startswith(b"{") else {}
        return answer.status, {**told, "location": answer.headers.get("Location")}


async def posted(house: House, folder: str, name: str, body: str) -> tuple[int, dict[str, Any]]:
    kind = "application/octet-stream"
    return await asked(house, "POST", f"/files/{folder}", body, Slug=name, Content_Type=kind)


async def stored_at(house: House, told: dict[str, Any]) -> bytes | None:
    """What the resolution "store" led to; None: there is none."""
    offers = [one for one in told["resolutions"] if one["action"] == "store"]
    for one in offers:
        status, file = await asked(house, one["method"], one["href"], **one["headers"])
        assert status == 201, file
        answer = await house.client.get(file["href"])
        return await answer.read()
    return None


async def test_a_name_as_long_as_one_may_be_is_numbered_within_that_length() -> None:
    name = "r" * 139 + ".txt"
    async with opened(policy=RENAME, lengths=Limits(name_bytes=143)) as house:
        for body in ("1", "2", "3"):
            status, told = await posted(house, "in/", name, body)
            assert status == 201
            assert len(told["location"].replace("%20", " ")) == len("/files/in/") + 143
            answer = await house.client.get(told["location"])
            assert await answer.read() == body.encode()
        assert (await asked(house, "DELETE", told["location"]))[0] == 200
        status, told = await asked(house, "PUT", f"/files/in/{name}", "4")
        assert status == 409
        assert await stored_at(house, told) == b"4"


async def test_a_path_as_long_as_one_may_be_has_its_name_shortened_for_a_number() -> None:
    name = "r" * 19
    async with opened(policy=RENAME, lengths=SHORT_PATHS) as house:
        for body in ("1", "2"):
            status, told = await posted(house, f"{'d' * 40}/", name, body)
            assert status == 201
            assert len(told["location"].replace("%20", " ")) == len("/files/") + 60
            answer = await house.client.get(told["location"])
            assert await answer.read() == body.encode()


async def test_where_a_path_has_no_room_for_a_number_the_collision_is_told_as_without() -> None:
    folder, name = "d" * 50, "r" * 9
    async with opened(policy=RENAME, lengths=SHORT_PATHS) as house:
        await posted(house, f"{folder}/", name, "1")
        status, told = await posted(house, f"{folder}/", name, "2")
        assert (status, told["type"]) == (409, "/problems/name-taken")
        assert [one["action"] for one in told["resolutions"]] == ["replace", "discard"]
        answer = await house.client.get(f"/files/{folder}/{name}")
        assert await answer.read() == b"1"


async def test_a_name_that_is_kept_for_somebody_else_is_passed_over_by_numbers() -> None:
    async with opened(policy=RENAME) as house:
        await posted(house, "", "a.txt", "1")
        wish = json.dumps({"reserve": 60, "items": [{"path": "a (2).txt", "size": 5}]})
        kind = "application/json"
        _, kept = await asked(house, "POST", "/preflight", wish, Content_Type=kind, **ANN)

        foretold = json.dumps({"items": [{"path": "a.txt", "size": 5, "post": True}]})
        _, asked_first = await asked(house, "POST", "/preflight", foretold, Content_Type=kind)
        _, told = await posted(house, "", "a.txt", "2")
        _, refused = await asked(house, "PUT", "/files/a.txt", "3")

        assert told["location"] == "/files/a%20(3).txt"
        assert asked_first["verdicts"][0]["stored_as"] == "a (3).txt"
        assert await stored_at(house, refused) == b"3"
        mine = f"/files/a%20(2).txt?reservation={kept['reservation']['id']}"
        assert (await asked(house, "PUT", mine, "ann's", **ANN))[0] == 201
