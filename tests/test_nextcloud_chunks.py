"""Files in numbered pieces, by hand: what is refused, what is kept, and what comes of it."""

import asyncio
import time
from dataclasses import replace

import pytest

from storage.memory.shelves import MemoryAccounts
from tests.davs import DAV
from tests.doors import House, opened, sent
from tests.nextclouds import ANN, FILES, UPLOADS, ask, begun, find, joined, sha1, told
from tests.wire import Wire
from uploads.access import ALL_RIGHTS, ANONYMOUS_NAME, Grant, Right, Scope
from uploads.names import Path
from uploads.rules import Limits

PIECES = (b"one" * 1000, b"two" * 1000, b"end")
WHOLE = b"".join(PIECES)
ROOT = Path(())
TOTAL = str(len(WHOLE))


async def sizes(house: House, address: str) -> dict[str, str | None]:
    """The pieces that are here, by their names, as a client asks before it goes on."""
    body = (
        '<d:propfind xmlns:d="DAV:"><d:prop><d:getcontentlength/><d:resourcetype/></d:prop>'
        "</d:propfind>"
    )
    answer = await ask(house, "PROPFIND", address, body, Depth="1")
    assert answer.status == 207, answer.text
    upload, *pieces = answer.hrefs
    assert upload == address + "/"
    found = {}
    for href in pieces:
        status, length = answer.properties(href)[f"{DAV}getcontentlength"]
        assert status == 200
        found[href.removeprefix(upload)] = length.text
    return found


async def stored(house: House, path: str) -> bytes | None:
    async with house.client.get(FILES + path, headers={"Authorization": ANN}) as answer:
        return await answer.read() if answer.status == 200 else None


async def test_pieces_become_a_file_with_its_time_and_its_checksum() -> None:
    async with opened() as house:
        address = await begun(house, "x", *PIECES, OC_Total_Length=TOTAL)
        made = await joined(
            house, address, "a.bin", OC_Checksum=sha1(WHOLE), X_OC_Mtime="981173106",
            OC_Total_Length=TOTAL,
        )  # fmt: skip
        known = await told(house, FILES + "a.bin")

        assert (made.status, made.headers["Location"]) == (201, FILES + "a.bin")
        assert made.headers["OC-ETag"] == made.headers["ETag"] == known["getetag"]
        assert made.headers["OC-FileId"] == known["id"]
        assert made.headers["X-OC-MTime"] == "accepted"
        assert known["checksums"] == sha1(WHOLE)
        assert known["getlastmodified"] == "Sat, 03 Feb 2001 04:05:06 GMT"
        assert await stored(house, "a.bin") == WHOLE
        assert (await ask(house, "PROPFIND", address)).status == 404
        assert await nothing_is_left(house)


async def test_a_token_for_one_folder_neither_sees_nor_takes_nor_ends_what_its_owner_sends() -> (
    None
):
    async with opened() as house:
        accounts = house.parts.accounts
        assert isinstance(accounts, MemoryAccounts)
        narrowed = replace(accounts.principals["ann"], scope=Scope(Path(("a",)), ALL_RIGHTS))
        accounts.principals["narrow"], accounts.tokens["narrow"] = narrowed, "narrow"
        by = {"Authorization": "Bearer narrow"}
        await sent(house, "a/first", b"first")
        address = await begun(house, "x", *PIECES)
        assert (await ask(house, "PROPFIND", address, **by)).status == 404
        assert (await ask(house, "PUT", f"{address}/{0:016}", b"other", **by)).status == 404
        assert (await joined(house, address, "a/b", **by)).status == 404
        assert (await ask(house, "DELETE", address, **by)).status == 404
        # Under the same name it has an upload of its own.
        assert (await ask(house, "MKCOL", address, **by)).status == 201
        assert (await ask(house, "PUT", f"{address}/{0:016}", b"other", **by)).status == 201
        assert (await joined(house, address, "a/b", **by)).status == 201
        assert (await joined(house, address, "whole")).status == 201
        assert (await stored(house, "a/b"), await stored(house, "whole")) == (b"other", WHOLE)
        assert await nothing_is_left(house)


async def nothing_is_left(house: House) -> bool:
    index = house.parts.describing.holdings.index
    usage = await index.read(lambda view: view.arriving("ann"))
    return (usage.bytes, usage.files) == (0, 0)


async def test_whole_pieces_are_listed_and_a_piece_may_be_sent_again_or_taken_back() -> None:
    async with opened() as house:
        address = await begun(house, "x", b"wrong", b"two", b"three")
        assert (await ask(house, "PUT", f"{address}/{0:016}", b"one")).status == 201
        assert (await ask(house, "DELETE", f"{address}/{2:016}")).status == 204
        assert await sizes(house, address) == {f"{0:016}": "3", f"{1:016}": "3"}
        assert (await joined(house, address, "a.bin")).status == 201
        assert await stored(house, "a.bin") == b"onetwo"


async def test_pieces_may_come_in_any_order() -> None:
    async with opened() as house:
        address = await begun(house, "x")
        for number in (10, 2, 1, 9, 3, 8, 4, 7, 5, 6):
            await ask(house, "PUT", f"{address}/{number}", b"%d " % number)
        assert (await joined(house, address, "a.bin")).status == 201
        assert await stored(house, "a.bin") == b"1 2 3 4 5 6 7 8 9 10 "


async def test_pieces_that_are_called_by_where_they_begin_and_end_are_joined_by_that() -> None:
    async with opened() as house:
        address = await begun(house, "x")
        for first, last, piece in ((3, 5, b"two"), (0, 2, b"one")):
            await ask(house, "PUT", f"{address}/{first:015}-{last:015}", piece)
        assert await sizes(house, address) == {
            "000000000000000-000000000000002": "3",
            "000000000000003-000000000000005": "3",
        }
        assert (await joined(house, address, "a.bin")).status == 201
        assert await stored(house, "a.bin") == b"onetwo"


@pytest.mark.parametrize(
    ("numbers", "total"),
    [
        ((0, 2), None),
        ((2, 3), None),
        ((), None),
        ((0, 1), "7"),
        ((0, 1), "5"),
        ((), "6"),
    ],
)
async def test_a_file_of_which_a_piece_is_missing_is_not_stored_and_can_be_completed(
    numbers: tuple[int, ...], total: str | None
) -> None:
    said = {} if total is None else {"OC_Total_Length": total}
    async with opened() as house:
        address = await begun(house, "x")
        for number in numbers:
            await ask(house, "PUT", f"{address}/{number}", b"abc")
        refused = await joined(house, address, "a.bin", **said)
        assert (refused.status, refused.refusal) == (400, "wrong-length")
        assert await stored(house, "a.bin") is None
        assert len(await sizes(house, address)) == len(numbers)
        for number in range(3):
            await ask(house, "PUT", f"{address}/{number}", b"abc")
        for number in {3} & set(numbers):
            await ask(house, "DELETE", f"{address}/{number}")
        assert (await joined(house, address, "a.bin", OC_Total_Length="9")).status == 201


async def test_a_file_of_which_the_last_piece_broke_off_is_not_stored_where_nobody_says_how_long() -> (
    None
):
    async with opened() as house:
        assert house.client.port is not None
        address = await begun(house, "x", b"one")
        wire = await Wire.connect(house.client.port)
        head = f"PUT {address}/1 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {ANN}\r\n"
        await wire.send(f"{head}Content-Length: 6\r\nExpect: 100-continue\r\n\r\n".encode())
        async with asyncio.timeout(20):
            assert b" 100 " in await wire.reader.readuntil(b"\r\n\r\n")
        refused = await joined(house, address, "a.bin")
        assert (refused.status, refused.refusal) == (400, "wrong-length")
        await wire.close()
        assert (await joined(house, address, "a.bin")).refusal == "wrong-length"
        assert await stored(house, "a.bin") is None
        assert (await ask(house, "PUT", f"{address}/1", b"second")).status == 201
        assert (await joined(house, address, "a.bin")).status == 201
        assert await stored(house, "a.bin") == b"onesecond"


async def test_the_length_that_was_said_at_the_beginning_counts_at_the_end() -> None:
    async with opened() as house:
        address = await begun(house, "x", b"one", OC_Total_Length="4")
        assert (await joined(house, address, "a.bin")).refusal == "wrong-length"
        assert (await joined(house, address, "a.bin", OC_Total_Length="3")).status == 400
        assert await stored(house, "a.bin") is None


async def test_a_file_with_another_checksum_is_refused_and_its_pieces_stay() -> None:
    async with opened() as house:
        address = await begun(house, "x", *PIECES)
        refused = await joined(house, address, "a.bin", OC_Checksum=sha1(b"another"))
        assert (refused.status, refused.refusal) == (400, "wrong-digest")
        assert await stored(house, "a.bin") is None
        assert len(await sizes(house, address)) == len(PIECES)
        again = await joined(house, address, "a.bin", OC_Checksum=sha1(WHOLE))
        assert again.status == 201


async def test_a_name_that_was_taken_meanwhile_is_412_and_nothing_has_to_be_sent_again() -> None:
    async with opened() as house:
        old = (await ask(house, "PUT", FILES + "a.bin", b"old")).headers["ETag"]
        address = await begun(house, "x", *PIECES)
        now = (await ask(house, "PUT", FILES + "a.bin", b"theirs")).headers["ETag"]
        for condition in (
            {"If": f"<{FILES}a.bin> ([{old}])"},
            {"If_Match": old},
            {"If_None_Match": "*"},
            {"Overwrite": "F"},
        ):
            refused = await joined(house, address, "a.bin", **condition)
            assert (refused.status, refused.refusal) == (412, "stale-version"), condition
        assert await stored(house, "a.bin") == b"theirs"
        assert len(await sizes(house, address)) == len(PIECES)
        done = await joined(house, address, "a.bin", If=f"<{FILES}a.bin> ([{now}])")
        assert done.status == 204
        assert await stored(house, "a.bin") == WHOLE


async def test_without_a_condition_both_versions_are_kept() -> None:
    async with opened() as house:
        await ask(house, "PUT", FILES + "a.bin", b"theirs")
        address = await begun(house, "x", *PIECES)
        assert (await joined(house, address, "a.bin")).status == 204
        async with house.client.get("/files/a.bin?versions") as answer:
            assert [one["kind"] for one in (await answer.json())["versions"]] == [
                "replaced",
                "created",
            ]


async def test_what_is_refused_keeps_another_from_being_deleted_by_a_client_that_cleans_up() -> (
    None
):
    async with opened() as house:
        await ask(house, "PUT", FILES + "a.bin", b"theirs")
        address = await begun(house, "x", *PIECES)
        await joined(house, address, "a.bin", If_None_Match="*")
        refused = await ask(house, "DELETE", FILES + "a.bin")
        assert (refused.status, refused.refusal) == (409, "after-refusal")


async def test_a_locked_name_is_423_to_who_does_not_hold_the_lock() -> None:
    async with opened() as house:
        await ask(house, "PUT", FILES + "a.bin", b"theirs")
        lock = (
            '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
            "<D:locktype><D:write/></D:locktype></D:lockinfo>"
        )
        taken = await ask(house, "LOCK", FILES + "a.bin", lock)
        address = await begun(house, "x", *PIECES)
        refused = await joined(house, address, "a.bin")
        assert (refused.status, refused.refusal) == (423, "locked")
        shown = f"<{FILES}a.bin> ({taken.headers['Lock-Token']})"
        assert (await joined(house, address, "a.bin", If=shown)).status == 204


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("PUT", "x/0"),
        ("PROPFIND", "x"),
        ("DELETE", "x"),
        ("DELETE", "x/0"),
        ("MOVE", "x/.file"),
        ("PROPFIND", "y" * 300),
    ],
)
async def test_an_upload_that_has_not_begun_is_404(method: str, address: str) -> None:
    async with opened() as house:
        there = {"Destination": FILES + "a.bin"} if method == "MOVE" else {}
        refused = await ask(house, method, UPLOADS + address, **there)
        assert (refused.status, refused.refusal) == (404, "not-there")


async def test_the_upload_of_somebody_else_is_as_one_that_never_was() -> None:
    async with opened() as house:
        await begun(house, "x", *PIECES)
        mine = "/remote.php/dav/uploads/anonymous/x"
        for method, address in (("PROPFIND", mine), ("PUT", f"{mine}/0"), ("DELETE", mine)):
            async with house.client.request(method, address) as answer:
                assert answer.status in {401, 404}
        address = UPLOADS + "x"
        async with house.client.request("PROPFIND", address) as answer:
            assert answer.status == 401
        assert len(await sizes(house, address)) == len(PIECES)


async def test_an_upload_begins_once_and_can_be_given_up() -> None:
    async with opened() as house:
        address = await begun(house, "x", *PIECES)
        again = await ask(house, "MKCOL", address)
        assert (again.status, again.refusal) == (405, "method-not-allowed")
        assert (await ask(house, "DELETE", address + "/")).status == 204
        assert (await ask(house, "PROPFIND", address)).status == 404
        assert await nothing_is_left(house)


@pytest.mark.parametrize("name", ["one", "-1", "1.5", "0x1", "\u0661", "1-", ".filo"])
async def test_a_piece_without_a_number_is_refused(name: str) -> None:
    async with opened() as house:
        address = await begun(house, "x")
        assert (await ask(house, "PUT", f"{address}/{name}", b"one")).status == 400


async def test_what_does_not_fit_into_the_share_is_refused_at_the_beginning() -> None:
    async with opened(limits=Limits(quota_bytes=100)) as house:
        refused = await ask(house, "MKCOL", UPLOADS + "x", OC_Total_Length="101")
        assert (refused.status, refused.refusal) == (507, "over-quota")
        address = await begun(house, "x", b"a" * 60)
        refused = await ask(house, "PUT", f"{address}/1", b"b" * 60)
        assert (refused.status, refused.refusal) == (507, "over-quota")
        await ask(house, "PUT", f"{address}/1", b"b" * 40)
        assert (await joined(house, address, "a.bin")).status == 201


async def test_where_it_may_not_be_stored_nothing_is_taken() -> None:
    grants = [
        Grant(ROOT, frozenset({"ann"}), frozenset({Right.LIST, Right.READ})),
        Grant(Path(("own",)), frozenset({"ann"}), ALL_RIGHTS),
        Grant(Path(("hidden",)), frozenset({ANONYMOUS_NAME}), ALL_RIGHTS),
    ]
    async with opened(grants) as house:
        for path, status in (("a.bin", 403), ("hidden/a.bin", 404)):
            refused = await ask(house, "MKCOL", UPLOADS + "x", Destination=FILES + path)
            assert refused.status == status
        for path in ("own", "own/in"):
            assert (await ask(house, "MKCOL", FILES + path)).status == 201
        address = await begun(house, "x", *PIECES)
        assert (await joined(house, address, "a.bin")).status == 403
        assert (await joined(house, address, "own/in/a.bin")).status == 201


async def test_a_folder_that_is_not_there_is_not_made() -> None:
    async with opened() as house:
        address = await begun(house, "x", *PIECES)
        refused = await joined(house, address, "nowhere/a.bin")
        assert (refused.status, refused.refusal) == (409, "no-folder")
        await ask(house, "MKCOL", FILES + "nowhere")
        assert (await joined(house, address, "nowhere/a.bin")).status == 201


async def test_a_destination_elsewhere_is_refused() -> None:
    async with opened() as house:
        address = await begun(house, "x", *PIECES)
        for place in ("/files/a.bin", "/remote.php/dav/files/bob/a.bin", "http://other/a.bin"):
            refused = await ask(house, "MOVE", f"{address}/.file", Destination=place)
            assert (refused.status, refused.refusal) == (502, "elsewhere")


async def test_more_pieces_than_uploads_may_wait() -> None:
    async with opened(limits=Limits(arriving_files=3)) as house:
        address = await begun(house, "x", *(b"%d" % number for number in range(6)))
        await begun(house, "y")
        await begun(house, "z")
        refused = await ask(house, "MKCOL", UPLOADS + "w")
        assert (refused.status, refused.refusal) == (429, "too-many-uploads")
        assert (await joined(house, address, "a.bin")).status == 201
        await begun(house, "w")


async def test_an_upload_that_goes_on_is_kept_and_one_that_does_not_is_given_up() -> None:
    now = [time.time()]
    async with opened(limits=Limits(keep_arriving=100), clock=lambda: now[0]) as house:
        address = await begun(house, "x", b"0")
        left = await begun(house, "y", b"0")
        for number in range(1, 4):
            now[0] += 60
            brought = await ask(house, "PUT", f"{address}/{number}", b"%d" % number)
            assert brought.status == 201
        assert (await find(house, left)).status == 404
        assert (await joined(house, address, "a.bin")).status == 201
        assert await stored(house, "a.bin") == b"0123"


async def test_what_the_file_would_collide_with_elsewhere_is_one_more_name_for_it() -> None:
    async with opened() as house:
        await sent(house, "there.bin", WHOLE)
        address = await begun(house, "x", *PIECES)
        assert (await joined(house, address, "a.bin")).status == 201
        assert await stored(house, "a.bin") == WHOLE
