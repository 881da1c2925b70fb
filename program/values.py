"""The kinds of values that several settings share: sizes, times, hosts, folders, who and rights.

Knows no key by name.
"""

from typing import Annotated

from program import kinds
from program.kinds import DAY, Choice, FolderText, Many, Network, Quantity, Text, Whole
from uploads.names import Path

FOLDER = r"/|/(?!\.{1,2}/)[^/\x00-\x1f]+(/(?!\.{1,2}/)[^/\x00-\x1f]+)*/"
PORT = r"(6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3})"
MEDIA_TYPE = r"[a-z0-9!#$&^_.+-]+/(\*|[a-z0-9!#$&^_.+-]+)"
WHO = r"anonymous|users|(user|token):[^\s:]+"

Count = Annotated[int, Whole(1, 1_000_000)]
CountOrNone = Annotated[
    int | None, Quantity({"": 1}, "files", "a whole number", 1, whole=True, none=True)
]
Size = Annotated[int, kinds.size()]
SizeOrNone = Annotated[int | None, kinds.size(1, none=True)]
Duration = Annotated[float, kinds.duration()]
Pause = Annotated[float, kinds.duration(0.05, DAY)]
Period = Annotated[float, kinds.duration(1.0)]
Networks = Annotated[tuple[str, ...], Many(Network())]
HostNames = Annotated[
    tuple[str, ...],
    Many(Text(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", 'a host name in small letters, without ":port"')),
]
Origins = Annotated[
    tuple[str, ...],
    Many(Text(r"https?://[^/\s*]+", 'an origin such as "https://app.example", without a path')),
]
MediaTypes = Annotated[
    tuple[str, ...],
    Many(Text(MEDIA_TYPE, 'a media type such as "image/png" or "image/*", in small letters')),
]
ScannerAddress = Annotated[
    str,
    Text(
        r"|/[^\x00]+|([^\s/:\[\]]+|\[[0-9a-fA-F:.]+\]):" + PORT,
        'the path of a socket such as "/run/clamav/clamd.ctl", or "host:port"',
    ),
]
# A shell follows "~" at the beginning of a word alone, so not in --data=~/files.
DataFolder = Annotated[
    str,
    Text(r"(?!~(/|$))(\S|\S.*\S)", 'a folder that is not empty; for "~" write what it stands for'),
]
FolderPath = Annotated[str, FolderText(FOLDER, 'a folder such as "/inbox/", from the root on')]
Who = Annotated[
    tuple[str, ...],
    Many(Text(WHO, '"anonymous", "users", "user:<name>" or "token:<name>"'), least=1),
]
Rights = Annotated[
    tuple[str, ...], Many(Choice(("list", "read", "create", "replace", "delete")), least=1)
]


def place_of(folder: str) -> str:
    """What is there is ruled by one entry: `/Inbox/` and `/inbox/` are one place."""
    return f"/{Path(tuple(folder.split('/')[1:-1])).folded}/".replace("//", "/")
