"""rclone and a server that is killed under its hands: trees end equal, and no version is lost."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import pytest

from storage import accounts
from tests.rclones import contents, files_in, make_tree, rclone, watched
from tests.running import Program, running, start
from tests.transcripts import blocks, steps

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="rclone is a package of Debian")

# rclone waits 10 ms between two requests, whatever the server does: 2000 files are some minutes.
FILES = int(os.environ.get("RCLONE_FILES", "40"))
PATIENCE = 60 + FILES
# What bisync adds to the names of two files that are in conflict.
MOVED = ("..path1", "..path2")


@dataclass
class Store:
    """A server that comes back on its port, and every file that somebody was told is stored."""

    data: Path
    vendor: str
    program: Program
    chance: random.Random = field(default_factory=lambda: random.Random(6))
    acknowledged: dict[str, set[bytes]] = field(default_factory=dict)

    def kill(self) -> None:
        port = str(self.program.port)
        self.program.kill()
        self.program = start(self.data, "--port", port)

    def run(
        self, here: Path, *words: str, after: int = 0, disturb: Callable[[], None] | None = None
    ) -> int:
        """Through the run, nothing here is changed but by it: so what it copied is what is here."""
        told = watched(self.program, *words, vendor=self.vendor, after=after, disturb=disturb)
        for name in told.copied:
            if (here / name).is_file():
                self.acknowledged.setdefault(name, set()).add((here / name).read_bytes())
        return told.code

    def ask(
        self, method: str, name: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes]:
        """At the door of scripts."""
        address, question, query = name.partition("?")
        connection = HTTPConnection("127.0.0.1", self.program.port, timeout=60)
        connection.request(method, f"/files/{quote(address)}{question}{query}", body, headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        return answer.status, said

    def put(self, name: str, body: bytes) -> None:
        """What another client stores meanwhile."""
        condition = {"If-Match": "*"} if self.ask("HEAD", f"tree/{name}")[0] == 200 else {}
        status, said = self.ask("PUT", f"tree/{name}", body, **condition)
        assert status in {200, 201}, said
        self.acknowledged.setdefault(name, set()).add(body)

    def versions(self, name: str) -> set[bytes]:
        """The bytes of all that ever stood at the name, or went from it to where bisync moved it."""
        found = set()
        for place in (name, *(f"{name}{ending}" for ending in MOVED)):
            status, said = self.ask("GET", f"tree/{place}?versions")
            for one in json.loads(said)["versions"] if status == 200 else []:
                if "href" in one:
                    status, body = self.ask("GET", f"tree/{place}?version={one['version']}")
                    assert status == 200, (place, body)
                    found.add(body)
        return found

    def check_nothing_is_lost(self) -> None:
        assert self.acknowledged
        for name, bodies in self.acknowledged.items():
            assert bodies <= self.versions(name), name

    def check(self, here: Path) -> None:
        checked = rclone(self.program, "check", "--download", str(here), "dav:tree")
        assert checked.returncode == 0, checked.stderr

    def check_equal(self, here: Path) -> None:
        """By rclone, and by bytes that it brings back; with their times, where it sends them."""
        self.check(here)
        back = here.parent / "back"
        shutil.rmtree(back, ignore_errors=True)
        code = self.run(back, "copy", "dav:tree", str(back))
        assert code == 0
        assert contents(back) == contents(here)
        if self.vendor != "other":
            assert times(back) == times(here)


def times(root: Path) -> dict[str, int]:
    return {str(one.relative_to(root)): int(one.stat().st_mtime) for one in files_in(root)}


@pytest.fixture(params=["other", "owncloud", "nextcloud"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    data = tmp_path / "data"
    one = Store(data, request.param, start(data))
    yield one
    one.program.stop()


def change_here(store: Store, here: Path, share: int) -> None:
    """One in `share` is written anew, as many deleted, as many made."""
    files = files_in(here)
    chosen = store.chance.sample(files, 2 * len(files) // share)
    for number, path in enumerate(chosen):
        if number % 2:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes() + store.chance.randbytes(100))
            path.with_name(f"{path.name[:40]} new {number}").write_bytes(store.chance.randbytes(99))


def change_there(store: Store, names: list[str], share: int) -> None:
    """The same by another client of the server."""
    for number, name in enumerate(store.chance.sample(names, 2 * len(names) // share)):
        if number % 2:
            assert store.ask("DELETE", f"tree/{name}")[0] == 200
        else:
            store.put(name, store.chance.randbytes(80_000 + number))
            store.put(f"there {number}", store.chance.randbytes(80_000 + number))


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE)
def test_a_tree_is_copied_and_synced_through_kills_and_no_version_is_lost(
    store: Store, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    make_tree(here, FILES)
    arguments = (str(here), "dav:tree")
    assert store.run(here, "copy", *arguments, after=FILES // 3, disturb=store.kill) == 0
    store.check(here)

    names = list(contents(here))
    change_there(store, names, share=10)
    change_here(store, here, share=5)
    assert store.run(here, "sync", *arguments, after=FILES // 8, disturb=store.kill) == 0
    store.check_equal(here)
    store.check_nothing_is_lost()


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("store", ["nextcloud"], indirect=True)
def test_two_sides_that_both_change_are_one_again_and_both_texts_of_a_conflict_stay(
    store: Store, tmp_path: Path
) -> None:
    """bisync wants times, so that it takes no server of the vendor `other`."""
    here = tmp_path / "here"
    make_tree(here, FILES)
    bisync = ("bisync", str(here), "dav:tree", "--workdir", str(tmp_path / "state"))
    (tmp_path / "state").mkdir()
    assert store.ask("PUT", "tree/")[0] == 201
    assert store.run(here, *bisync, "--resync") == 0

    names = list(contents(here))
    both, *others = names
    change_there(store, others[::2], share=10)
    for name in others[1::2][::7]:
        (here / name).write_bytes(store.chance.randbytes(300))
    store.put(both, b"theirs" * 9)
    (here / both).write_bytes(b"mine" * 9)
    assert store.run(here, *bisync, "--force") == 0
    store.check_equal(here)
    assert {b"theirs" * 9, b"mine" * 9} <= set(contents(here).values())

    names = [name for name in contents(here) if (here / name).stat().st_size]
    change_there(store, names[::2], share=10)
    change_here(store, here, share=5)
    store.run(here, *bisync, "--force", after=FILES // 20, disturb=store.kill)
    assert store.run(here, *bisync, "--resync") == 0
    store.check_equal(here)
    store.check_nothing_is_lost()


@pytest.mark.slow
def test_of_two_names_that_differ_in_case_one_is_stored_and_the_other_reported(
    store: Store, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    for name in ("Pair.txt", "pair.txt", "Stra\u00dfe.txt", "STRASSE.txt"):
        (here / name).write_bytes(f"this is {name}".encode())
    said = rclone(store.program, "copy", str(here), "dav:tree", vendor=store.vendor)
    assert said.returncode != 0
    listed = json.loads(store.ask("GET", "tree/")[1])["entries"]
    stored = [entry["name"] for entry in listed]
    assert sorted(name.casefold() for name in stored) == ["pair.txt", "strasse.txt"]
    for path in files_in(here):
        if path.name in stored:
            assert store.ask("GET", f"tree/{path.name}") == (200, path.read_bytes())
        else:
            assert f"{path.name}: Failed to copy" in said.stderr
    assert "name-equivalent: 409" in said.stderr


def test_the_lines_of_the_page_about_sync_connect_with_a_token(tmp_path: Path) -> None:
    accounts.add_user(tmp_path / "data", "ann", "correct horse")
    token = accounts.add_token(tmp_path / "data", "sync", owner="ann")
    documents = tmp_path / "Documents"
    documents.mkdir()
    (documents / "a.txt").write_bytes(b"one")
    lines = next(one for one in blocks("docs/sync.md") if one.startswith("$ rclone"))
    commands = [command for command, _ in steps(lines)]
    assert len(commands) == 3

    with running(tmp_path / "data") as server:
        script = "\n".join(commands).replace("pass=...", f"pass={token}")
        done = subprocess.run(
            ["bash", "-ec", script.replace("http://127.0.0.1:8080", server.url)],
            env={**os.environ, "HOME": str(tmp_path), "RCLONE_CONFIG": str(tmp_path / "rclone")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert "1 matching files" in done.stderr
