"""The plain door: what is stored, replaced and refused, and in which words."""

import base64
from typing import Any

import pytest

from tests.doors import got, opened, sent
from tests.forms import file, post
from tests.tussing import VERSION, metadata
from uploads.access import ANONYMOUS_NAME, Grant, Right
from uploads.names import Path
from uploads.policy import Policy, SameContent, SameFile, SameName


async def test_a_new_file_is_created_with_its_folders_and_read_back_byte_for_byte() -> None:
    async with opened() as house:
        response, said = await sent(house, "a/b/c.bin", bytes(range(256)) * 10)

        assert response.status == 201
        assert response.headers["Location"] == "/files/a/b/c.bin"
        assert response.headers["ETag"] == said["etag"]
        assert said["size"] == 2560
        assert await got(house, "a/b/c.bin") == (200, bytes(range(256)) * 10)


async def test_who_wants_the_digest_by_which_a_content_is_known_gets_it_of_every_file() -> None:
    async with opened() as house:
        _, said = await sent(house, "a", b"one")
        of = base64.b64encode(bytes.fromhex(said["digest"].removeprefix("blake3:"))).decode()
        for wanted, told in (
            ("blake3=1", f"blake3=:{of}:"),
            ("sha-256=2, blake3=1", f"blake3=:{of}:"),
            ("blake3=0", None),
            ("sha-256=1", None),
        ):
            headers = {"Want-Repr-Digest": wanted}
            for method in ("GET", "HEAD"):
                async with house.client.request(method, "/files/a", headers=headers) as response:
                    assert response.headers.get("Repr-Digest") == told, wanted


@pytest.mark.parametrize("headers", [{}, {"If-None-Match": "*"}])
@pytest.mark.parametrize("also", [set[Right](), {Right.READ}])
async def test_who_may_replace_nothing_is_not_led_to_do_so(
    also: set[Right], headers: dict[str, str]
) -> None:
    grant = Grant(Path(()), frozenset({ANONYMOUS_NAME}), frozenset({Right.CREATE, *also}))
    async with opened(grants=[grant]) as house:
        await sent(house, "a", b"one")
        async with house.client.put("/files/a", data=b"two", headers=headers) as response:
            put = await response.json(content_type=None)
        _, posted, _ = await post(house, file("a", b"three"), headers=headers)
        for said in (put, posted):
            assert said["status"] in {409, 412}
            assert said["next"].startswith("Choose another name: you may replace nothing here.")
            assert "expected" not in said
            assert [one["action"] for one in said["resolutions"]] == ["store", "discard"]
        taken = f"{put['upload']['href']}?action=store&path=a"
        items = {"items": [{"path": "a", "size": 3}]}
        begun = {**VERSION, **headers, "Upload-Length": "4", "Upload-Metadata": metadata(path="a")}
        asked: dict[str, dict[str, Any]] = {taken: {}, "/preflight": {"json": items}}
        if also:
            # What somebody may not see is judged when all of it is here.
            asked["/uploads/"] = {"headers": begun}
        for address, more in asked.items():
            async with house.client.post(address, **more) as response:
                said = await response.json(content_type=None)
            said = said.get("verdicts", [said])[0]
            assert said["status"] in {409, 412, 422}, address
            assert said["next"].startswith("Choose another name: you may replace nothing here.")
            assert "expected" not in said


async def test_an_empty_file_is_a_file() -> None:
    async with opened() as house:
        response, said = await sent(house, "empty", b"")

        assert (response.status, said["size"]) == (201, 0)
        assert await got(house, "empty") == (200, b"")


async def test_a_taken_name_is_refused_with_a_link_to_what_has_it() -> None:
    async with opened() as house:
        _, first = await sent(house, "a.txt", b"one")
        response, said = await sent(house, "a.txt", b"two")

        assert (response.status, said["type"]) == (409, "/problems/name-taken")
        assert said["conflict"] == "name"
        assert said["existing"]["href"] == "/files/a.txt"
        assert said["expected"] == {"if_match": first["etag"]}
        assert response.headers["ETag"] == first["etag"]
        assert '</files/a.txt>; rel="edit"' in response.headers["Link"]
        assert "Location" not in response.headers
        assert response.headers["Cache-Control"] == "no-store"
        assert await got(house, "a.txt") == (200, b"one")


async def test_each_resolution_settles_the_conflict_as_it_stands_without_the_bytes() -> None:
    async with opened() as house:
        for action, path, expected in (
            ("replace", "a.txt", b"two replace"),
            ("store", "a (2).txt", b"two store"),
        ):
            await sent(house, "a.txt", b"one")
            _, said = await sent(house, "a.txt", b"two " + action.encode())
            wanted = next(one for one in said["resolutions"] if one["action"] == action)
            async with house.client.request(
                wanted["method"], wanted["href"], headers=wanted["headers"]
            ) as settled:
                assert settled.status in {200, 201}
                assert (await settled.json())["href"] == f"/files/{path.replace(' ', '%20')}"
            assert await got(house, path) == (200, expected)


async def test_the_same_file_again_is_already_stored_or_accepted_as_the_sender_prefers() -> None:
    async with opened() as house:
        _, first = await sent(house, "a.txt", b"one")
        refused, said = await sent(house, "a.txt", b"one")
        accepted, again = await sent(house, "a.txt", b"one", Prefer="same-file=accept")
        matched, also = await sent(house, "a.txt", b"one", If_Match=first["etag"])

        assert (refused.status, said["type"]) == (409, "/problems/already-stored")
        assert "upload" not in said
        assert (accepted.status, again["etag"]) == (200, first["etag"])
        assert (matched.status, also["etag"]) == (200, first["etag"])


async def test_known_content_is_refused_with_a_link_and_linked_where_that_is_wished() -> None:
    async with opened() as house:
        await sent(house, "a.txt", b"one")
        refused, said = await sent(house, "b.txt", b"one")
        linked, _ = await sent(house, "b.txt", b"one", Prefer="same-content=link")

        assert (refused.status, said["type"]) == (409, "/problems/content-known")
        assert '</files/a.txt>; rel="duplicate"; anchor="/files/b.txt"' in refused.headers["Link"]
        assert linked.status == 201
        assert await got(house, "b.txt") == (200, b"one")


async def test_if_match_replaces_and_keeps_the_old_version() -> None:
    async with opened() as house:
        _, first = await sent(house, "a.txt", b"one")
        response, second = await sent(house, "a.txt", b"two", If_Match=first["etag"])
        stale, said = await sent(house, "a.txt", b"three", If_Match=first["etag"])

        assert response.status == 200
        assert second["etag"] != first["etag"]
        assert 'rel="predecessor-version"' in response.headers["Link"]
        assert (stale.status, said["type"]) == (412, "/problems/stale-version")
        assert stale.headers["ETag"] == second["etag"]
        assert said["existing"]["href"] == "/files/a.txt"
        assert await got(house, "a.txt") == (200, b"two")
        assert await got(house, f"a.txt?version={first['version']}") == (200, b"one")


async def test_a_to_b_to_a_is_visible() -> None:
    async with opened() as house:
        _, first = await sent(house, "a.txt", b"A")
        _, second = await sent(house, "a.txt", b"B", If_Match=first["etag"])
        await sent(house, "a.txt", b"A", If_Match=second["etag"])

        response, _ = await sent(house, "a.txt", b"C", If_Match=first["etag"])

        assert response.status == 412


async def test_if_none_match_any_creates_and_never_replaces() -> None:
    async with opened() as house:
        created, _ = await sent(house, "a.txt", b"one", If_None_Match="*")
        refused, said = await sent(house, "a.txt", b"two", If_None_Match="*")

        assert created.status == 201
        assert (refused.status, said["type"]) == (412, "/problems/stale-version")


async def test_another_spelling_of_a_name_is_refused_with_both_and_the_rule() -> None:
    async with opened() as house:
        await sent(house, "Docs/Re\u0301sume\u0301.txt", b"one")
        for path, rule in (
            ("Docs/R\u00e9sum\u00e9.txt", "unicode normalisation"),
            ("docs/new.txt", "case"),
            ("Docs/R\u00c9SUM\u00c9.TXT", "case"),
        ):
            response, said = await sent(house, path, b"two")
            assert (response.status, said["type"]) == (409, "/problems/name-equivalent"), path
            assert said["rule"] == rule
            assert said["existing"]["href"].startswith("/files/Docs")


async def test_two_names_that_look_the_same_are_told_apart_in_the_refusal() -> None:
    async with opened() as house:
        await sent(house, "caf\u00e9.txt", b"one")
        _, said = await sent(house, "cafe\u0301.txt", b"two")

        assert said["detail"] == (
            '"cafe\u0301.txt" and "caf\u00e9.txt" (U+0065 U+0301 against U+00E9) count as the same'
            " name: they differ only by unicode normalisation."
        )


async def test_a_folder_of_exact_names_keeps_both_spellings_apart() -> None:
    exact = {Path(("exact",)): Policy(exact_names=True)}
    async with opened(folders=exact) as house:
        for name in ("exact/a.txt", "exact/A.txt", "exact/CON"):
            response, _ = await sent(house, name, name.encode())
            assert response.status == 201, name


async def test_a_file_is_no_folder_and_a_folder_no_file() -> None:
    async with opened() as house:
        await sent(house, "a/b", b"one")
        above, said = await sent(house, "a/b/c", b"two")
        at, also = await sent(house, "a", b"two")

        assert (above.status, said["type"]) == (409, "/problems/type-clash")
        assert (at.status, also["type"]) == (409, "/problems/type-clash")


async def test_policy_words_of_a_folder_rule_what_is_put_into_it() -> None:
    words = Policy(SameFile.ACCEPT, SameName.VERSION, SameContent.LINK)
    async with opened(policy=words) as house:
        await sent(house, "a", b"one")
        same, _ = await sent(house, "a", b"one")
        version, _ = await sent(house, "a", b"two")
        link, _ = await sent(house, "b", b"two")

        assert (same.status, version.status, link.status) == (200, 200, 201)


async def test_a_put_is_never_stored_under_another_name() -> None:
    async with opened(policy=Policy(same_name=SameName.RENAME)) as house:
        await sent(house, "a", b"one")
        response, said = await sent(house, "a", b"two")

        assert (response.status, said["type"]) == (409, "/problems/name-taken")


async def test_a_raw_post_is_named_by_its_headers_and_may_be_renamed() -> None:
    async with opened(policy=Policy(same_name=SameName.RENAME)) as house:
        for naming, expected in (
            ({"Slug": "caf%C3%A9.txt"}, "/files/in/caf%C3%A9.txt"),
            ({"Slug": "caf%C3%A9.txt"}, "/files/in/caf%C3%A9%20(2).txt"),
            ({"Content-Disposition": 'attachment; filename="x y.txt"'}, "/files/in/x%20y.txt"),
        ):
            body = expected.encode()
            headers = {"Content-Type": "application/octet-stream", **naming}
            async with house.client.post("/files/in/", data=body, headers=headers) as response:
                assert (response.status, response.headers["Location"]) == (201, expected)


async def test_a_missing_condition_is_428_where_one_is_required() -> None:
    async with opened(policy=Policy(require_conditions=True)) as house:
        bare, said = await sent(house, "a", b"one")
        created, made = await sent(house, "a", b"one", If_None_Match="*")
        async with house.client.delete("/files/a") as response:
            deleted = response.status

        assert (bare.status, said["type"]) == (428, "/problems/condition-required")
        assert "If-None-Match: *" in said["next"]
        assert created.status == 201
        assert deleted == 428
        assert made["etag"]


async def test_options_says_what_can_be_done() -> None:
    async with opened() as house, house.client.options("/files/a") as response:
        assert response.status == 204
        assert response.headers["Allow"] == "GET, HEAD, PUT, DELETE, OPTIONS, POST"
