"""For whom a reverse proxy speaks: the peer and X-Forwarded-For -> the address of the client. Pure.

Of the other X-Forwarded headers one is heard, whether the client came by https, which decides about
a cookie; the rest is believed from nobody: we build no absolute address.
"""

import ipaddress
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
# As proxies write a hop (RFC 7239 section 6): an address, or one with its port.
HOP = re.compile(r"\[([0-9a-fA-F:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Proxies:
    trusted: tuple[Network, ...]

    @classmethod
    def of(cls, networks: Iterable[str]) -> "Proxies":
        return cls(tuple(_network(one) for one in networks))

    def client(self, peer: str, forwarded: Collection[str]) -> str:
        """The last address of the chain that is no proxy of ours, as that one cannot be made up.

        What stands before something unreadable is as doubtful as that, so the search ends there.
        """
        found = _address(peer)
        if found is None or not forwarded:
            return _alone(peer)
        hops = [hop for line in forwarded for hop in line.split(",")]
        while hops and self._trusts(found):
            before = _hop(hops.pop().strip())
            if before is None:
                break
            found = before
        return str(found)

    def speaks_for_others(self, peer: str) -> bool:
        found = _address(peer)
        return found is not None and self._trusts(found)

    def came_by_https(self, peer: str, protocols: Collection[str]) -> bool:
        """What the proxy next to us says comes last."""
        said = ",".join(protocols).rpartition(",")[2].strip().lower()
        return said == "https" and self.speaks_for_others(peer)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self.trusted)


NO_PROXIES = Proxies(())


@lru_cache(1024)
def _address(text: str) -> Address | None:
    """An IPv4 address is the same whichever socket it came in by. Asked again and again."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@lru_cache(1024)
def _alone(peer: str) -> str:
    """Of a chain that has nobody else in it, as nearly all are."""
    found = _address(peer)
    return peer if found is None else str(found)


def _hop(text: str) -> Address | None:
    found = HOP.fullmatch(text)
    return None if "%" in text else _address((found[1] or found[2]) if found else text)


def _network(text: str) -> Network:
    network = ipaddress.ip_network(text)
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(MAPPED):
        within = network.prefixlen - MAPPED.prefixlen
        return ipaddress.IPv4Network((int(network.network_address) & 0xFFFFFFFF, within))
    return network
