"""What may be a name or a path, and when two names collide: the known tricks, row by row."""

# ruff: noqa: RUF001 - characters that look like others are what this is about

import sys
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploads import names
from uploads.names import BadName, Equivalence, Limits, Path, Rule
from uploads.spelling import check, is_harmless

LIMITS = Limits()
EXACT = Limits(exact_in=lambda _folder: True)
TEXTS = (
    st.text()
    | st.text(alphabet="aAé./\\%2eEfF05cC \u200d\u0301:")
    | st.text(alphabet=st.characters(categories=["Cf", "Mn", "So", "Cs", "Lo"]))
)


def refusal(text: str, limits: Limits = LIMITS) -> Rule | None:
    try:
        path = names.parse(text, limits)
    except BadName as bad:
        return bad.rule
    assert str(path) == text
    return None


# fmt: off
REFUSED = [
    # Ways out of the folder, as they are left after the one decoding of the address.
    ("..", Rule.DOTS), (".", Rule.DOTS), ("...", Rule.DOTS), (". .", Rule.DOTS), (".. ", Rule.DOTS), ("a/../b", Rule.DOTS),
    ("./a", Rule.DOTS), ("a/.", Rule.DOTS), ("....//a", Rule.DOTS), ("/etc/passwd", Rule.EMPTY), ("//host/x", Rule.EMPTY),
    ("a//b", Rule.EMPTY), ("a/", Rule.EMPTY), ("/", Rule.EMPTY), (".//", Rule.DOTS),
    ("..\\a", Rule.SEPARATOR), ("\\\\host\\x", Rule.SEPARATOR), ("a\\b", Rule.SEPARATOR), ("C:\\a", Rule.SEPARATOR),
    ("%2e%2e", Rule.ENCODED_TWICE), ("%2E%2e", Rule.ENCODED_TWICE), (".%2e", Rule.ENCODED_TWICE), ("%2e", Rule.ENCODED_TWICE),
    ("..%2fa", Rule.ENCODED_TWICE), ("%2e%2e%2fa", Rule.ENCODED_TWICE), ("a%2Fb", Rule.ENCODED_TWICE), ("a%5cb", Rule.ENCODED_TWICE),
    ("a%5Cb", Rule.ENCODED_TWICE), ("a.php%00.jpg", Rule.ENCODED_TWICE), ("a%0d%0ab", Rule.ENCODED_TWICE), ("a%7f", Rule.ENCODED_TWICE),
    ("%252e%252e", Rule.ENCODED_TWICE), ("%25252e%25252e%25252f", Rule.ENCODED_TWICE), ("%2%65%2e", Rule.ENCODED_TWICE),
    ("%c0%ae%c0%ae", Rule.ENCODED_TWICE), ("%c0%af", Rule.ENCODED_TWICE), ("%e0%80%af", Rule.ENCODED_TWICE),
    ("%f0%80%80%af", Rule.ENCODED_TWICE), ("%c1%9c", Rule.ENCODED_TWICE), ("%2e%2e%20", Rule.ENCODED_TWICE),
    # What ends a string, a line or a record somewhere.
    ("a\0.jpg", Rule.CONTROL), ("a\nb", Rule.CONTROL), ("a\rb", Rule.CONTROL), ("a\tb", Rule.CONTROL), ("\x1b[31ma", Rule.CONTROL),
    ("a\x7f", Rule.CONTROL), ("a\x85b", Rule.CONTROL), ("a\x9b", Rule.CONTROL), ("a\u2028b", Rule.CONTROL), ("a\u2029b", Rule.CONTROL),
    ("\t", Rule.CONTROL), ("\n", Rule.CONTROL),
    # What nobody sees, or sees otherwise.
    *((f"a{chr(point)}b", Rule.BIDI) for point in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))),
    *((f"a{chr(point)}b", Rule.INVISIBLE) for point in (0xAD, 0x34F, 0x115F, 0x1160, 0x17B4, 0x180B, 0x180E, 0x200B, 0x200C, 0x200D,
                                                         0x2060, 0x2061, 0x206A, 0x2800, 0x3164, 0xFE00, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF9,
                                                         0x1D173, 0xE0001, 0xE0041, 0xE007F, 0xE0100)),
    ("\ufeffa", Rule.INVISIBLE), ("a\u200d", Rule.INVISIBLE), ("\u200da", Rule.INVISIBLE), ("1\ufe0fa", Rule.INVISIBLE),
    ("\U0001f3f4\U000e0067\U000e007f", Rule.INVISIBLE), ("😀\u200da", Rule.INVISIBLE), ("\u0645\u200c.txt", Rule.INVISIBLE), ("\u0645\u200d", Rule.INVISIBLE), ("😀\u200c😀", Rule.INVISIBLE),
    ("a\u0378", Rule.UNASSIGNED), ("a\ufdd0", Rule.UNASSIGNED), ("a\uffff", Rule.UNASSIGNED), ("a\U0010ffff", Rule.UNASSIGNED),
    ("a\ue000", Rule.PRIVATE), ("a\U000f0000", Rule.PRIVATE), ("a\ud800", Rule.NOT_UTF8), ("a\udcff", Rule.NOT_UTF8),
    (" ", Rule.BLANK), ("   ", Rule.BLANK), ("\u3000", Rule.BLANK), ("a/\u00a0\u2003/b", Rule.BLANK),
    ("", None),
    # What Windows cannot hold, or holds under another name.
    *((f"a{mark}b", Rule.CHARACTER) for mark in '<>:"|?*'), ("a.txt::$DATA", Rule.CHARACTER), ("a.txt:b", Rule.CHARACTER), ("C:", Rule.CHARACTER),
    ("a.php.", Rule.TRAILING), ("a.php ", Rule.TRAILING), ("a. .", Rule.TRAILING), ("a./b", Rule.TRAILING), ("a\u00a0", Rule.TRAILING),
    ("a\u3000", Rule.TRAILING), (" a", Rule.LEADING_SPACE), ("\u2003a", Rule.LEADING_SPACE),
]
WELCOME = [
    "a.jpg.php", ".htaccess", ".git/config", "desktop.ini", ".DS_Store", "PROGRA~1", "%", "_", "100%", "100%25", "50%20off", "%zz", "%ff", "[.]+", "';--", "a..b", "..a",
    "a.b.c", "-rf", "~", "$HOME", "`id`", "{{x}}", "CONSOLE", "COM", "COM10", "COM0x", "LPT", "NULL.txt", "my con.txt", "con-1", "a.con",
    "résumé.pdf", "re\u0301sume\u0301.pdf", "Straße", "日本語　資料.txt", "Screenshot at 1.00.00\u202fPM.png", "İstanbul", "ﬁ", "ａ／ｂ", "a∕b", "½",
    "👨‍👩‍👧", "👩🏽‍💻.png", "❤️.txt", "❤︎", "1️⃣.txt", "🏳️‍🌈", "©️", "‼️", "می‌خواهم.txt", "क्‍ष", "ශ්‍රී", "\u0600١", "🇩🇪", "\ufffd",
]
# fmt: on


@pytest.mark.parametrize(("text", "rule"), REFUSED)
def test_each_trick_is_refused_by_its_own_rule(text: str, rule: Rule | None) -> None:
    assert refusal(text) is rule


DEVICES = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"] + [
    f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³"
]


@pytest.mark.parametrize("device", DEVICES)
def test_the_devices_of_windows_are_refused_in_any_case_and_with_any_extension(device: str) -> None:
    spellings = [
        device,
        device.lower(),
        device.title(),
        device + ".txt",
        device.lower() + ".tar.gz",
        device + " .txt",
        f"a/{device}/b",
    ]
    assert {refusal(spelling) for spelling in spellings} == {Rule.RESERVED}
    assert {refusal(spelling, EXACT) for spelling in spellings} == {None}
    assert refusal(device + "x.txt") is None


@pytest.mark.parametrize("text", WELCOME)
def test_a_name_that_means_no_harm_is_taken_as_it_is(text: str) -> None:
    assert refusal(text) is None


def test_an_exact_folder_takes_what_only_windows_cannot_hold_and_nothing_else() -> None:
    windows = {Rule.CHARACTER, Rule.TRAILING, Rule.LEADING_SPACE, Rule.RESERVED}
    for text, rule in REFUSED:
        assert refusal(text, EXACT) is (None if rule in windows else rule), text


def test_exact_folders_are_told_by_their_path() -> None:
    limits = Limits(exact_in=lambda folder: folder.parts[:1] == ("unix",))
    assert refusal("unix/a:b", limits) is None
    assert refusal("unix/c/a:b", limits) is None
    assert refusal("a:b", limits) is Rule.CHARACTER


@pytest.mark.parametrize("character", ["a", "é", "語", "😀"])
def test_a_name_may_have_255_bytes_and_no_more(character: str) -> None:
    size = len(character.encode())
    fits = character * (255 // size) + "a" * (255 % size)
    assert len(fits.encode()) == 255
    assert refusal(fits) is None
    assert refusal(fits + "a") is Rule.NAME_TOO_LONG


def test_a_path_may_have_4096_bytes_and_32_names_and_no_more() -> None:
    longest = "/".join(["a" * 255] * 16)[:-1]
    assert len(longest) < 4096
    assert refusal(longest + "a") is None
    assert refusal("/".join(["é" * 127] * 17)) is Rule.PATH_TOO_LONG
    assert refusal("/".join(["a"] * 32)) is None
    assert refusal("/".join(["a"] * 33)) is Rule.TOO_DEEP


def test_a_refusal_names_the_thing_visibly_and_says_what_to_do() -> None:
    with pytest.raises(BadName) as caught:
        names.parse("invoice\u202efdp.exe", LIMITS)
    assert "<U+202E>" in caught.value.message
    assert "\u202e" not in caught.value.message
    assert "Take it out" in caught.value.message


@given(TEXTS, st.sampled_from([LIMITS, EXACT]))
def test_any_text_is_a_path_that_spells_it_or_a_bad_name(text: str, limits: Limits) -> None:
    try:
        path = names.parse(text, limits)
    except BadName as bad:
        (bad.message + bad.name).encode()
        return
    assert str(path) == text
    for part in path.parts:
        assert part.strip(" .")
        assert not {"/", "\\"} & set(part)
        assert not {"Cc", "Cs", "Cn", "Co", "Zl", "Zp"} & set(map(unicodedata.category, part))
        assert not {"/", "\\", "\0"} & set(unquote(part))
    assert names.decode(path.href_path().encode()) == text


def test_a_path_knows_its_names() -> None:
    path = names.parse("a/b/c d?.txt".replace("?", "#"), LIMITS)
    assert (path.name, str(path.parent), path.parts) == ("c d#.txt", "a/b", ("a", "b", "c d#.txt"))
    assert path.parent.child("c d#.txt") == path
    assert path.href_path() == "a/b/c%20d%23.txt"
    assert (Path(()).name, Path(()).parent, str(Path(())), Path(()).folded) == (
        "",
        Path(()),
        "",
        "",
    )
    assert Path(("a",)) < Path(("a", "b")) < Path(("b",))


def test_what_rfc_3986_leaves_readable_stays_readable() -> None:
    assert Path(("a-b_c~(1)!$&'*+,;=@.txt",)).href_path() == "a-b_c~(1)!$&'*+,;=@.txt"
    assert Path(("é%?#[]",)).href_path() == "%C3%A9%25%3F%23%5B%5D"


# fmt: off
ADDRESSES = [
    (b"a%", Rule.BAD_ESCAPE), (b"a%2", Rule.BAD_ESCAPE), (b"a%zz", Rule.BAD_ESCAPE), (b"%u002e", Rule.BAD_ESCAPE), (b"%+1", Rule.BAD_ESCAPE), (b"%%32e", Rule.BAD_ESCAPE),
    (b"..%2fa", Rule.SEPARATOR), (b"a%2Fb", Rule.SEPARATOR),
    (b"%ff", Rule.NOT_UTF8), (b"\xff", Rule.NOT_UTF8), (b"%c0%ae", Rule.NOT_UTF8), (b"%c0%af", Rule.NOT_UTF8), (b"%ed%a0%80", Rule.NOT_UTF8), (b"%e9", Rule.NOT_UTF8),
]
# fmt: on


@pytest.mark.parametrize(("raw", "rule"), ADDRESSES)
def test_an_address_that_cannot_be_decoded_for_certain_is_refused(raw: bytes, rule: Rule) -> None:
    with pytest.raises(BadName) as caught:
        names.decode(raw)
    assert caught.value.rule is rule


def test_an_address_is_decoded_once() -> None:
    assert names.decode(b"a%20b+c%25.txt") == "a b+c%.txt"
    assert names.decode(b"%252e%252e") == "%2e%2e"
    assert names.decode("é%C3%A9".encode()) == "éé"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_what_is_encoded_is_decoded_to_the_same(text: str) -> None:
    assert names.decode(names.encode(text).encode("ascii")) == text


@given(st.binary() | st.text(alphabet="%2eE/fF0a").map(str.encode))
def test_any_bytes_decode_or_are_a_bad_name(raw: bytes) -> None:
    try:
        names.decode(raw)
    except BadName as bad:
        (bad.message + bad.name).encode()


# fmt: off
SPELLINGS = [
    ("report.pdf", "report.pdf", Equivalence.IDENTICAL),
    ("é.txt", "e\u0301.txt", Equivalence.NORMALISATION), ("\u212b", "Å", Equivalence.NORMALISATION), ("\u1e9b\u0323", "\u017f\u0323\u0307", Equivalence.NORMALISATION),
    ("\u212a", "K", Equivalence.NORMALISATION), ("한", "\u1112\u1161\u11ab", Equivalence.NORMALISATION),
    ("Report.PDF", "report.pdf", Equivalence.CASE), ("straße", "STRASSE", Equivalence.CASE), ("ſ", "s", Equivalence.CASE), ("\u212a", "k", Equivalence.CASE),
    ("İ", "i\u0307", Equivalence.CASE), ("ΣΑΣ", "σας", Equivalence.CASE), ("ﬁ", "FI", Equivalence.CASE), ("É", "e\u0301", Equivalence.CASE), ("ᾳ\u0301", "ΑΙ\u0301", None),
    ("a", "a.", Equivalence.PADDING), ("a. . ", "A", Equivalence.PADDING), ("é ", "e\u0301", Equivalence.PADDING),
    ("a", "b", None), ("ａ", "a", None), ("ı", "i", None), ("a b", "ab", None), ("é", "e", None), ("½", "1⁄2", None), ("...", "", None), (".a", "a", None),
]
# fmt: on


@pytest.mark.parametrize(("sent", "stored", "rule"), SPELLINGS)
def test_two_spellings_collide_by_the_least_rule_that_makes_them_equal(
    sent: str, stored: str, rule: Equivalence | None
) -> None:
    assert names.matching_rule(sent, stored) is rule
    assert names.matching_rule(stored, sent) is rule
    assert (names.key(sent) == names.key(stored)) is (rule is not None)
    assert names.key(sent, exact=True) == sent


@given(TEXTS, TEXTS)
def test_names_have_one_key_exactly_when_a_rule_says_why(one: str, other: str) -> None:
    for sent, stored in (
        (one, other),
        (one, one.upper()),
        (one, unicodedata.normalize("NFD", one)),
        (one, one + ". "),
    ):
        assert (names.key(sent) == names.key(stored)) is (
            names.matching_rule(sent, stored) is not None
        )


@given(TEXTS | st.text(alphabet="\u0345\u1fb3\u0391\u0301\u0130ß\u1e9b\u0323ŉǰΐ . A"))
def test_the_key_of_a_key_is_the_key_itself(name: str) -> None:
    key = names.key(name)
    assert names.key(key) == key
    assert unicodedata.is_normalized("NFC", key)
    assert names.key(unicodedata.normalize("NFC", name)) == key
    assert names.key(unicodedata.normalize("NFD", name)) == key


def test_the_key_of_every_single_character_is_stable() -> None:
    for point in range(sys.maxunicode + 1):
        key = names.key(chr(point))
        if key != chr(point):
            assert names.key(key) == key, hex(point)


def test_every_spelling_of_a_folder_is_one_place_for_rights() -> None:
    assert names.parse("Private/É", LIMITS).folded == names.parse("private/e\u0301", LIMITS).folded
    assert Path(("Private", "x")).folded == "private/x"
    assert Path(("...",)).folded == "..."


def test_spellings_that_look_the_same_are_told_apart_by_their_code_points() -> None:
    assert (
        names.both_spellings("caf\u00e9.txt", "cafe\u0301.txt")
        == '"caf\u00e9.txt" and "cafe\u0301.txt" (U+00E9 against U+0065 U+0301)'
    )
    assert names.both_spellings("A", "a") == '"A" and "a"'


# fmt: off
NUMBERED = [
    ("report.pdf", "report (2).pdf"), ("backup.tar.gz", "backup (2).tar.gz"), ("dump.sql.zst", "dump (2).sql.zst"), ("v1.2.gz", "v1.2 (2).gz"), ("README", "README (2)"),
    (".bashrc", ".bashrc (2)"), (".tar.gz", ".tar (2).gz"), ("Dr. Smith", "Dr. Smith (2)"), ("a.b.c", "a.b (2).c"), ("report (2).pdf", "report (2) (2).pdf"), ("日本.語", "日本 (2).語"),
]
# fmt: on


@pytest.mark.parametrize(("name", "free"), NUMBERED)
def test_a_free_name_keeps_the_extension(name: str, free: str) -> None:
    assert names.free_name(name, {name}.__contains__) == free
    assert names.free_name(name, set[str]().__contains__) == name


def test_among_thousands_taken_the_first_free_number_is_found_with_few_questions() -> None:
    taken = {"a.txt"} | {f"a ({number}).txt" for number in range(2, 50_001)}
    asked: list[str] = []

    def is_taken(name: str) -> bool:
        asked.append(name)
        return name in taken

    assert names.free_name("a.txt", is_taken) == "a (50001).txt"
    assert len(asked) < 40


@pytest.mark.parametrize(
    "name",
    [
        "é" * 125 + ".txt",
        "e\u0301" * 83 + ".txt",
        "👨‍👩‍👧" * 14,
        "a" * 255,
        "語" * 85,
        "a" * 240 + "💻🏽.tar.gz",
    ],
)
def test_a_free_name_is_shortened_at_the_border_of_a_character(name: str) -> None:
    free = names.free_name(name, {name}.__contains__)
    assert len(free.encode()) <= 255
    assert refusal(free) is None
    stem = free[: free.index(" (2)")]
    assert name.startswith(stem)
    assert unicodedata.category(name[len(stem)])[0] != "M"


@given(TEXTS | st.text(min_size=100), st.integers(0, 40))
def test_a_free_name_of_a_good_name_is_a_good_name(name: str, count: int) -> None:
    if "/" in name or not name or refusal(name) is not None:
        return
    taken: set[str] = set()
    for _ in range(count):
        free = names.free_name(name, taken.__contains__)
        assert free not in taken
        assert refusal(free) is None
        taken.add(free)


@given(TEXTS | st.text(min_size=100), st.integers(1, 255), st.integers(2, names.NUMBERS - 1))
def test_a_number_finds_room_where_it_is_said_to(name: str, room: int, number: int) -> None:
    if "/" in name or not name or refusal(name) is not None:
        return
    if names.may_be_numbered(name, room):
        free = names.numbered(name, number, room)
        assert len(free.encode()) <= room
        assert refusal(free) is None
        assert free[0] == name[0]
    else:
        assert len(names.numbered(name, names.NUMBERS - 1).encode()) > room


def test_there_is_room_for_a_number_just_where_one_character_stays() -> None:
    longest = len("a (999999999).tar.gz")
    assert names.may_be_numbered("abc.tar.gz", longest)
    assert not names.may_be_numbered("abc.tar.gz", longest - 1)
    assert not names.may_be_numbered("語.tar.gz", longest)


@given(st.text(alphabet="aA1_-. ", max_size=8) | st.sampled_from(["con .a", "LPT1.x", "aux", "x."]))
def test_a_name_that_is_called_harmless_at_first_sight_has_no_fault_at_the_second(
    name: str,
) -> None:
    if is_harmless(name, 255):
        check(name, 255, exact=False)


def test_a_long_name_is_not_harmless() -> None:
    assert is_harmless("a" * 255, 255)
    assert not is_harmless("a" * 256, 255)
