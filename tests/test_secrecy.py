"""What nobody learns of a file that they may not read."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

from tests import davs
from tests.doors import ANN, FOR_ANYBODY, got, opened, sent
from uploads.access import ANONYMOUS_NAME, Grant, Right
from uploads.files import Order
from uploads.names import Path
from uploads.rules import Limits

EVERYTHING = frozenset(Right)
OF_ANN = Grant(Path(()), frozenset({"user:ann"}), EVERYTHING)
ANN_SIGNS_IN = {"Authorization": "Basic " + base64.b64encode(b"ann:secret").decode()}


async def test_a_drop_box_takes_files_and_tells_nothing() -> None:
    drop = Grant(Path(("drop",)), frozenset({ANONYMOUS_NAME}), frozenset({Right.CREATE}))
    async with opened(grants=[drop]) as house:
        created, said = await sent(house, "drop/a", b"one")
        assert created.status == 201
        assert "Location" not in created.headers
        assert "ETag" not in created.headers
        assert "href" not in said
        for body in (b"one", b"two"):
            refused, told = await sent(house, "drop/a", body)
            assert (refused.status, told["type"]) == (409, "/problems/name-taken")
            assert "existing" not in told
            assert "ETag" not in refused.headers
            assert 'rel="edit"' not in refused.headers["Link"]
        async with house.client.put("/files/drop/folder/") as made:
            assert (made.status, await made.json()) == (201, {"received": True, "size": 0})
            assert "Location" not in made.headers
            assert "ETag" not in made.headers
        other, _ = await sent(house, "drop/b", b"one")
        assert other.status == 201
        for path in ("drop/a", "drop/", "drop/missing", "elsewhere"):
            assert (await got(house, path))[0] == 401


async def test_content_that_only_others_can_read_is_answered_like_any_new_file() -> None:
    private = Grant(Path(("ann",)), frozenset({"user:ann"}), frozenset(Right))
    async with opened(grants=[FOR_ANYBODY, private]) as house:
        async with house.client.put(
            "/files/ann/secret", data=b"known to ann", headers=ANN_SIGNS_IN
        ) as response:
            assert response.status == 201
        known, told = await sent(house, "mine", b"known to ann")
        fresh, also = await sent(house, "mine2", b"known to nobody")

        assert known.status == fresh.status == 201
        assert told.keys() == also.keys()
        assert known.headers.keys() == fresh.headers.keys()


async def test_what_may_not_be_known_is_404_to_users_and_401_to_strangers() -> None:
    private = Grant(Path(("ann",)), frozenset({"user:ann"}), frozenset(Right))
    users = Grant(Path(()), frozenset({"users"}), frozenset({Right.READ, Right.LIST}))
    async with opened(grants=[users, private]) as house:
        assert (await got(house, "ann/anything"))[0] == 401
        async with house.client.put("/files/public", data=b"x", headers=ANN_SIGNS_IN) as response:
            assert response.status == 403
        assert ANN.name == "ann"


async def test_a_folder_tells_nothing_of_what_happens_in_closed_places_below_it() -> None:
    anybody = frozenset({ANONYMOUS_NAME})
    public = Grant(Path(("pub",)), anybody, frozenset({Right.LIST, Right.READ, Right.DELETE}))
    own = Grant(Path(("pub",)), frozenset({"user:ann"}), frozenset(Right))
    private = Grant(Path(("pub", "closed")), frozenset({"user:ann"}), frozenset(Right))
    everywhere = Grant(Path(()), frozenset({"user:ann"}), frozenset(Right))
    async with opened(grants=[public, own, private, everywhere]) as house:
        client = house.client
        for path in ("pub/open/a", "pub/closed/a"):
            async with client.put(f"/files/{path}", data=path, headers=ANN_SIGNS_IN) as put:
                assert put.status == 201
        await client.put("/files/elsewhere", data=b"1", headers=ANN_SIGNS_IN)
        number = (await (await client.get("/files/pub/", headers=ANN_SIGNS_IN)).json())["etag"]

        async with client.get("/files/pub/") as response:
            listed, etag = await response.json(), response.headers["ETag"]
        assert "modified" not in listed
        assert etag == listed["etag"] != number
        assert [one["name"] for one in listed["entries"]] == ["open"]
        assert "modified" in listed["entries"][0]
        async with client.get("/files/pub/", headers={"Accept": "text/html"}) as page:
            assert (await page.text()).count("<time") == 1
        # Nor does a guess of it, in a condition.
        for guess in (
            {"If-Match": number},
            {"If-Unmodified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
        ):
            async with client.get("/files/pub/", headers=guess) as response:
                assert response.status == 412
        # Somewhere else something is put, and then in the closed place: one is as the other.
        changed = []
        for path in ("elsewhere2", "pub/closed/b"):
            await client.put(f"/files/{path}", data=path, headers=ANN_SIGNS_IN)
            async with client.get("/files/pub/", headers={"If-None-Match": etag}) as response:
                etag = response.headers["ETag"]
                changed.append((response.status, await response.json()))
        assert changed[0][0] == changed[1][0] == 200
        assert changed[0][1] | {"etag": ""} == changed[1][1] | {"etag": ""}
        # Another name, the same for whoever may see all of it.
        async with client.get("/files/pub/open/", headers=ANN_SIGNS_IN) as response:
            assert "modified" in await response.json()


async def test_no_order_and_no_page_of_a_listing_tells_when_a_closed_place_was_changed() -> None:
    anybody = frozenset({ANONYMOUS_NAME})
    public = Grant(Path(()), anybody, frozenset({Right.LIST, Right.READ}))
    own = Grant(Path(()), frozenset({"user:ann"}), frozenset(Right))
    private = Grant(Path(("b", "closed")), frozenset({"user:ann"}), frozenset(Right))
    async with opened(grants=[public, own, private]) as house:
        for path in ("c/x", "b/x", "a/x", "b/closed/x", "2", "1"):
            await house.client.put(f"/files/{path}", data=path, headers=ANN_SIGNS_IN)
        for headers, found in (({}, ["a", "b", "c"]), (ANN_SIGNS_IN, ["c", "a", "b"])):
            for desc, way in (("false", 1), ("true", -1)):
                href, names = f"/files/?sort=modified&desc={desc}&limit=1", []
                while href:
                    async with house.client.get(href, headers=headers) as response:
                        page = await response.json()
                    href, entry = page["next"], page["entries"][0]
                    names.append(entry["name"])
                    if href and entry["type"] == "folder" and not headers:
                        packed = parse_qs(urlsplit(href).query)["after"][0]
                        told = json.loads(base64.urlsafe_b64decode(packed + "=="))
                        assert told[3] == 0
                assert names == [*found[::way], *["2", "1"][::way]]


async def test_evidence_tells_of_a_folder_only_where_it_is() -> None:
    async with opened() as house:
        await sent(house, "a/one", b"1")
        _, told = await sent(house, "a", b"2")
        assert told["existing"] == {"href": "/files/a/"}


async def test_a_listing_of_one_user_is_not_taken_for_that_of_another() -> None:
    """A browser sends the ETag that it was given before somebody else signed in."""
    shown = Grant(Path(()), frozenset({ANONYMOUS_NAME}), frozenset({Right.LIST, Right.READ}))
    own = Grant(Path(()), frozenset({"user:ann"}), frozenset(Right))
    async with opened(grants=[shown, own]) as house:
        async with house.client.get("/files/") as response:
            etag = response.headers["ETag"]
        headers = {**ANN_SIGNS_IN, "If-None-Match": etag}
        async with house.client.get("/files/", headers=headers) as response:
            assert response.status == 200
            assert (await response.json())["may"] == [*Right]


async def test_no_page_of_a_listing_leads_on_by_the_name_of_what_is_hidden() -> None:
    hidden = [f"h{number}" for number in range(5)]
    private = [Grant(Path((name,)), frozenset({"user:ann"}), frozenset(Right)) for name in hidden]
    async with opened(grants=[FOR_ANYBODY, *private]) as house:
        for name in [*hidden, "a", "h2x", "z"]:
            await house.client.put(f"/files/{name}/", headers=ANN_SIGNS_IN)
        for limit in range(1, 9):
            found: list[str] = []
            href = f"/files/?limit={limit}"
            while href:
                async with house.client.get(href) as page:
                    told = await page.json()
                cursor = (told["next"] or "").partition("after=")[2]
                spelled = base64.urlsafe_b64decode(cursor + "===").decode() if cursor else ""
                assert not [name for name in hidden if f'"{name}"' in spelled]
                found += [entry["name"] for entry in told["entries"]]
                href = told["next"]
            assert found == ["a", "h2x", "z"]


async def test_no_lock_in_a_closed_place_is_told_to_who_takes_the_folder_above_away() -> None:
    """Neither that there is one, nor at which name; nor of a drop box that they may empty."""
    anybody = frozenset({ANONYMOUS_NAME})
    public = Grant(Path(("pub",)), anybody, EVERYTHING)
    closed = Grant(Path(("pub", "f", "closed")), frozenset({"user:ann"}), EVERYTHING)
    box = Grant(Path(("pub", "box", "in")), anybody, frozenset({Right.CREATE, Right.DELETE}))
    own = Grant(Path(("pub", "box", "in")), frozenset({"user:ann"}), EVERYTHING)
    async with opened(grants=[OF_ANN, public, closed, box, own]) as house:

        async def removals(folder: str) -> list[tuple[int, str]]:
            found = []
            for method, address, headers in (
                ("DELETE", f"/files/pub/{folder}/?recursive=true", {}),
                ("POST", f"/files/pub/{folder}/?recursive=true&move=pub/moved", {}),
                ("DELETE", f"/dav/pub/{folder}/", {}),
                ("MOVE", f"/dav/pub/{folder}/", {"Destination": "/dav/pub/moved"}),
                ("COPY", "/dav/pub/open/", {"Destination": f"/dav/pub/{folder}/"}),
            ):
                async with house.client.request(method, address, headers=headers) as answer:
                    found.append((answer.status, await answer.text()))
            return found

        await house.client.put("/files/pub/open/a", data=b"open")
        for path in ("pub/f/closed/secret", "pub/box/in/secret"):
            await house.client.put(f"/files/{path}", data=path, headers=ANN_SIGNS_IN)
        before = await removals("f")
        for path in ("pub/f/closed/secret", "pub/box/in/secret"):
            await davs.lock(house, path, **ANN_SIGNS_IN)
        after = await removals("f")
        assert [status for status, _ in before] == [status for status, _ in after] == [401] * 5
        told = await removals("box")
        assert [status for status, _ in told] == [423] * 5
        assert not [text for _, text in (*after, *told) if "secret" in text]
        # Nor after an upload to the name of the folder was refused.
        refused = await davs.ask(house, "PUT", "pub/f", b"x")
        assert (refused.status, (await davs.ask(house, "DELETE", "pub/f")).status) == (409, 401)


async def test_who_brings_a_folder_back_does_not_learn_how_much_is_hidden_in_it() -> None:
    """It would count to their share."""
    anybody = frozenset({ANONYMOUS_NAME})
    public = Grant(Path(("pub",)), anybody, EVERYTHING)
    box = Grant(Path(("pub", "f", "in")), anybody, frozenset({Right.CREATE, Right.DELETE}))
    limits = Limits(quota_bytes=1000)
    async with opened(grants=[OF_ANN, public, box], limits=limits) as house:
        for size in (10, 2000):
            await house.client.put("/files/pub/f/in/x", data=b"x" * min(size, 900))
            async with house.client.delete("/files/pub/f/?recursive=true") as gone:
                undo = (await gone.json())["undo"]["href"]
            async with house.client.post(undo) as back:
                assert back.status == 401
            assert (await got(house, "pub/f/"))[0] == 404


async def test_what_is_kept_with_a_file_and_who_works_on_it_is_told_to_its_readers_alone() -> None:
    """A listing tells of a file by its name, size, times and digest, and of a drop box that it is."""
    anybody = frozenset({ANONYMOUS_NAME})
    public = Grant(Path(()), anybody, frozenset({Right.LIST}))
    box = Grant(Path(("box",)), anybody, frozenset({Right.CREATE}))
    own = Grant(Path(("box",)), frozenset({"user:ann"}), EVERYTHING)
    async with opened(grants=[OF_ANN, public, box, own]) as house:
        await house.client.put("/files/box/x", data=b"x", headers=ANN_SIGNS_IN)
        await house.client.put("/files/a", data=b"a", headers=ANN_SIGNS_IN)
        for path in ("a", "box/"):
            note = davs.setting("<x:note>secret plans</x:note>")
            assert (await davs.patch(house, path, note, **ANN_SIGNS_IN)).status == 207
            await davs.lock(house, path, owner="Ann Smith", **ANN_SIGNS_IN)
        sync = (
            '<D:sync-collection xmlns:D="DAV:" xmlns:x="urn:x"><D:sync-token>{}</D:sync-token>'
            "<D:sync-level>1</D:sync-level><D:prop><D:lockdiscovery/><x:note/></D:prop>"
            "</D:sync-collection>"
        )
        asked = (
            ("PROPFIND", "", None, "1"),
            ("PROPFIND", "", None, "infinity"),
            ("PROPFIND", "box/", None, "0"),
            ("REPORT", "", sync.format(""), "0"),
            ("REPORT", "", sync.format("urn:noclobber:sync:0"), "0"),
        )
        for method, path, body, depth in asked:
            told = await davs.ask(house, method, path, body, Depth=depth)
            assert told.status == 207, told.text
            assert "/dav/box/" in told.hrefs
            assert "secret plans" not in told.text
            assert "Ann Smith" not in told.text
            hers = await davs.ask(house, method, path, body, Depth=depth, **ANN_SIGNS_IN)
            assert "secret plans" in hers.text
            assert "Ann Smith" in hers.text


async def test_pages_of_a_listing_are_cut_as_if_nothing_were_hidden_in_it() -> None:
    hidden = ["z", "ab", *(f"y{number}" for number in range(12)), "a.b", "z.txt"]
    private = [Grant(Path((name,)), frozenset({"user:ann"}), EVERYTHING) for name in hidden]
    public = Grant(Path(()), frozenset({ANONYMOUS_NAME}), frozenset({Right.LIST, Right.READ}))
    async with opened(grants=[OF_ANN, public, *private]) as house:

        async def pages(order: str, limit: int, desc: str) -> list[list[str]]:
            href, found = f"/files/?limit={limit}&sort={order}&desc={desc}", []
            while href:
                async with house.client.get(href) as page:
                    told = await page.json()
                    assert ("Link" in page.headers) == (told["next"] is not None)
                found.append([entry["name"] for entry in told["entries"]])
                href = told["next"]
            return found

        for name in ("a/", "b/"):
            await house.client.put(f"/files/{name}", headers=ANN_SIGNS_IN)
        for name in ("a.a", "a.txt"):
            await house.client.put(f"/files/{name}", data=name, headers=ANN_SIGNS_IN)
        ways = [(order, limit, desc) for order in Order for limit in (1, 2, 3, 4, 9)
                for desc in ("true", "false")]  # fmt: skip
        before = {way: await pages(*way) for way in ways}
        for name in hidden:
            address, body = (name, name) if "." in name else (f"{name}/", None)
            async with house.client.put(
                f"/files/{address}", data=body, headers=ANN_SIGNS_IN
            ) as put:
                assert put.status == 201
        assert {way: await pages(*way) for way in ways} == before
        assert before[Order.NAME, 2, "false"] == [["a", "b"], ["a.a", "a.txt"]]
        async with house.client.get("/browse/?limit=4", headers={"Accept": "text/html"}) as page:
            assert "Link" not in page.headers
            assert 'rel="next"' not in await page.text()


async def test_no_free_name_is_one_of_a_place_where_its_sender_may_not_store() -> None:
    """Nor does a number that is passed over tell whether something stands there."""
    anybody = frozenset({ANONYMOUS_NAME})
    adding = Grant(Path(()), anybody, frozenset({Right.LIST, Right.READ, Right.CREATE}))
    closed = Grant(Path(("a (2).txt",)), frozenset({"user:ann"}), EVERYTHING)
    for is_there in (False, True):
        async with opened(grants=[OF_ANN, adding, closed]) as house:
            await house.client.put("/files/a.txt", data=b"1", headers=ANN_SIGNS_IN)
            if is_there:
                address = "/files/a%20(2).txt"
                async with house.client.put(address, data=b"2", headers=ANN_SIGNS_IN) as put:
                    assert put.status == 201
            headers = {"Slug": "a.txt", "Prefer": "same-name=rename"}
            async with house.client.post("/files/", data=b"3", headers=headers) as sent_:
                assert (sent_.status, (await sent_.json())["href"]) == (201, "/files/a%20(3).txt")
            refused, told = await sent(house, "a.txt", b"4")
            offered = [one["href"] for one in told["resolutions"] if one["action"] == "store"]
            assert refused.status == 409
            assert [href.rpartition("path=")[2] for href in offered] == ["a%20%284%29.txt"]


async def test_no_lock_is_told_to_who_may_only_drop_and_is_refused_anyway() -> None:
    anybody = frozenset({ANONYMOUS_NAME})
    box = Grant(Path(("box",)), anybody, frozenset({Right.CREATE}))
    own = Grant(Path(("box",)), frozenset({"user:ann"}), EVERYTHING)
    mine = Grant(Path(("mine",)), anybody, EVERYTHING)
    async with opened(grants=[OF_ANN, box, own, mine]) as house:
        await house.client.put("/files/box/x", data=b"x", headers=ANN_SIGNS_IN)
        await sent(house, "mine/a", b"a")

        async def refusals() -> list[int]:
            found = []
            for method, address, headers in (
                ("PUT", "/files/box/x", {}),
                ("PUT", "/files/box/x/y", {}),
                ("PUT", "/dav/box/x", {}),
                ("PUT", "/files/box/X", {}),
                ("PUT", "/files/box/x/", {}),
                ("POST", "/files/mine/a?copy=box/x", {}),
                ("POST", "/files/mine/a?move=box/x", {}),
                ("COPY", "/dav/mine/a", {"Destination": "/dav/box/x"}),
                ("COPY", "/dav/mine/a", {"Destination": "/dav/box/x", "Overwrite": "F"}),
                ("MOVE", "/dav/mine/a", {"Destination": "/dav/box/x"}),
                ("MKCOL", "/dav/box/x/", {}),
                ("LOCK", "/dav/box/x", {"Depth": "0"}),
            ):
                body = b"y" if method == "PUT" and not address.endswith("/") else None
                if method == "LOCK":
                    body = davs.LOCK.format(scope="shared", owner="me").encode()
                async with house.client.request(
                    method, address, data=body, headers=headers
                ) as answer:
                    found.append(answer.status)
            return found

        before = await refusals()
        await davs.lock(house, "box/x", **ANN_SIGNS_IN)
        assert await refusals() == before
        assert 423 not in before
        assert (await davs.ask(house, "PUT", "box/x", b"y", **ANN_SIGNS_IN)).status == 423


async def test_copying_over_what_one_may_not_see_does_not_tell_whether_it_is_the_same() -> None:
    """Neither by the number of the next change nor by what is left of a share."""
    anybody = frozenset({ANONYMOUS_NAME})
    public = Grant(Path(()), anybody, EVERYTHING)
    blind = Grant(Path(("blind",)), anybody, frozenset({Right.CREATE, Right.REPLACE}))
    found = []
    for there in (b"a guess", b"another"):
        async with opened(grants=[public, blind], limits=Limits(quota_bytes=14 + 7)) as house:
            await sent(house, "blind/secret", there)
            await sent(house, "guess", b"a guess")
            goal = {"Destination": "/dav/blind/secret"}
            copied = await davs.ask(house, "COPY", "guess", **goal)
            async with house.client.get("/changes?since=now") as answer:
                last = (await answer.json())["next"]
            more, _ = await sent(house, "more", b"more")
            found.append((copied.status, last, more.status))
    assert found == [(204, "3", 507)] * 2


async def test_a_name_that_is_kept_is_told_to_nobody_who_could_not_store_there() -> None:
    anybody = frozenset({ANONYMOUS_NAME})
    rest = Grant(Path(("v",)), anybody, frozenset({Right.READ, Right.DELETE}))
    own = Grant(Path(("v",)), frozenset({"user:ann"}), EVERYTHING)
    mine = Grant(Path(("mine",)), anybody, EVERYTHING)
    async with opened(grants=[OF_ANN, rest, own, mine]) as house:
        wish = {"reserve": 60, "items": [{"path": "v/kept.txt", "size": 5}]}
        async with house.client.post("/preflight", json=wish, headers=ANN_SIGNS_IN) as kept:
            assert (await kept.json())["verdicts"][0]["reserved"]
        for name in ("kept.txt", "none.txt"):
            for method, address, headers in (
                ("DELETE", f"/files/v/{name}", {}),
                ("POST", f"/files/v/{name}?move=mine/a", {}),
                ("DELETE", f"/dav/v/{name}", {}),
                ("MOVE", f"/dav/v/{name}", {"Destination": "/dav/mine/a"}),
            ):
                async with house.client.request(method, address, headers=headers) as answer:
                    assert answer.status == 404, (method, address)
