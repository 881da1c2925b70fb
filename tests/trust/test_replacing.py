"""What no crash shows: how a private file is replaced, and what is judged once the bytes are here."""

from collections.abc import AsyncIterator
from pathlib import Path as Folder

import pytest

from storage.disk import posix
from storage.memory.shelves import MemoryAccounts
from tests.doors import ANN, FOR_ANYBODY, got, opened
from tests.trust.calls import CHANGES, Call, Onlooker, Voice, watched
from uploads.access import ANONYMOUS
from uploads.failures import BodyTooShort, NotIdentified
from uploads.names import Path
from uploads.settling import Arrival


def test_a_private_file_is_synced_before_it_takes_its_place_and_its_folder_after(
    tmp_path: Folder,
) -> None:
    steps: list[tuple[str, str]] = []

    def note(call: Call) -> None:
        if call.changes and call.place.startswith(str(tmp_path)):
            steps.append((call.name, call.place))

    def replace(_: Voice) -> None:
        posix.replace_file(tmp_path / "secret", b"new")

    (tmp_path / "secret").write_bytes(b"old")
    assert watched(replace, Onlooker(CHANGES, note)).code == 0
    names = [name for name, _ in steps]
    assert names == ["openat", "fchmod", "write", "fsync", "rename", "fsync"]
    temporary, written, synced, renamed, folder = (steps[one][1] for one in (0, 2, 3, 4, 5))
    assert temporary == written == synced != renamed == str(tmp_path / "secret")
    assert folder == str(tmp_path)
    assert (tmp_path / "secret").read_bytes() == b"new"


async def test_who_was_removed_while_an_upload_came_in_stores_nothing() -> None:
    async with opened(grants=[FOR_ANYBODY]) as house:
        accounts = house.parts.accounts
        assert isinstance(accounts, MemoryAccounts)

        async def body() -> AsyncIterator[bytes]:
            yield b"half "
            accounts.passwords.clear()
            yield b"and half"

        arrival = Arrival("trust", Path(("a.txt",)), ANN, size=13)
        with pytest.raises(NotIdentified):
            await house.parts.receiver.receive(arrival, body())
        assert (await got(house, "a.txt"))[0] == 404


async def test_a_body_that_is_not_as_long_as_was_said_is_not_stored() -> None:
    """Whatever door it comes through, and whatever that has noticed."""
    async with opened(grants=[FOR_ANYBODY]) as house:

        async def half() -> AsyncIterator[bytes]:
            yield b"half"

        arrival = Arrival("trust", Path(("a.txt",)), ANONYMOUS, size=8)
        with pytest.raises(BodyTooShort):
            await house.parts.receiver.receive(arrival, half())
        assert (await got(house, "a.txt"))[0] == 404
