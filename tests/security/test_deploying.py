"""What is offered for running it: a unit for systemd, a container. As far as both can be judged here."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from program import commandline
from tests.running import ROOT, START_LINE, running
from tests.wire import ask, message, put

UNIT = ROOT / "deploy" / "noclobber.service"
CONTAINER = ROOT / "Containerfile"
# 0 is nothing, 10 is all. What is left: it talks to the network, and lives on the host's disk.
EXPOSURE_AT_MOST = 1.1
# As `MemoryDenyWriteExecute=yes` in the unit, by the kernel itself.
SHUT = """
import ctypes, sys
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1
if ctypes.CDLL(None).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0):
    sys.exit(77)
import server
sys.exit(server.main())
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="systemd is of Linux")


@linux
def test_the_unit_leaves_little_exposed() -> None:
    analyse = shutil.which("systemd-analyze")
    assert analyse, "systemd-analyze is missing: ./setup.sh programs"
    said = subprocess.run(
        [analyse, "security", "--offline=true", "--no-pager", str(UNIT)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = re.search(r"exposure level for noclobber\.service: ([\d.]+)", said)
    assert found, said
    assert float(found[1]) <= EXPOSURE_AT_MOST, said


def test_the_unit_starts_what_is_there_and_waits_longer_than_the_grace_time() -> None:
    settings = dict(
        line.split("=", 1) for line in UNIT.read_text().splitlines() if re.match(r"\w+=", line)
    )
    command = shlex.split(settings["ExecStart"])
    assert [Path(one).name for one in command[:2]] == ["python", "server.py"]
    arguments = commandline.read(command[2:])
    assert (arguments.command, str(arguments.data)) == ("serve", "/var/lib/noclobber")
    assert settings["Type"] == "notify"
    assert int(settings["TimeoutStopSec"]) > 20


@contextmanager
def started(program: Sequence[str], data: Path, at: Path = ROOT) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, *program, "serve", "--data", str(data), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=at,
    )
    try:
        assert process.stdout is not None
        found = next((one for line in process.stdout if (one := START_LINE.search(line))), None)
        assert found is not None, (process.wait(), process.stderr and process.stderr.read())
        yield int(found[1])
    finally:
        process.terminate()
        process.communicate(timeout=60)


@linux
async def test_it_runs_where_no_memory_can_be_both_written_and_run(tmp_path: Path) -> None:
    with started(["-c", SHUT], tmp_path / "data") as port:
        assert (await ask(port, put("/files/a.txt", b"what libmagic looks at"))).status == 201
        assert (await ask(port, message("GET", "/files/a.txt"))).status == 200


def calls_of(group: str) -> set[str]:
    """The system calls of a group, as systemd knows them; a name without @ is itself."""
    if not group.startswith("@"):
        return {group}
    said = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", group],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    words = [line.strip() for line in said.splitlines()[1:] if line.strip()]
    return {
        call
        for word in words
        if not word.startswith("#")
        for call in calls_of(word)
        if word != group
    }


def allowed_calls() -> set[str]:
    """As the lines of the unit say, one after the other."""
    allowed = calls_of("@default")
    for line in UNIT.read_text().splitlines():
        if line.startswith("SystemCallFilter="):
            words = line.partition("=")[2]
            found = {call for word in words.lstrip("~").split() for call in calls_of(word)}
            allowed = allowed - found if words.startswith("~") else allowed | found
    return allowed


@linux
async def test_the_unit_allows_the_system_calls_that_serving_takes(tmp_path: Path) -> None:
    traced = tmp_path / "calls"
    under = ("strace", "-D", "-f", "-qq", "-e", "signal=none", "-o", str(traced))
    with running(tmp_path / "data", under=under) as program:
        for number, body in enumerate((b"small", b"large" * 500_000)):
            await ask(program.port, put(f"/files/{number}", body))
            await ask(program.port, message("GET", f"/files/{number}"))
        await ask(program.port, message("GET", "/health/ready"))
    made = set(re.findall(r"^\d+ +(\w+)\(", traced.read_text(), re.MULTILINE))
    assert {"linkat", "fsync", "landlock_restrict_self"} <= made
    # To raise the number of open files is refused, and need not succeed: the unit has set it.
    # SQLite calls fchown only as root, which the unit does not run as.
    assert made - allowed_calls() - {"setrlimit", "fchown"} == set()


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", CONTAINER.read_text())
    lines = [line.split(None, 1) for line in text.splitlines() if line and line[0] != "#"]
    return [(word, rest.strip()) for word, rest in lines]


def test_the_container_holds_all_of_the_program_and_nothing_else() -> None:
    copied = {
        name
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from")
        for name in rest.split()[:-1]
    }
    assert copied == {
        *("requirements.lock", "server.py", "config.toml", "LICENSE"),
        *("uploads", "handlers", "storage", "program", "page"),
    }
    for name in copied:
        assert (ROOT / name).exists(), name
    ignored = (ROOT / ".containerignore").read_text()
    assert {line[1:] for line in ignored.splitlines() if line.startswith("!")} == copied
    assert (ROOT / ".dockerignore").read_text() == ignored


def left_behind(at: str, names: list[str]) -> set[str]:
    """By the list of what is ignored."""
    lines = (ROOT / ".containerignore").read_text().splitlines()
    left = {line.removeprefix("**/") for line in lines if "/" in line}
    within = Path(at).relative_to(ROOT)
    return {name for name in names if left & {name, (within / name).as_posix()}}


def built_by_hand(at: Path) -> Path:
    """What stands in the last stage, packages aside: the same Python and Node have them here."""
    stage = at
    for word, rest in instructions():
        if word == "FROM":
            stage = at / rest.rpartition(" AS ")[2].replace("/", "-")
            stage.mkdir(parents=True)
        elif word == "COPY":
            copy(rest.split(), at, stage)
        elif "-m page.building" in rest:
            (stage / "page" / "node_modules").symlink_to(ROOT / "page" / "node_modules")
            subprocess.run([sys.executable, "-m", "page.building"], cwd=stage, check=True)
    return stage


def copy(words: list[str], at: Path, stage: Path) -> None:
    *origins, goal = (one.removeprefix("/opt/noclobber").strip("/") for one in words)
    source = ROOT
    ignore: Callable[[str, list[str]], set[str]] = left_behind
    if origins[0].startswith("--from="):
        source, ignore = at / origins.pop(0).removeprefix("--from="), lambda _at, _names: set()
    for origin in origins:
        if (source / origin).is_dir():
            shutil.copytree(source / origin, stage / goal, ignore=ignore, dirs_exist_ok=True)
        else:
            shutil.copy(source / origin, stage / goal)


async def test_the_page_in_the_container_has_its_script(tmp_path: Path) -> None:
    program = built_by_hand(tmp_path / "stages")
    assert not list(program.glob("page")), "what the script is made from is not in the image"
    with started(["server.py"], tmp_path / "data", program) as port:
        page = await ask(port, message("GET", "/browse/", b"", {"Accept": "text/html"}))
        (script,) = set(re.findall(r'src="(/static/page/main-\w+\.js)"', page.body.decode()))
        assert (await ask(port, message("GET", script))).status == 200


def test_the_container_is_restarted_when_it_does_not_answer_and_for_nothing_else() -> None:
    assert "/health/live'" in dict(instructions())["HEALTHCHECK"]


def test_the_container_runs_as_nobody_with_locked_packages() -> None:
    said = dict(instructions())
    assert said["USER"].split(":")[0].isdecimal()
    assert said["USER"].split(":")[0] != "0"
    assert "--require-hashes" in CONTAINER.read_text()
    assert not [rest for word, rest in instructions() if word == "ADD" or "curl" in rest]
    command = [*shlex.split(said["ENTRYPOINT"].strip("[]").replace(",", " "))[2:]]
    command += shlex.split(said["CMD"].strip("[]").replace(",", " "))
    arguments = commandline.read(command)
    assert (arguments.command, arguments.host, str(arguments.data)) == ("serve", "0.0.0.0", "/data")
