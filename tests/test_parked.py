"""/uploads/: what is parked, who sees it, and how it is settled without its bytes."""

import asyncio
import json
from html.parser import HTMLParser
from typing import Any

import pytest
from aiohttp import encode_basic_auth

from tests.doors import House, opened
from uploads.access import ALL_RIGHTS, ANONYMOUS_NAME, Grant, Right
from uploads.names import Path
from uploads.rules import Limits

HTML = {"Accept": "text/html"}
ANN = {"Authorization": encode_basic_auth("ann", "secret")}


async def put(house: House, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
    answer = await house.client.put(f"/files/{path}", data=body, headers=headers | ANN)
    return answer.status, json.loads(await answer.read())


async def conflict(house: House, path: str = "a.txt") -> dict[str, Any]:
    """Two contents for one name: the first is stored, the second is parked."""
    await put(house, path, b"old\nsame\n")
    status, said = await put(house, path, b"new\nsame\n")
    assert status == 409
    return dict(said)


async def read(house: House, path: str) -> bytes | None:
    answer = await house.client.get(f"/files/{path}", headers=ANN)
    return await answer.read() if answer.status == 200 else None


async def carry_out(house: House, resolution: dict[str, Any]) -> tuple[int, Any]:
    answer = await house.client.request(
        resolution["method"], resolution["href"], headers=resolution["headers"] | ANN
    )
    body = await answer.read()
    return answer.status, json.loads(body) if body else None


def action(problem: dict[str, Any], name: str) -> dict[str, Any]:
    return next(dict(one) for one in problem["resolutions"] if one["action"] == name)


async def test_each_resolution_is_a_request_that_works_as_it_stands() -> None:
    async with opened() as house:
        said = await conflict(house)
        status, file = await carry_out(house, action(said, "store"))
        assert (status, file["href"]) == (201, "/files/a%20(2).txt")
        assert await read(house, "a%20(2).txt") == b"new\nsame\n"
        assert await read(house, "a.txt") == b"old\nsame\n"
    async with opened() as house:
        said = await conflict(house)
        status, file = await carry_out(house, action(said, "replace"))
        assert (status, file["href"]) == (200, "/files/a.txt")
        assert await read(house, "a.txt") == b"new\nsame\n"
    async with opened() as house:
        said = await conflict(house)
        assert await carry_out(house, action(said, "discard")) == (204, None)
        assert await read(house, "a.txt") == b"old\nsame\n"


async def test_a_second_name_for_a_known_content_can_be_chosen() -> None:
    async with opened() as house:
        await put(house, "a", b"the same bytes")
        status, said = await put(house, "b", b"the same bytes")
        assert (status, said["conflict"]) == (409, "content")
        status, file = await carry_out(house, action(said, "link"))
        assert (status, file["href"]) == (201, "/files/b")
        assert await read(house, "b") == b"the same bytes"


async def test_a_resolution_that_came_too_late_is_a_new_problem_with_new_resolutions() -> None:
    async with opened() as house:
        said = await conflict(house)
        await put(house, "a.txt", b"third", **{"If-Match": said["existing"]["etag"]})
        status, again = await carry_out(house, action(said, "replace"))
        assert (status, again["type"]) == (412, "/problems/stale-version")
        assert again["upload"]["href"] == said["upload"]["href"]
        status, _ = await carry_out(house, action(again, "replace"))
        assert status == 200
        assert await read(house, "a.txt") == b"new\nsame\n"


async def test_what_was_settled_is_gone() -> None:
    async with opened() as house:
        said = await conflict(house)
        await carry_out(house, action(said, "store"))
        for resolution in said["resolutions"]:
            status, problem = await carry_out(house, resolution)
            assert (status, problem["type"]) == (404, "/problems/not-there")
        for method in ("GET", "DELETE"):
            answer = await house.client.request(method, said["upload"]["href"], headers=ANN)
            assert answer.status == 404


async def test_of_many_who_settle_at_once_one_succeeds() -> None:
    async with opened() as house:
        said = await conflict(house)
        again = [carry_out(house, action(said, "replace")) for _ in range(16)]
        statuses = sorted(status for status, _ in await asyncio.gather(*again))
        assert statuses == [200] + [404] * 15


async def test_it_is_shown_as_it_stands_now() -> None:
    async with opened() as house:
        said = await conflict(house)
        href = said["upload"]["href"]
        now = await (await house.client.get(href, headers=ANN)).json()
        assert (now["target"], now["size"]) == ("/files/a.txt", 9)
        assert now["problem"]["type"] == "/problems/name-taken"
        assert now["resolutions"] == said["resolutions"]
        await house.client.delete("/files/a.txt", headers=ANN)
        now = await (await house.client.get(href, headers=ANN)).json()
        assert now["problem"] is None
        status, file = await carry_out(house, action(now, "store"))
        assert (status, file["href"]) == (201, "/files/a.txt")


async def test_a_file_that_came_to_hold_the_same_bytes_leaves_only_the_discarding() -> None:
    async with opened() as house:
        said = await conflict(house)
        await put(house, "a.txt", b"new\nsame\n", **{"If-Match": said["existing"]["etag"]})
        now = await (await house.client.get(said["upload"]["href"], headers=ANN)).json()
        assert now["problem"]["type"] == "/problems/already-stored"
        assert [one["action"] for one in now["resolutions"]] == ["discard"]


async def test_its_page_has_both_files_and_the_buttons() -> None:
    async with opened() as house:
        said = await conflict(house)
        answer = await house.client.get(said["upload"]["href"], headers=HTML | ANN)
        page = await answer.text()
        assert answer.status == 200
        assert "ETag" not in answer.headers
        assert "<mark>old</mark>" in page
        assert "<mark>new</mark>" in page
        await house.client.delete("/files/a.txt", headers=ANN)
        answer = await house.client.get(said["upload"]["href"], headers=HTML | ANN)
        assert "Nothing is in the way any more" in await answer.text()


class Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((values["action"], {}))
        if tag == "input":
            self.found[-1][1][values["name"]] = values["value"]


@pytest.mark.parametrize(
    ("wanted", "there", "second"),
    [
        ("store", b"old\nsame\n", b"new\nsame\n"),
        ("replace", b"new\nsame\n", None),
        ("discard", b"old\nsame\n", None),
    ],
)
async def test_every_button_of_the_page_works_without_sending_the_file_again(
    wanted: str, there: bytes, second: bytes | None
) -> None:
    async with opened() as house:
        said = await conflict(house, "dir/a.txt")
        page = await house.client.get(said["upload"]["href"], headers=HTML | ANN)
        forms = Forms()
        forms.feed(await page.text())
        address, fields = next(one for one in forms.found if one[1]["action"] == wanted)
        answer = await house.client.post(
            address, data=fields, headers=HTML | ANN, allow_redirects=False
        )
        assert answer.status == 303
        assert answer.headers["Location"].startswith("/files/dir/")
        assert await read(house, "dir/a.txt") == there
        assert await read(house, "dir/a%20(2).txt") == second


async def test_a_button_pressed_too_late_shows_the_new_conflict() -> None:
    async with opened() as house:
        said = await conflict(house)
        fields = {"action": "replace", "path": "a.txt", "if_match": said["existing"]["etag"]}
        await put(house, "a.txt", b"third\n", **{"If-Match": said["existing"]["etag"]})
        answer = await house.client.post(said["upload"]["href"], data=fields, headers=HTML | ANN)
        page = await answer.text()
        assert answer.status == 412
        assert "<mark>third</mark>" in page
        assert fields["if_match"].replace('"', "&#34;") not in page.partition("Replace")[2]
        assert await read(house, "a.txt") == b"third\n"


async def test_the_bytes_can_be_read_and_no_browser_runs_them() -> None:
    async with opened() as house:
        await put(house, "a.html", b"<p>old")
        _, said = await put(house, "a.html", b"<script>alert(1)</script>")
        answer = await house.client.get(said["upload"]["href"] + "/content", headers=ANN)
        assert await answer.read() == b"<script>alert(1)</script>"
        assert answer.content_type in {"text/plain", "application/octet-stream"}
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_what_the_disk_has_lost_can_be_discarded_on_the_page_too() -> None:
    async with opened() as house:
        await put(house, "docs/a", b"old")
        _, said = await put(house, "docs/a", bytes(100_000))
        href, parking = said["upload"]["href"], house.parts.parking
        lost = await parking.index.read(lambda view: view.upload(href.rpartition("/")[2]))
        assert lost is not None
        parking.blobs.remove(lost.content)
        answer = await house.client.post(
            href, data={"action": "discard"}, headers=HTML | ANN, allow_redirects=False
        )
        assert (answer.status, answer.headers.get("Location")) == (303, "/files/docs/")
        assert (await house.client.get(href, headers=ANN)).status == 404


async def test_nobody_else_sees_it() -> None:
    async with opened() as house:
        said = await conflict(house)
        href = said["upload"]["href"]
        for method, address in (
            ("GET", href),
            ("GET", f"{href}/content"),
            ("DELETE", href),
            ("POST", f"{href}?action=discard"),
            ("POST", f"{href}?action=store&path=mine.txt"),
        ):
            answer = await house.client.request(method, address)
            assert answer.status == 404
        listing = await house.client.get("/uploads/")
        assert (await listing.json())["uploads"] == []
        assert (await house.client.get(href, headers=ANN)).status == 200


async def test_ones_own_uploads_are_listed() -> None:
    async with opened() as house:
        said = await conflict(house)
        listing = await (await house.client.get("/uploads/", headers=ANN)).json()
        assert [one["href"] for one in listing["uploads"]] == [said["upload"]["href"]]
        assert listing["next"] is None
        page = await house.client.get("/uploads/", headers=HTML | ANN)
        shown = await page.text()
        assert said["upload"]["href"] in shown
        assert '<a href="/uploads/">Conflicts</a>' in shown


async def test_an_upload_that_has_expired_is_not_there() -> None:
    async with opened(limits=Limits(keep_parked=0.0)) as house:
        said = await conflict(house)
        answer = await house.client.get(said["upload"]["href"], headers=ANN)
        assert answer.status == 404


@pytest.mark.parametrize(
    ("query", "headers", "status", "type_"),
    [
        ("", {}, 400, "malformed-request"),
        ("action=clobber", {}, 400, "malformed-request"),
        ("action=store", {}, 400, "malformed-request"),
        ("action=store&path=../x", {}, 422, "bad-name"),
        ("action=replace&path=a.txt", {}, 428, "condition-required"),
        ("action=replace&path=a.txt", {"If-Match": "*"}, 400, "malformed-request"),
        ("action=replace&path=a.txt", {"If-Match": '"a", "b"'}, 400, "malformed-request"),
        ("action=replace&path=a.txt", {"If-Match": "a"}, 400, "malformed-condition"),
        ("action=replace&path=a.txt&if_match=%22x%22", {}, 412, "stale-version"),
        ("action=replace&path=b.txt", {"If-Match": '"0-0"'}, 412, "stale-version"),
        ("action=store&path=a.txt", {}, 412, "stale-version"),
    ],
)
async def test_what_cannot_be_carried_out_is_told_and_the_bytes_stay(
    query: str, headers: dict[str, str], status: int, type_: str
) -> None:
    async with opened() as house:
        said = await conflict(house)
        href = said["upload"]["href"]
        answer = await house.client.post(f"{href}?{query}", headers=headers | ANN)
        assert answer.status == status
        assert (await answer.json(content_type=None))["type"] == f"/problems/{type_}"
        assert await read(house, "a.txt") == b"old\nsame\n"
        assert (await house.client.get(href, headers=ANN)).status == 200


async def test_the_header_speaks_before_the_field() -> None:
    async with opened() as house:
        said = await conflict(house)
        etag, href = said["existing"]["etag"], said["upload"]["href"]
        fields = {"action": "replace", "path": "a.txt", "if_match": etag}
        answer = await house.client.post(href, data=fields, headers={"If-Match": '"0-0"'} | ANN)
        assert answer.status == 412
        answer = await house.client.post(
            href, data={**fields, "if_match": '"0-0"'}, headers={"If-Match": etag} | ANN
        )
        assert answer.status == 200


async def test_a_right_that_was_never_there_cannot_be_had_through_a_resolution() -> None:
    grants = (
        Grant(Path(()), frozenset({"ann"}), ALL_RIGHTS),
        Grant(Path(("closed",)), frozenset({"bob"}), ALL_RIGHTS),
        Grant(Path(("reading",)), frozenset({"ann"}), frozenset({Right.READ, Right.LIST})),
        Grant(Path(("public",)), frozenset({ANONYMOUS_NAME}), ALL_RIGHTS),
    )
    async with opened(grants=grants) as house:
        said = await conflict(house)
        for path, status in (("closed/x", 404), ("reading/x", 403)):
            address = f"{said['upload']['href']}?action=store&path={path}"
            answer = await house.client.post(address, headers=ANN)
            assert answer.status == status
        assert (await house.client.get(said["upload"]["href"], headers=ANN)).status == 200
