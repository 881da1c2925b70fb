"""The proxy of the operating page, as it stands there: TLS, and nothing for who comes without it."""

import asyncio
import re
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar

from tests.running import ROOT, running
from tests.security.test_smuggling import found, free_port, fronted

NAME = "files.example"
FOR_ANYBODY = """
[[access]]
folder = "/"
who = ["anonymous"]
rights = ["list", "read", "create"]
"""
AROUND = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log {folder}/errors;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{servers}
}}
"""


@dataclass(frozen=True)
class Front:
    plain: int
    secure: int


def written_down() -> str:
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```nginx\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 1
    return str(blocks[0])


def replaced(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    certificate, key = tmp_path / "pem", tmp_path / "key"
    subprocess.run(
        [found("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", f"/CN={NAME}", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    configuration = tmp_path / "config.toml"
    configuration.write_text(FOR_ANYBODY)
    env = {
        "NOCLOBBER_CONFIG": str(configuration),
        "NOCLOBBER_SERVER_NAMES": NAME,
        "NOCLOBBER_SERVER_TRUSTED_PROXIES": "127.0.0.1/32",
        "NOCLOBBER_LIMITS_KEEP_ALIVE": "1 s",
    }
    with running(tmp_path / "data", env=env) as program:
        ports = Front(free_port(), free_port())
        changes = {
            "listen 80;": f"listen 127.0.0.1:{ports.plain};",
            "listen 443 ssl;": f"listen 127.0.0.1:{ports.secure} ssl;",
            "/etc/ssl/files.example.pem": str(certificate),
            "/etc/ssl/files.example.key": str(key),
            "http://127.0.0.1:8080;": f"{program.url};",
        }
        conf = tmp_path / "nginx.conf"
        conf.write_text(AROUND.format(folder=tmp_path, servers=replaced(written_down(), changes)))
        command = [found("nginx"), "-p", str(tmp_path), "-c", str(conf), "-e", str(tmp_path / "e")]
        with fronted(command, ports.secure, tmp_path / "output"):
            yield ports


def anyone() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def agreed(port: int, context: ssl.SSLContext) -> str | None:
    """The version and the cipher, or None where there was no agreement."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    except (ssl.SSLError, ConnectionError):
        return None
    cipher = writer.get_extra_info("cipher")
    writer.close()
    return f"{cipher[1]} {cipher[0]}"


def only(version: ssl.TLSVersion, ciphers: str = "ALL:@SECLEVEL=0") -> ssl.SSLContext:
    context = anyone()
    context.set_ciphers(ciphers)
    context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_only_new_versions_and_ciphers_that_keep_past_words_secret_are_agreed_on(
    front: Front,
) -> None:
    newest = await agreed(front.secure, only(ssl.TLSVersion.TLSv1_3))
    assert newest is not None
    assert newest.startswith("TLSv1.3")
    before = await agreed(front.secure, only(ssl.TLSVersion.TLSv1_2))
    assert before is not None
    assert before.startswith("TLSv1.2 ECDHE-")
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        assert await agreed(front.secure, only(version)) is None
    for cipher in ("AES128-SHA", "AES256-GCM-SHA384", "DHE-RSA-AES128-SHA", "ECDHE-RSA-AES128-SHA"):
        weak = only(ssl.TLSVersion.TLSv1_2, f"{cipher}:@SECLEVEL=0")
        assert await agreed(front.secure, weak) is None, cipher


async def test_every_answer_binds_the_browser_to_tls_and_the_cookie_to_the_host(
    front: Front,
) -> None:
    url = f"https://127.0.0.1:{front.secure}"
    async with ClientSession(cookie_jar=DummyCookieJar()) as client:
        for method, path, status in (
            ("PUT", "/files/a", 201),
            ("GET", "/files/a", 200),
            ("PUT", "/files/a", 409),
            ("GET", "/files/none", 404),
            ("GET", "/browse/", 200),
        ):
            async with client.request(
                method, url + path, data=b"a", ssl=anyone(), headers={"Host": NAME}
            ) as answer:
                assert answer.status == status
                seconds, *marks = answer.headers["Strict-Transport-Security"].split("; ")
                assert int(seconds.removeprefix("max-age=")) >= 31536000
                assert marks == ["includeSubDomains"]


async def test_who_comes_without_tls_is_led_to_it_as_a_person_and_refused_as_a_program(
    front: Front,
) -> None:
    url = f"http://127.0.0.1:{front.plain}"
    async with ClientSession() as client:
        for path in ("/", "/browse/a/"):
            async with client.get(
                url + path, headers={"Host": NAME}, allow_redirects=False
            ) as answer:
                assert answer.status == 301
                assert answer.headers["Location"] == f"https://{NAME}{path}"
        for method, path in (("PUT", "/files/a"), ("GET", "/dav/"), ("POST", "/session")):
            async with client.request(
                method, url + path, headers={"Host": NAME}, allow_redirects=False
            ) as answer:
                assert answer.status == 403
