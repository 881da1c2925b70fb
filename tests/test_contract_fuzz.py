"""Requests made up from the contract, thousands of them: whatever comes back, the contract says so.

schemathesis makes them (also sequences, where one answer leads to the next request) and compares.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from handlers.operations import OPERATIONS
from tests.running import ROOT, Program, running

EXAMPLES_OF_EACH_OPERATION = 20
SEED = 20261120
# It takes half a minute where nothing else runs.
WITHIN = 300
SETTINGS = str(ROOT / "tests" / "schemathesis.toml")
HOOKS = str(ROOT / "tests" / "schemathesis_hooks.py")
PROGRAM = str(Path(sys.executable).parent / "schemathesis")


# Who waits for a change that never comes need not wait for long.
ENVIRONMENT = {"NOCLOBBER_LIMITS_FEED_WAIT": "10 ms"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def register(data: Path, name: str, password: str) -> list[str]:
    """How schemathesis is to sign in."""
    subprocess.run(
        [sys.executable, "server.py", "user", "add", name, "--password-stdin", "--data", data],
        cwd=ROOT,
        input=f"{password}\n",
        text=True,
        check=True,
        capture_output=True,
    )
    return ["--auth", f"{name}:{password}"]


@pytest.mark.slow
@pytest.mark.timeout(WITHIN + 30)
def test_no_answer_to_anybody_breaks_the_contract(data: Path) -> None:
    with running(data, env=ENVIRONMENT) as program:
        try_everything(program, data.parent)


@pytest.mark.slow
@pytest.mark.timeout(WITHIN + 30)
def test_no_answer_to_a_user_breaks_the_contract(data: Path) -> None:
    signing_in = register(data, "ann", "a long enough password")
    with running(data, env=ENVIRONMENT) as program:
        try_everything(program, data.parent, *signing_in)


def try_everything(program: Program, folder: Path, *options: str) -> None:
    tried = subprocess.run(
        [
            *(PROGRAM, "--config-file", SETTINGS, "run", f"{program.url}/openapi.json"),
            *("--max-examples", str(EXAMPLES_OF_EACH_OPERATION), "--seed", str(SEED)),
            *("--no-color", *options),
        ],
        cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": HOOKS},
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    assert tried.returncode == 0, tried.stdout
    assert f"Tested: {len(OPERATIONS)}" in tried.stdout, "some operations were not tried"
