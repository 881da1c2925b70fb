"""/preflight behind a real socket: as the contract describes it, in slices, bounded, reserving."""

import asyncio
import hashlib
import json
from typing import Any

import pytest

from handlers.parts import HttpSettings
from tests.doors import FOR_ANYBODY, PREFLIGHTS_EACH, House, opened, sent
from tests.test_openapi import ask
from tests.wire import Wire, message
from uploads.access import ALL_RIGHTS, ANONYMOUS_NAME, Grant, Right
from uploads.names import Path
from uploads.rules import Limits

AS_ANN = {"Authorization": "Bearer token"}
FOR_ANN = Grant(Path(("ann",)), frozenset({"user:ann"}), ALL_RIGHTS)
DROP = Grant(Path(("drop",)), frozenset({ANONYMOUS_NAME}), frozenset({Right.CREATE}))


async def verdicts(house: House, *items: Any, headers: Any = None, **more: Any) -> Any:
    body = json.dumps({"items": items, **more})
    return await ask(house, "POST", "/preflight", "/preflight", data=body, headers=headers)


def item(path: str, size: int = 1, **more: Any) -> dict[str, Any]:
    return {"path": path, "size": size, **more}


async def test_each_item_is_answered_as_its_upload_would_be() -> None:
    async with opened() as house:
        _, a = await sent(house, "a", b"1")
        _, b = await sent(house, "b", b"2")
        found = await verdicts(
            house,
            item("new", digest="blake3:" + "0" * 64),
            item("a", 7),
            item("a", digest=a["digest"]),
            item("a", if_match=a["etag"], digest="blake3:" + "1" * 64),
            item("A"),
            item("c", digest=b["digest"], same_content="link"),
            item("b", digest=b["digest"], same_file="accept"),
            item("b", 3, same_name="rename", post=True),
            item("b/x"),
            item("bad*name"),
            item("d", if_match="unquoted"),
            item("e", digest="crc:00"),
        )
        assert found["reservation"] is None
        told = [(one["verdict"], one["status"], one["sure"]) for one in found["verdicts"]]
        assert told == [
            ("create", 201, True),
            ("name-taken", 409, True),
            ("already-stored", 409, True),
            ("replace", 200, True),
            ("name-equivalent", 409, True),
            ("link", 201, True),
            ("unchanged", 200, True),
            ("rename", 201, False),
            ("type-clash", 409, True),
            ("bad-name", 422, True),
            ("malformed-condition", 400, True),
            ("wrong-digest", 400, True),
        ]
        assert [one["item"] for one in found["verdicts"]] == [*range(12)]
        by_path = {one["path"]: one for one in found["verdicts"]}
        assert found["verdicts"][3]["existing"]["etag"] == a["etag"]
        assert by_path["b"]["stored_as"] == "b (2)"
        assert by_path["b"]["may_be"] == ["content-known"]
        # Item 3 would have replaced it by then, with a version that has no ETag yet.
        assert by_path["A"]["earlier"] == 3
        assert "existing" not in by_path["A"]
        # The words are those of the upload itself.
        _, refused = await sent(house, "b/x", b"9")
        same = ("type", "title", "detail", "existing", "target")
        assert {name: by_path["b/x"][name] for name in same} == {
            name: refused[name] for name in same
        }
        # That its bytes are kept is said of bytes that have come.
        assert refused["next"].startswith(by_path["b/x"]["next"])


async def test_a_digest_that_was_declared_foretells_as_it_does_for_an_upload() -> None:
    async with opened() as house:
        value = hashlib.sha256(b"1").hexdigest()
        unknown = (await verdicts(house, item("b", digest=f"sha-256:{value}")))["verdicts"][0]
        assert (unknown["verdict"], unknown["sure"]) == ("create", False)
        header = {"Content-MD5": "xMpCOKC5I4INzFCab3WEmw=="}
        async with house.client.put("/files/a", data=b"1", headers=header) as stored:
            assert stored.status == 201
        known = await verdicts(house, item("b", digest="md5:c4ca4238a0b923820dcc509a6f75849b"))
        assert not known["verdicts"][0]["sure"], "MD5 foretells nothing"
        async with house.client.put(
            "/files/a2?same-content=link",
            data=b"1",
            headers={"Repr-Digest": "sha-256=:a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s=:"},
        ) as stored:
            assert stored.status == 201
        known = (await verdicts(house, item("b", digest=f"sha256:{value}")))["verdicts"][0]
        assert (known["verdict"], known["sure"]) == ("content-known", True)


async def test_what_the_caller_may_not_read_does_not_show() -> None:
    async with opened(grants=[FOR_ANYBODY, FOR_ANN, DROP]) as house:
        _, secret = await sent(house, "ann/secret", b"1", **AS_ANN)
        await sent(house, "drop/in", b"2")
        found = await verdicts(
            house,
            item("mine", digest=secret["digest"]),
            item("ann/secret"),
            item("drop/in", digest=secret["digest"]),
            item("drop/new"),
        )
        assert [(one["verdict"], one["status"]) for one in found["verdicts"]] == [
            ("create", 201),
            ("not-identified", 401),
            ("name-taken", 409),
            ("create", 201),
        ]
        assert all("existing" not in one for one in found["verdicts"])


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ("no json", "JSON"),
        ("[]", '"items"'),
        ('{"items": {}}', '"items"'),
        ('{"items": [], "more": 1}', '"more"'),
        ('{"items": [1]}', "Item 0"),
        ('{"items": [{"path": "a"}]}', '"size"'),
        ('{"items": [{"path": "a", "size": -1}]}', '"size"'),
        ('{"items": [{"path": "a", "size": true}]}', '"size"'),
        ('{"items": [{"path": 1, "size": 1}]}', '"path"'),
        ('{"items": [{"path": "a", "size": 1, "if-match": "x"}]}', '"if-match"'),
        ('{"items": [{"path": "a", "size": 1, "post": 1}]}', '"post"'),
        ('{"items": [{"path": "a", "size": 1, "same_name": "perhaps"}]}', "refuse, version"),
        ('{"items": [], "reserve": -1}', '"reserve"'),
        ('{"items": [], "reserve": NaN}', '"reserve"'),
        ("[" * 100_000, "JSON"),
    ],
)
async def test_a_list_that_cannot_be_read_is_refused_as_a_whole(body: str, hint: str) -> None:
    async with opened() as house:
        found = await ask(house, "POST", "/preflight", "/preflight", data=body)
        assert found["type"] == "/problems/malformed-request"
        assert hint in found["detail"]


async def test_a_list_is_bounded_in_items_and_bytes() -> None:
    async with opened(http=HttpSettings(preflight_items=3)) as house:
        assert (await verdicts(house))["verdicts"] == []
        assert len((await verdicts(house, *[item("a")] * 3))["verdicts"]) == 3
        assert (await verdicts(house, *[item("a")] * 4))["status"] == 400
        assert "bytes" in (await verdicts(house, item("a" * 2000)))["detail"]


async def until(wire: Wire, text: bytes) -> None:
    read = b""
    while text not in read:
        piece = await wire.reader.read(4096)
        assert piece, "the answer ended before"
        read = read[-len(text) :] + piece


async def test_a_long_list_is_answered_in_pieces_between_which_others_are_served() -> None:
    async with opened() as house, asyncio.timeout(60):
        items = [item(f"f{number}/x", number) for number in range(2000)]
        body = json.dumps({"items": items}).encode()
        wire = await Wire.connect(house.client.port or 0)
        await wire.send(message("POST", "/preflight", body))
        head = await wire.reader.readuntil(b"\r\n\r\n")
        assert b"chunked" in head
        await until(wire, b'"item": 24,')
        # The list is far from its end, for nobody has read on; an upload goes through meanwhile.
        stored, _ = await sent(house, "between", b"1")
        assert stored.status == 201
        await until(wire, b'"item": 1999,')
        await wire.close()


async def test_a_reader_who_takes_nothing_of_the_verdicts_is_hung_up_on() -> None:
    async with opened(http=HttpSettings(send_idle=0.3)) as house, asyncio.timeout(60):
        await sent(house, "taken", b"1")
        body = json.dumps({"items": [item("taken", 5)] * 10_000, "reserve": 30}).encode()
        wire = await Wire.connect(house.client.port or 0)
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await wire.send(message("POST", "/preflight", body))
        admission = house.parts.preflights.admission
        while not admission.under_way:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        while admission.under_way:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)
        await wire.close()
        assert house.parts.rules.reservations._kept == {}


async def test_so_many_preflights_at_once_are_taken_of_one() -> None:
    async with opened() as house, asyncio.timeout(30):
        admission = house.parts.preflights.admission
        wires = [await Wire.connect(house.client.port or 0) for _ in range(PREFLIGHTS_EACH)]
        for wire in wires:
            await wire.send(message("POST", "/preflight", b'{"items": []}')[:-1])
        while admission.under_way < PREFLIGHTS_EACH:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        refused = await verdicts(house)
        assert refused["type"] == "/problems/too-many-uploads"
        assert "preflights" in refused["detail"]
        for wire in wires:
            await wire.send(b"}")
            assert (await wire.reader.readuntil(b"]}\n")).startswith(b"HTTP/1.1 200")
            await wire.close()


async def test_what_has_the_size_of_a_readable_file_is_worth_a_digest() -> None:
    async with opened(grants=[FOR_ANYBODY, FOR_ANN]) as house:
        _, a = await sent(house, "a", b"four")
        async with house.client.put("/files/ann/b", data=b"seven b", headers=AS_ANN) as stored:
            assert stored.status == 201
        items = [item("n", 4), item("a", 4), item("m", 5), item("o", 7)]
        said = item("k", 4, digest=a["digest"])
        found = await verdicts(house, *items, said)
        assert found["algorithm"] == "blake3"
        hints = [one.get("same_size") for one in found["verdicts"]]
        assert hints == [True, True, None, None, None]
        found = await verdicts(house, item("ann/n", 7), headers=AS_ANN)
        assert found["verdicts"][0]["same_size"]


async def test_who_may_do_nothing_here_asks_nothing() -> None:
    async with opened(grants=[FOR_ANN]) as house:
        assert (await verdicts(house, item("a")))["status"] == 401


async def test_a_reserved_name_is_for_its_holder_alone() -> None:
    async with opened() as house:
        await sent(house, "taken", b"1")
        found = await verdicts(house, item("a/b"), item("taken", 5), reserve=600)
        assert [one.get("reserved") for one in found["verdicts"]] == [True, None]
        id_ = found["reservation"]["id"]
        refused = await ask(house, "PUT", "/files/A/B", "/files/{path}", data=b"2")
        assert (refused["type"], refused["retryable"]) == ("/problems/name-reserved", True)
        async with house.client.put("/files/a/b", data=b"2") as answer:
            assert 0 < int(answer.headers["Retry-After"]) <= 60
        mine = await ask(house, "PUT", f"/files/a/b?reservation={id_}", "/files/{path}", data=b"2")
        assert mine["href"] == "/files/a/b"
        taken = await ask(house, "PUT", "/files/a/b", "/files/{path}", data=b"3")
        assert taken["type"] == "/problems/name-taken"


async def test_a_form_shows_a_reservation_in_a_field() -> None:
    async with opened() as house:
        found = await verdicts(house, item("f.txt"), reserve=60)
        body = b"".join(
            [
                b'--b\r\nContent-Disposition: form-data; name="reservation"\r\n\r\n',
                found["reservation"]["id"].encode(),
                b'\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\n\r\n',
                b"1\r\n--b--\r\n",
            ]
        )
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        async with house.client.post("/files/", data=body, headers=kind) as answer:
            assert answer.status == 201, await answer.text()


async def test_over_a_quota_in_sum() -> None:
    async with opened(limits=Limits(quota_files=2)) as house:
        await sent(house, "a", b"1")
        found = await verdicts(house, item("b"), item("c"))
        assert [one["verdict"] for one in found["verdicts"]] == ["create", "over-quota"]
