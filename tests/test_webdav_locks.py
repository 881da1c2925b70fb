"""Locks as clients take them: who is kept out, on which door, and until when."""

import pytest

from tests.davs import DAV, LOCK, ask, find, lock
from tests.doors import ROOT, House, opened, sent
from uploads import locking
from uploads.access import ALL_RIGHTS, ANONYMOUS_NAME, Grant, Right
from uploads.names import Path

ANN = "Basic YW5uOnNlY3JldA=="
DISCOVERY = "{DAV:}lockdiscovery"


async def test_a_locked_file_is_written_by_who_shows_the_token_and_by_nobody_else() -> None:
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"one")
        token = await lock(house, "a.txt")
        refused = await ask(house, "PUT", "a.txt", b"two")
        written = await ask(house, "PUT", "a.txt", b"two", If=f"(<{token}>)")

        assert (refused.status, refused.refusal) == (423, "locked")
        assert refused.xml.findtext(".//{DAV:}lock-token-submitted/{DAV:}href") == "/dav/a.txt"
        assert written.status == 204


async def test_a_lock_is_known_at_every_other_door() -> None:
    async with opened() as house:
        _, first = await sent(house, "a/b.txt", b"one")
        await lock(house, "a")
        for path, headers in (("a/b.txt", {"If_Match": first["etag"]}), ("a/new.txt", {})):
            response, said = await sent(house, path, b"two", **headers)
            assert (response.status, said["type"]) == (423, "/problems/locked"), path
        client = house.client
        for method, address in (
            ("DELETE", "/files/a/b.txt"),
            ("DELETE", "/files/a/?recursive"),
            ("PUT", "/files/a/sub/"),
            ("POST", "/files/a/b.txt?move=c.txt"),
            ("POST", f"/files/a/b.txt?restore={first['version']}"),
        ):
            headers = {"If-Match": first["etag"]} if "restore" not in address else {}
            if address.endswith("?recursive"):
                headers = {}
            async with client.request(method, address, headers=headers) as answer:
                refusal = (await answer.json())["type"]
            expected = "already-stored" if "restore" in address else "locked"
            assert refusal == f"/problems/{expected}", address


async def test_a_token_is_of_no_use_to_another_principal() -> None:
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"one")
        token = await lock(house, "a.txt", Authorization=ANN)
        shown = {"If": f"(<{token}>)"}
        assert (await ask(house, "PUT", "a.txt", b"two", **shown)).status == 423
        assert (await ask(house, "DELETE", "a.txt", **shown)).status == 423
        assert (await ask(house, "UNLOCK", "a.txt", Lock_Token=f"<{token}>")).status == 403
        assert (await ask(house, "LOCK", "a.txt", **shown)).status == 412
        mine = await ask(house, "PUT", "a.txt", b"two", Authorization=ANN, **shown)
        assert mine.status == 204


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("exclusive", "exclusive", 423),
        ("exclusive", "shared", 423),
        ("shared", "exclusive", 423),
        ("shared", "shared", 200),
    ],
)
async def test_beside_an_exclusive_lock_there_is_no_other(
    first: str, second: str, status: int
) -> None:
    async with opened() as house:
        await sent(house, "a/b.txt", b"one")
        for path, other in (("a/b.txt", "a/b.txt"), ("a", "a/b.txt"), ("a/b.txt", "a")):
            token = await lock(house, path, first)
            body = LOCK.format(scope=second, owner="")
            answer = await ask(house, "LOCK", other, body)
            in_it = status == 423 and (path, other) == ("a/b.txt", "a")
            assert answer.status == (207 if in_it else status)
            if status == 423:
                assert answer.xml.find(".//{DAV:}no-conflicting-lock") is not None
            else:
                assert (await _unlock(house, other, answer.headers["Lock-Token"])) == 204
            assert (await _unlock(house, path, f"<{token}>")) == 204


async def test_a_locked_member_is_told_of_a_folder_that_cannot_be_locked_for_it() -> None:
    async with opened() as house:
        await sent(house, "a/b/c.txt", b"one")
        await lock(house, "a/b/c.txt", Authorization=ANN)
        answer = await ask(house, "LOCK", "a/", LOCK.format(scope="exclusive", owner=""))

        told = [
            (one.findtext(f"{DAV}href"), (one.findtext(f"{DAV}status") or "").split()[1])
            for one in answer.xml.iter(f"{DAV}response")
        ]
        assert answer.status == 207
        assert told == [("/dav/a/b/c.txt", "423"), ("/dav/a", "424")]
        assert "Lock-Token" not in answer.headers
        assert (await ask(house, "PUT", "a/d.txt", b"two")).status == 201


async def test_a_locked_member_that_may_not_be_read_is_not_told() -> None:
    ann, stranger = frozenset({"user:ann"}), frozenset({ANONYMOUS_NAME})
    grants = (
        Grant(ROOT, ann | stranger, ALL_RIGHTS),
        Grant(Path(("a", "b")), ann, ALL_RIGHTS),
        Grant(Path(("a", "b")), stranger, frozenset({Right.REPLACE})),
    )
    async with opened(grants) as house:
        put = {"Authorization": ANN}
        async with house.client.put("/files/a/b/c.txt", data=b"one", headers=put) as stored:
            assert stored.status == 201
        await lock(house, "a/b/c.txt", Authorization=ANN)
        answer = await ask(house, "LOCK", "a/", LOCK.format(scope="exclusive", owner=""))
        assert (answer.status, answer.refusal) == (423, "locked")
        assert "c.txt" not in answer.text


async def test_so_many_shared_locks_are_given_over_one_place_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(locking, "MOST_SHARED", 4)
    async with opened() as house:
        await sent(house, "a/b/c.txt", b"one")
        first = await lock(house, "a", "shared")
        await lock(house, "a/b", "shared", Authorization=ANN)
        await lock(house, "a/b/c.txt", "shared")
        await lock(house, "a/b/c.txt", "shared")
        body = LOCK.format(scope="shared", owner="")
        for path in ("a/b/c.txt", "a/b", "a", ""):
            refused = await ask(house, "LOCK", path, body)
            assert (refused.status, refused.refusal) == (423, "locked"), path
            assert "4 shared locks" in refused.text
        assert (await ask(house, "LOCK", "a/b", body, Depth="0")).status == 200
        assert await _unlock(house, "a", f"<{first}>") == 204
        assert (await ask(house, "LOCK", "a", body)).status == 200


async def _unlock(house: House, path: str, token: str) -> int:
    return (await ask(house, "UNLOCK", path, Lock_Token=token)).status


async def test_any_of_several_shared_locks_lets_write() -> None:
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"one")
        await lock(house, "a.txt", "shared", Authorization=ANN)
        token = await lock(house, "a.txt", "shared")
        assert (await ask(house, "PUT", "a.txt", b"two")).status == 423
        assert (await ask(house, "PUT", "a.txt", b"two", If=f"(<{token}>)")).status == 204


async def test_a_flat_lock_on_a_folder_keeps_its_names_but_not_its_files() -> None:
    async with opened() as house:
        await sent(house, "a/b.txt", b"one")
        token = await lock(house, "a", Depth="0")
        assert (await ask(house, "PUT", "a/b.txt", b"two")).status == 204
        for method, path, headers in (
            ("PUT", "a/new.txt", {}),
            ("MKCOL", "a/d", {}),
            ("DELETE", "a/b.txt", {}),
            ("MOVE", "a/b.txt", {"Destination": "/dav/c.txt"}),
        ):
            assert (await ask(house, method, path, **headers)).status == 423, method
        shown = f"</dav/a> (<{token}>)"
        assert (await ask(house, "DELETE", "a/b.txt", If=shown)).status == 204


async def test_a_name_can_be_locked_before_there_is_a_file() -> None:
    async with opened() as house:
        answer = await ask(house, "LOCK", "new.txt", LOCK.format(scope="exclusive", owner="x"))
        token = answer.headers["Lock-Token"].strip("<>")

        assert answer.status == 201
        assert (await ask(house, "GET", "new.txt")).text == ""
        assert (await ask(house, "PUT", "new.txt", b"one")).status == 423
        assert (await ask(house, "PUT", "new.txt", b"one", If=f"(<{token}>)")).status == 204
        nowhere = await ask(house, "LOCK", "d/x", LOCK.format(scope="exclusive", owner=""))
        assert (nowhere.status, nowhere.refusal) == (409, "no-folder")
        assert await _unlock(house, "new.txt", f"<{token}>") == 204
        assert (await ask(house, "GET", "new.txt")).text == "one"
        for path, slug in (("NEW.txt", "name-equivalent"), ("new.txt/x", "type-clash")):
            refused = await ask(house, "LOCK", path, LOCK.format(scope="exclusive", owner=""))
            assert (refused.status, refused.refusal) == (409, slug)


async def test_a_lock_is_told_with_its_owner_refreshed_and_given_back() -> None:
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"one")
        owner = '<x:who xmlns:x="urn:x">Ann &amp; co</x:who>'
        token = await lock(house, "a.txt", owner=owner, Timeout="Second-600, Infinite")
        told = (await find(house, "a.txt", "lockdiscovery")).properties("/dav/a.txt")
        active = told[DISCOVERY][1][0]

        assert active.findtext("{DAV:}locktoken/{DAV:}href") == token
        assert active.findtext("{DAV:}lockroot/{DAV:}href") == "/dav/a.txt"
        assert active.findtext("{DAV:}owner/{urn:x}who") == "Ann & co"
        assert active.findtext("{DAV:}timeout") in {"Second-600", "Second-599"}
        refreshed = await ask(house, "LOCK", "a.txt", If=f"(<{token}>)", Timeout="Infinite")
        assert refreshed.xml.findtext(".//{DAV:}timeout") in {"Second-3600", "Second-3599"}
        for states in ("(<urn:uuid:0>)", f'(<{token}> ["gone"])'):
            assert (await ask(house, "LOCK", "a.txt", If=states)).status == 412
        assert (await ask(house, "LOCK", "a.txt")).status == 412
        assert await _unlock(house, "a.txt", "<urn:uuid:0>") == 409
        assert await _unlock(house, "a.txt", "none") == 400
        assert await _unlock(house, "a.txt", f"<{token}>") == 204
        assert await _unlock(house, "a.txt", f"<{token}>") == 409
        after = (await find(house, "a.txt", "lockdiscovery")).properties("/dav/a.txt")
        assert len(after[DISCOVERY][1]) == 0


async def test_a_lock_that_has_run_out_keeps_nobody_out() -> None:
    clock = [1000.0]
    async with opened(clock=lambda: clock[0]) as house:
        await ask(house, "PUT", "a.txt", b"one")
        token = await lock(house, "a.txt", Timeout="Second-60")
        clock[0] += 59
        assert (await ask(house, "PUT", "a.txt", b"two")).status == 423
        clock[0] += 2
        assert (await ask(house, "LOCK", "a.txt", If=f"(<{token}>)")).status == 412
        assert (await ask(house, "PUT", "a.txt", b"two")).status == 204
        assert (await ask(house, "PUT", "a.txt", b"3", If=f"(<{token}>)")).status == 412


async def test_of_many_locks_only_those_that_have_not_run_out_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(locking, "MOST_LOCKS", 3)
    clock = [1000.0]
    body = LOCK.format(scope="exclusive", owner="")
    async with opened(clock=lambda: clock[0]) as house:
        for number in range(3):
            await lock(house, f"{number}.txt", Timeout="Second-60")
        refused = await ask(house, "LOCK", "more.txt", body)
        assert (refused.status, refused.refusal) == (507, "over-quota")
        assert (await ask(house, "GET", "more.txt")).status == 404
        clock[0] += 61
        assert (await ask(house, "LOCK", "more.txt", body)).status == 201


async def test_a_folder_with_something_locked_in_it_is_neither_deleted_nor_moved() -> None:
    async with opened() as house:
        await sent(house, "a/b/c.txt", b"one")
        token = await lock(house, "a/b/c.txt")
        for method, headers in (("DELETE", {}), ("MOVE", {"Destination": "/dav/d"})):
            answer = await ask(house, method, "a/", **headers)
            assert (answer.status, answer.refusal) == (423, "locked")
            assert answer.xml.findtext(".//{DAV:}href") == "/dav/a/b/c.txt"
        shown = f"</dav/a/b/c.txt> (<{token}>)"
        moved = await ask(house, "MOVE", "a/", Destination="/dav/d", If=shown)
        assert moved.status == 201
        assert (await ask(house, "PUT", "d/b/c.txt", b"two")).status == 204


async def test_a_lock_stays_where_something_is_moved_onto_it() -> None:
    """Editors write beside the file and move the result onto it, holding its lock all the time."""
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"one")
        await ask(house, "PUT", "new.tmp", b"two")
        token = await lock(house, "a.txt")
        onto = {"Destination": "/dav/a.txt"}
        assert (await ask(house, "MOVE", "new.tmp", **onto)).status == 423
        assert (await ask(house, "COPY", "new.tmp", **onto)).status == 423
        shown = f"</dav/a.txt> (<{token}>)"
        assert (await ask(house, "MOVE", "new.tmp", If=shown, **onto)).status == 204
        assert (await ask(house, "PUT", "a.txt", b"three")).status == 423
        assert (await ask(house, "LOCK", "a.txt", If=f"(<{token}>)")).status == 200


async def test_a_copy_is_not_locked_and_a_moved_file_leaves_its_lock_behind() -> None:
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"one")
        token = await lock(house, "a.txt")
        await ask(house, "COPY", "a.txt", Destination="/dav/b.txt")
        assert (await ask(house, "PUT", "b.txt", b"two")).status == 204
        shown = f"(<{token}>)"
        assert (await ask(house, "MOVE", "a.txt", If=shown, Destination="/dav/c.txt")).status == 201
        assert (await ask(house, "PUT", "c.txt", b"two")).status == 204
        assert (await ask(house, "PUT", "a.txt", b"two")).status == 201


async def test_each_token_is_random_and_of_the_form_that_clients_expect() -> None:
    async with opened() as house:
        tokens = {await lock(house, f"{number}") for number in range(20)}
        assert len(tokens) == 20
        assert all(token.startswith("urn:uuid:") and len(token) == 45 for token in tokens)


@pytest.mark.parametrize(
    "body",
    [
        "<x/>",
        '<D:lockinfo xmlns:D="DAV:"/>',
        LOCK.format(scope="both", owner=""),
        LOCK.format(scope="shared", owner="").replace("<D:write/>", "<D:read/>"),
        LOCK.format(scope="shared", owner="x" * 1025),
    ],
)
async def test_a_lock_that_cannot_be_understood_is_not_given(body: str) -> None:
    async with opened() as house:
        answer = await ask(house, "LOCK", "a.txt", body)
        assert (answer.status, answer.refusal) == (400, "malformed-request")
        assert (await ask(house, "GET", "a.txt")).status == 404
