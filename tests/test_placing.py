"""What is moved, copied or brought back is judged like an upload: name, depth, type, share."""

import hashlib
from urllib.parse import quote

from tests.doors import House, got, opened, sent
from uploads.names import Path
from uploads.policy import Policy
from uploads.rules import Limits

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108020000009077") + b"\0" * 40
EXACT = {Path(("exact",)): Policy(exact_names=True)}
NO_PICTURES = {Path(("texts",)): Policy(types_refused=frozenset({"image/*"}))}


async def act(house: House, path: str, **fields: str) -> tuple[int, str]:
    query = "&".join(f"{name}={quote(value)}" for name, value in fields.items())
    async with house.client.post(f"/files/{quote(path)}?{query}") as answer:
        said = await answer.json(content_type=None)
        return answer.status, said.get("type", "")


async def test_nothing_is_moved_or_copied_into_another_spelling_of_itself() -> None:
    async with opened() as house:
        await sent(house, "a/x", b"one")
        await sent(house, "f", b"two")
        for action in ("move", "copy"):
            folder = await act(house, "a/", **{action: "A/b", "recursive": "true"})
            assert folder == (409, "/problems/name-equivalent")
            assert await act(house, "f", **{action: "F/x"}) == (409, "/problems/name-equivalent")
        assert (await act(house, "f", move="F"))[0] == 201
        assert (await got(house, "F"))[1] == b"two"
        assert (await got(house, "a/x"))[1] == b"one"


async def test_a_copy_into_a_folder_with_other_rules_for_names_loses_no_file() -> None:
    async with opened(folders=EXACT) as house:
        await sent(house, "exact/from/README", b"one")
        await sent(house, "exact/from/readme", b"two")
        for action in ("copy", "move"):
            refused = await act(house, "exact/from/", **{action: "to", "recursive": "true"})
            assert refused == (400, "/problems/malformed-request")
        assert (await got(house, "to/README"))[0] == 404
        assert (await act(house, "exact/from/", copy="exact/to"))[0] == 201
        assert (await got(house, "exact/to/README"))[1] == b"one"
        assert (await got(house, "exact/to/readme"))[1] == b"two"


async def test_neither_do_empty_folders_or_a_folder_and_a_file_become_one() -> None:
    async with opened(folders=EXACT) as house:
        for folder in ("exact/folders/X/", "exact/folders/x/", "exact/mixed/X/"):
            made, _ = await sent(house, folder, b"")
            assert made.status == 201
        await sent(house, "exact/mixed/x", b"one")
        for source in ("exact/folders/", "exact/mixed/"):
            for action in ("copy", "move"):
                refused = await act(house, source, **{action: "to", "recursive": "true"})
                assert refused == (400, "/problems/malformed-request")
        assert (await act(house, "exact/mixed/", copy="exact/to"))[0] == 201
        assert (await got(house, "exact/to/x"))[1] == b"one"


async def test_a_name_that_only_its_folder_takes_does_not_leave_it_inside_another() -> None:
    async with opened(folders=EXACT) as house:
        made, _ = await sent(house, "exact/from/a:b", b"one")
        assert made.status == 201
        for action in ("copy", "move"):
            refused = await act(house, "exact/from/", **{action: "to", "recursive": "true"})
            assert refused == (422, "/problems/bad-name")
        assert (await got(house, "exact/from/a:b"))[1] == b"one"


async def test_no_folder_grows_deeper_than_an_address_can_be() -> None:
    async with opened() as house:
        deep = "/".join("d" * 20)
        await sent(house, f"a/{deep}/x", b"one")
        await sent(house, f"b/{deep}/x", b"one", Prefer="same-content=link")
        for action in ("copy", "move"):
            refused = await act(house, "a/", **{action: f"b/{deep}/a", "recursive": "true"})
            assert refused == (400, "/problems/malformed-request")
        assert (await act(house, "a/", move="b/d/a", recursive="true"))[0] == 201
        assert (await got(house, f"b/d/a/{deep}/x"))[1] == b"one"


async def test_a_type_that_a_folder_refuses_does_not_get_in_by_a_move_or_copy() -> None:
    async with opened(folders=NO_PICTURES) as house:
        await sent(house, "all/p", PNG)
        for action in ("copy", "move"):
            file = await act(house, "all/p", **{action: "texts/p"})
            assert file == (415, "/problems/type-refused")
            folder = await act(house, "all/", **{action: "texts/all", "recursive": "true"})
            assert folder == (415, "/problems/type-refused")
        assert (await act(house, "all/", move="texts-too", recursive="true"))[0] == 201


async def test_a_refused_type_does_not_come_back_from_the_history_of_another_folder() -> None:
    async with opened(folders=NO_PICTURES) as house:
        made, told = await sent(house, "all/p", PNG)
        assert made.status == 201
        await sent(house, "all/p", b"a text", If_Match=told["etag"])
        assert (await act(house, "all/p", move="texts/p"))[0] == 201
        etag = (await house.client.get("/files/texts/p")).headers["ETag"]
        async with house.client.post(
            f"/files/texts/p?restore={told['version']}", headers={"If-Match": etag}
        ) as answer:
            assert answer.status == 415


async def test_what_is_brought_back_or_resolved_counts_against_the_share() -> None:
    async with opened(limits=Limits(quota_files=3)) as house:
        first, told = await sent(house, "a", b"one")
        assert first.status == 201
        second, now = await sent(house, "a", b"two", If_Match=told["etag"])
        assert second.status == 200
        taken, conflict = await sent(house, "a", b"three")
        assert taken.status == 409
        # Parked, it fills the share: stored, it takes the place of what was parked.
        full, _ = await sent(house, "b", b"four")
        assert full.status == 507
        store = next(one for one in conflict["resolutions"] if one["action"] == "store")
        async with house.client.post(store["href"]) as answer:
            assert answer.status == 201
        again, said = await sent(house, "a", b"five")
        assert (again.status, "upload" in said) == (409, False)
        async with house.client.post(
            f"/files/a?restore={told['version']}", headers={"If-Match": now["etag"]}
        ) as answer:
            assert answer.status == 507
        assert (await got(house, "a"))[1] == b"two"


async def test_bringing_a_folder_back_counts_against_the_share() -> None:
    async with opened(limits=Limits(quota_files=3)) as house:
        for name in ("d/a", "d/b"):
            await sent(house, name, hashlib.sha256(name.encode()).digest())
        async with house.client.delete("/files/d/?recursive") as answer:
            change = (await answer.json())["change"]
        async with house.client.post(f"/files/d/?restore={change}") as answer:
            assert answer.status == 507
            assert "also one that is brought back" in (await answer.json())["detail"]
        assert (await got(house, "d/a"))[0] == 404


async def test_the_refusal_of_a_full_share_does_not_tell_what_others_sent() -> None:
    async with opened(limits=Limits(quota_bytes=1000)) as house:
        await sent(house, "a", b"x" * 987)
        full, told = await sent(house, "b", b"y" * 500)
        assert full.status == 507
        assert "987" not in told["detail"]
