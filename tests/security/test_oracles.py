"""Two worlds that differ in one thing that Bob may not know: whatever he asks, both answer byte for byte alike.

In the one Ann has stored the content or taken the name that he asks about, in the other a different
one of the same length. What is random or a time is taken out before the answers are compared.
"""

import asyncio
import base64
import hashlib
import json
import logging
import math
import os
import random
import re
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from blake3 import blake3

from storage.memory.shelves import MemoryAccounts
from tests import wire
from tests.doors import House, opened
from tests.security.rights import user
from tests.tussing import metadata
from uploads.access import ALL_RIGHTS, ANONYMOUS_NAME, Grant, Right, Scope
from uploads.names import Path
from uploads.rules import Limits

log = logging.getLogger(__name__)

PAIRS = int(os.environ.get("SECRECY_PAIRS", "120"))
SIGMAS = 4.5
PAUSE = 0.005
ANN, BOB = ({"Authorization": f"Bearer {name}"} for name in ("ann", "bob"))
GRANTS = [
    Grant(Path(()), frozenset({"users"}), frozenset({Right.LIST})),
    Grant(Path(("ann",)), frozenset({"user:ann"}), ALL_RIGHTS),
    Grant(Path(("bob",)), frozenset({"user:bob"}), ALL_RIGHTS),
    Grant(Path(("drop",)), frozenset({ANONYMOUS_NAME, "users"}), frozenset({Right.CREATE})),
]
CHANCE = (
    (rb"(?<=request:)[0-9a-f]{16}|(?<=Request-Id: )[0-9a-f]{16}", b"ID"),
    (rb"(?<=<code>)[0-9a-f]{16}|(?<=request-id>)[0-9a-f]{16}", b"ID"),
    (rb"urn:uuid:[0-9a-f-]{36}", b"LOCK"),
    (rb"/uploads/[\w-]{20,}", b"/uploads/ID"),
    (rb"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", b"TIME"),
    (rb"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", b"TIME"),
    (rb'"id": "[\w-]{20,}"', b'"id": "ID"'),
)


@asynccontextmanager
async def town(limits: Limits | None = None) -> AsyncIterator[House]:
    async with opened(GRANTS, limits=limits) as house:
        accounts = house.parts.accounts
        assert isinstance(accounts, MemoryAccounts)
        for name in ("ann", "bob"):
            accounts.principals |= {name: user(name), f"user:{name}": user(name)}
            accounts.passwords |= {name: "unknown", f"user:{name}": "unknown"}
            accounts.tokens[name] = name
        yield house


def declared(body: bytes) -> dict[str, str]:
    value = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return {"Repr-Digest": f"sha-256=:{value}:"}


@dataclass(frozen=True)
class Asked:
    """One probe. `secret` is the content that Bob wonders about, `name` where it may stand."""

    method: str
    target: str
    body: bytes | None
    headers: dict[str, str]


def about_content(secret: bytes, tag: str) -> dict[str, Asked]:
    identity = blake3(secret).hexdigest()
    link = {"Prefer": "same-content=link", **declared(secret)}
    items = [
        {"path": "bob/p1", "size": len(secret), "digest": declared(secret)["Repr-Digest"]},
        {"path": "bob/p2", "size": len(secret), "digest": f"blake3:{identity}"},
        {"path": "bob/p3", "size": len(secret)},
    ]
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(secret)), **declared(secret)}
    named = {**tus, "Upload-Metadata": metadata(filename="bob/tus")}
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="form"\r\n\r\n%b\r\n--b--\r\n'
    nc, sha = "/remote.php/dav/files/bob/bob/", hashlib.sha256(secret).hexdigest()
    multipart = {"Content-Type": "multipart/form-data; boundary=b"}
    as_json = {"Content-Type": "application/json"}
    return {
        "a claim by its digest": Asked("PUT", "/files/bob/claimed", None, link),
        "a claim by its digest in a drop box": Asked("PUT", "/files/drop/claimed", None, link),
        "a preflight": Asked("POST", "/preflight", json.dumps({"items": items}).encode(), as_json),
        "an upload in pieces": Asked("POST", "/uploads/", None, named),
        "its ETag as a condition": Asked("PUT", "/files/bob/c", b"x", {"If-Match": tag}),
        "its ETag, not": Asked("GET", "/files/ann/secret", None, {"If-None-Match": tag}),
        "its ETag in an If": Asked(
            "PUT", "/dav/bob/i", b"x", {"If": f"</dav/ann/secret> ([{tag}])"}
        ),
        "the very bytes": Asked("PUT", "/files/bob/mine", secret, declared(secret)),
        "their digest": Asked("GET", "/files/bob/mine", None, {"Want-Repr-Digest": "sha-256=1"}),
        "the bytes again": Asked("PUT", "/files/bob/again", secret, {}),
        "in a form": Asked("POST", "/files/bob/", form % (secret + b"f"), multipart),
        "in a drop box": Asked("PUT", "/files/drop/mine", secret, {}),
        "through WebDAV": Asked("PUT", "/dav/bob/dav", secret, {}),
        "through Nextcloud": Asked("PUT", nc + "nc", secret, {"OC-Checksum": f"SHA256:{sha}"}),
        "what Nextcloud knows": Asked("PROPFIND", nc, CHECKSUMS, {"Depth": "1"}),
        "what is used up": Asked("PROPFIND", "/dav/bob/", QUOTA, {"Depth": "0"}),
        "what is left": Asked("GET", "/ocs/v1.php/cloud/user", None, {}),
        "under the key of somebody else": Asked(
            "PUT", "/files/bob/k", b"k", {"Idempotency-Key": '"ann"'}
        ),
    }


CHECKSUMS = (
    b'<D:propfind xmlns:D="DAV:" xmlns:oc="http://owncloud.org/ns"><D:prop><D:getetag/>'
    b"<oc:checksums/><oc:permissions/><oc:size/></D:prop></D:propfind>"
)
QUOTA = (
    b'<D:propfind xmlns:D="DAV:"><D:prop><D:quota-used-bytes/><D:quota-available-bytes/>'
    b"</D:prop></D:propfind>"
)
JSON = {"Content-Type": "application/json"}
SYNC = (
    b'<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>infinite</D:sync-level>'
    b"<D:prop><D:getetag/></D:prop></D:sync-collection>"
)
LOCK = (
    b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/>'
    b"</D:locktype></D:lockinfo>"
)


def about_names(upload: str) -> dict[str, Asked]:
    there, dav, nc = "/files/ann/secret", "/dav/ann/secret", "/remote.php/dav/files/"
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "1"}
    named = {**tus, "Upload-Metadata": metadata(filename="ann/secret")}
    items = json.dumps({"items": [{"path": "ann/secret", "size": 1}]}).encode()
    piece = {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    return {
        "reading": Asked("GET", there, None, {}),
        "its head": Asked("HEAD", there, None, {}),
        "a range": Asked("GET", there, None, {"Range": "bytes=0-0"}),
        "as a page": Asked("GET", there, None, {"Accept": "text/html"}),
        "its history": Asked("GET", there + "?versions", None, {}),
        "its first version": Asked("GET", there + "?version=2", None, {}),
        "as a folder": Asked("GET", there + "/", None, {}),
        "as a folder with it in": Asked("GET", "/files/ann/", None, {}),
        "storing": Asked("PUT", there, b"x", {}),
        "storing where nothing is": Asked("PUT", there, b"x", {"If-None-Match": "*"}),
        "storing where something is": Asked("PUT", there, b"x", {"If-Match": "*"}),
        "storing below it": Asked("PUT", there + "/x", b"x", {}),
        "another spelling": Asked("PUT", "/files/ann/SECRET", b"x", {}),
        "a folder of that name": Asked("PUT", there + "/", None, {}),
        "deleting": Asked("DELETE", there, None, {}),
        "moving": Asked("POST", there + "?move=bob/m", None, {}),
        "copying": Asked("POST", there + "?copy=bob/m", None, {}),
        "restoring": Asked("POST", there + "?restore=2", None, {"If-Match": "*"}),
        "moving onto it": Asked("POST", "/files/bob/own?move=ann/secret", None, {}),
        "asking first": Asked("POST", "/preflight", items, {"Content-Type": "application/json"}),
        "in pieces": Asked("POST", "/uploads/", None, named),
        "the list of all": Asked("GET", "/files/", None, {}),
        "the feed": Asked("GET", "/changes?since=0", None, {}),
        "an upload": Asked("GET", upload, None, {}),
        "the bytes of an upload": Asked("GET", upload + "/content", None, {}),
        "how far an upload is": Asked("HEAD", upload, None, tus),
        "a piece of an upload": Asked("PATCH", upload, b"x", piece),
        "ending an upload": Asked("DELETE", upload, None, {}),
        "properties": Asked("PROPFIND", dav, None, {"Depth": "0"}),
        "properties of all": Asked("PROPFIND", "/dav/", None, {"Depth": "infinity"}),
        "setting properties": Asked("PROPPATCH", dav, b"<x/>", {}),
        "locking": Asked("LOCK", dav, LOCK, {}),
        "unlocking": Asked("UNLOCK", dav, None, {"Lock-Token": "<urn:uuid:0>"}),
        "a collection": Asked("MKCOL", dav, None, {}),
        "copying over": Asked("COPY", "/dav/bob/own", None, {"Destination": dav}),
        "copying from": Asked("COPY", dav, None, {"Destination": "/dav/bob/m"}),
        "moving over, not": Asked(
            "MOVE", "/dav/bob/own", None, {"Destination": dav, "Overwrite": "F"}
        ),
        "a lock in an If": Asked("PUT", "/dav/bob/i", b"x", {"If": f"<{dav}> (Not <urn:uuid:0>)"}),
        "as an archive": Asked("GET", "/archive/ann/secret", None, {}),
        "with all as an archive": Asked("GET", "/archive/?path=ann/secret", None, {}),
        "on the page": Asked("GET", "/browse/ann/secret/", None, {"Accept": "text/html"}),
        "through Nextcloud": Asked("PROPFIND", nc + "bob/ann/secret", None, {"Depth": "0"}),
        "as her in Nextcloud": Asked("GET", nc + "ann/ann/secret", None, {}),
        "in numbered pieces": Asked(
            "MKCOL", "/remote.php/dav/uploads/bob/up", None, {"Destination": nc + "bob/ann/secret"}
        ),
        "following": Asked("REPORT", "/dav/", SYNC, {}),
        "following there": Asked("REPORT", "/dav/ann/", SYNC, {}),
    }


async def told(house: House, asked: Asked, who: dict[str, str] = BOB) -> bytes:
    """The whole answer, without what is random or a time."""
    async with house.client.request(
        asked.method,
        asked.target,
        data=asked.body,
        headers={**who, **asked.headers},
        allow_redirects=False,
    ) as answer:
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in answer.raw_headers)
        said = b"%d\r\n%b\r\n%b" % (answer.status, lines, await answer.read())
    for pattern, word in CHANCE:
        said = re.sub(pattern, word, said)
    return said


async def stored(house: House, path: str, body: bytes, who: dict[str, str], **more: str) -> str:
    headers = {**who, **{name.replace("_", "-"): value for name, value in more.items()}}
    async with house.client.put(f"/files/{path}", data=body, headers=headers) as answer:
        assert answer.status in {201, 409}, await answer.text()
        if answer.status == 409:
            return str((await answer.json())["upload"]["href"])
        return str(answer.headers.get("ETag"))


async def world_of(content: bytes, secret: bytes, quota: int | None) -> dict[str, bytes]:
    """Ann has stored this content; Bob wonders about that one."""
    async with town(Limits(quota_bytes=quota)) as house:
        await stored(
            house, "ann/secret", content, {**ANN, **declared(content)}, Idempotency_Key='"ann"'
        )
        tag = f'"1-{blake3(secret).hexdigest()[:16]}"'
        return {
            name: await told(house, asked) for name, asked in about_content(secret, tag).items()
        }


@pytest.mark.parametrize("quota", [1 << 30, None])
@pytest.mark.parametrize("size", [20, 50_000])
async def test_no_answer_depends_on_whether_somebody_else_has_the_content(
    size: int, quota: int | None
) -> None:
    secret, other = (word.ljust(size, b".") for word in (b"the secret", b"no secrets"))
    first = await world_of(secret, secret, quota)
    second = await world_of(other, secret, quota)
    assert len(first) >= 12
    for name, answer in first.items():
        assert answer == second[name], (name, answer, second[name])


async def test_no_preflight_tells_how_much_room_there_is() -> None:
    """By more than a step, in which a content would have to be a sixteenth of it to show."""
    async with town() as house:
        free = house.parts.receiver.free_space()
        sizes = (free - (1 << 20), free + (1 << 20))
        items = [{"path": f"bob/{size}", "size": size} for size in sizes]
        asked = Asked("POST", "/preflight", json.dumps({"items": items}).encode(), JSON)
        said = await told(house, asked)
        assert said.count(b'"disk-full"') == 2


def test_the_room_that_is_left_falls_in_steps_and_is_at_most_an_eighth_less() -> None:
    content, limits = 60_000_000, Limits(free_space=1 << 30)
    left = [(1 << 30) + (1 << 37) - number * content for number in range(1100)]
    told = [limits.room(free) for free in left]
    assert all(0.875 * (free - (1 << 30)) < room <= free - (1 << 30)
               for free, room in zip(left, told, strict=True))  # fmt: skip
    assert len(set(told)) <= 10
    assert [limits.room((1 << 30) + free) for free in (-1, 0, 1, 15, 16, 17)] == [
        -1,
        0,
        1,
        15,
        16,
        16,
    ]


NOT_TOLD = (
    b'<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><D:getlastmodified/><D:creationdate/>'
    b"<D:sync-token/><D:quota-used-bytes/><D:quota-available-bytes/></D:prop></D:propfind>"
)


async def test_a_drop_box_tells_nothing_of_what_others_have_dropped() -> None:
    async with town(Limits(quota_bytes=1 << 30)) as house:
        accounts = house.parts.accounts
        assert isinstance(accounts, MemoryAccounts)
        narrow = user("ann", Scope(Path(("drop",)), frozenset({Right.CREATE})))
        accounts.principals["narrow"], accounts.tokens["narrow"] = narrow, "narrow"
        await stored(house, "drop/of-ann", b"of Ann", ANN)
        asked = Asked("PROPFIND", "/dav/drop/", NOT_TOLD, {"Depth": "0"})
        for number, who in enumerate(({}, BOB, {"Authorization": "Bearer narrow"})):
            before = await told(house, asked, who)
            # By strangers, as which one of them counts; and by the owner of the token, elsewhere.
            await stored(house, f"drop/{number}", b"dropped", {})
            await stored(house, f"ann/{number}", b"elsewhere", ANN)
            assert b"207" in before.partition(b"\r\n")[0]
            assert await told(house, asked, who) == before, who


async def names_in(name: str, upload: str | None) -> dict[str, bytes]:
    async with town() as house:
        await stored(house, "bob/own", b"my own", BOB)
        await stored(house, f"ann/{name}", b"something of Ann", ANN)
        parked = await stored(house, f"ann/{name}", b"something else", ANN)
        asked = about_names(upload or parked)
        return {name: await told(house, one) for name, one in asked.items()}


async def test_no_answer_depends_on_whether_somebody_else_has_taken_the_name() -> None:
    first = await names_in("secret", None)
    second = await names_in("sacred", "/uploads/" + "x" * 32)
    assert len(first) >= 12
    for name, answer in first.items():
        assert answer == second[name], (name, answer, second[name])


Timed = Callable[[int], Awaitable[None]]


async def faster(first: Timed, second: Timed, pairs: int) -> tuple[int, float]:
    """How often the first was faster, and the median of the relative differences. In random order."""
    chance, wins, differences = random.Random(7), 0, []
    for number in range(pairs):
        spent = [0.0, 0.0]
        order = chance.sample((0, 1), 2)
        for which in order:
            # What goes on behind an answer, such as giving back room, ends before the next.
            await asyncio.sleep(PAUSE)
            began = time.perf_counter()
            await (first, second)[which](number)
            spent[which] = time.perf_counter() - began
        wins += spent[0] < spent[1]
        differences.append((spent[0] - spent[1]) / max(spent))
    return wins, statistics.median(differences)


def check_fair(what: str, wins: int, median: float, pairs: int) -> None:
    log.warning("%s: faster %d of %d times, median %+.2f %%", what, wins, pairs, median * 100)
    assert abs(wins - pairs / 2) < SIGMAS * math.sqrt(pairs) / 2


@pytest.mark.slow
@pytest.mark.timeout(120 + PAIRS)
@pytest.mark.parametrize("size", [4 << 10, 1 << 20])
async def test_content_that_only_others_have_takes_as_long_as_new(size: int) -> None:
    def body(number: int, word: str) -> bytes:
        return f"{word} {number}".encode().ljust(size, b".")

    async with town() as house:
        port = house.client.port or 0
        for number in range(PAIRS):
            await stored(house, f"ann/{number}", body(number, "known"), ANN)
        bob = await wire.Wire.connect(port)

        def put(word: str) -> Timed:
            async def one(number: int) -> None:
                asked = wire.put(f"/files/bob/{word}-{number}", body(number, word), BOB)
                assert (await bob.ask(asked)).status == 201

            return one

        wins, median = await faster(put("known"), put("fresh"), PAIRS)
        await bob.close()
    check_fair(f"{size} bytes that Ann has", wins, median, PAIRS)


@pytest.mark.timeout(120 + PAIRS)
async def test_a_hidden_name_is_refused_as_fast_as_a_missing_one() -> None:
    async with town() as house:
        await stored(house, "ann/there", b"something", ANN)
        bob = await wire.Wire.connect(house.client.port or 0)

        def get(name: str) -> Timed:
            asked = wire.message("GET", f"/files/ann/{name}", b"", BOB)

            async def one(_: int) -> None:
                assert (await bob.ask(asked)).status == 404

            return one

        for name in ("there", "nope!"):
            await get(name)(0)
        wins, median = await faster(get("there"), get("nope!"), 3 * PAIRS)
        await bob.close()
    check_fair("a name that Ann has", wins, median, 3 * PAIRS)
