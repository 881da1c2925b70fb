"""Where the file of the users cannot be read, or is gone, nobody is let in."""

from pathlib import Path

import pytest

from storage import accounts
from storage.accounts import FileAccounts
from uploads.failures import Failure, Unavailable

PASSWORD = "correct horse"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"users": {}}',
        '{"users": {"a": {"x": 1}}, "tokens": {}}',
        '{"users": {}, "tokens": {"ci": {"secret": "x", "added": 1, "rights": ["fly"]}}}',
    ],
)
def test_a_file_that_is_not_ours_lets_nobody_in(tmp_path: Path, text: str) -> None:
    (tmp_path / "accounts.json").write_text(text)
    with pytest.raises(Unavailable, match="cannot be understood"):
        accounts.list_users(tmp_path)
    with pytest.raises(Failure):
        FileAccounts(tmp_path)


async def test_a_file_that_goes_away_meanwhile_lets_nobody_in_until_it_is_back(
    tmp_path: Path,
) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    accounts.add_user(data, "ann", PASSWORD)
    known = FileAccounts(data)
    assert known.any_users()
    data.rename(elsewhere)
    with pytest.raises(Unavailable, match="is gone"):
        await known.by_password("ann", PASSWORD)
    known._asked = 0.0
    with pytest.raises(Unavailable, match="is gone"):
        known.any_users()
    elsewhere.rename(data)
    assert await known.by_password("ann", PASSWORD) is not None
    accounts.remove_user(data, "ann")
    known._asked = 0.0
    assert not known.any_users()
