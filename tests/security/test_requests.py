"""Single requests and short rows of them that are made to do harm: names, bombs, methods, guesses."""

import base64
import gzip
import hashlib
import json
import logging
import os
import re
import socket
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio

from handlers import app
from handlers.health import Health
from handlers.metrics import Metrics
from storage.accounts import add_token, add_user
from tests.doors import House, make_parts, opened
from tests.running import running
from tests.security.test_floods import resident
from tests.wire import Wire, ask, form, message, put

log = logging.getLogger(__name__)

pytestmark = pytest.mark.asyncio(loop_scope="module")


def bombs() -> dict[str, tuple[str, bytes]]:
    zeros = bytes(20 << 20)
    once = gzip.compress(zeros)
    return {
        "gzip": ("gzip", once),
        "gzip twice": ("gzip, gzip", gzip.compress(once)),
        "deflate": ("deflate", zlib.compress(zeros)),
        "br": ("br", b"\x0b\x80" + b"x" * 100),
        "zstd": ("zstd", b"\x28\xb5\x2f\xfd" + b"x" * 100),
        "compress": ("compress", b"\x1f\x9d" + b"x" * 100),
        "in capitals": ("GZIP", once),
    }


@pytest.mark.parametrize(
    "bomb", ["gzip", "gzip twice", "deflate", "br", "zstd", "compress", "in capitals"]
)
@pytest.mark.parametrize("door", ["put", "post", "form", "tus", "dav", "preflight"])
async def test_nothing_is_unpacked(house: House, door: str, bomb: str) -> None:
    coding, body = bombs()[bomb]
    coded = {"Content-Encoding": coding}
    asked = {
        "put": put("/files/bomb", body, coded),
        "post": message("POST", "/files/", body, {**coded, "Slug": "bomb"}),
        "form": form("/files/", "bomb", body, coded),
        "tus": message("POST", "/uploads/", body, {
            **coded, "Tus-Resumable": "1.0.0", "Upload-Length": str(len(body)),
            "Upload-Metadata": "filename Ym9tYg==", "Content-Type": "application/offset+octet-stream"}),
        "dav": put("/dav/bomb", body, coded),
        "preflight": message("POST", "/preflight", body, {**coded, "Content-Type": "application/json"}),
    }[door]  # fmt: skip
    answer = await ask(house.client.port or 0, asked)
    assert answer.status in {400, 415}, answer
    assert (await ask(house.client.port or 0, message("GET", "/files/bomb"))).status == 404


@pytest_asyncio.fixture(name="house", scope="module", loop_scope="module")
async def _house() -> AsyncIterator[House]:
    async with opened() as house:
        yield house


METHODS = (
    *("TRACE", "CONNECT", "TRACK", "DEBUG", "PURGE", "LINK", "UNLINK", "SOURCE", "BREW", "SEARCH"),
    *("BIND", "REBIND", "ACL", "MERGE", "CHECKOUT", "CHECKIN", "VERSION-CONTROL", "MKACTIVITY"),
    *("MKWORKSPACE", "UPDATE", "LABEL", "BASELINE-CONTROL", "SUBSCRIBE", "NOTIFY", "M-SEARCH"),
    *("MKCALENDAR", "PATCH", "QUERY", "PROPFIND", "LOCK", "MOVE", "COPY", "MKCOL", "X" * 200),
)


@pytest.mark.parametrize("method", METHODS)
async def test_a_method_that_is_not_taken_does_nothing(house: House, method: str) -> None:
    port = house.client.port or 0
    name = f"method-{method[:20]}"
    assert (await ask(port, put(f"/files/{name}", name.encode()))).status == 201
    over = {
        "X-HTTP-Method-Override": "DELETE",
        "X-HTTP-Method": "DELETE",
        "X-Method-Override": "DELETE",
    }
    for headers in ({}, over):
        wire = await Wire.connect(port)
        await wire.send(message(method, f"/files/{name}?_method=DELETE", b"", headers))
        line = await wire.reader.readline()
        assert re.match(rb"HTTP/1.1 (404|405|501) ", line), line
        await wire.close()
    assert (await ask(port, message("POST", f"/files/{name}", b"", over))).status >= 400
    assert (await ask(port, message("GET", f"/files/{name}"))).body == name.encode()


async def test_no_answer_without_a_body_has_one(house: House) -> None:
    port = house.client.port or 0
    await ask(port, put("/files/headed", b"has a body"))
    etag = (await ask(port, put("/files/headed", b"x", {"If-None-Match": "*"}))).headers["etag"]
    wire = await Wire.connect(port)
    for asked in (
        message("HEAD", "/files/headed"),
        message("HEAD", "/files/none"),
        message("HEAD", "/files/"),
        message("GET", "/files/headed", b"", {"If-None-Match": etag}),
        message("OPTIONS", "/files/headed"),
    ):
        await wire.send(asked)
        head = await wire.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 ")
    assert (await wire.ask(message("GET", "/health/live"))).json == {"status": "alive"}
    await wire.close()


HOSTILE = (
    "a\r\nSet-Cookie: x=y",
    "a\nX: y",
    "a\rX: y",
    "a\0b",
    "a\x1b[31mred",
    "a\u2028b",
    'a"; x="y',
    "a;b=c",
)


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_no_text_of_a_request_becomes_a_header_of_an_answer(
    house: House, hostile: str
) -> None:
    name = quote(hostile, safe="")
    for method, target, headers in (
        ("GET", f"/files/{name}", {}),
        ("PUT", f"/files/{name}", {}),
        ("GET", f"/files/{name}/", {"Accept": "text/html"}),
        ("POST", f"/files/?move={name}", {}),
        ("GET", f"/problems/{name}", {}),
        ("GET", f"/{name}", {}),
        ("GET", f"/files/?sort={name}&after={name}&hc={name}&k304={name}&setck={name}&filter={name}", {}),
        ("PROPFIND", f"/dav/{name}", {"Depth": "0"}),
        ("POST", "/files/", {"Slug": name}),
        ("POST", "/uploads/", {"Tus-Resumable": "1.0.0", "Upload-Length": "1",
                               "Upload-Metadata": "filename " + base64.b64encode(hostile.encode()).decode()}),
    ):  # fmt: skip
        answer = await ask(house.client.port or 0, message(method, target, b"", headers))
        assert answer.status < 500, (method, target)
        assert "set-cookie" not in answer.headers, (method, target)
        assert "x" not in answer.headers, (method, target)
        for value in answer.headers.values():
            assert value.isprintable(), (method, target, value)


async def test_a_redirect_leads_nowhere_else(house: House) -> None:
    port = house.client.port or 0
    for target in ("//evil.example", "/\\evil.example", "///evil.example/%2f..", "/%2f%2fevil.example",
                   "/%5cevil.example", "/files//evil.example", "/browse//evil.example",
                   "/files/%2f%2fevil.example/..", "http://localhost//evil.example/"):  # fmt: skip
        for path in (target, target + "/", target + "/%2e%2e"):
            answer = await ask(port, message("GET", path))
            location = answer.headers.get("location", "/files/")
            assert re.match(r"/(?![/\\])", location), (path, location)


async def test_nobody_may_guess_on_any_door(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    add_user(data, "ann", "a long password")
    doors = [
        ("GET", "/files/"), ("PUT", "/files/a"), ("POST", "/files/"), ("DELETE", "/files/a"),
        ("PROPFIND", "/dav/"), ("PUT", "/dav/a"), ("LOCK", "/dav/a"), ("REPORT", "/dav/"),
        ("POST", "/uploads/"), ("GET", "/uploads/x"), ("PATCH", "/uploads/x"), ("GET", "/changes"),
        ("POST", "/preflight"), ("GET", "/metrics"), ("GET", "/health/ready"), ("OPTIONS", "/files/"),
        ("GET", "/remote.php/webdav/a"), ("GET", "/ocs/v1.php/cloud/user"), ("GET", "/browse/"),
        ("MKCOL", "/remote.php/dav/uploads/ann/x"), ("PROPFIND", "/remote.php/dav/files/ann/"),
    ]  # fmt: skip
    with running(data) as program:
        for number, (method, target) in enumerate(doors):
            wrong = base64.b64encode(f"ann:{number}".encode()).decode()
            scheme = f"Basic {wrong}" if number % 2 else f"Bearer nct_{number}"
            answer = await ask(
                program.port, message(method, target, b"", {"Authorization": scheme})
            )
            assert answer.status == (401 if number < 10 else 429), (method, target)
        assert int(answer.headers["retry-after"]) > 0


async def test_no_secret_is_ever_logged(tmp_path: Path) -> None:
    data, logged = tmp_path / "data", tmp_path / "log"
    data.mkdir()
    add_user(data, "ann", "canary-password")
    token = add_token(data, "ci", "ann")
    secrets = [
        "canary-password",
        token,
        "canary-key",
        "canary-query",
        "canary-cookie",
        "canary-wrong",
    ]
    basic = base64.b64encode(b"ann:canary-password").decode()
    wrong = base64.b64encode(b"ann:canary-wrong").decode()
    secrets += [basic, wrong]
    env = {"NOCLOBBER_LOG_LEVEL": "debug", "NOCLOBBER_LOG_FORMAT": "json"}
    with running(data, env=env, log=logged) as program:
        for scheme in (f"Basic {basic}", f"Bearer {token}", f"Basic {wrong}", f"Digest {token}"):
            for method, target in (
                ("PUT", "/files/a"),
                ("GET", "/files/a?token=canary-query"),
                ("BREW", "/"),
            ):
                said = {
                    "Authorization": scheme,
                    "Idempotency-Key": '"canary-key"',
                    "Cookie": "s=canary-cookie",
                }
                await ask(program.port, message(method, target, b"x", said))
        await ask(program.port, message("POST", "/session", b"user=ann&password=canary-wrong", {
            "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}))  # fmt: skip
    text = logged.read_text()
    assert text.count("\n") > 10
    assert [secret for secret in secrets if secret in text] == []
    assert all(json.loads(line)["at"].endswith("Z") for line in text.splitlines())


async def test_many_small_questions_for_a_large_file_need_little_memory(tmp_path: Path) -> None:
    size = 64 << 20
    with running(tmp_path / "data") as program:
        assert (
            await ask(program.port, put("/files/large", os.urandom(1 << 16) * (size >> 16)))
        ).status == 201
        before = resident(program)
        asked = message(
            "GET", "/files/large", b"", {"Range": f"bytes=0-{size // 2},{size // 2 + 9}-"}
        )
        readers = []
        for _ in range(200):
            one = socket.create_connection(("127.0.0.1", program.port))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.sendall(asked)
            readers.append(one)
        for number in range(5):
            assert (await ask(program.port, put(f"/files/{number}", b"%d" % number))).status == 201
        grown = resident(program) - before
        for one in readers:
            one.close()
    log.warning("200 readers who take nothing: %d MiB more", grown >> 20)
    assert grown < 96 << 20


FORMS = {
    "ten thousand parts": b"".join(b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n' for _ in range(10_000)) + b"--b--\r\n",
    "a part with many headers": b"--b\r\n" + b"X: y\r\n" * 50_000 + b"\r\n\r\n--b--\r\n",
    "a part with a long header": b"--b\r\nX: " + b"y" * (4 << 20) + b"\r\n\r\n\r\n--b--\r\n",
    "a long preamble": b"x" * (20 << 20) + b'\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="p"\r\n\r\ny\r\n--b--\r\n',
    "a preamble of line ends": b"\r\n" * (10 << 20) + b"--b--\r\n",
    "a long field": b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + b"y" * (8 << 20) + b"\r\n--b--\r\n",
    "almost boundaries": b'--b\r\nContent-Disposition: form-data; name="file"; filename="q"\r\n\r\n' + b"\r\n--" * (1 << 20) + b"\r\n--b--\r\n",
    "no end": b'--b\r\nContent-Disposition: form-data; name="file"; filename="r"\r\n\r\n' + b"y" * (1 << 20),
    "a charset for all": b'--b\r\nContent-Disposition: form-data; name="_charset_"\r\n\r\nutf-7\r\n--b--\r\n',
    "a length of its own": b'--b\r\nContent-Disposition: form-data; name="file"; filename="s"\r\nContent-Length: 1\r\n\r\nyyy\r\n--b--\r\n',
    "base64": b'--b\r\nContent-Disposition: form-data; name="file"; filename="t"\r\nContent-Transfer-Encoding: base64\r\n\r\neQ==\r\n--b--\r\n',
    "gzip": b'--b\r\nContent-Disposition: form-data; name="file"; filename="u"\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\r\n--b--\r\n',
    "a form in a form": b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n--c--\r\n--b--\r\n",
}  # fmt: skip


@pytest.mark.timeout(180)
async def test_no_form_costs_much_memory_or_time(tmp_path: Path) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    with running(tmp_path / "data") as program:
        await ask(program.port, form("/files/", "warm", b"warm"))
        before, worst = resident(program), 0
        for name, body in FORMS.items():
            # It hears out a bounded part of what it refuses, and then hangs up.
            with suppress(ConnectionError):
                answer = await ask(program.port, message("POST", "/files/", body, kind))
                assert answer.status < 500, (name, answer)
            worst = max(worst, resident(program) - before)
        stored = (await ask(program.port, message("GET", "/files/"))).json["entries"]
        assert (await ask(program.port, put("/files/after", b"after"))).status == 201
    log.warning("%d hostile forms: %d MiB more", len(FORMS), worst >> 20)
    assert worst < 48 << 20
    assert {one["name"] for one in stored} <= {"warm", "p", "q", "s"}


async def test_nothing_is_served_from_a_folder() -> None:
    metrics = Metrics()
    parts = make_parts(metrics)
    routes = app.build(parts, metrics, Health(parts, metrics)).router.resources()
    assert [one for one in routes if type(one).__name__ == "StaticResource"] == []


async def test_what_looks_alike_at_both_ends_is_told_apart(house: House) -> None:
    size = 3 << 20
    ends = os.urandom(1 << 20)
    first, second = (ends + middle * (1 << 20) + ends for middle in (b"a", b"b"))
    assert len(first) == len(second) == size
    for name, body in (("first", first), ("second", second)):
        stored = await ask(house.client.port or 0, put(f"/files/alike/{name}", body))
        assert stored.status == 201
        found = await ask(house.client.port or 0, message("GET", f"/files/alike/{name}"))
        assert hashlib.sha256(found.body).digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize(
    "name", [".htaccess", ".git/config", "desktop.ini", ".DS_Store", ".user.ini", "web.config"]
)
async def test_no_name_has_a_meaning_to_the_server(house: House, name: str) -> None:
    port = house.client.port or 0
    assert (await ask(port, put(f"/files/magic/{name}", name.encode()))).status == 201
    assert (await ask(port, message("GET", f"/files/magic/{name}"))).body == name.encode()
    assert (await ask(port, message("GET", "/files/magic/"))).status == 200


@pytest.mark.parametrize("body", [b"<?php system($_GET[0]);", b"#!/bin/sh\nid", b"<html><script>alert(1)</script>",
                                  b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"%PDF-1.7 /JS",
                                  b"<?xml version='1.0'?><x/>", b"MIME-Version: 1.0\n", b"GIF89a<script>"])  # fmt: skip
async def test_what_could_run_is_handed_out_to_be_kept(house: House, body: bytes) -> None:
    port, name = house.client.port or 0, hashlib.sha256(body).hexdigest()[:12] + ".php"
    assert (
        await ask(port, put(f"/files/run/{name}", body, {"Content-Type": "text/html"}))
    ).status == 201
    found = await ask(port, message("GET", f"/files/run/{name}?filename=evil.html&download=0"))
    assert found.body == body
    kind, disposition = found.headers["content-type"], found.headers["content-disposition"]
    assert kind in {"application/octet-stream", "text/plain; charset=utf-8", "image/gif"}
    assert disposition.startswith("attachment") or kind != "application/octet-stream"
    assert name in disposition
    assert "evil" not in disposition
    assert found.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
