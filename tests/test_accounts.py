"""Who is let in by which password or token, and what the commands refuse."""

import asyncio
import base64
import json
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path as DiskPath

import pytest
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from storage import accounts, factors, passwords
from storage.accounts import FileAccounts
from tests.shops import Clock
from uploads.access import ANONYMOUS, Principal, Right, Scope
from uploads.failures import MalformedRequest, NotThere, Unavailable
from uploads.names import Path

PASSWORD = "correct horse"
MOST_WAIT = 32


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def known(tmp_path: DiskPath, clock: Clock) -> Iterator[FileAccounts]:
    served = FileAccounts(tmp_path, clock)
    yield served
    served.close()


async def test_a_user_is_known_by_the_right_password_only(
    known: FileAccounts, tmp_path: DiskPath
) -> None:
    accounts.add_user(tmp_path, "ann", PASSWORD)
    ann = await known.by_password("ann", PASSWORD)
    assert ann == Principal("user:ann", frozenset({"user:ann", "users", "anonymous"}))
    assert await known.by_password("ann", PASSWORD + "!") is None
    assert await known.by_password("ann", "") is None
    assert await known.by_password("bob", PASSWORD) is None


async def test_changes_count_from_the_next_request(known: FileAccounts, tmp_path: DiskPath) -> None:
    assert not known.any_users()
    accounts.add_user(tmp_path, "ann", PASSWORD)
    assert known.any_users()
    ann = await known.by_password("ann", PASSWORD)
    assert ann is not None
    assert known.current(ann) == ann
    accounts.set_password(tmp_path, "ann", "another horse")
    assert await known.by_password("ann", PASSWORD) is None
    assert known.current(ann) is None
    ann = await known.by_password("ann", "another horse")
    assert ann is not None
    assert known.current(ann) == ann
    accounts.remove_user(tmp_path, "ann")
    assert await known.by_password("ann", "another horse") is None
    assert known.current(ann) is None
    assert not known.any_users()


async def test_a_verified_password_is_remembered_and_an_unknown_user_costs_as_much_as_a_known_one(
    known: FileAccounts, tmp_path: DiskPath
) -> None:
    accounts.add_user(tmp_path, "ann", PASSWORD)

    async def seconds(user: str, password: str) -> float:
        """Of our processor, whatever else the machine does."""
        started = time.process_time()
        await known.by_password(user, password)
        return time.process_time() - started

    wrong = min([await seconds("ann", f"{n}") for n in range(5)])
    unknown = min([await seconds("bob", f"{n}") for n in range(5)])
    await known.by_password("ann", PASSWORD)
    remembered = min([await seconds("ann", PASSWORD) for _ in range(5)])
    assert 0.5 < unknown / wrong < 2
    assert remembered < wrong / 5


async def test_many_logins_do_not_stop_the_loop(known: FileAccounts, tmp_path: DiskPath) -> None:
    accounts.add_user(tmp_path, "ann", PASSWORD)
    logins = asyncio.gather(*(known.by_password("ann", f"{n}") for n in range(20)))
    beats = 0
    while not logins.done():
        await asyncio.sleep(0.001)
        beats += 1
    assert await logins == [None] * 20
    assert beats > 10


async def test_of_many_passwords_at_once_some_wait_and_the_others_are_sent_away(
    known: FileAccounts, tmp_path: DiskPath
) -> None:
    accounts.add_user(tmp_path, "ann", PASSWORD)
    guesses = (known.by_password("ann", f"{n}") for n in range(MOST_WAIT + 10))
    told = await asyncio.gather(*guesses, return_exceptions=True)
    assert told[:MOST_WAIT] == [None] * MOST_WAIT
    for one in told[MOST_WAIT:]:
        assert isinstance(one, Unavailable)
        assert one.retry_after
    leaving = asyncio.create_task(known.by_password("ann", "of who hangs up"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await known.by_password("ann", PASSWORD) is not None
    again = await asyncio.gather(*(known.by_password("bob", "") for _ in range(MOST_WAIT)))
    assert again == [None] * MOST_WAIT


def test_a_token_acts_as_its_owner_within_its_scope(
    known: FileAccounts, tmp_path: DiskPath
) -> None:
    accounts.add_user(tmp_path, "ann", PASSWORD)
    scope = Scope(Path(("in", "box")), frozenset({Right.CREATE}))
    secret = accounts.add_token(tmp_path, "ci", "ann", scope=scope)
    assert secret.startswith("nct_")
    assert len(secret) >= 4 + 43
    bearer = known.by_token(secret)
    assert bearer is not None
    assert (bearer.name, bearer.scope) == ("user:ann", scope)
    assert bearer.groups == {"user:ann", "users", "anonymous", "token:ci"}
    assert known.current(bearer) == bearer
    assert known.by_token(secret[:-1]) is None
    assert known.by_token("") is None


async def test_a_revoked_token_is_worthless_at_once_and_its_owner_stays(
    known: FileAccounts, tmp_path: DiskPath
) -> None:
    accounts.add_user(tmp_path, "ann", PASSWORD)
    secret = accounts.add_token(tmp_path, "ci", "ann")
    bearer = known.by_token(secret)
    assert bearer is not None
    ann = await known.by_password("ann", PASSWORD)
    assert ann is not None
    accounts.revoke_token(tmp_path, "ci")
    assert known.by_token(secret) is None
    assert known.current(bearer) is None
    assert known.current(ann) == ann
    accounts.add_token(tmp_path, "ci", "ann")
    assert known.current(bearer) is None
    # A token does not become its owner by leaving out that it is one.
    assert known.current(replace(bearer, groups=ann.groups)) is None


def test_tokens_go_with_their_owner(known: FileAccounts, tmp_path: DiskPath) -> None:
    accounts.add_user(tmp_path, "ann", PASSWORD)
    secret = accounts.add_token(tmp_path, "ci", "ann")
    accounts.remove_user(tmp_path, "ann")
    assert known.by_token(secret) is None
    assert accounts.list_tokens(tmp_path) == {}


def test_a_token_without_owner_has_only_what_is_granted_to_it(
    known: FileAccounts, tmp_path: DiskPath
) -> None:
    secret = accounts.add_token(tmp_path, "ci", note="nightly build")
    bearer = known.by_token(secret)
    assert bearer == Principal("token:ci", frozenset({"token:ci", "anonymous"}))
    assert known.current(bearer) == bearer
    assert accounts.list_tokens(tmp_path)["ci"].note == "nightly build"


def test_a_token_expires(known: FileAccounts, tmp_path: DiskPath, clock: Clock) -> None:
    secret = accounts.add_token(tmp_path, "ci", expires=100.0)
    clock.now = 99.0
    bearer = known.by_token(secret)
    assert bearer is not None
    clock.now = 100.0
    assert known.by_token(secret) is None
    assert known.current(bearer) is None


def test_anonymous_stays_who_it_is(known: FileAccounts) -> None:
    assert known.current(ANONYMOUS) == ANONYMOUS


def test_the_file_is_private_and_holds_no_secret(tmp_path: DiskPath) -> None:
    before = os.umask(0)
    try:
        accounts.add_user(tmp_path, "ann", PASSWORD)
        secret = accounts.add_token(tmp_path, "ci", "ann")
    finally:
        os.umask(before)
    file = tmp_path / "accounts.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert PASSWORD not in text
    assert secret.removeprefix("nct_") not in text
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in text


@pytest.mark.parametrize("name", ["", "a b", "ann/..", "ünn", "x" * 65, "ann\n"])
def test_names_that_cannot_be_are_refused(tmp_path: DiskPath, name: str) -> None:
    with pytest.raises(MalformedRequest, match="characters"):
        accounts.add_user(tmp_path, name, PASSWORD)
    with pytest.raises(MalformedRequest, match="characters"):
        accounts.add_token(tmp_path, name)


def test_what_commands_refuse_is_said_to_people(tmp_path: DiskPath) -> None:
    accounts.add_user(tmp_path, "ann", PASSWORD)
    with pytest.raises(MalformedRequest, match="There is a user 'ann' already"):
        accounts.add_user(tmp_path, "Ann", PASSWORD)
    with pytest.raises(MalformedRequest, match="too short"):
        accounts.add_user(tmp_path, "bob", "short")
    with pytest.raises(MalformedRequest, match="too long"):
        accounts.set_password(tmp_path, "ann", "x" * 1025)
    with pytest.raises(NotThere, match=r"no user 'bob'. Registered: ann"):
        accounts.remove_user(tmp_path, "bob")
    with pytest.raises(NotThere, match="no user 'bob'"):
        accounts.add_token(tmp_path, "ci", "bob")
    with pytest.raises(NotThere, match=r"no token 'ci'. Registered: none"):
        accounts.revoke_token(tmp_path, "ci")


EASY = ("password1", "PASSWORD1", "12345678", "qwertyuiop", "baseball", "noclobber", "noclobber-2024!",
        "Anna.Anna.1", "anna12345", "annaadmin!", "Upload-Files-1")  # fmt: skip


@pytest.mark.parametrize("password", EASY)
async def test_a_password_that_is_tried_first_is_nobodys(tmp_path: DiskPath, password: str) -> None:
    with pytest.raises(MalformedRequest, match="Take another one"):
        accounts.add_user(tmp_path, "anna", password)
    accounts.add_user(tmp_path, "anna", PASSWORD)
    known = FileAccounts(tmp_path)
    anna = await known.by_password("anna", PASSWORD)
    assert anna is not None
    with pytest.raises(MalformedRequest, match="Take another one"):
        await known.set_password(anna, password)
    assert known.current(anna) == anna
    known.close()


@pytest.mark.timeout(20)
def test_a_long_password_of_words_that_begin_alike_is_looked_at_once() -> None:
    """User "s": "uploads" is one word, and "upload" with the name behind it."""
    passwords.check("uploads" * 140 + "x", "s")
    with pytest.raises(MalformedRequest, match="made of the name"):
        passwords.check("uploads" * 140, "s")


def test_three_thousand_passwords_that_have_leaked_are_known() -> None:
    leaked = [one for one in FREQUENCY_LISTS["passwords"] if len(one) >= passwords.SHORTEST]
    assert len(leaked) > 3000
    for one in leaked[:3000]:
        with pytest.raises(MalformedRequest):
            passwords.check(one.title(), "anna")


@pytest.mark.parametrize(
    "password", ["correct horse", "8 x 8 = 64!", "annabels-uploads", "éééééééé", "!!!!!!!!-"]
)
def test_any_other_password_will_do(password: str) -> None:
    passwords.check(password, "anna")


async def test_who_changes_a_password_counts_from_then_on(tmp_path: DiskPath) -> None:
    accounts.add_user(tmp_path, "ann", PASSWORD)
    known = FileAccounts(tmp_path)
    before = await known.by_password("ann", PASSWORD)
    assert before is not None
    ann = await known.set_password(before, "another horse")
    assert [known.current(one) for one in (before, ann)] == [None, ann]
    assert await known.by_password("ann", PASSWORD) is None
    assert await known.by_password("ann", "another horse") is not None
    known.close()


@pytest.mark.parametrize(("ahead", "counts"), [(-1.0, True), (3600.0, False)])
async def test_what_was_sent_before_a_user_was_added_is_not_theirs_unless_the_clock_was_wrong(
    known: FileAccounts, tmp_path: DiskPath, clock: Clock, ahead: float, *, counts: bool
) -> None:
    accounts.add_user(tmp_path, "ann", PASSWORD)
    added = accounts.list_users(tmp_path)["ann"].added
    clock.now = added - ahead
    ann = await known.by_password("ann", PASSWORD)
    assert ann is not None
    bearer = known.by_token(accounts.add_token(tmp_path, "ci", "ann"))
    assert bearer is not None
    for one in (ann, bearer):
        assert one.since == (added if counts else 0.0)


async def test_many_who_register_at_once_are_all_registered(tmp_path: DiskPath) -> None:
    await asyncio.gather(
        *(asyncio.to_thread(accounts.add_token, tmp_path, f"t{n}") for n in range(20))
    )
    assert len(accounts.list_tokens(tmp_path)) == 20


def test_the_file_can_be_read_by_people(tmp_path: DiskPath) -> None:
    accounts.add_user(tmp_path, "ann", PASSWORD)
    written = json.loads((tmp_path / "accounts.json").read_text())
    assert list(written) == ["tokens", "users"]
    assert list(written["users"]["ann"]) == ["added", "factor", "password"]


def test_a_token_that_is_not_utf_8_is_nobodys(tmp_path: DiskPath) -> None:
    accounts.add_user(tmp_path, "ann", PASSWORD)
    accounts.add_token(tmp_path, "laptop", "ann")
    assert FileAccounts(tmp_path).by_token("\udcff") is None


# RFC 6238, appendix B, for SHA-1; of its eight digits the last six.
OF_THE_STANDARD = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}


def test_codes_are_those_of_the_standard() -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    for now, code in OF_THE_STANDARD.items():
        assert factors.code(secret, factors.step(now)) == code
    made = {factors.fresh() for _ in range(100)}
    assert len(made) == 100
    assert {len(base64.b32decode(one)) for one in made} == {20}


async def test_with_a_second_factor_each_code_counts_once_and_for_half_a_minute(
    known: FileAccounts, tmp_path: DiskPath, clock: Clock
) -> None:
    accounts.add_user(tmp_path, "ann", PASSWORD)
    secret = accounts.set_factor(tmp_path, "ann")

    async def enters(code: str, password: str = PASSWORD) -> bool:
        return await known.by_password("ann", password, code) is not None

    def code(steps: int = 0) -> str:
        return factors.code(secret, factors.step(clock.now) + steps)

    # Whether those of the moment of the start have been used nobody knows.
    assert not await enters(code())
    clock.now = 1000 * 30.0
    for wrong in ("", "000000", code(-1), code(1), code()[:5], "\u0663" * 6):
        assert not await enters(wrong)
    assert not await enters(code(), "another horse")
    assert await enters(code())
    assert not await enters(code())
    clock.now += 29.9
    assert not await enters(code())
    clock.now += 0.1
    both = await asyncio.gather(enters(code()), enters(code()))
    assert sorted(both) == [False, True]
    # A password that was right is not known any sooner than another.
    assert known._verified == {}


async def test_a_second_factor_that_is_taken_away_or_exchanged_counts_no_more(
    known: FileAccounts, tmp_path: DiskPath, clock: Clock
) -> None:
    accounts.add_user(tmp_path, "ann", PASSWORD)
    ann = await known.by_password("ann", PASSWORD)
    assert ann is not None
    first = accounts.set_factor(tmp_path, "ann")
    assert known.current(ann) is None
    assert await known.by_password("ann", PASSWORD) is None
    accounts.set_password(tmp_path, "ann", "another horse")
    second = accounts.set_factor(tmp_path, "ann")
    clock.now = 1000 * 30.0
    for secret, is_known in ((first, False), (second, True)):
        code = factors.code(secret, 1000)
        assert (await known.by_password("ann", "another horse", code) is not None) is is_known
    accounts.remove_factor(tmp_path, "ann")
    assert await known.by_password("ann", "another horse") is not None
    with pytest.raises(NotThere):
        accounts.set_factor(tmp_path, "bob")
