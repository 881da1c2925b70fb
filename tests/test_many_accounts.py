"""Among thousands of users and tokens nobody is known any later than among a few."""

import sys
from collections.abc import Callable
from pathlib import Path as DiskPath

import pytest

from storage import accounts, roster
from storage.accounts import FileAccounts
from storage.roster import Roster, Token

PASSWORD = "correct horse"


def calls(work: Callable[[], object]) -> int:
    """Of functions, however quick they are."""
    found = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal found
        found += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return found


def test_a_token_is_known_in_as_many_steps_among_many_tokens_as_alone(tmp_path: DiskPath) -> None:
    secret = accounts.add_token(tmp_path, "ci")
    known = FileAccounts(tmp_path)
    known.by_token(secret)
    alone = calls(lambda: known.by_token(secret))
    others = {f"t{n}": Token(f"{n:064x}", 1.0) for n in range(1000)}
    roster.write(tmp_path, Roster({}, {**others, **roster.read(tmp_path).tokens}))
    assert known.by_token(secret)
    assert calls(lambda: known.by_token(secret)) == alone
    assert calls(lambda: known.by_token("nct_no")) <= alone
    known.close()


async def test_who_has_shown_the_password_need_not_show_it_anew_because_another_user_changed(
    tmp_path: DiskPath,
) -> None:
    """Else with each of them everybody's is looked at again, two at a time."""
    known = FileAccounts(tmp_path)
    accounts.add_user(tmp_path, "ann", PASSWORD)
    assert await known.by_password("ann", PASSWORD)
    accounts.add_user(tmp_path, "bob", PASSWORD)
    # Nothing can be looked at any more.
    known.close()
    assert await known.by_password("ann", PASSWORD)


@pytest.mark.parametrize("change", ["password", "factor", "removal"])
async def test_what_was_proved_before_a_change_of_the_user_is_looked_at_as_any_other(
    tmp_path: DiskPath, change: str
) -> None:
    """How soon the next answer comes would tell that the password was right."""
    known = FileAccounts(tmp_path)
    accounts.add_user(tmp_path, "ann", PASSWORD)
    assert await known.by_password("ann", PASSWORD)
    match change:
        case "password":
            accounts.set_password(tmp_path, "ann", PASSWORD)
        case "factor":
            accounts.set_factor(tmp_path, "ann")
        case _:
            accounts.remove_user(tmp_path, "ann")
    known.close()
    with pytest.raises(RuntimeError):
        await known.by_password("ann", PASSWORD)
