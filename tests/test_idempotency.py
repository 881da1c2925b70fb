"""Idempotency-Key at the doors: carried out once, answered as the first time."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientResponse, FormData

from tests.doors import House, got, opened, sent
from tests.keys import AS_ANN, KEY, ask, digest_of, is_replay, put_key, told_alike, versions
from tests.wire import Wire, message, put
from uploads.access import ANONYMOUS_NAME
from uploads.names import Path
from uploads.policy import Policy, SameName


async def test_an_upload_that_is_repeated_is_answered_as_the_first_time() -> None:
    async with opened() as house:
        first, told = await put_key(house, "a.txt", b"one")
        assert first.status == 201
        assert not is_replay(first)
        for _ in range(3):
            again, told_again = await put_key(house, "a.txt", b"one")
            assert (again.status, told_again) == (201, told)
            assert is_replay(again)
            for name in ("ETag", "Location"):
                assert again.headers[name] == first.headers[name]
        assert await versions(house, "a.txt") == [told["version"]]


async def test_what_came_after_the_first_answer_does_not_change_it() -> None:
    async with opened() as house:
        _, told = await put_key(house, "a.txt", b"one")
        etag = {"If-Match": told["etag"]}
        await sent(house, "a.txt", b"two", **etag)
        await ask(house, "DELETE", "/files/a.txt")
        again, told_again = await put_key(house, "a.txt", b"one")
        assert (again.status, told_again) == (201, told)
        assert (await got(house, "a.txt"))[0] == 404


async def test_a_replacement_is_repeated_with_the_version_before_it() -> None:
    async with opened() as house:
        _, made = await sent(house, "a.txt", b"one")
        match = {"If-Match": made["etag"]}
        first, told = await put_key(house, "a.txt", b"two", **match)
        again, told_again = await put_key(house, "a.txt", b"two", **match)
        assert (first.status, again.status) == (200, 200)
        assert told_again == told
        assert again.headers["Link"] == first.headers["Link"]
        assert len(await versions(house, "a.txt")) == 2


async def test_a_refusal_is_repeated_with_the_same_parked_upload() -> None:
    async with opened() as house:
        await sent(house, "a.txt", b"one")
        first, told = await put_key(house, "a.txt", b"two")
        again, told_again = await put_key(house, "a.txt", b"two")
        assert (first.status, again.status) == (409, 409)
        assert told["upload"]
        assert told["resolutions"]
        assert told_alike(told, told_again)
        assert is_replay(again)
        assert again.headers["Link"] == first.headers["Link"]
        usage = await house.parts.tree.index.read(lambda view: view.parked(ANONYMOUS_NAME))
        assert usage.files == 1
        resolution = told_again["resolutions"][0]
        headers = {**resolution["headers"], **KEY}
        done, stored = await ask(house, "POST", resolution["href"], headers=headers)
        assert (done.status, stored["size"]) == (200, 3)
        done, stored_again = await ask(house, "POST", resolution["href"], headers=headers)
        assert (done.status, stored_again) == (200, stored)
        assert is_replay(done)


async def test_a_refusal_whose_upload_is_settled_is_repeated_without_dead_links() -> None:
    async with opened() as house:
        await sent(house, "a.txt", b"one")
        _, told = await put_key(house, "a.txt", b"two")
        await ask(house, "DELETE", told["upload"]["href"])
        again, told_again = await put_key(house, "a.txt", b"two")
        assert (again.status, told_again["type"]) == (409, "/problems/name-taken")
        assert "upload" not in told_again
        assert "resolutions" not in told_again
        usage = await house.parts.tree.index.read(lambda view: view.parked(ANONYMOUS_NAME))
        assert usage.files == 0


async def test_a_stale_condition_is_repeated_though_it_holds_by_now() -> None:
    async with opened() as house:
        _, made = await sent(house, "a.txt", b"one")
        first, told = await put_key(house, "a.txt", b"two", If_None_Match="*")
        assert first.status == 412
        await ask(house, "DELETE", "/files/a.txt")
        again, told_again = await put_key(house, "a.txt", b"two", If_None_Match="*")
        assert (again.status, told_again["existing"]["etag"]) == (412, made["etag"])
        assert told_alike(told, told_again)


@pytest.mark.parametrize(
    ("body", "path", "headers"),
    [
        (b"two", "a.txt", {}),
        (b"one!", "a.txt", {}),
        (b"one", "a.txt", {"If-None-Match": "*"}),
        (b"one", "a.txt", {"Prefer": "same-file=accept"}),
    ],
)
async def test_a_key_that_was_used_for_another_request_is_refused(
    body: bytes, path: str, headers: dict[str, str]
) -> None:
    async with opened() as house:
        _, told = await put_key(house, "a.txt", b"one")
        other, problem = await put_key(house, path, body, **headers)
        assert (other.status, problem["type"]) == (422, "/problems/key-reused")
        assert await versions(house, "a.txt") == [told["version"]]
        again, told_again = await put_key(house, "a.txt", b"one")
        assert (again.status, told_again) == (201, told)


async def test_a_key_is_one_of_its_sender_method_and_address() -> None:
    async with opened() as house:
        for path in ("a.txt", "b.txt"):
            stored, _ = await put_key(house, path, path.encode())
            assert stored.status == 201
            assert not is_replay(stored)
        by_ann, _ = await put_key(house, "a.txt", b"a.txt", **AS_ANN)
        assert by_ann.status == 409
        gone, _ = await ask(house, "DELETE", "/files/a.txt", headers=KEY)
        assert gone.status == 200


async def test_what_failed_may_be_tried_again_under_its_key() -> None:
    async with opened() as house:
        assert house.client.port is not None
        wrong, _ = await put_key(house, "a.txt", b"whole", **digest_of(b"other"))
        assert wrong.status == 400
        wire = await Wire.connect(house.client.port)
        await wire.send(put("/files/a.txt", b"whole", KEY)[:-2])
        await wire.close()
        stored, _ = await put_retrying(house, "a.txt", b"whole")
        assert stored.status == 201
        assert not is_replay(stored)


async def put_retrying(
    house: House, path: str, body: bytes
) -> tuple[ClientResponse, dict[str, Any]]:
    """As long as the first try is under way."""
    while True:
        answer, told = await put_key(house, path, body)
        if told.get("type") != "/problems/in-progress":
            return answer, told


async def test_while_the_first_is_under_way_the_second_is_told_to_wait() -> None:
    async with opened() as house:
        assert house.client.port is not None
        first, second = [await Wire.connect(house.client.port) for _ in range(2)]
        whole = put("/files/a.txt", b"one", KEY)
        await first.send(whole[:-1])
        while not house.parts.receiver.admission.under_way:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)
        waiting = await second.ask(whole)
        assert waiting.status == 409
        assert waiting.json["type"] == "/problems/in-progress"
        assert waiting.json["retryable"] is True
        assert waiting.headers["retry-after"] == "1"
        await first.send(whole[-1:])
        done = await first.answer()
        again = await second.ask(whole)
        assert again.json == done.json
        assert again.headers["idempotency-replayed"] == "?1"
        await first.close()
        await second.close()


@pytest.mark.parametrize(
    "key", ["", '""', '"', "a b", '"a" "b"', "\xe9", '"\xe9"', "a,b", '"\\x"', "x" * 256]
)
async def test_a_key_that_cannot_be_read_is_refused_and_nothing_is_done(key: str) -> None:
    async with opened() as house:
        answer, told = await put_key(house, "a.txt", b"one", **{"Idempotency-Key": key})
        assert (answer.status, told["type"]) == (400, "/problems/malformed-key")
        assert (await got(house, "a.txt"))[0] == 404


async def test_a_bare_key_is_the_same_as_one_in_quotes() -> None:
    async with opened() as house:
        _, told = await put_key(house, "a.txt", b"one", **{"Idempotency-Key": "some-key-1"})
        for spelled in ('"some-key-1"', '"some-key-1";v=1', "some-key-1"):
            again, told_again = await put_key(
                house, "a.txt", b"one", **{"Idempotency-Key": spelled}
            )
            assert (again.status, told_again) == (201, told)


async def test_posts_and_what_changes_the_tree_are_repeated() -> None:
    async with opened(policy=Policy(same_name=SameName.RENAME)) as house:
        _, made = await sent(house, "a.txt", b"one")
        await sent(house, "a.txt", b"one!", **{"If-Match": made["etag"]})
        slug = {**KEY, "Slug": "a.txt"}
        requests: list[tuple[str, str, dict[str, Any]]] = [
            ("POST", "/files/", {"data": b"posted", "headers": slug}),
            ("POST", "/files/a.txt?copy=b/c.txt", {"headers": KEY}),
            ("POST", "/files/b/c.txt?move=d.txt", {"headers": KEY}),
            (
                "POST",
                f"/files/a.txt?restore={made['version']}",
                {"headers": {"Idempotency-Key": "2", "If-Match": "*"}},
            ),
            ("PUT", "/files/new/", {"headers": KEY}),
            ("DELETE", "/files/new/", {"headers": KEY}),
            ("DELETE", "/files/d.txt", {"headers": KEY}),
            ("POST", "/files/nowhere.txt?move=e.txt", {"headers": KEY}),
        ]
        for method, address, options in requests:
            first, told = await ask(house, method, address, **options)
            again, told_again = await ask(house, method, address, **options)
            assert again.status == first.status, address
            assert told_alike(told, told_again), address
            assert is_replay(again) == (first.status < 400), address
        changes = await house.parts.tree.index.read(lambda view: view.folder(Path(())))
        assert changes is not None
        assert changes.changed == 9


async def test_a_move_under_a_used_key_to_another_place_is_refused() -> None:
    async with opened() as house:
        await sent(house, "a.txt", b"one")
        await ask(house, "POST", "/files/a.txt?copy=b.txt", headers=KEY)
        other, told = await ask(house, "POST", "/files/a.txt?copy=c.txt", headers=KEY)
        assert (other.status, told["type"]) == (422, "/problems/key-reused")
        assert (await got(house, "c.txt"))[0] == 404


def form(*files: tuple[str, bytes]) -> FormData:
    data = FormData()
    for name, body in files:
        data.add_field("file", body, filename=name)
    return data


async def test_a_form_is_repeated_file_by_file() -> None:
    async with opened(policy=Policy(same_name=SameName.RENAME)) as house:
        await sent(house, "in/a.txt", b"is there")
        files = (("a.txt", b"one"), ("b.txt", b"is there"), ("c.txt", b"three"))
        first, told = await ask(house, "POST", "/files/in/", data=form(*files), headers=KEY)
        again, told_again = await ask(house, "POST", "/files/in/", data=form(*files), headers=KEY)
        assert (first.status, again.status) == (200, 200)
        assert [one["status"] for one in told["results"]] == [201, 409, 201]
        for one, other in zip(told["results"], told_again["results"], strict=True):
            assert told_alike(one, other)
        assert not is_replay(first)
        assert is_replay(again)
        _, listed = await ask(house, "GET", "/files/in/")
        assert len(listed["entries"]) == 3


async def test_a_form_that_broke_off_goes_on_where_it_did() -> None:
    async with opened(policy=Policy(same_name=SameName.RENAME)) as house:
        assert house.client.port is not None
        one, two = ("a.txt", b"one"), ("b.txt", b"two")
        whole = b"".join(
            b'--border\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n%s\r\n'
            % (name.encode(), body)
            for name, body in (one, two)
        )
        headers = {"Content-Type": "multipart/form-data; boundary=border", **KEY}
        broken = message("POST", "/files/", whole, headers)
        wire = await Wire.connect(house.client.port)
        refused = await wire.ask(broken)
        assert refused.json["type"] == "/problems/body-too-short"
        assert [result["status"] for result in refused.json["results"]] == [201]
        await wire.close()
        both, told = await ask(house, "POST", "/files/", data=form(one, two), headers=KEY)
        assert both.status == 201
        assert not is_replay(both)
        assert [result["href"] for result in told["results"]] == ["/files/a.txt", "/files/b.txt"]


async def test_a_form_with_more_or_less_files_is_another_one() -> None:
    async with opened() as house:
        files = [("a.txt", b"one"), ("b.txt", b"two"), ("c.txt", b"three")]
        await ask(house, "POST", "/files/", data=form(*files[:2]), headers=KEY)
        for other in (files, files[:1]):
            refused, told = await ask(house, "POST", "/files/", data=form(*other), headers=KEY)
            assert (refused.status, told["type"]) == (422, "/problems/key-reused")
        assert (await got(house, "c.txt"))[0] == 404
        posted, _ = await ask(
            house, "POST", "/files/", data=b"one", headers={**KEY, "Slug": "d.txt"}
        )
        assert posted.status == 422


async def test_a_file_input_that_was_left_empty_does_not_count() -> None:
    async with opened() as house:
        data = [form(("a.txt", b"one"), ("", b"")) for _ in range(2)]
        first, told = await ask(house, "POST", "/files/", data=data[0], headers=KEY)
        again, told_again = await ask(house, "POST", "/files/", data=data[1], headers=KEY)
        assert (first.status, again.status, told_again) == (201, 201, told)


async def test_a_form_with_another_file_at_a_place_is_refused() -> None:
    async with opened() as house:
        one = ("a.txt", b"one")
        await ask(house, "POST", "/files/", data=form(one, ("b.txt", b"two")), headers=KEY)
        for other in (("b.txt", b"other"), ("c.txt", b"two")):
            refused, told = await ask(house, "POST", "/files/", data=form(one, other), headers=KEY)
            assert (refused.status, told["type"]) == (422, "/problems/key-reused")
            assert [result["status"] for result in told["results"]] == [201]
