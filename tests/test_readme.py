"""The README's transcript, run as a newcomer would and compared character for character."""

from pathlib import Path

from tests.running import running
from tests.transcripts import blocks, printed, steps

STARTING, TALKING = blocks("README.md")


def test_the_start_line_is_the_one_that_the_readme_shows(tmp_path: Path) -> None:
    ((command, shown),) = steps(STARTING)
    assert command == "make serve"

    with running(tmp_path / "data") as program:
        line = program.start_line

    told = line.replace(str(program.port), "8080").replace(str(tmp_path / "data"), "./data")
    assert told == shown


def test_the_transcript_prints_what_the_readme_shows(tmp_path: Path) -> None:
    commands = [command for command, _ in steps(TALKING)]

    answers = printed(commands, tmp_path, "localhost:8080")

    assert list(zip(commands, answers, strict=True)) == steps(TALKING)
