"""How files are called in an archive that may be opened on any system. Pure."""

import re
from dataclasses import dataclass, field

# What no Windows takes, and what would leave the folder that an archive is opened in.
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?")


def safe(name: str) -> str:
    """One part of a path. Names that are fine everywhere stay as they are."""
    made = FORBIDDEN.sub("_", name)
    kept = made.rstrip(". ")
    made = kept + "_" * (len(made) - len(kept))
    return "_" + made if DEVICES.fullmatch(made) else made


@dataclass(slots=True)
class MemberNames:
    """No two names of one archive are the same, also where case does not count."""

    _taken: set[str] = field(default_factory=set)

    def of(self, parts: tuple[str, ...], *, is_folder: bool) -> str:
        name = "/".join(safe(part) for part in parts)
        if is_folder:
            return name + "/"
        stem, dot, ending = name.rpartition(".")
        stem, ending = (stem, dot + ending) if stem and "/" not in ending else (name, "")
        free, number = name, 1
        while free.casefold() in self._taken:
            number += 1
            free = f"{stem} ({number}){ending}"
        self._taken.add(free.casefold())
        return free
