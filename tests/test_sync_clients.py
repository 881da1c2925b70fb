"""Programs that people have, against the real server: litmus, rclone, cadaver."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.rclones import contents, files_in, make_tree, rclone
from tests.running import Program, running

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the programs are packages of Debian"
)


def asked(
    program: Program,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, HTTPMessage, bytes]:
    connection = HTTPConnection("127.0.0.1", program.port, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Program]:
    with running(tmp_path / "data") as program:
        yield program


@pytest.mark.parametrize("suite", ["basic", "copymove", "props", "locks", "http"])
def test_litmus_passes_without_a_failure_or_a_warning(
    suite: str, server: Program, tmp_path: Path
) -> None:
    said = subprocess.run(
        ["litmus", "-k", f"{server.url}/dav/"],
        env={**os.environ, "TESTS": suite},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert said.returncode == 0, said.stdout
    assert "100.0%" in said.stdout
    assert "FAIL" not in said.stdout
    assert "WARNING" not in said.stdout


def test_rclone_copies_syncs_and_checks_a_tree_of_odd_names(
    server: Program, tmp_path: Path
) -> None:
    here, back = tmp_path / "here", tmp_path / "back"
    make_tree(here, 150)
    assert rclone(server, "copy", str(here), "dav:tree").returncode == 0
    assert rclone(server, "check", "--download", str(here), "dav:tree").returncode == 0
    again = rclone(server, "sync", str(here), "dav:tree", "-v")
    assert "There was nothing to transfer" in again.stderr
    first = files_in(here)[0]
    first.write_bytes(b"changed")
    assert rclone(server, "sync", str(here), "dav:tree").returncode == 0
    assert rclone(server, "copy", "dav:tree", str(back)).returncode == 0
    assert contents(here) == contents(back)
    place = quote("/files/tree/" + first.relative_to(here).as_posix())
    history = json.loads(asked(server, "GET", place + "?versions")[2])
    assert len(history["versions"]) == 2
    assert rclone(server, "moveto", "dav:tree", "dav:other").returncode == 0
    assert rclone(server, "check", "--download", str(here), "dav:other").returncode == 0
    assert rclone(server, "purge", "dav:other").returncode == 0
    assert rclone(server, "lsf", "dav:").stdout == ""


def test_rclone_keeps_the_times_of_files_where_it_can_send_them(
    server: Program, tmp_path: Path
) -> None:
    make_tree(tmp_path / "here", 20)
    here = str(tmp_path / "here")
    assert rclone(server, "copy", here, "dav:tree", vendor="owncloud").returncode == 0
    for path in files_in(tmp_path / "here"):
        os.utime(path, (981173106, 981173106))
    touched = rclone(server, "sync", here, "dav:tree", vendor="owncloud")
    assert touched.returncode == 0
    listed = rclone(
        server, "lsf", "-R", "--files-only", "--format", "t", "dav:tree", vendor="owncloud"
    )
    assert set(listed.stdout.splitlines()) == {"2001-02-03 04:05:06"}


def test_what_rclone_may_not_overwrite_it_does_not_delete_either(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"mine")
    strictly = {"NOCLOBBER_WEBDAV_STRICT": "true"}
    with running(tmp_path / "data", env=strictly) as server:
        asked(server, "PUT", "/files/a.txt", b"theirs, and longer")
        refused = rclone(server, "copyto", str(tmp_path / "a.txt"), "dav:a.txt")
        assert refused.returncode != 0
        assert asked(server, "GET", "/files/a.txt")[2] == b"theirs, and longer"


def test_locks_and_properties_survive_a_kill(tmp_path: Path) -> None:
    body = (
        b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
        b"<D:locktype><D:write/></D:locktype></D:lockinfo>"
    )
    update = (
        b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><c xmlns="urn:x">red</c></D:prop>'
        b"</D:set></D:propertyupdate>"
    )
    with running(tmp_path / "data") as server:
        asked(server, "PUT", "/dav/a.txt", b"one")
        assert asked(server, "PROPPATCH", "/dav/a.txt", update)[0] == 207
        _, told, _ = asked(server, "LOCK", "/dav/a.txt", body)
        server.kill()
    with running(tmp_path / "data") as server:
        shown = {"If": f"({told['Lock-Token']})"}
        assert asked(server, "PUT", "/dav/a.txt", b"two")[0] == 423
        assert asked(server, "PUT", "/dav/a.txt", b"two", shown)[0] == 204
        found = asked(server, "PROPFIND", "/dav/a.txt", None, {"Depth": "0"})
        assert b">red<" in found[2]


CADAVER = """
mkcol folder
cd folder
put {file} "my file.txt"
propset "my file.txt" author Ann
propget "my file.txt" author
lock "my file.txt"
discover "my file.txt"
unlock "my file.txt"
copy "my file.txt" copy.txt
move copy.txt moved.txt
get moved.txt {got}
ls
mkcol below
move moved.txt below
rmcol below
cd ..
quit
"""


def test_cadaver_does_its_session(server: Program, tmp_path: Path) -> None:
    file, got = tmp_path / "file", tmp_path / "got"
    file.write_bytes(b"text\n" * 100)
    said = subprocess.run(
        ["cadaver", f"{server.url}/dav/"],
        input=CADAVER.format(file=file, got=got),
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "failed" not in said.stdout, said.stdout
    assert "Value of author is: Ann" in said.stdout
    assert "urn:uuid:" in said.stdout
    assert got.read_bytes() == file.read_bytes()
    listing = json.loads(asked(server, "GET", "/files/folder/")[2])["entries"]
    assert [entry["name"] for entry in listing] == ["my file.txt"]
