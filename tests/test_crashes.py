"""kill -9 at any moment: what was acknowledged is there, what was not is whole or absent."""

import asyncio
import logging
import os
import random
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from storage.upkeep import verify as verification
from tests.ledger import Name, Pending, State, matches
from tests.running import ROOT, Program, launch, running, start
from tests.wire import Answer, Wire, ask, form, message, put

log = logging.getLogger(__name__)

HEAD = b"\xff\xd8\xff\xe0"
INLINE_BELOW = 16 << 10
SEED = int(os.environ.get("CRASH_SEED", "20261120"))
KILLS = 18
CLIENTS = 6
NAMES_EACH = 8
OPERATIONS = 300
# What is larger than this is refused before its bytes are here, and then nothing is parked.
ENVIRONMENT = {"NOCLOBBER_LIMITS_FREE_SPACE": "0", "NOCLOBBER_LIMITS_DRAIN_BYTES": "8 MiB"}
BLOB = re.compile(r"blobs/([0-9a-f]{2})/\1[0-9a-f]{62}")
BROKEN_OFF = (ConnectionError, asyncio.IncompleteReadError, OSError)


@dataclass
class Store:
    """A data folder with one user, and what its clients were told."""

    data: Path
    token: dict[str, str]
    chance: random.Random
    names: list[Name] = field(default_factory=list)
    acknowledged: int = 0
    in_doubt: int = 0
    came_through: int = 0

    def content(self) -> bytes:
        size = self.chance.choice([40, 3_000, INLINE_BELOW - 4, INLINE_BELOW, 200_000, 3 << 20])
        return HEAD + self.chance.randbytes(size - len(HEAD))

    def known_content(self) -> bytes:
        """What has another name already, so that its blob is there; else something new."""
        bodies = [name.current.body for name in self.names if name.current]
        return self.chance.choice(bodies) if bodies else self.content()


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Store:
    data = tmp_path / "data"
    data.mkdir()
    command(data, "user", "add", "ann", "--password-stdin", said="a long enough password")
    shown = command(data, "token", "add", "crash", "--user", "ann")
    token = {"Authorization": f"Bearer {shown.split()[0]}"}
    names = [
        Name(f"c{client}/n{number}.jpg")
        for client in range(CLIENTS)
        for number in range(NAMES_EACH)
    ]
    return Store(data, token, random.Random(SEED), names)


def command(data: Path, *words: str, said: str = "") -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "server.py"), *words, "--data", str(data)],
        input=said,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_after_kill_9_every_acknowledged_change_is_there_and_no_other_is_halfway(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.warning("seed %d; set CRASH_SEED to try another", SEED)
    for _ in range(KILLS):
        program = start(store.data, env=ENVIRONMENT)
        try:
            assert litter(store.data) == []
            await check(store, program, recent=True)
            await crash(store, program)
        finally:
            if program.process.poll() is None:
                program.kill()
    program = start(store.data, env=ENVIRONMENT)
    try:
        await check(store, program, recent=False)
        assert litter(store.data) == []
    finally:
        code = program.stop()
    assert code == 0
    log.warning(
        "%d acknowledged, %d under way at a kill, of which %d had happened",
        store.acknowledged,
        store.in_doubt,
        store.came_through,
    )
    assert store.acknowledged >= OPERATIONS
    assert store.in_doubt >= KILLS
    command(store.data, "gc")
    # What is younger may belong to a server that runs; here none does.
    monkeypatch.setattr(verification, "_YOUNG", 0)
    assert verification.verify(store.data, scrub=True).findings == ()


@pytest.mark.timeout(120)
async def test_a_first_start_that_was_killed_leaves_a_folder_that_starts(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    began = time.monotonic()
    start(tmp_path / "undisturbed", env=ENVIRONMENT).kill()
    takes = time.monotonic() - began
    for number in range(5):
        data = tmp_path / f"data-{number}"
        process = launch(data, env=ENVIRONMENT)
        await asyncio.sleep(takes * chance.uniform(0.4, 1.0))
        process.kill()
        process.communicate()
        with running(data, env=ENVIRONMENT) as program:
            stored = await ask(program.port, put("/files/a.jpg", HEAD))
        assert stored.status == 201
        assert verification.verify(data, scrub=True).findings == ()


def litter(data: Path) -> list[str]:
    """What lies in the data folder and has no business there."""
    index = {"index.sqlite", "index.sqlite-wal", "index.sqlite-shm"}
    expected = {*index, "lock", "copying.lock", "accounts.json", "accounts.lock"}
    found = (str(path.relative_to(data)) for path in data.rglob("*") if path.is_file())
    return [name for name in found if name not in expected and not BLOB.fullmatch(name)]


async def crash(store: Store, program: Program) -> None:
    """Several clients change things until the server is killed under their hands."""
    enough = store.acknowledged + OPERATIONS // KILLS + store.chance.randrange(8)
    done = asyncio.Event()
    clients = [
        asyncio.create_task(client(store, program, number, enough, done))
        for number in range(CLIENTS)
    ]
    await done.wait()
    await asyncio.sleep(store.chance.random() * 0.03)
    program.kill()
    for end in await asyncio.gather(*clients, return_exceptions=True):
        assert isinstance(end, BROKEN_OFF), repr(end)


async def client(
    store: Store, program: Program, number: int, enough: int, done: asyncio.Event
) -> None:
    own = [name for name in store.names if name.path.startswith(f"c{number}/")]
    wire = await Wire.connect(program.port)
    try:
        while True:
            await change(store, wire, store.chance.choice(own))
            store.acknowledged += 1
            if store.acknowledged >= enough:
                done.set()
    finally:
        done.set()
        await wire.close()


async def change(store: Store, wire: Wire, name: Name) -> None:
    name.changed = True
    if name.parked and store.chance.random() < 0.5:
        await resolve(store, wire, name)
    elif name.current is None:
        known = len(name.versions) and store.chance.random() < 0.6
        await (restore if known else create)(store, wire, name)
    else:
        await store.chance.choice([replace, replace, delete, park, restore])(store, wire, name)


async def create(store: Store, wire: Wire, name: Name) -> None:
    linked = store.chance.random() < 0.3
    body = store.known_content() if linked else store.content()
    name.pending = Pending(State(body, None))
    folder, _, last = name.path.partition("/")
    headers = {**store.token, "Prefer": "same-content=link"}
    if store.chance.random() < 0.3 and not linked:
        sent = form(f"/files/{folder}/", last, body, store.token)
    else:
        sent = put(f"/files/{name.path}", body, headers)
    note(name, await answered(wire, sent, 201), body)


async def replace(store: Store, wire: Wire, name: Name) -> None:
    assert name.current
    body = store.content()
    name.pending = Pending(State(body, None))
    headers = {**store.token, "If-Match": name.current.etag or "*"}
    note(name, await answered(wire, put(f"/files/{name.path}", body, headers), 200), body)


async def delete(store: Store, wire: Wire, name: Name) -> None:
    assert name.current
    name.pending = Pending(None)
    headers = {**store.token, "If-Match": name.current.etag or "*"}
    await answered(wire, message("DELETE", f"/files/{name.path}", b"", headers), 200)
    name.acknowledge_deletion()


async def restore(store: Store, wire: Wire, name: Name) -> None:
    number = store.chance.choice(list(name.versions))
    body = name.versions[number]
    if name.current and name.current.body == body:
        return await replace(store, wire, name)
    name.pending = Pending(State(body, None))
    headers = {**store.token, **({"If-Match": name.current.etag or "*"} if name.current else {})}
    asked = message("POST", f"/files/{name.path}?restore={number}", b"", headers)
    return note(name, await answered(wire, asked, 200 if name.current else 201), body)


async def park(store: Store, wire: Wire, name: Name) -> None:
    body = store.content()
    name.pending = Pending(name.current, parks=body)
    refused = await answered(wire, put(f"/files/{name.path}", body, store.token), 409)
    name.parked[refused.json["upload"]["href"]] = body
    name.pending = None


async def resolve(store: Store, wire: Wire, name: Name) -> None:
    href, body = store.chance.choice(list(name.parked.items()))
    if store.chance.random() < 0.3 or (name.current and name.current.body == body):
        name.pending = Pending(name.current, settles=href)
        await answered(wire, message("DELETE", href, b"", store.token), 204)
    else:
        name.pending = Pending(State(body, None), settles=href)
        action = "replace" if name.current else "store"
        etag = {"If-Match": name.current.etag or "*"} if name.current else {}
        asked = message(
            "POST", f"{href}?action={action}&path={name.path}", b"", {**store.token, **etag}
        )
        note(name, await answered(wire, asked, 200 if name.current else 201), body)
    name.pending = None
    del name.parked[href]


async def answered(wire: Wire, sent: bytes, status: int) -> Answer:
    answer = await wire.ask(sent)
    assert answer.status == status, f"{sent[:200]!r} -> {answer}"
    return answer


def note(name: Name, answer: Answer, body: bytes) -> None:
    name.acknowledge(body, answer.json["etag"], answer.json["version"])


async def check(store: Store, program: Program, *, recent: bool) -> None:
    """Compares what the server shows with the ledger; what was in doubt is settled by it.

    `recent`: only the names that were changed since the last time.
    """
    wire = await Wire.connect(program.port)
    try:
        waiting = await parked(store, wire)
        for name in store.names:
            if name.changed or not recent:
                await check_name(store, wire, name, waiting)
                name.changed = False
            for href, sent in name.parked.items():
                assert waiting.pop(href, None) == sent, f"{name.path}: {href} was parked otherwise"
        assert waiting == {}, "uploads that nobody sent are parked"
    finally:
        await wire.close()


async def check_name(store: Store, wire: Wire, name: Name, waiting: dict[str, bytes]) -> None:
    answer = await wire.ask(message("GET", f"/files/{name.path}", b"", store.token))
    assert answer.status in {200, 404}, answer
    body, etag = (answer.body, answer.headers["etag"]) if answer.status == 200 else (None, None)
    if name.pending is not None:
        store.in_doubt += 1
        store.came_through += settle(name, name.pending, body, etag, waiting)
        name.pending = None
    assert matches(name.current, body, etag), f"{name.path}: {etag}, and {name.current} was told"
    for number in name.versions:
        asked = message("GET", f"/files/{name.path}?version={number}", b"", store.token)
        assert (await wire.ask(asked)).body == name.versions[number], (
            f"{name.path}: version {number}"
        )


def settle(
    name: Name, pending: Pending, body: bytes | None, etag: str | None, waiting: dict[str, bytes]
) -> bool:
    """Did a change happen that nobody was told of? All of it or nothing: the ledger follows."""
    if pending.parks is not None:
        new = {href for href, sent in waiting.items() if sent == pending.parks}
        name.parked.update(dict.fromkeys(new - set(name.parked), pending.parks))
        return bool(new)
    changed = pending.becomes != name.current and matches(pending.becomes, body, etag)
    if pending.settles is not None:
        gone = pending.settles not in waiting
        assert pending.becomes == name.current or gone == changed, f"{name.path}: half settled"
        if gone:
            del name.parked[pending.settles]
        changed = changed or gone
    if changed and pending.becomes != name.current:
        name.current = None if body is None else State(body, etag)
        if body is not None and etag is not None:
            name.versions[int(etag.strip('"').partition("-")[0])] = body
    return changed


async def parked(store: Store, wire: Wire) -> dict[str, bytes]:
    """All uploads that wait, as their sender gets them."""
    found: dict[str, bytes] = {}
    page = "/uploads/"
    while page:
        listed = (await wire.ask(message("GET", page, b"", store.token))).json
        for upload in listed["uploads"]:
            content = await wire.ask(message("GET", f"{upload['href']}/content", b"", store.token))
            assert content.status == 200, content
            found[upload["href"]] = content.body
        page = listed["next"]
    return found
