"""What the settings mean to the rules: who may when nothing is said, policies, the operator."""

from dataclasses import dataclass, replace

import pytest

from program import houserules
from program.console import Refused
from program.settings import Grant, Policy, Server, Settings
from uploads.access import ANONYMOUS, Principal, Right
from uploads.names import BadName, Path, parse

ANN = Principal("user:ann", frozenset({"user:ann", "users", "anonymous"}))
PLACE = Path(("inbox", "a"))


@dataclass
class Register(houserules.OperatorOnly):
    """As many users as a test wants."""

    users: int = 0

    def any_users(self) -> bool:
        return self.users > 0


def at(host: str, **others: object) -> Settings:
    return replace(Settings(server=Server(host=host)), **others)  # type: ignore[arg-type]


def test_with_nobody_registered_everybody_on_this_machine_may_everything() -> None:
    rules = houserules.rules(at("127.0.0.1"), Register())

    assert all(rules.may(ANONYMOUS, right, PLACE) for right in Right)
    assert rules.reach(ANONYMOUS).holds(PLACE.folded)


def test_the_first_user_changes_that_at_once_and_the_last_one_changes_it_back() -> None:
    register = Register()
    rules = houserules.rules(at("127.0.0.1"), register)

    register.users = 1
    assert not any(rules.may(ANONYMOUS, right, PLACE) for right in Right)
    assert not rules.reach(ANONYMOUS).ranges
    assert all(rules.may(ANN, right, PLACE) for right in Right)
    register.users = 0
    assert rules.may(ANONYMOUS, Right.CREATE, PLACE)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_beyond_this_machine_strangers_stay_out_even_when_the_last_user_is_removed(
    host: str,
) -> None:
    rules = houserules.rules(at(host), Register(0))

    assert not any(rules.may(ANONYMOUS, right, PLACE) for right in Right)
    with pytest.raises(Refused, match="user add"):
        houserules.check_address(at(host), Register(0))
    houserules.check_address(at(host), Register(1))


def test_what_is_granted_is_all_that_counts() -> None:
    grants = (Grant("/inbox/", ("anonymous",), ("create",)), Grant("/", ("users",), ("read",)))
    rules = houserules.rules(at("0.0.0.0", access=grants), Register())

    assert rules.may(ANONYMOUS, Right.CREATE, PLACE)
    assert not rules.may(ANONYMOUS, Right.READ, PLACE)
    assert not rules.may(ANONYMOUS, Right.CREATE, Path(("a",)))
    assert rules.may(ANN, Right.READ, Path(("a",)))
    houserules.check_address(at("0.0.0.0", access=grants), Register())


def test_each_folder_has_its_own_words_down_to_the_names_that_it_takes() -> None:
    settings = at("127.0.0.1", folders={"/raw/": Policy(names="exact", same_content="link")})
    policies, limits = houserules.policies(settings), houserules.name_limits(settings)

    assert policies.of(Path(("raw", "deep"))).same_content == "link"
    assert policies.of(Path(())).same_content == "refuse"
    assert policies.keys(Path(("raw", "A"))) == ("raw", "A")
    assert parse("raw/CON", limits) == Path(("raw", "CON"))
    with pytest.raises(BadName):
        parse("other/CON", limits)


def test_the_operator_needs_no_account_no_grant_no_condition_and_no_share() -> None:
    settings = replace(
        at("127.0.0.1", policy=Policy(require_conditions=True)),
        limits=replace(Settings().limits, quota_bytes=1, file_size=7),
    )
    rules = houserules.rules_for_operator(settings)

    assert rules.current(houserules.OPERATOR) == houserules.OPERATOR
    assert all(rules.may(houserules.OPERATOR, right, PLACE) for right in Right)
    assert not any(rules.may(ANN, right, PLACE) for right in Right)
    assert not rules.policies.of(PLACE).require_conditions
    assert rules.limits.quota_bytes is None
    assert rules.limits.file_size == 7


def test_behind_a_proxy_on_this_machine_strangers_stay_out_until_somebody_has_said_otherwise() -> (
    None
):
    behind = Settings(server=Server(trusted_proxies=("127.0.0.1/32",)))
    rules = houserules.rules(behind, Register(0))
    spoken = replace(behind, access=(Grant("/", ("anonymous",), ("read",)),))

    assert not any(rules.may(ANONYMOUS, right, PLACE) for right in Right)
    with pytest.raises(Refused, match=r"through a proxy .*user add"):
        houserules.check_address(behind, Register(0))
    houserules.check_address(behind, Register(1))
    houserules.check_address(spoken, Register(0))
