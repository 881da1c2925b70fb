"""A folder as one ZIP file, made while it is sent."""

import io
import zipfile
from pathlib import Path as DiskPath

import pytest
from aiohttp import encode_basic_auth

from handlers.headers.membernames import MemberNames, safe
from tests.doors import FOR_ANYBODY, House, opened, sent
from uploads.access import ANONYMOUS_NAME, Grant, Right
from uploads.names import Path
from uploads.policy import Policy


async def archive(house: House, address: str) -> zipfile.ZipFile:
    async with house.client.get(f"/archive/{address}") as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "application/zip"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        found = zipfile.ZipFile(io.BytesIO(await answer.read()))
    assert found.testzip() is None
    return found


async def filled(house: House) -> None:
    for path in ("a/one.txt", "a/b/two.txt", "a/b/empty.txt", "top.txt"):
        await sent(house, path, b"" if "empty" in path else path.encode())
    await house.client.put("/files/a/hollow/")


async def test_a_folder_comes_with_all_that_is_in_it() -> None:
    async with opened() as house:
        await filled(house)
        found = await archive(house, "a/")
        names = ["b/", "b/empty.txt", "b/two.txt", "hollow/", "one.txt"]
        assert sorted(found.namelist()) == names
        assert found.read("b/two.txt") == b"a/b/two.txt"
        assert len((await archive(house, "")).namelist()) == 7


async def test_a_file_comes_by_its_own_name() -> None:
    async with opened() as house:
        await sent(house, "a/b.txt", b"one")
        assert (await archive(house, "a/b.txt")).namelist() == ["b.txt"]


async def test_a_selection_comes_as_it_was_chosen_by_address_or_by_form() -> None:
    async with opened() as house:
        await filled(house)
        found = await archive(house, "a/?entry=one.txt&entry=hollow&entry=one.txt")
        assert found.namelist() == ["one.txt", "hollow/"]
        fields = [("entry", "b"), ("entry", "one.txt")]
        answer = await house.client.post("/archive/a/", data=fields)
        found = zipfile.ZipFile(io.BytesIO(await answer.read()))
        assert "b/two.txt" in found.namelist()


@pytest.mark.parametrize(
    ("address", "slug"),
    [
        ("nothing/", "not-there"),
        ("a/?entry=nothing", "not-there"),
        ("a/?entry=..", "bad-name"),
        ("a/?entry=b/two.txt", "malformed-request"),
        ("a/?entry=", "malformed-request"),
        ("a/?path=b", "malformed-request"),
    ],
)
async def test_what_cannot_be_had_is_refused_before_anything_is_sent(
    address: str, slug: str
) -> None:
    async with opened() as house:
        await filled(house)
        answer = await house.client.get(f"/archive/{address}")
        assert (await answer.json(content_type=None))["type"] == f"/problems/{slug}"


async def test_nobody_takes_along_what_they_may_not_read() -> None:
    closed = Grant(Path(("a", "b")), frozenset({"users"}), frozenset(Right))
    listed = Grant(Path(("a", "c")), frozenset({ANONYMOUS_NAME}), frozenset({Right.LIST}))
    kept = Grant(Path(("a", "c")), frozenset({"user:ann"}), frozenset(Right))
    async with opened([FOR_ANYBODY, closed, listed, kept]) as house:
        auth = encode_basic_auth("ann", "secret")
        for path in ("a/one.txt", "a/b/two.txt", "a/c/three.txt"):
            response, _ = await sent(house, path, path.encode(), Authorization=auth)
            assert response.status == 201
        assert (await archive(house, "a/")).namelist() == ["c/", "one.txt"]
        assert (await archive(house, "a/c/")).namelist() == []
        assert (await house.client.get("/archive/a/?entry=b")).status == 401


async def test_a_folder_of_any_size_grows_no_memory_and_can_be_broken_off() -> None:
    async with opened() as house:
        for number in range(40):
            await sent(house, f"big/{number}.bin", io.BytesIO(bytes([number]) * (4 << 20)))
        reader = house.client.get("/archive/big/")
        async with reader as answer:
            before = resident()
            size = 0
            async for piece in answer.content.iter_chunked(1 << 20):
                size += len(piece)
            assert size > 160 << 20
            assert resident() - before < 24 << 20
        answer = await house.client.get("/archive/big/")
        await answer.content.read(1000)
        answer.close()
        assert (await house.client.get("/files/")).status == 200


def resident() -> int:
    return int(DiskPath("/proc/self/statm").read_text().split()[1]) * 4096


async def test_names_of_an_exact_folder_are_made_safe_for_every_system() -> None:
    async with opened(policy=Policy(exact_names=True)) as house:
        for name in ("con.txt", "a%3Ab", "A%3AB", "quote%22"):
            response, told = await sent(house, f"x/{name}", name.encode())
            assert response.status == 201, told
        names = (await archive(house, "x/")).namelist()
        assert sorted(names) == ["A_B", "_con.txt", "a_b (2)", "quote_"]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("report.pdf", "report.pdf"),
        ("..", "__"),
        ("..\\..\\x", ".._.._x"),
        ("C:x", "C_x"),
        ("ends. .", "ends___"),
        ("NUL", "_NUL"),
        ("lpt1.txt", "_lpt1.txt"),
        ("console", "console"),
        ("a\nb", "a_b"),
        ("ä 😀", "ä 😀"),
    ],
)
def test_a_part_of_a_name_is_safe_wherever_it_is_unpacked(name: str, made: str) -> None:
    assert safe(name) == made


def test_two_members_never_have_one_name() -> None:
    names = MemberNames()
    given = [
        names.of(("a", name), is_folder=False) for name in ("x.txt", "X.txt", "x:.txt", "x_.txt")
    ]
    assert given == ["a/x.txt", "a/X (2).txt", "a/x_.txt", "a/x_ (2).txt"]
