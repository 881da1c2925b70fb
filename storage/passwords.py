"""Which words may be a new password: not those that whoever guesses tries first. Knows no user."""

from collections.abc import Iterable, Sequence

from uploads.failures import MalformedRequest

SHORTEST, LONGEST = 8, 1024
# What somebody who knows only the product would try, besides the name of the user.
OF_THIS_PLACE = ("noclobber", "password", "upload", "uploads", "files", "admin")


def check(password: str, user: str) -> None:
    """:raises MalformedRequest: it is too short, too long, or easy to guess."""
    if len(password) < SHORTEST:
        raise MalformedRequest(f"The password is too short: take at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise MalformedRequest(f"The password is too long: take at most {LONGEST} characters.")
    if _is_made_of((*OF_THIS_PLACE, user), password):
        raise MalformedRequest(
            "The password is made of the name of the user, or of words that everybody would try"
            " here. Take another one."
        )
    if password.casefold() in _leaked():
        raise MalformedRequest(
            "The password is one of those that have leaked elsewhere and are tried first."
            " Take another one."
        )


def _is_made_of(words: Iterable[str], password: str) -> bool:
    """Apart from digits and signs there is nothing in it but these words.

    No pattern: where one word begins like another it would try all ways to cut a long password.
    """
    letters = _letters(password)
    known = {found for word in words if (found := _letters(word))}
    ends = {0}
    for at in range(len(letters)):
        if at in ends:
            ends |= {at + len(word) for word in known if letters.startswith(word, at)}
    return bool(letters) and len(letters) in ends


def _letters(text: str) -> str:
    return "".join(one for one in text.casefold() if one.isalpha())


def _leaked() -> Sequence[str]:
    """Those that stood most often in what was leaked. Asked for seldom, and large."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - 14 MB, not for each start

    return FREQUENCY_LISTS["passwords"]
