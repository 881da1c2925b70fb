"""Deleting, restoring, moving and copying through the plain door: never replacing anything."""

from tests.doors import got, opened, sent


async def test_deleting_can_be_undone_with_the_request_that_the_answer_gives() -> None:
    async with opened() as house:
        _, first = await sent(house, "a/b.txt", b"one")
        stale = {"If-Match": '"0-0"'}
        async with house.client.delete("/files/a/b.txt", headers=stale) as response:
            assert response.status == 412
        async with house.client.delete(
            "/files/a/b.txt", headers={"If-Match": first["etag"]}
        ) as response:
            undo = (await response.json())["undo"]
        assert (await got(house, "a/b.txt"))[0] == 404
        async with house.client.request(undo["method"], undo["href"]) as response:
            assert response.status == 201
        assert await got(house, "a/b.txt") == (200, b"one")


async def test_a_folder_is_deleted_only_when_all_of_it_is_meant_and_comes_back_whole() -> None:
    async with opened() as house:
        await sent(house, "a/b/one", b"1")
        await sent(house, "a/two", b"2")
        async with house.client.delete("/files/a/") as response:
            said = await response.json(content_type=None)
            assert (response.status, said["type"]) == (409, "/problems/not-empty")
        async with house.client.delete("/files/a/?recursive=true") as response:
            undo = (await response.json())["undo"]
        assert (await got(house, "a/two"))[0] == 404
        async with house.client.request(undo["method"], undo["href"]) as response:
            assert response.status == 201
        assert await got(house, "a/b/one") == (200, b"1")
        assert await got(house, "a/two") == (200, b"2")


async def test_history_lists_every_version_and_restores_under_a_condition() -> None:
    async with opened() as house:
        _, first = await sent(house, "a", b"one")
        _, second = await sent(house, "a", b"two", If_Match=first["etag"])
        async with house.client.get("/files/a?versions") as response:
            listed = (await response.json())["versions"]
        restore = f"/files/a?restore={first['version']}"
        async with house.client.post(restore) as response:
            bare = response.status
        async with house.client.post(restore, headers={"If-Match": second["etag"]}) as response:
            restored = response.status

        assert [one["kind"] for one in listed] == ["replaced", "created"]
        assert listed[1]["href"] == f"/files/a?version={first['version']}"
        assert (bare, restored) == (409, 200)
        assert await got(house, "a") == (200, b"one")


async def test_moving_and_copying_never_replace() -> None:
    async with opened() as house:
        await sent(house, "a", b"one")
        await sent(house, "taken", b"two")
        for query, status in (
            ("?move=taken", 409),
            ("?copy=taken", 409),
            ("?copy=dir/copied", 201),
            ("?move=dir/moved", 201),
        ):
            async with house.client.post(f"/files/a{query}") as response:
                assert response.status == status, query
        assert await got(house, "dir/copied") == (200, b"one")
        assert await got(house, "dir/moved") == (200, b"one")
        assert await got(house, "taken") == (200, b"two")
        assert (await got(house, "a"))[0] == 404


async def test_a_name_can_be_respelled_by_moving_it() -> None:
    async with opened() as house:
        await sent(house, "readme", b"one")
        async with house.client.post("/files/readme?move=README") as response:
            assert response.status == 201

        assert await got(house, "README") == (200, b"one")
