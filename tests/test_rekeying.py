"""The rules for names change after files were stored."""

import shutil
from pathlib import Path as DiskPath
from unicodedata import unidata_version

import pytest

from storage.sqlite import rekeying
from storage.sqlite.rekeying import NamesClash
from storage.upkeep.backup import backup, restore
from storage.upkeep.verify import verify
from tests.shelves import Shelves, shelves
from tests.test_server import run
from uploads.collisions import FileHere, Lookalike, Nothing
from uploads.names import Path
from uploads.policy import Policies, Policy, policies_of

EXACT = Policies(Policy(exact_names=True), {})
PORTABLE = Policies(Policy(), {})
ONE_EXACT = Policies(Policy(), {Path(("free",)): Policy(exact_names=True)})


def follow(data: DiskPath, policies: Policies, steps: int | None = None) -> int:
    """How many steps it took, or were taken before the process ended."""
    taken = 0
    following = rekeying.follow(data, policies.keys, policies.name_rules())
    for done, total in following:
        assert 0 <= done <= total
        taken += 1
        if taken == steps:
            following.close()  # type: ignore[attr-defined]
            break
    return taken


async def filled(data: DiskPath, policies: Policies, *names: str) -> None:
    follow(data, policies)
    async with shelves(data, policies) as store:
        for name in names:
            await store.store(name, name.encode())


async def at(store: Shelves, name: str) -> type:
    return type(await store.index.read(lambda view: view.at(Path(tuple(name.split("/"))))))


async def test_lookalikes_are_known_once_exact_names_become_portable(tmp_path: DiskPath) -> None:
    await filled(tmp_path, EXACT, "Deep/Down/README", "Deep/other", "x")
    async with shelves(tmp_path, EXACT) as store:
        assert await at(store, "deep/down/readme") is Nothing

    assert follow(tmp_path, PORTABLE) > 0

    async with shelves(tmp_path, PORTABLE) as store:
        assert await at(store, "deep/down/readme") is Lookalike
        assert await at(store, "Deep/Down/README") is FileHere
        assert await at(store, "x") is FileHere


async def test_names_are_found_once_portable_names_become_exact(tmp_path: DiskPath) -> None:
    await filled(tmp_path, PORTABLE, "Deep/README", "free/README", "free/Sub/A")

    follow(tmp_path, ONE_EXACT)

    async with shelves(tmp_path, ONE_EXACT) as store:
        for name in ("Deep/README", "free/README", "free/Sub/A"):
            assert await at(store, name) is FileHere, name
        assert await at(store, "free/readme") is Nothing
        assert await at(store, "Deep/readme") is Lookalike
        await store.store("free/readme", b"another")
        assert await at(store, "free/README") is FileHere


async def test_what_was_deleted_can_be_brought_back(tmp_path: DiskPath) -> None:
    await filled(tmp_path, PORTABLE, "Deep/README")
    async with shelves(tmp_path, PORTABLE) as store:
        await store.delete("Deep")

    follow(tmp_path, EXACT)

    async with shelves(tmp_path, EXACT) as store:
        history = await store.index.read(
            lambda view: view.history(Path(("Deep", "README")), None, 10)
        )
        assert len(history) == 2


async def test_names_that_would_be_one_stop_the_start_and_nothing_is_changed(
    tmp_path: DiskPath,
) -> None:
    await filled(tmp_path, EXACT, "a/b", "free/README", "free/Readme", "UPPER")

    with pytest.raises(NamesClash) as clash:
        follow(tmp_path, PORTABLE)

    said = str(clash.value)
    assert '"free/README"' in said
    assert '"free/Readme"' in said
    assert 'keep names = "exact" for the folder "/free/"' in said
    assert follow(tmp_path, EXACT) == 0
    follow(tmp_path, ONE_EXACT)
    async with shelves(tmp_path, ONE_EXACT) as store:
        assert await at(store, "free/README") is FileHere
        assert await at(store, "upper") is Lookalike


@pytest.mark.parametrize("other", ["readme", "README"])
async def test_a_name_that_keeps_its_key_counts_too(tmp_path: DiskPath, other: str) -> None:
    await filled(tmp_path, EXACT, "Readme", other)
    with pytest.raises(NamesClash):
        follow(tmp_path, PORTABLE)


async def test_who_was_interrupted_goes_on_at_the_next_start(
    tmp_path: DiskPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekeying, "IN_A_TURN", 2)
    names = [f"Folder/File {number}" for number in range(7)]
    await filled(tmp_path, EXACT, *names)
    for steps in range(1, 12):
        follow(tmp_path, PORTABLE, steps)
    follow(tmp_path, PORTABLE)
    assert follow(tmp_path, PORTABLE) == 0
    async with shelves(tmp_path, PORTABLE) as store:
        for name in names:
            assert await at(store, name) is FileHere
            assert await at(store, name.upper()) is Lookalike


@pytest.mark.parametrize(
    ("before", "tried"), [(PORTABLE, EXACT), (EXACT, PORTABLE), (PORTABLE, ONE_EXACT)]
)
async def test_who_goes_back_after_an_interruption_finds_every_file(
    tmp_path: DiskPath, monkeypatch: pytest.MonkeyPatch, before: Policies, tried: Policies
) -> None:
    """Wherever the new rules were interrupted, in the store itself and in a backup of it."""
    monkeypatch.setattr(rekeying, "IN_A_TURN", 2)
    names = ["Top", *(f"free/Deep/File {number}" for number in range(3))]
    (tmp_path / "stored").mkdir()
    await filled(tmp_path / "stored", before, *names)
    for steps in range(1, 30):
        data, copy, brought_back = (
            tmp_path / f"{name} {steps}" for name in ("data", "copy", "brought back")
        )
        shutil.copytree(tmp_path / "stored", data)
        whole = follow(data, tried, steps) < steps
        backup(data, copy)
        restore(copy, brought_back)
        for store_of in (data, brought_back):
            follow(store_of, before)
            async with shelves(store_of, before) as store:
                for name in names:
                    assert await at(store, name) is FileHere, (steps, name)
            assert verify(store_of).agrees
        if whole:
            break
    else:
        pytest.fail("it never came to its end")


def test_the_rules_differ_just_where_keys_may() -> None:
    exact, portable = Policy(exact_names=True), Policy()
    a, b = Path(("a",)), Path(("a", "b"))
    plain = PORTABLE.name_rules()
    assert Policies(portable, {a: portable, b: portable}).name_rules() == plain
    assert Policies(exact, {Path(()): portable}).name_rules() == plain
    assert Policies(portable, {a: exact, b: exact}).name_rules() == (
        Policies(portable, {a: exact}).name_rules()
    )
    differing = [
        PORTABLE,
        EXACT,
        ONE_EXACT,
        Policies(portable, {a: exact}),
        Policies(portable, {a: exact, b: portable}),
        Policies(exact, {a: portable}),
    ]
    assert len({policies.name_rules() for policies in differing}) == len(differing)
    for policies in differing:
        told = policies_of(policies.name_rules())
        assert told is not None
        assert told.name_rules() == policies.name_rules()
    assert policies_of(plain.replace(unidata_version, "1.0")) is None


def test_the_program_says_which_names_stand_in_the_way(tmp_path: DiskPath) -> None:
    (tmp_path / "source").mkdir()
    for name in ("Readme", "README"):
        (tmp_path / "source" / name).write_text(name)
    config = tmp_path / "config.toml"
    config.write_text('[policy]\nnames = "exact"\n')
    assert run("import", "source", "--data", "data", cwd=tmp_path).returncode == 0
    config.write_text("")

    said = run("gc", "--data", "data", cwd=tmp_path)

    assert said.returncode == 1
    assert said.stderr.startswith('noclobber: "README" and "Readme" would be one name')
    config.write_text('[policy]\nnames = "exact"\n')
    assert run("gc", "--data", "data", cwd=tmp_path).returncode == 0
