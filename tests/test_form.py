"""The form door: what becomes of each file, and what its sender is told."""

import asyncio
import base64
import hashlib

import pytest

from handlers.parts import HttpSettings
from tests.doors import ANN, opened
from tests.forms import HTML, TYPE, field, file, post, read
from tests.wire import Wire
from uploads.access import ANONYMOUS_NAME, Grant, Right
from uploads.holdings import Held
from uploads.names import Path
from uploads.policy import Policy, SameName
from uploads.rules import Limits


async def test_one_file_is_answered_as_if_it_had_been_put() -> None:
    async with opened() as house:
        status, said, headers = await post(house, file("a.txt", b"one"), to="/files/dir/")
        assert (status, headers["Location"]) == (201, "/files/dir/a.txt")
        assert headers["ETag"] == said["etag"]
        assert await read(house, "dir/a.txt") == b"one"


async def test_each_of_several_files_is_judged_on_its_own() -> None:
    async with opened() as house:
        await post(house, file("taken.txt", b"old"))
        status, said, _ = await post(
            house,
            file("new.txt", b"1"),
            file("taken.txt", b"2"),
            file("con", b"3"),
            file("last.txt", b"4"),
        )
        assert status == 200
        assert [(one["name"], one["status"]) for one in said["results"]] == [
            ("new.txt", 201),
            ("taken.txt", 409),
            ("con", 422),
            ("last.txt", 201),
        ]
        assert said["results"][1]["existing"]["href"] == "/files/taken.txt"
        assert {one["action"] for one in said["results"][1]["resolutions"]} >= {"replace", "store"}
        assert await read(house, "taken.txt") == b"old"
        assert await read(house, "last.txt") == b"4"


async def test_several_new_files_are_201() -> None:
    async with opened() as house:
        status, said, _ = await post(house, file("a", b"1"), file("b", b"2"))
        assert status == 201
        assert [one["href"] for one in said["results"]] == ["/files/a", "/files/b"]


async def test_a_refused_single_file_is_the_problem_itself() -> None:
    async with opened() as house:
        await post(house, file("a", b"1"))
        status, said, headers = await post(house, file("a", b"2"))
        assert (status, said["type"]) == (409, "/problems/name-taken")
        assert headers["Content-Type"].startswith("application/problem+json")
        assert headers["ETag"] == said["existing"]["etag"]


async def test_a_browser_is_sent_to_the_folder_when_all_went_well() -> None:
    async with opened() as house:
        status, _, headers = await post(
            house, file("a", b"1"), file("b", b"2"), to="/files/x/", headers=HTML
        )
        assert (status, headers["Location"]) == (303, "/files/x/?stored=2")
        page = await house.client.get(headers["Location"], headers=HTML)
        assert "2 files stored" in await page.text()


async def test_a_browser_gets_both_files_side_by_side_with_buttons() -> None:
    async with opened() as house:
        await post(house, file("a.txt", b"old line\nsame\n"))
        status, page, headers = await post(house, file("a.txt", b"new line\nsame\n"), headers=HTML)
        assert status == 409
        assert "script" not in headers["Content-Security-Policy"]
        assert "<mark>old line</mark>" in page
        assert "<mark>new line</mark>" in page
        assert page.count('<form method="post" action="/uploads/') == 3


async def test_a_browser_that_sent_several_files_sees_what_became_of_each() -> None:
    async with opened() as house:
        await post(house, file("a", b"1"))
        await post(house, file("same", b"same"))
        status, page, _ = await post(
            house,
            file("a", b"2"),
            file("fresh", b"3"),
            file("same", b"same"),
            file("../evil", b"4"),
            headers=HTML,
        )
        assert status == 409
        headline = "1 file stored, 1 was there already, 1 needs a decision, 1 not taken"
        assert f"<h1>{headline}</h1>" in page
        assert await read(house, "fresh") == b"3"


async def test_an_empty_file_input_is_passed_over() -> None:
    async with opened() as house:
        status, said, _ = await post(house, file("", b""), file("a", b"1"), file("", b""))
        assert (status, said["href"]) == (201, "/files/a")
        status, said, _ = await post(house, file("", b""))
        assert (status, said["type"]) == (400, "/problems/malformed-request")


async def test_an_empty_file_with_a_name_is_a_file() -> None:
    async with opened() as house:
        assert (await post(house, file("empty", b"")))[0] == 201
        assert await read(house, "empty") == b""


async def test_bytes_without_a_name_are_refused() -> None:
    async with opened() as house:
        _, said, _ = await post(house, file("", b"x"), file("b", b"y"))
        assert [one["status"] for one in said["results"]] == [400, 201]


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("r\u00e9sum\u00e9 \u65e5\u672c.txt", "r\u00e9sum\u00e9 \u65e5\u672c.txt"),
        ("100%.txt", "100%.txt"),
        ("a%20b;c=d.txt", "a%20b;c=d.txt"),
        ("dir/sub/f.txt", "dir/sub/f.txt"),
    ],
)
async def test_a_name_is_stored_as_it_was_sent(sent: str, name: str) -> None:
    async with opened() as house:
        status, _, _ = await post(house, file(sent, b"x"), to="/files/in/")
        assert status == 201
        found = await house.parts.holdings.find(ANN, Path(("in", *name.split("/"))))
        assert isinstance(found, Held)
        assert str(found.file.path) == f"in/{name}"


async def test_only_the_three_escapes_of_browsers_are_undone() -> None:
    async with opened() as house:
        for sent, shown in (("a%22b", 'a"b'), ("a%0Db", "a\rb"), ("a%0Ab", "a\nb")):
            status, said, _ = await post(house, file(sent, b"x"))
            assert status == 422
            assert said["name"] == shown


@pytest.mark.parametrize(
    "name",
    ["../a", "a/../b", "/etc/passwd", "a//b", "a/", "C:\\x\\y", "..", ".", "a\u202eb", b"\xff\xfe"],
)
async def test_a_name_that_cannot_be_stops_no_other_file(name: str | bytes) -> None:
    async with opened() as house:
        _, said, _ = await post(house, file(name, b"bad"), file("good", b"good"))
        assert [one["status"] for one in said["results"]] == [422, 201]
        page = await post(house, file(name, b"bad"), headers=HTML)
        assert page[0] == 422


async def test_fields_speak_for_the_files_after_them() -> None:
    async with opened() as house:
        await post(house, file("a.txt", b"1"))
        _, said, _ = await post(
            house,
            file("a.txt", b"2"),
            field("same_name", "rename"),
            file("a.txt", b"3"),
            field("same-name", "version"),
            file("a.txt", b"4"),
            field("same_name", ""),
            file("a.txt", b"5"),
        )
        assert [one["status"] for one in said["results"]] == [409, 201, 200, 409]
        assert said["results"][1]["href"] == "/files/a%20(2).txt"
        assert await read(house, "a.txt") == b"4"


async def test_a_field_that_came_too_late_to_be_heard_is_told() -> None:
    async with opened() as house:
        status, said, _ = await post(house, file("a", b"1"), field("same_name", "rename"))
        assert status == 400
        assert "after the files" in said["detail"]
        assert [one["status"] for one in said["results"]] == [201]


async def test_if_match_in_a_field_replaces_the_version_that_it_names() -> None:
    async with opened() as house:
        _, old, _ = await post(house, file("a", b"1"))
        status, new, headers = await post(house, field("if_match", old["etag"]), file("a", b"2"))
        assert status == 200
        assert 'rel="predecessor-version"' in headers["Link"]
        status, said, _ = await post(house, field("if_match", old["etag"]), file("a", b"3"))
        assert (status, said["existing"]["etag"]) == (412, new["etag"])
        status, _, _ = await post(house, field("if_none_match", "*"), file("a", b"4"))
        assert status == 412


async def test_a_condition_in_the_header_is_not_ignored() -> None:
    async with opened() as house:
        await post(house, file("a", b"1"))
        status, said, _ = await post(house, file("a", b"2"), headers={"If-Match": '"0-0"'})
        assert (status, said["type"]) == (412, "/problems/stale-version")
        status, said, _ = await post(house, field("if_match", "nonsense"), file("b", b"2"))
        assert (status, said["type"]) == (400, "/problems/malformed-condition")
        assert await read(house, "b") is None


async def test_a_policy_word_that_is_not_known_is_refused() -> None:
    async with opened() as house:
        status, said, _ = await post(house, field("same_name", "clobber"), file("a", b"1"))
        assert (status, said["type"]) == (400, "/problems/malformed-request")
        assert await read(house, "a") is None


async def test_policy_words_of_the_query_and_of_prefer_are_heard() -> None:
    async with opened() as house:
        await post(house, file("a", b"1"))
        assert (await post(house, file("a", b"2"), to="/files/?same_name=rename"))[0] == 201
        prefer = {"Prefer": "same-name=rename"}
        status, said, _ = await post(house, file("a", b"3"), headers=prefer)
        assert (status, said["href"]) == (201, "/files/a%20(3)")


async def test_the_folder_field_leads_below_the_folder_of_the_form() -> None:
    async with opened() as house:
        parts = (field("folder", "sub/deep"), file("a", b"1"))
        status, said, _ = await post(house, *parts, to="/files/top/")
        assert (status, said["href"]) == (201, "/files/top/sub/deep/a")
        status, said, _ = await post(house, field("folder", "../up"), file("a", b"1"))
        assert (status, said["type"]) == (422, "/problems/bad-name")


async def test_fields_that_mean_nothing_here_are_passed_over_within_bounds() -> None:
    async with opened(http=HttpSettings(field_bytes=100)) as house:
        assert (await post(house, field("_charset_", "utf-8"), file("a", b"1")))[0] == 201
        status, _, _ = await post(house, field("x", "y" * 101), file("b", b"1"))
        assert (status, await read(house, "b")) == (400, None)


def digest(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


@pytest.mark.parametrize("name", ["Repr-Digest", "Content-Digest"])
async def test_the_digest_of_a_file_is_verified_where_its_part_declares_it(name: str) -> None:
    async with opened() as house:
        status, said, _ = await post(
            house,
            file("wrong", b"1", extra=f"{name}: {digest(b'another')}\r\n"),
            file("unreadable", b"2", extra=f"{name}: sha-256=2\r\n"),
            file("right", b"3", extra=f"{name}: {digest(b'3')}\r\n"),
        )
        assert status == 200
        assert [(one["status"], one.get("type")) for one in said["results"]] == [
            (400, "/problems/wrong-digest"),
            (400, "/problems/wrong-digest"),
            (201, None),
        ]
        assert [await read(house, one) for one in ("wrong", "unreadable", "right")] == [
            None,
            None,
            b"3",
        ]


@pytest.mark.parametrize("name", ["Repr-Digest", "Content-Digest", "Content-MD5"])
async def test_a_digest_that_nobody_would_verify_is_refused(name: str) -> None:
    async with opened() as house:
        status, said, _ = await post(house, file("a", b"1"), headers={name: digest(b"1")})
        assert (status, said["type"]) == (400, "/problems/wrong-digest")
        assert "Declare that of each file" in said["detail"]
        assert await read(house, "a") is None


async def test_a_file_that_is_too_large_does_not_stop_the_next() -> None:
    async with opened(limits=Limits(file_size=100)) as house:
        _, said, _ = await post(house, file("big", b"x" * 300_000), file("small", b"x"))
        assert [one["status"] for one in said["results"]] == [413, 201]
        assert await read(house, "big") is None


async def test_more_files_than_a_form_may_have_are_told_and_the_first_are_kept() -> None:
    async with opened(http=HttpSettings(files_per_form=2)) as house:
        parts = [file(f"f{number}", b"%d" % number) for number in range(3)]
        status, said, _ = await post(house, *parts)
        assert status == 400
        assert [one["status"] for one in said["results"]] == [201, 201]
        assert "2 of its files were stored" in said["detail"]
        assert await read(house, "f2") is None


async def test_who_may_not_add_is_asked_to_sign_in_before_the_body() -> None:
    users = Grant(Path(()), frozenset({"users"}), frozenset(Right))
    async with opened(grants=(users,)) as house:
        wire = await Wire.connect(house.client.port or 0)
        head = f"POST /files/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: {TYPE['Content-Type']}"
        await wire.send(f"{head}\r\nExpect: 100-continue\r\nContent-Length: 99999\r\n\r\n".encode())
        answer = await wire.answer()
        assert answer.status == 401
        wire.writer.close()


async def test_who_may_only_look_is_refused_and_nothing_is_stored() -> None:
    looking = Grant(Path(()), frozenset({ANONYMOUS_NAME}), frozenset({Right.LIST, Right.READ}))
    async with opened(grants=(looking,)) as house:
        status, _, headers = await post(house, file("a", b"1"), file("b", b"2"))
        assert status == 401
        assert "Basic" in headers["WWW-Authenticate"]


async def test_a_drop_box_answers_without_a_link() -> None:
    dropping = Grant(Path(()), frozenset({ANONYMOUS_NAME}), frozenset({Right.CREATE}))
    async with opened(grants=(dropping,)) as house:
        status, said, headers = await post(house, file("a", b"1"), file("b", b"22"))
        assert status == 201
        assert [set(one) for one in said["results"]] == [{"name", "status", "received", "size"}] * 2
        status, said, headers = await post(house, file("c", b"333"))
        assert (status, "Location" in headers, "ETag" in headers) == (201, False, False)
        status, said, _ = await post(house, file("c", b"444"))
        assert status == 409
        assert "existing" not in said
        status, page, _ = await post(house, file("e", b"6"), file("c", b"7"), headers=HTML)
        assert (status, "/files/e" in page, "received" in page) == (409, False, True)
        status, _, headers = await post(house, file("d", b"5"), headers=HTML)
        answer = await house.client.get(headers["Location"], headers=HTML)
        assert "1 file received" in await answer.text()


async def test_the_folder_decides_what_a_taken_name_gets() -> None:
    async with opened(policy=Policy(same_name=SameName.RENAME)) as house:
        await post(house, file("a.txt", b"1"))
        status, said, _ = await post(house, file("a.txt", b"2"))
        assert (status, said["href"]) == (201, "/files/a%20(2).txt")


async def test_of_many_forms_for_one_name_exactly_one_is_stored() -> None:
    async with opened() as house:
        answers = await asyncio.gather(
            *(post(house, file("one", b"%d" % number)) for number in range(32))
        )
        assert sorted(status for status, _, _ in answers) == [201] + [409] * 31


async def test_a_field_that_was_left_alone_leaves_the_word_to_the_address() -> None:
    async with opened() as house:
        first = await post(house, file("a", b"1"), to="/files/in/?folder=deep")
        assert (first[0], first[1]["href"]) == (201, "/files/in/deep/a")
        status, said, _ = await post(
            house,
            field("folder", ""),
            field("same_name", ""),
            file("a", b"2"),
            field("folder", "other"),
            file("b", b"3"),
            field("folder", ""),
            file("c", b"4"),
            to="/files/in/?folder=deep&same_name=version",
        )
        found = [(one["status"], one["href"]) for one in said["results"]]
        assert status == 200
        assert found == [
            (200, "/files/in/deep/a"),
            (201, "/files/in/other/b"),
            (201, "/files/in/deep/c"),
        ]
