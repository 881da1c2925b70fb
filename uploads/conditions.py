"""The conditions of a request, as the rules see them: sets of ETags, or any version at all.

ETags are opaque strings with their double quotes, as `files.Version.etag` gives them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tags:
    """What If-Match or If-None-Match names: `*`, or strong and weak tags."""

    any: bool = False
    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Condition:
    if_match: Tags | None = None
    if_none_match: Tags | None = None

    def holds(self, current: str | None) -> bool:
        return self.if_match_holds(current) and self.if_none_match_holds(current)

    def if_match_holds(self, current: str | None) -> bool:
        """RFC 9110 section 13.1.1: by strong comparison, so that a weak tag never matches."""
        if self.if_match is None:
            return True
        return current is not None and (self.if_match.any or current in self.if_match.strong)

    def if_none_match_holds(self, current: str | None) -> bool:
        """RFC 9110 section 13.1.2: by weak comparison."""
        if self.if_none_match is None or current is None:
            return True
        named = self.if_none_match
        return not (named.any or current in named.strong or current in named.weak)


UNCONDITIONAL = Condition()
