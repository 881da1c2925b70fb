"""Who is asked for what: the servers of the comparison, as they are configured there.

Of copyparty there are two: as it comes a PUT to a taken name is stored under another, and with
`--daw`, which WebDAV clients need, it replaces.
"""

from collections.abc import Sequence

from bench.peers.servers import CEILING, SERVERS, Server, copyparty

TUNED = "nginx tuned"
AS_IT_COMES = Server("copyparty as it comes", "SHA-512", "no", copyparty("--wram"))
STORING = tuple(one for one in SERVERS if one.name not in {CEILING, TUNED})
RACING = (*(one for one in STORING if one.put == "put"), AS_IT_COMES)


def chosen(servers: Sequence[Server], only: Sequence[str]) -> list[Server]:
    return [one for one in servers if not only or one.name in only]
