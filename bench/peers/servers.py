"""The servers that are compared: how each is configured and started, and what it promises."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
THEIRS = ROOT / ".venv-peers" / "bin"
MODULES = Path("/usr/lib/apache2/modules")


@dataclass(frozen=True)
class Place:
    """Where a server listens and stores. `private` is its own, beside what it serves."""

    port: int
    served: Path
    private: Path


@dataclass(frozen=True)
class Server:
    """`command` writes what the server has to read, and says how it is started; `put` is the work
    of the client that brings a file.
    """

    name: str
    hashes: str
    syncs: str
    command: Callable[[Place], list[str]]
    prefix: str = "/"
    form: str | None = None
    form_field: str = "file"
    form_fields: tuple[tuple[str, str], ...] = ()
    put: str = "put"


def _nginx(options: str, answer: str) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        file = place.private / "nginx.conf"
        file.write_text(
            f"""
            daemon off; user root; worker_processes 1; pid {place.private}/pid;
            error_log {place.private}/error.log;
            events {{ worker_connections 1024; }}
            http {{
                access_log off; sendfile on; keepalive_requests 100000000;
                client_max_body_size 0; client_body_temp_path {place.served}/.incoming; {options}
                server {{
                    listen 127.0.0.1:{place.port}; root {place.served};
                    location / {{ {answer} }}
                }}
            }}
            """
        )
        return ["nginx", "-e", f"{place.private}/error.log", "-c", str(file)]

    return command


def _lighttpd(place: Place) -> list[str]:
    file = place.private / "lighttpd.conf"
    file.write_text(
        f"""
        server.modules = ("mod_webdav")
        server.port = {place.port}
        server.bind = "127.0.0.1"
        server.document-root = "{place.served}"
        server.upload-dirs = ("{place.private}")
        server.max-keep-alive-requests = 100000000
        webdav.activate = "enable"
        webdav.is-readonly = "disable"
        """
    )
    return ["lighttpd", "-D", "-f", str(file)]


def _apache(place: Place) -> list[str]:
    file = place.private / "apache.conf"
    names = ("mpm_event", "authz_core", "dav", "dav_fs")
    modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in names)
    file.write_text(
        f"""{modules}
        ServerName localhost
        ServerRoot {place.private}
        PidFile {place.private}/pid
        ErrorLog {place.private}/error.log
        Listen 127.0.0.1:{place.port}
        DocumentRoot {place.served}
        DavLockDB {place.private}/locks
        LimitRequestBody 0
        MaxKeepAliveRequests 0
        <Directory {place.served}>
            Dav On
            Require all granted
        </Directory>
        """
    )
    return ["apache2", "-DFOREGROUND", "-f", str(file)]


def _rclone(place: Place) -> list[str]:
    address = f"127.0.0.1:{place.port}"
    options = ["--config", str(place.private / "none"), "--cache-dir", str(place.private)]
    return ["rclone", "serve", "webdav", "--addr", address, *options, str(place.served)]


def _wsgidav(place: Place) -> list[str]:
    where = ["--host", "127.0.0.1", "--port", str(place.port), "--root", str(place.served)]
    return [str(THEIRS / "wsgidav"), *where, "--auth", "anonymous", "--server", "cheroot", "-q"]


def copyparty(*options: str) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        where = ["-i", "127.0.0.1", "-p", str(place.port), "-v", f"{place.served}::rwmd"]
        hist = ["--hist", str(place.private)]
        return [str(THEIRS / "copyparty"), "-q", *where, *hist, *options]

    return command


def _tus(place: Place) -> list[str]:
    packages = str(THEIRS.parent / "node")
    return ["node", str(HERE / "tus.mjs"), packages, str(place.port), str(place.served)]


def _noclobber(place: Place) -> list[str]:
    where = ["--host", "127.0.0.1", "--port", str(place.port), "--data", str(place.served)]
    return [sys.executable, str(ROOT / "server.py"), "serve", *where]


TUNED = "client_body_buffer_size 1m; output_buffers 2 1m;"
DAV = "dav_methods PUT;"
BASELINE = "nginx"
CEILING = "(discarding)"

SERVERS = (
    Server("nginx", "no", "no", _nginx("", DAV)),
    Server("nginx tuned", "no", "no", _nginx(TUNED, DAV)),
    Server("lighttpd", "no", "no", _lighttpd),
    Server("Apache", "no", "no", _apache),
    Server("rclone serve webdav", "no", "no", _rclone),
    Server("WsgiDAV", "no", "no", _wsgidav),
    Server(
        "copyparty",
        "SHA-512",
        "no",
        copyparty("--daw", "--wram"),
        form="/",
        form_field="f",
        form_fields=(("act", "bput"),),
    ),
    Server("@tus/server", "no", "no", _tus, prefix="/files/", put="tus"),
    Server("noclobber", "BLAKE3", "yes", _noclobber, prefix="/files/", form="/files/"),
    Server(CEILING, "no", "no", _nginx(TUNED, "return 201;")),
)


def environment(place: Place) -> dict[str, str]:
    """Nobody writes a line for each request, or keeps room free; the others are told so by their
    options.
    """
    private = str(place.private)
    ours = {"NOCLOBBER_LOG_REQUESTS": "false", "NOCLOBBER_LIMITS_FREE_SPACE": "0"}
    return {**os.environ, "HOME": private, "TMPDIR": private, **ours}
