"""The tree as Nextcloud's clients see it: who they are, what they are told of each file."""

import json
from dataclasses import replace

import pytest

from storage.memory.shelves import MemoryAccounts
from tests.doors import House, opened, sent
from tests.nextclouds import ANN, BY_TOKEN, FILES, OC, ask, find, sha1, told
from uploads.access import ALL_RIGHTS, ANONYMOUS_NAME, Grant, Right, Scope
from uploads.names import Path
from uploads.policy import Policy
from uploads.rules import Limits

OLD = "/remote.php/webdav/"
ROOT = Path(())
LEFT = '<D:propfind xmlns:D="DAV:"><D:prop><D:quota-available-bytes/></D:prop></D:propfind>'
SEEING = frozenset({Right.LIST, Right.READ})
FOR_OTHERS = Grant(ROOT, frozenset({ANONYMOUS_NAME}), ALL_RIGHTS)
# Ann sees all but two folders, of which she may know nothing.
WITH_SECRETS = (
    Grant(ROOT, frozenset({"ann", ANONYMOUS_NAME}), ALL_RIGHTS),
    Grant(Path(("open", "secret")), frozenset({ANONYMOUS_NAME}), ALL_RIGHTS),
    Grant(Path(("hidden",)), frozenset({ANONYMOUS_NAME}), ALL_RIGHTS),
)


async def asked(house: House, address: str, **headers: str) -> tuple[int, dict[str, object]]:
    answer = await ask(house, "GET", address, **headers)
    return answer.status, json.loads(answer.text)


async def test_a_client_is_told_that_this_is_a_server_of_its_kind_and_what_it_can() -> None:
    async with opened() as house:
        _, status = await asked(house, "/status.php")
        assert status["installed"] is True
        assert status["maintenance"] is False
        for version, code in (("v1", 100), ("v2", 200)):
            _, said = await asked(house, f"/ocs/{version}.php/cloud/capabilities?format=json")
            ocs = said["ocs"]
            assert isinstance(ocs, dict)
            assert ocs["meta"]["statuscode"] == code
            assert ocs["data"]["capabilities"]["dav"] == {"chunking": "1.0"}
            assert ocs["data"]["capabilities"]["uploadConflictFiles"] is True
        assert (await ask(house, "GET", "/index.php/204")).status == 204
        assert (await ask(house, "GET", "/ocs/v3.php/cloud/capabilities")).status == 404


@pytest.mark.parametrize("credentials", [ANN, BY_TOKEN])
async def test_a_client_learns_its_own_name_by_password_or_by_token(credentials: str) -> None:
    async with opened() as house:
        status, said = await asked(house, "/ocs/v1.php/cloud/user", Authorization=credentials)
        ocs = said["ocs"]
        assert isinstance(ocs, dict)
        assert (status, ocs["data"]["id"]) == (200, "ann")
        found = await find(house, FILES, Authorization=credentials)
        assert found.hrefs == [FILES]


@pytest.mark.parametrize(
    ("quota", "who", "told"),
    [(100, "ann", (97, 3)), (None, "ann", (-3, 3)), (100, "narrow", (-2, 0))],
)
async def test_a_client_is_told_what_is_left_of_a_quota_and_never_how_full_the_disk_is(
    quota: int | None, who: str, told: tuple[int, int]
) -> None:
    async with opened(limits=Limits(quota_bytes=quota)) as house:
        accounts = house.parts.accounts
        assert isinstance(accounts, MemoryAccounts)
        narrowed = replace(accounts.principals["ann"], scope=Scope(Path(("a",)), ALL_RIGHTS))
        accounts.principals["narrow"], accounts.tokens["narrow"] = narrowed, "narrow"
        await ask(house, "PUT", FILES + "b.txt", b"one", Authorization=ANN)
        by = {"Authorization": ANN if who == "ann" else "Bearer narrow"}
        _, said = await asked(house, "/ocs/v1.php/cloud/user", **by)
        ocs = said["ocs"]
        assert isinstance(ocs, dict)
        share = ocs["data"]["quota"]
        found = await ask(house, "PROPFIND", FILES, LEFT, Depth="0", **by)

        assert (share["free"], share["used"]) == told
        assert share["quota"] == share["total"] == (told[0] if told[0] < 0 else sum(told))
        assert f"<D:quota-available-bytes>{told[0]}<" in found.text


async def test_who_has_not_signed_in_is_asked_to() -> None:
    async with opened() as house:
        ocs = "/ocs/v1.php/cloud/"
        # A client that has yet to be told a name asks without one.
        places = (FILES, FILES + "a", "/remote.php/dav/files/bob", "/remote.php/dav/files//", OLD)
        for address in (ocs + "user", ocs + "capabilities", *places):
            async with house.client.get(address) as answer:
                assert answer.status == 401
                assert "Basic" in answer.headers["WWW-Authenticate"]


async def test_of_the_address_of_another_user_nothing_is_told_not_even_whether_there_is_one() -> (
    None
):
    async with opened() as house:
        answers = [
            await ask(house, method, f"/remote.php/dav/{place}/{name}/x")
            for place in ("files", "uploads")
            for name in ("bob", "nobody", "ann%2f", "anonymous")
            for method in ("GET", "PUT", "PROPFIND", "MKCOL", "DELETE", "MOVE")
        ]
        assert {(one.status, one.refusal) for one in answers} == {(404, "not-there")}
        assert len({one.xml.findtext("{http://sabredav.org/ns}message") for one in answers}) == 1


async def test_it_is_the_one_tree_under_each_of_its_addresses() -> None:
    async with opened() as house:
        made = await ask(house, "PUT", FILES + "a.txt", b"one")
        assert made.headers["Location"] == FILES + "a.txt"
        for address in ("/files/a.txt", "/dav/a.txt", OLD + "a.txt", FILES + "a.txt"):
            read = await ask(house, "GET", address)
            assert (read.text, read.headers["ETag"]) == ("one", made.headers["ETag"])
        assert (await find(house, OLD, "1")).hrefs == [OLD, OLD + "a.txt"]


async def test_what_is_put_is_answered_with_what_the_client_wants_to_know() -> None:
    async with opened() as house:
        made = await ask(
            house, "PUT", FILES + "a.txt", b"one", X_OC_Mtime="981173106", OC_Checksum=sha1(b"one")
        )
        known = await told(house, FILES + "a.txt")
        assert made.headers["X-OC-MTime"] == "accepted"
        assert made.headers["OC-ETag"] == made.headers["ETag"] == known["getetag"]
        assert made.headers["OC-FileId"] == known["id"]
        assert known["checksums"] == sha1(b"one")
        assert known["getlastmodified"] == "Sat, 03 Feb 2001 04:05:06 GMT"
        read = await ask(house, "GET", FILES + "a.txt")
        assert read.headers["OC-Checksum"] == sha1(b"one")


async def test_properties_that_nothing_here_has_are_absent() -> None:
    async with opened() as house:
        await ask(house, "PUT", FILES + "a.txt", b"one")
        found = (await find(house, FILES + "a.txt")).properties(FILES + "a.txt")
        absent = {name for name, (status, _) in found.items() if status == 404}
        assert absent == {
            f"{OC}checksums",
            f"{OC}share-types",
            "{http://nextcloud.org/ns}has-preview",
        }


@pytest.mark.parametrize("checksum", ["SHA1:00", "ADLER32:12345678", "MD5:zz", sha1(b"two")])
async def test_bytes_that_do_not_have_their_checksum_are_refused_and_not_stored(
    checksum: str,
) -> None:
    async with opened() as house:
        refused = await ask(house, "PUT", FILES + "a.txt", b"one", OC_Checksum=checksum)
        assert (refused.status, refused.refusal) == (400, "wrong-digest")
        assert (await ask(house, "GET", FILES + "a.txt")).status == 404


async def test_who_has_set_a_time_is_told_the_checksum_that_is_still_there() -> None:
    """Newer rclones take a refusal of this for a time that was not set."""
    async with opened() as house:
        await ask(house, "PUT", FILES + "a.txt", b"one", OC_Checksum=sha1(b"one"))
        for name, told in (("sha1", sha1(b"one")), ("md5", None), ("crc9", None)):
            again = await ask(house, "PATCH", FILES + "a.txt", X_Recalculate_Hash=name)
            assert (again.status, again.headers.get("OC-Checksum")) == (204, told), name
        assert (await ask(house, "GET", FILES + "a.txt")).text == "one"
        stale = await ask(
            house, "PATCH", FILES + "a.txt", X_Recalculate_Hash="sha1", If_Match='"1-0"'
        )
        assert (stale.status, stale.refusal) == (412, "stale-version")
        await ask(house, "MKCOL", FILES + "b")
        for path, headers, status in (
            ("a.txt", {}, 405),
            ("b", {"X_Recalculate_Hash": "sha1"}, 405),
            ("none", {"X_Recalculate_Hash": "sha1"}, 404),
        ):
            assert (await ask(house, "PATCH", FILES + path, **headers)).status == status, path


async def test_nothing_is_had_for_a_checksum_alone_as_two_contents_may_have_the_same() -> None:
    async with opened() as house:
        await ask(house, "PUT", FILES + "a.txt", b"one", OC_Checksum=sha1(b"one"))
        link = {"Prefer": "same-content=link", "OC_Checksum": sha1(b"one")}
        refused = await ask(house, "PUT", FILES + "b.txt", b"", **link)
        assert (refused.status, refused.refusal) == (400, "wrong-digest")


async def test_a_checksum_that_only_somebody_else_declared_is_not_told() -> None:
    async with opened() as house:
        await ask(house, "PUT", FILES + "a.txt", b"one", OC_Checksum=sha1(b"one"))
        await sent(house, "b.txt", b"one", Prefer="same-content=link")
        assert "checksums" not in await told(house, FILES + "b.txt")


async def test_a_file_is_known_by_its_number_wherever_it_goes_and_whatever_it_holds() -> None:
    async with opened() as house:
        await ask(house, "MKCOL", FILES + "f")
        await ask(house, "PUT", FILES + "f/a.txt", b"one")
        before = [(await told(house, FILES + path))["id"] for path in ("f", "f/a.txt")]
        await ask(house, "PUT", FILES + "f/a.txt", b"two")
        moved = await ask(house, "MOVE", FILES + "f", Destination=FILES + "g")
        after = [(await told(house, FILES + path))["id"] for path in ("g", "g/a.txt")]
        copied = await ask(house, "COPY", FILES + "g/a.txt", Destination=FILES + "g/b.txt")
        assert before == after
        assert moved.headers["OC-FileId"] == before[0]
        assert copied.headers["OC-FileId"] not in before


@pytest.mark.parametrize(
    ("rights", "of_the_file", "of_the_folder"),
    [
        (ALL_RIGHTS, "GDNVW", "GDNVCK"),
        (SEEING, "G", "G"),
        (SEEING | {Right.CREATE}, "G", "GCK"),
        (SEEING | {Right.REPLACE}, "GW", "G"),
        (SEEING | {Right.DELETE}, "GDV", "GDV"),
        (SEEING | {Right.DELETE, Right.CREATE}, "GDNV", "GDNVCK"),
    ],
)
async def test_the_permissions_are_the_rights(
    rights: frozenset[Right], of_the_file: str, of_the_folder: str
) -> None:
    async with opened([Grant(ROOT, frozenset({"ann"}), rights), FOR_OTHERS]) as house:
        await sent(house, "f/a.txt", b"one")
        assert (await told(house, FILES + "f/a.txt"))["permissions"] == of_the_file
        assert (await told(house, FILES + "f"))["permissions"] == of_the_folder


async def etags(house: House, *paths: str) -> list[str | None]:
    return [(await told(house, FILES + path))["getetag"] for path in paths]


async def test_a_change_shows_in_the_etags_of_all_folders_above_it_and_of_no_other() -> None:
    async with opened() as house:
        for path in ("a/b/c.txt", "d/e.txt"):
            await sent(house, path, path.encode())
        places = ("", "a", "a/b", "d")
        before = await etags(house, *places)
        assert await etags(house, *places) == before
        await ask(house, "PUT", FILES + "a/b/c.txt", b"changed")
        after = await etags(house, *places)
        changed = [one != other for one, other in zip(before, after, strict=True)]
        assert changed == [True, True, True, False]


async def seen_after(changed: str) -> list[str]:
    """What ann is told of the folders in her sight, after a change somewhere."""
    now = [1e9]
    async with opened(WITH_SECRETS, clock=lambda: now[0]) as house:
        for path in ("open/secret/s.txt", "hidden/h.txt", "open/o.txt", "seen/v.txt"):
            await sent(house, path, path.encode())
        now[0] += 1000
        await sent(house, changed, b"changed", If_Match="*")
        return [(await find(house, FILES + path, "1")).text for path in ("", "open", "seen")]


async def test_what_happens_out_of_sight_shows_in_no_answer() -> None:
    """But that the number of the last change of all has gone up, which every new ETag tells."""
    assert await seen_after("open/secret/s.txt") == await seen_after("hidden/h.txt")


async def test_what_happens_in_sight_shows_in_every_folder_above_it() -> None:
    async with opened(WITH_SECRETS) as house:
        for path in ("open/secret/s.txt", "open/in/o.txt", "seen/v.txt"):
            await sent(house, path, path.encode())
        before = await etags(house, "", "open", "open/in", "seen")
        await sent(house, "open/in/o.txt", b"changed", If_Match="*")
        after = await etags(house, "", "open", "open/in", "seen")
        changed = [one != other for one, other in zip(before, after, strict=True)]
        assert changed == [True, True, True, False]


async def test_a_conflict_is_412_so_that_the_client_looks_again_and_keeps_both() -> None:
    async with opened() as house:
        old = (await ask(house, "PUT", FILES + "a.txt", b"one")).headers["ETag"]
        await ask(house, "PUT", FILES + "a.txt", b"two", If_Match=old)
        refused = await ask(house, "PUT", FILES + "a.txt", b"three", If_Match=old)
        assert (refused.status, refused.refusal) == (412, "stale-version")
        assert "a.txt" in (refused.xml.findtext("{http://sabredav.org/ns}message") or "")
        again = await ask(house, "PUT", FILES + "a.txt", b"two")
        assert (again.status, again.headers["ETag"]) == (204, refused.headers["ETag"])


async def test_a_folder_that_wants_conditions_is_no_dead_end_for_a_client() -> None:
    async with opened(policy=Policy(require_conditions=True)) as house:
        refused = await ask(house, "PUT", FILES + "a.txt", b"one")
        assert (refused.status, refused.refusal) == (412, "condition-required")
