"""What was told, and what must be there then: the invariants.

1: what was acknowledged is there, byte for byte, as the version that was told. 2: what was not is
there whole, or not at all. 3: no row without its bytes. 4: one winner for each condition.
5: versions only go up. 6: nothing is left over. 7: the server answers again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Deed:
    """A change on its way. `becomes`: the digest of what will stand there; None: nothing.
    `arrives`: the uploads in pieces that may end with it, with a space between.
    """

    name: str
    becomes: str | None
    begins: bool
    leaves: str | None
    settles: str | None
    arrives: str | None
    etag: str | None


@dataclass
class Seen:
    """What a start after the crash finds."""

    names: dict[str, tuple[str, int]]
    versions: dict[str, str]
    parked: dict[str, str]
    offsets: dict[str, int]
    findings: list[str]
    litter: list[str]
    descriptors: list[str]
    stuck: list[str]
    probe: int
    seconds: float


@dataclass
class Ledger:
    stands: dict[str, tuple[str | None, int]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    parked: dict[str, str] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)
    open: dict[str, Deed] = field(default_factory=dict)
    uncertain: list[Deed] = field(default_factory=list)
    sent: set[str] = field(default_factory=set)
    won: set[tuple[str, str]] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    highest: int = 0
    acknowledged: int = 0
    collected: bool = False

    def hear(self, said: Iterable[list[Any]]) -> None:
        """All that one process said until it ended."""
        for kind, *words in said:
            match kind:
                case "doing":
                    self._doing(*words)
                case "done":
                    self._done(*words)
                case "arrived":
                    self.open.pop(str(words[0]))
                    self.offsets[words[1]] = words[2]
                    self.acknowledged += 1
                case "parked":
                    deed = self.open.pop(str(words[0]))
                    self.parked[words[1]] = str(deed.becomes)
                case "unsettled":
                    self.uncertain.append(self.open.pop(str(words[0])))
                case "failed":
                    self._failed(self.open.pop(str(words[0])))
                case "refused":
                    self.open.pop(str(words[0]))
                case "crashed" | "broke":
                    self.broken.append(" ".join(map(str, words)))
                case "collecting":
                    self.collected = True
                case _:
                    pass
        self.uncertain += self.open.values()
        self.open.clear()

    def faults(self, seen: Seen) -> list[str]:
        found = [f"broken: {one}" for one in self.broken]
        for name in {*self.stands, *seen.names} - {"probe"}:
            found += self._of_name(name, seen)
        leaving = {deed.leaves for deed in self.uncertain}
        for version, told in self.versions.items():
            there = seen.versions.get(version)
            may_be_gone = self.collected or version.rpartition(":")[0] in leaving
            if there not in {told, None} or (there is None and not may_be_gone):
                found.append(f"1: version {version} is {there}, and {told} was told")
        found += self._of_uploads(seen)
        found += [f"3: {one}" for one in seen.findings]
        found += [f"6: {one} is left over" for one in seen.litter]
        found += [f"6: {one} stays open" for one in seen.descriptors]
        found += [f"7: {one} cannot be gone on with" for one in seen.stuck]
        if seen.probe <= self.highest:
            found.append(f"5: {seen.probe} comes after {self.highest}")
        return found

    def _doing(self, number: int, name: str, becomes: str | None, more: dict[str, Any]) -> None:
        self.open[str(number)] = Deed(name, becomes, **more)
        if becomes:
            self.sent.add(becomes)

    def _done(self, number: int, version: int) -> None:
        deed = self.open.pop(str(number))
        self.acknowledged += 1
        if deed.etag and (deed.name, deed.etag) in self.won:
            self.broken.append(f"4: two changes of {deed.name} were told that {deed.etag} held")
        if deed.etag:
            self.won.add((deed.name, deed.etag))
        before = self.stands.get(deed.name, (None, 0))
        if version > before[1]:
            self.stands[deed.name] = (deed.becomes, version)
        if deed.leaves:
            self.stands[deed.leaves] = (None, version)
            self._hand_over(deed.leaves, deed.name)
        elif deed.becomes:
            self.versions[f"{deed.name}:{version}"] = deed.becomes
        if deed.settles:
            self.parked.pop(deed.settles, None)
        for id_ in (deed.arrives or "").split():
            self.offsets.pop(id_, None)
        self.highest = max(self.highest, version)

    def _hand_over(self, source: str, target: str) -> None:
        """Versions go with what is moved."""
        for version in [one for one in self.versions if one.startswith(f"{source}:")]:
            number = version.rpartition(":")[2]
            self.versions[f"{target}:{number}"] = self.versions.pop(version)

    def _failed(self, deed: Deed) -> None:
        """Of what arrives in pieces all that came may be kept, and the end be there or not."""
        if deed.arrives:
            self.uncertain.append(deed)

    def _of_name(self, name: str, seen: Seen) -> Iterable[str]:
        told, number = self.stands.get(name, (None, 0))
        there, version = seen.names.get(name, (None, 0))
        open_ = [deed for deed in self.uncertain if name in {deed.name, deed.leaves}]
        possible = {None if name == deed.leaves else deed.becomes for deed in open_}
        if any(deed.begins for deed in open_):
            possible.discard(None)
        if there == told and (there is None or version == number):
            return
        if there not in possible or (there is not None and version <= number):
            rank = 2 if there not in self.sent else 1
            yield f"{rank}: {name} is {there}, version {version}; {told}, {number} was told"

    def _of_uploads(self, seen: Seen) -> Iterable[str]:
        settling = {deed.settles for deed in self.uncertain}
        arriving = {id_ for deed in self.uncertain for id_ in (deed.arrives or "").split()}
        for id_, told in self.parked.items():
            there = seen.parked.get(id_)
            if there != told and not (there is None and id_ in settling):
                yield f"1: {told} was parked, and {there} is there"
        for id_, sent in seen.parked.items():
            if sent not in self.sent:
                yield f"2: {id_} was parked otherwise than it was sent"
        for id_, offset in self.offsets.items():
            come = seen.offsets.get(id_)
            if (come is None and id_ not in arriving) or (come is not None and come < offset):
                yield f"1: {offset} bytes of {id_} were told to have come, {come} are there"
