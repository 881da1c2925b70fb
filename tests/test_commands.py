"""The command line and the commands, as whoever types them sees them."""

import os
import pty
import re
import sys
import time
from pathlib import Path

import pytest

from storage.upkeep import lease
from tests.running import ROOT, running
from tests.shelves import shelves
from tests.test_server import ask, run

COMMANDS = ("serve", "user", "token", "import", "export", "verify", "gc", "backup", "restore")
GREETING = b"good morning"


def plant(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_the_help_names_every_command_with_examples_and_exit_codes(tmp_path: Path) -> None:
    said = run("--help", cwd=tmp_path)

    assert said.returncode == 0
    for command in (*COMMANDS, "doctor"):
        assert re.search(rf"^    {command} +\w", said.stdout, re.MULTILINE), command
    assert "examples:" in said.stdout
    assert "exit codes: 0 fine, 1 it found something wrong or refused, 2 wrong use" in said.stdout


@pytest.mark.parametrize(
    ("command", "mentions"),
    [
        ("serve", ["--config", "--data", "--host", "--port", "0 takes a free", "SIGTERM"]),
        ("user", ["add", "remove", "list", "passwd", "factor"]),
        ("user add", ["NAME", "--password-stdin", "twice"]),
        ("token", ["add", "revoke", "list", "Bearer"]),
        ("token add", ["--user", "--note", "--folder", "--right", "--days"]),
        ("import", ["DIR", "--into", "--same-content", "collision", "exit codes"]),
        ("export", ["DIR", "empty", "exit codes"]),
        ("verify", ["--repair", "--scrub", "--rate", "exit codes"]),
        ("gc", ["versions", "parked"]),
        ("backup", ["DIR", "may be running"]),
        ("restore", ["DIR", "empty data folder"]),
        ("doctor", ["sync", "exit codes"]),
    ],
)
def test_the_help_of_each_command_says_what_it_does(
    tmp_path: Path, command: str, mentions: list[str]
) -> None:
    said = run(*command.split(), "--help", cwd=tmp_path)

    assert said.returncode == 0
    assert [word for word in mentions if word not in said.stdout] == []
    assert max(map(len, said.stdout.splitlines())) <= 100
    assert run("help", *command.split(), cwd=tmp_path).stdout == said.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["sreve"],
        ["serve", "--port", "x"],
        ["serve", "--port", "65536"],
        ["gc", "--port", "1"],
        ["verify", "--rate", "50MB"],
        ["verify", "--scrub", "--rate", "fast"],
        ["serve", "--data", ""],
        ["--config", "", "gc"],
        ["import", ""],
        ["user"],
        ["user", "add"],
        ["import"],
        ["token", "add", "x", "--days", "0"],
        ["token", "add", "x", "--right", "all"],
    ],
)
def test_wrong_use_is_exit_code_2(tmp_path: Path, words: list[str]) -> None:
    said = run(*words, cwd=tmp_path)

    assert said.returncode == 2
    assert "usage: noclobber" in said.stderr
    assert list(tmp_path.iterdir()) == []


def test_users_are_added_listed_changed_and_removed(tmp_path: Path) -> None:
    def user(*words: str, entered: str = "") -> tuple[int, str]:
        said = run("user", *words, "--data", "data", cwd=tmp_path, entered=entered)
        assert "Traceback" not in said.stderr
        return said.returncode, said.stdout + said.stderr

    assert user("add", "ann", "--password-stdin", entered="first-password\n")[0] == 0
    assert user("add", "ann", "--password-stdin", entered="first-password\n")[0] == 1
    assert user("add", "bob", "--password-stdin", entered="short\n")[0] == 1
    assert user("list")[1].startswith("ann ")
    assert user("passwd", "ann", "--password-stdin", entered="other-password\n")[0] == 0
    assert user("passwd", "bob", "--password-stdin", entered="other-password\n")[0] == 1
    code, said = user("factor", "ann")
    assert code == 0
    assert re.search(r"^([A-Z2-7]{32})\notpauth://totp/noclobber:ann\?secret=\1&", said)
    assert user("factor", "bob")[0] == 1
    assert user("factor", "ann", "--remove")[0] == 0
    assert user("remove", "ann")[0] == 0
    assert user("list")[1].startswith("No user is registered.")
    code, said = user("add", "ann")
    assert (code, said.count("\n")) == (1, 1)
    assert "--password-stdin" in said


def test_at_a_terminal_the_password_is_asked_twice_and_not_shown(tmp_path: Path) -> None:
    def typed(*lines: bytes) -> tuple[int, bytes]:
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(tmp_path)
            program = [sys.executable, str(ROOT / "server.py"), "user", "add", "ann"]
            os.execv(program[0], [*program, "--data", "data"])  # noqa: S606 - in a terminal of its own
        shown = b""
        for line in lines:
            while not shown.endswith(b": "):
                shown += os.read(terminal, 1000)
            os.write(terminal, line + b"\n")
            shown += b"\n"
        try:
            while piece := os.read(terminal, 1000):
                shown += piece
        except OSError:  # how Linux says that the other side has ended
            pass
        _, status = os.waitpid(child, 0)
        os.close(terminal)
        return os.waitstatus_to_exitcode(status), shown

    code, shown = typed(b"password-one", b"password-two")
    assert code == 1
    assert b"differ" in shown
    code, shown = typed(b"password-one", b"password-one")
    assert code == 0
    assert b"ann is registered" in shown
    assert b"password-one" not in shown


def test_a_token_is_shown_once_works_in_its_folder_and_can_be_revoked(tmp_path: Path) -> None:
    def token(*words: str) -> str:
        said = run("token", *words, "--data", "data", cwd=tmp_path)
        assert said.returncode == 0, said.stderr
        return said.stdout

    run(
        "user",
        "add",
        "ann",
        "--password-stdin",
        "--data",
        "data",
        cwd=tmp_path,
        entered="long enough",
    )
    narrow = ("--folder", "inbox", "--right", "create", "--days", "3", "--note", "the\x1b scanner")
    secret = token("add", "scan", "--user", "ann", *narrow).removesuffix("\n")

    assert secret not in token("list")
    assert re.search(r"^scan +of ann, create, /inbox, since .*the\\x1b scanner$", token("list"))
    with running(tmp_path / "data") as program:
        bearer = f"Bearer {secret}"
        assert ask(program, "PUT", "/files/inbox/a", b"a", Authorization=bearer)[0] == 201
        assert ask(program, "GET", "/files/inbox/a", Authorization=bearer)[0] in {403, 404}
        assert ask(program, "PUT", "/files/b", b"b", Authorization=bearer)[0] in {403, 404}
        token("revoke", "scan")
        assert ask(program, "PUT", "/files/inbox/c", b"c", Authorization=bearer)[0] == 401


def test_an_import_reports_each_collision_and_takes_in_the_rest(tmp_path: Path) -> None:
    with running(tmp_path / "data") as program:
        ask(program, "PUT", "/files/in/taken.txt", b"what was there")
        ask(program, "PUT", "/files/else/hello.txt", GREETING)
    source = plant(
        tmp_path / "source",
        {"taken.txt": b"other", "copy.txt": GREETING, "new.txt": b"new", "Sub/deep/x": b"x"},
    )
    os.utime(source / "new.txt", (1e9, 1e9))

    said = run("import", "source", "--into", "in", "--data", "data", cwd=tmp_path)

    assert said.returncode == 1
    *collisions, summary, advice = said.stdout.splitlines()
    assert sorted(collisions) == [
        '"in/copy.txt" has the same bytes as "else/hello.txt"',
        '"in/taken.txt" holds other bytes than the file "in/taken.txt", which has this name already',
    ]
    assert advice == "To take copies in under both names: --same-content link."
    assert summary == "2 new, 0 linked to bytes already stored, 0 there already, 2 not taken."
    again = run(
        *("import", "source", "--into", "in", "--data", "data", "--same-content", "link"),
        cwd=tmp_path,
    )
    assert again.stdout.splitlines()[-1] == (
        "0 new, 1 linked to bytes already stored, 2 there already, 1 not taken."
    )
    with running(tmp_path / "data") as program:
        assert ask(program, "GET", "/files/in/taken.txt") == (200, b"what was there")
        assert ask(program, "GET", "/files/in/Sub/deep/x") == (200, b"x")
        assert ask(program, "GET", "/files/in/copy.txt") == (200, GREETING)


def test_an_import_into_a_full_disk_stops_with_one_sentence(tmp_path: Path) -> None:
    plant(tmp_path / "source", {f"{number}": b"x" for number in range(100)})
    (tmp_path / "config.toml").write_text(f"[limits]\nfree_space = {2**60}\n")

    said = run("import", "source", "--data", "data", cwd=tmp_path)

    assert said.returncode == 1
    assert said.stdout == (
        "0 new, 0 linked to bytes already stored, 0 there already, 0 not taken.\n"
    )
    assert said.stderr.startswith("noclobber: The import stopped early. The disk of this server is")
    assert said.stderr.count("\n") == 1


def test_an_import_goes_on_after_bad_names_and_follows_no_link(tmp_path: Path) -> None:
    source = plant(tmp_path / "source", {"a": b"a", "z": b"z", "CON": b"c", "new\nline": b"n"})
    (source / os.fsdecode(b"not-\xff-utf8")).write_bytes(b"u")
    (source / "link").symlink_to("/etc/passwd")
    (source / "folders").symlink_to("/etc")
    os.mkfifo(source / "pipe")

    said = run("import", "source", "--data", "data", cwd=tmp_path)
    run("export", "out", "--data", "data", cwd=tmp_path)

    assert said.returncode == 1
    assert said.stdout.splitlines()[-1].startswith("2 new,")
    assert said.stdout.splitlines()[-1].endswith(" 6 not taken.")
    for name in ("CON", "link", "folders", "pipe", r"new\nline", r"not-\udcff-utf8"):
        assert f'"{name}" ' in said.stdout, name
    assert sorted(files(tmp_path / "out")) == ["a", "z"]


def test_what_is_imported_is_exported_the_same(tmp_path: Path) -> None:
    source = plant(
        tmp_path / "source",
        {
            "a.txt": b"a",
            "Ü/b": b"",
            "none": b"",
            "deep/er/c.bin": os.urandom(3_000_000),
            "x" * 255: b"long",
        },
    )
    (source / "empty").mkdir()
    for number, path in enumerate(sorted(source.rglob("*"))):
        os.utime(path, (1e9 + number, 1e9 + number))

    assert run("import", "source", "--data", "data", cwd=tmp_path).returncode == 0
    said = run("export", "out", "--data", "data", cwd=tmp_path)

    assert said.returncode == 0
    assert said.stdout == "5 files written (2.9 MiB), 0 not.\n"
    assert files(tmp_path / "out") == files(source)
    again = run("export", "out", "--data", "data", cwd=tmp_path)
    assert again.returncode == 1
    assert "is not an empty folder" in again.stderr


def files(folder: Path) -> dict[str, tuple[bytes, float] | None]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime)
        if path.is_file()
        else None
        for path in folder.rglob("*")
    }


def test_an_export_leaves_out_what_is_damaged_and_says_so(tmp_path: Path) -> None:
    plant(tmp_path / "source", {"whole": os.urandom(300_000), "broken": os.urandom(300_000)})
    run("import", "source", "--data", "data", cwd=tmp_path)
    first = (tmp_path / "source" / "broken").read_bytes()
    for blob in (tmp_path / "data" / "blobs").glob("*/*"):
        if blob.read_bytes() == first:
            blob.chmod(0o600)
            blob.write_bytes(first[:-1] + bytes([first[-1] ^ 1]))

    said = run("export", "out", "--data", "data", cwd=tmp_path)

    assert said.returncode == 1
    assert said.stdout.startswith('"broken": its bytes are damaged')
    assert list(files(tmp_path / "out")) == ["whole"]


def test_an_import_of_the_data_folder_itself_is_refused(tmp_path: Path) -> None:
    run("gc", "--data", "data", cwd=tmp_path)
    for folder in (".", "data", "data/blobs"):
        said = run("import", folder, "--data", "data", cwd=tmp_path)
        assert (said.returncode, "within each other" in said.stderr) == (1, True)
    said = run("import", "nowhere", "--data", "data", cwd=tmp_path)
    assert said.stderr == 'noclobber: There is no folder "nowhere" to import.\n'


def test_an_export_into_the_data_folder_is_refused(tmp_path: Path) -> None:
    plant(tmp_path / "source", {"a": b"a"})
    run("import", "source", "--data", "data", cwd=tmp_path)
    before = sorted((tmp_path / "data").rglob("*"))
    for folder in (".", "data", "data/arriving", "data/new"):
        said = run("export", folder, "--data", "data", cwd=tmp_path)
        assert (said.returncode, "within each other" in said.stderr) == (1, True), folder
    assert sorted((tmp_path / "data").rglob("*")) == before


def test_gc_removes_bytes_that_were_never_recorded(tmp_path: Path) -> None:
    plant(tmp_path / "source", {"a": os.urandom(100_000)})
    run("import", "source", "--data", "data", cwd=tmp_path)
    left = tmp_path / "data" / "blobs" / "ab" / f"ab{'0' * 62}"
    left.write_bytes(bytes(1024))

    said = run("gc", "--data", "data", cwd=tmp_path)

    assert said.stdout == (
        "0 old versions and 0 parked uploads forgotten, 1 contents removed (1.0 KiB).\n"
    )
    assert not left.exists()
    assert run("verify", "--scrub", "--data", "data", cwd=tmp_path).returncode == 0


async def test_gc_says_that_it_collects_nothing_beside_a_backup(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    async with shelves(tmp_path / "data") as store:
        await store.store("a", b"a")
    with lease.copying(tmp_path / "data"):
        said = run("gc", "--data", "data", cwd=tmp_path)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("noclobber: A backup is running, so nothing that it may copy was")


def test_a_command_does_not_touch_what_a_server_is_using(tmp_path: Path) -> None:
    plant(tmp_path / "source", {"a": b"a"})
    with running(tmp_path / "data") as program:
        for words in (["import", "source"], ["export", "out"], ["gc"]):
            said = run(*words, "--data", "data", cwd=tmp_path)
            assert said.returncode == 1
            assert f"process {program.pid}" in said.stderr


def test_a_store_is_verified_scrubbed_and_mended(tmp_path: Path) -> None:
    def verify(*words: str) -> tuple[int, str]:
        said = run("verify", "--data", "data", *words, cwd=tmp_path)
        assert said.stderr == ""
        return said.returncode, said.stdout

    plant(tmp_path / "source", {"whole": b"w", "broken": os.urandom(300_000)})
    run("import", "source", "--data", "data", cwd=tmp_path)
    assert verify("--scrub") == (0, "2 contents read (293.0 KiB): no findings.\n")
    began = time.monotonic()
    slowly = run("verify", "--data", "data", "--scrub", "--rate", "0.3MB", cwd=tmp_path)
    assert slowly.stdout == "2 contents read (293.0 KiB): no findings.\n"
    assert time.monotonic() - began >= 1
    blob = next((tmp_path / "data" / "blobs").glob("*/*"))
    blob.chmod(0o600)
    blob.write_bytes(bytes(300_000))

    assert verify() == (0, "2 contents compared (293.0 KiB): no findings.\n")
    code, said = verify("--scrub", "--repair")
    assert code == 1
    assert said.startswith("broken: its bytes are damaged")
    nothing = run("verify", "--data", "nowhere", cwd=tmp_path)
    assert (nothing.returncode, "There is no store in" in nothing.stderr) == (1, True)


def test_a_backup_is_made_while_serving_and_restored_elsewhere(tmp_path: Path) -> None:
    big = os.urandom(300_000)
    with running(tmp_path / "data") as program:
        ask(program, "PUT", "/files/small", b"s")
        ask(program, "PUT", "/files/big", big)
        said = run("backup", "copy", "--data", "data", cwd=tmp_path)
        assert said.returncode == 0
        assert said.stdout.startswith('2 contents backed up to "copy" (1 copied as files')

    restored = run("restore", "copy", "--data", "again", cwd=tmp_path)
    assert (restored.returncode, restored.stderr) == (0, "")
    with running(tmp_path / "again") as program:
        assert ask(program, "GET", "/files/small") == (200, b"s")
        assert ask(program, "GET", "/files/big") == (200, big)
    refused = run("restore", "copy", "--data", "again", cwd=tmp_path)
    assert (refused.returncode, "is not empty" in refused.stderr) == (1, True)


def test_the_doctor_measures_and_leaves_nothing_behind(tmp_path: Path) -> None:
    said = run("doctor", "--data", "data", cwd=tmp_path)

    assert "To sync a file takes" in said.stdout
    assert all(re.match(r"(OK|WARN|BAD) +\w", line) for line in said.stdout.splitlines())
    assert list(tmp_path.iterdir()) == []
