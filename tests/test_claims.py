"""A content that its sender can read is claimed by its digest, and no other one is."""

import base64
import hashlib
import re
from typing import Any

import pytest
from aiohttp import ClientResponse

from tests.doors import FOR_ANYBODY, House, got, opened, sent
from tests.keys import AS_ANN, FOR_ANN, KEY, ask, digest_of, is_replay, lose_blob, versions
from tests.wire import Wire, put, released_together
from uploads.access import ANONYMOUS_NAME, Grant, Right
from uploads.names import Path
from uploads.policy import Policy
from uploads.rules import Limits

LINK = {"Prefer": "same-content=link"}
BODY = b"one" * 1000
DROP = Grant(Path(("drop",)), frozenset({ANONYMOUS_NAME}), frozenset({Right.CREATE}))


def identity_of(told: dict[str, Any]) -> dict[str, str]:
    """The `digest` of an answer, as a header."""
    algorithm, _, digits = told["digest"].partition(":")
    value = base64.b64encode(bytes.fromhex(digits)).decode()
    return {"Repr-Digest": f"{algorithm}=:{value}:"}


async def claim(
    house: House, path: str, digest: dict[str, str], **headers: str
) -> tuple[ClientResponse, dict[str, Any]]:
    return await sent(house, path, b"", **LINK, **digest, **headers)


async def test_a_readable_content_gets_a_second_name_without_its_bytes() -> None:
    async with opened() as house:
        _, made = await sent(house, "a.txt", BODY, **digest_of(BODY))
        for name, digest in (("b.txt", digest_of(BODY)), ("c.txt", identity_of(made))):
            second, told = await claim(house, name, digest)
            assert (second.status, told["href"]) == (201, f"/files/{name}")
            assert (told["size"], told["digest"]) == (made["size"], made["digest"])
            assert second.headers["Link"] == '</files/a.txt>; rel="duplicate"'
            assert second.headers["Location"] == f"/files/{name}"
            assert await got(house, name) == (200, BODY)


async def test_a_request_that_says_no_length_has_no_body_and_claims_as_well() -> None:
    async with opened() as house:
        _, made = await sent(house, "a.txt", BODY)
        headers = {"Host": "localhost", **LINK, **identity_of(made)}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        wire = await Wire.connect(house.client.port or 0)
        answer = await wire.ask(f"PUT /files/b.txt HTTP/1.1\r\n{lines}\r\n".encode())
        await wire.close()
        assert (answer.status, answer.json.get("href")) == (201, "/files/b.txt")
        assert await got(house, "b.txt") == (200, BODY)


async def test_the_digest_of_nothing_stores_an_empty_file() -> None:
    async with opened() as house:
        for name in ("empty", "empty too"):
            stored, told = await claim(house, name, digest_of(b""))
            assert (stored.status, told["size"]) == (201, 0)


async def test_a_digest_without_bytes_is_wrong_unless_a_link_is_asked_for() -> None:
    async with opened() as house:
        await sent(house, "a.txt", BODY, **digest_of(BODY))
        wrong, told = await sent(house, "b.txt", b"", **digest_of(BODY))
        assert (wrong.status, told["type"]) == (400, "/problems/wrong-digest")
        assert (await got(house, "b.txt"))[0] == 404


def as_sent(answer: ClientResponse, told: dict[str, Any]) -> tuple[Any, ...]:
    """All of an answer but for what differs between any two."""
    headers = [
        (name, value)
        for name, value in answer.headers.items()
        if name not in {"Date", "X-Request-ID"}
    ]
    return (
        answer.status,
        headers,
        {**told, "instance": re.sub("[0-9a-f]{16}$", "", told["instance"])},
    )


async def test_content_that_others_have_is_answered_like_one_that_nobody_has() -> None:
    secret, mine = b"a secret" * 500, b"declared by ann" * 500
    async with opened(grants=[FOR_ANYBODY, FOR_ANN]) as house:
        _, of_ann = await ask_ann(house, "ann/secret", secret)
        await ask_ann(house, "ann/mine", mine)
        # That somebody has declared it is not mine to know, though I have the content, too.
        await sent(house, "mine", mine)
        gone, told_gone = await sent(house, "gone", BODY, **digest_of(BODY))
        assert gone.status == 201
        await ask(house, "DELETE", "/files/gone")
        unknown = as_sent(*await claim(house, "x", digest_of(b"nobody's" * 500)))
        assert unknown[0] == 400
        for digest in (digest_of(secret), digest_of(mine), digest_of(BODY)):
            assert as_sent(*await claim(house, "x", digest)) == unknown
        strange = {"digest": "blake3:" + "17" * 32}
        unknown = as_sent(*await claim(house, "x", identity_of(strange)))
        for known in (of_ann, told_gone):
            assert as_sent(*await claim(house, "x", identity_of(known))) == unknown
        assert (await got(house, "x"))[0] == 404
        allowed, told = await claim(house, "x", digest_of(secret), **AS_ANN)
        assert (allowed.status, told["digest"]) == (201, of_ann["digest"])


async def ask_ann(house: House, path: str, body: bytes) -> tuple[ClientResponse, dict[str, Any]]:
    return await sent(house, path, body, **AS_ANN, **digest_of(body))


async def test_a_sha_256_that_nobody_declared_is_not_known() -> None:
    async with opened() as house:
        await sent(house, "a.txt", BODY)
        refused, told = await claim(house, "b.txt", digest_of(BODY))
        assert (refused.status, told["type"]) == (400, "/problems/wrong-digest")


async def test_every_declared_digest_has_to_be_known() -> None:
    async with opened() as house:
        _, made = await sent(house, "a.txt", BODY)
        both = {
            "Repr-Digest": f"{identity_of(made)['Repr-Digest']}, {digest_of(b'x')['Repr-Digest']}"
        }
        assert (await claim(house, "b.txt", both))[0].status == 400
        md5 = base64.b64encode(hashlib.md5(BODY, usedforsecurity=False).digest()).decode()
        with_md5 = {**identity_of(made), "Content-MD5": md5}
        assert (await claim(house, "b.txt", with_md5))[0].status == 400


async def test_a_name_is_replaced_by_digest_under_a_condition() -> None:
    async with opened() as house:
        _, made = await sent(house, "a.txt", BODY)
        _, old = await sent(house, "b.txt", b"old")
        digest = identity_of(made)
        stale, told = await claim(house, "b.txt", digest, If_Match='"1-0000000000000000"')
        assert (stale.status, told["existing"]["etag"]) == (412, old["etag"])
        # It can be asked for again for nothing, so nothing is kept for it.
        assert "upload" not in told
        replaced, told = await claim(house, "b.txt", digest, If_Match=old["etag"])
        assert (replaced.status, told["digest"]) == (200, made["digest"])
        assert 'rel="predecessor-version"' in replaced.headers["Link"]
        assert len(await versions(house, "b.txt")) == 2


async def test_what_is_in_the_way_of_a_claim_is_told() -> None:
    async with opened() as house:
        _, made = await sent(house, "a.txt", BODY)
        await sent(house, "b.txt", b"other")
        for name, slug in (
            ("a.txt", "already-stored"),
            ("b.txt", "name-taken"),
            ("A.txt", "name-equivalent"),
            ("a.txt/c", "type-clash"),
        ):
            refused, told = await claim(house, name, identity_of(made))
            assert (refused.status, told["type"]) == (409, f"/problems/{slug}")
            assert "upload" not in told


async def test_a_claim_counts_against_the_quota_and_needs_the_right_and_the_type() -> None:
    pictures = {Path(("pictures",)): Policy(types_allowed=frozenset({"image/*"}))}
    grants = [FOR_ANYBODY, FOR_ANN]
    async with opened(grants, Limits(quota_files=2), folders=pictures) as house:
        _, made = await sent(house, "a.txt", b"some text\n" * 200)
        digest = identity_of(made)
        assert (await claim(house, "ann/b", digest))[0].status == 401
        assert (await claim(house, "pictures/b", digest))[0].status == 415
        assert (await claim(house, "b", digest))[0].status == 201
        assert (await claim(house, "c", digest))[0].status == 507


async def test_in_a_drop_box_a_claim_is_received_and_no_more_is_said() -> None:
    async with opened(grants=[FOR_ANYBODY, DROP]) as house:
        _, made = await sent(house, "a.txt", BODY)
        dropped, told = await claim(house, "drop/b", identity_of(made))
        assert (dropped.status, told) == (201, {"received": True, "size": len(BODY)})
        # What lies in the box is no content that its sender could read.
        _, hidden = await sent(house, "drop/c", b"hidden", **digest_of(b"hidden"))
        assert hidden == {"received": True, "size": 6}
        assert (await claim(house, "x", digest_of(b"hidden")))[0].status == 400


async def test_lost_bytes_cannot_be_claimed() -> None:
    async with opened() as house:
        _, made = await sent(house, "a.txt", BODY)
        lose_blob(house)
        assert (await claim(house, "b.txt", identity_of(made)))[0].status == 400
        assert (await got(house, "b.txt"))[0] == 404


async def test_a_claim_is_repeated_under_its_key() -> None:
    async with opened() as house:
        _, made = await sent(house, "a.txt", BODY, **digest_of(BODY))
        _, other = await sent(house, "b.txt", b"other")
        first, told = await claim(house, "c.txt", identity_of(made), **KEY)
        await ask(house, "DELETE", "/files/a.txt")
        await ask(house, "DELETE", "/files/c.txt")
        again, told_again = await claim(house, "c.txt", identity_of(made), **KEY)
        assert (first.status, again.status, told_again) == (201, 201, told)
        assert is_replay(again)
        reused, _ = await claim(house, "c.txt", identity_of(other), **KEY)
        assert reused.status == 422
        assert (await got(house, "c.txt"))[0] == 404


async def test_a_posted_claim_is_named_by_its_slug() -> None:
    async with opened() as house:
        _, made = await sent(house, "a.txt", BODY)
        headers = {**LINK, **identity_of(made), "Slug": "b.txt"}
        posted, told = await ask(house, "POST", "/files/in/", data=b"", headers=headers)
        assert (posted.status, told["href"]) == (201, "/files/in/b.txt")


async def test_the_identity_of_a_content_is_verified_where_its_bytes_come() -> None:
    async with opened() as house:
        _, made = await sent(house, "a.txt", BODY)
        wrong, told = await sent(house, "b.txt", b"other", **identity_of(made))
        assert (wrong.status, told["type"]) == (400, "/problems/wrong-digest")
        right, _ = await sent(house, "b.txt", BODY, **LINK, **identity_of(made))
        assert right.status == 201


@pytest.mark.parametrize("expects", [{}, {"Expect": "100-continue"}])
async def test_of_many_claims_on_one_name_exactly_one_is_created(expects: dict[str, str]) -> None:
    async with opened() as house:
        assert house.client.port is not None
        _, made = await sent(house, "a.txt", BODY)
        wires = [await Wire.connect(house.client.port) for _ in range(16)]
        asked = put("/files/b.txt", b"", {**LINK, **identity_of(made), **expects})
        answers = await released_together(wires, [asked] * len(wires))
        assert sorted(answer.status for answer in answers) == [201] + [409] * 15
        for wire in wires:
            await wire.close()
