"""The WebDAV door: files and folders, versions, COPY and MOVE, and who may."""

import pytest

from tests.davs import ask
from tests.doors import ROOT, got, opened, sent
from uploads.access import ALL_RIGHTS, ANONYMOUS_NAME, Grant, Right
from uploads.names import Path
from uploads.rules import Limits

ANN = "Basic YW5uOnNlY3JldA=="


async def test_a_file_is_put_read_and_deleted() -> None:
    async with opened() as house:
        created = await ask(house, "PUT", "a.txt", b"one")
        read = await ask(house, "GET", "a.txt")
        head = await ask(house, "HEAD", "a.txt")
        gone = await ask(house, "DELETE", "a.txt")

        assert (created.status, created.headers["Location"]) == (201, "/dav/a.txt")
        assert (read.status, read.text) == (200, "one")
        assert read.headers["ETag"] == created.headers["ETag"] == head.headers["ETag"]
        assert (gone.status, gone.text) == (204, "")
        assert (await ask(house, "GET", "a.txt")).refusal == "not-there"


async def test_every_answer_says_which_classes_are_spoken_here_and_only_here() -> None:
    async with opened() as house:
        options = await ask(house, "OPTIONS", "")
        assert options.headers["DAV"] == "1, 2, 3"
        assert "PROPFIND" in options.headers["Allow"]
        assert (await ask(house, "GET", "nothing")).headers["DAV"] == "1, 2, 3"
        async with house.client.get("/files/") as plain:
            assert "DAV" not in plain.headers


async def test_another_file_of_the_same_name_is_a_new_version_and_the_old_one_stays() -> None:
    async with opened() as house:
        first = await ask(house, "PUT", "a.txt", b"one")
        second = await ask(house, "PUT", "a.txt", b"two")

        assert second.status == 204
        assert second.headers["ETag"] != first.headers["ETag"]
        number = first.headers["ETag"].strip('"').partition("-")[0]
        assert await got(house, f"a.txt?version={number}") == (200, b"one")
        assert await got(house, "a.txt") == (200, b"two")


async def test_the_same_file_again_is_fine_and_no_new_version() -> None:
    async with opened() as house:
        first = await ask(house, "PUT", "a.txt", b"one")
        again = await ask(house, "PUT", "a.txt", b"one")
        twin = await ask(house, "PUT", "b.txt", b"one")

        assert (again.status, again.headers["ETag"]) == (204, first.headers["ETag"])
        assert twin.status == 201


async def test_a_put_makes_no_folders() -> None:
    async with opened() as house:
        refused = await ask(house, "PUT", "a/b.txt", b"one")
        assert (refused.status, refused.refusal) == (409, "no-folder")
        assert (await ask(house, "GET", "a")).status == 404


async def test_the_time_of_a_file_is_taken_and_told() -> None:
    async with opened() as house:
        put = await ask(house, "PUT", "a.txt", b"one", X_OC_Mtime="981173106")
        read = await ask(house, "GET", "a.txt")
        again = await ask(house, "PUT", "a.txt", b"one", X_OC_Mtime="981173107")
        later = await ask(house, "GET", "a.txt")

        assert put.headers["X-OC-MTime"] == again.headers["X-OC-MTime"] == "accepted"
        assert read.headers["Last-Modified"] == "Sat, 03 Feb 2001 04:05:06 GMT"
        assert later.headers["Last-Modified"] == "Sat, 03 Feb 2001 04:05:07 GMT"
        assert put.headers["ETag"] == again.headers["ETag"] == later.headers["ETag"]
        for odd in ("nan", "-1", "soon", "1e99"):
            answer = await ask(house, "PUT", "b.txt", odd.encode(), X_OC_Mtime=odd)
            assert answer.status in {201, 204}
            assert "X-OC-MTime" not in answer.headers


async def test_a_folder_is_made_where_none_is_and_never_with_those_above_it() -> None:
    async with opened() as house:
        assert (await ask(house, "MKCOL", "a/")).status == 201
        assert (await ask(house, "MKCOL", "a")).status == 405
        assert (await ask(house, "MKCOL", "")).status == 405
        assert (await ask(house, "MKCOL", "x/y")).refusal == "no-folder"
        assert (await ask(house, "MKCOL", "b", b"<x/>")).status == 415
        await ask(house, "PUT", "file", b"one")
        assert (await ask(house, "MKCOL", "file")).status == 405
        assert (await ask(house, "MKCOL", "file/x")).status == 409
        assert (await ask(house, "MKCOL", "A")).refusal == "name-equivalent"
        assert (await ask(house, "PUT", "a/", b"one")).status == 405
        assert (await ask(house, "PUT", "a", b"one")).refusal == "type-clash"


async def test_a_folder_is_deleted_with_all_that_is_in_it() -> None:
    async with opened() as house:
        await sent(house, "a/b/c.txt", b"one")
        assert (await ask(house, "DELETE", "a/", Depth="0")).refusal == "not-empty"
        assert (await ask(house, "DELETE", "a/")).status == 204
        assert (await ask(house, "GET", "a/b/c.txt")).status == 404
        assert (await ask(house, "DELETE", "")).status == 400


async def test_a_file_is_moved_with_its_history_and_copied_without() -> None:
    async with opened() as house:
        first = await ask(house, "PUT", "a.txt", b"one")
        await ask(house, "PUT", "a.txt", b"two")
        copied = await ask(house, "COPY", "a.txt", Destination="/dav/b.txt")
        moved = await ask(house, "MOVE", "a.txt", Destination="/dav/c.txt")

        assert (copied.status, copied.headers["Location"]) == (201, "/dav/b.txt")
        assert moved.status == 201
        number = first.headers["ETag"].strip('"').partition("-")[0]
        assert await got(house, f"c.txt?version={number}") == (200, b"one")
        assert (await got(house, f"b.txt?version={number}"))[0] == 404
        assert (await ask(house, "GET", "a.txt")).status == 404


async def test_what_a_move_or_copy_replaces_stays_in_the_history() -> None:
    async with opened() as house:
        for method in ("MOVE", "COPY"):
            old = await ask(house, "PUT", f"{method}.txt", f"old {method}".encode())
            await ask(house, "PUT", "new.txt", f"new {method}".encode())
            answer = await ask(house, method, "new.txt", Destination=f"/dav/{method}.txt")

            number = old.headers["ETag"].strip('"').partition("-")[0]
            assert answer.status == 204
            assert await got(house, f"{method}.txt") == (200, f"new {method}".encode())
            past = await got(house, f"{method}.txt?version={number}")
            assert past == (200, f"old {method}".encode())


async def test_a_copy_onto_the_same_bytes_brings_its_time_and_is_no_new_version() -> None:
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"one", X_OC_Mtime="981173106")
        there = await ask(house, "PUT", "b.txt", b"one", X_OC_Mtime="981173100")
        assert (await ask(house, "COPY", "a.txt", Destination="/dav/b.txt")).status == 204
        read = await ask(house, "GET", "b.txt")
        assert read.headers["Last-Modified"] == "Sat, 03 Feb 2001 04:05:06 GMT"
        assert read.headers["ETag"] == there.headers["ETag"]


async def test_overwrite_f_replaces_nothing() -> None:
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"one")
        await ask(house, "PUT", "b.txt", b"two")
        await ask(house, "MKCOL", "d")
        for method in ("COPY", "MOVE"):
            for goal in ("b.txt", "d"):
                answer = await ask(
                    house, method, "a.txt", Destination=f"/dav/{goal}", Overwrite="F"
                )
                assert (answer.status, answer.refusal) == (412, "stale-version")
        assert await got(house, "b.txt") == (200, b"two")


async def test_a_folder_goes_as_a_whole_with_empty_folders_and_replaces_without_merging() -> None:
    async with opened() as house:
        await sent(house, "a/b/c.txt", b"one")
        await ask(house, "MKCOL", "a/empty")
        await sent(house, "d/old.txt", b"two")
        copied = await ask(house, "COPY", "a/", Destination="/dav/d/")

        assert copied.status == 204
        assert await got(house, "d/b/c.txt") == (200, b"one")
        assert (await ask(house, "GET", "d/empty")).status == 200
        assert (await ask(house, "GET", "d/old.txt")).status == 404
        shallow = await ask(house, "COPY", "a/", Destination="/dav/e/", Depth="0")
        assert shallow.status == 201
        assert (await ask(house, "GET", "e/b")).status == 404
        assert (await ask(house, "MOVE", "a/", Destination="/dav/f")).status == 201
        assert await got(house, "f/b/c.txt") == (200, b"one")
        assert (await ask(house, "GET", "a")).status == 404


@pytest.mark.parametrize(
    ("destination", "status", "slug"),
    [
        (None, 400, "malformed-request"),
        ("http://elsewhere.example/dav/b", 502, "elsewhere"),
        ("/files/b", 502, "elsewhere"),
        ("/dav/nowhere/b", 409, "no-folder"),
        ("/dav/a/a.txt", 403, "not-allowed"),
        ("/dav/a", 400, "malformed-request"),
        ("/dav/a/a.txt/x", 400, "malformed-request"),
        ("/dav/A/b", 409, "name-equivalent"),
        ("/dav/b#c", 400, "malformed-request"),
        ("/dav/../b", 422, "bad-name"),
        ("http://[", 400, "malformed-request"),
        ("ftp://127.0.0.1/dav/b", 502, "elsewhere"),
        ("ftp:/dav/b", 502, "elsewhere"),
        ("http:///dav/b", 502, "elsewhere"),
    ],
)
async def test_a_destination_that_cannot_be_changes_nothing(
    destination: str | None, status: int, slug: str
) -> None:
    async with opened() as house:
        await sent(house, "a/a.txt", b"one")
        headers = {} if destination is None else {"Destination": destination}
        for method in ("COPY", "MOVE"):
            answer = await ask(house, method, "a/a.txt", **headers)
            assert (answer.status, answer.refusal) == (status, slug)
        assert await got(house, "a/a.txt") == (200, b"one")


async def test_a_file_can_be_renamed_to_another_spelling_of_its_name() -> None:
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"one")
        assert (await ask(house, "MOVE", "a.txt", Destination="/dav/A.txt")).status == 201
        assert await got(house, "A.txt") == (200, b"one")


async def test_a_member_is_added_under_a_free_name() -> None:
    async with opened() as house:
        await ask(house, "MKCOL", "a")
        posted = [await ask(house, "POST", "a/", data, Slug="x.txt") for data in (b"1", b"2")]
        nameless = await ask(house, "POST", "a/", b"3")

        assert [one.status for one in posted] == [201, 201]
        hrefs = [one.headers["Location"] for one in (*posted, nameless)]
        assert hrefs == ["/dav/a/x.txt", "/dav/a/x%20(2).txt", "/dav/a/upload"]
        assert (await ask(house, "GET", "a/upload")).text == "3"


async def test_who_may_only_drop_files_is_not_told_which_name_one_was_given() -> None:
    grants = (
        Grant(ROOT, frozenset({"user:ann"}), ALL_RIGHTS),
        Grant(ROOT, frozenset({ANONYMOUS_NAME}), frozenset({Right.CREATE})),
    )
    async with opened(grants) as house:
        posted = [await ask(house, "POST", "", data, Slug="x.txt") for data in (b"1", b"2")]
        assert [one.status for one in posted] == [201, 201]
        assert [one.headers.get("Location") for one in posted] == [None, None]


async def test_a_time_that_is_still_to_come_is_told_as_now() -> None:
    async with opened(clock=lambda: 1_700_000_000.0) as house:
        await ask(house, "PUT", "a.txt", b"one", X_OC_Mtime="4102444800")
        read = await ask(house, "GET", "a.txt")
        assert read.headers["Last-Modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"


async def test_the_time_that_is_told_is_no_condition_where_it_is_not_when_the_file_came() -> None:
    async with opened() as house:
        await ask(house, "PUT", "past", b"one", X_OC_Mtime="981173106")
        await ask(house, "PUT", "own", b"one")
        for path in ("past", "own"):
            told = (await ask(house, "GET", path)).headers["Last-Modified"]
            same = await ask(house, "GET", path, If_Unmodified_Since=told)
            assert same.status == 200, path
            again = await ask(house, "GET", path, If_Modified_Since=told)
            assert again.status == (304 if path == "own" else 200), path
        # An older file that takes the place of a newer one is news all the same.
        before = (await ask(house, "GET", "past")).headers["Last-Modified"]
        await ask(house, "PUT", "past", b"two", X_OC_Mtime="981173100")
        read = await ask(house, "GET", "past", If_Modified_Since=before)
        assert (read.status, read.text) == (200, "two")
        early = {"If_Unmodified_Since": "Sat, 03 Feb 2001 04:05:06 GMT"}
        assert (await ask(house, "GET", "own", **early)).status == 412


async def test_methods_that_are_not_spoken_here_say_so() -> None:
    async with opened() as house:
        refused = await ask(house, "PATCH", "a.txt", b"x")
        assert (refused.status, refused.refusal) == (405, "method-not-allowed")
        assert "PROPFIND" in refused.headers["Allow"]
        assert (await ask(house, "SEARCH", "a.txt")).refusal == "unknown-method"


BOTH = frozenset({"user:ann", ANONYMOUS_NAME})
STRANGER = frozenset({ANONYMOUS_NAME})
# Strangers may do everything, so that they can store what ann may do less with.
GRANTS = (
    Grant(ROOT, STRANGER, ALL_RIGHTS),
    Grant(ROOT, frozenset({"user:ann"}), frozenset({Right.LIST, Right.READ})),
    Grant(Path(("own",)), BOTH, ALL_RIGHTS),
    Grant(Path(("hidden",)), STRANGER, ALL_RIGHTS),
    Grant(Path(("drop",)), STRANGER, ALL_RIGHTS),
    Grant(Path(("drop",)), frozenset({"user:ann"}), frozenset({Right.CREATE})),
    Grant(Path(("kept",)), STRANGER, ALL_RIGHTS),
    Grant(Path(("kept",)), frozenset({"user:ann"}), ALL_RIGHTS - {Right.CREATE}),
)
LOCKINFO = (
    '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
    "<D:locktype><D:write/></D:locktype></D:lockinfo>"
)
UPDATE = (
    '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a xmlns="x"/></D:prop></D:set>'
    "</D:propertyupdate>"
)


@pytest.mark.parametrize(
    ("method", "path", "status", "headers"),
    [
        ("PUT", "read/a", 403, {}),
        ("PUT", "hidden/a", 404, {}),
        ("PUT", "drop/new", 201, {}),
        ("GET", "drop/a", 403, {}),
        ("GET", "hidden/a", 404, {}),
        ("DELETE", "read/a", 403, {}),
        ("DELETE", "hidden/a", 404, {}),
        ("MKCOL", "read/d", 403, {}),
        ("MKCOL", "hidden/d", 404, {}),
        ("COPY", "read/a", 201, {"Destination": "/dav/own/new"}),
        ("COPY", "hidden/a", 404, {"Destination": "/dav/own/new"}),
        ("COPY", "own/a", 403, {"Destination": "/dav/read/new"}),
        ("COPY", "own/a", 403, {"Destination": "/dav/read/a"}),
        ("COPY", "own/a", 404, {"Destination": "/dav/hidden/a"}),
        ("COPY", "own/a", 403, {"Destination": "/dav/drop/a"}),
        ("COPY", "own/a", 403, {"Destination": "/dav/kept/new"}),
        ("COPY", "own/a", 204, {"Destination": "/dav/kept/a"}),
        ("COPY", "own/a", 403, {"Destination": "/dav/kept/folder"}),
        ("MOVE", "own/a", 403, {"Destination": "/dav/kept/folder"}),
        ("MOVE", "read/a", 403, {"Destination": "/dav/own/new"}),
        ("MOVE", "own/a", 403, {"Destination": "/dav/read/new"}),
        ("MOVE", "hidden/a", 404, {"Destination": "/dav/own/new"}),
        ("MOVE", "", 403, {"Destination": "/dav/own/new"}),
        ("COPY", "", 400, {"Destination": "/dav/own/new"}),
        ("LOCK", "read/a", 403, {"body": LOCKINFO}),
        ("LOCK", "hidden/a", 404, {"body": LOCKINFO}),
        ("LOCK", "drop/a", 403, {"body": LOCKINFO}),
        ("LOCK", "own/a", 200, {"body": LOCKINFO}),
        ("PROPPATCH", "read/a", 403, {"body": UPDATE}),
        ("PROPPATCH", "hidden/a", 404, {"body": UPDATE}),
        ("PROPFIND", "hidden/a", 404, {"Depth": "0"}),
        ("PROPFIND", "hidden/", 403, {"Depth": "1"}),
        ("PROPFIND", "drop/", 403, {"Depth": "1"}),
        ("PROPFIND", "read/", 207, {"Depth": "1"}),
    ],
)
async def test_rights_are_judged_on_every_method_at_source_and_destination(
    method: str, path: str, status: int, headers: dict[str, str]
) -> None:
    async with opened(GRANTS) as house:
        for folder in ("read", "hidden", "drop", "own", "kept", "kept/folder"):
            await sent(house, f"{folder}/a", folder.encode())
        said = {"Authorization": ANN, **headers}
        body = said.pop("body", b"new" if method == "PUT" else None)
        answer = await ask(house, method, path, body, **said)
        assert answer.status == status, answer.text


async def test_strangers_are_asked_who_they_are() -> None:
    async with opened((Grant(ROOT, frozenset({"users"}), ALL_RIGHTS),)) as house:
        for method in ("PROPFIND", "PUT", "GET", "DELETE", "MKCOL", "LOCK", "PROPPATCH"):
            body = {"LOCK": LOCKINFO, "PROPPATCH": UPDATE}.get(method)
            answer = await ask(house, method, "a", body)
            assert (answer.status, answer.refusal) == (401, "not-identified"), method
            assert "Basic" in answer.headers["WWW-Authenticate"]


async def test_the_tree_shows_only_what_may_be_listed() -> None:
    async with opened(GRANTS) as house:
        for folder in ("read", "hidden", "drop"):
            await sent(house, f"{folder}/a", folder.encode())
        for depth, below in (("1", []), ("infinity", ["/dav/read/a"])):
            answer = await ask(house, "PROPFIND", "", Depth=depth, Authorization=ANN)
            assert answer.hrefs == ["/dav/", "/dav/drop/", "/dav/read/", *below]


async def test_an_if_tells_nothing_of_what_may_not_be_read() -> None:
    async with opened(GRANTS) as house:
        await sent(house, "own/a", b"mine")
        for folder, status in (("hidden", 412), ("read", 201)):
            _, said = await sent(house, f"{folder}/a", folder.encode())
            states = f"</dav/{folder}/a> ([{said['etag']}])"
            answer = await ask(house, "PUT", "own/x", b"x", Authorization=ANN, If=states)
            assert answer.status == status


async def test_of_a_full_disk_nothing_is_said_twice() -> None:
    async with opened(limits=Limits(free_space=1 << 60)) as house:
        refused = await ask(house, "PUT", "a.txt", b"one")

        assert (refused.status, refused.refusal) == (507, "disk-full")
        assert refused.text.count("ry again") == 1
