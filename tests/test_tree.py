"""Deleting, restoring, moving and copying through the plain door: never replacing anything."""

from typing import Any

import pytest

from tests.doors import FOR_ANYBODY, House, got, opened, sent
from uploads.access import ALL_RIGHTS, ANONYMOUS_NAME, Grant, Right
from uploads.names import Path


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


@pytest.mark.parametrize(
    ("method", "query"),
    [
        ("DELETE", ""),
        ("DELETE", "?recursive"),
        ("POST", "?move=b"),
        ("POST", "?copy=b"),
        ("POST", "?restore=1"),
    ],
)
async def test_the_address_of_a_folder_means_no_file(method: str, query: str) -> None:
    async with opened() as house:
        _, first = await sent(house, "a", b"one")
        await sent(house, "a", b"two", If_Match=first["etag"])
        address, any_version = f"/files/a/{query}", {"If-Match": "*"}
        async with house.client.request(method, address, headers=any_version) as response:
            assert response.status in {404, 409}, await response.text()

        assert await got(house, "a") == (200, b"two")
        assert (await got(house, "b"))[0] == 404


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


async def test_a_number_that_is_of_no_version_of_a_name_restores_nothing_there() -> None:
    async with opened() as house:
        _, other = await sent(house, "other", b"zero")
        _, first = await sent(house, "a", b"one")
        async with house.client.delete("/files/other"):
            pass
        # What stands there is no reason: nothing that the sender could do about it would help.
        for number in (other["version"], 99):
            for taken in ("a", "b/"):
                if taken == "b/":
                    async with house.client.put("/files/b/"):
                        pass
                address = f"/files/{taken}?restore={number}"
                said = await refused(house, "POST", address, first["etag"])
                assert said["type"] == "/problems/not-there", address
        assert await got(house, "a") == (200, b"one")


async def test_a_folder_does_not_come_back_over_a_file_whatever_the_condition() -> None:
    async with opened() as house:
        await sent(house, "a/one", b"1")
        async with house.client.delete("/files/a?recursive") as response:
            undo = (await response.json())["undo"]
        _, now = await sent(house, "a", b"a file")
        said = await refused(house, "POST", undo["href"], now["etag"])
        assert (said["type"], said["detail"]) == ("/problems/type-clash", '"a" is a file.')
        assert await got(house, "a") == (200, b"a file")


async def test_a_folder_comes_back_only_where_the_condition_is_true() -> None:
    async with opened() as house:
        await sent(house, "a/one", b"1")
        async with house.client.delete("/files/a?recursive") as response:
            undo = (await response.json())["undo"]
        for if_match in ('"x"', "*"):
            said = await refused(house, "POST", undo["href"], if_match)
            assert said["type"] == "/problems/stale-version"
            assert (await got(house, "a/one"))[0] == 404
        if_free = {"If-None-Match": "*"}
        async with house.client.post(undo["href"], headers=if_free) as response:
            assert response.status == 201
        assert await got(house, "a/one") == (200, b"1")


@pytest.mark.parametrize("version", ["version=1", "versions"])
async def test_what_changes_something_takes_no_version_of_which_it_would_take_another(
    version: str,
) -> None:
    async with opened() as house:
        _, first = await sent(house, "a", b"one")
        await sent(house, "a", b"two", If_Match=first["etag"])
        for method, query in (
            ("DELETE", ""),
            ("PUT", "same-name=version&"),
            ("POST", "copy=b&"),
            ("POST", "move=b&"),
            ("POST", "restore=1&"),
        ):
            said = await refused(house, method, f"/files/a?{query}{version}")
            assert said["type"] == "/problems/malformed-request", method
            assert "for reading only" in said["detail"]
        assert await got(house, "a") == (200, b"two")
        assert (await got(house, "b"))[0] == 404


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


async def test_who_moves_onto_a_taken_name_is_told_what_helps() -> None:
    async with opened() as house:
        _, taken = await sent(house, "taken", b"two")
        await sent(house, "a", b"one")
        for request in (("POST", "/files/a?move=taken"), ("POST", "/files/a?copy=taken")):
            said = await refused(house, *request)
            assert said["next"] == "Choose another name, or delete what is there first."
            assert (said["existing"]["href"], "expected" in said) == ("/files/taken", False)
        said = await refused(house, "PUT", "/files/taken/")
        assert said["next"] == "Choose another name, or delete what is there first."
        # An earlier version comes back over the present one where that is named.
        _, now = await sent(house, "taken", b"three", If_Match=taken["etag"])
        said = await refused(house, "POST", f"/files/taken?restore={taken['version']}")
        assert (said["next"][-26:], said["expected"]) == (
            "of the file to replace it.",
            {"if_match": now["etag"]},
        )


async def test_who_makes_a_folder_that_is_there_is_told_that_it_is() -> None:
    async with opened() as house:
        async with house.client.put("/files/a/"):
            pass
        for address, which in (("/files/a/", 'folder "a"'), ("/files/", "top folder")):
            said = await refused(house, "PUT", address)
            assert (said["status"], said["existing"]["href"]) == (409, address)
            assert said["detail"] == f"The {which} is there already."
            assert said["next"] == "Nothing: the folder is there."
        said = await refused(house, "PUT", "/files/A/")
        assert said["type"] == "/problems/name-equivalent"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("a?move=", "Say where it shall be put: a path with its new name."),
        ("a?copy=/", "Say where it shall be put: a path with its new name."),
        ("?move=b", "The top folder itself cannot be put elsewhere."),
        ("d?restore=x", '"restore" takes a number, not "x".'),
        ("d", "To upload into a folder, end its address with a slash."),
    ],
)
async def test_what_names_no_place_is_told_in_words_that_do(address: str, told: str) -> None:
    async with opened() as house:
        await sent(house, "a", b"one")
        said = await refused(house, "POST", f"/files/{address}")
        assert (said["status"], said["detail"][-len(told) :]) == (400, told)


async def test_a_condition_of_a_move_speaks_of_what_is_moved_and_its_refusal_says_so() -> None:
    async with opened() as house:
        _, source = await sent(house, "a", b"one")
        _, taken = await sent(house, "taken", b"two")
        for action in ("move", "copy"):
            said = await refused(house, "POST", f"/files/a?{action}=taken", taken["etag"])
            assert said["type"] == "/problems/stale-version"
            assert said["detail"] == f'"a" is now version 1, with the ETag {source["etag"]}.'
            assert (said["target"], said["existing"]["href"]) == ("/files/a", "/files/a")
            assert said["expected"] == {"if_match": source["etag"]}


async def refused(
    house: House, method: str, address: str, if_match: str | None = None
) -> dict[str, Any]:
    headers = {"Accept": "application/json", **({"If-Match": if_match} if if_match else {})}
    async with house.client.request(method, address, headers=headers) as response:
        assert response.status >= 400, address
        said: dict[str, Any] = await response.json(content_type=None)
        return said


async def test_a_name_can_be_respelled_by_moving_it() -> None:
    async with opened() as house:
        await sent(house, "readme", b"one")
        async with house.client.post("/files/readme?move=README") as response:
            assert response.status == 201

        assert await got(house, "README") == (200, b"one")


LONG_AGO = "Sat, 01 Jan 2000 00:00:00 GMT"
NOT_TRUE = [
    ("DELETE", "a/one", {"If-None-Match": "*"}),
    ("DELETE", "a/one", {"If-None-Match": "the ETag"}),
    ("DELETE", "a/one", {"If-Unmodified-Since": LONG_AGO}),
    ("DELETE", "a/?recursive", {"If-None-Match": "*"}),
    ("DELETE", "a/?recursive", {"If-Unmodified-Since": LONG_AGO}),
    ("POST", "a/one?move=b", {"If-None-Match": "*"}),
    ("POST", "a/one?copy=b", {"If-None-Match": "*"}),
    ("POST", "a/?copy=b", {"If-None-Match": "*"}),
    ("POST", "a/one?copy=b", {"If-Unmodified-Since": LONG_AGO}),
    ("PUT", "a/one", {"If-Unmodified-Since": LONG_AGO, "Prefer": "same-name=version"}),
    ("PUT", "b/", {"If-Match": '"x"'}),
    ("PUT", "b/", {"If-Match": "*"}),
    ("GET", "a/", {"If-Match": '"x"'}),
    ("GET", "a/", {"If-Unmodified-Since": LONG_AGO}),
]


@pytest.mark.parametrize(("method", "path", "headers"), NOT_TRUE)
async def test_no_method_passes_over_a_condition_that_is_not_true(
    method: str, path: str, headers: dict[str, str]
) -> None:
    async with opened() as house:
        _, first = await sent(house, "a/one", b"1")
        headers = {name: text.replace("the ETag", first["etag"]) for name, text in headers.items()}
        body = b"2" if path == "a/one" and method == "PUT" else None
        async with house.client.request(
            method, f"/files/{path}", data=body, headers=headers
        ) as response:
            said = await response.json(content_type=None)

        assert (response.status, said["type"]) == (412, "/problems/stale-version")
        assert await got(house, "a/one") == (200, b"1")
        assert (await got(house, "b"))[0] == 404


async def test_a_condition_that_is_true_is_no_hindrance() -> None:
    async with opened() as house:
        async with house.client.put("/files/a/", headers={"If-None-Match": "*"}) as made:
            assert made.status == 201
        await sent(house, "a/one", b"1")
        async with house.client.get("/files/a/one") as response:
            since = response.headers["Last-Modified"]
        held = {"If-Unmodified-Since": since, "If-None-Match": '"another"'}
        async with house.client.post("/files/a/one?copy=b", headers=held) as copied:
            assert copied.status == 201
        ignored = {"If-Unmodified-Since": "yesterday"}
        async with house.client.delete("/files/b", headers=ignored) as response:
            assert response.status == 200
        async with house.client.delete("/files/a/one", headers=held) as response:
            assert response.status == 200


async def test_a_folder_that_has_not_changed_is_not_listed_again() -> None:
    async with opened() as house:
        await sent(house, "a/b/one", b"1")
        async with house.client.get("/files/a/") as listed:
            etag = listed.headers["ETag"]
        async with house.client.get("/files/a/", headers={"If-None-Match": etag}) as same:
            assert (same.status, await same.read()) == (304, b"")
            assert same.headers["ETag"] == etag
        async with house.client.get("/files/a/", headers={"If-Match": etag}) as same:
            assert same.status == 200
        await sent(house, "a/b/two", b"2")
        async with house.client.get("/files/a/", headers={"If-None-Match": etag}) as other:
            assert other.status == 200
            etag = other.headers["ETag"]
        async with house.client.delete(
            "/files/a/?recursive", headers={"If-Match": etag}
        ) as response:
            assert response.status == 200


async def test_what_was_deleted_in_a_closed_place_comes_back_to_nobody_else_once_it_is_open() -> (
    None
):
    """A folder above takes what is deleted along when it is moved to where nothing is closed."""
    ann = {"Authorization": "Basic YW5uOnNlY3JldA=="}
    everybody = frozenset({ANONYMOUS_NAME, "user:ann"})
    rest = Grant(Path(()), everybody, ALL_RIGHTS)
    closed = Grant(Path(("f", "closed")), frozenset({"user:ann"}), ALL_RIGHTS)
    async with opened(grants=[FOR_ANYBODY, rest, closed]) as house:
        client, undo = house.client, []
        for path in ("f/closed/sub/secret", "f/closed/file", "f/open/sub/a"):
            async with client.put(f"/files/{path}", data=path, headers=ann) as put:
                assert put.status == 201
        for gone in ("f/closed/sub/?recursive=true", "f/closed/file", "f/open/sub/?recursive=true"):
            async with client.delete(f"/files/{gone}", headers=ann) as deleted:
                undo.append((await deleted.json())["undo"]["href"].replace("/f/", "/g/"))
        async with client.post("/files/f/?move=g&recursive=true", headers=ann) as moved:
            assert moved.status == 201
        for headers, expected in (({}, [404, 404, 201]), (ann, [201, 201, 404])):
            found = []
            for href in undo:
                async with client.post(href, headers=headers) as back:
                    found.append(back.status)
            assert found == expected
        assert await got(house, "g/open/sub/a") == (200, b"f/open/sub/a")


async def test_who_may_not_list_a_folder_takes_it_nowhere_where_its_names_are_told() -> None:
    shared = Grant(
        Path(("shared",)),
        frozenset({ANONYMOUS_NAME}),
        frozenset({Right.READ, Right.CREATE, Right.DELETE}),
    )
    async with opened(grants=[FOR_ANYBODY, shared]) as house:
        await sent(house, "shared/f/known-to-who-was-told", b"bytes")
        for way in ("copy", "recursive=true&move"):
            async with house.client.post(f"/files/shared/f/?{way}=mine") as response:
                assert response.status in (401, 403), way
        assert await got(house, "shared/f/known-to-who-was-told") == (200, b"bytes")
        async with house.client.post(
            "/files/shared/f/known-to-who-was-told?copy=mine.txt"
        ) as response:
            assert response.status == 201
