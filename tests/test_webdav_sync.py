"""sync-collection: whoever applies each answer ends with the collection, whatever has happened."""

import random
from dataclasses import dataclass, field

import pytest

from tests.davs import DAV, Answer, ask, find
from tests.doors import ROOT, House, opened, sent
from uploads.access import ALL_RIGHTS, ANONYMOUS_NAME, Grant, Right
from uploads.names import Path

ANN = "Basic YW5uOnNlY3JldA=="
FIRST = ""


async def report(
    house: House, path: str, token: str, level: str = "infinite", limit: int = 0, **headers: str
) -> Answer:
    bound = f"<D:limit><D:nresults>{limit}</D:nresults></D:limit>" if limit else ""
    body = (
        f'<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token>'
        f"<D:sync-level>{level}</D:sync-level>{bound}<D:prop><D:getetag/></D:prop>"
        "</D:sync-collection>"
    )
    return await ask(house, "REPORT", path, body, **headers)


@dataclass
class Follower:
    """What a client knows: addresses and ETags."""

    known: dict[str, str] = field(default_factory=dict)
    token: str = FIRST

    def apply(self, answer: Answer, top: str) -> bool:
        """Is there more?"""
        assert answer.status == 207, answer.text
        more = False
        for response in answer.xml.iter(f"{DAV}response"):
            href = response.findtext(f"{DAV}href") or ""
            etag = response.findtext(f".//{DAV}getetag")
            if href == top:
                assert "507" in (response.findtext(f"{DAV}status") or "")
                more = True
            elif etag is None:
                assert "404" in (response.findtext(f"{DAV}status") or "")
                gone = [one for one in self.known if one.rstrip("/") == href or
                        one.startswith(href.rstrip("/") + "/")]  # fmt: skip
                for one in gone:
                    del self.known[one]
            else:
                self.known.pop(href.rstrip("/") if href.endswith("/") else f"{href}/", None)
                self.known[href] = etag
        self.token = answer.xml.findtext(f"{DAV}sync-token") or ""
        return more

    async def follow(self, house: House, path: str, limit: int = 0) -> None:
        for _ in range(1000):
            limit_now = limit if self.token else 0
            answer = await report(house, path, self.token, limit=limit_now)
            if not self.apply(answer, f"/dav/{path}"):
                return
        raise AssertionError("it never ends")


async def files(house: House, path: str) -> dict[str, str]:
    """The ETags of the folders change with all below them; of the files they are compared."""
    answer = await find(house, path, "getetag", depth="infinity")
    found = {}
    for href in answer.hrefs:
        etag = answer.properties(href)["{DAV:}getetag"][1].text or ""
        if href != f"/dav/{path}":
            found[href] = "folder" if href.endswith("/") else etag
    return found


def plain(known: dict[str, str]) -> dict[str, str]:
    return {href: "folder" if href.endswith("/") else etag for href, etag in known.items()}


async def test_a_client_learns_all_at_first_and_then_what_has_changed() -> None:
    async with opened() as house:
        for name in ("a/b.txt", "a/c/d.txt", "a/e.txt", "other.txt"):
            await sent(house, name, name.encode())
        follower = Follower()
        await follower.follow(house, "a/")
        assert plain(follower.known) == await files(house, "a/")

        await ask(house, "PUT", "a/b.txt", b"changed")
        await ask(house, "DELETE", "a/e.txt")
        await ask(house, "MOVE", "a/c", Destination="/dav/a/f")
        await ask(house, "PUT", "other.txt", b"elsewhere")
        answer = await report(house, "a/", follower.token)
        assert "other.txt" not in answer.text
        assert not follower.apply(answer, "/dav/a/")
        assert plain(follower.known) == await files(house, "a/")
        assert (await report(house, "a/", follower.token)).hrefs == []


async def test_what_is_in_the_folder_itself_can_be_all_that_is_wanted() -> None:
    async with opened() as house:
        await sent(house, "a/b/c.txt", b"one")
        await sent(house, "a/d.txt", b"two")
        first = await report(house, "a/", FIRST, "1")
        assert first.hrefs == ["/dav/a/b/", "/dav/a/d.txt"]
        token = first.xml.findtext(f"{DAV}sync-token") or ""
        await ask(house, "PUT", "a/b/c.txt", b"three")
        await ask(house, "PUT", "a/d.txt", b"four")
        assert (await report(house, "a/", token, "1")).hrefs == ["/dav/a/d.txt"]


@pytest.mark.parametrize("seed", range(12))
async def test_a_follower_ends_with_the_tree_after_any_changes(seed: int) -> None:
    chance = random.Random(seed)
    names = ["a", "b", "c", "a/x", "a/y", "b/x", "a/x/y"]
    async with opened() as house:
        await ask(house, "MKCOL", "top")
        follower = Follower()
        for step in range(60):
            one, other = (f"top/{chance.choice(names)}" for _ in range(2))
            match chance.randrange(6):
                case 0 | 1:
                    await ask(house, "PUT", one, f"{step}".encode())
                case 2:
                    await ask(house, "MKCOL", one)
                case 3:
                    await ask(house, "DELETE", one, If="(Not <DAV:no-lock>)")
                case 4:
                    await ask(house, "MOVE", one, Destination=f"/dav/{other}")
                case _:
                    await ask(house, "COPY", one, Destination=f"/dav/{other}")
            if chance.random() < 0.3:
                await follower.follow(house, "top/", limit=chance.choice((1, 2, 0)))
                assert plain(follower.known) == await files(house, "top/")


async def test_the_token_is_told_as_a_property_and_leads_on_from_there() -> None:
    async with opened() as house:
        await sent(house, "a/b.txt", b"one")
        told = (await find(house, "a/", "sync-token", "supported-report-set")).properties("/dav/a/")
        token = told["{DAV:}sync-token"][1].text or ""
        assert told["{DAV:}supported-report-set"][1].find(f".//{DAV}sync-collection") is not None
        await ask(house, "PUT", "a/c.txt", b"two")
        assert (await report(house, "a/", token)).hrefs == ["/dav/a/c.txt"]


async def test_a_token_is_a_condition_that_nothing_in_its_folder_was_changed_since() -> None:
    async with opened() as house:
        await sent(house, "a/b.txt", b"one")
        told = (await find(house, "a/", "sync-token")).properties("/dav/a/")
        token = told["{DAV:}sync-token"][1].text
        unchanged = {"If": f"</dav/a/> (<{token}>)"}
        await sent(house, "elsewhere.txt", b"two")
        assert (await ask(house, "PUT", "a/c.txt", b"three", **unchanged)).status == 201
        refused = await ask(house, "PUT", "a/d.txt", b"four", **unchanged)
        assert (refused.status, refused.refusal) == (412, "stale-version")
        assert (await ask(house, "MKCOL", "a/d", **unchanged)).status == 412
        assert (
            await ask(house, "DELETE", "a/b.txt", If=f"</dav/a/> (Not <{token}>)")
        ).status == 204


@pytest.mark.parametrize(
    "states",
    [
        "</dav/a/> (<urn:noclobber:sync:999999>)",
        "</dav/a/> (<urn:noclobber:sync:now>)",
        "</dav/a/b.txt> (<urn:noclobber:sync:1>)",
        "</dav/nowhere/> (<urn:noclobber:sync:1>)",
        "<http://elsewhere/a/> (<urn:noclobber:sync:1>)",
    ],
)
async def test_a_token_that_is_not_of_the_folder_is_a_condition_that_fails(states: str) -> None:
    async with opened() as house:
        await sent(house, "a/b.txt", b"one")
        assert (await ask(house, "PUT", "a/c.txt", b"two", If=states)).status == 412


@pytest.mark.parametrize("token", ["urn:noclobber:sync:999999", "urn:noclobber:sync:x", "old"])
async def test_a_token_that_leads_nowhere_is_no_answer_of_nothing(token: str) -> None:
    async with opened() as house:
        await sent(house, "a/b.txt", b"one")
        answer = await report(house, "a/", token)
        assert (answer.status, answer.refusal) == (403, "changes-forgotten")
        assert answer.xml.find(f"{DAV}valid-sync-token") is not None


@pytest.mark.parametrize("above", ["top/a/", "top/"])
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("DELETE", {}),
        ("MOVE", {"Destination": "/dav/away"}),
        ("MOVE", {"Destination": "/dav/other", "Overwrite": "T"}),
    ],
)
async def test_a_token_is_none_of_another_folder_that_stands_in_the_place_of_its_own(
    above: str, method: str, headers: dict[str, str]
) -> None:
    """What was in the first one is gone with it, and nothing else would tell."""
    async with opened() as house:
        await sent(house, "top/a/b.txt", b"one")
        await sent(house, "other/c.txt", b"two")
        follower = Follower()
        await follower.follow(house, "top/a/")
        assert (await ask(house, method, above, **headers)).status in {201, 204}
        await sent(house, "top/a/new.txt", b"three")
        answer = await report(house, "top/a/", follower.token)
        assert (answer.status, answer.refusal) == (403, "changes-forgotten")
        assert answer.xml.find(f"{DAV}valid-sync-token") is not None
        again = Follower()
        await again.follow(house, "top/a/")
        assert list(again.known) == ["/dav/top/a/new.txt"]
        await ask(house, "DELETE", "top/a/new.txt")
        await again.follow(house, "top/a/")
        assert again.known == {}


async def test_a_token_goes_on_with_its_folder_under_another_name() -> None:
    async with opened() as house:
        await sent(house, "a/b.txt", b"one")
        token = (await report(house, "a/", FIRST)).xml.findtext(f"{DAV}sync-token") or ""
        await ask(house, "MOVE", "a", Destination="/dav/A")
        answer = await report(house, "A/", token)
        assert (answer.status, answer.hrefs) == (207, ["/dav/A/b.txt"])


async def test_reports_that_cannot_be_are_refused() -> None:
    async with opened() as house:
        await sent(house, "a/b.txt", b"one")
        await sent(house, "a/c.txt", b"two")
        assert (await report(house, "a/b.txt", FIRST)).status == 400
        assert (await report(house, "nowhere/", FIRST)).status == 404
        assert (await report(house, "a/", FIRST, Depth="1")).status == 400
        assert (await ask(house, "REPORT", "a/", "<x/>")).status == 400
        small = await report(house, "a/", FIRST, limit=1)
        assert (small.status, small.refusal) == (507, "too-much-to-list")
        assert small.xml.find(f"{DAV}number-of-matches-within-limits") is not None
        assert len((await report(house, "a/", FIRST, limit=2)).hrefs) == 2


async def test_a_client_is_told_nothing_of_what_it_may_not_list() -> None:
    stranger, ann = frozenset({ANONYMOUS_NAME}), frozenset({"user:ann"})
    grants = (
        Grant(ROOT, stranger, ALL_RIGHTS),
        Grant(ROOT, ann, frozenset({Right.LIST, Right.READ})),
        Grant(Path(("hidden",)), stranger, ALL_RIGHTS),
    )
    async with opened(grants) as house:
        await sent(house, "a.txt", b"one")
        await sent(house, "hidden/b.txt", b"two")
        first = await report(house, "", FIRST, Authorization=ANN)
        assert first.hrefs == ["/dav/a.txt"]
        token = first.xml.findtext(f"{DAV}sync-token") or ""
        await sent(house, "hidden/c.txt", b"three")
        await ask(house, "MOVE", "a.txt", Destination="/dav/hidden/a.txt")
        answer = await report(house, "", token, Authorization=ANN)
        assert answer.hrefs == ["/dav/a.txt"]
        assert "404" in answer.text
        assert "hidden" not in answer.text
        later = (await report(house, "", token, Authorization=ANN)).xml
        shown = later.findtext(f"{DAV}sync-token")
        for place, status in (("/dav/", 207), ("/dav/hidden/", 412)):
            headers = {"If": f"<{place}> (<{shown}>)", "Depth": "0", "Authorization": ANN}
            assert (await ask(house, "PROPFIND", "", **headers)).status == status, place
