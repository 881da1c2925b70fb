"""Which characters nobody sees, and where one of them is honest writing all the same.

An invisible character makes two names that look alike, or hides text in one. Three uses are kept,
because without them ordinary names could not be stored as their owners write them:

- the joiners in Indic scripts, after a virama, and between Arabic letters (every other Persian
  word has a zero width non-joiner, and it changes how the word looks);
- the joiner between two pictures, which makes one picture of them;
- the selector that says whether the sign before it is a picture or a letter, and keycaps.

Ideographic variation selectors and tags stay out: most fonts show no difference, and tags can carry
a whole hidden text.
"""

import unicodedata
from typing import Final

ZERO_WIDTH_NON_JOINER: Final = "\u200c"
ZERO_WIDTH_JOINER: Final = "\u200d"
PICTURE_SELECTORS: Final = frozenset("\ufe0e\ufe0f")
KEYCAP: Final = "\u20e3"
KEYCAP_BASES: Final = frozenset("0123456789#*")
VIRAMA_CLASS: Final = 9

# Format characters (Cf) that have a shape: number and verse signs, before or around digits.
VISIBLE_FORMATS: Final = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
# Letters, marks and symbols without a shape (Default_Ignorable_Code_Point; the empty Braille cell).
SHAPELESS: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
).union(map(chr, range(0xFE00, 0xFE10)), map(chr, range(0xE0100, 0xE01F0)))
# Signs that can be pictures and are no symbols to Unicode.
PICTURES_AMONG_LETTERS: Final = frozenset("\u203c\u2049\u2139\u3030")
SYMBOLS: Final = frozenset({"So", "Sm"})
SKIN_TONES: Final = frozenset("\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")


def is_invisible(name: str, at: int) -> bool:
    """Is the character there invisible, and not at a place where writing needs it?"""
    character = name[at]
    before, after = name[at - 1 : at] if at else "", name[at + 1 : at + 2]
    if character in (ZERO_WIDTH_JOINER, ZERO_WIDTH_NON_JOINER):
        return not _joins(character, before, after)
    if character in PICTURE_SELECTORS:
        keycap = before in KEYCAP_BASES and after == KEYCAP
        return not (_is_picture(before) or keycap)
    if unicodedata.category(character) == "Cf":
        return character not in VISIBLE_FORMATS
    return character in SHAPELESS


def _joins(joiner: str, before: str, after: str) -> bool:
    if not before:
        return False
    if unicodedata.combining(before) == VIRAMA_CLASS or (_is_arabic(before) and _is_arabic(after)):
        return True
    pictures = _is_picture(before) or before in PICTURE_SELECTORS or before in SKIN_TONES
    return joiner == ZERO_WIDTH_JOINER and pictures and _is_picture(after)


def _is_picture(character: str) -> bool:
    if not character:
        return False
    return character in PICTURES_AMONG_LETTERS or unicodedata.category(character) in SYMBOLS


def _is_arabic(character: str) -> bool:
    if not character or unicodedata.category(character)[0] not in "LM":
        return False
    return unicodedata.name(character, "").startswith("ARABIC ")
