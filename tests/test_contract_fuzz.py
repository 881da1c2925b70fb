"""Requests made up from the contract, thousands of them: whatever comes back, the contract says so.

schemathesis makes them (also sequences, where one answer leads to the next request) and compares.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.operations import OPERATIONS
from tests.running import ROOT, Program, running

EXAMPLES_OF_EACH_OPERATION = 20
SEED = 20261120
SETTINGS = str(ROOT / "tests" / "schemathesis.toml")
PROGRAM = str(Path(sys.executable).parent / "schemathesis")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with running(tmp_path / "data") as program:
        yield program


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_no_request_that_fits_the_contract_gets_an_answer_that_does_not(
    program: Program, tmp_path: Path
) -> None:
    tried = subprocess.run(
        [
            *(PROGRAM, "--config-file", SETTINGS, "run", f"{program.url}/openapi.json"),
            *("--max-examples", str(EXAMPLES_OF_EACH_OPERATION), "--seed", str(SEED)),
            "--no-color",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert tried.returncode == 0, tried.stdout
    assert f"Tested: {len(OPERATIONS)}" in tried.stdout, "some operations were not tried"
