"""The pages used as by a person with a browser without JavaScript: forms are read and sent."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

from tests import forms
from tests.doors import House, got, opened

BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@dataclass
class Form:
    action: str
    enctype: str
    fields: dict[str, str] = field(default_factory=dict)
    label: str = ""


class Page(HTMLParser):
    """The forms of a page, each with its fields as they stand and what its button says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._in_button = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert values["method"] == "post"
            self.forms.append(Form(values["action"], values.get("enctype", "")))
        elif tag in {"input", "select"} and values.get("type") != "file":
            self.forms[-1].fields[values["name"]] = values.get("value", "")
        self._in_button = tag == "button" or (self._in_button and tag == "bdi")

    def handle_endtag(self, tag: str) -> None:
        self._in_button = self._in_button and tag != "button"

    def handle_data(self, data: str) -> None:
        if self._in_button:
            self.forms[-1].label += data


async def upload(house: House, to: str, *files: bytes, **filled: str) -> tuple[int, str]:
    """Opens a folder, fills its form and sends it; the status and the page or the address."""
    listing = await house.client.get(to, headers=BROWSER)
    (form,) = Page(await listing.text()).forms
    assert form.enctype == "multipart/form-data"
    assert filled.keys() <= form.fields.keys()
    fields = (forms.field(*one) for one in (form.fields | filled).items())
    answer = await house.client.post(
        form.action,
        data=forms.form(*fields, *files),
        headers=BROWSER | forms.TYPE,
        allow_redirects=False,
    )
    return answer.status, answer.headers.get("Location") or await answer.text()


async def press(house: House, page: str, label: str) -> int:
    (form,) = (one for one in Page(page).forms if one.label.startswith(label))
    answer = await house.client.post(
        form.action, data=form.fields, headers=BROWSER, allow_redirects=False
    )
    return answer.status


async def test_files_come_into_a_folder_that_the_form_names_anew() -> None:
    async with opened() as house:
        status, address = await upload(
            house, "/files/", forms.file("a.txt", b"a"), folder="new/one"
        )

        assert (status, address) == (303, "/files/new/one/?stored=1")
        assert await got(house, "new/one/a.txt") == (200, b"a")


@pytest.mark.parametrize(
    ("button", "status", "left"),
    [
        ("Store as a (2).txt", 303, {"a.txt": b"old", "a%20(2).txt": b"new"}),
        ("Replace a.txt", 303, {"a.txt": b"new"}),
        ("Discard", 303, {"a.txt": b"old"}),
    ],
)
async def test_each_button_of_a_conflict_does_what_it_says(
    button: str, status: int, left: dict[str, bytes]
) -> None:
    async with opened() as house:
        await upload(house, "/files/", forms.file("a.txt", b"old"))
        refused, page = await upload(house, "/files/", forms.file("a.txt", b"new"))

        assert refused == 409
        assert await press(house, page, button) == status
        for name, body in left.items():
            assert await got(house, name) == (200, body)


async def test_a_name_in_other_letters_is_proposed_as_it_was_sent() -> None:
    async with opened() as house:
        await upload(house, "/files/", forms.file("a.txt", b"small"))
        _, page = await upload(house, "/files/", forms.file("A.TXT", b"capital"))

        assert await press(house, page, "Store as A (2).TXT") == 303
        assert await got(house, "A%20(2).TXT") == (200, b"capital")


async def test_known_bytes_get_a_second_name_by_a_button() -> None:
    async with opened() as house:
        await upload(house, "/files/", forms.file("a.txt", b"same"))
        _, page = await upload(house, "/files/", forms.file("b.txt", b"same"))

        assert await press(house, page, "Store also as b.txt") == 303
        assert await got(house, "b.txt") == (200, b"same")


async def test_an_old_version_is_restored_from_the_history() -> None:
    async with opened() as house:
        await upload(house, "/files/", forms.file("a.txt", b"old"))
        await upload(house, "/files/", forms.file("a.txt", b"new"), same_name="version")
        history = await house.client.get("/files/a.txt?versions", headers=BROWSER)

        assert await press(house, await history.text(), "Restore version 1") == 303
        assert await got(house, "a.txt") == (200, b"old")
