"""Which host a request is for, and whether that is us (RFC 9112 sections 3.2 and 3.3). Pure."""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

from handlers.problems import Refusal, of_type

ABSOLUTE = re.compile(r"(?i:https?)://([^/?#]*)(.*)", re.DOTALL)
AUTHORITY = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:@/?#\[\]]+)(?::[0-9]*)?")


def split(target: str) -> tuple[str | None, str]:
    """The authority of an absolute target, and the target as it would be without."""
    found = None if target.startswith("/") else ABSOLUTE.fullmatch(target)
    if found is None:
        return None, target
    return found[1], found[2] if found[2].startswith("/") else "/" + found[2]


def asked(target: str, lines: Sequence[str], *, required: bool) -> str | None:
    """The host with its port, in lower case. An absolute target overrides the header."""
    if len(lines) > 1 or (required and not lines):
        raise Refusal(of_type("malformed-request", "Send one Host header."))
    authority = split(target)[0]
    if authority is None:
        authority = lines[0] if lines else None
    return None if authority is None else _checked(authority)


@lru_cache(64)
def _checked(authority: str) -> str:
    if AUTHORITY.fullmatch(authority) is None:
        raise Refusal(of_type("malformed-request", f'"{authority}" is no host with a port.'))
    return authority.lower()


@lru_cache(64)
def is_ours(host: str, names: frozenset[str]) -> bool:
    """An address literal, localhost, or a configured name: this stops DNS rebinding."""
    found = AUTHORITY.fullmatch(host)
    name = found[1] if found else host
    return name == "localhost" or name in names or host in names or _is_address(name)


@lru_cache(64)
def _is_address(name: str) -> bool:
    try:
        if name.startswith("["):
            ipaddress.IPv6Address(name[1:-1])
        else:
            ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True
