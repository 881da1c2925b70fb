"""A second factor for people: six digits that are others every half minute (RFC 6238), as any
authenticator app makes them of a secret. Pure; knows no user.
"""

import base64
import hmac
import secrets
import struct
from urllib.parse import quote

_SECONDS = 30
_DIGITS = 6
# As many bits as the digest has (RFC 4226 section 4).
_SECRET_BYTES = 20


def fresh() -> str:
    """A secret, in the letters that apps take (base32)."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def step(now: float) -> int:
    """A code counts in one of these alone."""
    return int(now // _SECONDS)


def code(secret: str, at: int) -> str:
    digest = hmac.digest(base64.b32decode(secret), struct.pack("!Q", at), "sha1")
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4]) & 0x7FFF_FFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def address(secret: str, user: str) -> str:
    """What apps read, often as a picture."""
    return f"otpauth://totp/noclobber:{quote(user)}?secret={secret}&issuer=noclobber"
